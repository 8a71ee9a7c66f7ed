"""The table of hypotheses: under each code, the changed facts that are tried, in the order of the codes.

Counts of examinations (`QTY_…`) are not here: the vendor's count stands on the invoice or in its statement, so it is read
and not guessed (`quantities`); every hypothesis is tried under our own count and under the vendor's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from math import prod

from billing.causes.changes import (
    AllInTier,
    Change,
    CountedFrom,
    IndexFrom,
    LongerRamp,
    NoIndex,
    NoLimit,
    NoRamp,
    NoRampAt,
    OtherBoundary,
    OtherFactor,
    OtherLimit,
    OtherLimitBasis,
    OtherModel,
    OtherPayer,
    OtherPhaseOrder,
    OtherProration,
    OtherRampStart,
    OtherRate,
    OtherScope,
    OtherVersion,
    OtherWindow,
    RampFromDay,
    ShorterRamp,
    Undiscounted,
    ValidationBilled,
    VersionLate,
)
from billing.causes.codes import Code
from billing.causes.facts import Facts
from contracts.terms.period import WINDOW_KINDS, Period
from contracts.terms.price_model import FixedCharge, OneOffCharge, RampUp, Scope, UsageCharge

# Per trust is what a pool is most often taken for.
_SCOPES: tuple[Scope, ...] = ("trust", "activation", "agreement")
_LONGEST_RAMP_ERROR = 6
_NEAR_FACTOR = Decimal("0.1")
_LEAST_FACTOR, _MOST_FACTOR = Decimal("0.75"), Decimal("1.35")


@dataclass(frozen=True, slots=True)
class Hints:
    """Hold what the differing lines of a charge let one read off: numbers that no term of the agreement gives.

    `subjects` are (trust, algorithm) of lines that differ, `rates` discounts by phase, `prices` unit prices by tier, and
    `factors` what would have to stand for an agreed factor for an amount to come out, by the adjustment's day.
    """

    subjects: tuple[tuple[str, str], ...] = ()
    rates: tuple[tuple[int | None, Decimal], ...] = ()
    factors: tuple[tuple[date, Decimal], ...] = ()
    prices: tuple[tuple[int, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """Hold a code and the changed facts that would give it."""

    code: Code
    changes: Callable[[Facts, Hints], Iterator[Change]]


def _validation(facts: Facts, hints: Hints) -> Iterator[Change]:
    inside = {(entry.trust, entry.algorithm) for entry in facts.validation if facts.period.contains(entry.on)}
    if inside:
        yield ValidationBilled()
        for trust, algorithm in sorted(inside):
            yield ValidationBilled(trust, algorithm)


def _mode(facts: Facts, hints: Hints) -> Iterator[Change]:
    yield OtherModel()


def _scope(facts: Facts, hints: Hints) -> Iterator[Change]:
    for scope in _SCOPES:
        yield OtherScope(scope)


def _reset(facts: Facts, hints: Hints) -> Iterator[Change]:
    for window in WINDOW_KINDS:
        yield OtherWindow(window)
    yield CountedFrom(facts.period.start)


def _wrong_tier(facts: Facts, hints: Hints) -> Iterator[Change]:
    yield OtherBoundary()
    charge = facts.charge_on(facts.period.start)
    if isinstance(charge, UsageCharge):
        for number in range(1, len(charge.model.as_tiers()) + 1):
            yield AllInTier(number)


def _months(facts: Facts) -> list[Period]:
    return facts.period.months()


def _ramps(facts: Facts) -> list[RampUp]:
    own = [c.ramp_up for c in facts.charges() if not isinstance(c, OneOffCharge) and c.ramp_up is not None]
    return list(dict.fromkeys(own))


def _no_ramp(facts: Facts, hints: Hints) -> Iterator[Change]:
    if _ramps(facts):
        yield NoRamp()
        for trust, algorithm in hints.subjects:
            yield NoRampAt(trust, algorithm)
        yield Undiscounted()
        for trust, algorithm in hints.subjects:
            yield Undiscounted(trust, algorithm)
        for months in range(1, _LONGEST_RAMP_ERROR + 1):
            yield ShorterRamp(months)


def _long_ramp(facts: Facts, hints: Hints) -> Iterator[Change]:
    if _ramps(facts):
        for months in range(1, _LONGEST_RAMP_ERROR + 1):
            yield LongerRamp(months)
        yield LongerRamp(None)


def _ramp_rate(facts: Facts, hints: Hints) -> Iterator[Change]:
    ramps = _ramps(facts)
    if not ramps:
        return
    yield OtherRampStart()
    yield OtherPhaseOrder()
    known = {phase.discount for ramp in ramps for phase in ramp.phases}
    phases = max(len(ramp.phases) for ramp in ramps)
    for number in range(1, phases + 1):
        for rate in sorted(known):
            yield OtherRate(number, rate)
    for seen, rate in hints.rates:
        if 0 <= rate <= 1:
            yield OtherRate(seen, rate)
    for each in facts.activations:
        if (each.trust, each.algorithm) in hints.subjects and each.validation_from is not None:
            yield RampFromDay(each.trust, each.algorithm, each.validation_from)


def _version(facts: Facts, hints: Hints) -> Iterator[Change]:
    days = sorted(version.valid_from for version in facts.book.versions)
    if len(days) < 2:
        return
    # The version next to the one in force is the likeliest, the older before the newer.
    near = sorted(days, key=lambda day: (abs((day - facts.period.start).days), day))
    for day in near:
        yield OtherVersion(day, "own")
        yield OtherVersion(day, "bare")
    adjusted = [each.effective_from for each in facts.book.index_adjustments]
    for before, day in pairwise(days):
        for month in _months(facts):
            # An adjustment between the two days would be lost or gained with the version: that is another fault.
            between = any(min(day, month.start) < each <= max(day, month.start) for each in adjusted)
            if day < facts.period.end and before < month.start and not between:
                yield VersionLate(day, month.start)


def _early(facts: Facts, hints: Hints) -> Iterator[Change]:
    for adjustment in facts.book.index_adjustments:
        if adjustment.effective_from > facts.period.start:
            for month in _months(facts):
                version = facts.book.version_on(month.start)
                # A version stands at its own level: an adjustment on its first day would be none at all.
                if month.start < adjustment.effective_from and version is not None and version.valid_from < month.start:
                    yield IndexFrom(adjustment.effective_from, month.start)


def _wrong_factor(facts: Facts, hints: Hints) -> Iterator[Change]:
    in_force = [each for each in facts.book.index_adjustments if each.effective_from < facts.period.end]
    factors = [each.factor for each in in_force]
    found: list[tuple[date, Decimal]] = []
    for each in in_force:
        others = [*dict.fromkeys(factor for factor in factors if factor != each.factor)]
        day, agreed = each.effective_from, each.factor
        found.append((day, agreed * agreed))
        found += [(day, factor) for factor in others]
        if agreed:
            found.append((day, (1 / agreed).quantize(Decimal("0.0001"))))
        if len(factors) > 1:
            # The percentages added up where they should be multiplied.
            total = 1 + sum(factor - 1 for factor in factors)
            found.append((day, total / (prod(factors) / agreed)))
        seen = [*_read_off(facts, hints, day), *(factor for on, factor in hints.factors if on == day)]
        # A factor that is only read off is one that somebody may have taken for the agreed one.
        found += [(day, factor) for factor in seen if abs(factor - agreed) <= _NEAR_FACTOR]
    agreed_of = {each.effective_from: each.factor for each in in_force}
    for day, factor in found:
        # No index is another fault, and no index is a third of the price.
        if factor not in (1, agreed_of[day]) and _LEAST_FACTOR <= factor <= _MOST_FACTOR:
            yield OtherFactor(day, factor)


def _read_off(facts: Facts, hints: Hints, day: date) -> Iterator[Decimal]:
    """Read a factor off the prices seen: the roundest one that gives them all."""
    lows, highs = [], []
    charge = facts.charge_on(max(facts.period.start, day))
    tiers = charge.model.as_tiers() if isinstance(charge, UsageCharge) else ()
    version = facts.book.version_on(facts.period.start)
    others = prod(
        each.factor
        for each in facts.book.index_adjustments
        if each.effective_from != day
        and version is not None
        and version.valid_from < each.effective_from <= facts.period.start
    )
    places = charge.conventions.over(facts.book.conventions).price_decimals if charge is not None else 2
    half = Decimal(1).scaleb(-places) / 2
    for tier, price in hints.prices:
        if 1 <= tier <= len(tiers) and tiers[tier - 1].unit_price:
            written = tiers[tier - 1].unit_price * others
            lows.append((price - half) / written)
            highs.append((price + half) / written)
    spans = [(max(lows), min(highs))] if lows else []
    for low, high in spans:
        for decimals in (2, 3, 4):
            step = Decimal(1).scaleb(-decimals)
            first = (low / step).to_integral_value("ROUND_CEILING")
            last = (high / step).to_integral_value("ROUND_FLOOR")
            if first <= last:
                for number in range(int(first), min(int(last), int(first) + 4) + 1):
                    yield number * step
                if decimals > 2:
                    break


def _no_index(facts: Facts, hints: Hints) -> Iterator[Change]:
    in_force = [each for each in facts.book.index_adjustments if each.effective_from < facts.period.end]
    for each in in_force:
        yield NoIndex(each.effective_from)
    if len(in_force) > 1:
        yield NoIndex(None)
    for each in in_force:
        for month in _months(facts):
            if each.effective_from < month.start:
                yield IndexFrom(each.effective_from, month.start)


def _fee(facts: Facts, hints: Hints) -> Iterator[Change]:
    if any(isinstance(charge, FixedCharge) for charge in facts.charges()):
        yield OtherProration()
        for per in _SCOPES:
            yield OtherPayer(per)


def _limits(facts: Facts, hints: Hints) -> Iterator[Change]:
    own = [charge for charge in facts.charges() if isinstance(charge, UsageCharge)]
    if all(charge.minimum is None and charge.maximum is None for charge in own):
        return
    yield NoLimit("minimum")
    yield NoLimit("maximum")
    yield OtherLimitBasis()
    for per in _SCOPES:
        yield OtherLimit("minimum", per=per)
        yield OtherLimit("maximum", per=per)
    for window in WINDOW_KINDS:
        yield OtherLimit("minimum", window=window)
        yield OtherLimit("maximum", window=window)
    yield OtherLimit("minimum", other_index=True)
    yield OtherLimit("maximum", other_index=True)


HYPOTHESES: tuple[Hypothesis, ...] = (
    Hypothesis("QTY_NONBILLABLE", _validation),
    Hypothesis("TIER_MODE", _mode),
    Hypothesis("TIER_SCOPE", _scope),
    Hypothesis("TIER_RESET", _reset),
    Hypothesis("RAMP_MISSING", _no_ramp),
    Hypothesis("RAMP_EXPIRED", _long_ramp),
    Hypothesis("RAMP_RATE", _ramp_rate),
    Hypothesis("PRICE_VERSION", _version),
    Hypothesis("INDEX_EARLY", _early),
    Hypothesis("INDEX_WRONG", _wrong_factor),
    Hypothesis("INDEX_MISSING", _no_index),
    Hypothesis("FIXED_FEE", _fee),
    Hypothesis("MINIMUM_WRONG", _limits),
    # Last, for it takes in what the others explain better.
    Hypothesis("TIER_WRONG", _wrong_tier),
)


def candidates(facts: Facts, hints: Hints) -> list[tuple[Code, Change]]:
    """List every changed fact that is tried for a charge, each once, in the order of the table."""
    found: dict[Change, Code] = {}
    for hypothesis in HYPOTHESES:
        for change in hypothesis.changes(facts, hints):
            found.setdefault(change, hypothesis.code)
    return [(code, change) for change, code in found.items()]
