"""The expected charges of a period as a list: by trust and algorithm, with their sums."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from billing.charges.basis import gather
from billing.charges.charging import Charges, charges_of
from billing.charges.costs import Cost, grouped
from billing.rating.lines import Line
from contracts.agreements import readable_trust
from contracts.people.access import Actor
from contracts.terms.money import ZERO
from contracts.terms.period import Period, add_months, previous_day
from contracts.terms.price_book import PriceBook


@dataclass(frozen=True, slots=True)
class ChargeGroup:
    """The lines of one trust and algorithm in a period, with their sum."""

    trust: str | None
    algorithm: str | None
    lines: tuple[Line, ...]
    cost: Cost


@dataclass(frozen=True, slots=True)
class TrustCharges:
    """A trust's charges of a period (``None``: what stands on the agreement), by algorithm."""

    trust: str | None
    groups: tuple[ChargeGroup, ...]
    cost: Cost


@dataclass(frozen=True, slots=True)
class ChargeList:
    """The charges of a period by trust and algorithm; the trusts' sums are the total of the rounded lines."""

    charges: Charges
    book: PriceBook
    trusts: tuple[TrustCharges, ...]
    cost: Cost
    periods: tuple[Period, ...]

    @property
    def due_later(self) -> Decimal:
        """Give what of the total falls in pricing periods that begin after the last day counted: fixed amounts."""
        until = self.charges.data_until
        return sum((line.net for line in self.charges.lines if until is not None and line.period.start > until), ZERO)


def charge_list(
    session: Session,
    *,
    agreement_id: int,
    period: Period | None,
    actor: Actor,
    trust: str | None = None,
    known_at: datetime | None = None,
) -> ChargeList:
    """List the expected charges of ``period`` by trust and algorithm; ``None`` is the quarter of the newest usage."""
    scope = readable_trust(session, agreement_id, actor, trust)
    terms = gather(session, agreement_id=agreement_id, known_at=known_at)
    term = terms.agreement.term
    newest = terms.data_until or term.start
    period = period or Period.quarter(newest)
    charges = charges_of(terms, terms.rate(period), period, scope, actor.scope("read"), known_at)
    trusts = []
    for name, own in grouped(charges.lines, lambda line: line.trust or ""):
        groups = tuple(
            ChargeGroup(name or None, algorithm or None, tuple(lines), Cost.of(lines))
            for algorithm, lines in grouped(own, lambda line: line.algorithm or "")
        )
        trusts.append(TrustCharges(name or None, groups, Cost.of(own)))
    quarters = []
    start = Period.quarter(min(max(newest, term.start), previous_day(term.end))).start
    while start >= Period.quarter(term.start).start:
        quarters.append(Period.quarter(start))
        start = add_months(start, -3)
    return ChargeList(charges, terms.price_book, tuple(trusts), Cost.of(charges.lines), tuple(quarters))
