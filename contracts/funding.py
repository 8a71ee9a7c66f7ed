"""Money that trusts have set aside: approved funding by trust, cost centre and calendar year, excluding VAT."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts import audit
from contracts.access import Actor
from contracts.errors import Finding, NotFound, invalid
from contracts.models import Budget, Organisation
from contracts.models.base import known
from contracts.terms.money import format_amount


@dataclass(frozen=True, slots=True)
class Funding:
    """What is approved for one cost centre and year."""

    id: int
    trust: str
    cost_centre: str
    year: int
    amount: Decimal
    approved_on: date
    reference: str


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
) -> Funding:
    """Record approved funding; a former amount of the same trust, cost centre and year is superseded."""
    actor.require("budget.set", trust)
    findings = []
    if amount < 0:
        findings.append(Finding("#/amount", "out_of_range", "the amount is not below zero"))
    if not 2000 <= year <= 2999:
        findings.append(Finding("#/year", "out_of_range", "years run from 2000 to 2999"))
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
    audit.record(
        session,
        action="budget.set",
        subject=f"budget:{row.id}",
        data={
            "trust": trust,
            "cost_centre": row.cost_centre,
            "year": year,
            "amount": format_amount(amount),
            "former": None if former is None else format_amount(former.amount),
        },
        actor=actor.id,
        now=now,
    )
    return _funding(row, trust)


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
    return [_funding(row, code) for row, code in session.execute(query)]


def approved(session: Session, *, trust: str, cost_centre: str | None, on: date) -> dict[int, Decimal]:
    """Give the funding of a cost centre that was approved by a day, by year."""
    if not cost_centre:
        return {}
    return {
        one.year: one.amount
        for one in list_budgets(session, trust=trust)
        if one.cost_centre == cost_centre and one.approved_on <= on
    }


def _funding(row: Budget, trust: str) -> Funding:
    return Funding(row.id, trust, row.cost_centre, row.year, row.amount, row.approved_on, row.reference)
