"""Take a chunk of draws through the tier engine: the pipeline of `rate` on arrays, one column per draw.

Nothing is left out of the pipeline, and what is approximated is small. An amount is what the lines would be before each is
rounded to øre: at most 0.01 a line. A counter with several discounts that crosses a tier shares it in whole units by largest
remainder, as the rating does, unless the whole units cannot move 0.025 % of its list price in that period (`NEGLIGIBLE`); a limit
narrower than the counter always has whole units. So a draw is at most 0.01 a line off the rating, and for each period in which a
counter with several discounts crosses tiers 0.025 % of its list price there for each tier crossed. An øre a line alone is no
bound: where units of 104.88 kr follow free ones, one unit that lies with another discount is 52 kr. By trust, a counter at one discount is shared at its average price, which moves less than
one unit's price difference per tier crossed and trust, and in single precision where the volumes are.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from billing.forecasting.draws import CHUNK, Floats, Spread, Volumes, Whole, index_factors, monthly_volumes
from billing.forecasting.layout import (
    Layout,
    Limited,
    Prices,
    Step,
    Tariff,
    UnitRamp,
    drawn_prices,
)
from billing.forecasting.models import Moved, arrays_of
from billing.forecasting.state import State, Tally, emit
from contracts.terms.money import RATE


class Engine:
    """Rate chunks of draws over one layout; what lies before the first random month is rated once for all."""

    def __init__(self, layout: Layout, first: int, last: int) -> None:
        self._layout = layout
        self._first, self._last = first, last
        with_cells = np.nonzero(layout.grid.volumes.any(axis=1))[0]
        earliest = int(with_cells[0]) if len(with_cells) else None
        self._begin = next(
            (i for i in range(first) if (earliest is not None and layout.month_of[i] >= earliest) or self._is_drawn(i)),
            first,
        )
        self._states = [State.empty(batch, 1) for batch in layout.batches]
        tally, nothing = Tally.empty(layout, 1), np.zeros((len(layout.grid.keys) + 1, 1))
        prices = _PricesOf({})
        for index in range(self._begin):
            self._rate_period(index, self._states, prices, nothing, tally)

    def _is_drawn(self, index: int) -> bool:
        steps = (batch.steps[index] for batch in self._layout.batches)
        return any(step is not None and step.tariff.is_drawn for step in steps)

    def chunk(self, spread: Spread, seed: int, number: int) -> Iterator[tuple[int, Tally]]:
        """Yield (number of the pricing period, its tally) from the first period on, for one chunk of draws."""
        layout = self._layout
        states = [state.widened(CHUNK) for state in self._states]
        factors = index_factors(layout.compiled.book.price_book.index_adjustments, spread, seed, number)
        prices, amounts = _PricesOf(factors), self._amounts(factors)
        volumes = monthly_volumes(layout.grid, spread, seed, number)
        month, nothing = -1, np.zeros((len(layout.grid.keys) + 1, CHUNK))
        current: Volumes = nothing
        for index in range(self._begin, self._last):
            while month < layout.month_of[index]:
                month += 1
                current = next(volumes, nothing)
            tally = Tally.empty(layout, CHUNK)
            self._rate_period(index, states, prices, current, tally)
            if index >= self._first:
                self._add_amounts(amounts.get(index, []), tally)
                yield index, tally

    def _rate_period(self, index: int, states: list[State], prices: _PricesOf, volumes: Volumes, tally: Tally) -> None:
        for batch, state in zip(self._layout.batches, states, strict=True):
            step = batch.steps[index]
            if step is not None:
                _rate(state, step, prices.of(step), volumes, tally)

    def _amounts(self, factors: dict[int, Whole]) -> dict[int, list[tuple[int, int, Floats, float]]]:
        layout = self._layout
        by_period: dict[int, list[tuple[int, int, Floats, float]]] = {}
        for amount in layout.amounts:
            if amount.index < self._first or amount.index >= self._last:
                continue
            gross = np.full(CHUNK, amount.gross)
            if factors and amount.drawn:
                for place in amount.drawn:
                    gross *= factors[place] / RATE
                np.rint(gross, out=gross)
            trust = len(layout.trusts) if amount.trust is None else layout.trusts.index(amount.trust)
            named = len(layout.algorithms) if amount.algorithm is None else layout.algorithms.index(amount.algorithm)
            by_period.setdefault(amount.index, []).append((trust, named, gross, amount.rate))
        return by_period

    def _add_amounts(self, amounts: list[tuple[int, int, Floats, float]], tally: Tally) -> None:
        for trust, algorithm, gross, rate in amounts:
            net = gross * (1 - rate)
            tally.net += net
            tally.gross += gross
            tally.trusts[trust] += net
            tally.algorithms[algorithm] += net


class _PricesOf:
    """Find the prices of a step in one chunk, drawn once per level."""

    def __init__(self, factors: dict[int, Whole]) -> None:
        self._factors = factors
        self._drawn: dict[int, Prices] = {}

    def of(self, step: Step) -> Prices:
        """Return the prices of a step."""
        tariff: Tariff = step.tariff
        if not self._factors or not tariff.is_drawn:
            return tariff.static
        if id(tariff) not in self._drawn:
            self._drawn[id(tariff)] = drawn_prices(tariff, self._factors)
        return self._drawn[id(tariff)]


def _rate(state: State, step: Step, prices: Prices, volumes: Volumes, tally: Tally) -> None:
    """Run the pipeline over one pricing period of a batch."""
    if state.window is not step.window:
        state.window = step.window
        state.position[...] = 0
        state.had[...] = False
        state.opened[...] = False
        state.tier[...] = -1
        state.priced.clear()
        state.reached = None
    for which, window in enumerate(step.limit_windows):
        if state.limit_window[which] is not window:
            state.limit_window[which] = window
            state.sums[which][...] = 0
    if step.rows is not None:
        if step.lying is not None:
            _price_regular(state, step, prices, volumes[step.lying], tally)
        else:
            _price_rows(state, step, prices, step.rows.units(volumes), tally)
    if step.silence is not None:
        fee = prices.amounts[0][step.silence.groups] * ~state.had[step.silence.counters]
        emit(state, step.silence.owners, fee, fee, tally)
    if step.maximum is not None:
        _hold_maximum(state, step, step.maximum, prices, tally)
    if step.minimum is not None:
        _reach_minimum(state, step, step.minimum, prices, tally)


def _price_rows(state: State, step: Step, prices: Prices, units: Floats, tally: Tally) -> None:
    """Price every row of a step by itself: what each trust and algorithm pays."""
    assert step.owners is not None
    if step.ramp is not None:
        units = _split(state, step.ramp, units)
    assert step.all_counters is not None
    state.had[step.all_counters.labels] |= step.all_counters.sums(units) > 0
    if step.outside is None:
        gross, fees = _price_inside(state, step, prices, units, step.rates, tally)
    else:
        inside = np.arange(0) if step.inside is None else step.inside
        gross = np.zeros_like(units)
        first = prices.unit[0] if len(prices.unit) else None
        assert first is not None
        gross[step.outside] = units[step.outside] * first[step.group_of_outside]
        fees = None
        if len(inside):
            gross[inside], own_fees = _price_inside(state, step, prices, units[inside], step.rates[inside], tally)
            if own_fees is not None:
                fees = np.zeros_like(units)
                fees[inside] = own_fees
    net = gross * (1 - step.rates)
    if fees is not None:
        net += fees
        gross = gross + fees
    emit(state, step.owners, net, gross, tally)


def _split(state: State, ramp: UnitRamp, units: Floats) -> Floats:
    """Split rows at the phases of a ramp by units, each counting its activation's own units since go-live."""
    before = state.own_count[ramp.own]
    after = before + units
    np.add.at(state.own_count, ramp.own, units)
    pieces: Floats = np.clip(after[ramp.source], ramp.low, ramp.high) - np.clip(
        before[ramp.source], ramp.low, ramp.high
    )
    # Rows that no ramp splits lie between 0 and infinity, counted from where they stand.
    return pieces if ramp.merged is None else np.add.reduceat(pieces, ramp.merged, axis=0)


def _price_inside(
    state: State, step: Step, prices: Prices, units: Floats, rates: Floats, tally: Tally
) -> tuple[Floats, Floats | None]:
    """Price the rows that count towards tiers: what each is before its discount, and its share of flat fees."""
    added = units if len(step.starts) == len(units) else np.add.reduceat(units, step.starts, axis=0)
    arrays, moved = arrays_of(step.arrays), Moved.of(state, step, prices, added)
    rows = step.counter_of
    amount, average = arrays.price(state, moved, tally)
    gross = average[rows] * units
    crossed = arrays.crossed(moved, units, amount)
    if crossed is not None:
        inside = crossed.inside
        draws = np.broadcast_to(crossed.draws[:, None], inside.shape)
        gross[crossed.rows[inside], draws[inside]] = crossed.gross[inside]
    arrays.remember(state, moved, units, rates)
    fees = arrays.fees(state, moved) if step.has_fees else None
    return gross, None if fees is None else moved.each(fees)[rows] * units


def _price_regular(state: State, step: Step, prices: Prices, units: Volumes, tally: Tally) -> None:
    """Price cells that lie as counters × trusts: by counter, and by trust at the counter's average price."""
    assert step.owners is not None
    assert step.owners.trusts is not None
    assert step.counter_owners is not None
    assert step.counter_owners.algorithms is not None
    cells = units.reshape(len(step.counters), -1, units.shape[1])
    added = cells.sum(axis=1).astype(np.float64)
    arrays, moved = arrays_of(step.arrays), Moved.of(state, step, prices, added)
    gross, average = arrays.price(state, moved, tally)
    arrays.remember(state, moved, units, step.rates)
    crossed = arrays.crossed(moved, units, gross)
    if step.mixed:
        paid = (1 - step.rates).reshape(len(cells), -1)
        net = np.einsum("jtn,jt->jn", cells.astype(np.float64), paid) * average
        payable = cells * paid.astype(cells.dtype)[:, :, None]
        by_trust = np.einsum("jtn,jn->tn", payable, average.astype(cells.dtype)).astype(np.float64)
        if crossed is not None:
            places_of, draws = crossed.rows, crossed.draws[:, None]
            off = crossed.gross - crossed.units * average[crossed.counters, crossed.draws][:, None]
            off *= 1 - step.rates[places_of, 0]
            np.add.at(net, (crossed.counters, crossed.draws), off.sum(axis=1))
            np.add.at(by_trust, (places_of % by_trust.shape[0], draws), off)
    else:
        net = gross
        if step.rates.any():
            paid = 1 - step.rates[step.starts]
            net = gross * paid
            average *= paid
        by_trust = np.einsum("jtn,jn->tn", cells, average.astype(cells.dtype)).astype(np.float64)
    tally.net += net.sum(axis=0)
    tally.gross += net.sum(axis=0) if net is gross else gross.sum(axis=0)
    algorithms = step.counter_owners.algorithms
    tally.algorithms[algorithms.labels] += algorithms.sums(net)
    tally.trusts[step.owners.trusts.labels] += step.owners.trusts.sums(by_trust)


def _hold_maximum(state: State, step: Step, limited: Limited, prices: Prices, tally: Tally) -> None:
    """Bring each key's running total to the smaller of its sum so far and the maximum."""
    sums = state.sums[limited.which][:, limited.keys]
    own, everything = (sums[1], sums[3]) if step.limits_gross else (sums[0], sums[2])
    amount = np.minimum(own, prices.maximum[limited.groups]) - everything
    emit(state, limited.owners, amount, amount, tally, is_maximum=True)


def _reach_minimum(state: State, step: Step, limited: Limited, prices: Prices, tally: Tally) -> None:
    """Top each live key's total up to the minimum."""
    total = state.sums[limited.which][3 if step.limits_gross else 2][limited.keys]
    amount = np.maximum(prices.minimum[limited.groups] - total, 0)
    emit(state, limited.owners, amount, amount, tally)
