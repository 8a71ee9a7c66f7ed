"""Open items: what was invoiced, credited and paid, rolled forward; and what paying late costs. Pure arithmetic on øre.

Opening + invoiced − credited − paid = closing, for every vendor and quarter, and each closing is the next opening. Interest runs
from the day after the due date to the day of payment, inclusive, at the rate of each day over 365; it is rounded to øre once
per stretch of one rate and one open amount. A rate is set for a half-year and says nothing of the days after it. The standard
compensation is that of the first late day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal

from contracts.terms.money import kroner, round_half_up, scaled
from contracts.terms.period import Period, add_months, previous_day

DAYS_OF_A_YEAR: Final = 365
PERCENT_PLACES: Final = 4
ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Movement:
    """Something that changes what is owed to a vendor: an amount in øre, including VAT, counted on a day.

    ``invoiced`` and ``credited`` are positive; ``paid`` is positive where money went to the vendor.
    """

    vendor: str
    on: date
    kind: Literal["invoiced", "credited", "paid"]
    ore: int


@dataclass(frozen=True, slots=True)
class Roll:
    """A vendor's quarter: opening + invoiced − credited − paid = closing, in kroner including VAT."""

    vendor: str
    quarter: Period
    opening: Decimal
    invoiced: Decimal
    credited: Decimal
    paid: Decimal
    closing: Decimal


@dataclass(frozen=True, slots=True)
class Rate:
    """Late interest in percent a year and the standard compensation in kroner, from a day to the end of its half-year."""

    valid_from: date
    percent: Decimal
    compensation: Decimal
    source: str

    @property
    def period(self) -> Period:
        """Give the days it was set for: to the next 1 January or 1 July."""
        day = self.valid_from
        return Period(day, date(day.year, 7, 1) if day.month < 7 else date(day.year + 1, 1, 1))

    @property
    def last(self) -> date:
        """Give the last day it was set for."""
        return previous_day(self.period.end)


@dataclass(frozen=True, slots=True)
class LateStretch:
    """Days in which one amount was owed at one rate; rate and interest are None where no rate is recorded."""

    period: Period
    open: Decimal
    percent: Decimal | None
    interest: Decimal | None


@dataclass(frozen=True, slots=True)
class Late:
    """What paying an invoice late costs up to a day; ``complete`` is false where a rate is missing."""

    stretches: tuple[LateStretch, ...]
    compensation: Decimal | None

    @property
    def interest(self) -> Decimal:
        """Give the sum of the stretches that have a rate."""
        return sum((each.interest for each in self.stretches if each.interest is not None), Decimal("0.00"))

    @property
    def complete(self) -> bool:
        """Tell whether every late day has a rate."""
        return all(each.interest is not None for each in self.stretches)

    @property
    def days(self) -> int:
        """Count the late days."""
        return sum(each.period.days for each in self.stretches)


def roll_forward(movements: Iterable[Movement], until: date) -> tuple[Roll, ...]:
    """Roll each vendor's open items forward quarter by quarter, from its first movement to the quarter of ``until``.

    Movements after ``until`` are left out. Vendors in order, quarters in time order.
    """
    sums: dict[tuple[str, date], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    first: dict[str, date] = {}
    for each in movements:
        if each.on <= until:
            start = Period.quarter(each.on).start
            sums[each.vendor, start][each.kind] += each.ore
            first[each.vendor] = min(first.get(each.vendor, start), start)
    rolled = []
    for vendor in sorted(first):
        opening, start = 0, first[vendor]
        while start <= until:
            own = sums[vendor, start]
            closing = opening + own["invoiced"] - own["credited"] - own["paid"]
            amounts = (opening, own["invoiced"], own["credited"], own["paid"], closing)
            rolled.append(Roll(vendor, Period.quarter(start), *(kroner(amount) for amount in amounts)))
            opening, start = closing, add_months(start, 3)
    return tuple(rolled)


def late(due_on: date, owed: Sequence[tuple[date, int]], until: date, rates: Sequence[Rate]) -> Late:
    """Compute interest and compensation on an invoice due on ``due_on``, up to and with the day ``until``.

    ``owed`` tells what is open from which day on, in øre, in time order; a payment counts from the day after it was made, so
    interest runs through the day of payment. Nothing runs on an open amount of 0 or less.

    >>> rates = [Rate(date(2025, 1, 1), Decimal("12.50"), Decimal("470.00"), "FOR-2024-12-19-3279")]
    >>> found = late(date(2025, 1, 31), [(date(2025, 1, 1), 1_000_000), (date(2025, 2, 11), 0)], date(2025, 3, 1), rates)
    >>> found.days, found.interest, found.compensation
    (10, Decimal('34.25'), Decimal('470.00'))
    """
    ordered = sorted(rates, key=lambda rate: rate.valid_from)
    start, end = due_on + ONE_DAY, until + ONE_DAY
    if start >= end:
        return Late((), None)
    cuts = {start, end}
    cuts |= {day for day, _amount in owed if start < day < end}
    bounds = {bound for rate in ordered for bound in (rate.period.start, rate.period.end)}
    cuts |= {bound for bound in bounds if start < bound < end}
    days = sorted(cuts)
    stretches = []
    for i in range(len(days) - 1):
        period = Period(days[i], days[i + 1])
        amount = next((ore for day, ore in reversed(owed) if day <= period.start), 0)
        if amount > 0:
            rate = _rate_on(ordered, period.start)
            percent, interest = (None, None) if rate is None else (rate.percent, _interest(amount, period, rate))
            stretches.append(LateStretch(period, kroner(amount), percent, interest))
    if not stretches:
        return Late((), None)
    first = _rate_on(ordered, stretches[0].period.start)
    return Late(tuple(stretches), None if first is None else first.compensation)


def _rate_on(ordered: Sequence[Rate], day: date) -> Rate | None:
    return next((rate for rate in reversed(ordered) if rate.period.contains(day)), None)


def _interest(ore: int, period: Period, rate: Rate) -> Decimal:
    percent = scaled(rate.percent, PERCENT_PLACES)
    return kroner(round_half_up(ore * percent * period.days, 100 * 10**PERCENT_PLACES * DAYS_OF_A_YEAR))
