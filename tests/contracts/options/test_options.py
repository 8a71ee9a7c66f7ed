"""Options and activations through their use cases: every state × event × role, guards on real rows, traps, races by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from contracts import agreements, audit, ceiling, documents, price_books
from contracts.cases import CaseId, find_case, list_cases
from contracts.errors import Conflict, Denied, InvalidInput, NotFound, Refused
from contracts.extensions import db
from contracts.models import ActivationSlot, AuditEvent
from contracts.models.base import Base
from contracts.options import catalogue, dossier, funding
from contracts.options import steps as options
from contracts.people import approval_limit
from contracts.people.access import CALENDAR, Actor
from contracts.terms import workflow
from tests import desk
from tests.desk import ALGORITHM, APPROVER, EVERYBODY, MANAGER, OTHER, REQUESTER, SECOND, START, TRUST, Desk

OPTION = CaseId("option", OTHER)
AT_OTHER = desk.person("northern", "trust_requester", trust=OTHER)


@pytest.fixture
def at_desk(app: Flask) -> Iterator[Desk]:
    """A desk with an exercised option at one trust and a listed one at another; nothing of it is kept."""
    agreement_id = desk.open_desk(akershus="exercised", nord_norge="listed")
    with db.write() as session:
        yield Desk(session, agreement_id)
        session.rollback()


def whole_database(session: Session) -> str:
    """Hash every row of every table."""
    digest = hashlib.sha256()
    for table in Base.metadata.sorted_tables:
        for row in session.execute(text(f"SELECT * FROM {table.name} ORDER BY 1, 2")):
            digest.update(repr(tuple(row)).encode())
    return digest.hexdigest()


def count_events(session: Session) -> int:
    session.flush()
    return session.scalar(select(func.count()).select_from(AuditEvent)) or 0


def changed_rows(session: Session) -> int:
    """Give how many rows this connection has written so far, taken back or not."""
    connection: Any = session.connection().connection.driver_connection
    written: int = connection.total_changes
    return written


def attempt(at: Desk, case_id: CaseId, event: str, actor: Actor) -> str:
    """Try a step and tell what came of it."""
    more: dict[str, Any] = {"at": desk.LATE} if event == "lapse" else {}
    if event == "go_live":
        more["on"] = START
    if event == "end" and case_id.kind == "activation":
        more["on"] = date(2027, 3, 1)
    try:
        at.act(case_id, event, actor, **more)
    except Denied:
        return "denied"
    except Refused as error:
        return ", ".join(refusal.code for refusal in error.refusals)
    return "taken"


@pytest.mark.parametrize(
    ("kind", "state"), [(kind, state) for kind in workflow.STATES for state in workflow.STATES[kind]]
)
def test_every_event_by_every_role_is_taken_with_one_audit_event_or_changes_nothing(
    app: Flask, kind: str, state: str
) -> None:
    agreement_id = desk.open_desk(akershus="listed" if kind == "option" else "exercised")
    with db.write() as session:
        try_everything(Desk(session, agreement_id), kind, state)
        session.rollback()


def try_everything(at_desk: Desk, kind: str, state: str) -> None:
    session = at_desk.session
    case_id = CaseId("option", TRUST) if kind == "option" else at_desk.prepared()
    if kind == "option":
        at_desk.file(case_id)
    at_desk.bring(case_id, state)
    before, events = whole_database(session), count_events(session)
    changes = changed_rows(session)
    taken = set()
    for event in workflow.events_of(case_id.kind):
        rule = workflow.rule_of(case_id.kind, event)
        assert rule is not None
        for role, actor in EVERYBODY.items():
            point = session.begin_nested()
            outcome = attempt(at_desk, case_id, event, actor)
            legal = state in rule.sources and role in rule.roles
            if legal:
                assert outcome == "taken", (event, role, outcome)
                assert count_events(session) == events + 1, (event, role)
                assert at_desk.case(case_id).state == rule.target
                taken.add(event)
                point.rollback()
                changes = changed_rows(session)
            else:
                assert outcome == ("denied" if role not in rule.roles else "wrong_state"), (event, role, outcome)
                now_changed = changed_rows(session)
                assert now_changed == changes, (event, role)
                point.rollback()
    assert taken == {rule.event for rule in workflow.events_from(case_id.kind, state)}
    assert whole_database(session) == before


def test_an_activation_goes_from_draft_to_the_row_that_is_rated_and_to_its_end(at_desk: Desk) -> None:
    case_id = at_desk.bring(at_desk.prepared(), "live")
    (row,) = [row for row in agreements.activations(at_desk.session, at_desk.agreement_id) if row.trust == TRUST]
    assert (row.algorithm, row.go_live, row.end) == (ALGORITHM, START, None)
    assert row.validation_from == date(2026, 10, 15)
    at_desk.act(case_id, "end", MANAGER, on=date(2027, 3, 1))
    (row,) = [row for row in agreements.activations(at_desk.session, at_desk.agreement_id) if row.trust == TRUST]
    assert row.end == date(2027, 3, 1)


def test_an_activation_that_was_taken_over_goes_on_in_the_workflow(at_desk: Desk) -> None:
    cases = [
        case for case in list_cases(at_desk.session, agreement_id=at_desk.agreement_id) if case.kind == "activation"
    ]
    assert [(case.trust, case.state) for case in cases] == [("vestre-viken", "live"), ("sykehuset-ostfold", "live")]
    at_desk.act(cases[0].id, "suspend", MANAGER)
    at_desk.certify("xray-skeletal")
    at_desk.act(cases[0].id, "resume", MANAGER)
    ended = at_desk.act(cases[0].id, "end", MANAGER, on=date(2026, 12, 1))
    assert ended.state == "ended"
    rows = agreements.activations(at_desk.session, at_desk.agreement_id)
    assert {row.trust: row.end for row in rows} == {"vestre-viken": date(2026, 12, 1), "sykehuset-ostfold": None}


def test_an_options_course_is_what_the_agreement_tells_of_it(at_desk: Desk) -> None:
    at_desk.file(OPTION, actor=AT_OTHER)
    at_desk.act(OPTION, "review", AT_OTHER)
    at_desk.act(OPTION, "submit", AT_OTHER)
    at_desk.act(OPTION, "approve", APPROVER)
    at_desk.act(OPTION, "exercise", MANAGER)
    holders = {one.party.code: one for one in agreements.option_holders(at_desk.session, at_desk.agreement_id)}
    assert [step.state for step in holders[OTHER].states] == [
        "listed",
        "under_review",
        "submitted",
        "approved",
        "exercised",
    ]


def refused(act: Callable[[], Any]) -> list[str]:
    with pytest.raises(Refused) as caught:
        act()
    return [refusal.code for refusal in caught.value.refusals]


def test_a_tenth_trust_is_refused_whoever_asks(at_desk: Desk) -> None:
    at_desk.certify()
    for actor in (MANAGER, desk.person("own", "trust_requester", trust="helse-bergen")):
        assert refused(lambda actor=actor: at_desk.draft("helse-bergen", actor=actor)) == ["not_an_option_holder"]


def test_an_activation_waits_for_its_trusts_option(at_desk: Desk) -> None:
    at_desk.certify()
    at_desk.fund(OTHER)
    case_id = at_desk.draft(OTHER, actor=AT_OTHER)
    at_desk.file(case_id, actor=AT_OTHER)
    assert refused(lambda: at_desk.act(case_id, "submit", AT_OTHER)) == ["option_not_exercised"]


def test_a_missing_paper_and_an_expired_certificate_are_told_together(at_desk: Desk) -> None:
    at_desk.certify(expires_on=date(2026, 10, 31))
    at_desk.fund()
    case_id = at_desk.draft()
    items = [item for item in workflow.required_items("activation", "submit") if item != "dpia"]
    at_desk.file(case_id, *items)
    assert refused(lambda: at_desk.act(case_id, "submit", REQUESTER)) == ["certificate_not_valid", "item_not_accepted"]


def test_a_year_without_approved_funding_keeps_a_plan_back_at_every_step_to_its_order(at_desk: Desk) -> None:
    at_desk.certify()
    case_id = at_desk.draft()
    at_desk.file(case_id)

    def fund(year: int, amount: str) -> None:
        funding.set_budget(
            at_desk.session,
            trust=TRUST,
            cost_centre=desk.COST_CENTRE,
            year=year,
            amount=Decimal(amount),
            approved_on=date(2026, 1, 10),
            reference="Board 3/2026",
            actor=desk.CONTROLLER,
            now=at_desk.now,
        )

    def told(event: str, actor: Actor) -> list[tuple[str, str, str]]:
        with pytest.raises(Refused) as caught:
            at_desk.act(case_id, event, actor)
        return [(one.code, one.numbers["year"], one.numbers["cost"]) for one in caught.value.refusals]

    assert told("submit", REQUESTER) == [
        ("year_not_funded", "2026", "60000.00"),
        ("year_not_funded", "2027", "60000.00"),
    ]
    fund(2026, "60000.00")
    assert told("submit", REQUESTER) == [("year_not_funded", "2027", "60000.00")]
    fund(2027, "0.01")
    at_desk.act(case_id, "submit", REQUESTER)
    newest = at_desk.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
    assert [one["code"] for one in newest.data["warnings"]] == ["funding_below_cost"]
    fund(2027, "0.00")
    assert told("approve", APPROVER) == [("year_not_funded", "2027", "60000.00")]
    fund(2027, "60000.00")
    at_desk.act(case_id, "approve", APPROVER)
    fund(2026, "0.00")
    assert told("order", MANAGER) == [("year_not_funded", "2026", "60000.00")]


def test_a_plan_that_starts_before_any_price_is_not_submitted(at_desk: Desk) -> None:
    case_id = at_desk.prepared(starts_on=date(2023, 12, 31))
    assert refused(lambda: at_desk.act(case_id, "submit", REQUESTER)) == ["no_price"]


def test_nothing_goes_live_before_the_approved_day(at_desk: Desk) -> None:
    case_id = at_desk.bring(at_desk.prepared(), "validating")
    early = START - timedelta(days=1)
    assert refused(lambda: at_desk.act(case_id, "go_live", REQUESTER, on=early)) == ["before_approved_day"]
    assert at_desk.act(case_id, "go_live", REQUESTER, on=START).state == "live"


def test_a_case_takes_its_share_of_the_ceiling_once_in_every_state(at_desk: Desk) -> None:
    # 1 200 000 at most; P90 120 000 is reserved while it waits, 100 000 expected is committed once it is approved.
    case_id = at_desk.prepared()
    figures = desk.figures("120000.00", expected="100000.00")
    told = []
    for event, actor in ((None, MANAGER), ("submit", REQUESTER), ("approve", APPROVER), ("order", MANAGER)):
        if event is not None:
            at_desk.act(case_id, event, actor, **({"figures": figures} if event == "submit" else {}))
        share = ceiling.share_of(at_desk.session, at_desk.case(case_id), figures.p90)
        headroom = ceiling.standing(at_desk.session, at_desk.agreement_id).headroom
        assert event is None or share.after == headroom
        told.append((share.before, share.after))
    before = told[0][0]
    assert before is not None
    after = [before - Decimal(120_000)] * 2 + [before - Decimal(100_000)] * 2
    assert told == [(before, left) for left in after]


def test_no_step_is_true_before_the_one_before_it(at_desk: Desk) -> None:
    case_id = at_desk.prepared()
    at_desk.bring(case_id, "ordered")
    at_desk.act(case_id, "start_validation", REQUESTER, on=START + timedelta(days=3))
    early = START + timedelta(days=2)
    assert refused(lambda: at_desk.act(case_id, "go_live", REQUESTER, on=early)) == ["too_early"]
    at_desk.act(case_id, "go_live", REQUESTER, on=START + timedelta(days=3))
    for event, day in (("suspend", early), ("end", early), ("end", START + timedelta(days=3))):
        assert refused(lambda event=event, day=day: at_desk.act(case_id, event, MANAGER, on=day)) == ["too_early"]
    assert at_desk.act(case_id, "end", MANAGER, on=START + timedelta(days=4)).state == "ended"


def test_nothing_goes_live_or_ends_in_a_closed_quarter(at_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[date] = []
    monkeypatch.setattr(price_books, "_closed_until", [lambda session, agreement_id: closed[0] if closed else None])
    case_id = at_desk.bring(at_desk.prepared(), "validating")
    closed.append(START + timedelta(days=1))
    assert refused(lambda: at_desk.act(case_id, "go_live", REQUESTER, on=START)) == ["closed_past"]
    at_desk.act(case_id, "go_live", REQUESTER, on=START + timedelta(days=1))
    closed[:] = [date(2027, 3, 2)]
    assert refused(lambda: at_desk.act(case_id, "end", MANAGER, on=date(2027, 3, 1))) == ["closed_past"]
    assert at_desk.act(case_id, "end", MANAGER, on=date(2027, 3, 2)).state == "ended"


def test_a_certificate_that_expires_inside_the_ramp_is_warned_of_and_logged_and_becomes_a_deadline(
    at_desk: Desk,
) -> None:
    case_id = at_desk.prepared()
    at_desk.certify(number="NB-1", expires_on=date(2027, 1, 15))
    at_desk.act(case_id, "submit", REQUESTER)
    event = at_desk.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
    assert [one["code"] for one in event.data["warnings"]] == ["certificate_expires_soon"]
    assert event.data["warnings"][0]["numbers"]["expires_on"] == "2027-01-15"
    for step, actor in (("approve", APPROVER), ("order", MANAGER), ("start_validation", REQUESTER)):
        at_desk.act(case_id, step, actor)
    at_desk.act(case_id, "go_live", REQUESTER, on=START)
    ends = catalogue.certificate_ends(at_desk.session, at_desk.agreement_id, at_desk.now.date())
    assert (ALGORITHM, date(2027, 1, 15)) in [(one.key, one.due_on) for one in ends]


@pytest.mark.parametrize(
    ("maximum", "codes"),
    [
        pytest.param("0.00", ["above_ceiling"], id="a-maximum-of-zero-blocks"),
        pytest.param("119999.99", ["above_ceiling"], id="one-oere-short"),
        pytest.param("120000.00", [], id="exactly-enough"),
        pytest.param(None, [], id="unknown-maximum-warns"),
    ],
)
def test_the_ceiling_holds_to_the_oere(app: Flask, maximum: str | None, codes: list[str]) -> None:
    agreement_id = desk.record_agreement(desk.agreement_document(maximum))
    with db.write() as session:
        at = Desk(session, agreement_id)
        case_id = at.prepared()
        if codes:
            assert refused(lambda: at.act(case_id, "submit", REQUESTER)) == codes
        else:
            at.act(case_id, "submit", REQUESTER)
            standing = ceiling.standing(session, agreement_id)
            assert (standing.open, standing.committed) == (Decimal("120000.00"), 0)


def test_an_approval_turns_what_was_reserved_into_what_is_committed(at_desk: Desk) -> None:
    case_id = at_desk.prepared()
    at_desk.act(case_id, "submit", REQUESTER, figures=desk.figures("120000.00", "100000.00"))
    at_desk.act(case_id, "approve", APPROVER)
    standing = ceiling.standing(at_desk.session, at_desk.agreement_id)
    assert (standing.open, standing.committed, standing.headroom) == (0, Decimal(100_000), Decimal(1_100_000))
    at_desk.act(case_id, "withdraw", REQUESTER)
    assert ceiling.standing(at_desk.session, at_desk.agreement_id).headroom == Decimal(1_200_000)


def test_used_is_what_every_source_told_last(at_desk: Desk) -> None:
    post = {"agreement_id": at_desk.agreement_id, "recorded_by": "test", "now": at_desk.now}
    for kind, source, amount in (
        ("opening", "before", "10.00"),
        ("invoiced", "invoice:1", "200.00"),
        ("invoiced", "invoice:2", "-20.00"),
        ("accrued", "billing", "999.00"),
        ("accrued", "billing", "300.00"),
    ):
        assert ceiling.post(at_desk.session, kind=kind, source=source, amount=Decimal(amount), **post)  # type: ignore[arg-type]
    again = ceiling.post(at_desk.session, kind="accrued", source="billing", amount=Decimal("300.00"), **post)  # type: ignore[arg-type]
    assert not again
    assert ceiling.standing(at_desk.session, at_desk.agreement_id).used == Decimal("490.00")


def fill(at: Desk, amount: str) -> None:
    ceiling.post(
        at.session,
        agreement_id=at.agreement_id,
        kind="accrued",
        source="billing",
        amount=Decimal(amount),
        recorded_by="test",
        now=at.now,
    )


def test_an_override_takes_a_contract_manager_and_another_approver_and_is_logged_with_its_numbers(
    at_desk: Desk,
) -> None:
    fill(at_desk, "1100000.00")
    case_id = at_desk.prepared()
    session = at_desk.session

    def submit() -> Any:
        return at_desk.act(case_id, "submit", REQUESTER)

    assert refused(submit) == ["above_ceiling"]
    asked: dict[str, Any] = {"request": Decimal("120000.00"), "now": at_desk.now}
    both = desk.person("both", "contract_manager", "approver")
    with pytest.raises(Denied):
        ceiling.ask_override(session, case=at_desk.case(case_id), reason="More", actor=REQUESTER, **asked)
    with pytest.raises(InvalidInput):
        ceiling.ask_override(session, case=at_desk.case(case_id), reason=" ", actor=both, **asked)
    made = ceiling.ask_override(session, case=at_desk.case(case_id), reason="More patients", actor=both, **asked)
    assert (made.headroom, made.known_at) == (Decimal(100_000), at_desk.now)
    assert refused(submit) == ["above_ceiling"]
    decide = {"override_id": made.id, "decision": "approved", "comment": "", "now": at_desk.now}
    with pytest.raises(Denied, match="who asked"):
        ceiling.decide_override(session, case=at_desk.case(case_id), actor=both, **decide)
    ceiling.decide_override(session, case=at_desk.case(case_id), actor=APPROVER, **decide)
    with pytest.raises(Conflict, match="decided"):
        ceiling.decide_override(session, case=at_desk.case(case_id), actor=SECOND, **decide)
    submit()
    assert ceiling.standing(session, at_desk.agreement_id).headroom == Decimal(-20_000)
    logged = session.scalars(select(AuditEvent).where(AuditEvent.action.startswith("ceiling."))).all()
    assert [event.action for event in logged] == ["ceiling.override", "ceiling.override_approved"]
    assert logged[0].data["headroom"] == "100000.00"


def test_an_override_counts_for_the_plan_and_the_amount_it_was_asked_for_only(at_desk: Desk) -> None:
    fill(at_desk, "1100000.00")
    case_id = at_desk.prepared()
    case = at_desk.case(case_id)
    made = ceiling.ask_override(
        at_desk.session, case=case, request=Decimal(120_000), reason="x", actor=MANAGER, now=at_desk.now
    )
    ceiling.decide_override(
        at_desk.session,
        case=case,
        override_id=made.id,
        decision="approved",
        comment="",
        actor=APPROVER,
        now=at_desk.now,
    )
    dearer = desk.figures("120000.01")
    assert refused(lambda: at_desk.act(case_id, "submit", REQUESTER, figures=dearer)) == ["above_ceiling"]
    options.plan_again(
        at_desk.session, case=case, starts_on=START, monthly_quantity=501, actor=REQUESTER, now=at_desk.now
    )
    assert refused(lambda: at_desk.act(case_id, "submit", REQUESTER)) == ["above_ceiling"]


def test_two_submissions_reserve_together(at_desk: Desk) -> None:
    at_desk.bring(at_desk.prepared(), "submitted")
    second = at_desk.draft("vestre-viken", ALGORITHM, actor=MANAGER)
    at_desk.file(second, actor=MANAGER)
    at_desk.fund("vestre-viken")
    too_much = desk.figures("1080000.01")
    assert refused(lambda: at_desk.act(second, "submit", MANAGER, figures=too_much)) == ["above_ceiling"]
    at_desk.act(second, "submit", MANAGER, figures=desk.figures("1080000.00"))
    assert ceiling.standing(at_desk.session, at_desk.agreement_id).headroom == 0


def test_one_algorithm_at_one_trust_is_held_by_one_case(at_desk: Desk) -> None:
    first = at_desk.bring(at_desk.prepared(), "submitted")
    second = at_desk.draft(actor=MANAGER)
    at_desk.file(second, actor=MANAGER)
    assert refused(lambda: at_desk.act(second, "submit", MANAGER)) == ["held_already"]
    at_desk.act(first, "withdraw", REQUESTER)
    at_desk.act(second, "submit", MANAGER)


def test_the_database_itself_keeps_a_second_case_out(at_desk: Desk) -> None:
    at_desk.bring(at_desk.prepared(), "submitted")
    slot = at_desk.session.scalars(select(ActivationSlot)).one()
    second = int(at_desk.draft(actor=MANAGER).name)
    place = {"agreement_id": slot.agreement_id, "trust_id": slot.trust_id, "algorithm_id": slot.algorithm_id}
    with pytest.raises(IntegrityError), at_desk.session.begin_nested():
        at_desk.session.execute(insert(ActivationSlot).values(case_id=second, **place))


def test_what_runs_already_is_not_activated_again_before_its_end(at_desk: Desk) -> None:
    at_desk.certify("xray-skeletal")
    at_desk.fund("vestre-viken")
    case_id = at_desk.draft("vestre-viken", "xray-skeletal", actor=MANAGER)
    at_desk.file(case_id, actor=MANAGER)
    assert refused(lambda: at_desk.act(case_id, "submit", MANAGER)) == ["held_already"]
    running = next(
        case
        for case in list_cases(at_desk.session, agreement_id=at_desk.agreement_id)
        if case.trust == "vestre-viken" and case.state == "live"
    )
    at_desk.act(running.id, "end", MANAGER, on=START + timedelta(days=1))
    assert refused(lambda: at_desk.act(case_id, "submit", MANAGER)) == ["held_already"]
    options.plan_again(
        at_desk.session,
        case=at_desk.case(case_id),
        starts_on=START + timedelta(days=1),
        monthly_quantity=1,
        actor=MANAGER,
        now=at_desk.now,
    )
    at_desk.act(case_id, "submit", MANAGER)


def test_a_document_swapped_after_the_approval_voids_it(at_desk: Desk) -> None:
    case_id = at_desk.bring(at_desk.prepared(), "approved")
    at_desk.file(case_id, "dpia", text=b"another ")
    assert refused(lambda: at_desk.act(case_id, "order", MANAGER)) == ["changed_since_submission"]
    at_desk.act(case_id, "return", APPROVER)
    at_desk.act(case_id, "submit", REQUESTER)
    assert at_desk.case(case_id).approvals == ()
    at_desk.act(case_id, "approve", APPROVER)
    at_desk.act(case_id, "order", MANAGER)


def test_a_newer_version_of_an_accepted_document_is_not_accepted_by_itself(at_desk: Desk) -> None:
    case_id = at_desk.bring(at_desk.prepared(), "approved")
    item = next(one for one in dossier.items(at_desk.session, at_desk.case(case_id)) if one.code == "dpia")
    assert item.document_id is not None
    documents.add_version(
        at_desk.session,
        document_id=item.document_id,
        filename="dpia.txt",
        content=b"swapped behind the dossier's back",
        note=None,
        actor=REQUESTER,
        now=at_desk.now,
    )
    assert refused(lambda: at_desk.act(case_id, "order", MANAGER)) == ["item_not_accepted", "changed_since_submission"]


@pytest.mark.parametrize(
    "changes",
    [{"monthly_quantity": 501}, {"starts_on": date(2026, 11, 2)}, {"intended_use": "Screening"}],
    ids=["amount", "date", "use"],
)
def test_a_plan_changed_after_the_approval_voids_it(at_desk: Desk, changes: dict[str, Any]) -> None:
    case_id = at_desk.bring(at_desk.prepared(), "approved")
    plan: dict[str, Any] = {"starts_on": START, "monthly_quantity": 500, "intended_use": "Triage"} | changes
    options.plan_again(at_desk.session, case=at_desk.case(case_id), actor=REQUESTER, now=at_desk.now, **plan)
    assert refused(lambda: at_desk.act(case_id, "order", MANAGER)) == ["changed_since_submission"]


def test_a_plan_changed_while_it_is_decided_on_cannot_be_approved(at_desk: Desk) -> None:
    case_id = at_desk.bring(at_desk.prepared(), "submitted")
    options.plan_again(
        at_desk.session,
        case=at_desk.case(case_id),
        starts_on=START,
        monthly_quantity=1000,
        actor=REQUESTER,
        now=at_desk.now,
    )
    assert refused(lambda: at_desk.act(case_id, "approve", APPROVER)) == ["changed_since_submission"]


def test_whoever_filed_or_planned_or_submitted_does_not_approve_whatever_roles_they_get(at_desk: Desk) -> None:
    everything = ("trust_requester", "contract_manager", "approver")
    for hand in ("filed", "planned"):
        helper = desk.person(f"who-{hand}", *everything)
        case_id = at_desk.prepared() if hand == "filed" else at_desk.draft(algorithm="xray-skeletal", actor=helper)
        if hand == "filed":
            at_desk.file(case_id, "training", actor=helper)
        else:
            at_desk.certify("xray-skeletal")
            at_desk.file(case_id)
        at_desk.act(case_id, "submit", REQUESTER)
        assert refused(lambda case_id=case_id, helper=helper: at_desk.act(case_id, "approve", helper)) == [
            "own_request"
        ]
        at_desk.act(case_id, "approve", APPROVER)


def test_from_the_limit_on_two_people_approve_in_the_order_a_a_b_a(at_desk: Desk) -> None:
    case_id = at_desk.prepared()
    at_desk.act(case_id, "submit", REQUESTER, figures=desk.figures("1000000.00"))
    events = count_events(at_desk.session)
    assert at_desk.act(case_id, "approve", APPROVER).state == "submitted"
    assert refused(lambda: at_desk.act(case_id, "approve", APPROVER)) == ["approved_already"]
    assert at_desk.act(case_id, "approve", SECOND).state == "approved"
    assert refused(lambda: at_desk.act(case_id, "approve", APPROVER)) == ["wrong_state"]
    assert [one.by for one in at_desk.case(case_id).approvals] == [APPROVER.id, SECOND.id]
    assert count_events(at_desk.session) == events + 2


def test_below_the_limit_one_is_enough_and_the_limit_is_a_setting(at_desk: Desk) -> None:
    case_id = at_desk.prepared()
    at_desk.act(case_id, "submit", REQUESTER, figures=desk.figures("999999.99"))
    assert at_desk.act(case_id, "approve", APPROVER).state == "approved"
    admin = desk.person("admin", "admin")
    approval_limit.set_two_from(at_desk.session, amount=Decimal("50000.00"), actor=admin, now=at_desk.now)
    with pytest.raises(Denied):
        approval_limit.set_two_from(at_desk.session, amount=Decimal(1), actor=APPROVER, now=at_desk.now)
    at_desk.act(case_id, "return", APPROVER)
    at_desk.act(case_id, "submit", REQUESTER)
    assert at_desk.act(case_id, "approve", APPROVER).state == "submitted"


def test_an_option_lapses_by_the_calendar_and_never_becomes_anything_again(at_desk: Desk) -> None:
    lapse: dict[str, Any] = {"agreement_id": at_desk.agreement_id, "now": at_desk.now}
    assert options.lapse_due(at_desk.session, **lapse) == []
    assert options.lapse_due(at_desk.session, at=desk.LATE, **lapse) == [OPTION]
    assert options.lapse_due(at_desk.session, at=desk.LATE, **lapse) == []
    assert at_desk.case(OPTION).steps[-1].by == CALENDAR.id
    for event in workflow.events_of("option"):
        rule = workflow.rule_of("option", event)
        assert rule is not None
        actor = next(EVERYBODY[role] for role in rule.roles if not role.startswith("trust_"))
        assert refused(lambda event=event, actor=actor: at_desk.act(OPTION, event, actor)) == ["wrong_state"]


def test_the_calendar_itself_lets_no_option_lapse_before_its_last_day_is_over(at_desk: Desk) -> None:
    over = workflow.deadline_over(at_desk.case(OPTION).deadline or date.max)
    early = refused(lambda: at_desk.act(OPTION, "lapse", CALENDAR, at=over - timedelta(seconds=1)))
    assert early == ["deadline_not_passed"]
    assert at_desk.act(OPTION, "lapse", CALENDAR, at=over).state == "lapsed"


def test_a_second_after_the_deadline_nobody_takes_an_option_up(at_desk: Desk) -> None:
    over = workflow.deadline_over(at_desk.case(OPTION).deadline or date.max)
    assert refused(lambda: at_desk.act(OPTION, "review", MANAGER, at=over)) == ["deadline_passed"]
    assert at_desk.act(OPTION, "review", MANAGER, at=over - timedelta(seconds=1)).state == "under_review"


def test_choices_tell_what_may_be_done_and_why_not(at_desk: Desk) -> None:
    case_id = at_desk.bring(at_desk.prepared(), "submitted")
    for actor, allowed in (
        (REQUESTER, {"withdraw"}),
        (APPROVER, {"approve", "return", "reject"}),
        (MANAGER, {"withdraw"}),
    ):
        listed = options.choices(at_desk.session, at_desk.case(case_id), actor, at=at_desk.now)
        assert {one.event for one in listed if one.allowed} == allowed
    both = desk.person("requester", "approver")
    listed = options.choices(at_desk.session, at_desk.case(case_id), both, at=at_desk.now)
    approve = next(one for one in listed if one.event == "approve")
    assert (approve.permitted, approve.allowed) == (True, False)
    assert [refusal.code for refusal in approve.refusals] == ["own_request"]


def test_another_trusts_case_is_as_unknown_as_one_that_does_not_exist(at_desk: Desk) -> None:
    case_id = at_desk.prepared()
    for wanted in (case_id, CaseId("option", TRUST), CaseId("activation", "999999")):
        with pytest.raises(NotFound, match=str(wanted)):
            find_case(at_desk.session, agreement_id=at_desk.agreement_id, case_id=wanted, actor=AT_OTHER)
    seen = list_cases(at_desk.session, agreement_id=at_desk.agreement_id, actor=AT_OTHER)
    assert {case.trust for case in seen} == {OTHER}


def test_what_an_unknown_event_could_have_been_is_told(at_desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="'launch' is none of review, submit"):
        at_desk.act(OPTION, "launch", MANAGER)


def test_the_chain_holds_after_a_whole_course(app: Flask) -> None:
    agreement_id = desk.open_desk(akershus="exercised")
    with db.write() as session:
        at = Desk(session, agreement_id)
        at.bring(at.prepared(), "ended")
    with db.read() as session:
        found = audit.verify(session)
        assert found.whole
        assert found.head.count == session.scalar(select(func.count()).select_from(AuditEvent))
