"""Periods: days from a first one up to, and not including, a last one.

Every period is half-open, so neighbours share a bound and nothing falls between them; there is no 23:59:59. Windows are the
periods in which a counter counts, a limit limits and a fixed charge falls due. Quarters are those of the calendar; agreement
years begin at `add_months(start, 12 k)` (pricing.md §1.4 §3.4).
"""

from __future__ import annotations

import itertools
import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

WindowKind = Literal["month", "quarter", "calendar_year", "agreement_year", "agreement"]
WINDOW_KINDS: tuple[WindowKind, ...] = get_args(WindowKind)

_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})", re.ASCII)
_QUARTER = re.compile(r"([0-9]{4})-Q([1-4])", re.ASCII)
_YEAR = re.compile(r"[0-9]{4}", re.ASCII)


# No agreement lies outside these years, and dates near the end of all dates cannot be counted on from.
FIRST_YEAR, LAST_YEAR = 1900, 2199


def in_calendar(day: date) -> date:
    """Return the day; ValueError where it lies outside the years that agreements are of."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"{day.isoformat()} is outside the years {FIRST_YEAR} to {LAST_YEAR}")
    return day


def add_months(day: date, months: int) -> date:
    """Return the day so many months later, the last of its month where the number does not exist there.

    Count from the anchor, never from a day already moved: 31 January + 1 month is 28 or 29 February, + 2 months 31 March.

    >>> add_months(date(2024, 1, 31), 1)
    datetime.date(2024, 2, 29)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def first_of_month(day: date) -> date:
    """Return the first day of a day's month."""
    return day.replace(day=1)


@dataclass(frozen=True, order=True, slots=True)
class Period:
    """Hold the days from `start` up to, not including, `end`; ValueError where there are none."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError("a period ends after it starts")

    @classmethod
    def month(cls, day: date) -> Period:
        """Return the calendar month that holds a day."""
        start = first_of_month(day)
        return cls(start, add_months(start, 1))

    @classmethod
    def quarter(cls, day: date) -> Period:
        """Return the calendar quarter that holds a day."""
        start = date(day.year, day.month - (day.month - 1) % 3, 1)
        return cls(start, add_months(start, 3))

    @classmethod
    def year(cls, day: date) -> Period:
        """Return the calendar year that holds a day."""
        return cls(date(day.year, 1, 1), date(day.year + 1, 1, 1))

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read "2026-09", "2026-Q3" or "2026"; ValueError otherwise, and outside the years `in_calendar` names."""
        if month := _MONTH.fullmatch(text):
            return cls.month(in_calendar(date(int(month[1]), int(month[2]), 1)))
        if quarter := _QUARTER.fullmatch(text):
            return cls.quarter(in_calendar(date(int(quarter[1]), 3 * int(quarter[2]), 1)))
        if _YEAR.fullmatch(text):
            return cls.year(in_calendar(date(int(text), 1, 1)))
        raise ValueError(f"{text!r} is not a month, a quarter or a year")

    def label(self) -> str:
        """Write the period as `parse` reads it, else as its two bounds with a slash between."""
        if self == Period.month(self.start):
            return f"{self.start:%Y-%m}"
        if self == Period.quarter(self.start):
            return f"{self.start.year}-Q{(self.start.month + 2) // 3}"
        if self == Period.year(self.start):
            return f"{self.start.year}"
        return f"{self.start.isoformat()}/{self.end.isoformat()}"

    def contains(self, day: date) -> bool:
        """Say whether a day lies in the period."""
        return self.start <= day < self.end

    @property
    def days(self) -> int:
        """Count the days of the period."""
        return (self.end - self.start).days

    def overlap(self, other: Period) -> Period | None:
        """Return the days both periods hold, None where there are none."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Period(start, end) if start < end else None

    def months(self) -> list[Period]:
        """Cut the period at the firsts of months; its first and last part may be shorter than a month."""
        cuts = [self.start]
        following = Period.month(self.start).end
        while following < self.end:
            cuts.append(following)
            following = add_months(following, 1)
        cuts.append(self.end)
        return [Period(start, end) for start, end in itertools.pairwise(cuts)]


def whole_window(kind: WindowKind, day: date, term: Period) -> Period:
    """Return the unclipped window of a kind that holds a day of an agreement's term."""
    match kind:
        case "month":
            return Period.month(day)
        case "quarter":
            return Period.quarter(day)
        case "calendar_year":
            return Period.year(day)
        case "agreement_year":
            years = day.year - term.start.year
            if add_months(term.start, 12 * years) > day:
                years -= 1
            return Period(add_months(term.start, 12 * years), add_months(term.start, 12 * years + 12))
        case "agreement":
            return term


def window(kind: WindowKind, day: date, term: Period) -> Period:
    """Return the window of a kind that holds a day of an agreement's term, clipped to the term (pricing.md §3.4)."""
    whole = whole_window(kind, day, term)
    return Period(max(whole.start, term.start), min(whole.end, term.end))


def previous_day(day: date) -> date:
    """Return the day before a day: the last one of a period that ends on it."""
    return day - timedelta(days=1)
