"""Monthly counts by series (a trust and an algorithm), and the days on which they were counted: what a forecast learns from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from contracts.terms.period import Period, add_months
from contracts.terms.price_book import Activation, Usage
from contracts.terms.working_days import working_days

Floats = NDArray[np.float64]

# What is older says little about the months ahead.
HISTORY_MONTHS = 60


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """Hold the working days and the other days of consecutive months."""

    working: Floats
    off: Floats

    @classmethod
    def of(cls, first: date, months: int, holidays: Callable[[int], frozenset[date]]) -> Calendar:
        """Count the days of so many months from `first`'s on; `holidays` gives a year's public holidays."""
        working, off = [], []
        for number in range(months):
            month = Period.month(add_months(first.replace(day=1), number))
            days = [month.start + timedelta(days=offset) for offset in range(month.days)]
            at_work = sum(day.weekday() < 5 and day not in holidays(day.year) for day in days)
            working.append(float(at_work))
            off.append(float(month.days - at_work))
        return cls(np.array(working), np.array(off))

    @classmethod
    def norwegian(cls, first: date, months: int) -> Calendar:
        """Count the days of so many months from `first`'s on in Norway."""
        days = [days_of_month(add_months(first.replace(day=1), number)) for number in range(months)]
        return cls(np.array([at_work for at_work, _ in days]), np.array([off for _, off in days]))


@lru_cache(maxsize=1024)
def days_of_month(month: date) -> tuple[float, float]:
    """Count a month's working days and its other days in Norway."""
    whole = Period.month(month)
    at_work = len(working_days(whole))
    return float(at_work), float(whole.days - at_work)


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Hold monthly counts: series × months from `first` on, and of which trust and kind each series is.

    A month that a series was not counted in, since it had not begun or nothing was delivered, is not a number. `calendar`
    reaches at least a year beyond the counts.
    """

    first: date
    trusts: tuple[str, ...]
    kinds: tuple[str, ...]
    values: Floats
    calendar: Calendar

    @property
    def months(self) -> int:
        """Return the number of months."""
        return int(self.values.shape[1])

    def month(self, number: int) -> date:
        """Return the first day of a month by its number."""
        return add_months(self.first, number)

    def until(self, months: int) -> Counts:
        """Return the counts as they were after so many months."""
        return Counts(self.first, self.trusts, self.kinds, self.values[:, :months], self.calendar)


def monthly_counts(usage: Iterable[Usage], activations: Iterable[Activation], until: date, ahead: int = 12) -> Counts:
    """Count what has run before the day `until` by whole months: each activation from its first full month to its last.

    Of one that was ended and begun again the later counts. A month without a single count was not delivered, so that it says
    nothing; what was counted before go-live is left out.
    """
    last = until.replace(day=1)
    ran: dict[tuple[str, str], tuple[date, date]] = {}
    for one in sorted(activations, key=lambda each: each.go_live):
        if one.go_live < until:
            whole_from = one.go_live if one.go_live.day == 1 else Period.month(one.go_live).end
            whole_to = min((one.end or date.max).replace(day=1), last)
            ran[one.trust, one.algorithm] = (min(whole_from, whole_to), whole_to)
    first = max(min([*(start for start, _ in ran.values()), last]), add_months(last, -HISTORY_MONTHS))
    keys = sorted(ran)
    counted: defaultdict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for entry in usage:
        key = (entry.trust, entry.algorithm)
        if key in ran and max(ran[key][0], first) <= entry.on < ran[key][1]:
            month, months = _months(first, entry.on), counted[key]
            months[month] = months.get(month, 0) + entry.quantity
    values = np.full((len(keys), _months(first, last)), np.nan)
    for row, key in enumerate(keys):
        values[row, list(counted[key])] = list(counted[key].values())
    calendar = Calendar.norwegian(first, values.shape[1] + ahead)
    return Counts(first, tuple(trust for trust, _ in keys), tuple(kind for _, kind in keys), values, calendar)


def _months(first: date, day: date) -> int:
    return (day.year - first.year) * 12 + day.month - first.month
