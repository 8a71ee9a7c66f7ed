"""What an import does to the expected charges, or its end: rated with it and without it, by the one rating function."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Session

from billing.charges import basis
from billing.usage.reversals import Taking, find_taking
from contracts.people.access import Actor
from contracts.terms.period import Period
from contracts.terms.price_book import Usage

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class ReversalEffect:
    """What a reversal takes back, and its effect in kroner excluding VAT on each quarter that it touches.

    An amount below nought is less to pay. Pooled tiers and minimum fees move other trusts and later quarters too; those
    are in it. ``taking.waiting`` events stay left out.
    """

    taking: Taking
    by_quarter: tuple[tuple[str, Decimal], ...]

    @property
    def total(self) -> Decimal:
        """The sum over all quarters."""
        return sum((amount for _, amount in self.by_quarter), ZERO)


def reversal_effect(session: Session, *, agreement_id: int, import_id: int, actor: Actor) -> ReversalEffect:
    """Rate the whole term with an import and without it, and give the difference by quarter.

    Raises as `usage_upkeep.find_taking`. A reader within one trust sees that trust's lines only.
    """
    taking = find_taking(session, agreement_id=agreement_id, import_id=import_id, actor=actor)
    scope = actor.scope("read")
    terms = basis.gather(session, agreement_id=agreement_id)
    term = Period(terms.agreement.term.start, terms.agreement.term.end)
    with_it = _by_quarter(terms, term, scope)
    without = _by_quarter(replace(terms, usage=tuple(_less(terms.usage, taking))), term, scope)
    changes = {quarter: without[quarter] - with_it[quarter] for quarter in sorted(with_it.keys() | without.keys())}
    return ReversalEffect(
        taking, tuple((quarter.label(), amount) for quarter, amount in changes.items() if amount != ZERO)
    )


def import_effect(
    session: Session, *, agreement_id: int, cells: Mapping[tuple[str, str, date], int], actor: Actor
) -> tuple[tuple[str, Decimal], ...]:
    """Rate the whole term with ``cells`` added to what is known, and give the difference by quarter, excluding VAT.

    A reader within one trust gets the effect on that trust's lines only.
    """
    scope = actor.scope("read")
    terms = basis.gather(session, agreement_id=agreement_id)
    term = Period(terms.agreement.term.start, terms.agreement.term.end)
    known = {(each.trust, each.algorithm, each.on): each.quantity for each in terms.usage}
    added = known | {cell: known.get(cell, 0) + quantity for cell, quantity in cells.items()}
    usage = sorted(
        (Usage(trust, algorithm, on, quantity) for (trust, algorithm, on), quantity in added.items()),
        key=lambda each: (each.on, each.trust, each.algorithm),
    )
    before = _by_quarter(terms, term, scope)
    after = _by_quarter(replace(terms, usage=tuple(usage)), term, scope)
    changes = {quarter: after[quarter] - before[quarter] for quarter in sorted(before.keys() | after.keys())}
    return tuple((quarter.label(), amount) for quarter, amount in changes.items() if amount != ZERO)


def _less(usage: tuple[Usage, ...], taking: Taking) -> list[Usage]:
    taken = taking.cells
    return [
        replace(each, quantity=max(0, each.quantity - taken.get((each.trust, each.algorithm, each.on), 0)))
        for each in usage
    ]


def _by_quarter(terms: basis.Terms, term: Period, scope: str | None) -> dict[Period, Decimal]:
    sums: dict[Period, Decimal] = defaultdict(lambda: ZERO)
    for line in terms.rate(term).lines:
        if scope is None or line.trust == scope:
            sums[Period.quarter(line.period.start)] += line.net
    return sums
