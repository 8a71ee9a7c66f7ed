"""How far volumes may be off: the spreads a simulation takes where none is assumed, from what the forecast has been worth.

The method is asked again at every month of the last two years what it expected then (`methods.Hindsight`), and held against what
came: of all series together, of each trust, of each algorithm. So the level that was missed for months on end, growth that was
not foreseen and a step in the counts are in it, not the chance of single months alone. At each number of months ahead, up to a
year, the error that eight of ten stayed within and the mean square error are put together, with one origin that was as far off
as new series commonly are: little history gives wide spreads, and more of it narrower ones. A straight line through them tells
how the spread begins and how it widens. What all have in common, what trusts and what algorithms add to it, is taken from the
errors of the three sums, by the shares that each has of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import combinations

import numpy as np

from billing.forecasting.counts import Counts, Floats
from billing.forecasting.draws import Spread, Widening
from billing.forecasting.methods import AHEAD, Hindsight

ORIGINS = 24
# A month's error is nearly the next one's: what was missed is the level.
LASTING = Decimal("0.85")
# How far off a forecast of series without history is taken to be: in the next month, and more with every month ahead.
_UNKNOWN, _UNKNOWN_WIDENS = 0.10, 0.02
# As many origins as that counts for.
_DOUBT = 0.4
# A single trust's or algorithm's series, against all together: the variance of such is so much larger.
_ALONE = 1.5
# Eight of ten normal deviations lie within so many standard deviations.
_EIGHT_OF_TEN = 1.2816
# How far a month lies off the year around it, commonly.
_SEASON = 0.06
# What a department is said to use, before it has used it, against what it then used.
_PLANNED = 0.30
_YOUNG = 12
_LARGEST = 0.60


@dataclass(frozen=True, slots=True)
class Estimate:
    """Hold the estimated spreads and how many earlier months the forecasts were held against."""

    spread: Spread
    origins: int


def estimate_spread(counts: Counts) -> Estimate:
    """Estimate spreads from monthly counts; each figure is rounded to four decimals."""
    known = counts.months
    origins = range(max(1, known - ORIGINS), known)
    hindsight = Hindsight(counts)
    past = hindsight.past(origins)
    shares = np.nan_to_num(hindsight.expected(known, 1)[:, 0]) if known else np.zeros(len(counts.values))
    groups: tuple[Sequence[str], ...] = (["all"] * len(counts.kinds), counts.trusts, counts.kinds)
    lines = np.array(
        [
            _line(*_summed(past.expected, past.actual, names), alone=1.0 if place == 0 else _ALONE)
            for place, names in enumerate(groups)
        ]
    )
    mixed = _mixed(shares, counts.trusts, counts.kinds)
    begins, after = (_parts(mixed, lines[:, 0] + months * lines[:, 1]) for months in (0, AHEAD - 1))
    widens = np.maximum(after - begins, 0) / (AHEAD - 1)
    # A season that was not seen yet is missed by all series of a kind alike.
    unseen = (
        np.where(hindsight.course(known).off_day > 0, 0, shares).sum() / max(float(shares.sum()), 1e-9) if known else 1
    )
    common, trust, algorithm = (_told(each) for each in (np.hypot(begins[0], _SEASON * unseen), *begins[1:]))
    return Estimate(
        Spread(
            trust=trust,
            algorithm=algorithm,
            common=common,
            rho=LASTING,
            widening=Widening(*(_told(widens[place]) for place in (1, 2, 0))),
            adoption=_told(_adoption(hindsight, past.errors(), origins)),
        ),
        len(origins),
    )


def _summed(expected: Floats, actual: Floats, names: Sequence[str]) -> tuple[Floats, Floats]:
    """Return the errors of the sums over the series of each name, as logarithms, and what was expected (names × origins × ahead)."""
    sums = []
    for name in sorted(set(names)):
        rows = [row for row, each in enumerate(names) if each == name]
        sums.append((np.nansum(expected[:, rows], axis=1), np.nansum(actual[:, rows], axis=1)))
    foreseen, came = (np.array([each[side] for each in sums]) for side in (0, 1))
    errors = np.log(np.maximum(came, 0.5) / np.maximum(foreseen, 0.5))
    return np.where(foreseen > 0, errors, np.nan), foreseen


def _line(errors: Floats, foreseen: Floats, alone: float) -> tuple[float, float]:
    """Return where a straight line through the errors by months ahead begins, and how it rises (never falls)."""
    ahead = np.arange(AHEAD)
    known = ~np.isnan(errors)
    origins = known.any(axis=0).sum(axis=0)
    spread = np.empty(AHEAD)
    for month in ahead:
        there = known[:, :, month]
        seen = errors[:, :, month][there]
        variance = 0.0
        if seen.size:
            usual = (float(np.quantile(np.abs(seen), 0.8)) / _EIGHT_OF_TEN) ** 2
            variance = (usual + float(np.average(seen**2, weights=foreseen[:, :, month][there]))) / 2
        unknown = alone * (_UNKNOWN + _UNKNOWN_WIDENS * month) ** 2
        spread[month] = np.sqrt((origins[month] * variance + _DOUBT * unknown) / (origins[month] + _DOUBT))
    weights = origins + 1.0
    middle = np.average(ahead, weights=weights)
    rise = float((weights * (ahead - middle) * spread).sum() / (weights * (ahead - middle) ** 2).sum())
    rise = max(rise, 0.0)
    begins = float(np.average(spread, weights=weights) - rise * middle)
    return max(begins, 0.8 * float(spread[0])), rise


def _mixed(shares: Floats, trusts: Sequence[str], kinds: Sequence[str]) -> Floats:
    """Return how much of the variance of each part shows in the errors of all, of a trust and of an algorithm: 3 × 3."""
    whole = max(float(shares.sum()), 1e-9)

    def of(outer: Sequence[str] | None, inner: Sequence[str]) -> float:
        found = 0.0
        for name in sorted(set(outer or ["all"])):
            rows = [row for row in range(len(shares)) if outer is None or outer[row] == name]
            own = float(shares[rows].sum())
            if own > 0:
                sums = {each: sum(float(shares[row]) for row in rows if inner[row] == each) for each in inner}
                found += sum(part**2 for part in sums.values()) / own / whole
        return found

    return np.array(
        [[1.0, of(None, trusts), of(None, kinds)], [1.0, 1.0, of(trusts, kinds)], [1.0, of(kinds, trusts), 1.0]]
    )


def _parts(mixed: Floats, spreads: Floats) -> Floats:
    """Return the common, the trusts' and the algorithms' part that come nearest to the spreads seen, none below zero."""
    # What all series together cost matters most.
    weights = np.array([3.0, 1.0, 1.0])
    best, nearest = np.zeros(3), np.inf
    for size in (3, 2, 1):
        for chosen in combinations(range(3), size):
            found = np.linalg.lstsq((weights[:, None] * mixed)[:, chosen], weights * spreads**2, rcond=None)[0]
            if (found < -1e-12).any():
                continue
            parts = np.zeros(3)
            parts[list(chosen)] = np.maximum(found, 0)
            off = float(((weights * (mixed @ parts - spreads**2)) ** 2).sum())
            if off < nearest - 1e-15:
                best, nearest = parts, off
    roots: Floats = np.sqrt(best)
    return roots


def _adoption(hindsight: Hindsight, errors: Floats, origins: range) -> float:
    """Return how far a planned activation may be off: what young series' forecasts were, with one that was as far off as plans are."""
    known = np.array([hindsight.known(origin) for origin in origins]).reshape(*errors.shape[:2], 1)
    squares = np.where((known >= 1) & (known < _YOUNG), errors, np.nan) ** 2
    seen = ~np.isnan(squares)
    number = seen.any(axis=(0, 2)).sum()
    own = np.where(seen, squares, 0).sum(axis=(0, 2)) / np.maximum(seen.sum(axis=(0, 2)), 1)
    return float(np.sqrt((own.sum() + _PLANNED**2) / (number + 1)))


def _told(value: float) -> Decimal:
    return Decimal(min(float(value), _LARGEST)).quantize(Decimal("0.0001"), ROUND_HALF_UP)
