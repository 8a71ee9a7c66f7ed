"""The facts a vendor may have read otherwise, each a small closed type that changes a charge's facts.

`apply` gives the facts with that one changed, or None where the charge has no such fact. Nothing here says how likely a
change is; the table in `hypotheses` says under which code it is tried and in which order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from billing.causes.facts import Facts
from billing.rating.lines import Line
from contracts.terms.money import RATE_DECIMALS
from contracts.terms.period import WindowKind
from contracts.terms.price_book import Activation, PriceBookVersion, Usage
from contracts.terms.price_model import (
    Charge,
    FixedCharge,
    OneOffCharge,
    Overrides,
    RampPhase,
    RampUp,
    Scope,
    UsageCharge,
)
from contracts.terms.price_models import misread

# Longer ago than any ramp lasts.
_LONG_AGO_YEARS = 60
_FOREVER_MONTHS = 1200


def _each_charge(facts: Facts, change: Callable[[Charge], Charge | None]) -> Facts | None:
    """Change a charge in all its versions; None where no version has the fact."""
    versions: list[PriceBookVersion] = []
    touched = False
    for version in facts.book.versions:
        charges = []
        for charge in version.charges:
            changed = change(charge)
            touched = touched or changed is not None
            charges.append(charge if changed is None else changed)
        versions.append(replace(version, charges=tuple(charges)))
    return facts.versions(versions) if touched else None


@dataclass(frozen=True, slots=True)
class Counted:
    """Count other examinations: signed entries over our own count."""

    entries: tuple[Usage, ...]

    def apply(self, facts: Facts) -> Facts | None:
        """Add the entries, and none that the charge does not cover or that nobody was live for."""
        own = tuple(
            entry
            for entry in self.entries
            if any(
                (each.trust, each.algorithm) == (entry.trust, entry.algorithm)
                and each.go_live <= entry.on
                and (each.end is None or entry.on < each.end)
                for each in facts.activations
            )
        )
        return replace(facts, usage=(*facts.usage, *own)) if own else None


@dataclass(frozen=True, slots=True)
class ValidationBilled:
    """Take validation runs for operation: `go_live` and the ramp begin with them, of one activation or of all."""

    trust: str | None = None
    algorithm: str | None = None

    def apply(self, facts: Facts) -> Facts | None:
        """Let the activations go live where their validation began."""
        changed = tuple(
            replace(each, go_live=each.validation_from, validation_from=None)
            if each.validation_from is not None and self._is(each)
            else each
            for each in facts.activations
        )
        own = tuple(
            entry
            for entry in facts.validation
            if self.trust is None or (entry.trust, entry.algorithm) == (self.trust, self.algorithm)
        )
        if changed == facts.activations or not own:
            return None
        return replace(facts, activations=changed, usage=(*facts.usage, *own))

    def _is(self, activation: Activation) -> bool:
        return self.trust is None or (activation.trust, activation.algorithm) == (self.trust, self.algorithm)


@dataclass(frozen=True, slots=True)
class OtherModel:
    """Take the price model for the one it is most easily taken for: all units for graduated, or the reverse."""

    def apply(self, facts: Facts) -> Facts | None:
        """Put the other model in its place."""

        def change(charge: Charge) -> Charge | None:
            if not isinstance(charge, UsageCharge) or len(charge.model.as_tiers()) < 2:
                return None
            other = misread(charge.model)
            return None if other is None else replace(charge, model=other)

        return _each_charge(facts, change)


@dataclass(frozen=True, slots=True)
class OtherScope:
    """Count over another scope than agreed."""

    scope: Scope

    def apply(self, facts: Facts) -> Facts | None:
        """Count per activation, per trust or pooled."""

        def change(charge: Charge) -> Charge | None:
            if not isinstance(charge, UsageCharge) or charge.counter.scope == self.scope:
                return None
            return replace(charge, counter=replace(charge.counter, scope=self.scope))

        return _each_charge(facts, change)


@dataclass(frozen=True, slots=True)
class OtherWindow:
    """Start counting over at other times than agreed."""

    window: WindowKind

    def apply(self, facts: Facts) -> Facts | None:
        """Count in another window."""

        def change(charge: Charge) -> Charge | None:
            if not isinstance(charge, UsageCharge) or charge.counter.window == self.window:
                return None
            return replace(charge, counter=replace(charge.counter, window=self.window))

        return _each_charge(facts, change)


@dataclass(frozen=True, slots=True)
class CountedFrom:
    """Start counting on a day: what was used before it never moved the counter."""

    day: date

    def apply(self, facts: Facts) -> Facts | None:
        """Leave out the usage before the day."""
        kept = tuple(entry for entry in facts.usage if entry.on >= self.day)
        return None if len(kept) == len(facts.usage) else replace(facts, usage=kept)


@dataclass(frozen=True, slots=True)
class OtherBoundary:
    """Put the unit on a tier's bound into the other tier."""

    def apply(self, facts: Facts) -> Facts | None:
        """Swap inclusive and exclusive."""
        book = facts.book.conventions

        def change(charge: Charge) -> Charge | None:
            if not isinstance(charge, UsageCharge) or not charge.model.ASKS_BOUNDARY:
                return None
            other: Literal["inclusive", "exclusive"] = (
                "exclusive" if charge.conventions.over(book).boundary == "inclusive" else "inclusive"
            )
            return replace(charge, conventions=replace(charge.conventions, boundary=other))

        return _each_charge(facts, change)


@dataclass(frozen=True, slots=True)
class AllInTier:
    """Price every unit at one tier's price."""

    tier: int

    def apply(self, facts: Facts) -> Facts | None:
        """Give every tier the price of the one."""

        def change(charge: Charge) -> Charge | None:
            if not isinstance(charge, UsageCharge):
                return None
            other = charge.model.all_in_tier(self.tier)
            return None if other is None else replace(charge, model=other)

        return _each_charge(facts, change)


# --- Ramps ----------------------------------------------------------------------------------------------------------


def _each_ramp(facts: Facts, change: Callable[[RampUp], RampUp | None]) -> Facts | None:
    def charge_with(charge: Charge) -> Charge | None:
        if isinstance(charge, OneOffCharge) or charge.ramp_up is None:
            return None
        changed = change(charge.ramp_up)
        return None if changed is None or changed == charge.ramp_up else replace(charge, ramp_up=changed)

    return _each_charge(facts, charge_with)


@dataclass(frozen=True, slots=True)
class NoRamp:
    """Leave the ramp out."""

    def apply(self, facts: Facts) -> Facts | None:
        """Take the ramp from the charge."""

        def change(charge: Charge) -> Charge | None:
            if isinstance(charge, OneOffCharge) or charge.ramp_up is None:
                return None
            return replace(charge, ramp_up=None)

        return _each_charge(facts, change)


@dataclass(frozen=True, slots=True)
class NoRampAt:
    """Leave the ramp out for one activation, as if it had gone live long ago."""

    trust: str
    algorithm: str

    def apply(self, facts: Facts) -> Facts | None:
        """Move the activation's go-lives back, each to the end of the one before it."""
        if not any(isinstance(charge, UsageCharge) and charge.ramp_up is not None for charge in facts.charges()):
            return None
        changed = []
        before: date | None = None
        for each in sorted(facts.activations, key=lambda activation: activation.go_live):
            if (each.trust, each.algorithm) != (self.trust, self.algorithm):
                changed.append(each)
                continue
            back = before or each.go_live.replace(year=each.go_live.year - _LONG_AGO_YEARS, day=1)
            changed.append(replace(each, go_live=min(back, each.go_live), validation_from=None))
            before = each.end
        return replace(facts, activations=tuple(changed))


@dataclass(frozen=True, slots=True)
class Undiscounted:
    """Bill the lines as they are and leave their discounts out, of one activation or of all: the tiers stay as they were."""

    trust: str | None = None
    algorithm: str | None = None

    def apply(self, facts: Facts) -> Facts | None:
        """Return the facts as they are where there is a ramp: what changes are the lines."""
        has_ramp = any(not isinstance(each, OneOffCharge) and each.ramp_up is not None for each in facts.charges())
        return facts if has_ramp else None

    def bill(self, lines: tuple[Line, ...]) -> tuple[Line, ...]:
        """Take the discounts off lines that were rated."""
        return tuple(
            replace(line, discount_rate_e4=0, discount_ore=0)
            if line.discount_ore
            and (self.trust is None or (line.trust, line.algorithm) == (self.trust, self.algorithm))
            else line
            for line in lines
        )


@dataclass(frozen=True, slots=True)
class RampFromDay:
    """Let one activation's ramp begin on another day: its go-live moves there, its usage stays."""

    trust: str
    algorithm: str
    day: date

    def apply(self, facts: Facts) -> Facts | None:
        """Move the go-live back; a later one would take usage away."""
        changed = tuple(
            replace(each, go_live=self.day, validation_from=None)
            if (each.trust, each.algorithm) == (self.trust, self.algorithm) and self.day < each.go_live
            else each
            for each in facts.activations
        )
        return None if changed == facts.activations else replace(facts, activations=changed)


@dataclass(frozen=True, slots=True)
class LongerRamp:
    """Let the last phase last longer; None is for good."""

    months: int | None

    def apply(self, facts: Facts) -> Facts | None:
        """Add months to the last phase of a ramp in months."""

        def change(ramp: RampUp) -> RampUp | None:
            last = ramp.phases[-1]
            if last.months is None:
                return None
            longer = _FOREVER_MONTHS if self.months is None else last.months + self.months
            return replace(ramp, phases=(*ramp.phases[:-1], replace(last, months=longer)))

        return _each_ramp(facts, change)


@dataclass(frozen=True, slots=True)
class ShorterRamp:
    """Take months off the end of the ramp."""

    months: int

    def apply(self, facts: Facts) -> Facts | None:
        """Take months off, whole phases where they are used up."""

        def change(ramp: RampUp) -> RampUp | None:
            if ramp.by_units:
                return None
            phases = list(ramp.phases)
            left = self.months
            while left and phases:
                last = phases.pop()
                own = last.months or 0
                if own > left:
                    phases.append(replace(last, months=own - left))
                    left = 0
                else:
                    left -= own
            # A ramp without phases is one that gives nothing.
            return replace(ramp, phases=tuple(phases) or (RampPhase(Decimal(0), months=1),))

        return _each_ramp(facts, change)


@dataclass(frozen=True, slots=True)
class OtherRate:
    """Give another discount in a phase; in all of them where `phase` is None."""

    phase: int | None
    rate: Decimal

    def apply(self, facts: Facts) -> Facts | None:
        """Change the discount."""
        rate = self.rate.quantize(Decimal(1).scaleb(-RATE_DECIMALS))

        def change(ramp: RampUp) -> RampUp | None:
            if self.phase is not None and self.phase > len(ramp.phases):
                return None
            phases = tuple(
                replace(each, discount=rate) if self.phase in (None, number) else each
                for number, each in enumerate(ramp.phases, start=1)
            )
            return replace(ramp, phases=phases)

        return _each_ramp(facts, change)


@dataclass(frozen=True, slots=True)
class OtherPhaseOrder:
    """Give the discounts of the phases the other way round."""

    def apply(self, facts: Facts) -> Facts | None:
        """Turn the discounts round, the lengths stay."""

        def change(ramp: RampUp) -> RampUp | None:
            turned = [phase.discount for phase in reversed(ramp.phases)]
            return replace(
                ramp,
                phases=tuple(replace(phase, discount=rate) for phase, rate in zip(ramp.phases, turned, strict=True)),
            )

        return _each_ramp(facts, change)


@dataclass(frozen=True, slots=True)
class OtherRampStart:
    """Start ramps the other way: at go-live for the first of the next month, or the reverse."""

    def apply(self, facts: Facts) -> Facts | None:
        """Swap go_live and next_month."""

        def change(ramp: RampUp) -> RampUp | None:
            if ramp.by_units:
                return None
            return replace(ramp, starts="next_month" if ramp.starts == "go_live" else "go_live")

        return _each_ramp(facts, change)


# --- Versions and indexes -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OtherVersion:
    """Use the version of another day in the whole period.

    `level` says what becomes of its index: `own` keeps the level of its own day (a version stands at its own level and takes
    the adjustments since), `bare` its prices as written, where the version in force has its place.
    """

    valid_from: date
    level: Literal["own", "bare"]

    def apply(self, facts: Facts) -> Facts | None:
        """Let the version be the one in force from the period's start on."""
        own = next((each for each in facts.book.versions if each.valid_from == self.valid_from), None)
        if own is None or not own.charges:
            return None
        start, end = facts.period.start, facts.period.end
        in_force = facts.book.version_on(start)
        versions = []
        for version in sorted(facts.book.versions, key=lambda each: each.valid_from):
            # Versions that begin inside the period give way, and so does the one in force when it begins.
            if start < version.valid_from < end or version is own:
                continue
            if version is in_force and self.level == "own":
                if version.valid_from < self.valid_from:
                    versions.append(version)
                continue
            versions.append(replace(version, charges=own.charges) if version is in_force else version)
        if self.level == "own":
            if self.valid_from > start:
                versions.append(replace(own, valid_from=start))
            else:
                versions = [each for each in versions if each.valid_from <= self.valid_from or each.valid_from >= end]
                versions.append(own)
        changed = tuple(sorted(versions, key=lambda each: each.valid_from))
        return (
            None
            if changed == tuple(sorted(facts.book.versions, key=lambda e: e.valid_from))
            else facts.versions(changed)
        )


@dataclass(frozen=True, slots=True)
class VersionLate:
    """Take a version into use on a later day than agreed, or an earlier one."""

    valid_from: date
    used_from: date

    def apply(self, facts: Facts) -> Facts | None:
        """Move the day a version is valid from."""
        if not any(version.valid_from == self.valid_from for version in facts.book.versions):
            return None
        if any(version.valid_from == self.used_from for version in facts.book.versions):
            return None
        return facts.versions(
            replace(version, valid_from=self.used_from) if version.valid_from == self.valid_from else version
            for version in facts.book.versions
        )


@dataclass(frozen=True, slots=True)
class IndexFrom:
    """Apply an adjustment from another day than agreed."""

    effective_from: date
    used_from: date

    def apply(self, facts: Facts) -> Facts | None:
        """Move the day an adjustment takes effect."""
        adjustments = facts.book.index_adjustments
        changed = tuple(
            replace(each, effective_from=self.used_from) if each.effective_from == self.effective_from else each
            for each in adjustments
        )
        if changed == adjustments:
            return None
        return replace(facts, book=replace(facts.book, index_adjustments=changed))


@dataclass(frozen=True, slots=True)
class OtherFactor:
    """Apply another factor than agreed."""

    effective_from: date
    factor: Decimal

    def apply(self, facts: Facts) -> Facts | None:
        """Change the factor of an adjustment."""
        adjustments = facts.book.index_adjustments
        changed = tuple(
            replace(each, factor=self.factor) if each.effective_from == self.effective_from else each
            for each in adjustments
        )
        if changed == adjustments:
            return None
        return replace(facts, book=replace(facts.book, index_adjustments=changed))


@dataclass(frozen=True, slots=True)
class NoIndex:
    """Leave an adjustment out; None leaves all of them out."""

    effective_from: date | None

    def apply(self, facts: Facts) -> Facts | None:
        """Take an adjustment away."""
        adjustments = facts.book.index_adjustments
        changed = tuple(
            each
            for each in adjustments
            if self.effective_from is not None and each.effective_from != self.effective_from
        )
        if changed == adjustments:
            return None
        return replace(facts, book=replace(facts.book, index_adjustments=changed))


# --- Fees, minima and maxima ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OtherProration:
    """Bill a started interval whole for by its days, or the reverse."""

    def apply(self, facts: Facts) -> Facts | None:
        """Swap none and days."""

        def change(charge: Charge) -> Charge | None:
            if not isinstance(charge, FixedCharge):
                return None
            return replace(charge, proration="days" if charge.proration == "none" else "none")

        return _each_charge(facts, change)


@dataclass(frozen=True, slots=True)
class OtherPayer:
    """Bill a fee per trust, per activation or once for all, other than agreed."""

    per: Scope

    def apply(self, facts: Facts) -> Facts | None:
        """Change who pays a fixed charge."""

        def change(charge: Charge) -> Charge | None:
            if not isinstance(charge, FixedCharge) or charge.per == self.per:
                return None
            return replace(charge, per=self.per)

        return _each_charge(facts, change)


@dataclass(frozen=True, slots=True)
class NoLimit:
    """Leave the minimum or the maximum out."""

    limit: Literal["minimum", "maximum"]

    def apply(self, facts: Facts) -> Facts | None:
        """Take the limit from the charge."""

        def change(charge: Charge) -> Charge | None:
            if not isinstance(charge, UsageCharge) or getattr(charge, self.limit) is None:
                return None
            return replace(charge, minimum=None) if self.limit == "minimum" else replace(charge, maximum=None)

        return _each_charge(facts, change)


@dataclass(frozen=True, slots=True)
class OtherLimit:
    """Apply the minimum or maximum per another key, in another window, or at another index level."""

    limit: Literal["minimum", "maximum"]
    per: Scope | None = None
    window: WindowKind | None = None
    other_index: bool = False

    def apply(self, facts: Facts) -> Facts | None:
        """Change the limit."""

        def change(charge: Charge) -> Charge | None:
            if not isinstance(charge, UsageCharge):
                return None
            own = charge.minimum if self.limit == "minimum" else charge.maximum
            if own is None:
                return None
            changed = replace(
                own,
                per=self.per or own.per,
                window=self.window or own.window,
                indexed=own.indexed != self.other_index,
            )
            if changed == own:
                return None
            return replace(charge, minimum=changed) if self.limit == "minimum" else replace(charge, maximum=changed)

        return _each_charge(facts, change)


@dataclass(frozen=True, slots=True)
class OtherLimitBasis:
    """Compare the minimum and maximum with gross for net, or the reverse."""

    def apply(self, facts: Facts) -> Facts | None:
        """Swap before and after discount."""
        book = facts.book.conventions

        def change(charge: Charge) -> Charge | None:
            if not isinstance(charge, UsageCharge) or (charge.minimum is None and charge.maximum is None):
                return None
            now = charge.conventions.over(book).minimum_applies
            other: Overrides = replace(
                charge.conventions,
                minimum_applies="before_discount" if now == "after_discount" else "after_discount",
            )
            return replace(charge, conventions=other)

        return _each_charge(facts, change)


Change = (
    Counted
    | ValidationBilled
    | OtherModel
    | OtherScope
    | OtherWindow
    | CountedFrom
    | OtherBoundary
    | AllInTier
    | NoRamp
    | NoRampAt
    | Undiscounted
    | RampFromDay
    | LongerRamp
    | ShorterRamp
    | OtherRate
    | OtherPhaseOrder
    | OtherRampStart
    | OtherVersion
    | VersionLate
    | IndexFrom
    | OtherFactor
    | NoIndex
    | OtherProration
    | OtherPayer
    | NoLimit
    | OtherLimit
    | OtherLimitBasis
)
