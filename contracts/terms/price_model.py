"""The kinds of charge a price book can hold, as small closed types.

A charge says *what* is priced (usage, a fixed amount per interval, an amount once), its model says *how* units become money,
its counter says *which* units count together and for how long. These types hold what the contract says, as it is written;
what it costs is the business of `billing.rating`. Prices are kroner excluding VAT.

The models stand in `contracts.terms.price_models`, each in a file of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from contracts.terms.period import WindowKind
from contracts.terms.price_models import Boundary, PriceModel

ZeroUsage = Literal["no_charge", "first_flat_fee"]
Rounding = Literal["half_up", "half_even"]
MinimumApplies = Literal["after_discount", "before_discount"]
Scope = Literal["activation", "trust", "agreement"]
Every = Literal["month", "quarter", "calendar_year", "agreement_year"]
RampStart = Literal["go_live", "next_month"]
Proration = Literal["none", "days"]


@dataclass(frozen=True, slots=True)
class Conventions:
    """Hold how the contract reads boundaries, silence, decimals and roundings (pricing.md §2)."""

    boundary: Boundary = "inclusive"
    zero_usage: ZeroUsage = "no_charge"
    price_decimals: int = 2
    rounding: Rounding = "half_up"
    minimum_applies: MinimumApplies = "after_discount"


@dataclass(frozen=True, slots=True)
class Overrides:
    """Hold the conventions in which one charge differs from its book; None follows the book."""

    boundary: Boundary | None = None
    zero_usage: ZeroUsage | None = None
    price_decimals: int | None = None
    rounding: Rounding | None = None
    minimum_applies: MinimumApplies | None = None

    def over(self, book: Conventions) -> Conventions:
        """Return the conventions of the charge that has these overrides in a book."""
        return Conventions(
            boundary=self.boundary or book.boundary,
            zero_usage=self.zero_usage or book.zero_usage,
            price_decimals=book.price_decimals if self.price_decimals is None else self.price_decimals,
            rounding=self.rounding or book.rounding,
            minimum_applies=self.minimum_applies or book.minimum_applies,
        )


FOLLOWS_THE_BOOK = Overrides()


@dataclass(frozen=True, slots=True)
class Counter:
    """Say which units count together and when counting starts over; windows are clipped to the agreement."""

    scope: Scope
    window: WindowKind


@dataclass(frozen=True, slots=True)
class RampPhase:
    """Hold one phase of a ramp: a length in months or in units, one of them None, and its discount 0…1."""

    discount: Decimal
    months: int | None = None
    units: int | None = None


@dataclass(frozen=True, slots=True)
class RampUp:
    """Hold the discounts with which an activation starts, phase by phase."""

    phases: tuple[RampPhase, ...]
    starts: RampStart = "go_live"
    counts_towards_tiers: bool = True

    @property
    def by_units(self) -> bool:
        """Say whether the phases are measured in units, not in months."""
        return any(phase.units is not None for phase in self.phases)


@dataclass(frozen=True, slots=True)
class Limit:
    """Hold a minimum or a maximum of a charge's lines per key and window, not scaled to a clipped window."""

    amount: Decimal
    per: Scope
    window: WindowKind
    indexed: bool = False


@dataclass(frozen=True, slots=True)
class UsageCharge:
    """Price examinations; `algorithms` None covers all of them."""

    code: str
    clause: str
    algorithms: tuple[str, ...] | None
    model: PriceModel
    counter: Counter
    ramp_up: RampUp | None = None
    minimum: Limit | None = None
    maximum: Limit | None = None
    conventions: Overrides = field(default=FOLLOWS_THE_BOOK)


@dataclass(frozen=True, slots=True)
class FixedCharge:
    """Charge an amount once per interval, on the first day of it on which the payer is live."""

    code: str
    clause: str
    amount: Decimal
    per: Scope
    every: Every
    proration: Proration = "none"
    algorithms: tuple[str, ...] | None = None
    ramp_up: RampUp | None = None
    conventions: Overrides = field(default=FOLLOWS_THE_BOOK)


@dataclass(frozen=True, slots=True)
class OneOffCharge:
    """Charge an amount on the first go-live of a trust or an activation."""

    code: str
    clause: str
    amount: Decimal
    per: Literal["trust", "activation"]
    algorithms: tuple[str, ...] | None = None
    conventions: Overrides = field(default=FOLLOWS_THE_BOOK)


Charge = UsageCharge | FixedCharge | OneOffCharge


def kind_of(charge: Charge) -> Literal["usage", "fixed", "one_off"]:
    """Return a charge's kind as it is written in a price book."""
    match charge:
        case UsageCharge():
            return "usage"
        case FixedCharge():
            return "fixed"
        case OneOffCharge():
            return "one_off"
