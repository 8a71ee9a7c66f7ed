"""What waits for whom: every kind in one list, for those who may decide on it and had no hand in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from flask import Flask

from billing.causes import Tolerance
from billing.decisions.inbox import waiting
from billing.reconciliation import tolerances
from contracts import ceiling
from contracts.extensions import db
from contracts.people import access, approval_limit, stand_ins
from contracts.people.access import COMMAND_LINE, Actor, Grant
from tests import desk
from tests.desk import APPROVER, CONTROLLER, MANAGER, NOW, OTHER, REQUESTER, SECOND, TRUST, Desk

TODAY = NOW.date()
BOTH = desk.person("both", "approver", "contract_manager")


@pytest.fixture
def at_desk(app: Flask) -> Iterator[Desk]:
    agreement_id = desk.open_desk(akershus="exercised", nord_norge="listed")
    with db.write() as session:
        for someone in (APPROVER, CONTROLLER):
            access.add_person(
                session,
                email=someone.id.removeprefix("person:"),
                name=someone.name,
                password=None,
                grants=someone.grants,
                actor=COMMAND_LINE,
                now=NOW,
            )
        yield Desk(session, agreement_id)
        session.rollback()


def kinds(at: Desk, actor: Actor, today: date = TODAY) -> list[str]:
    return [one.kind for one in waiting(at.session, agreement_id=at.agreement_id, actor=actor, today=today)]


def test_nothing_waits_for_whoever_decides_on_nothing(at_desk: Desk) -> None:
    at_desk.act(at_desk.prepared(), "submit", REQUESTER)
    for actor in (REQUESTER, MANAGER, CONTROLLER, desk.person("admin", "admin"), desk.person("auditor", "auditor")):
        assert kinds(at_desk, actor) == []


def test_a_submitted_case_waits_with_its_most_until_enough_have_approved(at_desk: Desk) -> None:
    approval_limit.set_two_from(at_desk.session, amount=Decimal(1000), actor=desk.person("admin", "admin"), now=NOW)
    case_id = at_desk.prepared()
    assert kinds(at_desk, APPROVER) == []
    at_desk.act(case_id, "submit", REQUESTER)
    (one,) = waiting(at_desk.session, agreement_id=at_desk.agreement_id, actor=APPROVER, today=TODAY)
    assert (one.kind, one.reference, one.by, one.amount) == (
        "activation",
        str(case_id),
        REQUESTER.id,
        Decimal("120000.00"),
    )
    assert (one.given, one.needed) == (0, 2)
    at_desk.act(case_id, "approve", APPROVER)
    assert kinds(at_desk, APPROVER) == []
    assert kinds(at_desk, SECOND) == ["activation"]
    at_desk.act(case_id, "approve", SECOND)
    assert kinds(at_desk, SECOND) == []


def test_an_approver_within_one_trust_sees_that_trusts_cases_and_nothing_of_the_agreement(at_desk: Desk) -> None:
    at_desk.act(at_desk.prepared(), "submit", REQUESTER)
    draft_tolerance(at_desk, MANAGER)
    assert kinds(at_desk, Actor("person:own@example.org", "Own", (Grant("approver", TRUST),))) == ["activation"]
    assert kinds(at_desk, Actor("person:far@example.org", "Far", (Grant("approver", OTHER),))) == []


def draft_tolerance(at: Desk, actor: Actor) -> None:
    tolerances.draft_tolerance(
        at.session,
        agreement_id=at.agreement_id,
        valid_from=date(2027, 1, 1),
        tolerance=Tolerance(Decimal("0.05"), Decimal("1.00"), Decimal("0.05")),
        clause="",
        reason="Rounding",
        actor=actor,
        now=NOW,
    )


def test_a_draft_waits_for_anybody_but_its_drafter(at_desk: Desk) -> None:
    draft_tolerance(at_desk, BOTH)
    assert kinds(at_desk, APPROVER) == ["tolerance"]
    assert kinds(at_desk, BOTH) == []


def test_a_stand_in_is_told_on_the_days_it_lasts(at_desk: Desk) -> None:
    at_desk.act(at_desk.prepared(), "submit", REQUESTER)
    stand_ins.delegate(
        at_desk.session,
        deputy=CONTROLLER.id.removeprefix("person:"),
        first=date(2026, 10, 15),
        until=date(2026, 10, 20),
        reason="Leave",
        actor=APPROVER,
        now=NOW,
    )
    assert [kinds(at_desk, CONTROLLER, date(2026, 10, day)) for day in (14, 15, 19, 20)] == [
        [],
        ["activation"],
        ["activation"],
        [],
    ]


def test_a_request_to_go_beyond_the_ceiling_waits_for_who_had_no_hand_in_it(at_desk: Desk) -> None:
    case_id = at_desk.prepared()
    ceiling.ask_override(
        at_desk.session,
        case=at_desk.case(case_id),
        request=Decimal("9000000.00"),
        reason="No other way",
        actor=BOTH,
        now=NOW,
    )
    assert kinds(at_desk, APPROVER) == ["override"]
    assert kinds(at_desk, BOTH) == []
