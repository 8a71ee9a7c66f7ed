"""What a year's months cost by trust and algorithm: what is due of recorded usage, what is forecast, what is committed.

Actual is what the recorded counts cost, up to the month of the last of them. Forecast is the rest of that month and everything
after it, with what runs going on as it does. Committed is what activations add that are approved, or live, and have no counts yet, by
their plans: the rating with them less the rating without, so that it may be below zero for a trust whose prices they lower.
What stands on no trust is shared as in the cost allocation. All amounts are øre excluding VAT and sum to the charges.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy.orm import Session

from billing.charges.basis import Terms, gather
from billing.forecasting.daily_rates import Plan, daily_rates, forecast
from billing.payments.allocation import portions_of
from billing.projection.bound import Pair, bound_plans, cut_off, with_rows
from billing.projection.projection import lines_with_and_without
from billing.rating.lines import Line
from contracts.terms.period import Period, add_months
from contracts.terms.price_model import UsageCharge

Key = tuple[str, str | None, date, bool]
_NO_GROWTH: Final = Decimal(0)
_APPROVED: Final = frozenset({"approved", "ordered", "validating", "live"})


@dataclass(frozen=True, slots=True)
class MonthCost:
    """A trust's month of an algorithm (None: what stands on no algorithm), in øre.

    ``fixed_ore`` is what of it is due whatever is counted, in the month in which it is billed.
    ``shared`` amounts stand on no trust; what a trust bears of them tells what the others pay, so only readers of all see it.
    """

    trust: str
    algorithm: str | None
    month: date
    shared: bool
    actual_ore: int
    forecast_ore: int
    committed_ore: int
    fixed_ore: int

    @property
    def own_fixed_ore(self) -> int:
        """Give the fixed part that stands on the trust itself."""
        return 0 if self.shared else self.fixed_ore

    def within(self, scope: str | None) -> bool:
        """Tell whether a reader within ``scope`` (None: of all trusts) may see it."""
        return scope is None or (self.trust == scope and not self.shared)


@dataclass(frozen=True, slots=True)
class ExpectedCourse:
    """The months of a period; usage before ``as_of`` is recorded, ``committed`` are the activations counted as such."""

    terms: Terms
    period: Period
    as_of: date
    data_until: date | None
    months: tuple[MonthCost, ...]
    committed: tuple[Plan, ...]


def expected_course(
    session: Session,
    *,
    agreement_id: int,
    period: Period,
    today: date,
    without: Collection[Pair] = (),
    known_at: datetime | None = None,
    terms: Terms | None = None,
) -> ExpectedCourse:
    """Give what the months of ``period`` cost as known; it is clipped to the agreement's term.

    The forecast begins at the cut-off. ``without`` leaves bound plans out that are looked at on their own, ``terms`` are
    others than those in force.
    """
    terms = terms or gather(session, agreement_id=agreement_id, known_at=known_at)
    data_until = terms.data_until
    as_of = cut_off(data_until, today)
    coming = {(row.trust, row.algorithm) for row in terms.activations if row.go_live >= as_of}.intersection(without)
    terms = replace(
        terms, activations=tuple(row for row in terms.activations if (row.trust, row.algorithm) not in coming)
    )
    common = period.overlap(terms.agreement.term.period)
    plans = bound_plans(session, terms, as_of, without=without, known_at=known_at)
    if common is None:
        return ExpectedCourse(terms, period, as_of, data_until, (), plans)
    running = tuple(row.to_term() for row in terms.activations)
    rates = daily_rates(terms.usage, running, as_of)
    ahead = Period(as_of, common.end) if as_of < common.end else None
    base = replace(terms, usage=(*terms.usage, *(forecast(rates, running, (), ahead, _NO_GROWTH) if ahead else ())))
    with_plans = base
    if plans and ahead:
        planned = forecast(None, (), plans, ahead, _NO_GROWTH)
        with_plans = with_rows(replace(base, usage=(*base.usage, *planned)), plans)
    with_lines, base_lines = lines_with_and_without(with_plans, base, common)
    known_lines = terms.rate(common).lines
    last_actual = as_of.replace(day=1) if as_of.day > 1 else add_months(as_of, -1)
    sums: dict[Key, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for key, _charge, amount in _portions(session, agreement_id, known_lines, common, known_at):
        if key[2] <= last_actual:
            sums[key][0] += amount
            sums[key][1] -= amount
    for key, _charge, amount in _portions(session, agreement_id, base_lines, common, known_at):
        sums[key][1] += amount
        sums[key][2] -= amount
    counted = _counted_charges(terms)
    for key, charge, amount in _portions(session, agreement_id, with_lines, common, known_at):
        sums[key][2] += amount
        sums[key][3] += 0 if charge in counted else amount
    months = tuple(
        MonthCost(*key, *amounts)
        for key, amounts in sorted(
            sums.items(), key=lambda item: (item[0][0], item[0][2], item[0][1] or "~", item[0][3])
        )
        if any(amounts)
    )
    return ExpectedCourse(terms, common, as_of, data_until, months, plans)


def _portions(
    session: Session, agreement_id: int, lines: Iterable[Line], period: Period, known_at: datetime | None
) -> Iterable[tuple[Key, str | None, int]]:
    for each in portions_of(session, agreement_id, lines, period, known_at):
        key = (each.trust, each.algorithm, each.period.start.replace(day=1), each.key != "own")
        yield key, each.charge, each.net_ore


def _counted_charges(terms: Terms) -> frozenset[str]:
    """Give the codes of the charges that are by the examination; all others are due whatever is counted."""
    return frozenset(
        charge.code
        for version in terms.price_book.versions
        for charge in version.charges
        if isinstance(charge, UsageCharge)
    )
