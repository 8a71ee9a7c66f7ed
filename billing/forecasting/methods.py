"""Coming monthly counts from past ones, by methods that are compared on the history itself.

The default needs few months: the mean of the last six (fewer where there are fewer, at least one) per working day, times the
coming working days. From 24 months of history two others are tried on earlier origins of the same history, and the one that
errs least there is used where it beats the default by more than 2 %:

* *seasonal*: the last six months, the newer weighing more, on days in which a day off counts three tenths of a working day,
  cleared of a season that the series of one kind share and that is drawn towards none while few years are known;
* *damped*: the same with a trend that fades by a fifth each month.

No trend is extrapolated from short history. Intervals are the errors of the chosen method on the same earlier origins, as
shares of the forecast, by months ahead: each series' own, drawn towards all of them where it has few.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from contracts.terms.period import Period, add_months

Floats = NDArray[np.float64]
Method = Literal["mean", "seasonal", "damped"]

RECENT_MONTHS = 6
LONG_HISTORY = 24
AHEAD = 12

_OFF_DAY = 0.3
_NEWEST = 0.3
_FADE = 0.8
_TREND = 0.05
_BETTER = 0.98
# Half a year on both sides of a month are needed to see its season.
_HALF_YEAR = 6
# A season seen once counts half, twice two thirds.
_SEASON_DOUBT = 1.0
# A pandemic or a closed department: months whose count lies this far off the year around them show no season.
_OUT_OF_SEASON = 0.35
_OWN_ERRORS = 12


_METHODS: tuple[Method, ...] = ("mean", "seasonal", "damped")


@dataclass(frozen=True, slots=True)
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

    def weighted(self, off_day: float) -> Floats:
        """Return each month's days, a day off counting so much of a working day."""
        return self.working + off_day * self.off

    def until(self, months: int) -> Calendar:
        """Return the first so many months."""
        return Calendar(self.working[:months], self.off[:months])


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """Hold expected counts (series × months ahead) with the tenth and ninetieth percentile of each, and how they were made."""

    method: Method
    expected: Floats
    low: Floats
    high: Floats


def forecast_counts(
    history: Floats, calendar: Calendar, first_month: int, kinds: Sequence[str], ahead: int = AHEAD
) -> Forecast:
    """Forecast the months after `history` (series × months, oldest first).

    `calendar` covers the history and the months ahead; `first_month` is the month of the year (1…12) of the oldest;
    `kinds` names what each series counts. Raises ValueError without one month of history or where the calendar is short.
    """
    known = history.shape[1]
    if known < 1 or len(calendar.working) < known + ahead:
        raise ValueError("a forecast needs a month of history and a calendar up to its end")
    method = choose_method(history, calendar, first_month, kinds)
    expected = extrapolate(method, history, calendar, first_month, kinds, ahead)
    low, high = _interval(method, history, calendar, first_month, kinds, ahead)
    return Forecast(method, expected, expected * low, expected * high)


def relative_bands(
    history: Sequence[Sequence[int]], calendar: Calendar, first_month: int, kinds: Sequence[str]
) -> list[list[tuple[float, float]]]:
    """Give the 80 % interval of each month ahead as shares of what is expected, by series; `forecast_counts` tells the rest."""
    made = forecast_counts(np.array(history, dtype=float), calendar, first_month, kinds)
    middle = np.maximum(made.expected, 1e-9)
    return [
        [(float(low), float(high)) for low, high in zip(*rows, strict=True)]
        for rows in zip(made.low / middle, made.high / middle, strict=True)
    ]


def choose_method(history: Floats, calendar: Calendar, first_month: int, kinds: Sequence[str]) -> Method:
    """Choose the method that errs least on earlier origins of the history; the mean where there are under 24 months."""
    known = history.shape[1]
    if known < LONG_HISTORY:
        return "mean"
    errors = dict.fromkeys(_METHODS, 0.0)
    for origin in range(known - AHEAD, known - 1):
        ahead = min(AHEAD, known - origin)
        actual = history[:, origin : origin + ahead]
        level = np.maximum(actual.mean(axis=1, keepdims=True), 1)
        for method in _METHODS:
            expected = extrapolate(method, history[:, :origin], calendar, first_month, kinds, ahead)
            # Each series counts alike, as its error would be told.
            errors[method] += float((np.abs(expected - actual) / level).sum())
    best = min(_METHODS, key=lambda method: errors[method])
    return best if errors[best] < _BETTER * errors["mean"] else "mean"


def extrapolate(
    method: Method, history: Floats, calendar: Calendar, first_month: int, kinds: Sequence[str], ahead: int
) -> Floats:
    """Forecast so many months after a history by one method."""
    known = history.shape[1]
    if method == "mean":
        recent = min(RECENT_MONTHS, known)
        days = calendar.working
        rate = history[:, known - recent :].sum(axis=1) / max(float(days[known - recent : known].sum()), 1.0)
        expected: Floats = rate[:, None] * days[None, known : known + ahead]
        return expected
    days = calendar.weighted(_OFF_DAY)
    season = _seasons(history, days, first_month, kinds)
    of_year = (np.arange(known + ahead) + first_month - 1) % 12
    clear = history / days[:known] / season[:, of_year[:known]]
    level = _weighted_level(clear)
    trend = np.zeros_like(level) if method == "seasonal" else _fading_trend(clear)
    steps = np.cumsum(_FADE ** np.arange(1, ahead + 1))
    course = np.maximum(level[:, None] + trend[:, None] * steps[None, :], 0)
    return course * days[known : known + ahead] * season[:, of_year[known:]]


def _weighted_level(clear: Floats) -> Floats:
    recent = clear[:, -RECENT_MONTHS:]
    weights = (1 - _NEWEST) ** np.arange(recent.shape[1])[::-1]
    level: Floats = recent @ (weights / weights.sum())
    return level


def _fading_trend(clear: Floats) -> Floats:
    """Follow level and slope through the history, both slowly, and return the last slope."""
    level, slope = clear[:, 0].copy(), np.zeros(len(clear))
    for month in range(1, clear.shape[1]):
        before = level
        level = _NEWEST * clear[:, month] + (1 - _NEWEST) * (level + _FADE * slope)
        slope = _TREND * (level - before) + (1 - _TREND) * _FADE * slope
    return slope


def _seasons(history: Floats, days: Floats, first_month: int, kinds: Sequence[str]) -> Floats:
    """Return the factor of each month of the year for each series, shared by the series of a kind."""
    known = history.shape[1]
    factors = np.ones((len(history), 12))
    rates = np.log(np.maximum(history, 0.5) / days[:known])
    off_level = np.full(rates.shape, np.nan)
    for month in range(_HALF_YEAR, known - _HALF_YEAR):
        around = rates[:, month - _HALF_YEAR : month + _HALF_YEAR + 1].copy()
        around[:, [0, -1]] /= 2  # the same month of the year stands at both ends
        off_level[:, month] = rates[:, month] - around.sum(axis=1) / 12
    of_year = (np.arange(known) + first_month - 1) % 12
    for kind in sorted(set(kinds)):
        rows = [row for row, each in enumerate(kinds) if each == kind]
        own = off_level[rows]
        usual = np.abs(_year_around(own)) < _OUT_OF_SEASON
        for month in range(12):
            seen = [column for column in np.nonzero(of_year == month)[0] if usual[column]]
            values = own[:, seen]
            if values.size:
                doubt = len(seen) / (len(seen) + _SEASON_DOUBT)
                factors[rows, month] = np.exp(doubt * float(np.median(values)))
    factors /= np.exp(np.log(factors).mean(axis=1, keepdims=True))
    return factors


def _year_around(off_level: Floats) -> Floats:
    """Return for each month the farthest that the kind's middle series lies off, of the year around it."""
    known = off_level.shape[1]
    farthest = np.full(known, np.inf)
    seen = [month for month in range(known) if not np.isnan(off_level[:, month]).any()]
    middle = {month: abs(float(np.median(off_level[:, month]))) for month in seen}
    for month in seen:
        farthest[month] = max(middle[other] for other in seen if abs(other - month) <= _HALF_YEAR)
    return farthest


def _interval(
    method: Method, history: Floats, calendar: Calendar, first_month: int, kinds: Sequence[str], ahead: int
) -> tuple[Floats, Floats]:
    """Return the tenth and ninetieth percentile of actual over forecast, series × months ahead."""
    known = history.shape[1]
    ratios: list[tuple[int, Floats]] = []
    for origin in range(max(1, known - 2 * AHEAD), known):
        steps = min(ahead, known - origin)
        expected = extrapolate(method, history[:, :origin], calendar, first_month, kinds, steps)
        actual = history[:, origin : origin + steps]
        ratios.append((steps, np.log(np.maximum(actual, 0.5) / np.maximum(expected, 0.5))))
    wide = np.full((len(ratios), len(history), ahead), np.nan)
    for number, (steps, ratio) in enumerate(ratios):
        wide[number, :, :steps] = ratio
    if not ratios:
        return np.zeros((len(history), ahead)), np.full((len(history), ahead), 2.0)
    return _percentiles(wide)


def _percentiles(errors: Floats) -> tuple[Floats, Floats]:
    """Turn log errors (origins × series × months ahead) into an interval per series and month ahead."""
    own = np.nanmean(errors**2, axis=(0, 2))
    pooled = float(np.nanmedian(own))
    count = (~np.isnan(errors)).any(axis=2).sum(axis=0)
    scale = np.sqrt((count * own + _OWN_ERRORS * pooled) / (count + _OWN_ERRORS))
    scale = np.maximum(scale, 1e-9)
    standard = errors / scale[None, :, None]
    by_step = np.array(
        [
            np.nanquantile(standard[:, :, step], (0.1, 0.9))
            if (~np.isnan(standard[:, :, step])).any()
            else np.nanquantile(standard, (0.1, 0.9))
            for step in range(standard.shape[2])
        ]
    )
    # A longer way ahead is not surer than a shorter one.
    low = np.minimum.accumulate(np.minimum(by_step[:, 0], 0))
    high = np.maximum.accumulate(np.maximum(by_step[:, 1], 0))
    return np.exp(scale[:, None] * low[None, :]), np.exp(scale[:, None] * high[None, :])
