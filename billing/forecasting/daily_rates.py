"""Coming usage from past usage: what is expected of each series per working day, times the coming working days.

What is expected is the method's (`methods`), the same wherever something is forecast. The growth and the adoption of a new
algorithm that somebody assumes are explicit. Volumes are whole examinations, rounded half up per activation and month
(`billing/forecasting/README.md`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from math import isnan

from billing.forecasting.adoption import Shape, adopted
from billing.forecasting.counts import days_of_month, monthly_counts
from billing.forecasting.methods import RECENT_MONTHS, Course, Hindsight
from contracts.terms.period import Period, add_months
from contracts.terms.price_book import Activation, Usage
from contracts.terms.working_days import spread, working_days


@dataclass(frozen=True, slots=True)
class Plan:
    """An activation that is planned: its full monthly volume, reached over ``adoption_months`` by a line or an S-curve."""

    activation: Activation
    monthly_volume: int
    adoption_months: int = 0
    adoption: Shape = "linear"


@dataclass(frozen=True, slots=True, eq=False)
class DailyRates:
    """Hold what is expected of each running activation per working day of a month, from the month of the day `until` on.

    `new` are those without a whole month of counts: their mean since go-live goes on. `months` tells how many each of the
    others has.
    """

    until: date
    rows: Mapping[tuple[str, str], int]
    course: Course
    new: Mapping[tuple[str, str], Decimal]
    months: Mapping[tuple[str, str], int]

    def hardly_counted(self) -> set[tuple[str, str]]:
        """Give the activations whose level is not known yet: those with fewer months of counts than it is taken over."""
        return {*self.new, *(key for key, number in self.months.items() if number < RECENT_MONTHS)}

    def of(self, trust: str, algorithm: str, month: date) -> Decimal | None:
        """Give the examinations per working day of the month that a day lies in, with six decimals; None where none runs."""
        key = (trust, algorithm)
        if key in self.new or key not in self.rows:
            return self.new.get(key)
        number = max((month.year - self.until.year) * 12 + month.month - self.until.month, 0)
        working, off = days_of_month(month.replace(day=1))
        volume = self.course.volumes(number, month.month, working, off)[self.rows[key]]
        return Decimal(f"{volume / working:.6f}")


def daily_rates(usage: Iterable[Usage], activations: Iterable[Activation], until: date) -> DailyRates:
    """Give what is expected of each running activation, from its whole months of counts before ``until``.

    One with none is taken on the days since its go-live; one that has ended, or has no working day yet, has no rate.
    """
    return rates_before(usage, activations, (until,))[until]


def rates_before(
    usage: Iterable[Usage], activations: Iterable[Activation], days: Sequence[date]
) -> dict[date, DailyRates]:
    """Give the rates as they were to be expected on each of some days, from the counts before it; see `daily_rates`."""
    entries, ever = list(usage), list(activations)
    counts = monthly_counts(entries, ever, max(days))
    hindsight = Hindsight(counts)
    return {until: _rates(entries, ever, until, hindsight) for until in days}


def _rates(entries: list[Usage], ever: list[Activation], until: date, hindsight: Hindsight) -> DailyRates:
    counts = hindsight.counts
    origin = max((until.year - counts.first.year) * 12 + until.month - counts.first.month, 0)
    course = hindsight.course(origin)
    running = {
        (one.trust, one.algorithm): one.go_live
        for one in ever
        if one.go_live < until and (one.end is None or one.end > until)
    }
    known = {
        key: row
        for row, key in enumerate(zip(counts.trusts, counts.kinds, strict=True))
        if key in running and not isnan(course.level[row])
    }
    recently = add_months(until.replace(day=1), -RECENT_MONTHS)
    since = {key: Period(max(go_live, recently), until) for key, go_live in running.items() if key not in known}
    seen = dict.fromkeys(since, 0)
    for entry in entries if seen else ():
        window = since.get((entry.trust, entry.algorithm))
        if window is not None and window.contains(entry.on):
            seen[entry.trust, entry.algorithm] += entry.quantity
    new = {key: Decimal(seen[key]) / len(days) for key, window in since.items() if (days := working_days(window))}
    counted = hindsight.known(origin)
    return DailyRates(until, known, course, new, {key: int(counted[row]) for key, row in known.items()})


def forecast(
    rates: DailyRates | None,
    activations: Iterable[Activation],
    plans: Iterable[Plan],
    period: Period,
    annual_growth: Decimal,
) -> list[Usage]:
    """Give the usage of every day of ``period``: running activations at their rates, planned ones by their plans.

    Without ``rates`` only the planned ones are forecast. ``annual_growth`` is a share per year, compounding from the start of ``period``.
    """
    return [
        entry
        for activation, volume, days in expected_volumes(rates, activations, plans, period, annual_growth)
        for entry in _spread(activation, volume, days)
    ]


def expected_volumes(
    rates: DailyRates | None,
    activations: Iterable[Activation],
    plans: Iterable[Plan],
    period: Period,
    annual_growth: Decimal,
) -> Iterator[tuple[Activation, Decimal, list[date]]]:
    """Give each activation's volume of each month, not yet whole, and the working days it falls on, month by month."""
    running, planned = list(activations), list(plans)
    for number, month in enumerate(period.months()):
        grown = (1 + annual_growth) ** (Decimal(number) / 12)
        for activation in running:
            days = _days_running(activation, month)
            rate = rates.of(activation.trust, activation.algorithm, month.start) if rates is not None and days else None
            if rate is not None:
                yield activation, rate * len(days) * grown, days
        for plan in planned:
            days = _days_running(plan.activation, month)
            if days:
                share = Decimal(len(days)) / len(working_days(Period.month(month.start)))
                yield plan.activation, plan.monthly_volume * share * _adopted(plan, month) * grown, days


def _adopted(plan: Plan, month: Period) -> Decimal:
    go_live = plan.activation.go_live
    lived = (month.start.year - go_live.year) * 12 + month.start.month - go_live.month + 1
    return adopted(lived, plan.adoption_months, plan.adoption)


def _spread(activation: Activation, volume: Decimal, days: list[date]) -> list[Usage]:
    whole = int(volume.quantize(Decimal(1), ROUND_HALF_UP))
    return [
        Usage(activation.trust, activation.algorithm, day, quantity)
        for day, quantity in spread(whole, days).items()
        if quantity
    ]


def _days_running(activation: Activation, month: Period) -> list[date]:
    running = month.overlap(Period(activation.go_live, activation.end or date.max))
    return [] if running is None else working_days(running)
