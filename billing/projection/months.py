"""What a year's months cost by trust and algorithm: what is due of recorded usage, what is forecast, what is committed.

Actual is what the recorded counts cost, up to the month of the last of them. Forecast is the rest of that month and everything
after it, with what runs going on as it does. Committed is what activations add that are approved, or live, and have no counts yet, by
their plans: the rating with them less the rating without, so that it may be below zero for a trust whose prices they lower.
What stands on no trust is shared as in the cost allocation. All amounts are øre excluding VAT and sum to the charges.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy.orm import Session

from billing.charges.basis import Terms, gather
from billing.forecasting.daily_rates import Plan, daily_rates, forecast
from billing.payments.allocation import portions_of
from billing.projection.projection import lines_with_and_without, planned_row
from billing.rating.lines import Line
from contracts import cases
from contracts.terms.period import Period, add_months
from contracts.terms.price_book import Activation
from contracts.terms.working_days import working_days

Key = tuple[str, str | None, date, bool]
_NO_GROWTH: Final = Decimal(0)
_APPROVED: Final = frozenset({"approved", "ordered", "validating", "live"})


@dataclass(frozen=True, slots=True)
class MonthCost:
    """A trust's month of an algorithm (None: what stands on no algorithm), in øre.

    ``shared`` amounts stand on no trust; what a trust bears of them tells what the others pay, so only readers of all see it.
    """

    trust: str
    algorithm: str | None
    month: date
    shared: bool
    actual_ore: int
    forecast_ore: int
    committed_ore: int

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
    session: Session, *, agreement_id: int, period: Period, today: date, known_at: datetime | None = None
) -> ExpectedCourse:
    """Give what the months of ``period`` cost as known; it is clipped to the agreement's term.

    The forecast begins on the day after the last count, or with the next month where no working day of that month is left;
    on ``today`` where there is no count.
    """
    terms = gather(session, agreement_id=agreement_id, known_at=known_at)
    data_until = max((entry.on for entry in terms.usage), default=None)
    as_of = today if data_until is None else _counted_until(data_until)
    common = period.overlap(terms.agreement.term.period)
    plans = _committed(session, terms, as_of, known_at)
    if common is None:
        return ExpectedCourse(terms, period, as_of, data_until, (), plans)
    running = tuple(row.to_term() for row in terms.activations)
    rates = daily_rates(terms.usage, running, as_of)
    ahead = Period(as_of, common.end) if as_of < common.end else None
    base = replace(terms, usage=(*terms.usage, *(forecast(rates, running, (), ahead, _NO_GROWTH) if ahead else ())))
    with_plans = base
    if plans and ahead:
        planned = forecast({}, (), plans, ahead, _NO_GROWTH)
        live = {(one.trust, one.algorithm) for one in running if one.end is None or one.end > as_of}
        coming = (plan.activation for plan in plans if (plan.activation.trust, plan.activation.algorithm) not in live)
        with_plans = replace(
            base,
            activations=(*terms.activations, *(planned_row(each) for each in coming)),
            usage=(*base.usage, *planned),
        )
    with_lines, base_lines = lines_with_and_without(with_plans, base, common)
    known_lines = terms.rate(common).lines
    last_actual = as_of.replace(day=1) if as_of.day > 1 else add_months(as_of, -1)
    sums: dict[Key, list[int]] = defaultdict(lambda: [0, 0, 0])
    for key, amount in _portions(session, agreement_id, known_lines, common, known_at):
        if key[2] <= last_actual:
            sums[key][0] += amount
            sums[key][1] -= amount
    for key, amount in _portions(session, agreement_id, base_lines, common, known_at):
        sums[key][1] += amount
        sums[key][2] -= amount
    for key, amount in _portions(session, agreement_id, with_lines, common, known_at):
        sums[key][2] += amount
    months = tuple(
        MonthCost(*key, *amounts)
        for key, amounts in sorted(
            sums.items(), key=lambda item: (item[0][0], item[0][2], item[0][1] or "~", item[0][3])
        )
        if any(amounts)
    )
    return ExpectedCourse(terms, common, as_of, data_until, months, plans)


def _counted_until(last: date) -> date:
    """Give the first day that is not counted yet; a month without a working day left is counted to its end."""
    following = last + timedelta(days=1)
    month_end = Period.month(last).end
    if following < month_end and not working_days(Period(following, month_end)):
        return month_end
    return following


def _portions(
    session: Session, agreement_id: int, lines: Iterable[Line], period: Period, known_at: datetime | None
) -> Iterable[tuple[Key, int]]:
    for each in portions_of(session, agreement_id, lines, period, known_at):
        yield (each.trust, each.algorithm, each.period.start.replace(day=1), each.key != "own"), each.net_ore


def _committed(session: Session, terms: Terms, as_of: date, known_at: datetime | None) -> tuple[Plan, ...]:
    """Take the plans of activations that are approved and not running, or live and not counted since they are."""
    recorded = {(row.trust, row.algorithm): row for row in terms.activations if row.end is None or row.end > as_of}
    since = {key: row.go_live for key, row in recorded.items()}
    counted = {key for entry in terms.usage if entry.on >= since.get(key := (entry.trust, entry.algorithm), date.max)}
    plans = []
    for case in cases.list_cases(session, agreement_id=terms.agreement.id, known_at=known_at):
        plan, algorithm = case.plan, case.algorithm
        if case.kind != "activation" or case.state not in _APPROVED or plan is None or algorithm is None:
            continue
        row = recorded.get((case.trust, algorithm))
        if (case.trust, algorithm) in counted or (row is None) == (case.state == "live"):
            continue
        starts_on = max(plan.starts_on if row is None else row.go_live, as_of)
        ends_on = plan.ends_on if row is None else row.end
        if terms.agreement.term.period.contains(starts_on):
            plans.append(Plan(Activation(case.trust, algorithm, starts_on, end=ends_on), plan.monthly_quantity))
    return tuple(plans)
