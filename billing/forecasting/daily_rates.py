"""Coming usage from past usage: the mean of the last full months per working day, times the coming working days.

No trend is extrapolated from short history: growth and the adoption of a new algorithm are explicit assumptions. Volumes
are whole examinations, rounded half up per activation and month (`billing/forecasting/README.md`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from billing.forecasting.adoption import Shape, adopted
from contracts.terms.period import Period, add_months
from contracts.terms.price_book import Activation, Usage
from contracts.terms.working_days import spread, working_days

HISTORY_MONTHS = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """An activation that is planned: its full monthly volume, reached over ``adoption_months`` by a line or an S-curve."""

    activation: Activation
    monthly_volume: int
    adoption_months: int = 0
    adoption: Shape = "linear"


def daily_rates(
    usage: Iterable[Usage], activations: Iterable[Activation], until: date
) -> dict[tuple[str, str], Decimal]:
    """Give each running activation's examinations per working day over its last three full months before ``until``.

    An activation with fewer full months is taken on those it has; one with none, on the days since its go-live; one that
    has ended, or has no working day yet, has no rate.
    """
    last_full = Period.month(until).start
    counted: dict[tuple[str, str], dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for entry in usage:
        if entry.on < until:
            counted[entry.trust, entry.algorithm][entry.on] += entry.quantity
    rates = {}
    for activation in activations:
        key = (activation.trust, activation.algorithm)
        if activation.go_live >= until or (activation.end is not None and activation.end <= until):
            continue
        earliest = max(add_months(last_full, -HISTORY_MONTHS), _first_full_month(activation.go_live))
        window = Period(earliest, last_full) if earliest < last_full else Period(activation.go_live, until)
        days = working_days(window)
        if days:
            seen = sum(quantity for day, quantity in counted[key].items() if window.contains(day))
            rates[key] = Decimal(seen) / len(days)
    return rates


def forecast(
    rates: dict[tuple[str, str], Decimal],
    activations: Iterable[Activation],
    plans: Iterable[Plan],
    period: Period,
    annual_growth: Decimal,
) -> list[Usage]:
    """Give the usage of every day of ``period``: running activations at their rates, planned ones by their plans.

    ``annual_growth`` is a share per year, compounding from the start of ``period``.
    """
    return [
        entry
        for activation, volume, days in expected_volumes(rates, activations, plans, period, annual_growth)
        for entry in _spread(activation, volume, days)
    ]


def expected_volumes(
    rates: dict[tuple[str, str], Decimal],
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
            rate = rates.get((activation.trust, activation.algorithm))
            days = _days_running(activation, month)
            if rate is not None and days:
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


def _first_full_month(day: date) -> date:
    month = Period.month(day)
    return month.start if month.start == day else month.end
