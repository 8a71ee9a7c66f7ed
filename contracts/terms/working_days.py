"""Working days in Norway, and a month's count shared over them."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache, lru_cache

import holidays

from contracts.terms.period import Period


@cache
def public_holidays_of(country: str, part: str | None, year: int) -> frozenset[date]:
    """Give the public holidays of a year in a country, or one part of it (GB, ENG); ValueError where it is unknown."""
    try:
        return frozenset(holidays.country_holidays(country, subdiv=part, years=year))
    except NotImplementedError as error:
        raise ValueError(f"the public holidays of {country}{'/' + part if part else ''} are not known") from error


def public_holidays(year: int) -> frozenset[date]:
    """Give the Norwegian public holidays of a year, movable feasts included."""
    return public_holidays_of("NO", None, year)


def working_days(period: Period) -> list[date]:
    """List the days of ``period`` from Monday to Friday that are no public holiday.

    >>> len(working_days(Period.parse("2026-05")))
    18
    """
    return list(_working_days(period))


@lru_cache(maxsize=4096)
def _working_days(period: Period) -> tuple[date, ...]:
    free = {day for year in range(period.start.year, period.end.year + 1) for day in public_holidays(year)}
    days = (period.start + timedelta(days=offset) for offset in range(period.days))
    return tuple(day for day in days if day.weekday() < 5 and day not in free)


def spread(quantity: int, days: list[date]) -> dict[date, int]:
    """Share a count over days in equal whole parts, left-over units on the earliest days.

    >>> spread(5, [date(2026, 5, 4), date(2026, 5, 5)])
    {datetime.date(2026, 5, 4): 3, datetime.date(2026, 5, 5): 2}
    """
    share, left = divmod(quantity, len(days))
    return {day: share + (number < left) for number, day in enumerate(days)}
