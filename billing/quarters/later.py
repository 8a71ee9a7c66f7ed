"""What came after a quarter was closed: each class of later facts with its effect in kroner, line by line.

The frozen lines never move. What is known now is rated beside them, one class of facts after the other: late usage first,
then corrections, then prices, then activations and the term. The steps' effects sum to the difference between the charges
as they would be now and the frozen ones, exactly, for each line and in all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from billing.quarters.frozen import FrozenQuarter, in_order
from billing.rating.lines import Line
from billing.rating.rate import rate
from billing.rating.request import PriceRequest
from contracts.terms.money import kroner
from contracts.terms.period import Period
from contracts.terms.price_book import Activation, AgreementTerm, Usage

Cause = Literal["late_usage", "correction", "price", "activation"]
CAUSES: tuple[Cause, ...] = ("late_usage", "correction", "price", "activation")
Cell = tuple[str, str, date]


@dataclass(frozen=True, slots=True)
class LineEffect:
    """What one class of later facts does to one line; ``line`` is it as it is after them, or was before it fell away."""

    cause: Cause
    line: Line
    before_ore: int
    after_ore: int

    @property
    def amount(self) -> Decimal:
        """Give the effect in kroner: positive is more to pay than was frozen."""
        return kroner(self.after_ore - self.before_ore)


@dataclass(frozen=True, slots=True)
class LaterUsage:
    """Examinations of one trust, algorithm and month that were not known when the quarter was closed."""

    cause: Cause
    trust: str
    algorithm: str
    month: Period
    quantity: int


@dataclass(frozen=True, slots=True)
class LaterSum:
    """The effect of one class of later facts on the lines of one trust and algorithm."""

    cause: Cause
    trust: str | None
    algorithm: str | None
    amount: Decimal
    lines: int


@dataclass(frozen=True, slots=True)
class Later:
    """Everything that came after the close of one quarter, as far as the reader may see it."""

    usage: tuple[LaterUsage, ...]
    effects: tuple[LineEffect, ...]
    frozen: Decimal
    now: Decimal

    @property
    def amount(self) -> Decimal:
        """Give the difference between the charges as they would be now and the frozen ones."""
        return self.now - self.frozen

    @property
    def anything(self) -> bool:
        """Tell whether anything came later."""
        return bool(self.usage or self.effects)

    @property
    def sums(self) -> tuple[LaterSum, ...]:
        """Give the effects per class, trust and algorithm, in that order."""
        grouped: dict[tuple[int, str, str], list[LineEffect]] = defaultdict(list)
        for each in self.effects:
            grouped[CAUSES.index(each.cause), each.line.trust or "", each.line.algorithm or ""].append(each)
        return tuple(
            LaterSum(
                CAUSES[cause],
                trust or None,
                algorithm or None,
                kroner(sum(each.after_ore - each.before_ore for each in effects)),
                len(effects),
            )
            for (cause, trust, algorithm), effects in sorted(grouped.items())
        )

    def of(self, cause: Cause) -> Decimal:
        """Give the effect of one class in kroner."""
        return kroner(sum(each.after_ore - each.before_ore for each in self.effects if each.cause == cause))

    def within(self, trust: str) -> Later:
        """Keep what concerns one trust."""
        effects = tuple(each for each in self.effects if each.line.trust == trust)
        moved = kroner(sum(each.after_ore - each.before_ore for each in effects))
        return Later(
            tuple(each for each in self.usage if each.trust == trust), effects, self.frozen, self.frozen + moved
        )


def later_than(
    frozen: FrozenQuarter, now: PriceRequest, known: Iterable[Usage], corrected: Mapping[Cell, int]
) -> Later:
    """Compare a frozen quarter with what is known now.

    ``now`` is the request as it would be frozen today, ``known`` all usage known today (also of days without an activation),
    ``corrected`` what corrections recorded since the close add to each cell.
    """
    quarter = frozen.request
    before = _cells(quarter.usage)
    after = _cells(covered(known, quarter.activations, quarter.agreement, quarter.period.end))
    by_correction = {cell: change for cell, change in corrected.items() if cell in after or cell in before}
    late, moved = _split(before, after, by_correction)
    steps: list[tuple[Cause, PriceRequest]] = [
        ("late_usage", replace(quarter, usage=_usage(before, late))),
        ("correction", replace(quarter, usage=_usage(after))),
        ("price", _under_other_prices(quarter, now, _usage(after))),
        ("activation", in_order(now)),
    ]
    effects: list[LineEffect] = []
    lines, request = frozen.lines, quarter
    for cause, step in steps:
        if step != request:
            following = rate(step).lines
            effects += _effects(cause, lines, following)
            lines, request = following, step
    usage = (*_later_usage("late_usage", late), *_later_usage("correction", moved))
    return Later(usage, tuple(effects), frozen.total, kroner(sum(line.net_ore for line in lines)))


def covered(usage: Iterable[Usage], activations: Iterable[Activation], term: AgreementTerm, until: date) -> list[Usage]:
    """Keep the usage before ``until`` that lies in the term and on a day on which an activation runs."""
    running: dict[tuple[str, str], list[tuple[date, date]]] = defaultdict(list)
    for each in activations:
        running[each.trust, each.algorithm].append((each.begins, each.end or date.max))
    return [
        each
        for each in usage
        if term.start <= each.on < min(until, term.end)
        and any(first <= each.on < end for first, end in running[each.trust, each.algorithm])
    ]


def _split(
    before: Mapping[Cell, int], after: Mapping[Cell, int], corrected: Mapping[Cell, int]
) -> tuple[dict[Cell, int], dict[Cell, int]]:
    """Split what changed in each cell into late usage and corrections.

    A cell that late usage alone would bring below zero (an import taken back after it was corrected) counts as corrected
    whole: no day ever had less than nothing.
    """
    late: dict[Cell, int] = {}
    moved: dict[Cell, int] = {}
    for cell in before.keys() | after.keys():
        change = after.get(cell, 0) - before.get(cell, 0)
        by_correction = corrected.get(cell, 0)
        if before.get(cell, 0) + change - by_correction < 0:
            by_correction = change
        if change - by_correction:
            late[cell] = change - by_correction
        if by_correction:
            moved[cell] = by_correction
    return late, moved


def _under_other_prices(quarter: PriceRequest, now: PriceRequest, usage: tuple[Usage, ...]) -> PriceRequest:
    """Give the quarter under the prices known now; where the term itself moved, that is left to the last step."""
    if quarter.agreement != now.agreement:
        return replace(quarter, usage=usage)
    return in_order(replace(quarter, price_book=now.price_book, usage=usage))


def _effects(cause: Cause, before: tuple[Line, ...], after: tuple[Line, ...]) -> list[LineEffect]:
    old, new = {line.id: line for line in before}, {line.id: line for line in after}
    return [
        LineEffect(cause, new.get(id_) or old[id_], _net(old.get(id_)), _net(new.get(id_)))
        for id_ in dict.fromkeys((*old, *new))
        if _net(old.get(id_)) != _net(new.get(id_))
    ]


def _net(line: Line | None) -> int:
    return 0 if line is None else line.net_ore


def _later_usage(cause: Cause, cells: Mapping[Cell, int]) -> list[LaterUsage]:
    months: dict[tuple[date, str, str], int] = defaultdict(int)
    for (trust, algorithm, on), quantity in cells.items():
        months[Period.month(on).start, trust, algorithm] += quantity
    return [
        LaterUsage(cause, trust, algorithm, Period.month(first), quantity)
        for (first, trust, algorithm), quantity in sorted(months.items())
    ]


def _cells(usage: Iterable[Usage]) -> dict[Cell, int]:
    cells: dict[Cell, int] = defaultdict(int)
    for each in usage:
        cells[each.trust, each.algorithm, each.on] += each.quantity
    return {cell: quantity for cell, quantity in cells.items() if quantity}


def _usage(cells: Mapping[Cell, int], more: Mapping[Cell, int] | None = None) -> tuple[Usage, ...]:
    whole = dict(cells)
    for cell, quantity in (more or {}).items():
        whole[cell] = whole.get(cell, 0) + quantity
    return tuple(
        Usage(trust, algorithm, on, quantity)
        for (trust, algorithm, on), quantity in sorted(
            whole.items(), key=lambda entry: (entry[0][2], entry[0][0], entry[0][1])
        )
        if quantity
    )
