"""What of a simulation is the same in every draw: which rows of volume feed which counters at which prices, period by period.

The layout is made from the terms compiled for rating and walks the same pipeline. Groups of charges that are alike in shape
(model, number of tiers, window, ramp, limits) go through it together as one *batch*, whatever their prices.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from billing.forecasting.draws import Floats, Grid, VolumePlan, Volumes, Whole, at_drawn_level
from billing.rating.charge_terms import FixedTerms, LimitTerms, OneOffTerms, Run, Terms, UsageTerms
from billing.rating.compile import NOT_ACTIVE, CompiledTerms, Group
from billing.rating.fixed import bill_fixed, bill_one_off
from billing.rating.rate import add_up_usage
from billing.rating.run import Key, Source, key_of, sort_key
from contracts.terms.money import MICRO, RATE, UNIT_PRICE_DECIMALS, ore, scaled
from contracts.terms.period import Period
from contracts.terms.price_book import PriceBook
from contracts.terms.price_model import Charge, FixedCharge, OneOffCharge, Scope, UsageCharge

Places = NDArray[np.intp]
LimitName = Literal["minimum", "maximum"]

_ORE_IN_MICRO = 10_000
_LAST = 10**9
# Fixed amounts are billed this many times over, so that their rounding to øre comes after the drawn index.
_FINE = 10**6
_FAR = 10.0**12


@dataclass(frozen=True, slots=True)
class Grouping:
    """Add rows up by label, always in the same order."""

    rows: Places | None
    starts: Places
    labels: Places | slice

    @classmethod
    def of(cls, labels: Iterable[int]) -> Grouping | None:
        """Return the grouping of rows by their labels; rows labelled −1 are left out, None where all are."""
        return _grouping(tuple(labels))

    @classmethod
    def _of(cls, labels: Sequence[int]) -> Grouping | None:
        order = sorted((label, row) for row, label in enumerate(labels) if label >= 0)
        if not order:
            return None
        rows = [row for _, row in order]
        starts = [i for i, (label, _) in enumerate(order) if i == 0 or label != order[i - 1][0]]
        in_order = rows == list(range(len(labels)))
        return cls(None if in_order else places(rows), places(starts), lean(places(order[i][0] for i in starts)))

    def sums(self, values: Floats) -> Floats:
        """Return the sum of each label's rows."""
        if self.rows is not None:
            values = values[self.rows]
        if len(self.starts) == len(values):
            return values
        added: Floats = np.add.reduceat(values, self.starts, axis=0)
        return added


@lru_cache(maxsize=4096)  # most periods of a term have the same rows
def _grouping(labels: tuple[int, ...]) -> Grouping | None:
    return Grouping._of(labels)


@dataclass(frozen=True, slots=True)
class Owners:
    """Say on whom rows of money stand: by trust, by algorithm and by the keys of each limit."""

    trusts: Grouping | None
    algorithms: Grouping | None
    limits: tuple[Grouping | None, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Take the share of a cell's volume that falls on days `first` to `first + width` of its `days`."""

    row: int
    cell: int
    first: int
    width: int
    days: int


@dataclass(frozen=True, slots=True)
class Rows:
    """Say where a step's units come from: whole cells, known units, and parts of cells cut by a bound inside their month."""

    cells: Places
    known: Floats | None
    parts: tuple[Part, ...]

    def units(self, volumes: Volumes) -> Floats:
        """Return the units of every row and draw."""
        units = volumes[self.cells].astype(np.float64)
        if self.known is not None:
            units += self.known
        for part in self.parts:
            volume = volumes[part.cell].astype(np.float64)
            share = np.floor(volume / part.days)
            left = volume - share * part.days
            units[part.row] += share * part.width + np.clip(left - part.first, 0, part.width)
        return units


@dataclass(frozen=True, slots=True)
class UnitRamp:
    """Split rows at the phases of a ramp by units: row `source[i]` between `low[i]` and `high[i]` of its own count.

    Pieces of one trust, algorithm and phase become one row.
    """

    own: Places
    source: Places
    low: Floats
    high: Floats
    merged: Places | None


@dataclass(frozen=True, slots=True)
class Prices:
    """Hold a step's prices per group in øre, the last axis being the draws or 1.

    `unit` and `amounts` are what the terms of its price model call `prices` and `amounts`, by tier.
    """

    unit: Floats
    amounts: Floats
    minimum: Floats
    maximum: Floats


@dataclass(frozen=True, slots=True)
class Tariff:
    """Hold the prices of the groups of a batch at one level, where they turn, and how to bring them to a drawn one."""

    static: Prices
    bounds: Floats
    charges: tuple[tuple[UsageCharge, Fraction, tuple[int, ...], int] | None, ...]

    @property
    def is_drawn(self) -> bool:
        """Say whether any price depends on a drawn index."""
        return any(entry is not None and entry[2] for entry in self.charges)


@dataclass(frozen=True, slots=True)
class Limited:
    """Hold the keys of a limit in a step: their owners, their places in the limit's sums, the group of each."""

    which: int
    keys: Places
    groups: Places
    owners: Owners


@dataclass(frozen=True, slots=True)
class Silence:
    """Hold the counters that pay the first flat fee where they had no unit in the window that ends."""

    counters: Places
    groups: Places
    owners: Owners


@dataclass(frozen=True, slots=True)
class Step:
    """Hold one pricing period of a batch.

    `counters` are the places of the counters with inside rows, `starts` where their rows begin among the inside ones,
    `counter_of` the counter of each inside row as a number within the step. `mixed` are those with more than one discount, or
    with a limit narrower than the counter: their tiers are shared in whole units. `arrays` names the file of
    `billing.forecasting.models` that prices the step. `lying` are the rows of the
    grid where the step's rows are those and lie as counters × trusts.
    """

    index: int
    window: Period
    arrays: str
    tariff: Tariff
    tariff_key: tuple[object, ...]
    rows: Rows | None
    ramp: UnitRamp | None
    rates: Floats
    owners: Owners | None
    priced_owners: Owners | None  # of the inside rows of a volume charge, for repricing them
    inside: Places | None
    outside: Places | None
    group_of_outside: Places
    counters: Places
    standing: Places | slice  # where the counters' state stands
    group_of_counter: Places | slice
    starts: Places
    counter_of: Places
    mixed: tuple[tuple[int, int, int, float], ...]  # counter, first and last row, units that may lie wrong
    all_counters: Grouping | None
    counter_owners: Owners | None
    lying: slice | None
    has_fees: bool
    silence: Silence | None
    maximum: Limited | None
    minimum: Limited | None
    limits_gross: bool
    limit_windows: tuple[Period, ...]
    row_key: tuple[object, ...]


@dataclass(slots=True)
class Batch:
    """Hold groups that go through the pipeline together."""

    groups: list[Group]
    limit_windows: tuple[tuple[Scope, str], ...]
    counters: dict[tuple[int, Key], int] = field(default_factory=dict)
    activations: dict[tuple[int, str, str, int], int] = field(default_factory=dict)
    limit_keys: list[dict[tuple[int, Key], int]] = field(default_factory=list)
    steps: list[Step | None] = field(default_factory=list)
    tiers: int = 0
    has_fees: bool = False  # in any version: which tiers were opened before it matters then


@dataclass(frozen=True, slots=True)
class Amount:
    """Hold a fixed or one-off line in øre: as billed, or before a drawn index and its rounding where one touches it."""

    index: int
    trust: str | None
    algorithm: str | None
    gross: float
    rate: float
    drawn: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Hold everything about a simulation that no draw changes."""

    compiled: CompiledTerms
    grid: Grid
    month_of: list[int]
    trusts: list[str]
    algorithms: list[str]
    batches: list[Batch]
    amounts: list[Amount]


def lean(index: Places) -> Places | slice:
    """Return an index as a slice where it is one: taking and putting then copies nothing twice."""
    first = int(index[0]) if len(index) else 0
    return slice(first, first + len(index)) if (index == np.arange(first, first + len(index))).all() else index


def places(numbers: Iterable[int]) -> Places:
    """Return numbers as an index."""
    return np.array(list(numbers), dtype=np.intp)


def lay_out(compiled: CompiledTerms, plan: VolumePlan, assumed: frozenset[date], last: int) -> Layout:
    """Lay a plan out over compiled terms, up to pricing period number `last`.

    Raises InvalidInput where known usage has no activation, ValueError where a cell has a day without one.
    """
    grid = Grid.of(plan)
    known, _ = add_up_usage(compiled, plan.known, compiled.agreement.period)
    levels = _Levels(compiled, assumed)
    trusts = sorted({member.trust for group in compiled.groups for member in group.members})
    algorithms = sorted({member.algorithm for group in compiled.groups for member in group.members})
    maker = _Maker(
        compiled,
        grid,
        known,
        _cell_parts(compiled, plan, grid),
        levels,
        _numbered(trusts),
        _numbered(algorithms),
        plan.start,
    )
    alike: dict[tuple[object, ...], list[Group]] = {}
    amounts: list[Amount] = []
    for group in compiled.groups:
        alike.setdefault(_shape(group, last), []).append(group)
        amounts += _amounts(compiled, group, levels, last)
    return Layout(
        compiled,
        grid,
        [_months_between(plan.start, period.start) for period in compiled.periods[:last]],
        trusts,
        algorithms,
        [maker.batch(groups, last) for groups in alike.values() if _has_usage(groups[0])],
        amounts,
    )


def _months_between(start: date, day: date) -> int:
    return (day.year - start.year) * 12 + day.month - start.month


def _has_usage(group: Group) -> bool:
    return any(isinstance(terms, UsageTerms) for terms in group.course.terms)


def _shape(group: Group, last: int) -> tuple[object, ...]:
    course = group.course
    by_terms: dict[int, tuple[object, ...]] = {}
    shape: list[object] = []
    for terms in course.terms[:last]:
        if not isinstance(terms, UsageTerms):
            shape.append(None)
            continue
        if id(terms) not in by_terms:
            model = terms.model
            by_terms[id(terms)] = (
                model.ARRAYS,
                len(model.prices),
                model.has_fees,
                terms.window,
                terms.ramp.lengths if terms.ramp is not None and terms.ramp.by_units else None,
                terms.ramp is not None and terms.ramp.leaves_tiers,
                terms.pays_for_silence,
                *((limit.per, limit.window) if limit else None for limit in (terms.minimum, terms.maximum)),
                terms.limits_gross,
            )
        shape.append(by_terms[id(terms)])
    return (course.counts_units, course.limit_windows, *shape)


class _Levels:
    """Find the charge behind compiled terms, and which assumed adjustments its level includes."""

    def __init__(self, compiled: CompiledTerms, assumed: frozenset[date]) -> None:
        book: PriceBook = compiled.book.price_book
        self._versions = sorted(book.versions, key=lambda version: version.valid_from)
        self._days = [version.valid_from for version in self._versions]
        self._book = book
        self._starts = compiled.book.starts
        self._assumed = assumed

    def of(self, code: str, index: int) -> tuple[Charge, Fraction, tuple[int, ...], int]:
        """Return the charge, the approved factor, the places of the assumed adjustments, and a unit price's step."""
        start = self._starts[index]
        version = self._versions[bisect_right(self._days, start) - 1]
        charge = next(charge for charge in version.charges if charge.code == code)
        in_force = [
            (place, one)
            for place, one in enumerate(self._book.index_adjustments)
            if version.valid_from < one.effective_from <= start
        ]
        drawn = tuple(place for place, one in in_force if one.effective_from in self._assumed)
        approved = prod((Fraction(one.factor) for place, one in in_force if place not in drawn), start=Fraction(1))
        decimals = charge.conventions.over(self._book.conventions).price_decimals
        return charge, approved, drawn, int(MICRO // 10**decimals)


def _cell_parts(compiled: CompiledTerms, plan: VolumePlan, grid: Grid) -> dict[int, tuple[int, int, int, int]]:
    """Find for every segment the cell it takes from: (row, first day, number of days, days of the cell)."""
    row = {key: number for number, key in enumerate(grid.keys)}
    parts: dict[int, tuple[int, int, int, int]] = {}
    for cell in plan.cells:
        timeline = compiled.timelines.get((cell.trust, cell.algorithm))
        number, days = 0, cell.days
        while number < len(days):
            day = days[number]
            segment = -1 if timeline is None else bisect_right(timeline.bounds, day) - 1
            if timeline is None or not 0 <= segment < len(timeline.state) or timeline.state[segment] == NOT_ACTIVE:
                raise ValueError(f"{cell.algorithm} has no activation at {cell.trust} on {day.isoformat()}")
            following = bisect_left(days, timeline.bounds[segment + 1], number)
            place = timeline.first_segment + segment
            parts[place] = (row[cell.trust, cell.algorithm], number, following - number, len(days))
            number = following
    return parts


def _amounts(compiled: CompiledTerms, group: Group, levels: _Levels, last: int) -> Iterator[Amount]:
    """Bill the fixed and one-off charges of a group, which no volume changes, before their rounding to øre."""
    terms_by_period: list[Terms | None] = []
    drawn_at: list[tuple[int, ...]] = []
    for index, terms in enumerate(group.course.terms[:last]):
        if not isinstance(terms, FixedTerms | OneOffTerms):
            terms_by_period.append(None)
            drawn_at.append(())
            continue
        charge, approved, drawn, _ = levels.of(group.course.code, index)
        assert isinstance(charge, FixedCharge | OneOffCharge)
        drawn_at.append(drawn)
        if not drawn:
            terms_by_period.append(terms)
        elif isinstance(terms, FixedTerms):
            terms_by_period.append(replace(terms, amount=ore(charge.amount) * approved * _FINE))
        else:
            terms_by_period.append(replace(terms, amount=round(ore(charge.amount) * approved * _FINE)))
    if not any(terms_by_period):
        return
    terms_by_period += [
        terms if isinstance(terms, FixedTerms) else None for terms in group.course.terms[last:]
    ]  # a prorated amount looks ahead to the end of its interval
    run = group.run(compiled.book, [])
    run.terms_by_period = terms_by_period
    for index, billed in enumerate(terms_by_period[:last]):
        run.index, run.period, run.lines = index, compiled.periods[index], []
        if isinstance(billed, FixedTerms):
            bill_fixed(run, billed)
        elif isinstance(billed, OneOffTerms):
            bill_one_off(run, billed)
        for line in run.lines:
            gross = line.gross_ore / _FINE if drawn_at[index] else float(line.gross_ore)
            discount = line.discount_rate_e4 / RATE
            yield Amount(index, line.trust, line.algorithm, gross, discount, drawn_at[index])


# One source of units in a step: (group, counter's key, trust, algorithm, phase, discount, activation's number, known, parts)
_Row = tuple[int, Key, str, str, int | None, int, int, int, list[tuple[int, int, int, int]]]


@dataclass(frozen=True, slots=True)
class _Maker:
    compiled: CompiledTerms
    grid: Grid
    known: list[int]
    cell_parts: dict[int, tuple[int, int, int, int]]
    levels: _Levels
    trusts: dict[str | None, int]
    algorithms: dict[str | None, int]
    start: date

    def batch(self, groups: list[Group], last: int) -> Batch:
        """Lay out the groups of one shape."""
        batch = Batch(groups, groups[0].course.limit_windows)
        batch.limit_keys = [{} for _ in batch.limit_windows]
        batch.has_fees = any(
            terms.model.has_fees
            for group in groups
            for terms in group.course.terms[:last]
            if isinstance(terms, UsageTerms)
        )
        runs = [group.run(self.compiled.book, []) for group in groups]
        tariffs: dict[tuple[object, ...], Tariff] = {}
        for index in range(last):
            terms = [group.course.terms[index] for group in groups]
            usage = [each for each in terms if isinstance(each, UsageTerms)]
            if not usage:
                batch.steps.append(None)
                continue
            key: tuple[object, ...] = tuple(map(id, terms))
            if key not in tariffs:
                tariffs[key] = self._tariff(groups, usage, index)
            batch.steps.append(self._step(batch, runs, usage, index, tariffs[key], key))
        return batch

    def _tariff(self, groups: list[Group], usage: list[UsageTerms], index: int) -> Tariff:
        models = [terms.model for terms in usage]
        charges: list[tuple[UsageCharge, Fraction, tuple[int, ...], int] | None] = []
        for group in groups:
            charge, approved, drawn, step = self.levels.of(group.course.code, index)
            assert isinstance(charge, UsageCharge)
            charges.append((charge, approved, drawn, step))
        static = Prices(
            _by_tier([model.prices for model in models]) / _ORE_IN_MICRO,
            _by_tier([model.amounts for model in models]),
            _amounts_of([terms.minimum for terms in usage]),
            _amounts_of([terms.maximum for terms in usage]),
        )
        return Tariff(static, _by_tier([model.bounds for model in models]), tuple(charges))

    def _step(
        self,
        batch: Batch,
        runs: list[Run],
        usage: list[UsageTerms],
        index: int,
        tariff: Tariff,
        tariff_key: tuple[object, ...],
    ) -> Step:
        terms = usage[0]
        window, is_last = runs[0].windows[terms.window][index]
        sources = [row for number, group in enumerate(batch.groups) for row in self._sources(number, group, index)]
        ramp, rows = self._unit_ramp(batch, usage, sources)
        leaves = terms.ramp is not None and terms.ramp.leaves_tiers
        inside = [i for i, row in enumerate(rows) if not (leaves and row[5])]
        outside = [i for i, row in enumerate(rows) if leaves and row[5]]
        keys = [(rows[i][0], rows[i][1]) for i in inside]
        starts = [i for i, key in enumerate(keys) if i == 0 or key != keys[i - 1]]
        counters = [keys[i] for i in starts]
        counter_of = np.repeat(np.arange(len(starts)), np.diff([*starts, len(keys)])) if starts else places([])
        narrow = self._has_narrow_limit(batch, terms.scope)
        mixed = []
        for number, (start, end) in enumerate(itertools.pairwise([*starts, len(keys)])):
            rates = {rows[i][5] for i in inside[start:end]}
            if len(rates) > 1 or narrow:
                # Whole units lie less than one off each row's share, and as much above as below in all.
                astray = _FAR if narrow else (max(rates) - min(rates)) / RATE * (end - start) / 2
                mixed.append((number, start, end, astray))
        for key in {(row[0], row[1]) for row in rows}:
            batch.counters.setdefault(key, len(batch.counters))
        where = self._rows(sources)
        step = Step(
            index=index,
            window=window,
            arrays=terms.model.ARRAYS,
            tariff=tariff,
            tariff_key=tariff_key,
            rows=where,
            ramp=ramp,
            rates=np.array([row[5] / RATE for row in rows])[:, None],
            owners=self._owners(batch, [(row[0], row[2], row[3]) for row in rows]) if rows else None,
            priced_owners=self._owners(batch, [(rows[i][0], rows[i][2], rows[i][3]) for i in inside])
            if terms.model.REPRICES and inside
            else None,
            inside=places(inside) if outside else None,
            outside=places(outside) if outside else None,
            group_of_outside=places([rows[i][0] for i in outside]),
            counters=places(batch.counters[key] for key in counters),
            standing=lean(places(batch.counters[key] for key in counters)),
            group_of_counter=lean(places(key[0] for key in counters)),
            starts=places(starts),
            counter_of=counter_of,
            mixed=tuple(mixed),
            all_counters=Grouping.of([batch.counters[row[0], row[1]] for row in rows]) if rows else None,
            counter_owners=None,
            lying=None,
            has_fees=batch.has_fees,
            silence=self._silence(batch, runs, usage, window)
            if is_last and terms.pays_for_silence and tariff.static.unit.size
            else None,
            maximum=self._maximum(batch, terms.maximum, index),
            minimum=self._minimum(batch, runs, usage, index),
            limits_gross=terms.limits_gross,
            limit_windows=tuple(runs[0].windows[kind][index][0] for _, kind in batch.limit_windows),
            row_key=tuple((row[0], row[2], row[3], row[4], row[5]) for row in rows),
        )
        batch.tiers = max(batch.tiers, len(tariff.static.unit))
        return self._regular(batch, step, rows) or step

    def _regular(self, batch: Batch, step: Step, rows: list[_Row]) -> Step | None:
        """Widen the counters of a step to all trusts of the grid, where each takes one algorithm's cells and nothing else.

        The rows added have no volume in the month; so the rows lie as counters × trusts and need no gathering.
        """
        grid, where = self.grid, step.rows
        if not grid.is_full or where is None or step.ramp is not None or step.outside is not None:
            return None
        if where.parts or where.known is not None or batch.limit_windows or step.has_fees or step.silence is not None:
            return None
        each, cells = len(grid.trusts), where.cells.tolist()
        first = cells[0] // each * each
        wide = len(step.counters) * each
        expected = first + step.counter_of * each
        month = _months_between(self.start, self.compiled.periods[step.index].start)
        if (
            first + wide > len(grid.keys)
            or len(set(cells)) < len(cells)
            or (where.cells // each * each != expected).any()
        ):
            return None
        absent = sorted(set(range(first, first + wide)) - set(cells))
        if not 0 <= month < len(grid.months) or grid.volumes[month, absent].any():
            return None
        groups = [
            (int(group), grid.keys[first + i * each][1])
            for i, group in enumerate(
                range(len(batch.groups))[step.group_of_counter]
                if isinstance(step.group_of_counter, slice)
                else step.group_of_counter
            )
        ]
        rates = np.repeat(step.rates[step.starts], each, axis=0)  # a row without volume does as those beside it
        rates[where.cells - first] = step.rates
        owned = [(group, trust, algorithm) for group, algorithm in groups for trust in grid.trusts]
        return replace(
            step,
            lying=slice(first, first + wide),
            rates=rates,
            starts=places(range(0, wide, each)),
            counter_of=np.repeat(np.arange(len(groups)), each),
            mixed=tuple((number, number * each, number * each + each, astray) for number, _, _, astray in step.mixed),
            counter_owners=self._owners(batch, [(group, None, algorithm) for group, algorithm in groups]),
            owners=self._owners(batch, [(0, trust, None) for trust in grid.trusts]),
            priced_owners=step.priced_owners and self._owners(batch, owned),
            row_key=(first, wide, rates.tobytes()),
        )

    def _sources(self, number: int, group: Group, index: int) -> Iterator[_Row]:
        """Yield the sources that ever have a unit."""
        sources = group.sources[index] if group.sources else ()
        for key, own in sources:
            for source in own:
                known, parts = self._from(source)
                if known or parts:
                    yield (number, key, *source[:5], known, parts)

    def _from(self, source: Source) -> tuple[int, list[tuple[int, int, int, int]]]:
        if not source[6]:
            part = self.cell_parts.get(source[5])
            return self.known[source[5]], [] if part is None else [part]
        segments = (source[5], *source[6])
        found = [self.cell_parts[segment] for segment in segments if segment in self.cell_parts]
        return sum(self.known[segment] for segment in segments), found

    def _rows(self, sources: list[_Row]) -> Rows | None:
        if not sources:
            return None
        none = len(self.grid.keys)
        cells, parts = [], []
        for row, (*_, found) in enumerate(sources):
            if found and (found[0][2] if len(found) == 1 else sum(part[2] for part in found)) == found[0][3]:
                cells.append(found[0][0])
                continue
            cells.append(none)
            parts += [Part(row, cell, first, width, days) for cell, first, width, days in found]
        known = np.array([row[7] for row in sources], dtype=np.float64)[:, None]
        return Rows(places(cells), known if known.any() else None, tuple(parts))

    def _unit_ramp(
        self, batch: Batch, usage: list[UsageTerms], sources: list[_Row]
    ) -> tuple[UnitRamp | None, list[_Row]]:
        """Split the sources at the phases of ramps by units, merged as the rating merges them."""
        if not sources or not batch.groups[0].course.counts_units:
            return None, sources
        own = [
            batch.activations.setdefault((row[0], row[2], row[3], row[6]), len(batch.activations)) for row in sources
        ]
        pieces: list[tuple[_Row, int, float, float]] = []
        for number, row in enumerate(sources):
            ramp = usage[row[0]].ramp
            if ramp is None or not ramp.by_units:
                pieces.append((row, number, 0.0, np.inf))
                continue
            for phase, (low, high) in enumerate(zip((0, *ramp.lengths), (*ramp.lengths, np.inf), strict=True), start=1):
                named = phase if phase <= len(ramp.lengths) else None
                pieces.append(((*row[:4], named, ramp.discount(named), *row[6:]), number, low, high))
        order = sorted(
            range(len(pieces)),
            key=lambda i: (pieces[i][0][0], sort_key(pieces[i][0][1]), *_tie(pieces[i][0])),
        )
        pieces = [pieces[i] for i in order]
        alike = [piece[0][:6] for piece in pieces]
        firsts = [i for i, each in enumerate(alike) if i == 0 or each != alike[i - 1]]
        ramp_rows = UnitRamp(
            places(own),
            places([piece[1] for piece in pieces]),
            np.array([piece[2] for piece in pieces], dtype=np.float64)[:, None],
            np.array([piece[3] for piece in pieces], dtype=np.float64)[:, None],
            places(firsts) if len(firsts) < len(pieces) else None,
        )
        return ramp_rows, [pieces[i][0] for i in firsts]

    def _has_narrow_limit(self, batch: Batch, scope: Scope) -> bool:
        width: dict[Scope, int] = {"activation": 0, "trust": 1, "agreement": 2}
        return any(width[per] < width[scope] for per, _ in batch.limit_windows)

    def _owners(self, batch: Batch, owners: Sequence[tuple[int, str | None, str | None]]) -> Owners:
        return Owners(
            Grouping.of([self.trusts[trust] for _, trust, _ in owners]),
            Grouping.of([self.algorithms[algorithm] for _, _, algorithm in owners]),
            tuple(
                Grouping.of([_limit_place(batch, which, per, *owner) for owner in owners])
                for which, (per, _) in enumerate(batch.limit_windows)
            ),
        )

    def _silence(self, batch: Batch, runs: list[Run], usage: list[UsageTerms], window: Period) -> Silence | None:
        live = [
            (number, key)
            for number, (run, terms) in enumerate(zip(runs, usage, strict=True))
            for key in run.live_keys(terms.scope, terms.algorithms, window)
        ]
        if not live:
            return None
        counters = [batch.counters.setdefault(key, len(batch.counters)) for key in live]
        owners = self._owners(batch, [(number, *key) for number, key in live])
        return Silence(places(counters), places([number for number, _ in live]), owners)

    def _maximum(self, batch: Batch, limit: LimitTerms | None, index: int) -> Limited | None:
        if limit is None:
            return None
        which = batch.limit_windows.index((limit.per, limit.window))
        # Every key that may ever have a line: where it has none, there is nothing to hold.
        keys = sorted(
            {
                (number, key_of(limit.per, member.trust, member.algorithm))
                for number, group in enumerate(batch.groups)
                for member in group.members
            }
            | {(number, (None, None)) for number in range(len(batch.groups)) if limit.per == "agreement"},
            key=lambda key: (key[0], sort_key(key[1])),
        )
        return self._limited(batch, which, keys)

    def _minimum(self, batch: Batch, runs: list[Run], usage: list[UsageTerms], index: int) -> Limited | None:
        limit = usage[0].minimum
        if limit is None:
            return None
        window, is_last = runs[0].windows[limit.window][index]
        if not is_last:
            return None
        which = batch.limit_windows.index((limit.per, limit.window))
        keys = [
            (number, key)
            for number, (run, terms) in enumerate(zip(runs, usage, strict=True))
            for key in run.live_keys(limit.per, terms.algorithms, window)
        ]
        return self._limited(batch, which, keys)

    def _limited(self, batch: Batch, which: int, keys: list[tuple[int, Key]]) -> Limited | None:
        if not keys:
            return None
        numbers = [
            batch.limit_keys[which].setdefault((number, key), len(batch.limit_keys[which])) for number, key in keys
        ]
        owners = self._owners(batch, [(number, *key) for number, key in keys])
        return Limited(which, places(numbers), places([number for number, _ in keys]), owners)


def _numbered(names: list[str]) -> dict[str | None, int]:
    """Number names; what stands on none comes after all of them."""
    return {name: number for number, name in enumerate([*names, None])}


def _limit_place(batch: Batch, which: int, per: Scope, group: int, trust: str | None, algorithm: str | None) -> int:
    """Find the key a line counts for: no trust, only the agreement; no algorithm, not an activation (pricing.md §4.10)."""
    if per == "agreement":
        key: Key = (None, None)
    elif trust is None or (per == "activation" and algorithm is None):
        return -1
    else:
        key = (trust, algorithm if per == "activation" else None)
    return batch.limit_keys[which].setdefault((group, key), len(batch.limit_keys[which]))


def _tie(row: _Row) -> tuple[str, str, int]:
    return row[2], row[3], _LAST if row[4] is None else row[4]


def _by_tier(numbers: Sequence[Sequence[int]]) -> Floats:
    """Arrange one row of numbers per group as tiers × groups × 1."""
    width = len(numbers[0]) if numbers else 0
    return np.array(numbers, dtype=np.float64).reshape(len(numbers), width).T[:, :, None]


def _amounts_of(limits: Sequence[LimitTerms | None]) -> Floats:
    return np.array([0.0 if limit is None else float(limit.amount) for limit in limits])[:, None]


def drawn_prices(tariff: Tariff, factors: dict[int, Whole]) -> Prices:
    """Bring a tariff to the index level of every draw of a chunk."""
    if not factors or not tariff.is_drawn:
        return tariff.static
    unit: list[list[Floats]] = []
    amounts: list[list[Floats]] = []
    minimum: list[Floats] = []
    maximum: list[Floats] = []
    static = tariff.static
    for number, entry in enumerate(tariff.charges):
        assert entry is not None
        charge, approved, places_drawn, step = entry
        drawn = [factors[place] for place in places_drawn]
        prices = [scaled(price, UNIT_PRICE_DECIMALS) for price in charge.model.unit_prices]
        unit.append([at_drawn_level(price, approved, drawn, step) / _ORE_IN_MICRO for price in prices])
        amounts.append([at_drawn_level(ore(amount), approved, drawn, 1) for amount in charge.model.amounts])
        for limit, into, unindexed in (
            (charge.minimum, minimum, static.minimum),
            (charge.maximum, maximum, static.maximum),
        ):
            if limit is not None and limit.indexed:
                into.append(at_drawn_level(ore(limit.amount), approved, drawn, 1))
            else:
                into.append(np.broadcast_to(unindexed[number], drawn[0].shape))
    return Prices(
        np.array(unit).transpose(1, 0, 2) if tariff.static.unit.size else static.unit,
        np.array(amounts).transpose(1, 0, 2) if tariff.static.amounts.size else static.amounts,
        np.array(minimum),
        np.array(maximum),
    )
