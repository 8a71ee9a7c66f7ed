"""How far volumes wander, estimated from their own history: the spreads a simulation takes where none is assumed.

A month's deviation of each trust and algorithm from its own recent level is taken apart into what all had in common, what the
trust had over that and what the algorithm had. Chance alone (a count of n varies by √n) is taken off. Growth is not
extrapolated in full: half of what the last year's volume was above the year before is expected to go on, and the other half,
with a floor of 3 %, is how far growth may be off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from billing.forecasting.draws import Spread
from billing.forecasting.methods import Floats

_WINDOW = 24
_YEAR = 12
_LEAST = 6
_FLOOR_OF_GROWTH = 0.03
_LARGEST = 0.60
_LARGEST_GROWTH = 0.30


@dataclass(frozen=True, slots=True)
class Estimate:
    """Hold the growth expected per year, as a share, and the spreads."""

    growth: Decimal
    spread: Spread


def estimate_from_counts(
    history: Sequence[Sequence[int]], trusts: Sequence[str], algorithms: Sequence[str], working_days: Sequence[int]
) -> Estimate:
    """Estimate spreads from monthly counts by series, from the first month on in which and after which every series counted."""
    counts = np.array(history, dtype=float).reshape(len(history), len(working_days))
    used = [number for number in range(counts.shape[1]) if counts[:, number].all()]
    first = used[0] if used and used == list(range(used[0], counts.shape[1])) else counts.shape[1]
    return estimate_spread(counts[:, first:], trusts, algorithms, np.array(working_days[first:], dtype=float))


def estimate_spread(
    history: Floats, trusts: Sequence[str], algorithms: Sequence[str], working_days: Floats
) -> Estimate:
    """Estimate spreads from monthly counts (series × months, oldest first) over the last 24 months.

    With fewer than six months, or a single series, the spread of what is common is told as that of all; with fewer than two
    years growth is 0 and its spread the floor. Each figure is rounded to four decimals.
    """
    counts, days = history[:, -_WINDOW:], working_days[-_WINDOW:]
    growth, off = _growth(history, working_days)
    if counts.shape[1] < _LEAST or not counts.sum():
        return Estimate(growth, Spread(_told(0.1), _told(0.1), rho=Decimal("0.5"), growth=off))
    used = counts.mean(axis=1) > 0
    rates = counts[used] / days
    weights = counts[used].mean(axis=1)
    level = _level(rates)
    deviation = np.clip(rates / level - 1, -0.9, 3)
    chance = 1 / weights
    common = np.average(deviation, axis=0, weights=weights)
    rest = deviation - common
    own = [name for name, each in zip(trusts, used, strict=True) if each]
    kinds = [name for name, each in zip(algorithms, used, strict=True) if each]
    of_trust, trust_variance = _effect(rest, own, weights, chance)
    of_algorithm, algorithm_variance = _effect(rest - of_trust, kinds, weights, chance)
    common_variance = float(np.var(common)) - 1 / float(weights.sum())
    return Estimate(
        growth,
        Spread(
            trust=_told(trust_variance**0.5),
            algorithm=_told(algorithm_variance**0.5),
            common=_told(max(common_variance, 0.0) ** 0.5),
            rho=_told(_lasting(common, of_trust, of_algorithm)),
            growth=off,
        ),
    )


def _growth(history: Floats, working_days: Floats) -> tuple[Decimal, Decimal]:
    if history.shape[1] < 2 * _YEAR:
        return Decimal(0), _told(_FLOOR_OF_GROWTH)
    rate = history.sum(axis=0)[-2 * _YEAR :] / 1.0
    days = working_days[-2 * _YEAR :]
    last, before = rate[_YEAR:].sum() / days[_YEAR:].sum(), rate[:_YEAR].sum() / days[:_YEAR].sum()
    change = float(np.clip(last / before - 1, -_LARGEST_GROWTH, _LARGEST_GROWTH)) if before else 0.0
    return _told(change / 2, least=-1), _told(float(np.hypot(change / 2, _FLOOR_OF_GROWTH)))


def _level(rates: Floats) -> Floats:
    """Return each series' level with a straight line through it, so that growth is no deviation."""
    months = np.arange(rates.shape[1])
    centred = months - months.mean()
    slope = (rates * centred).sum(axis=1) / (centred**2).sum()
    line = rates.mean(axis=1)[:, None] + slope[:, None] * centred
    level: Floats = np.maximum(line, 1e-9)
    return level


def _effect(rest: Floats, names: Sequence[str], weights: Floats, chance: Floats) -> tuple[Floats, float]:
    """Return what the series of each name have together, spread over them, and its variance without chance."""
    effect = np.zeros_like(rest)
    total, count = 0.0, 0
    for name in sorted(set(names)):
        rows = [row for row, each in enumerate(names) if each == name]
        own = np.average(rest[rows], axis=0, weights=weights[rows])
        effect[rows] = own
        by_chance = float((weights[rows] ** 2 * chance[rows]).sum() / weights[rows].sum() ** 2)
        total += float(np.var(own)) - by_chance
        count += 1
    return effect, max(total / max(count, 1), 0.0)


def _lasting(*courses: Floats) -> float:
    """Return how much of a month's deviation is left in the next, over all courses."""
    together = products = 0.0
    for course in courses:
        rows = np.atleast_2d(course)
        together += float((rows**2).sum())
        products += float((rows[:, 1:] * rows[:, :-1]).sum())
    return min(max(products / together, 0.0), 0.95) if together else 0.0


def _told(value: float, least: float = 0) -> Decimal:
    return Decimal(min(max(value, least), _LARGEST)).quantize(Decimal("0.0001"), ROUND_HALF_UP)
