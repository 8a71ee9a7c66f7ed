"""Tolerances: what is rounding from which day on, drafted by one person and approved by another."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from billing.causes import Tolerance
from billing.reconciliation import tolerances
from billing.reconciliation.tolerances import AgreedTolerance
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.models import AuditEvent
from contracts.people.access import Actor
from tests.reconciled import (
    APPROVER,
    MANAGER,
    NOW,
    SECOND,
    VIKEN,
    attest,
    check_sample,
    codes_of,
    decide,
    invoice,
    keys_of,
    person,
    run,
    seen,
    summed,
    take_in,
)
from tests.recorded import record_agreement

MANAGER_AND_APPROVER = person("siv", "contract_manager", "approver")
WIDER = Tolerance(Decimal("1.00"), Decimal("50.00"), Decimal("2.00"))


def draft(agreement_id: int, valid_from: date = date(2024, 1, 1), **options: Any) -> AgreedTolerance:
    given: dict[str, Any] = {"tolerance": WIDER, "clause": "7.9", "reason": "Agreed.", "actor": MANAGER, "now": NOW}
    with db.write() as session:
        return tolerances.draft_tolerance(
            session, **given | {"agreement_id": agreement_id, "valid_from": valid_from} | options
        )


def decide_on(agreement_id: int, one: AgreedTolerance, decision: Any = "approved", **options: Any) -> AgreedTolerance:
    given: dict[str, Any] = {"comment": "Seen.", "actor": APPROVER, "now": NOW}
    with db.write() as session:
        return tolerances.decide_tolerance(
            session, **given | {"agreement_id": agreement_id, "draft_id": one.id, "decision": decision} | options
        )


def on(agreement_id: int, day: date, **options: Any) -> tuple[Tolerance, date | None]:
    with db.read() as session:
        return tolerances.tolerance_on(session, agreement_id, day, **options)


def listed(agreement_id: int, actor: Actor = MANAGER) -> list[AgreedTolerance]:
    with db.read() as session:
        return tolerances.list_tolerances(session, agreement_id=agreement_id, actor=actor)


def test_until_one_is_approved_the_laws_own_counts(reconciling: int) -> None:
    law = (Tolerance(Decimal("0.02"), Decimal("5.00"), Decimal("1.00")), None)
    assert on(reconciling, date(2024, 6, 1)) == law
    drafted = draft(reconciling)
    assert (drafted.state, on(reconciling, date(2024, 6, 1))) == ("drafted", law)
    decide_on(reconciling, drafted, "declined")
    assert on(reconciling, date(2024, 6, 1)) == law
    assert [each.state for each in listed(reconciling)] == ["declined"]


def test_an_approved_one_counts_from_its_day_until_the_next(reconciling: int) -> None:
    decide_on(reconciling, draft(reconciling, date(2024, 4, 1)))
    narrow = replace(WIDER, line=Decimal("0.10"))
    decide_on(reconciling, draft(reconciling, date(2024, 7, 1), tolerance=narrow))
    found = [on(reconciling, day)[0].line for day in (date(2024, 3, 31), date(2024, 4, 1), date(2024, 7, 1))]
    assert found == [Decimal("0.02"), Decimal("1.00"), Decimal("0.10")]
    assert on(reconciling, date(2024, 9, 1))[1] == date(2024, 7, 1)
    assert on(reconciling, date(2024, 9, 1), known_at=datetime(2024, 7, 31, tzinfo=UTC))[1] is None


def test_of_two_from_one_day_the_one_approved_last_counts(reconciling: int) -> None:
    first, second = draft(reconciling), draft(reconciling, tolerance=replace(WIDER, line=Decimal("0.50")))
    decide_on(reconciling, second)
    decide_on(reconciling, first, now=NOW.replace(hour=11))
    assert on(reconciling, date(2024, 6, 1))[0] == WIDER


def test_whoever_drafted_it_does_not_approve_it_and_nobody_decides_twice(reconciling: int) -> None:
    own = draft(reconciling, actor=MANAGER_AND_APPROVER)
    with pytest.raises(Denied, match="drafted"):
        decide_on(reconciling, own, actor=MANAGER_AND_APPROVER)
    approved = decide_on(reconciling, own)
    assert (approved.state, approved.decided_by) == ("approved", APPROVER.id)
    with pytest.raises(Conflict) as refused:
        decide_on(reconciling, own, "declined")
    assert refused.value.code == "decided_already"


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        pytest.param({"tolerance": replace(WIDER, line=Decimal("-0.01"))}, "#/line", id="below nothing"),
        pytest.param({"tolerance": replace(WIDER, invoice=Decimal("1000.01"))}, "#/invoice", id="beyond the most"),
        pytest.param({"tolerance": replace(WIDER, tax=Decimal("0.005"))}, "#/tax", id="a part of an øre"),
        pytest.param({"reason": " "}, "#/reason", id="without a reason"),
        pytest.param({"clause": "x" * 201}, "#/clause", id="too long a clause"),
    ],
)
def test_a_draft_needs_what_makes_it_one(reconciling: int, options: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        draft(reconciling, **options)
    assert [error.pointer for error in refused.value.errors] == [pointer]
    assert listed(reconciling) == []


@pytest.mark.parametrize(
    ("decision", "comment", "pointer"),
    [
        pytest.param("declined", " ", "#/comment", id="declined without a reason"),
        pytest.param("approved", "x" * 1001, "#/comment", id="too much said"),
        pytest.param("perhaps", "x", "#/decision", id="no decision"),
    ],
)
def test_a_decision_needs_what_makes_it_one(reconciling: int, decision: str, comment: str, pointer: str) -> None:
    drafted = draft(reconciling)
    with pytest.raises(InvalidInput) as refused:
        decide_on(reconciling, drafted, decision, comment=comment)
    assert [error.pointer for error in refused.value.errors] == [pointer]
    assert [each.state for each in listed(reconciling)] == ["drafted"]


ROLES = ("finance_controller", "contract_manager", "approver", "auditor", "admin", "service")


@pytest.mark.parametrize("role", ROLES)
def test_who_may_do_what(reconciling: int, role: str) -> None:
    actor = person("x", role)
    drafted = draft(reconciling)
    acts = {
        "contract_manager": lambda: draft(reconciling, actor=actor),
        "approver": lambda: decide_on(reconciling, drafted, actor=actor),
    }
    for allowed, act in acts.items():
        if role == allowed:
            act()
        else:
            with pytest.raises(Denied):
                act()
    if role == "admin":
        with pytest.raises(Denied):
            listed(reconciling, actor)
    else:
        assert listed(reconciling, actor)


def test_within_one_trust_there_are_no_tolerances(reconciling: int) -> None:
    drafted = draft(reconciling)
    with pytest.raises(NotFound):
        listed(reconciling, person("l", "trust_reader", trust=VIKEN))
    with pytest.raises(Denied, match="all trusts"):
        draft(reconciling, actor=person("m", "contract_manager", trust=VIKEN))
    with pytest.raises(Denied, match="all trusts"):
        decide_on(reconciling, drafted, actor=person("o", "approver", trust=VIKEN))


def test_another_agreements_tolerance_is_not_found(reconciling: int) -> None:
    from tests import examples

    drafted = draft(reconciling)
    other = record_agreement(examples.agreement("ra-annen"))
    with pytest.raises(NotFound):
        decide_on(other, drafted)
    assert listed(other) == []


def test_each_act_leaves_one_event_and_nothing_is_changed(database: Flask) -> None:
    agreement_id = record_agreement()
    decide_on(agreement_id, draft(agreement_id))
    with db.read() as session:
        log = session.scalars(select(AuditEvent).where(AuditEvent.action.like("tolerance.%"))).all()
    assert [(each.action, each.data["line"]) for each in log] == [
        ("tolerance.draft", "1.00"),
        ("tolerance.approved", "1.00"),
    ]
    for table in ("tolerance_drafts", "tolerance_decisions"):
        with pytest.raises(DBAPIError, match="append-only"), db.engine.begin() as connection:
            connection.exec_driver_sql(f"DELETE FROM {table}")


# -- in a reconciliation -------------------------------------------------------------------------------------


def off_by(agreement_id: int, ore: str, quarter: str, number: str) -> None:
    document = invoice(agreement_id, quarter, number=number)
    first = document.lines[0]
    assert first.net is not None
    lines = (replace(first, net=first.net + Decimal(ore)), *document.lines[1:])
    take_in(agreement_id, summed(replace(document, lines=lines)))


def test_a_signed_quarter_keeps_its_own_and_the_next_one_has_the_new(reconciling: int) -> None:
    off_by(reconciling, "0.05", "2024-Q1", "1")
    off_by(reconciling, "0.05", SECOND, "2")
    first = run(reconciling)
    # A line off by more than two øre breaks a rule of the document too, whatever the two sides agree to call rounding.
    assert set(codes_of(first)) == {"ARITHMETIC", "DOCUMENT"}
    decide(reconciling, keys_of(first), "accepted", "Too small to write about.")
    check_sample(reconciling)
    attest(reconciling)
    decide_on(reconciling, draft(reconciling, tolerance=replace(WIDER, line=Decimal("0.10"))))
    signed = seen(reconciling)
    assert (set(codes_of(signed)), signed.frozen.inputs.tolerance_from, signed.is_current) == (
        {"ARITHMETIC", "DOCUMENT"},
        None,
        False,
    )
    assert signed.now is not None
    assert {finding.code for finding in signed.now.findings} == {"ROUNDING", "DOCUMENT"}
    second = run(reconciling, SECOND)
    assert (codes_of(second), second.frozen.inputs.tolerance_from) == (
        {"ROUNDING": Decimal("0.05"), "DOCUMENT": 0},
        date(2024, 1, 1),
    )
