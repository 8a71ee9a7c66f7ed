"""A price book: what each charge costs from when on, and what its check refuses.

A price book is a series of versions, each complete and valid from a day until the next one, with approved index adjustments
and conventions beside them. Nothing here multiplies a price by a quantity; the check only says whether the book can be
read in one way (pricing.md §1.3 §3.3). Findings carry JSON pointers into the price request they would come in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import assert_never

from contracts.terms.finding import Finding as Finding
from contracts.terms.finding import decimal_findings, money_findings
from contracts.terms.money import AMOUNT_DECIMALS, RATE_DECIMALS, UNIT_PRICE_DECIMALS
from contracts.terms.period import Period, WindowKind, previous_day, whole_window
from contracts.terms.price_model import (
    Charge,
    Conventions,
    FixedCharge,
    Limit,
    OneOffCharge,
    RampUp,
    UsageCharge,
    kind_of,
)

# A term longer than a century is a slip of the pen, and every month of it would be a pricing period.
LONGEST_TERM_YEARS = 100


class InvalidInput(ValueError):
    """Refuse a document, with every error found in it."""

    def __init__(self, errors: tuple[Finding, ...]) -> None:
        super().__init__("; ".join(f"{error.pointer}: {error.detail}" for error in errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class AgreementTerm:
    """Hold the days of an agreement, `end` not included, and its currency."""

    start: date
    end: date
    currency: str = "NOK"

    @property
    def period(self) -> Period:
        """Return the term as a period."""
        return Period(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Activation:
    """Hold one algorithm switched on at one trust; `end` is the first day it is off again, None is not ended."""

    trust: str
    algorithm: str
    go_live: date
    validation_from: date | None = None
    end: date | None = None

    @property
    def begins(self) -> date:
        """Return the first day on which the activation runs, be it for validation."""
        return self.go_live if self.validation_from is None else min(self.validation_from, self.go_live)


@dataclass(frozen=True, slots=True)
class Usage:
    """Hold a signed number of examinations of one activation on one day."""

    trust: str
    algorithm: str
    on: date
    quantity: int


@dataclass(frozen=True, slots=True)
class IndexAdjustment:
    """Hold an approved factor (at most four decimals) and the day it takes effect."""

    effective_from: date
    factor: Decimal
    clause: str


@dataclass(frozen=True, slots=True)
class PriceBookVersion:
    """Hold the complete set of charges valid from a day until the next version."""

    valid_from: date
    clause: str
    charges: tuple[Charge, ...]


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Hold the versions of a price book in any order, its index adjustments and its conventions."""

    conventions: Conventions = field(default_factory=Conventions)
    index_adjustments: tuple[IndexAdjustment, ...] = ()
    versions: tuple[PriceBookVersion, ...] = ()

    def version_on(self, day: date) -> PriceBookVersion | None:
        """Return the version valid on a day, None before the first one."""
        valid = [version for version in self.versions if version.valid_from <= day]
        return max(valid, key=lambda version: version.valid_from, default=None)


def covers(charge: Charge, algorithm: str) -> bool:
    """Say whether a charge covers an algorithm."""
    return charge.algorithms is None or algorithm in charge.algorithms


def check(
    book: PriceBook, agreement: AgreementTerm, activations: Sequence[Activation] = (), pointer: str = "#/price_book"
) -> list[Finding]:
    """Return everything a price book's check refuses or warns of (pricing.md §3.10), errors before warnings.

    With `activations`, warn too of the late starts that a fixed charge without proration bills a full interval for.
    """
    findings = [
        *_conventions(book.conventions, f"{pointer}/conventions"),
        *_index(book, pointer),
        *_versions(book, pointer),
        *(
            finding
            for i, version in enumerate(book.versions)
            for j, charge in enumerate(version.charges)
            for finding in _charge(charge, f"{pointer}/versions/{i}/charges/{j}")
        ),
    ]
    findings += _twice(book, pointer)
    if agreement.start < agreement.end:
        findings += _gaps(book, agreement, pointer)
        findings += _changes(book, agreement, pointer)
        findings += _late_starts(book, agreement, activations, pointer)
    return sorted(findings, key=lambda finding: finding.severity == "warning")


def errors_of(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings that refuse, without the warnings."""
    return tuple(finding for finding in findings if finding.severity == "error")


def _conventions(conventions: Conventions, pointer: str) -> Iterator[Finding]:
    if not 2 <= conventions.price_decimals <= UNIT_PRICE_DECIMALS:
        yield Finding(f"{pointer}/price_decimals", "out_of_range", "Price decimals are 2 to 6.")


def _index(book: PriceBook, pointer: str) -> Iterator[Finding]:
    for i, adjustment in enumerate(book.index_adjustments):
        where = f"{pointer}/index_adjustments/{i}/factor"
        yield from decimal_findings(adjustment.factor, RATE_DECIMALS, where)
        if adjustment.factor <= 0:
            yield Finding(where, "out_of_range", "An index factor is above zero.")


def _versions(book: PriceBook, pointer: str) -> Iterator[Finding]:
    if not book.versions:
        yield Finding(f"{pointer}/versions", "no_version", "A price book has at least one version.")
    first_with_day: dict[date, int] = {}
    for i, version in enumerate(book.versions):
        first = first_with_day.setdefault(version.valid_from, i)
        if first != i:
            detail = f"Version {first} is valid from {version.valid_from.isoformat()} too."
            yield Finding(f"{pointer}/versions/{i}/valid_from", "version_same_day", detail)
        seen: set[str] = set()
        for j, charge in enumerate(version.charges):
            if charge.code in seen:
                detail = f"The code {charge.code!r} stands twice in this version."
                yield Finding(f"{pointer}/versions/{i}/charges/{j}/code", "charge_code_duplicate", detail)
            seen.add(charge.code)


def _gaps(book: PriceBook, agreement: AgreementTerm, pointer: str) -> Iterator[Finding]:
    if book.versions and book.version_on(agreement.start) is None:
        first = min(version.valid_from for version in book.versions)
        detail = f"No version is valid from {agreement.start.isoformat()} to {first.isoformat()}."
        yield Finding(f"{pointer}/versions", "version_gap", detail, "warning")


def _twice(book: PriceBook, pointer: str) -> Iterator[Finding]:
    """Warn of an algorithm whose examinations two usage charges of one version bill."""
    for i, version in enumerate(book.versions):
        usage = [(j, charge) for j, charge in enumerate(version.charges) if isinstance(charge, UsageCharge)]
        for position, (j, charge) in enumerate(usage):
            for _k, before in usage[:position]:
                named = [each.algorithms for each in (before, charge) if each.algorithms is not None]
                both = sorted(set(named[0]).intersection(*named[1:])) if named else None
                if both is None or both:
                    what = "every algorithm" if both is None else ", ".join(repr(one) for one in both)
                    detail = f"{before.code!r} and {charge.code!r} both bill the examinations of {what}."
                    where = f"{pointer}/versions/{i}/charges/{j}/algorithms"
                    yield Finding(where, "algorithm_covered_twice", detail, "warning")


def _charge(charge: Charge, pointer: str) -> Iterator[Finding]:
    if not charge.code:
        yield Finding(f"{pointer}/code", "empty", "A charge has a code.")
    if charge.algorithms is not None:
        if not charge.algorithms:
            yield Finding(f"{pointer}/algorithms", "algorithms_empty", "A charge covers at least one algorithm.")
        if len(set(charge.algorithms)) < len(charge.algorithms):
            yield Finding(f"{pointer}/algorithms", "algorithm_duplicate", "An algorithm stands twice.")
    if charge.conventions.price_decimals is not None:
        yield from _conventions(charge.conventions.over(Conventions()), f"{pointer}/conventions")
    match charge:
        case UsageCharge():
            yield from _usage_charge(charge, pointer)
        case FixedCharge():
            yield from money_findings(charge.amount, AMOUNT_DECIMALS, f"{pointer}/amount")
            yield from _ramp_up(charge.ramp_up, f"{pointer}/ramp_up")
            if charge.ramp_up is not None and charge.ramp_up.by_units:
                yield Finding(f"{pointer}/ramp_up", "ramp_by_units", "The ramp of a fixed charge is in months only.")
            if charge.ramp_up is not None and charge.per == "agreement":
                detail = "A fixed charge per agreement has no ramp: nobody's go-live starts it."
                yield Finding(f"{pointer}/ramp_up", "ramp_per_agreement", detail)
        case OneOffCharge():
            yield from money_findings(charge.amount, AMOUNT_DECIMALS, f"{pointer}/amount")
        case unknown:
            assert_never(unknown)


def _usage_charge(charge: UsageCharge, pointer: str) -> Iterator[Finding]:
    yield from charge.model.check(pointer)
    if charge.ramp_up is not None and not charge.ramp_up.counts_towards_tiers and charge.model.RAMP_OUTSIDE is not None:
        yield Finding(f"{pointer}/ramp_up/counts_towards_tiers", *charge.model.RAMP_OUTSIDE)
    yield from _ramp_up(charge.ramp_up, f"{pointer}/ramp_up")
    for name, limit in (("minimum", charge.minimum), ("maximum", charge.maximum)):
        if limit is not None:
            yield from money_findings(limit.amount, AMOUNT_DECIMALS, f"{pointer}/{name}/amount")


def _ramp_up(ramp_up: RampUp | None, pointer: str) -> Iterator[Finding]:
    if ramp_up is None:
        return
    if not ramp_up.phases:
        yield Finding(f"{pointer}/phases", "phases_empty", "A ramp has at least one phase.")
    for i, phase in enumerate(ramp_up.phases):
        where = f"{pointer}/phases/{i}"
        yield from decimal_findings(phase.discount, RATE_DECIMALS, f"{where}/discount")
        if not 0 <= phase.discount <= 1:
            yield Finding(f"{where}/discount", "out_of_range", "A discount is 0 to 1.")
        if (phase.months is None) == (phase.units is None):
            yield Finding(where, "phase_length", "A phase has a length in months or in units, one of the two.")
        elif (phase.units is None) == ramp_up.by_units:
            yield Finding(where, "phases_mixed", "All phases are in months or all in units.")
        for name, length in (("months", phase.months), ("units", phase.units)):
            if length is not None and length < 1:
                yield Finding(f"{where}/{name}", "out_of_range", "A phase lasts at least 1.")


def _changes(book: PriceBook, agreement: AgreementTerm, pointer: str) -> Iterator[Finding]:
    """Find what changes or leaves elsewhere than where a window starts.

    A charge that was away for a while is compared with its last version: what matters is whether a window that has
    begun under the one reading reaches into the other.
    """
    order = sorted(range(len(book.versions)), key=lambda i: book.versions[i].valid_from)
    last: dict[
        str, tuple[Charge, date | None]
    ] = {}  # the charge as last seen and the day it left, None while it is there
    for position, i in enumerate(order):
        version = book.versions[i]
        day = version.valid_from
        following = book.versions[order[position + 1]].valid_from if position + 1 < len(order) else agreement.end
        if following <= agreement.start or day >= agreement.end:
            continue
        here = {charge.code: (j, charge) for j, charge in enumerate(version.charges)}
        for code, (before, left) in sorted(last.items()):
            if code not in here:
                if left is None:
                    last[code] = (before, day)
                    yield from _leaving(before, day, agreement, f"{pointer}/versions/{i}")
                continue
            j, charge = here[code]
            where = f"{pointer}/versions/{i}/charges/{j}"
            yield from _change(book.conventions, before, charge, left or day, day, agreement.period, where)
        for code, (_, charge) in here.items():
            last[code] = (charge, None)


def _windows_of(charge: Charge) -> Iterator[tuple[str, WindowKind]]:
    match charge:
        case UsageCharge():
            if charge.minimum is not None:
                yield "minimum", charge.minimum.window
            if charge.maximum is not None:
                yield "maximum", charge.maximum.window
        case FixedCharge():
            yield "interval", charge.every
        case OneOffCharge():
            return
        case unknown:
            assert_never(unknown)


def _leaving(charge: Charge, day: date, agreement: AgreementTerm, pointer: str) -> Iterator[Finding]:
    for what, kind in _windows_of(charge):
        if whole_window(kind, previous_day(day), agreement.period).end > day:
            detail = f"The charge {charge.code!r} leaves the book inside the {kind} of its {what}."
            yield Finding(f"{pointer}/charges", "charge_leaves_inside_window", detail)


def _change(
    book: Conventions, before: Charge, after: Charge, left: date, day: date, term: Period, pointer: str
) -> Iterator[Finding]:
    def apart(old: WindowKind, new: WindowKind) -> bool:
        ended = whole_window(old, previous_day(left), term).end <= day
        return ended and whole_window(new, day, term).start >= left

    def limit(name: str, old: Limit | None, new: Limit | None) -> Iterator[Finding]:
        if old is not None and new is not None and (old.per, old.window) != (new.per, new.window):
            for what in ("per", "window"):
                if getattr(old, what) != getattr(new, what) and not apart(old.window, new.window):
                    yield changed(f"{name}/{what}")

    def changed(what: str) -> Finding:
        detail = f"{what} of {after.code!r} changes on {day.isoformat()}, which is not where a window starts."
        return Finding(f"{pointer}/{what}", "change_inside_window", detail[0].upper() + detail[1:])

    match before, after:
        case UsageCharge(), UsageCharge():
            if not apart(before.counter.window, after.counter.window):
                if before.counter.scope != after.counter.scope:
                    yield changed("counter/scope")
                if before.counter.window != after.counter.window:
                    yield changed("counter/window")
                if before.model.NAME != after.model.NAME:
                    yield changed("model")
                elif after.model.BOUNDS_STAND_IN_WINDOW:
                    old = before.model.last_units(before.conventions.over(book).boundary)
                    new = after.model.last_units(after.conventions.over(book).boundary)
                    if old != new:
                        yield changed("tiers")
            yield from limit("minimum", before.minimum, after.minimum)
            yield from limit("maximum", before.maximum, after.maximum)
        case FixedCharge(), FixedCharge():
            if not apart(before.every, after.every):
                if before.per != after.per:
                    yield changed("per")
                if before.every != after.every:
                    yield changed("every")
        case OneOffCharge(), OneOffCharge():
            if before.per != after.per:
                yield changed("per")
        case _:
            detail = f"The charge {after.code!r} was of kind {kind_of(before)} in an earlier version."
            yield Finding(f"{pointer}/kind", "charge_kind_changed", detail)


def _late_starts(
    book: PriceBook, agreement: AgreementTerm, activations: Sequence[Activation], pointer: str
) -> Iterator[Finding]:
    for i, version in enumerate(book.versions):
        for j, charge in enumerate(version.charges):
            if not isinstance(charge, FixedCharge) or charge.proration == "days" or charge.per == "agreement":
                continue
            for activation in activations:
                day = activation.go_live
                inside = agreement.start <= day < agreement.end and book.version_on(day) is version
                if not inside or not covers(charge, activation.algorithm):
                    continue
                if whole_window(charge.every, day, agreement.period).start != day:
                    detail = (
                        f"{activation.trust} goes live with {activation.algorithm} on {day.isoformat()}, inside a "
                        f"{charge.every}, and {charge.code!r} is not prorated: a full interval may be billed."
                    )
                    yield Finding(f"{pointer}/versions/{i}/charges/{j}/proration", "full_interval", detail, "warning")
