"""The price list as a reader meets it: tiers with the units they cover, and their prices at each index level.

The bounds are those the rating uses (`rating.captions`), and so is the arithmetic of an index level (`Level`): a caption that is
off by one, or a price that no line has, would be a second opinion about the contract.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.rating.captions import tier_intervals
from billing.rating.charge_terms import Level
from billing.rating.ramp_up import Ramp, phase_on
from contracts.terms import money
from contracts.terms.agreement import ActivationRow
from contracts.terms.price_book import IndexAdjustment, PriceBook, PriceBookVersion, covers
from contracts.terms.price_model import Charge, Conventions, UsageCharge
from contracts.terms.price_models import Tier


@dataclass(frozen=True, slots=True)
class TierPrices:
    """One tier: the units ``first`` to ``last`` (``None``: open), both included, and its price at each level."""

    number: int
    first: int
    last: int | None
    unit_prices: tuple[Decimal, ...]
    flat_fees: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class IndexLevel:
    """A level of a version's prices: from when, and the adjustments that brought them there (none at first)."""

    since: date
    adjustments: tuple[IndexAdjustment, ...]


@dataclass(frozen=True, slots=True)
class ChargePrices:
    """What one charge of a version costs at each of the version's levels; ``amounts`` where it is not priced by tiers."""

    charge: Charge
    tiers: tuple[TierPrices, ...]
    amounts: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class VersionPrices:
    """A version of the price book over the days it is valid (``until`` exclusive, ``None`` for the last one)."""

    version: PriceBookVersion
    until: date | None
    levels: tuple[IndexLevel, ...]
    charges: tuple[ChargePrices, ...]


@dataclass(frozen=True, slots=True)
class RampToday:
    """Where an activation stands on a day.

    ``state`` is ``planned``, ``validation``, ``ramp_up``, ``ordinary`` or ``ended``; ``until`` is the first day at the
    next price, ``next_discount`` the discount then. A ramp by units shows as ``ordinary`` with ``by_units``.
    """

    activation: ActivationRow
    state: str
    phase: int | None = None
    phases: int = 0
    discount: Decimal = Decimal(0)
    until: date | None = None
    next_discount: Decimal = Decimal(0)
    by_units: bool = False


def tiers_of(charge: Charge) -> tuple[Tier, ...]:
    """Give the tiers of a charge that has some, else none."""
    return charge.model.as_tiers() if isinstance(charge, UsageCharge) else ()


def charge_on(book: PriceBook, code: str, day: date) -> Charge | None:
    """Give the charge with ``code`` in the version valid on ``day``."""
    version = book.version_on(day)
    return None if version is None else next((charge for charge in version.charges if charge.code == code), None)


def factors_in_force(book: PriceBook, day: date) -> tuple[IndexAdjustment, ...]:
    """Give the index adjustments that touch the prices of ``day`` (pricing.md §4.8), in the order they took effect."""
    version = book.version_on(day)
    if version is None:
        return ()
    touching = (each for each in book.index_adjustments if version.valid_from < each.effective_from <= day)
    return tuple(sorted(touching, key=lambda each: each.effective_from))


def price_list(book: PriceBook) -> tuple[VersionPrices, ...]:
    """Give every version with its prices, the newest first."""
    in_time = sorted(book.versions, key=lambda version: version.valid_from)
    untils: list[date | None] = [*(version.valid_from for version in in_time[1:]), None]
    listed = [_version(book, version, until) for version, until in zip(in_time, untils, strict=True)]
    return tuple(reversed(listed))


def _version(book: PriceBook, version: PriceBookVersion, until: date | None) -> VersionPrices:
    days = {version.valid_from}
    days.update(
        each.effective_from
        for each in book.index_adjustments
        if each.effective_from > version.valid_from and (until is None or each.effective_from < until)
    )
    levels = tuple(IndexLevel(day, factors_in_force(book, day)) for day in sorted(days))
    charges = tuple(_charge(charge, levels, book.conventions) for charge in version.charges)
    return VersionPrices(version, until, levels, charges)


def _charge(charge: Charge, levels: tuple[IndexLevel, ...], conventions: Conventions) -> ChargePrices:
    own = charge.conventions.over(conventions)
    at = [level_of(own, level.adjustments) for level in levels]
    rows = tuple(
        TierPrices(
            number,
            first,
            last,
            tuple(money.unit_price(level.unit_price(tier.unit_price)) for level in at),
            tuple(money.kroner(level.amount(tier.flat_fee)) for level in at),
        )
        for number, (tier, (first, last)) in enumerate(
            zip(tiers_of(charge), tier_intervals(charge, own.boundary), strict=True), start=1
        )
    )
    amount = _plain_amount(charge)
    amounts = () if amount is None else tuple(money.kroner(level.amount(amount)) for level in at)
    return ChargePrices(charge, rows, amounts)


def _plain_amount(charge: Charge) -> Decimal | None:
    if not isinstance(charge, UsageCharge):
        return charge.amount
    return None if charge.model.as_tiers() else next(iter(charge.model.amounts), None)


def level_of(conventions: Conventions, adjustments: tuple[IndexAdjustment, ...]) -> Level:
    """Give the level that prices stand at after index adjustments (pricing.md §4.8)."""
    return Level.of(conventions, [adjustment.factor for adjustment in adjustments])


def ramps_on(book: PriceBook, activations: Iterable[ActivationRow], day: date) -> tuple[RampToday, ...]:
    """Tell for each activation where in its ramp-up it stands on ``day``, by the version valid then."""
    return tuple(_ramp_today(book, activation, day) for activation in activations)


def _ramp_today(book: PriceBook, activation: ActivationRow, day: date) -> RampToday:
    if activation.end is not None and activation.end <= day:
        return RampToday(activation, "ended")
    if day < activation.go_live:
        validating = activation.validation_from is not None and activation.validation_from <= day
        return RampToday(activation, "validation" if validating else "planned")
    version = book.version_on(day)
    charge = next(
        (
            each
            for each in (version.charges if version else ())
            if isinstance(each, UsageCharge) and covers(each, activation.algorithm)
        ),
        None,
    )
    ramp = None if charge is None else Ramp.of(charge.ramp_up)
    if charge is None or charge.ramp_up is None or ramp is None:
        return RampToday(activation, "ordinary")
    if ramp.by_units:
        return RampToday(activation, "ordinary", by_units=True)
    ends = ramp.ends(activation.go_live)
    phase = phase_on(ends, day)
    phases = charge.ramp_up.phases
    if phase is None:
        return RampToday(activation, "ordinary", phases=len(phases))
    following = phases[phase].discount if phase < len(phases) else Decimal(0)
    return RampToday(activation, "ramp_up", phase, len(phases), phases[phase - 1].discount, ends[phase - 1], following)
