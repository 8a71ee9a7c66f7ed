"""The dated table of late interest and standard compensation: values that people record, from the regulation they stand in."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.models import LateInterestRate
from billing.payments.open_items import PERCENT_PLACES, Rate
from contracts import audit
from contracts.errors import Denied, Finding, invalid
from contracts.models.base import known
from contracts.people.access import Actor
from contracts.terms.money import AMOUNT_DECIMALS, scaled

ACT: Final = "payments.record"
HIGHEST_PERCENT: Final = Decimal(100)
LONGEST: Final = 200


def rates(session: Session, known_at: datetime | None = None) -> tuple[Rate, ...]:
    """List the rates that stand, in time order."""
    rows = session.scalars(
        select(LateInterestRate).where(known(LateInterestRate, known_at)).order_by(LateInterestRate.valid_from)
    )
    return tuple(Rate(row.valid_from, row.percent, row.compensation, row.source) for row in rows)


def list_rates(session: Session, *, actor: Actor, known_at: datetime | None = None) -> tuple[Rate, ...]:
    """List the rates for whoever may read."""
    actor.require("read")
    return rates(session, known_at)


def set_rate(session: Session, *, rate: Rate, actor: Actor, now: datetime) -> Rate:
    """Record the rate of a half-year, or correct the one that begins on the same day.

    Raises `InvalidInput` for a percentage outside 0 to 100 or a negative compensation, and where no source is named.
    """
    actor.require(ACT)
    if actor.scope(ACT) is not None:
        raise Denied("the rates are the same for all trusts: this needs a role that is not kept to one")
    invalid(_findings(rate))
    before = session.scalar(
        select(LateInterestRate).where(LateInterestRate.valid_from == rate.valid_from, known(LateInterestRate, None))
    )
    if before is not None and Rate(before.valid_from, before.percent, before.compensation, before.source) == rate:
        return rate
    session.add(
        LateInterestRate(
            valid_from=rate.valid_from,
            percent=rate.percent,
            compensation=rate.compensation,
            source=rate.source,
            void=False,
            supersedes_id=None if before is None else before.id,
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    session.flush()
    audit.record(
        session,
        "late_interest.set",
        f"late_interest:{rate.valid_from.isoformat()}",
        {
            "percent": format(rate.percent, "f"),
            "compensation": format(rate.compensation, "f"),
            "source": rate.source,
        },
        actor.id,
        now,
    )
    return rate


def version(session: Session, valid_from: date) -> int | None:
    """Give the number of the row that stands for a day, None where there is none: what a change is held against."""
    return session.scalar(
        select(LateInterestRate.id).where(LateInterestRate.valid_from == valid_from, known(LateInterestRate, None))
    )


def _findings(rate: Rate) -> list[Finding]:
    findings = []
    for name, value, places in (
        ("percent", rate.percent, PERCENT_PLACES),
        ("compensation", rate.compensation, AMOUNT_DECIMALS),
    ):
        try:
            scaled(value, places)
        except ValueError:
            findings.append(Finding(f"#/{name}", "too_many_decimals", f"at most {places} decimals"))
    if not 0 <= rate.percent <= HIGHEST_PERCENT:
        findings.append(Finding("#/percent", "out_of_range", "a percentage of 0 to 100"))
    if not 0 <= rate.compensation < 10**6:
        findings.append(Finding("#/compensation", "out_of_range", "an amount of 0 to 999 999.99 kr"))
    if not rate.source.strip() or len(rate.source) > LONGEST or not rate.source.isprintable():
        findings.append(Finding("#/source", "missing", f"name the regulation, in at most {LONGEST} characters"))
    return findings
