"""The dossier: what counts as accepted, whose documents may be reused, and when it is closed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from contracts import documents
from contracts.cases import CaseId
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.options import dossier
from tests import desk
from tests.desk import APPROVER, MANAGER, OTHER, REQUESTER, TRUST, Desk

AT_OTHER = desk.person("northern", "trust_requester", trust=OTHER)


@pytest.fixture
def at_desk(app: Flask) -> Iterator[Desk]:
    agreement_id = desk.open_desk(akershus="exercised", nord_norge="exercised")
    with db.write() as session:
        yield Desk(session, agreement_id)
        session.rollback()


def item_of(at: Desk, case_id: CaseId, code: str) -> dossier.DossierItem:
    return next(one for one in dossier.items(at.session, at.case(case_id)) if one.code == code)


def test_every_item_is_listed_with_the_step_that_needs_it(at_desk: Desk) -> None:
    case_id = at_desk.draft()
    listed = dossier.items(at_desk.session, at_desk.case(case_id))
    assert len(listed) == 13
    assert {one.status for one in listed} == {"missing"}
    assert [one.code for one in listed if one.due_by == "go_live"] == ["integration", "validation_report", "training"]


def test_an_offered_document_counts_once_it_is_accepted(at_desk: Desk) -> None:
    case_id = at_desk.draft()
    made = dossier.offer(
        at_desk.session,
        case=at_desk.case(case_id),
        item="dpia",
        filename="dpia.pdf",
        content=b"%PDF",
        facts={},
        actor=REQUESTER,
        now=at_desk.now,
    )
    assert (made.status, made.version) == ("offered", 1)
    at_desk.accept(case_id, "dpia")
    assert item_of(at_desk, case_id, "dpia").status == "accepted"
    case = at_desk.case(case_id)
    assert made.entry_id is not None
    with pytest.raises(Conflict, match="in the meantime"):
        dossier.judge(
            at_desk.session,
            case=case,
            item="dpia",
            seen=made.entry_id,
            status="refused",
            comment="x",
            actor=REQUESTER,
            now=at_desk.now,
        )


@pytest.mark.parametrize("reused", [False, True], ids=["its own document", "another trust's"])
def test_who_files_a_document_does_not_accept_it(at_desk: Desk, reused: bool) -> None:
    case_id = at_desk.draft()
    at_desk.file(case_id, "dpia")
    if reused:
        basis = item_of(at_desk, case_id, "dpia").entry_id
        assert basis is not None
        case_id = at_desk.draft(trust="vestre-viken", algorithm="ct-pe", actor=MANAGER)
        dossier.reuse(
            at_desk.session,
            case=at_desk.case(case_id),
            item="dpia",
            basis_id=basis,
            facts={},
            actor=MANAGER,
            now=at_desk.now,
        )
        with pytest.raises(Denied, match="who filed"):
            at_desk.accept(case_id, "dpia", actor=MANAGER)
        return
    with pytest.raises(Denied, match="who filed"):
        at_desk.accept(case_id, "dpia", actor=REQUESTER)


def test_a_refusal_says_why(at_desk: Desk) -> None:
    case_id = at_desk.draft()
    at_desk.file(case_id, "dpia")
    entry = item_of(at_desk, case_id, "dpia").entry_id
    assert entry is not None
    judged = {"case": at_desk.case(case_id), "item": "dpia", "seen": entry, "actor": REQUESTER, "now": at_desk.now}
    with pytest.raises(InvalidInput):
        dossier.judge(at_desk.session, status="refused", comment=" ", **judged)  # type: ignore[arg-type]
    dossier.judge(at_desk.session, status="refused", comment="Unsigned", **judged)  # type: ignore[arg-type]
    assert item_of(at_desk, case_id, "dpia").status == "refused"


def test_an_item_that_does_not_say_what_it_should_is_lacking(at_desk: Desk) -> None:
    case_id = at_desk.draft()
    dossier.offer(
        at_desk.session,
        case=at_desk.case(case_id),
        item="processor_agreement",
        filename="dpa.pdf",
        content=b"%PDF",
        facts={"place": "Norway"},
        actor=REQUESTER,
        now=at_desk.now,
    )
    assert item_of(at_desk, case_id, "processor_agreement").lacking == ("sub_processors",)
    with pytest.raises(InvalidInput, match="does not say that"):
        dossier.offer(
            at_desk.session,
            case=at_desk.case(case_id),
            item="dpia",
            filename="a.pdf",
            content=b"%PDF",
            facts={"place": "x"},
            actor=REQUESTER,
            now=at_desk.now,
        )


def test_another_trusts_accepted_document_is_a_basis_that_needs_an_acceptance_of_its_own(at_desk: Desk) -> None:
    first = at_desk.draft()
    at_desk.file(first, "dpia")
    second = at_desk.draft(OTHER, actor=AT_OTHER)
    case = at_desk.case(second)
    (found,) = dossier.reusable(at_desk.session, case, "dpia")
    basis, sha256 = found.entry_id, found.sha256
    reused = dossier.reuse(
        at_desk.session, case=case, item="dpia", basis_id=basis, facts={}, actor=AT_OTHER, now=at_desk.now
    )
    assert (reused.status, reused.sha256, reused.basis_id) == ("offered", sha256, basis)
    at_desk.accept(second, "dpia")
    item = item_of(at_desk, first, "dpia")
    assert item.document_id is not None
    documents.add_version(
        at_desk.session,
        document_id=item.document_id,
        filename="dpia.txt",
        content=b"newer there",
        note=None,
        actor=REQUESTER,
        now=at_desk.now,
    )
    assert item_of(at_desk, first, "dpia").status == "offered"
    assert (item_of(at_desk, second, "dpia").status, item_of(at_desk, second, "dpia").sha256) == ("accepted", sha256)


def test_what_is_not_accepted_is_no_basis(at_desk: Desk) -> None:
    first, second = at_desk.draft(), at_desk.draft(OTHER, actor=AT_OTHER)
    made = dossier.offer(
        at_desk.session,
        case=at_desk.case(first),
        item="dpia",
        filename="a.txt",
        content=b"x",
        facts={},
        actor=REQUESTER,
        now=at_desk.now,
    )
    assert made.entry_id is not None
    assert dossier.reusable(at_desk.session, at_desk.case(second), "dpia") == []
    with pytest.raises(NotFound):
        dossier.reuse(
            at_desk.session,
            case=at_desk.case(second),
            item="dpia",
            basis_id=made.entry_id,
            facts={},
            actor=AT_OTHER,
            now=at_desk.now,
        )


def test_who_may_not_draft_for_a_trust_files_nothing_there(at_desk: Desk) -> None:
    case_id = at_desk.draft()
    for actor in (AT_OTHER, APPROVER, desk.CONTROLLER):
        with pytest.raises(Denied):
            at_desk.file(case_id, "dpia", actor=actor)


def test_whoever_approved_does_not_change_the_dossier(at_desk: Desk) -> None:
    case_id = at_desk.bring(at_desk.prepared(), "submitted")
    both = desk.person("both", "approver", "contract_manager")
    at_desk.act(case_id, "approve", both)
    with pytest.raises(Denied, match="who approved"):
        at_desk.file(case_id, "dpia", actor=both)


def test_the_dossier_of_a_case_that_is_over_is_closed(at_desk: Desk) -> None:
    case_id = at_desk.bring(at_desk.prepared(), "withdrawn")
    with pytest.raises(Conflict, match="closed"):
        at_desk.file(case_id, "dpia", actor=MANAGER)


def test_an_unknown_item_is_named_with_those_there_are(at_desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="none of decision_and_funding"):
        dossier.offer(
            at_desk.session,
            case=at_desk.case(CaseId("option", TRUST)),
            item="poem",
            filename="a.txt",
            content=b"x",
            facts={},
            actor=REQUESTER,
            now=at_desk.now,
        )
