"""Rate usage under agreed terms: the one function behind every amount (pricing.md §4).

Rating is an ordered list of steps, and the order is contract law. It is written once, in PIPELINE, with the clause beside each
step. Two things come before it, when terms are compiled: the term is cut into pricing periods (§4.1) and every charge is
brought to its index level (§4.8). The pipeline then runs for each pricing period over each group of a charge, and what it
leaves behind are the lines (§4.9) and nothing else: there is no second calculation that explains the first.

Amounts are øre, unit prices 10⁻⁶ kr and discounts ten-thousandths until somebody asks a line for its decimals.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from billing.rating.charge_terms import FixedTerms, OneOffTerms, Run, Terms, UsageTerms
from billing.rating.compile import (
    NOT_ACTIVE,
    VALIDATION,
    CompiledTerms,
    Group,
    compile_activations,
    compile_book,
    group_key,
)
from billing.rating.fixed import bill_fixed, bill_one_off
from billing.rating.limits import add_up, amount_line, hold_maximum, reach_minimum
from billing.rating.lines import Excluded, Line, Position, Rating
from billing.rating.request import (
    PriceRequest,
    activation_errors,
    period_errors,
    request_errors,
    terms_errors,
    usage_errors,
)
from billing.rating.run import Key, Slice, sort_key, tie_order
from billing.rating.slice_lines import price_units, share_amounts
from contracts.terms import money
from contracts.terms.period import Period
from contracts.terms.price_book import Activation, AgreementTerm, InvalidInput, PriceBook, Usage

__all__ = [
    "PIPELINE",
    "CompiledTerms",
    "Difference",
    "Excluded",
    "Line",
    "Position",
    "PriceRequest",
    "Rating",
    "compile_terms",
    "marginal",
    "rate",
    "rate_compiled",
]


def take_slices(run: Run, terms: UsageTerms) -> None:
    """Take the units of each activation and ramp phase, by counter."""
    window, _ = run.windows[terms.window][run.index]
    units_of = run.units
    run.sliced.clear()
    for key, sources in run.sources[run.index]:
        slices: list[Slice] = []
        total = 0
        for trust, algorithm, phase, rate, number, segment, more in sources:
            units = units_of[segment]
            for further in more:
                units += units_of[further]
            if not units:
                continue
            total += units
            if run.counts_units:
                slices += _by_own_count(run, terms, (trust, algorithm, phase, rate, units), number)
            else:
                slices.append((trust, algorithm, phase, rate, units))
        if total:
            run.sliced.append((run.counter(key, window), _merged(slices) if run.counts_units else slices, total))


def _by_own_count(run: Run, terms: UsageTerms, taken: Slice, number: int) -> list[Slice]:
    """Split a slice at the phases of a ramp by units, which count an activation's own units since its go-live."""
    trust, algorithm, _, _, units = taken
    before = run.units_since_go_live.get((trust, algorithm, number), 0)
    run.units_since_go_live[trust, algorithm, number] = before + units
    ramp = terms.ramp
    if ramp is None or not ramp.by_units:
        return [taken]
    return [(trust, algorithm, phase, ramp.discount(phase), part) for phase, part in ramp.split(before, units)]


def _merged(slices: list[Slice]) -> list[Slice]:
    """Make one slice of what two activations of a key have in the same phase, in the order that settles ties."""
    units_of: dict[tuple[str, str, int | None, int], int] = {}
    for trust, algorithm, phase, rate, units in slices:
        units_of[trust, algorithm, phase, rate] = units_of.get((trust, algorithm, phase, rate), 0) + units
    return sorted(((*alike, units) for alike, units in units_of.items()), key=tie_order)


def price_outside(run: Run, terms: UsageTerms) -> None:
    """Set the discounted units that do not count towards tiers apart and price them at the first tier."""
    for i, (counter, slices, _) in enumerate(run.sliced):
        outside = [taken for taken in slices if taken[3]]
        if outside:
            price_units(run, terms, outside, 0, terms.model.first_unit_price, "outside")
            inside = [taken for taken in slices if not taken[3]]
            run.sliced[i] = (counter, inside, sum(units for *_, units in inside))


def price_counters(run: Run, terms: UsageTerms) -> None:
    """Price each counter's units by the charge's model."""
    for counter, slices, units in run.sliced:
        if units:
            terms.model.price(run, terms, counter, slices, units)


def price_silence(run: Run, terms: UsageTerms) -> None:
    """Bill the first tier's flat fee for every live key that had no billable unit in the window that ends."""
    window, is_last = run.windows[terms.window][run.index]
    fee = terms.model.first_flat_fee
    if not is_last or not fee:
        return
    for key in run.live_keys(terms.scope, terms.algorithms, window):
        counter = run.counters.get(key)
        if counter is None or counter.window is not window:
            run.lines.append(amount_line(terms, key, run.period, fee, "zero_usage"))


@dataclass(frozen=True, slots=True)
class Step:
    """Hold one step of rating: the clause (`pricing.md §4`) it carries out, the charges it is for, and what it does."""

    clause: str
    applies: Callable[[Terms], bool]
    run: Callable[[Run, Any], None]


def _when(kind: type[Terms], condition: Callable[[Any], bool] = lambda terms: True) -> Callable[[Terms], bool]:
    return lambda terms: isinstance(terms, kind) and condition(terms)


PIPELINE: tuple[Step, ...] = (
    # In the compiled terms: pricing.md §4.1 pricing periods, §4.8 index. What a charge covers and counts: pricing.md §3.1 §3.2 §3.4 §4.3.
    Step("§4.2 slices, §4.3 counters", _when(UsageTerms), take_slices),
    Step("§4.3 outside", _when(UsageTerms, lambda terms: terms.ramp and terms.ramp.leaves_tiers), price_outside),
    Step("§4.4 graduated, §4.5 volume, §4.6 package; §4.9 lines", _when(UsageTerms), price_counters),
    Step("§4.7 sharing money", _when(UsageTerms), share_amounts),
    Step("§2.2 silence", _when(UsageTerms, lambda terms: terms.pays_for_silence), price_silence),
    Step("§3.7 fixed", _when(FixedTerms), bill_fixed),
    Step("§3.8 one-off", _when(OneOffTerms), bill_one_off),
    Step("§4.10 sums", _when(UsageTerms), add_up),
    Step("§4.10 maximum", _when(UsageTerms, lambda terms: terms.maximum), hold_maximum),
    Step("§4.10 minimum", _when(UsageTerms, lambda terms: terms.minimum), reach_minimum),
)


def rate(request: PriceRequest) -> Rating:
    """Rate a price request.

    Raises InvalidInput with every error of the request, each with its JSON pointer.
    """
    errors = terms_errors(request.agreement, request.price_book, request.activations)
    if errors:
        raise InvalidInput(tuple(request_errors(request)))
    compiled = compile_activations(compile_book(request.agreement, request.price_book), request.activations)
    return rate_compiled(compiled, request.usage, request.period)


def compile_terms(agreement: AgreementTerm, price_book: PriceBook, activations: Sequence[Activation]) -> CompiledTerms:
    """Compile terms once for many ratings.

    Raises InvalidInput with every error of the agreement, the price book and the activations.
    """
    errors = terms_errors(agreement, price_book, activations)
    if errors:
        raise InvalidInput(tuple(errors))
    return compile_activations(compile_book(agreement, price_book), activations)


def rate_compiled(compiled: CompiledTerms, usage: Sequence[Usage], period: Period) -> Rating:
    """Rate usage under compiled terms.

    Usage before the period is rated in full but yields no lines; from the period's end on it is ignored. Raises InvalidInput
    where the period is not on bounds of pricing periods or usage has no activation.
    """
    errors = list(period_errors(compiled.periods, period))
    if errors:
        errors += usage_errors(compiled.agreement, compiled.activations, list(enumerate(usage)))
        raise InvalidInput(tuple(errors))
    return _rate(compiled, usage, period)


@dataclass(frozen=True, slots=True)
class Difference:
    """Hold what a change costs: the lines of the groups it touches, without and with it.

    Groups it does not touch have the same lines either way and are not rated.
    """

    without: tuple[Line, ...]
    with_: tuple[Line, ...]
    groups: int

    @property
    def total(self) -> Decimal:
        """Return with less without, in kroner: what the full ratings differ by, to the øre."""
        return money.kroner(sum(line.net_ore for line in self.with_) - sum(line.net_ore for line in self.without))

    def by_trust(self) -> dict[str | None, Decimal]:
        """Return the difference per trust, None for lines that stand on the agreement."""
        ore: dict[str | None, int] = {}
        for sign, lines in ((1, self.with_), (-1, self.without)):
            for line in lines:
                ore[line.trust] = ore.get(line.trust, 0) + sign * line.net_ore
        return {trust: money.kroner(ore[trust]) for trust in sorted(ore, key=lambda trust: trust or "")}


def marginal(
    compiled: CompiledTerms,
    usage_without: Sequence[Usage],
    usage_with: Sequence[Usage],
    period: Period,
    activations_with: Sequence[Activation] | None = None,
) -> Difference:
    """Rate only what differs between two usages, and between two sets of activations where the second is given.

    A counter, limit, flat fee or fixed charge that no changed trust and algorithm feeds is not rated, and its usage is not
    read. Raises InvalidInput as `rate_compiled` does for what is.
    """
    before = compiled.activations
    after = before if activations_with is None else tuple(activations_with)
    errors = [*period_errors(compiled.periods, period), *activation_errors(list(enumerate(after)))]
    if errors:
        raise InvalidInput(tuple(errors))
    changed = _changed_activations(before, after) | _changed_usage(usage_without, usage_with)
    courses = compiled.book.courses
    touched = frozenset(
        (course.code, group_key(course, trust, algorithm))
        for course in courses
        for trust, algorithm in changed
        if course.covers(algorithm)
    )
    keys = {(entry.trust, entry.algorithm) for entry in (*before, *after)}
    feeding = frozenset(
        (trust, algorithm)
        for trust, algorithm in keys
        if any(
            course.covers(algorithm) and (course.code, group_key(course, trust, algorithm)) in touched
            for course in courses
        )
    )
    terms_with = compiled
    if activations_with is not None:
        own = [activation for activation in after if (activation.trust, activation.algorithm) in feeding]
        terms_with = compile_activations(compiled.book, own, touched)
    return Difference(
        without=_rate_touched(compiled, touched, feeding, usage_without, period),
        with_=_rate_touched(terms_with, touched, feeding, usage_with, period),
        groups=len(touched),
    )


def _changed_activations(before: Iterable[Activation], after: Iterable[Activation]) -> set[tuple[str, str]]:
    return {(activation.trust, activation.algorithm) for activation in set(before) ^ set(after)}


def _changed_usage(before: Sequence[Usage], after: Sequence[Usage]) -> set[tuple[str, str]]:
    same = 0
    for one, other in zip(before, after, strict=False):
        if one is not other:
            break
        same += 1
    sums: dict[tuple[str, str], dict[Any, int]] = {}
    for sign, entries in ((-1, before), (1, after)):
        for entry in entries[same:]:
            days = sums.setdefault((entry.trust, entry.algorithm), {})
            days[entry.on] = days.get(entry.on, 0) + sign * entry.quantity
    return {key for key, days in sums.items() if any(days.values())}


def _rate_touched(
    compiled: CompiledTerms,
    touched: frozenset[tuple[str, Key]],
    feeding: frozenset[tuple[str, str]],
    usage: Sequence[Usage],
    period: Period,
) -> tuple[Line, ...]:
    """Rate the touched groups alone, from the usage of the trusts and algorithms that feed them."""
    units, _ = add_up_usage(compiled, usage, period, feeding)
    groups = [group for group in compiled.groups if (group.course.code, group.key) in touched]
    lines, _ = _rate_groups(compiled, groups, units, period)
    return lines


def _rate(compiled: CompiledTerms, usage: Sequence[Usage], period: Period) -> Rating:
    units, excluded = add_up_usage(compiled, usage, period)
    lines, positions = _rate_groups(compiled, compiled.groups, units, period)
    return Rating(compiled.agreement.currency, lines, excluded, positions)


def _rate_groups(
    compiled: CompiledTerms, groups: Sequence[Group], units: list[int], period: Period
) -> tuple[tuple[Line, ...], tuple[Position, ...]]:
    starts = compiled.book.starts
    first, last = bisect_left(starts, period.start), bisect_left(starts, period.end)
    lines: list[Line] = []
    positions: list[Position] = []
    for group in groups:
        run = group.run(compiled.book, units)
        _rate_group(run, first, last, lines)
        positions += _positions(run, last - 1)
    lines.sort(key=lambda line: line.period.start)
    return tuple(lines), tuple(positions)


def add_up_usage(
    compiled: CompiledTerms,
    usage: Sequence[Usage],
    period: Period,
    only: frozenset[tuple[str, str]] | None = None,
) -> tuple[list[int], tuple[Excluded, ...]]:
    """Add usage up by segment and set what fell in a validation run apart, per day.

    Raises InvalidInput where usage has no activation or a day is below zero. With `only`, leave the usage of all other trusts and algorithms unread.
    """
    units = [0] * compiled.segments
    validated: dict[tuple[str, str, date], int] = {}
    timelines = compiled.timelines
    doubtful = False
    for entry in usage:
        key = (entry.trust, entry.algorithm)
        if only is not None and key not in only:
            continue
        timeline = timelines.get(key)
        if timeline is None:
            doubtful = True
            break
        bounds = timeline.bounds
        i = bisect_right(bounds, entry.on) - 1
        if i < 0 or i >= len(timeline.state) or timeline.state[i] == NOT_ACTIVE:
            doubtful = True
            break
        if timeline.state[i] == VALIDATION:
            day = (entry.trust, entry.algorithm, entry.on)
            validated[day] = validated.get(day, 0) + entry.quantity
        else:
            units[timeline.first_segment + i] += entry.quantity
        if entry.quantity < 0:
            doubtful = True  # only a correction can bring a day below zero
    if doubtful:
        read = [(i, each) for i, each in enumerate(usage) if only is None or (each.trust, each.algorithm) in only]
        errors = tuple(usage_errors(compiled.agreement, compiled.activations, read))
        if errors:
            raise InvalidInput(errors)
    excluded = tuple(
        Excluded(*day, quantity) for day, quantity in sorted(validated.items()) if quantity and period.contains(day[2])
    )
    return units, excluded


def _positions(run: Run, index: int) -> list[Position]:
    """Find where every counter of the window that holds pricing period number `index` stands, live keys included."""
    terms = run.terms_by_period[index]
    if not isinstance(terms, UsageTerms):
        return []
    window, _ = run.windows[terms.window][index]
    at = {key: counter.position for key, counter in run.counters.items() if counter.window is window}
    keys = {*at, *run.live_keys(terms.scope, terms.algorithms, window)}
    return [
        Position(terms.code, terms.scope, *key, window, at.get(key, 0), terms.model.next_tier_at(at.get(key, 0)))
        for key in sorted(keys, key=sort_key)
    ]


def _rate_group(run: Run, first: int, last: int, lines: list[Line]) -> None:
    """Run the pipeline over one group, period by period; keep the lines from period number `first` on."""
    steps_of: dict[int, tuple[Callable[[Run, Any], None], ...]] = {}
    for index in range(last):
        terms = run.terms_by_period[index]
        if terms is None:
            continue
        steps = steps_of.get(id(terms))
        if steps is None:
            steps = steps_of[id(terms)] = tuple(step.run for step in PIPELINE if step.applies(terms))
        run.index = index
        run.period = run.periods[index]
        run.lines = []
        for step in steps:
            step(run, terms)
        if index >= first:
            lines += run.lines
