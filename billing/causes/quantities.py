"""How many examinations the vendor counted, where it says so, and what may have made its count another than ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from billing.causes.billed import BilledLine
from billing.causes.cells import Cell
from billing.causes.declared import Code
from billing.causes.situation import Situation
from contracts.terms.period import Period, add_months
from contracts.terms.price_book import Activation, Usage

Key = tuple[str, str]

_AMOUNTS = frozenset({"adjustment", "flat_fee", "package", "zero_usage", "minimum", "maximum", "fixed", "one_off"})
# That another week or month has as many examinations as are too many says something from here on, another day later.
_TELLING = 3
_TELLING_DAY = 4


@dataclass(frozen=True, slots=True)
class Recount:
    """Hold what the vendor counted differently for a trust and algorithm in a span of days, and how that may have come.

    `options` are (code, entries) in the order they are believed: known reasons first, the mere difference last, which is
    tried on several days where a ramp's phase decides the price.
    """

    key: Key
    span: Period
    own: int
    billed: int
    options: tuple[tuple[Code, tuple[Usage, ...]], ...]


@dataclass(slots=True)
class Counts:
    """Hold our own counts by day, and what stands beside them, for look-ups."""

    situation: Situation
    by_day: dict[Key, dict[date, int]]
    live: dict[Key, list[Activation]]
    beside: dict[Key, list[tuple[Code, str, Usage]]]
    stated: dict[Key, dict[date, int]] | None

    @classmethod
    def of(cls, situation: Situation, billable: dict[Key, dict[date, int]], validation: list[Usage]) -> Counts:
        """Index the counts of a situation."""
        live: dict[Key, list[Activation]] = {}
        for activation in situation.activations:
            live.setdefault((activation.trust, activation.algorithm), []).append(activation)
        beside: dict[Key, list[tuple[Code, str, Usage]]] = {}
        for apart in situation.set_apart:
            usage = Usage(apart.trust, apart.algorithm, apart.on, apart.quantity)
            code: Code = "QTY_DUP" if apart.reason == "duplicate" else "QTY_NONBILLABLE"
            beside.setdefault((apart.trust, apart.algorithm), []).append((code, apart.reason, usage))
        for entry in situation.late:
            beside.setdefault((entry.trust, entry.algorithm), []).append(("QTY_LATE", "late", entry))
        for entry in validation:
            beside.setdefault((entry.trust, entry.algorithm), []).append(("QTY_NONBILLABLE", "validation", entry))
        stated: dict[Key, dict[date, int]] | None = None
        if situation.statement is not None:
            stated = {}
            for entry in situation.statement:
                months = stated.setdefault((entry.trust, entry.algorithm), {})
                month = entry.on.replace(day=1)
                months[month] = months.get(month, 0) + entry.quantity
        return cls(situation, billable, live, beside, stated)

    def within(self, key: Key, span: Period) -> int:
        """Count our own billable examinations in a span."""
        return sum(quantity for on, quantity in self.by_day.get(key, {}).items() if span.contains(on))

    def live_days(self, key: Key, span: Period) -> tuple[date, date] | None:
        """Return the first and the last day of a span on which the algorithm is live."""
        spans = []
        for each in self.live.get(key, ()):
            own = Period(each.go_live, each.end or date.max) if (each.end or date.max) > each.go_live else None
            if own is not None and (common := own.overlap(span)) is not None:
                spans.append(common)
        if not spans:
            return None
        return min(each.start for each in spans), max(each.end for each in spans) - timedelta(days=1)


def recounts(
    cells: list[Cell], counts: Counts, usage_charges: frozenset[str], covering: dict[str, int]
) -> list[Recount]:
    """Find where the vendor's count is another than ours, by the lines that show it, else by its statement.

    `covering` says how many usage charges cover an algorithm.
    """
    found: dict[tuple[Key, Period], Recount] = {}
    read: set[tuple[Key, date]] = set()
    for cell in cells:
        seen = _seen(cell, usage_charges, covering)
        if seen is None:
            continue
        key, span, own, billed, charges = seen
        if len(span.months()) > 1 and counts.stated is not None:
            continue  # the statement says in which month
        read.update((key, month.start) for month in span.months())
        if billed != own:
            difference, rest = divmod(billed - own, charges)
            if not rest:
                found[key, span] = _recount(counts, key, span, counts.within(key, span), difference)
    if counts.stated is not None:
        for key in sorted(counts.live):
            for month in counts.situation.period.months():
                if (key, month.start) in read:
                    continue
                difference = counts.stated.get(key, {}).get(month.start, 0) - counts.within(key, month)
                if difference:
                    found[key, month] = _recount(counts, key, month, counts.within(key, month), difference)
    return _alike(list(found.values()), counts)


def _alike(found: list[Recount], counts: Counts) -> list[Recount]:
    """Believe a reason the more, the more of what is known of it is billed: a fault is seldom made by halves."""
    fits: dict[tuple[Key, Code], int] = {}
    for each in found:
        for code in {code for code, _ in each.options}:
            fits[each.key, code] = fits.get((each.key, code), 0) + 1

    def missing(key: Key, code: Code) -> int:
        months = {
            entry.on.replace(day=1)
            for kind, reason, entry in counts.beside.get(key, ())
            if kind == code and reason != "late" and counts.situation.period.contains(entry.on)
        }
        return max(0, len(months) - fits[key, code])

    def rank(each: Recount, code: Code) -> tuple[bool, int, bool, int]:
        live = counts.live_days(each.key, counts.situation.period)
        # Late ones come with the first that are billed after them.
        strange = code == "QTY_LATE" and live is not None and not each.span.contains(live[0])
        return code == "QTY_DIFF", missing(each.key, code), strange, -fits[each.key, code]

    return [
        replace(each, options=tuple(sorted(each.options, key=lambda option, each=each: rank(each, option[0]))))  # type: ignore[misc]
        for each in found
    ]


def _seen(
    cell: Cell, usage_charges: frozenset[str], covering: dict[str, int]
) -> tuple[Key, Period, int, int, int] | None:
    """Read a cell's own and billed units, where all of it is one trust and algorithm; None where it does not show them."""
    if len(cell.keys) != 1 or not cell.billed:
        return None
    units = [line for line in cell.expected if line.charge in usage_charges and line.why in (None, "outside")]
    charges = len({line.charge for line in units})
    if not cell.expected:
        charges = covering.get(next(iter(cell.keys))[1], 0)
    elif charges != len({line.charge for line in cell.expected if line.charge in usage_charges}):
        return None
    if not charges:
        return None
    own = sum(line.quantity or 0 for line in units)
    counted = list(_unit_lines(cell))
    billed = sum((line.quantity or 0) for line in counted)
    if not counted or billed != int(billed):
        return None
    if own > 1 and len(counted) == 1 and counted[0].is_sum:
        return None
    (key,) = cell.keys
    span = cell.period
    if span is None:
        return None
    return key, span, own, int(billed), charges


def _unit_lines(cell: Cell) -> Iterator[BilledLine]:
    """Give the lines that bill examinations and not an amount."""
    amounts: set[int] = set()
    for match in cell.matches:
        if match.expected and all(line.quantity is None or line.why in _AMOUNTS for line in match.expected):
            amounts.update(id(line) for line in match.billed)
    for line in cell.billed:
        if id(line) in amounts or line.why in _AMOUNTS or line.quantity is None or line.quantity < 0:
            continue
        yield line


def _recount(counts: Counts, key: Key, span: Period, own: int, difference: int) -> Recount:
    # What is written down somewhere comes before what only happens to be as many.
    options = [
        option
        for part in _parts(span)
        for option in sorted(_beside(counts, key, part), key=lambda option: _QUANTITY_ORDER.index(option[0]))
    ]
    if abs(difference) >= _TELLING:
        for part in _parts(span):
            options += _counted_twice(counts, key, part)
        for part in _parts(span):
            options += _other_period(counts, key, part)
    fitting = [option for option in options if sum(entry.quantity for entry in option[1]) == difference]
    known = list(dict.fromkeys(fitting))[:_MOST_OPTIONS]
    known += [("QTY_DIFF", entries) for entries in plain(counts, key, span, difference)]
    return Recount(key, span, own, own + difference, tuple(known))


def _parts(span: Period) -> list[Period]:
    """Give a span and, where it has several, its months."""
    months = span.months()
    return [span, *months] if len(months) > 1 else [span]


_QUANTITY_ORDER: tuple[Code, ...] = ("QTY_DUP", "QTY_PERIOD", "QTY_LATE", "QTY_NONBILLABLE", "QTY_DIFF")
_MOST_OPTIONS = 8


def guesses(counts: Counts, key: Key, span: Period) -> Iterator[tuple[Code, tuple[Usage, ...]]]:
    """Give what is written down of other counts, for lines that do not show a count at all: nothing is made up of days."""
    for part in _parts(span):
        for option in (
            *_beside(counts, key, part),
            *_whole_months_twice(counts, key, part),
            *_other_period(counts, key, part),
        ):
            if option[1]:
                yield option


def _whole_months_twice(counts: Counts, key: Key, span: Period) -> Iterator[tuple[Code, tuple[Usage, ...]]]:
    days = sorted((on, n) for on, n in counts.by_day.get(key, {}).items() if span.contains(on) and n)
    yield "QTY_DUP", tuple(Usage(*key, on, n) for on, n in days)


def _beside(counts: Counts, key: Key, span: Period) -> Iterator[tuple[Code, tuple[Usage, ...]]]:
    """Give what is known and not billable in the span, by reason and all together, and what came late."""
    live = counts.live_days(key, span)
    if live is None:
        return
    by_reason: dict[str, tuple[Code, list[Usage]]] = {}
    for code, reason, entry in counts.beside.get(key, ()):
        if reason == "late":
            # Late ones are of a closed period and billed in this one.
            by_reason.setdefault(reason, (code, []))[1].append(Usage(*key, live[0], entry.quantity))
        elif span.contains(entry.on):
            on = min(max(entry.on, live[0]), live[1])
            by_reason.setdefault(reason, (code, []))[1].append(Usage(*key, on, entry.quantity))
    for code, entries in by_reason.values():
        yield code, tuple(entries)
    unbillable = [entry for code, entries in by_reason.values() if code == "QTY_NONBILLABLE" for entry in entries]
    if len([1 for code, _ in by_reason.values() if code == "QTY_NONBILLABLE"]) > 1:
        yield "QTY_NONBILLABLE", tuple(unbillable)


def _counted_twice(counts: Counts, key: Key, span: Period) -> Iterator[tuple[Code, tuple[Usage, ...]]]:
    days = sorted(
        (on, quantity) for on, quantity in counts.by_day.get(key, {}).items() if span.contains(on) and quantity
    )
    if not days:
        return
    yield "QTY_DUP", tuple(Usage(*key, on, quantity) for on, quantity in days)
    sizes = Counter(quantity for _, quantity in days)
    for on, quantity in days:
        # Of two days with as many, nothing says which.
        if quantity >= _TELLING_DAY and sizes[quantity] == 1:
            yield "QTY_DUP", (Usage(*key, on, quantity),)
    weeks: dict[tuple[int, int], list[Usage]] = {}
    for on, quantity in days:
        year, week, _ = on.isocalendar()
        weeks.setdefault((year, week), []).append(Usage(*key, on, quantity))
    for entries in weeks.values():
        if sum(entry.quantity for entry in entries) >= _TELLING:
            yield "QTY_DUP", tuple(entries)


def _other_period(counts: Counts, key: Key, span: Period) -> Iterator[tuple[Code, tuple[Usage, ...]]]:
    """Give the neighbouring months' (or quarters') examinations, added to the span's own and in their place."""
    live = counts.live_days(key, span)
    if live is None:
        return
    months = 3 if len(span.months()) == 3 else 1
    start = span.start.replace(day=1)
    own = tuple(Usage(*key, on, -quantity) for on, quantity in counts.by_day.get(key, {}).items() if span.contains(on))
    for shift in (-months, months):
        other = Period(add_months(start, shift), add_months(start, shift + months))
        moved = counts.within(key, other)
        if moved:
            there = (Usage(*key, live[1], moved),)
            yield "QTY_PERIOD", there
            yield "QTY_PERIOD", (*own, *there)


def plain(counts: Counts, key: Key, span: Period, difference: int) -> Iterator[tuple[Usage, ...]]:
    """Give the mere difference, on the last and the first live days, month by month where the span has several."""
    for month in span.months():
        live = counts.live_days(key, month)
        if live is None:
            continue
        days = sorted(
            (on, quantity) for on, quantity in counts.by_day.get(key, {}).items() if month.contains(on) and quantity > 0
        )
        if difference > 0:
            yield (Usage(*key, live[1], difference),)
            yield (Usage(*key, live[0], difference),)
            continue
        for ordered in (list(reversed(days)), days):
            left, entries = -difference, []
            for on, quantity in ordered:
                taken = min(left, quantity)
                if taken:
                    entries.append(Usage(*key, on, -taken))
                left -= taken
            if not left:
                yield tuple(entries)
