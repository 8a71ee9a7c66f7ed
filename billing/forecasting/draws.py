"""The random part of a simulation: what the volumes and the assumed index come to in every draw.

A draw's volume of an activation and month is the expected volume times a factor of its trust, a factor of its algorithm, a
factor common to all and the growth of that draw. The first three wander month by month (autoregressive of order one, standing
at their long-run spread from the first month on, which may widen with every month ahead) and have the mean 1; the fourth is
one deviation in annual growth per draw. What is planned has a factor of its own: how far it is taken up is not known yet.
The product is rounded to whole examinations, half up, per activation and month.

Every factor has a stream of its own for each chunk of draws, made from the seed, the factor's name and the chunk's number. So
a further activation, another thread or a longer run leaves every other number as it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import hypot, prod, sqrt

import numpy as np
from numpy.typing import NDArray

from contracts.terms.money import RATE
from contracts.terms.period import Period
from contracts.terms.price_book import IndexAdjustment, PriceBook, Usage
from contracts.terms.working_days import spread as spread_over_days

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Volumes = NDArray[np.float32 | np.float64]

# Draws made together: their arrays stay in the processor's cache. Part of what a seed means: never change it.
CHUNK = 500

# Months ahead over which a record of forecasts tells how spreads widen; beyond, they widen so much of that.
RECORDED_AHEAD = 12
_BEYOND = 0.25

# Whole numbers up to here, and their sums, are exact in single precision, which is twice as fast.
_SINGLE = 2.0**23
# No factor of a chunk lies this many standard deviations off.
_FARTHEST = 8

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Cell:
    """Hold the expected examinations of one trust and algorithm in one month, not whole, and the days they fall on.

    A whole volume is shared over `days`, ascending, in equal parts with the left-over units on the earliest ones, as monthly
    counts are. A day may be left out (validation, a gap), but all days lie in one month.
    """

    trust: str
    algorithm: str
    days: tuple[date, ...]
    volume: Decimal


@dataclass(frozen=True, slots=True)
class VolumePlan:
    """Hold the volumes of a scenario: what is known to the unit and what is expected.

    `start` is the month from which the factors wander and growth is counted; no cell lies before it. `known` is recorded or
    given usage, the same in every draw. Raises ValueError where a cell has no day, days of two months, or a double.
    """

    start: date
    known: tuple[Usage, ...] = ()
    cells: tuple[Cell, ...] = ()

    def __post_init__(self) -> None:
        seen: set[tuple[str, str, date]] = set()
        for cell in self.cells:
            if not cell.days or list(cell.days) != sorted(set(cell.days)):
                raise ValueError("a cell's days are at least one, ascending")
            month = cell.days[0].replace(day=1)
            if cell.days[-1].replace(day=1) != month or month < self.start.replace(day=1):
                raise ValueError("a cell's days lie in one month, not before the plan's start")
            if cell.volume < 0:
                raise ValueError("an expected volume is not below zero")
            if (cell.trust, cell.algorithm, month) in seen:
                raise ValueError(f"{cell.algorithm} at {cell.trust} has two cells in {month:%Y-%m}")
            seen.add((cell.trust, cell.algorithm, month))

    def expected_usage(self) -> list[Usage]:
        """Give the known usage and every cell's expected volume, rounded half up and shared over its days."""
        written = list(self.known)
        for cell in self.cells:
            written += _written(cell, int(cell.volume.quantize(Decimal(1), "ROUND_HALF_UP")))
        return written


@dataclass(frozen=True, slots=True)
class Widening:
    """Hold by how much the spreads of the wandering factors widen with every month ahead, in the first year."""

    trust: Decimal = ZERO
    algorithm: Decimal = ZERO
    common: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Spread:
    """Hold how far a scenario's assumptions may be off, as relative standard deviations.

    `trust`, `algorithm` and `common` are those of the wandering factors, `rho` is how much of a month's deviation is left in
    the next one, `widening` what they grow by. `adoption` is that of the activations `planned` (trust, algorithm). `growth` is that of annual growth, `index` that of each assumed index factor; `assumed` names the days from
    which adjustments of the price book are assumptions, not approved ones.
    """

    trust: Decimal = ZERO
    algorithm: Decimal = ZERO
    common: Decimal = ZERO
    rho: Decimal = ZERO
    growth: Decimal = ZERO
    index: Decimal = ZERO
    assumed: frozenset[date] = frozenset()
    widening: Widening = Widening()
    adoption: Decimal = ZERO
    planned: frozenset[tuple[str, str]] = frozenset()

    def __post_init__(self) -> None:
        widening = self.widening
        least = min(self.trust, self.algorithm, self.common, self.growth, self.index, self.adoption)
        if min(least, widening.trust, widening.algorithm, widening.common) < 0 or not 0 <= self.rho < 1:
            raise ValueError("a spread is not below zero, and rho is at least 0 and below 1")

    @property
    def moves_volumes(self) -> bool:
        """Say whether volumes differ between draws."""
        wandering = (self.trust, self.algorithm, self.common, self.growth)
        widening = (self.widening.trust, self.widening.algorithm, self.widening.common)
        return any((*wandering, *widening)) or bool(self.adoption and self.planned)

    @property
    def moves_prices(self) -> bool:
        """Say whether prices differ between draws."""
        return bool(self.index and self.assumed)


@dataclass(frozen=True, slots=True)
class Grid:
    """Hold the cells of a plan as rows, the same ones every month, ordered by algorithm and trust.

    `volumes[m]` are the expected volumes of month `m` after the plan's start, 0 where a row has no cell then.
    """

    months: list[date]
    keys: list[tuple[str, str]]
    trusts: list[str]
    algorithms: list[str]
    trust_of: NDArray[np.intp]
    algorithm_of: NDArray[np.intp]
    volumes: Floats
    is_full: bool

    @classmethod
    def of(cls, plan: VolumePlan) -> Grid:
        """Return the grid of a plan, with the months from its start to its last cell."""
        last = max((cell.days[0] for cell in plan.cells), default=None)
        first = plan.start.replace(day=1)
        months = [] if last is None else [month.start for month in Period(first, Period.month(last).end).months()]
        keys = sorted({(cell.trust, cell.algorithm) for cell in plan.cells}, key=lambda key: (key[1], key[0]))
        trusts, algorithms = sorted({trust for trust, _ in keys}), sorted({algorithm for _, algorithm in keys})
        row = {key: number for number, key in enumerate(keys)}
        month_number = {month: number for number, month in enumerate(months)}
        volumes = np.zeros((len(months), len(keys)))
        for cell in plan.cells:
            number = month_number[cell.days[0].replace(day=1)]
            volumes[number, row[cell.trust, cell.algorithm]] = float(cell.volume)
        return cls(
            months,
            keys,
            trusts,
            algorithms,
            np.array([trusts.index(trust) for trust, _ in keys], dtype=np.intp),
            np.array([algorithms.index(algorithm) for _, algorithm in keys], dtype=np.intp),
            volumes,
            len(keys) == len(trusts) * len(algorithms),
        )


def stream(seed: int, factor: str, chunk: int) -> np.random.Generator:
    """Return the stream of one factor and chunk of draws."""
    name = np.frombuffer(hashlib.sha256(factor.encode()).digest(), dtype="<u4")
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, *map(int, name), chunk])))


class Wander:
    """Let the factors of one kind wander together, month by month; with no spread they stay at 1."""

    def __init__(
        self, names: Sequence[str], spread: Decimal, rho: Decimal, seed: int, chunk: int, widening: Decimal = ZERO
    ) -> None:
        self.factors = np.ones((len(names), CHUNK))
        self._spread, self._rho, self._widening = float(spread), float(rho), float(widening)
        self._streams = [stream(seed, name, chunk) for name in names] if spread or widening else []
        self._deviation = np.zeros((len(names), CHUNK))
        self._normal = np.empty((len(names), CHUNK))
        self._months = 0

    def step(self) -> None:
        """Go on to the next month, the first time to the first one."""
        if not self._streams:
            return
        for row, each in zip(self._normal, self._streams, strict=True):
            each.standard_normal(out=row)
        deviation, spread = self._deviation, self._spread
        if self._months:
            # The deviations widen with the spread, so that only how they stand to it is left in part.
            after = spread + self._widening * (1 if self._months < RECORDED_AHEAD else _BEYOND)
            deviation *= self._rho * (after / spread) if spread else 0.0
            self._normal *= after * sqrt(1 - self._rho**2) if spread else after
            self._spread = spread = after
        else:
            self._normal *= spread
        self._months += 1
        deviation += self._normal
        np.subtract(deviation, spread**2 / 2, out=self.factors)  # so that the mean is 1
        np.exp(self.factors, out=self.factors)


def monthly_volumes(grid: Grid, spread: Spread, seed: int, chunk: int) -> Iterator[Volumes]:
    """Yield the whole volumes of a chunk, month by month: rows of the grid × draws, in one array used again.

    One zero row stands after the last. The numbers are in single precision where a month's sum is exact in it.
    """
    rho, widening = spread.rho, spread.widening
    trusts = [f"trust:{name}" for name in grid.trusts]
    algorithms = [f"algorithm:{name}" for name in grid.algorithms]
    trust = Wander(trusts, spread.trust, rho, seed, chunk, widening.trust)
    algorithm = Wander(algorithms, spread.algorithm, rho, seed, chunk, widening.algorithm)
    common = Wander(["common"], spread.common, rho, seed, chunk, widening.common)
    growth = float(spread.growth) * stream(seed, "growth", chunk).standard_normal(CHUNK) if spread.growth else None
    precision = _precision(grid, spread)
    planned = _taken_up(grid, spread, seed, chunk)
    expected = grid.volumes.astype(precision)
    rows, by_trust, by_algorithm = len(grid.keys), len(grid.trusts), len(grid.algorithms)
    buffer = np.zeros((rows + 1, CHUNK), dtype=precision)
    volumes = buffer[:rows]
    by_grid = volumes.reshape(by_algorithm, by_trust, CHUNK) if grid.is_full else None
    gathered = np.empty((0 if grid.is_full else rows, CHUNK), dtype=precision)
    demand = np.empty((by_algorithm, CHUNK))
    for number in range(len(grid.months)):
        for kind in (trust, algorithm, common):
            kind.step()
        of_algorithm = algorithm.factors
        if spread.common or widening.common or growth is not None:
            np.multiply(algorithm.factors, common.factors, out=demand)
            if growth is not None:
                years = number / 12
                demand *= np.exp(growth * years - (float(spread.growth) * years) ** 2 / 2)
            of_algorithm = demand
        ours, theirs = trust.factors.astype(precision), of_algorithm.astype(precision)
        if by_grid is not None:
            np.multiply(theirs[:, None, :], ours[None, :, :], out=by_grid)
        else:
            np.take(ours, grid.trust_of, axis=0, out=volumes)
            np.take(theirs, grid.algorithm_of, axis=0, out=gathered)
            np.multiply(volumes, gathered, out=volumes)
        for row, factor in planned.items():
            volumes[row] *= factor
        volumes *= expected[number][:, None]
        volumes += precision(0.5)
        np.floor(volumes, out=volumes)
        yield buffer


def _taken_up(grid: Grid, spread: Spread, seed: int, chunk: int) -> dict[int, Floats]:
    """Draw how far each planned activation is taken up, for all its months alike, by its row."""
    if not spread.adoption:
        return {}
    sigma = float(spread.adoption)
    return {
        row: np.exp(sigma * stream(seed, f"adoption:{trust}:{algorithm}", chunk).standard_normal(CHUNK) - sigma**2 / 2)
        for row, (trust, algorithm) in enumerate(grid.keys)
        if (trust, algorithm) in spread.planned
    }


def _precision(grid: Grid, spread: Spread) -> type[np.float32] | type[np.float64]:
    """Choose single precision where even a far draw of all volumes of a month together stays exact in it."""
    months = len(grid.months)
    widened = Decimal(min(months, RECORDED_AHEAD) + int(max(months - RECORDED_AHEAD, 0) * _BEYOND) + 1)
    deviation = hypot(
        float(spread.trust + widened * spread.widening.trust),
        float(spread.algorithm + widened * spread.widening.algorithm),
        float(spread.common + widened * spread.widening.common),
        float(spread.growth) * months / 12,
        float(spread.adoption) if spread.planned else 0.0,
    )
    largest = float(grid.volumes.sum(axis=1).max(initial=0)) * np.exp(_FARTHEST * deviation)
    return np.float32 if largest < _SINGLE else np.float64


def index_factors(adjustments: Sequence[IndexAdjustment], spread: Spread, seed: int, chunk: int) -> dict[int, Whole]:
    """Give every assumed adjustment's factor in each draw, in ten-thousandths, by its place among the adjustments.

    A factor has four decimals like an approved one, rounded half up, and is at least 0.0001.
    """
    if not spread.moves_prices:
        return {}
    sigma = float(spread.index)
    drawn = {}
    for place, adjustment in enumerate(adjustments):
        if adjustment.effective_from in spread.assumed:
            normal = stream(seed, f"index:{adjustment.effective_from.isoformat()}", chunk).standard_normal(CHUNK)
            factor = float(adjustment.factor) * np.exp(sigma * normal - sigma**2 / 2)
            drawn[place] = np.maximum(np.floor(factor * RATE + 0.5), 1).astype(np.int64)
    return drawn


def written_usage(plan: VolumePlan, spread: Spread, seed: int, draw: int) -> list[Usage]:
    """Write out the usage of one draw, by day, as the rating takes it."""
    grid = Grid.of(plan)
    cells = {(cell.trust, cell.algorithm, cell.days[0].replace(day=1)): cell for cell in plan.cells}
    written = list(plan.known)
    chunk, column = divmod(draw, CHUNK)
    for month, volumes in zip(grid.months, monthly_volumes(grid, spread, seed, chunk), strict=True):
        for key, volume in zip(grid.keys, volumes[:, column].tolist(), strict=False):
            cell = cells.get((*key, month))
            if cell is not None and volume:
                written += _written(cell, int(volume))
    return written


def written_book(book: PriceBook, spread: Spread, seed: int, draw: int) -> PriceBook:
    """Return the price book of one draw: its assumed adjustments with the factors they have there."""
    chunk, column = divmod(draw, CHUNK)
    drawn = index_factors(book.index_adjustments, spread, seed, chunk)
    adjustments = tuple(
        IndexAdjustment(one.effective_from, Decimal(int(drawn[place][column])) / RATE, one.clause)
        if place in drawn
        else one
        for place, one in enumerate(book.index_adjustments)
    )
    return PriceBook(book.conventions, adjustments, book.versions)


def at_drawn_level(whole: int, approved: Fraction, drawn: Sequence[Whole], step: int) -> Floats:
    """Bring a whole number to the index level of every draw and round it to whole steps, half away from zero.

    Computed in binary floating point and, next to a half, again in whole numbers: the result is exact.
    """
    numerator, denominator = whole * approved.numerator, approved.denominator * step
    levels = np.ones_like(drawn[0], dtype=np.float64)
    for factor in drawn:
        levels *= factor / RATE
    scaled = abs(numerator) / denominator * levels
    rounded = np.floor(scaled + 0.5)
    for place in np.nonzero(np.abs(scaled - np.floor(scaled) - 0.5) < 1e-6)[0].tolist():
        exact = prod((int(factor[place]) for factor in drawn), start=abs(numerator))
        divisor = denominator * RATE ** len(drawn)
        rounded[place] = (2 * exact + divisor) // (2 * divisor)
    signed: Floats = rounded * (step if numerator >= 0 else -step)
    return signed


def _written(cell: Cell, volume: int) -> list[Usage]:
    return [
        Usage(cell.trust, cell.algorithm, day, quantity)
        for day, quantity in spread_over_days(volume, list(cell.days)).items()
        if quantity
    ]
