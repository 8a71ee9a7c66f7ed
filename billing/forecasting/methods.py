"""Coming monthly counts from past ones: one method, which falls back where little is known.

A series' level is the mean of its last six months, the newer weighing more, on days in which a day off counts three tenths of a
working day, cleared of the season of its kind. A season is shared by the series of a kind, needs two years of one of them, is
drawn towards none while few years are known, and serves the kind's short series too. To it come

* from 24 months of a series on, its trend, which fades by a fifth each month (damped);
* before that, how the agreement's own series grew while they were as young, once one of them has a year behind it: the mean
  over them of what came above their forecasts, one series without growth counted in.

Where no season is known the level is the plain mean of the last six months per working day. No trend is extrapolated from
short history. `Hindsight` makes the same forecasts at every earlier month from what was known then: its errors tell what the
method is worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from billing.forecasting.counts import Counts, Floats

RECENT_MONTHS = 6
LONG_HISTORY = 24
AHEAD = 12

_OFF_DAY = 0.3
_NEWEST = 0.3
_FADE = 0.8
_TREND = 0.05
# Half a year on both sides of a month are needed to see its season.
_HALF_YEAR = 6
# A season seen once counts half, twice two thirds.
_SEASON_DOUBT = 1.0
# A pandemic or a closed department: months whose count lies this far off the year around them show no season.
_OUT_OF_SEASON = 0.35
_OWN_ERRORS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Hold how each series is expected to go on: what `volumes` puts together, month by month.

    `level` is per day, on days in which a day off counts `off_day`; not a number where nothing is known. `season` holds a
    factor for each month of the year, `growth` the logarithm of what a young series grows by, for the first year ahead.
    """

    level: Floats
    trend: Floats
    off_day: Floats
    season: Floats
    growth: Floats

    def volumes(self, number: int, month_of_year: int, working: float, off: float) -> Floats:
        """Return every series' expected count of month `number` ahead (0 is the first), with that month's days."""
        faded = _FADE * (1 - _FADE ** (number + 1)) / (1 - _FADE)
        rate: Floats = np.maximum(self.level + self.trend * faded, 0) * self.season[:, month_of_year - 1]
        return rate * (working + self.off_day * off) * np.exp(self.growth[:, min(number, AHEAD - 1)])


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """Hold expected counts (series × months ahead) with the tenth and ninetieth percentile of each."""

    expected: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True, eq=False)
class PastForecasts:
    """Hold what was expected at earlier months and what came: origins × series × months ahead.

    What is not known, or was not forecast, is not a number on both sides.
    """

    expected: Floats
    actual: Floats

    def errors(self) -> Floats:
        """Return the logarithms of what came over what was expected."""
        errors: Floats = np.log(np.maximum(self.actual, 0.5) / np.maximum(self.expected, 0.5))
        return errors


class Hindsight:
    """Forecast a history's series from every month of it, each time from what was known then."""

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self._days = counts.calendar.working + _OFF_DAY * counts.calendar.off
        self._off_season = _off_season(counts, self._days[: counts.months])

    def course(self, origin: int) -> Course:
        """Return how the series go on after so many months of the history."""
        return self._grown(self._plain(origin, self._seasons(origin)), origin)

    def _grown(self, plain: Course, origin: int) -> Course:
        growth = self._learnt_growth(origin)
        if growth.any():
            plain.growth[self._young(origin)] = growth
        return plain

    def expected(self, origin: int, ahead: int = AHEAD) -> Floats:
        """Return the expected counts of the months after the first `origin` ones: series × months ahead."""
        return self._volumes(self.course(origin), origin, ahead)

    def past(self, origins: range) -> PastForecasts:
        """Return what this method would have expected in earlier months, a year ahead, with what came.

        It knows the season that it knows now, and half a year of counts where it does now: that it once did not is no error
        that it will make again.
        """
        seasons = self._seasons(self.counts.months)
        courses = [(self._grown(self._plain(origin, seasons), origin), origin) for origin in origins]
        expected = np.array([self._volumes(course, origin, AHEAD) for course, origin in courses])
        expected = expected.reshape(-1, len(self.counts.values), AHEAD)
        enough = np.minimum(self.known(self.counts.months), RECENT_MONTHS)
        for place, origin in enumerate(origins):
            expected[place, self.known(origin) < enough] = np.nan
        return _known_on_both(expected, self._actual(origins))

    def _volumes(self, course: Course, origin: int, ahead: int) -> Floats:
        calendar = self.counts.calendar
        made = np.empty((len(self.counts.values), ahead))
        for number in range(ahead):
            month = origin + number
            made[:, number] = course.volumes(
                number, self._month_of_year(month), calendar.working[month], calendar.off[month]
            )
        return made

    def _actual(self, origins: range) -> Floats:
        values = self.counts.values
        padded = np.concatenate([values, np.full((len(values), AHEAD), np.nan)], axis=1)
        return np.array([padded[:, origin : origin + AHEAD] for origin in origins]).reshape(-1, len(values), AHEAD)

    def _month_of_year(self, number: int) -> int:
        return (self.counts.first.month - 1 + number) % 12 + 1

    @cached_property
    def _known(self) -> NDArray[np.intp]:
        """Count each series' months before every month: series × months, from 0 on."""
        seen = (~np.isnan(self.counts.values)).cumsum(axis=1)
        return np.concatenate([np.zeros((len(seen), 1), dtype=np.intp), seen], axis=1)

    def known(self, origin: int) -> NDArray[np.intp]:
        """Return how many months each series was counted in before a month."""
        known: NDArray[np.intp] = self._known[:, origin]
        return known

    def _young(self, origin: int) -> NDArray[np.bool_]:
        known = self.known(origin)
        young: NDArray[np.bool_] = (known >= 1) & (known < LONG_HISTORY)
        return young

    def _plain(self, origin: int, seasons: tuple[Floats, NDArray[np.bool_]]) -> Course:
        """Return the course without what young series grow by."""
        values = self.counts.values[:, :origin]
        known = self.known(origin)
        season, has_season = seasons
        weighted = self._days[:origin]
        of_year = np.array([self._month_of_year(month) - 1 for month in range(origin)], dtype=np.intp)
        recent = slice(max(origin - RECENT_MONTHS, 0), origin)
        clear = values[:, recent] / weighted[recent] / season[:, of_year[recent]]
        weights = np.where(np.isnan(clear), 0, (1 - _NEWEST) ** np.arange(clear.shape[1])[::-1])
        with np.errstate(invalid="ignore", divide="ignore"):
            level = np.nansum(clear * weights, axis=1) / weights.sum(axis=1)
            at_work = np.where(np.isnan(clear), 0, self.counts.calendar.working[recent]).sum(axis=1)
            mean = np.nansum(values[:, recent], axis=1) / np.maximum(at_work, 1)
            mean = np.where(at_work > 0, mean, np.nan)
        trend = np.zeros(len(values))
        long = has_season & (known >= LONG_HISTORY)
        if long.any():
            trend[long] = _fading_trend(values[long] / weighted / season[long][:, of_year])
        return Course(
            np.where(has_season, level, mean),
            trend,
            np.where(has_season, _OFF_DAY, 0.0),
            season,
            np.zeros((len(values), AHEAD)),
        )

    def _seasons(self, origin: int) -> tuple[Floats, NDArray[np.bool_]]:
        """Return each series' factor for each month of the year, and whether its kind has a season."""
        kinds = self.counts.kinds
        factors, has_season = np.ones((len(kinds), 12)), np.zeros(len(kinds), dtype=bool)
        last = origin - _HALF_YEAR
        if last < _HALF_YEAR + 12:
            return factors, has_season
        of_year = (np.arange(last) + self.counts.first.month - 1) % 12
        for kind, off_season in self._off_season.items():
            own = off_season[:, :last]
            seen = ~np.isnan(own).all(axis=0)
            if seen.sum() < 12:
                continue
            usual = seen & (_year_around(np.where(seen, _middle(own), np.nan)) < _OUT_OF_SEASON)
            shape = np.zeros(12)
            for month in range(12):
                chosen = usual & (of_year == month)
                if chosen.any():
                    years = int(chosen.sum())
                    shape[month] = years / (years + _SEASON_DOUBT) * float(_middle(own[:, chosen].reshape(-1, 1))[0])
            rows = [row for row, each in enumerate(kinds) if each == kind]
            factors[rows] = np.exp(shape - shape.mean())
            has_season[rows] = True
        return factors, has_season

    def _learnt_growth(self, origin: int) -> Floats:
        """Return by how much young series came above their forecasts before `origin`, as logarithms, by months ahead."""
        growth = np.zeros(AHEAD)
        if origin <= AHEAD or not self._young(origin).any():
            return growth
        taught = self.known(origin) >= AHEAD
        if not taught.any():
            return growth
        sums, seen = self._young_errors
        for ahead in range(AHEAD):
            # The last origin whose month so far ahead was known by then.
            last = origin - ahead - 2
            if last < 0:
                break
            number = seen[last, taught, ahead]
            own = sums[last, taught, ahead][number > 0] / number[number > 0]
            growth[ahead] = own.sum() / (len(own) + 1)
        return growth

    @cached_property
    def _young_errors(self) -> tuple[Floats, Floats]:
        """Sum what young series came above their plain forecasts, over the origins up to each: (sums, how many)."""
        origins = range(1, max(self.counts.months, 1))
        expected = np.array(
            [self._volumes(self._plain(origin, self._seasons(origin)), origin, AHEAD) for origin in origins]
        )
        expected = expected.reshape(-1, len(self.counts.values), AHEAD)
        errors = _known_on_both(expected, self._actual(origins)).errors()
        young = np.array([self._young(origin) for origin in origins]).reshape(*expected.shape[:2], 1)
        there = young & ~np.isnan(errors)
        return np.where(there, errors, 0).cumsum(axis=0), there.cumsum(axis=0).astype(float)


def forecast_counts(counts: Counts, ahead: int = AHEAD) -> Forecast:
    """Forecast the months after `counts` with intervals from the errors of the same method on the last two years.

    Raises ValueError without one month of counts or where the calendar is short.
    """
    known = counts.months
    if known < 1 or len(counts.calendar.working) < known + ahead:
        raise ValueError("a forecast needs a month of counts and a calendar up to its end")
    hindsight = Hindsight(counts)
    expected = hindsight.expected(known, ahead)
    errors = hindsight.past(range(max(1, known - 2 * AHEAD), known)).errors()
    low, high = _interval(errors[:, :, :ahead], ahead)
    return Forecast(expected, expected * low, expected * high)


def _known_on_both(expected: Floats, actual: Floats) -> PastForecasts:
    unknown = np.isnan(expected) | np.isnan(actual) | (expected <= 0)
    return PastForecasts(np.where(unknown, np.nan, expected), np.where(unknown, np.nan, actual))


def _off_season(counts: Counts, days: Floats) -> dict[str, Floats]:
    """Return how far each kind's series lie off the year around them, month by month, as logarithms."""
    known = counts.months
    off_level = np.full(counts.values.shape, np.nan)
    if known > 2 * _HALF_YEAR:
        rates = np.log(np.maximum(counts.values, 0.5) / days)
        year = np.full(2 * _HALF_YEAR + 1, 1 / 12)
        year[[0, -1]] /= 2  # the same month of the year stands at both ends
        around = np.lib.stride_tricks.sliding_window_view(rates, len(year), axis=1) @ year
        off_level[:, _HALF_YEAR : known - _HALF_YEAR] = rates[:, _HALF_YEAR : known - _HALF_YEAR] - around
    return {
        kind: off_level[[row for row, each in enumerate(counts.kinds) if each == kind]]
        for kind in sorted(set(counts.kinds))
    }


def _middle(values: Floats) -> Floats:
    """Return the median of what is known of each column, not a number where nothing is."""
    ordered = np.sort(values, axis=0)  # what is not a number comes last
    number = (~np.isnan(values)).sum(axis=0)
    columns = np.arange(values.shape[1])
    lower, upper = ordered[np.maximum(number - 1, 0) // 2, columns], ordered[number // 2 * (number > 0), columns]
    middle: Floats = np.where(number % 2 == 1, lower, (lower + upper) / 2)
    return middle


def _year_around(middle: Floats) -> Floats:
    """Return for each month the farthest that the kind's middle series lies off, of the year around it."""
    known = np.nan_to_num(np.abs(middle), nan=0.0)
    padded = np.concatenate([np.zeros(_HALF_YEAR), known, np.zeros(_HALF_YEAR)])
    farthest: Floats = np.lib.stride_tricks.sliding_window_view(padded, 2 * _HALF_YEAR + 1).max(axis=1)
    return farthest


def _fading_trend(clear: Floats) -> Floats:
    """Follow level and slope through the history, both slowly, and return the last slope; a month not known changes neither."""
    level, slope = np.full(len(clear), np.nan), np.zeros(len(clear))
    for seen in clear.T:
        begins = np.isnan(level) & ~np.isnan(seen)
        going = ~np.isnan(level) & ~np.isnan(seen)
        after = _NEWEST * seen + (1 - _NEWEST) * (level + _FADE * slope)
        slope = np.where(going, _TREND * (after - level) + (1 - _TREND) * _FADE * slope, slope)
        level = np.where(begins, seen, np.where(going, after, level))
    return slope


def _interval(errors: Floats, ahead: int) -> tuple[Floats, Floats]:
    """Turn log errors (origins × series × months ahead) into an interval per series and month ahead, as shares.

    Each series' own errors count, drawn towards all of them where it has few; without any, from nothing to twice as many.
    """
    known = ~np.isnan(errors)
    series = errors.shape[1]
    if not known.any():
        return np.zeros((series, ahead)), np.full((series, ahead), 2.0)
    squares = np.where(known, errors, 0) ** 2
    count = known.any(axis=2).sum(axis=0)
    own = squares.sum(axis=(0, 2)) / np.maximum(known.sum(axis=(0, 2)), 1)
    pooled = float(np.median(own[count > 0]))
    scale = np.maximum(np.sqrt((count * own + _OWN_ERRORS * pooled) / (count + _OWN_ERRORS)), 1e-9)
    standard = errors / scale[None, :, None]
    by_step = np.array(
        [
            np.nanquantile(standard[:, :, step] if known[:, :, step].any() else standard, (0.1, 0.9))
            for step in range(ahead)
        ]
    )
    # A longer way ahead is not surer than a shorter one.
    low = np.minimum.accumulate(np.minimum(by_step[:, 0], 0))
    high = np.maximum.accumulate(np.maximum(by_step[:, 1], 0))
    return np.exp(scale[:, None] * low[None, :]), np.exp(scale[:, None] * high[None, :])
