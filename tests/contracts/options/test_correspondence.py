"""Letters about cases: made once by their step, kept byte for byte, answered by the vendor; and the board."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from contracts import documents
from contracts.cases import CaseId, list_cases
from contracts.errors import Conflict, Denied, InvalidInput
from contracts.extensions import db
from contracts.models import AuditEvent
from contracts.options import board as option_board
from contracts.options import letters as correspondence
from contracts.terms import workflow
from tests import desk
from tests.desk import APPROVER, MANAGER, NOW, OTHER, REQUESTER, TRUST, Desk

OPTION = CaseId("option", OTHER)
AT_OTHER = desk.person("northern", "trust_requester", trust=OTHER)
TODAY = NOW.date()


@pytest.fixture
def at_desk(app: Flask) -> Iterator[Desk]:
    """A desk with an exercised option at one trust and a listed one at another; nothing of it is kept."""
    agreement_id = desk.open_desk(akershus="exercised", nord_norge="listed")
    with db.write() as session:
        yield Desk(session, agreement_id)
        session.rollback()


def letters(at: Desk, case_id: CaseId, reader: object = MANAGER) -> list[correspondence.Item]:
    return correspondence.correspondence(at.session, at.case(case_id), reader)  # type: ignore[arg-type]


def ordered(at: Desk) -> CaseId:
    case_id = at.prepared()
    at.bring(case_id, "ordered")
    return case_id


def test_an_order_files_one_letter_whose_hash_the_log_names(at_desk: Desk) -> None:
    case_id = at_desk.prepared()
    at_desk.bring(case_id, "approved")
    assert letters(at_desk, case_id) == []
    at_desk.act(case_id, "order", MANAGER)
    (letter,) = letters(at_desk, case_id)
    assert letter.kind == correspondence.ORDER
    assert letter.document.trust == TRUST
    version, content = documents.version_bytes(at_desk.session, letter.document.id, 1, actor=MANAGER)
    assert content.startswith(b"%PDF-")
    at_desk.session.flush()
    (told,) = at_desk.session.scalars(select(AuditEvent).where(AuditEvent.action == "activation.order"))
    assert version.sha256 in str(told.data)


def test_exercising_an_option_files_its_notice(at_desk: Desk) -> None:
    at_desk.file(OPTION, actor=AT_OTHER)
    for event, actor in (("review", AT_OTHER), ("submit", AT_OTHER), ("approve", APPROVER), ("exercise", MANAGER)):
        at_desk.act(OPTION, event, actor)
    (letter,) = letters(at_desk, OPTION)
    assert (letter.kind, letter.document.newest.filename) == (correspondence.NOTICE, f"opsjonsmelding-{OTHER}.pdf")


def test_a_letter_is_not_a_letter_of_another_trust_to_its_reader(at_desk: Desk) -> None:
    case_id = ordered(at_desk)
    assert len(letters(at_desk, case_id, REQUESTER)) == 1
    assert letters(at_desk, case_id, AT_OTHER) == []


def test_what_the_vendor_confirms_is_kept_with_the_letter(at_desk: Desk) -> None:
    case_id = ordered(at_desk)
    confirm(at_desk, case_id, content=b"yes")
    again = confirm(at_desk, case_id, content=b"yes, corrected")
    assert [one.kind for one in letters(at_desk, case_id)] == [correspondence.ORDER, correspondence.CONFIRMATION]
    assert [version.number for version in again.versions] == [1, 2]


@pytest.mark.parametrize(
    ("received_on", "code"),
    [(TODAY + timedelta(days=1), "in_future"), (TODAY - timedelta(days=1), "before_letter")],
    ids=["tomorrow", "before the order"],
)
def test_a_confirmation_comes_between_the_letter_and_today(at_desk: Desk, received_on: date, code: str) -> None:
    case_id = ordered(at_desk)
    with pytest.raises(InvalidInput) as error:
        confirm(at_desk, case_id, received_on=received_on)
    assert [each.code for each in error.value.errors] == [code]


def test_nothing_is_confirmed_that_was_not_sent_and_a_requester_confirms_nothing(at_desk: Desk) -> None:
    case_id = at_desk.prepared()
    with pytest.raises(Conflict, match="nothing was sent"):
        confirm(at_desk, case_id)
    at_desk.bring(case_id, "ordered")
    with pytest.raises(Denied):
        confirm(at_desk, case_id, actor=REQUESTER)


def confirm(
    at: Desk, case_id: CaseId, received_on: date = TODAY, content: bytes = b"yes", actor: object = MANAGER
) -> documents.FiledDocument:
    return correspondence.confirm(
        at.session,
        case=at.case(case_id),
        received_on=received_on,
        filename="bekreftelse.txt",
        content=content,
        actor=actor,  # type: ignore[arg-type]
        now=NOW,
        today=TODAY,
    )


def test_the_board_counts_what_runs_and_tells_the_next_step(at_desk: Desk) -> None:
    ordered(at_desk)
    rows = option_board.board(list_cases(at_desk.session, agreement_id=at_desk.agreement_id), TODAY)
    of = {row.option.trust: row for row in rows}
    assert (of[TRUST].days_left, of[TRUST].live, of[TRUST].under_way, of[TRUST].next) == (None, 0, 1, None)
    deadline = of[OTHER].option.deadline
    assert deadline is not None
    assert of[OTHER].days_left == (deadline - TODAY).days
    assert of[OTHER].next == option_board.Next("review", ("contract_manager", "trust_requester"))


@pytest.mark.parametrize("kind", workflow.STATES)
def test_every_step_that_leads_on_is_a_step_of_the_table(kind: str) -> None:
    known = {rule.event for rule in workflow.RULES}
    assert set(option_board.ONWARD) <= known
    assert any(rule.kind == kind and rule.event in option_board.ONWARD for rule in workflow.RULES)
