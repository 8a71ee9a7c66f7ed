"""A suspension changes no amount, and an end does: both seen through the expected charges (pricing.md §1)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from flask import Flask

from billing.charges import charging
from billing.usage import metering
from contracts.extensions import db
from contracts.terms.period import Period
from tests import desk
from tests.desk import ALGORITHM, MANAGER, NOW, TRUST, Desk

NOVEMBER = Period.parse("2026-11")
CONTROLLER = desk.person("controller", "finance_controller")


def charged(at: Desk) -> list[tuple[int | None, int]]:
    """Give quantity and net amount in øre of each line of November."""
    charges = charging.expected_charges(at.session, agreement_id=at.agreement_id, period=NOVEMBER, actor=CONTROLLER)
    return [(line.quantity, line.net_ore) for line in charges.lines]


def counted(at: Desk, day: date, quantity: int) -> None:
    result = metering.import_usage(
        at.session,
        agreement_id=at.agreement_id,
        filename=f"{day}.csv",
        content=f"trust,algorithm,date,quantity\n{TRUST},{ALGORITHM},{day},{quantity}\n".encode(),
        actor=CONTROLLER,
        now=NOW.replace(year=2027),
    )
    assert result.status == "imported", result.errors


def test_suspended_days_are_charged_as_others_and_days_after_the_end_are_not(app: Flask) -> None:
    agreement_id = desk.open_desk(akershus="exercised")
    with db.write() as session:
        at = Desk(session, agreement_id)
        case_id = at.prepared()
        at.bring(case_id, "live")
        counted(at, date(2026, 11, 3), 10)
        counted(at, date(2026, 11, 24), 7)
        before = charged(at)
        assert sum(quantity or 0 for quantity, _ in before) == 17
        at.act(case_id, "suspend", MANAGER, on=date(2026, 11, 20))
        assert charged(at) == before
        at.act(case_id, "resume", MANAGER, on=date(2026, 11, 28))
        assert charged(at) == before
        at.act(case_id, "end", MANAGER, on=date(2026, 11, 24))
        after = charged(at)
        assert sum(quantity or 0 for quantity, _ in after) == 10
        assert Decimal(sum(net for _, net in after)) < sum(net for _, net in before)
        session.rollback()
