"""Standing in for one another: dates, roles, and that two people stay two people through a deputy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from flask import Flask

from contracts import deadlines
from contracts.errors import Conflict, Denied, InvalidInput, NotFound, Refused
from contracts.extensions import db
from contracts.options import approvals
from contracts.people import access, approval_limit, stand_ins
from contracts.people.access import COMMAND_LINE, Actor, Grant
from tests import desk
from tests.desk import APPROVER, REQUESTER, SECOND, TRUST, Desk

DEPUTY = Actor("person:deputy@example.org", "deputy", ())


@pytest.fixture
def at_desk(app: Flask) -> Iterator[Desk]:
    """A desk whose approvers and deputy are registered people."""
    agreement_id = desk.open_desk(akershus="exercised")
    with db.write() as session:
        for name, grants in (
            ("approver", [Grant("approver")]),
            ("second", [Grant("approver")]),
            ("requester", [Grant("trust_requester", TRUST), Grant("approver")]),
            ("deputy", [Grant("auditor")]),
        ):
            access.add_person(
                session,
                email=f"{name}@example.org",
                name=name,
                password=None,
                grants=grants,
                actor=COMMAND_LINE,
                now=desk.NOW,
            )
        yield Desk(session, agreement_id)
        session.rollback()


def delegated(
    at: Desk, principal: Actor = APPROVER, first: date = date(2026, 10, 1), until: date = date(2026, 11, 1)
) -> int:
    """Let the deputy stand in for somebody."""
    return stand_ins.delegate(
        at.session, deputy="Deputy@example.org ", first=first, until=until, reason="Leave", actor=principal, now=at.now
    ).id


def test_a_deputy_approves_in_the_place_of_their_principal(at_desk: Desk) -> None:
    case_id = at_desk.bring(at_desk.prepared(), "submitted")
    with pytest.raises(Denied):
        at_desk.act(case_id, "approve", DEPUTY)
    done = at_desk.act(case_id, "approve", DEPUTY, delegation=delegated(at_desk))
    assert [(one.by, one.principal) for one in done.approvals] == [(DEPUTY.id, APPROVER.id)]


@pytest.mark.parametrize(
    ("first", "until", "runs"),
    [
        pytest.param(date(2026, 10, 15), date(2026, 10, 16), True, id="this-day-only"),
        pytest.param(date(2026, 10, 1), date(2026, 10, 15), False, id="over-yesterday"),
        pytest.param(date(2026, 10, 16), date(2026, 11, 1), False, id="from-tomorrow"),
    ],
)
def test_a_deputy_acts_on_the_days_of_the_delegation_only(at_desk: Desk, first: date, until: date, runs: bool) -> None:
    case_id = at_desk.bring(at_desk.prepared(), "submitted")
    delegation = delegated(at_desk, first=first, until=until)
    assert approvals.may_decide(at_desk.session, at_desk.case(case_id), DEPUTY, on=date(2026, 10, 15)) is runs
    if runs:
        at_desk.act(case_id, "approve", DEPUTY, delegation=delegation)
    else:
        with pytest.raises(Denied):
            at_desk.act(case_id, "approve", DEPUTY, delegation=delegation)


def test_a_delegation_serves_decisions_only_and_only_its_deputy(at_desk: Desk) -> None:
    case_id = at_desk.bring(at_desk.prepared(), "approved")
    delegation = delegated(at_desk)
    with pytest.raises(Denied):
        at_desk.act(case_id, "order", DEPUTY, delegation=delegation)
    stranger = Actor("person:stranger@example.org", "stranger", ())
    with pytest.raises(Denied):
        at_desk.act(case_id, "return", stranger, delegation=delegation)


def test_a_delegation_taken_back_is_over_at_once(at_desk: Desk) -> None:
    case_id = at_desk.bring(at_desk.prepared(), "submitted")
    delegation = delegated(at_desk)
    with pytest.raises(NotFound):
        stand_ins.take_back(at_desk.session, delegation_id=delegation, actor=SECOND, now=at_desk.now)
    stand_ins.take_back(at_desk.session, delegation_id=delegation, actor=APPROVER, now=at_desk.now)
    with pytest.raises(Denied):
        at_desk.act(case_id, "approve", DEPUTY, delegation=delegation)
    with pytest.raises(Conflict):
        stand_ins.take_back(at_desk.session, delegation_id=delegation, actor=APPROVER, now=at_desk.now)


def test_two_approvals_through_a_deputy_are_still_two_people(at_desk: Desk) -> None:
    case_id = at_desk.prepared()
    at_desk.act(case_id, "submit", REQUESTER, figures=desk.figures("1000000.00"))
    of_first, of_second = delegated(at_desk), delegated(at_desk, SECOND)
    assert at_desk.act(case_id, "approve", DEPUTY, delegation=of_first).state == "submitted"
    for actor, delegation in ((DEPUTY, of_second), (DEPUTY, of_first), (APPROVER, None)):
        with pytest.raises(Refused) as caught:
            at_desk.act(case_id, "approve", actor, delegation=delegation)
        assert [one.code for one in caught.value.refusals] == ["approved_already"]
    assert at_desk.act(case_id, "approve", SECOND).state == "approved"


def test_the_deputy_of_the_requester_does_not_approve_what_they_requested(at_desk: Desk) -> None:
    case_id = at_desk.bring(at_desk.prepared(), "submitted")
    requester = desk.person("requester", "approver")
    delegation = delegated(at_desk, requester)
    with pytest.raises(Refused) as caught:
        at_desk.act(case_id, "approve", DEPUTY, delegation=delegation)
    assert [one.code for one in caught.value.refusals] == ["own_request"]


def test_nobody_delegates_what_they_do_not_have(at_desk: Desk) -> None:
    with pytest.raises(Denied):
        delegated(at_desk, desk.MANAGER)
    with pytest.raises(Denied, match="only a person"):
        delegated(at_desk, COMMAND_LINE)
    with pytest.raises(InvalidInput):
        delegated(at_desk, first=date(2026, 11, 1))
    with pytest.raises(NotFound):
        stand_ins.delegate(
            at_desk.session,
            deputy="nobody@example.org",
            first=date(2026, 10, 1),
            until=date(2026, 11, 1),
            reason="",
            actor=APPROVER,
            now=at_desk.now,
        )


def test_what_waits_is_listed_for_those_who_may_decide(at_desk: Desk) -> None:
    case_id = at_desk.bring(at_desk.prepared(), "submitted")
    cases = [at_desk.case(case_id)]

    def waits_for(actor: Actor) -> bool:
        return bool(approvals.awaiting(at_desk.session, cases, actor, on=date(2026, 10, 15)))

    other = desk.person("other", "approver", trust="nord-norge")
    requester = desk.person("requester", "approver")
    assert [waits_for(actor) for actor in (APPROVER, DEPUTY, other, requester, desk.MANAGER)] == [
        True,
        False,
        False,
        False,
        False,
    ]
    delegated(at_desk)
    assert waits_for(DEPUTY)


def test_a_submitted_case_is_a_deadline_for_approvers_until_it_is_decided(at_desk: Desk) -> None:
    def due() -> list[tuple[str, date, str]]:
        listed = deadlines.upcoming(at_desk.session, at_desk.agreement_id, at_desk.now.date())
        return [(one.key, one.due_on, one.code) for one in listed if one.source == "approval"]

    case_id = at_desk.prepared()
    assert due() == []
    at_desk.act(case_id, "submit", REQUESTER)
    assert due() == [(str(case_id), desk.START, "approval_of_activation")]
    assert deadlines.audience("approval") == {"approver"}
    at_desk.act(case_id, "approve", APPROVER)
    assert due() == []


def test_the_limit_is_told_with_who_set_it_the_newest_first(at_desk: Desk) -> None:
    admin = desk.person("admin", "admin")
    assert approval_limit.limits(at_desk.session) == []
    for amount in ("500000.00", "250000.00"):
        approval_limit.set_two_from(at_desk.session, amount=Decimal(amount), actor=admin, now=at_desk.now)
    assert [(one.amount, one.by) for one in approval_limit.limits(at_desk.session)] == [
        (Decimal("250000.00"), admin.id),
        (Decimal("500000.00"), admin.id),
    ]
    with pytest.raises(InvalidInput):
        approval_limit.set_two_from(at_desk.session, amount=Decimal("0.001"), actor=admin, now=at_desk.now)
