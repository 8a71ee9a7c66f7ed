"""Why the next year costs something else than the last: one amount per driver, in a fixed order, which sum exactly.

Each driver is the step from one hypothetical year to the next, everything before it already moved and everything after it not
yet, so the order is part of the answer. Per trust and algorithm, at the index level of the last year's start:

1. *volume*: the last year's average net price, for the next year's examinations;
2. *activations*: what begins after the last year, and what ended in or before it;
3. *ramp ends*: the last year's list price for the next year's examinations, at the next year's share of discount;
4. *tiers*: what is left at that index level: tiers reached, flat fees, packages, minima, maxima, fixed amounts, a new version;
5. *index*: what adjustments since the last year's start do in the next year more than in the last;
6. *corrections*: credits and charges for earlier periods.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, get_args

from billing.rating.lines import Line
from contracts.terms import money

Driver = Literal["volume", "activations", "ramp_ends", "tiers", "index", "corrections"]
DRIVERS: tuple[Driver, ...] = get_args(Driver)

Activated = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Year:
    """Hold a year: its lines, the same without the index adjustments since the last year's start, and its examinations.

    `units` are the billable examinations of each trust and algorithm; `corrections_ore` is what corrects earlier periods.
    """

    lines: tuple[Line, ...]
    unindexed: tuple[Line, ...]
    units: Mapping[Activated, int] = field(default_factory=dict)
    corrections_ore: int = 0

    @property
    def total_ore(self) -> int:
        """Return the year's cost with its corrections."""
        return sum(line.net_ore for line in self.lines) + self.corrections_ore


@dataclass(frozen=True, slots=True)
class Drivers:
    """Hold the last year's cost, each driver's amount in the fixed order, and the next year's cost, in øre."""

    last_ore: int
    amounts_ore: dict[Driver, int]
    next_ore: int

    def amounts(self) -> dict[Driver, Decimal]:
        """Return each driver's amount in kroner."""
        return {driver: money.kroner(amount) for driver, amount in self.amounts_ore.items()}


def drivers(last: Year, coming: Year) -> Drivers:
    """Explain the step from the last year's cost to the next year's; the amounts sum to it to the øre."""
    amounts: dict[Driver, int] = dict.fromkeys(DRIVERS, 0)
    before, after = _sums(last.unindexed), _sums(coming.unindexed)
    for key in sorted({*before, *after}, key=lambda key: (key[0] or "", key[1] or "")):
        was, will = before.get(key, _NOTHING), after.get(key, _NOTHING)
        for driver, amount in _steps(key, was, will, last.units, coming.units):
            amounts[driver] += amount
    amounts["index"] = _net(coming.lines) - _net(coming.unindexed) - _net(last.lines) + _net(last.unindexed)
    amounts["corrections"] = coming.corrections_ore - last.corrections_ore
    assert last.total_ore + sum(amounts.values()) == coming.total_ore
    return Drivers(last.total_ore, amounts, coming.total_ore)


@dataclass(slots=True)
class _Sum:
    by_units_net: int = 0
    by_units_gross: int = 0
    other_net: int = 0
    other_gross: int = 0


_NOTHING = _Sum()


def _sums(lines: Iterable[Line]) -> dict[tuple[str | None, str | None], _Sum]:
    sums: dict[tuple[str | None, str | None], _Sum] = defaultdict(_Sum)
    for line in lines:
        own = sums[line.trust, line.algorithm]
        if line.kind == "usage" and line.algorithm is not None and line.why not in ("minimum", "maximum", "zero_usage"):
            own.by_units_net += line.net_ore
            own.by_units_gross += line.gross_ore
        else:
            own.other_net += line.net_ore
            own.other_gross += line.gross_ore
    return dict(sums)


def _steps(
    key: tuple[str | None, str | None],
    was: _Sum,
    will: _Sum,
    units_before: Mapping[Activated, int],
    units_after: Mapping[Activated, int],
) -> Iterable[tuple[Driver, int]]:
    trust, algorithm = key
    if trust is None or algorithm is None:
        yield "tiers", will.by_units_net + will.other_net - was.by_units_net - was.other_net
        return
    before, after = units_before.get((trust, algorithm), 0), units_after.get((trust, algorithm), 0)
    if not before or not after:
        # Begun after the last year, or ended in it: there is no price to compare.
        yield "activations", will.by_units_net + will.other_net - was.by_units_net - was.other_net
        return
    at_volume = _part(was.by_units_net, after, before)
    yield "volume", at_volume - was.by_units_net
    at_list = _part(was.by_units_gross, after, before)
    at_discount = _part(at_list, will.by_units_net, will.by_units_gross) if will.by_units_gross else at_volume
    yield "ramp_ends", at_discount - at_volume
    yield "tiers", will.by_units_net - at_discount
    fixed = _part(was.other_gross, will.other_net, will.other_gross) if will.other_gross else was.other_net
    yield "ramp_ends", fixed - was.other_net
    yield "tiers", will.other_net - fixed


def _part(amount: int, numerator: int, denominator: int) -> int:
    sign = 1 if denominator > 0 else -1
    return money.round_half_up(amount * numerator * sign, abs(denominator))


def _net(lines: Iterable[Line]) -> int:
    return sum(line.net_ore for line in lines)
