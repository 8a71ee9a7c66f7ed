"""Project a cost with its uncertainty: every draw of the volumes through the tier engine, joint over trusts.

The cost of the expected volume is not the expected cost: near a tier's bound a few examinations more or less change the price
of many. So each draw is rated, with its pools, ramps, minima and maxima, from the terms that were compiled for the rating
(`simulate_layout`), on arrays with a column per draw (`simulate_run`). Where nothing is random there is one course, and the
rating itself rates it, to the øre. Elsewhere a draw, written out and rated, differs by what `engine` states at most.

Draws with the same seed have the same numbers, whatever the number of threads or draws: two simulations of one seed can be
compared draw by draw.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from billing.forecasting.draws import CHUNK, Cell, Floats, Spread, VolumePlan, Whole, written_book, written_usage
from billing.forecasting.engine import Engine
from billing.forecasting.layout import Layout, lay_out
from billing.rating.lines import Line
from billing.rating.rate import CompiledTerms, rate_compiled
from contracts.terms import money
from contracts.terms.period import Period

__all__ = ["Cell", "Fan", "Shares", "Simulation", "Spread", "VolumePlan", "simulate", "written_book", "written_usage"]

Names = str | None


@dataclass(frozen=True, slots=True)
class Fan:
    """Hold a cost over all draws in kroner excluding VAT: its percentiles and its mean.

    A percentile is the cost of a draw: the smallest that at least that share of draws does not exceed.
    """

    p10: Decimal
    p25: Decimal
    p50: Decimal
    p75: Decimal
    p90: Decimal
    mean: Decimal

    @classmethod
    def of(cls, draws: Whole) -> Fan:
        """Return the fan of whole øre in every draw; the mean is rounded half up."""
        found = np.quantile(draws, (0.1, 0.25, 0.5, 0.75, 0.9), method="inverted_cdf")
        p10, p25, p50, p75, p90 = (money.kroner(int(each)) for each in found)
        return cls(p10, p25, p50, p75, p90, money.kroner(mean_of(draws)))


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """Hold what falls on one trust or algorithm: in each draw over all months, and in each month on average, in øre.

    Each is rounded by itself, so sums of shares may lie some øre beside the whole.
    """

    draws: Whole
    months: tuple[int, ...]

    @property
    def total(self) -> Fan:
        """Return the fan over all months."""
        return Fan.of(self.draws)


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """Hold the cost of every draw and month (`cost[month, draw]`, whole øre excluding VAT) and its averages.

    `after_end` marks months that begin after the agreement's end and cost nothing. `list_price` and `discount` are averages
    per month in øre; `trusts` and `algorithms` hold what stands on none under None.
    """

    months: tuple[Period, ...]
    after_end: tuple[bool, ...]
    cost: Whole
    list_price: tuple[int, ...]
    discount: tuple[int, ...]
    trusts: dict[Names, Shares]
    algorithms: dict[Names, Shares]
    seed: int

    @property
    def draws(self) -> int:
        """Return the number of draws."""
        return int(self.cost.shape[1])

    @property
    def totals(self) -> Whole:
        """Return each draw's cost over all months, in øre."""
        total: Whole = self.cost.sum(axis=0)
        return total

    @property
    def cumulative(self) -> Whole:
        """Return each draw's cost from the first month to the end of each, in øre."""
        summed: Whole = self.cost.cumsum(axis=0)
        return summed

    def fans(self) -> tuple[Fan, ...]:
        """Return the fan of every month."""
        return tuple(Fan.of(month) for month in self.cost)

    def total(self) -> Fan:
        """Return the fan of all months together."""
        return Fan.of(self.totals)

    def minus(self, other: Simulation) -> Simulation:
        """Return the difference draw by draw; ValueError where months, seed or number of draws are not the same."""
        if (self.months, self.seed, self.draws) != (other.months, other.seed, other.draws):
            raise ValueError("only simulations of the same months, seed and draws can be compared draw by draw")
        return Simulation(
            self.months,
            self.after_end,
            self.cost - other.cost,
            _less(self.list_price, other.list_price),
            _less(self.discount, other.discount),
            _shares_less(self.trusts, other.trusts),
            _shares_less(self.algorithms, other.algorithms),
            self.seed,
        )


def mean_of(draws: Whole) -> int:
    """Return the mean of whole numbers, rounded half away from zero."""
    return money.round_half_up(int(draws.sum()), len(draws))


def simulate(
    compiled: CompiledTerms,
    plan: VolumePlan,
    spread: Spread,
    period: Period,
    *,
    draws: int,
    seed: int,
    threads: int = 1,
    on_chunk: Callable[[Simulation], None] | None = None,
) -> Simulation:
    """Project the cost of `period` (whole months) under compiled terms, for so many draws.

    Known usage and cells before the period move the counters; months after the agreement's end cost nothing. `on_chunk` is
    given the draws so far after each 500 of them; what it raises ends the run. Against the rating of a draw written out
    (`written_usage`, `written_book`), each draw's cost is off by the rounding of its lines: at most 0.01 a line. With no
    spread the rating rates the one course there is, and every draw equals it to the øre. Raises InvalidInput where the terms'
    rating would, ValueError for fewer than one draw or a cell on a day without an activation.
    """
    if draws < 1 or threads < 1:
        raise ValueError("a simulation has at least one draw and one thread")
    months = tuple(period.months())
    common = period.overlap(compiled.agreement.period)
    if common is None:
        return _nothing(compiled, months, draws, seed)
    if not spread.moves_volumes and not spread.moves_prices:
        lines = rate_compiled(compiled, plan.expected_usage(), common).lines
        return _certain(compiled, months, lines, draws, seed)
    starts = compiled.book.starts
    first, last = bisect_left(starts, common.start), bisect_left(starts, common.end)
    if starts[first] != common.start or (last < len(starts) and starts[last] != common.end):
        raise ValueError("a simulation's months begin and end with pricing periods")
    layout = lay_out(compiled, plan, spread.assumed if spread.moves_prices else frozenset(), last)
    engine = Engine(layout, first, last)
    sums = _Sums.empty(layout, months, draws, seed)
    numbers = range(-(-draws // CHUNK))
    if threads == 1:
        for number in numbers:
            sums.take(number, _Chunk.of(engine, sums, spread, seed, number))
            if on_chunk is not None:
                on_chunk(sums.simulation(min((number + 1) * CHUNK, draws)))
        return sums.simulation(draws)
    with ThreadPoolExecutor(threads) as pool:
        chunks = pool.map(lambda number: _Chunk.of(engine, sums, spread, seed, number), numbers)
        for number, chunk in enumerate(chunks):
            sums.take(number, chunk)
            if on_chunk is not None:
                on_chunk(sums.simulation(min((number + 1) * CHUNK, draws)))
    return sums.simulation(draws)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Hold what a chunk of draws came to: by month and draw, and sums over its draws."""

    cost: Whole
    gross: Floats
    trusts: Floats
    trust_months: Floats
    algorithms: Floats
    algorithm_months: Floats

    @classmethod
    def of(cls, engine: Engine, sums: _Sums, spread: Spread, seed: int, number: int) -> _Chunk:
        """Rate a chunk; of the last one only the draws asked for count."""
        width = min(CHUNK, sums.draws - number * CHUNK)
        months = len(sums.months)
        cost, gross = np.zeros((months, width)), np.zeros(months)
        trusts, trust_months = np.zeros((len(sums.trusts), width)), np.zeros((len(sums.trusts), months))
        algorithms, algorithm_months = (
            np.zeros((len(sums.algorithms), width)),
            np.zeros((len(sums.algorithms), months)),
        )
        for index, tally in engine.chunk(spread, seed, number):
            month = sums.month_of[index]
            cost[month] += tally.net[:width]
            gross[month] += tally.gross[:width].sum()
            trusts += tally.trusts[:, :width]
            trust_months[:, month] += tally.trusts[:, :width].sum(axis=1)
            algorithms += tally.algorithms[:, :width]
            algorithm_months[:, month] += tally.algorithms[:, :width].sum(axis=1)
        return cls(np.rint(cost).astype(np.int64), gross, trusts, trust_months, algorithms, algorithm_months)


@dataclass(frozen=True, slots=True)
class _Sums:
    """Gather chunks in the order of their numbers."""

    months: tuple[Period, ...]
    after_end: tuple[bool, ...]
    month_of: dict[int, int]
    draws: int
    seed: int
    trusts: list[Names]
    algorithms: list[Names]
    cost: Whole
    gross: Floats
    trust_draws: Floats
    trust_months: Floats
    algorithm_draws: Floats
    algorithm_months: Floats

    @classmethod
    def empty(cls, layout: Layout, months: tuple[Period, ...], draws: int, seed: int) -> _Sums:
        """Return sums of nothing."""
        compiled = layout.compiled
        trusts: list[Names] = [*layout.trusts, None]
        algorithms: list[Names] = [*layout.algorithms, None]
        starts = [Period.month(month.start).start for month in months]
        month_of = {}
        for index, period in enumerate(compiled.periods):
            start = Period.month(period.start).start
            if start in starts:
                month_of[index] = starts.index(start)
        return cls(
            months,
            _after_end(compiled, months),
            month_of,
            draws,
            seed,
            trusts,
            algorithms,
            np.zeros((len(months), draws), dtype=np.int64),
            np.zeros(len(months)),
            np.zeros((len(trusts), draws)),
            np.zeros((len(trusts), len(months))),
            np.zeros((len(algorithms), draws)),
            np.zeros((len(algorithms), len(months))),
        )

    def take(self, number: int, chunk: _Chunk) -> None:
        """Add a chunk."""
        columns = slice(number * CHUNK, number * CHUNK + chunk.cost.shape[1])
        self.cost[:, columns] = chunk.cost
        self.gross[:] += chunk.gross
        self.trust_draws[:, columns] = chunk.trusts
        self.trust_months[:] += chunk.trust_months
        self.algorithm_draws[:, columns] = chunk.algorithms
        self.algorithm_months[:] += chunk.algorithm_months

    def simulation(self, draws: int) -> Simulation:
        """Return the simulation of the draws taken so far."""
        cost = self.cost[:, :draws]
        list_price = [round(each / draws) for each in self.gross.tolist()]
        return Simulation(
            self.months,
            self.after_end,
            cost.copy(),
            tuple(list_price),
            tuple(price - mean_of(month) for price, month in zip(list_price, cost, strict=True)),
            _shares(self.trusts, self.trust_draws[:, :draws], self.trust_months),
            _shares(self.algorithms, self.algorithm_draws[:, :draws], self.algorithm_months),
            self.seed,
        )


def _shares(names: list[Names], draws: Floats, months: Floats) -> dict[Names, Shares]:
    number = draws.shape[1]
    return {
        name: Shares(np.rint(own).astype(np.int64), tuple(round(each / number) for each in by_month.tolist()))
        for name, own, by_month in zip(names, draws, months, strict=True)
        if name is not None or own.any()
    }


def _after_end(compiled: CompiledTerms, months: tuple[Period, ...]) -> tuple[bool, ...]:
    return tuple(month.start >= compiled.agreement.end for month in months)


def _nothing(compiled: CompiledTerms, months: tuple[Period, ...], draws: int, seed: int) -> Simulation:
    return _certain(compiled, months, (), draws, seed)


def _certain(
    compiled: CompiledTerms, months: tuple[Period, ...], lines: Sequence[Line], draws: int, seed: int
) -> Simulation:
    """Return the one course of a rating as every draw of a simulation."""
    place = {Period.month(month.start).start: number for number, month in enumerate(months)}
    net, gross = [0] * len(months), [0] * len(months)
    trusts: dict[Names, list[int]] = {}
    algorithms: dict[Names, list[int]] = {}
    for line in lines:
        number = place[Period.month(line.period.start).start]
        net[number] += line.net_ore
        gross[number] += line.gross_ore
        for shares, name in ((trusts, line.trust), (algorithms, line.algorithm)):
            shares.setdefault(name, [0] * len(months))[number] += line.net_ore
    cost = np.repeat(np.array(net, dtype=np.int64)[:, None], draws, axis=1)
    return Simulation(
        months,
        _after_end(compiled, months),
        cost,
        tuple(gross),
        tuple(price - paid for price, paid in zip(gross, net, strict=True)),
        _certain_shares(trusts, draws),
        _certain_shares(algorithms, draws),
        seed,
    )


def _certain_shares(shares: dict[Names, list[int]], draws: int) -> dict[Names, Shares]:
    return {
        name: Shares(np.full(draws, sum(shares[name]), dtype=np.int64), tuple(shares[name]))
        for name in sorted(shares, key=lambda name: name or "\uffff")
    }


def _less(ours: Sequence[int], theirs: Sequence[int]) -> tuple[int, ...]:
    return tuple(mine - other for mine, other in zip(ours, theirs, strict=True))


def _shares_less(ours: dict[Names, Shares], theirs: dict[Names, Shares]) -> dict[Names, Shares]:
    """Subtract shares; a name on one side only stands against nothing."""
    less = {}
    for name in sorted({*ours, *theirs}, key=lambda name: name or "\uffff"):
        known = next(side[name] for side in (ours, theirs) if name in side)
        nothing = Shares(np.zeros_like(known.draws), (0,) * len(known.months))
        mine, other = ours.get(name, nothing), theirs.get(name, nothing)
        less[name] = Shares(mine.draws - other.draws, _less(mine.months, other.months))
    return less
