"""Money that trusts have set aside: approved funding by trust, cost centre and calendar year, excluding VAT.

A budget may say what of it is meant for each month; one that does not is spread evenly, to the øre. A revision supersedes the
budget before it, which stays readable as of before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from contracts import audit
from contracts.errors import Finding, NotFound, invalid
from contracts.models import Budget, BudgetMonth, Organisation
from contracts.models.base import known, recorded_by_then
from contracts.people.access import Actor
from contracts.terms.money import format_amount, kroner, ore


@dataclass(frozen=True, slots=True)
class Funding:
    """What is approved for one cost centre and year; ``months`` are its twelve parts, ``phased`` whether it names them itself."""

    id: int
    trust: str
    cost_centre: str
    year: int
    amount: Decimal
    approved_on: date
    reference: str
    months: tuple[Decimal, ...] = ()
    phased: bool = False
    recorded_at: datetime | None = None
    recorded_by: str = ""
    former: int | None = None


def set_budget(
    session: Session,
    *,
    trust: str,
    cost_centre: str,
    year: int,
    amount: Decimal,
    approved_on: date,
    reference: str,
    actor: Actor,
    now: datetime,
    months: Sequence[Decimal] | None = None,
) -> Funding:
    """Record approved funding; a former amount of the same trust, cost centre and year is superseded.

    ``months`` are twelve amounts not below zero, January first, that sum to ``amount``; None spreads it evenly.
    """
    actor.require("budget.set", trust)
    findings = []
    if amount < 0:
        findings.append(Finding("#/amount", "out_of_range", "the amount is not below zero"))
    if not 2000 <= year <= 2999:
        findings.append(Finding("#/year", "out_of_range", "years run from 2000 to 2999"))
    if months is not None and (len(months) != 12 or any(part < 0 for part in months)):
        findings.append(Finding("#/months", "not_twelve", "twelve amounts, none below zero"))
    elif months is not None and sum(months) != amount:
        detail = f"the months sum to {format_amount(sum(months, Decimal(0)))}, not to {format_amount(amount)}"
        findings.append(Finding("#/months", "do_not_sum", detail))
    for name, text in (("cost_centre", cost_centre), ("reference", reference)):
        if not text.strip() or len(text) > 200:
            findings.append(Finding(f"#/{name}", "missing", "this is needed, with at most 200 characters"))
    invalid(findings)
    trust_id = session.scalar(select(Organisation.id).where(Organisation.code == trust).with_for_update(key_share=True))
    if trust_id is None:
        raise NotFound(f"there is no trust '{trust}'")
    former = session.scalar(
        select(Budget).where(
            Budget.trust_id == trust_id,
            Budget.cost_centre == cost_centre.strip(),
            Budget.year == year,
            known(Budget, None),
        )
    )
    row = Budget(
        trust_id=trust_id,
        cost_centre=cost_centre.strip(),
        year=year,
        amount=amount,
        approved_on=approved_on,
        reference=reference.strip(),
        void=False,
        supersedes_id=None if former is None else former.id,
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    for number, part in enumerate(months or (), start=1):
        stamp = {"recorded_at": now, "recorded_by": actor.id}
        session.add(BudgetMonth(budget_id=row.id, month=number, amount=part, **stamp))
    session.flush()
    audit.record(
        session,
        "budget.set",
        f"budget:{row.id}",
        {
            "trust": trust,
            "cost_centre": row.cost_centre,
            "year": year,
            "amount": format_amount(amount),
            "former": None if former is None else format_amount(former.amount),
            "phased": months is not None,
        },
        actor.id,
        now,
    )
    return _funding(row, trust, None if months is None else tuple(months))


def list_budgets(session: Session, *, trust: str | None = None, known_at: datetime | None = None) -> list[Funding]:
    """List the funding that stands as known, by trust, year and cost centre."""
    query = (
        select(Budget, Organisation.code)
        .join(Organisation, Organisation.id == Budget.trust_id)
        .where(known(Budget, known_at))
        .order_by(Organisation.code, Budget.year, Budget.cost_centre)
    )
    if trust is not None:
        query = query.where(Organisation.code == trust)
    return _all(session, query)


def revisions(
    session: Session, *, year: int, trust: str | None = None, known_at: datetime | None = None
) -> list[Funding]:
    """List every budget recorded for a year, those that were superseded included, in the order in which they were recorded."""
    query = (
        select(Budget, Organisation.code)
        .join(Organisation, Organisation.id == Budget.trust_id)
        .where(Budget.year == year, Budget.void.is_(False))
        .order_by(Budget.id)
    )
    if trust is not None:
        query = query.where(Organisation.code == trust)
    return _all(session, recorded_by_then(query, Budget, known_at))


def approved(session: Session, *, trust: str, cost_centre: str | None, on: date) -> dict[int, Decimal]:
    """Give the funding of a cost centre that was approved by a day, by year."""
    if not cost_centre:
        return {}
    return {
        one.year: one.amount
        for one in list_budgets(session, trust=trust)
        if one.cost_centre == cost_centre and one.approved_on <= on
    }


def evenly(amount: Decimal) -> tuple[Decimal, ...]:
    """Spread an amount over twelve months in whole øre, what is left over to the first months.

    >>> [str(part) for part in evenly(Decimal("100.00"))][3:5]
    ['8.34', '8.33']
    """
    whole, over = divmod(ore(amount), 12)
    return tuple(kroner(whole + (number < over)) for number in range(12))


def _all(session: Session, query: Select[Budget, str]) -> list[Funding]:
    rows = [(row, code) for row, code in session.execute(query)]
    phased: dict[int, list[Decimal]] = defaultdict(list)
    parts = (
        select(BudgetMonth).where(BudgetMonth.budget_id.in_([row.id for row, _ in rows])).order_by(BudgetMonth.month)
    )
    for part in session.scalars(parts) if rows else ():
        phased[part.budget_id].append(part.amount)
    return [_funding(row, code, tuple(phased[row.id]) if row.id in phased else None) for row, code in rows]


def _funding(row: Budget, trust: str, months: tuple[Decimal, ...] | None) -> Funding:
    return Funding(
        row.id,
        trust,
        row.cost_centre,
        row.year,
        row.amount,
        row.approved_on,
        row.reference,
        evenly(row.amount) if months is None else months,
        months is not None,
        row.recorded_at,
        row.recorded_by,
        row.supersedes_id,
    )
