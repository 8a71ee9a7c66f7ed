"""From which amount on two people must approve: a setting of the house, 1 000 000 kr until somebody changes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts import audit
from contracts.errors import Finding, invalid
from contracts.models import Setting
from contracts.people.access import Actor
from contracts.terms.money import format_amount

TWO_FROM: Final = Decimal(1_000_000)
LARGEST_LIMIT: Final = Decimal(1_000_000_000)
_TWO_FROM_KEY: Final = "approval.two_from"


def two_from(session: Session, known_at: datetime | None = None) -> Decimal:
    """Give the amount (kroner excluding VAT) from which on two people must approve: the setting, else 1 000 000."""
    query = select(Setting.value).where(Setting.key == _TWO_FROM_KEY).order_by(Setting.id.desc()).limit(1)
    written = session.scalar(query if known_at is None else query.where(Setting.recorded_at <= known_at))
    return TWO_FROM if written is None else Decimal(written)


@dataclass(frozen=True, slots=True)
class Limit:
    """The amount from which on two people must approve, as somebody set it."""

    amount: Decimal
    by: str
    at: datetime


def limits(session: Session) -> list[Limit]:
    """List how the limit was set, the newest first; none where it never was."""
    rows = session.scalars(select(Setting).where(Setting.key == _TWO_FROM_KEY).order_by(Setting.id.desc()))
    return [Limit(Decimal(row.value), row.recorded_by, row.recorded_at) for row in rows]


def set_two_from(session: Session, *, amount: Decimal, actor: Actor, now: datetime) -> None:
    """Set the amount from which on two people must approve."""
    actor.require("settings.change")
    if not 0 <= amount <= LARGEST_LIMIT or amount != amount.quantize(Decimal("0.01")):
        invalid([Finding("#/amount", "out_of_range", f"the amount is 0.00 to {LARGEST_LIMIT}, in whole øre")])
    session.add(Setting(key=_TWO_FROM_KEY, value=format_amount(amount), recorded_at=now, recorded_by=actor.id))
    audit.record(session, "setting.change", f"setting:{_TWO_FROM_KEY}", {"value": format_amount(amount)}, actor.id, now)


def needed(session: Session, p90: Decimal | None) -> int:
    """Tell how many people must approve what costs so much at P90 to the agreement's end; one where nothing is known."""
    return 2 if p90 is not None and p90 >= two_from(session) else 1
