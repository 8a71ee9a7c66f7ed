"""Take a chunk of draws through the tier engine: the pipeline of `rate` on arrays, one column per draw.

Nothing is left out of the pipeline, and what is approximated is small. An amount is what the lines would be before each is
rounded to øre: at most 0.01 a line. A counter with several discounts that crosses a tier shares it in whole units by largest
remainder, as the rating does, unless the whole units cannot move 0.025 % of its amount in that period; a limit narrower than
the counter always has whole units. By trust, a counter at one discount is shared at its average price, which moves less than
one unit's price difference per tier crossed and trust, and in single precision where the volumes are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from billing.forecasting.draws import CHUNK, Floats, Spread, Volumes, Whole, index_factors, monthly_volumes
from billing.forecasting.layout import (
    Batch,
    Layout,
    Limited,
    Owners,
    Places,
    Prices,
    Step,
    Tariff,
    UnitRamp,
    drawn_prices,
    places,
)
from contracts.terms.money import RATE
from contracts.terms.period import Period

Flags = NDArray[np.bool_]

# A crossed tier is shared in whole units where a unit more or less on each row could move more than this share of the
# counter's amount; elsewhere it is shared exactly in proportion.
_NEGLIGIBLE = 0.00025


@dataclass(slots=True)
class Tally:
    """Sum money in øre over pricing periods: whole, at list price, per trust and per algorithm, the last of each on none."""

    net: Floats
    gross: Floats
    trusts: Floats
    algorithms: Floats

    @classmethod
    def empty(cls, layout: Layout, draws: int) -> Tally:
        """Return a tally of nothing."""
        return cls(
            np.zeros(draws),
            np.zeros(draws),
            np.zeros((len(layout.trusts) + 1, draws)),
            np.zeros((len(layout.algorithms) + 1, draws)),
        )

    def add(self, owners: Owners, net: Floats, gross: Floats) -> None:
        """Add rows of money that stand on their owners."""
        self.net += net.sum(axis=0)
        self.gross += gross.sum(axis=0)
        if owners.trusts is not None:
            self.trusts[owners.trusts.labels] += owners.trusts.sums(net)
        if owners.algorithms is not None:
            self.algorithms[owners.algorithms.labels] += owners.algorithms.sums(net)


@dataclass(slots=True)
class Priced:
    """Remember the units of a volume charge that were priced alike in a window, for repricing them."""

    units: Floats
    counters: Places
    row_counter: Places  # the counter of each row, as a number within `counters`
    unit: Floats
    rates: Floats
    owners: Owners


@dataclass(slots=True)
class State:
    """Hold what a batch has come to."""

    window: Period | None
    position: Floats
    had: Flags
    opened: Flags
    tier: Whole
    own_count: Floats
    sums: list[Floats]
    limit_window: list[Period | None]
    priced: dict[tuple[object, ...], Priced] = field(default_factory=dict)
    # What a graduated charge's units of the window cost so far at one tariff: the next period starts from there.
    reached: tuple[Tariff, Places, Floats] | None = None

    @classmethod
    def empty(cls, batch: Batch, draws: int) -> State:
        """Return the state before the first period."""
        counters = len(batch.counters)
        return cls(
            None,
            np.zeros((counters, draws)),
            np.zeros((counters, draws), dtype=bool),
            np.zeros((batch.tiers, counters, draws), dtype=bool),
            np.full((counters, draws), -1, dtype=np.int64),
            np.zeros((len(batch.activations), draws)),
            # own net, own gross, all net, all gross
            [np.zeros((4, len(keys), draws)) for keys in batch.limit_keys],
            [None] * len(batch.limit_keys),
        )

    def widened(self, draws: int) -> State:
        """Return a copy with a column for each draw."""

        def wide(values: Floats) -> Floats:
            return np.repeat(values, draws, axis=-1)

        return State(
            self.window,
            wide(self.position),
            np.repeat(self.had, draws, axis=-1),
            np.repeat(self.opened, draws, axis=-1),
            np.repeat(self.tier, draws, axis=-1),
            wide(self.own_count),
            [wide(each) for each in self.sums],
            list(self.limit_window),
            {key: replace(each, units=wide(each.units)) for key, each in self.priced.items()},
        )


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
        fee = prices.fee[0][step.silence.groups] * ~state.had[step.silence.counters]
        _emit(state, step.silence.owners, fee, fee, tally)
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
    _emit(state, step.owners, net, gross, tally)


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
    before = state.position[step.standing].copy()  # which is about to move on
    after = before + added
    state.position[step.standing] = after
    safe = np.maximum(added, 1)
    rows = step.counter_of
    if step.model == "package":
        amount = _packages(step, prices, before, after)
        return (amount / safe)[rows] * units, None
    unit, bounds = prices.unit[:, step.group_of_counter], step.tariff.bounds[:, step.group_of_counter]
    if step.model == "graduated":
        amount = _graduated(state, step, unit, bounds, before, after)
        gross = (amount / safe)[rows] * units
        if step.mixed:
            doubtful = _doubtful(step, unit, bounds, before, after, amount)
            if doubtful:
                crossed = _share_crossed(step, unit, bounds, before, after, units, doubtful)
                inside = crossed.inside
                draws = np.broadcast_to(crossed.draws[:, None], inside.shape)
                gross[crossed.rows[inside], draws[inside]] = crossed.gross[inside]
        if not step.has_fees:
            return gross, None
        fee = _opened(state, step, prices, bounds, before, after)
        return gross, (fee / safe)[rows] * units
    former = state.tier[step.standing].copy()
    gross = _reach(state, step, unit, bounds, added, after, tally)[rows] * units
    _remember(state, step, unit, units, rates)
    if not step.has_fees:
        return gross, None
    fees, tier = prices.fee[:, step.group_of_counter], state.tier[step.standing]
    fee = _at_tier(fees, np.maximum(tier, 0)) - np.where(former >= 0, _at_tier(fees, np.maximum(former, 0)), 0)
    fee *= added > 0
    return gross, (fee / safe)[rows] * units


def _price_regular(state: State, step: Step, prices: Prices, units: Volumes, tally: Tally) -> None:
    """Price cells that lie as counters × trusts: by counter, and by trust at the counter's average price."""
    assert step.owners is not None
    assert step.owners.trusts is not None
    assert step.counter_owners is not None
    assert step.counter_owners.algorithms is not None
    cells = units.reshape(len(step.counters), -1, units.shape[1])
    added = cells.sum(axis=1).astype(np.float64)
    before = state.position[step.standing].copy()  # which is about to move on
    after = before + added
    state.position[step.standing] = after
    doubtful: list[tuple[Places, Places]] = []
    if step.model == "package":
        gross = _packages(step, prices, before, after)
        average = gross / np.maximum(added, 1)
    else:
        unit, bounds = prices.unit[:, step.group_of_counter], step.tariff.bounds[:, step.group_of_counter]
        if step.model == "volume":
            average = _reach(state, step, unit, bounds, added, after, tally)
            gross = average * added
            _remember(state, step, unit, units.astype(np.float64), step.rates)
        else:
            gross = _graduated(state, step, unit, bounds, before, after)
            average = gross / np.maximum(added, 1)
            if step.mixed:
                doubtful = _doubtful(step, unit, bounds, before, after, gross)
    if step.mixed:
        paid = (1 - step.rates).reshape(len(cells), -1)
        net = np.einsum("jtn,jt->jn", cells.astype(np.float64), paid) * average
        payable = cells * paid.astype(cells.dtype)[:, :, None]
        by_trust = np.einsum("jtn,jn->tn", payable, average.astype(cells.dtype)).astype(np.float64)
        if doubtful:
            crossed = _share_crossed(step, unit, bounds, before, after, units, doubtful)
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


def _reach(
    state: State, step: Step, unit: Floats, bounds: Floats, added: Floats, after: Floats, tally: Tally
) -> Floats:
    """Bring counters of a volume charge to the tier they reach, reprice what was at another, and return its price."""
    former = state.tier[step.standing].copy()
    tier = np.where(added > 0, (after > bounds).sum(axis=0), former)
    state.tier[step.standing] = tier
    _reprice(state, step.counters, former, tier, tally)
    return _at_tier(unit, np.maximum(tier, 0))


def _packages(step: Step, prices: Prices, before: Floats, after: Floats) -> Floats:
    size = step.tariff.sizes[step.group_of_counter]
    packages: Floats = np.ceil(after / size) - np.ceil(before / size)
    packages *= prices.package[step.group_of_counter]
    return packages


def _graduated(state: State, step: Step, unit: Floats, bounds: Floats, before: Floats, after: Floats) -> Floats:
    """Price the units from one position to another at the tiers they fall in."""
    reached = state.reached
    if reached is None or reached[0] is not step.tariff or reached[1].tobytes() != step.counters.tobytes():
        start = _up_to(unit, bounds, before)
    else:
        start = reached[2]
    end = _up_to(unit, bounds, after)
    state.reached = (step.tariff, step.counters, end)
    gross: Floats = end - start
    return gross


def _up_to(unit: Floats, bounds: Floats, position: Floats) -> Floats:
    """Price all units up to a position, but for what no position changes."""
    value: Floats = position * unit[0]
    above = np.empty_like(value)
    for tier, bound in enumerate(bounds):
        np.maximum(position, bound, out=above)
        above *= unit[tier + 1] - unit[tier]
        value += above
    return value


def _at_tier(by_tier: Floats, tier: Whole) -> Floats:
    """Pick the price of each counter's tier."""
    found = np.broadcast_to(by_tier[0], tier.shape)
    for number in range(1, len(by_tier)):
        found = np.where(tier == number, by_tier[number], found)
    return found


def _opened(state: State, step: Step, prices: Prices, bounds: Floats, before: Floats, after: Floats) -> Floats:
    """Find the flat fees of tiers that get their first unit."""
    first, last = (before >= bounds).sum(axis=0), (after > bounds).sum(axis=0)
    fees = prices.fee[:, step.group_of_counter]
    due = np.zeros_like(after)
    moved = after > before
    for tier, fee in enumerate(fees):
        touched = moved & (first <= tier) & (tier <= last)
        opened = state.opened[tier, step.standing]
        due += fee * (touched & ~opened)
        state.opened[tier, step.standing] = opened | touched
    return due


def _doubtful(
    step: Step, unit: Floats, bounds: Floats, before: Floats, after: Floats, amount: Floats
) -> list[tuple[Places, Places]]:
    """Find the mixed counters and draws in which whole units of a crossed tier may matter."""
    astray = np.zeros((len(amount), 1))
    for counter, _, _, units in step.mixed:
        astray[counter] = units
    moved = np.zeros_like(amount)
    for tier, bound in enumerate(bounds):
        moved += ((before < bound) & (bound < after)) * np.abs(unit[tier + 1] - unit[tier])
    moved *= astray
    doubtful = moved > _NEGLIGIBLE * amount
    found = [np.nonzero(doubtful[each[0]])[0] for each in step.mixed]
    return [(np.full(len(draws), number), draws) for number, draws in enumerate(found) if len(draws)]


@dataclass(frozen=True, slots=True)
class Crossed:
    """Hold counters and draws that cross a tier: one line each, with its rows (those beyond its own are not `inside`)."""

    counters: Places
    draws: Places
    rows: Places
    inside: Flags
    units: Whole
    gross: Floats


def _share_crossed(
    step: Step,
    unit: Floats,
    bounds: Floats,
    before: Floats,
    after: Floats,
    units: Volumes,
    doubtful: list[tuple[Places, Places]],
) -> Crossed:
    """Price, in whole units, the rows of counters that cross a tier (pricing.md §4.4)."""
    number = np.concatenate([numbers for numbers, _ in doubtful])
    draws = np.concatenate([draws for _, draws in doubtful])
    counter = places(each[0] for each in step.mixed)[number]
    first, end = places(each[1] for each in step.mixed)[number], places(each[2] for each in step.mixed)[number]
    widest = int((end - first).max())
    rows = first[:, None] + np.arange(widest)
    inside = rows < end[:, None]
    rows = np.where(inside, rows, first[:, None])
    left = (units[rows, draws[:, None]] * inside).astype(np.int64)
    all_units = left
    position, last = before[counter, draws], after[counter, draws]
    shared = np.zeros(left.shape)
    for tier in range(len(unit)):
        top = last if tier == len(bounds) else np.minimum(bounds[tier, counter, 0], last)
        room = np.maximum(top - position, 0)
        if not room.any():
            continue
        position = position + room
        placed = left if (position == last).all() else _shares(room.astype(np.int64), left)
        price = unit[tier, counter, draws if unit.shape[2] > 1 else 0]
        shared += placed * price[:, None]
        left = left - placed
    return Crossed(counter, draws, rows, inside, all_units, shared)


def _shares(whole: Whole, weights: Whole) -> Whole:
    """Share whole numbers over rows of weights by largest remainder; ties go to the earlier weight."""
    given, rest = np.divmod(whole[:, None] * weights, np.maximum(weights.sum(axis=1), 1)[:, None])
    order = np.argsort(-rest, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(weights.shape[1])[None, :], axis=1)
    given += rank < (whole - given.sum(axis=1))[:, None]
    return given


def _remember(state: State, step: Step, unit: Floats, units: Floats, rates: Floats) -> None:
    """Keep the units of a volume charge by what they were priced at, for the window's later repricing."""
    key = (step.tariff_key, step.row_key)
    earlier = state.priced.get(key)
    if earlier is not None:
        earlier.units += units
        return
    assert step.priced_owners is not None
    state.priced[key] = Priced(np.array(units), step.counters, step.counter_of, unit, rates, step.priced_owners)


def _reprice(state: State, counters: Places, former: Whole, tier: Whole, tally: Tally) -> None:
    """Bring what was priced at another tier in this window to the tier reached (pricing.md §4.5)."""
    changed = (former != tier) & (former >= 0)
    if not changed.any():
        return
    by_counter = np.full(len(state.position), -1)
    by_counter[counters] = np.arange(len(counters))
    for earlier in state.priced.values():
        local = by_counter[earlier.counters]
        known = local >= 0
        difference = np.zeros((len(local), former.shape[1]))
        now, then = tier[local[known]], former[local[known]]
        unit = earlier.unit[:, known]
        difference[known] = (_at_tier(unit, np.maximum(now, 0)) - _at_tier(unit, np.maximum(then, 0))) * changed[
            local[known]
        ]
        if not difference.any():
            continue
        gross = earlier.units * difference[earlier.row_counter]
        _emit(state, earlier.owners, gross * (1 - earlier.rates), gross, tally)


def _emit(state: State, owners: Owners, net: Floats, gross: Floats, tally: Tally, *, is_maximum: bool = False) -> None:
    """Add lines to the tally and to the sums of every limit (pricing.md §4.10)."""
    tally.add(owners, net, gross)
    for sums, grouping in zip(state.sums, owners.limits, strict=True):
        if grouping is None:
            continue
        added_net, added_gross = grouping.sums(net), grouping.sums(gross)
        if not is_maximum:
            sums[0, grouping.labels] += added_net
            sums[1, grouping.labels] += added_gross
        sums[2, grouping.labels] += added_net
        sums[3, grouping.labels] += added_gross


def _hold_maximum(state: State, step: Step, limited: Limited, prices: Prices, tally: Tally) -> None:
    """Bring each key's running total to the smaller of its sum so far and the maximum."""
    sums = state.sums[limited.which][:, limited.keys]
    own, everything = (sums[1], sums[3]) if step.limits_gross else (sums[0], sums[2])
    amount = np.minimum(own, prices.maximum[limited.groups]) - everything
    _emit(state, limited.owners, amount, amount, tally, is_maximum=True)


def _reach_minimum(state: State, step: Step, limited: Limited, prices: Prices, tally: Tally) -> None:
    """Top each live key's total up to the minimum."""
    total = state.sums[limited.which][3 if step.limits_gross else 2][limited.keys]
    amount = np.maximum(prices.minimum[limited.groups] - total, 0)
    _emit(state, limited.owners, amount, amount, tally)
