"""The state of one group of a charge while it is rated, pricing period by pricing period."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Generic, TypeVar

from billing.rating.lines import Line, Why
from contracts.terms.period import Period
from contracts.terms.price_book import Activation
from contracts.terms.price_model import Scope

# (trust, algorithm); both None is the agreement, the algorithm alone None is the trust.
Key = tuple[str | None, str | None]
# (trust, algorithm, phase, discount in ten-thousandths, units)
Slice = tuple[str, str, int | None, int, int]
# (trust, algorithm, phase, discount, number of the activation, first segment, further segments)
Source = tuple[str, str, int | None, int, int, int, tuple[int, ...]]
# The sources of one pricing period, by counter.
Sources = tuple[tuple[Key, tuple[Source, ...]], ...]

# What a charge says in a pricing period, compiled; `charge_terms` says it, and knows this module.
Terms = TypeVar("Terms")

AGREEMENT: Key = (None, None)
_AFTER_EVERY_PHASE = 10**9
_WIDTH: dict[Scope, int] = {"activation": 0, "trust": 1, "agreement": 2}


def key_of(scope: Scope, trust: str, algorithm: str) -> Key:
    """Return the key under which an activation counts in a scope."""
    if scope == "activation":
        return (trust, algorithm)
    return (trust, None) if scope == "trust" else AGREEMENT


def widest(scopes: list[Scope]) -> Scope:
    """Return the scope that holds all the others."""
    return max(scopes, key=_WIDTH.__getitem__)


def sort_key(key: Key) -> tuple[str, str]:
    """Order keys with the agreement first and a trust before its activations."""
    return (key[0] or "", key[1] or "")


def tie_order(taken: Slice | Source) -> tuple[str, str, int]:
    """Order slices as ties are settled: trust, algorithm, phase, ordinary units last (pricing.md §4.4)."""
    return taken[0], taken[1], _AFTER_EVERY_PHASE if taken[2] is None else taken[2]


@dataclass(frozen=True, slots=True)
class PricedSlice:
    """Remember a slice of a volume counter at the prices of its own version and index level."""

    trust: str
    algorithm: str
    phase: int | None
    discount_rate: int
    units: int
    prices: tuple[int, ...]
    period: Period


@dataclass(slots=True)
class Counter:
    """Count one key's units in one window."""

    window: Period
    position: int = 0
    opened: set[int] = field(default_factory=set)  # graduated: tiers that have had a unit
    tier: int | None = None  # volume: the tier everything so far is priced at
    priced: list[PricedSlice] = field(default_factory=list)  # volume: what a change of tier reprices


@dataclass(frozen=True, slots=True)
class Member:
    """Hold the activations of one trust and algorithm, by go-live."""

    trust: str
    algorithm: str
    activations: tuple[Activation, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """Hold an amount of øre still to be shared over the slices of its counter (pricing.md §4.7)."""

    amount: int
    slices: list[Slice]
    why: Why
    discounted: bool


@dataclass(slots=True)
class LimitSums:
    """Sum a key's lines in a limit's window, net and gross, without and with the lines of the maximum."""

    own_net: int = 0
    own_gross: int = 0
    all_net: int = 0
    all_gross: int = 0


Windows = dict[str, list[tuple[Period, bool]]]


@dataclass(slots=True)
class RunOf(Generic[Terms]):
    """Hold what rating one group has come to: the part of a charge whose keys touch no other part's.

    `units` are those of every segment of every timeline; `index` is the number of the pricing period being rated.
    """

    code: str
    term: Period
    terms_by_period: list[Terms | None]
    periods: list[Period]
    windows: Windows
    members: tuple[Member, ...]
    sources: list[Sources]
    units: list[int]
    counts_units: bool
    limit_windows: tuple[tuple[Scope, str], ...]
    index: int = 0
    period: Period = field(init=False)
    lines: list[Line] = field(default_factory=list)
    counters: dict[Key, Counter] = field(default_factory=dict)
    sliced: list[tuple[Counter, list[Slice], int]] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)
    units_since_go_live: dict[tuple[str, str, int], int] = field(default_factory=dict)
    paid: set[tuple[Key, Period | None]] = field(default_factory=set)
    limit_sums: dict[tuple[Scope, str, Key], LimitSums] = field(default_factory=dict)
    limit_seen: dict[tuple[Scope, str], Period] = field(default_factory=dict)

    def counter(self, key: Key, window: Period) -> Counter:
        """Return a key's counter in a window, a new one at 0 where the window has just begun."""
        counter = self.counters.get(key)
        if counter is None or counter.window is not window:
            counter = self.counters[key] = Counter(window)
        return counter

    def live_keys(self, scope: Scope, covered: frozenset[str] | None, window: Period) -> list[Key]:
        """Return the keys that are live in a window, sorted (pricing.md §3.9); the agreement always is."""
        if scope == "agreement":
            return [AGREEMENT]
        keys = {
            key_of(scope, member.trust, member.algorithm)
            for member in self.members
            if covered is None or member.algorithm in covered
            for activation in member.activations
            if activation.go_live < window.end and (activation.end is None or activation.end > window.start)
        }
        return sorted(keys, key=sort_key)


def live_days(activations: list[Activation], start: date, end: date) -> int:
    """Count the days from `start` up to `end` on which at least one of the activations is live."""
    days = 0
    reached = start
    for activation in sorted(activations, key=lambda activation: activation.go_live):
        first = max(activation.go_live, reached)
        last = end if activation.end is None else min(activation.end, end)
        if first < last:
            days += (last - first).days
            reached = last
    return days
