"""How far off forecasts have been: the same origins of the same counts, forecast by each method as if on that day.

WAPE is the sum of absolute errors over the sum of actuals; told once over everything together and once as the mean over series
and origins, in which a small department counts as much as a large one. The year's error is |ΣF − ΣA| / ΣA per series and
origin, averaged. Coverage is the share of months whose actual lies within P10 to P90.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from billing.forecasting.counts import Calendar, Counts, Floats
from billing.forecasting.methods import AHEAD, forecast_counts

RECENT_ONLY = 3


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """Hold what a method said at one origin; without an interval where it gives none."""

    expected: Floats
    low: Floats | None = None
    high: Floats | None = None


Predict = Callable[[Counts], Predicted]


@dataclass(frozen=True, slots=True)
class Score:
    """Hold a method's errors in per cent; coverage is None where it gives no interval."""

    method: str
    wape: float
    mean_wape: float
    year_error: float
    coverage: float | None


def assemble(rows: Mapping[tuple[str, str, date], int], holidays: Callable[[int], frozenset[date]]) -> Counts:
    """Arrange counts by (trust, kind, month) as series without gaps; `holidays` gives a year's public holidays.

    A trust that counts at least as much as all others together in every month of every kind is their total and left out; so
    is a kind of which some trust lacks a month. Raises ValueError where nothing is left.
    """
    months = sorted({month for _, _, month in rows})
    by_trust: dict[str, dict[tuple[str, date], int]] = {}
    for (trust, kind, month), count in rows.items():
        by_trust.setdefault(trust, {})[kind, month] = count
    totals = {trust for trust in by_trust if len(by_trust) > 2 and _is_total(trust, by_trust)}
    trusts = sorted(set(by_trust) - totals)
    kinds = [
        kind
        for kind in sorted({kind for _, kind, _ in rows})
        if all((kind, month) in by_trust[trust] for trust in trusts for month in months)
    ]
    if not kinds or not months:
        raise ValueError("no kind has a count for every trust and month")
    keys = [(trust, kind) for trust in trusts for kind in kinds]
    values = [[float(rows[trust, kind, month]) for month in months] for trust, kind in keys]
    calendar = Calendar.of(months[0], len(months) + AHEAD, holidays)
    return Counts(
        months[0], tuple(trust for trust, _ in keys), tuple(kind for _, kind in keys), np.array(values), calendar
    )


def _is_total(trust: str, by_trust: Mapping[str, Mapping[tuple[str, date], int]]) -> bool:
    others: dict[tuple[str, date], int] = {}
    for other, counts in by_trust.items():
        if other != trust:
            for place, count in counts.items():
                others[place] = others.get(place, 0) + count
    return all(count >= others.get(place, 0) for place, count in by_trust[trust].items())


def origins_of(counts: Counts, number: int = 9, every: int = 3, spare: int = 0) -> list[int]:
    """Return the numbers of the last origins that have a year after them, every third month, oldest first.

    `spare` leaves so many of the last months unforecast.
    """
    last = counts.months - AHEAD - spare
    return [last - every * step for step in range(number) if last - every * step >= RECENT_ONLY][::-1]


def ours(counts: Counts) -> Predicted:
    """Forecast as the product does."""
    made = forecast_counts(counts)
    return Predicted(made.expected, made.low, made.high)


def cold_start(counts: Counts) -> Predicted:
    """Forecast as the product does when it has only the last three months."""
    known = counts.values.copy()
    known[:, :-RECENT_ONLY] = np.nan
    return Predicted(forecast_counts(replace(counts, values=known)).expected)


def mean_of_three(counts: Counts) -> Predicted:
    """Forecast the mean of the last three months per working day."""
    known, working = counts.months, counts.calendar.working
    rate = counts.values[:, -RECENT_ONLY:].sum(axis=1) / working[known - RECENT_ONLY : known].sum()
    return Predicted(rate[:, None] * working[None, known : known + AHEAD])


def seasonal_naive(counts: Counts) -> Predicted:
    """Forecast each month as it was a year ago."""
    return Predicted(counts.values[:, -AHEAD:])


PRODUCT: Mapping[str, Predict] = {
    "Trinnvis": ours,
    "Trinnvis, from 3 months": cold_start,
    "mean of 3 per working day": mean_of_three,
    "seasonal naive": seasonal_naive,
}


def backtest(counts: Counts, origins: Sequence[int], methods: Mapping[str, Predict] = PRODUCT) -> list[Score]:
    """Score methods on the same origins, a year ahead of each; nothing at or after an origin is shown to a method."""
    actual = np.array([counts.values[:, origin : origin + AHEAD] for origin in origins])
    scores = []
    for name, predict in methods.items():
        made = [predict(counts.until(origin)) for origin in origins]
        scores.append(_score(name, actual, made))
    return scores


def _score(name: str, actual: Floats, made: Sequence[Predicted]) -> Score:
    expected = np.array([each.expected for each in made])
    errors = np.abs(expected - actual)
    year = np.abs(expected.sum(axis=2) - actual.sum(axis=2)) / np.maximum(actual.sum(axis=2), 1)
    return Score(
        name,
        100 * float(errors.sum() / actual.sum()),
        100 * float((errors.sum(axis=2) / np.maximum(actual.sum(axis=2), 1)).mean()),
        100 * float(year.mean()),
        _coverage(actual, made),
    )


def _coverage(actual: Floats, made: Sequence[Predicted]) -> float | None:
    inside: list[NDArray[np.bool_]] = []
    for truth, each in zip(actual, made, strict=True):
        if each.low is None or each.high is None:
            return None
        inside.append((truth >= each.low) & (truth <= each.high))
    return 100 * float(np.mean(inside))
