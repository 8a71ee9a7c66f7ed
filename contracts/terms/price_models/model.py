"""What every price model declares about itself, and what follows from it.

A model is a frozen dataclass of this class. It names its fields and their kinds, and from these the price request's JSON, the
workbook's columns, the browser's form, the check and the prices at an index level are made: none of them knows a model by name.
Its sentences are English; their Norwegian lies in the catalogue of the pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar, Literal, Self

from contracts.terms.finding import Finding, money_findings
from contracts.terms.money import AMOUNT_DECIMALS, UNIT_PRICE_DECIMALS
from contracts.terms.written import N_

Boundary = Literal["inclusive", "exclusive"]
FieldKind = Literal["whole", "unit_price", "amount", "tiers"]
Reprice = Callable[[Decimal], Decimal]


@dataclass(frozen=True, slots=True)
class Tier:
    """Hold one tier: its upper bound (None is open), the price of a unit in it and the fee for opening it."""

    up_to: int | None
    unit_price: Decimal
    flat_fee: Decimal = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Field:
    """Declare one field of a model.

    `name` is the attribute, the JSON member and the workbook's column; `label` stands at its form's field, `word` inside a
    sentence. A whole number is at least 1; `too_small` is what the check says of less.
    """

    name: str
    kind: FieldKind
    label: str
    word: str
    too_small: str = ""


@dataclass(frozen=True, slots=True)
class PriceModel:
    """Say how the units of a counter become money; what a model is stands in its own file, and nowhere else.

    `NAME` is its word in a price book, `LABEL` what a form offers it as, `SENTENCE` what the contract says by it, with its fields
    in the places `%(name)s`; `WORDS` is its name in Norwegian and English inside the sentence of a cause. A model with a `READING` is one way to read tiers: it can be read as any other such model.
    """

    NAME: ClassVar[str]
    FIELDS: ClassVar[tuple[Field, ...]]
    LABEL: ClassVar[str]
    SENTENCE: ClassVar[str]
    WORDS: ClassVar[tuple[str, str]]
    READING: ClassVar[Reading | None] = None
    # Sentences for the codes that only this model's check finds.
    FINDINGS: ClassVar[Mapping[str, str]] = {}
    # Whether its lines carry quantities; where they do not, the units are those of the days behind a line.
    LINES_HAVE_UNITS: ClassVar[bool] = True
    # Whether it asks on which side of a bound the unit on it lies.
    ASKS_BOUNDARY: ClassVar[bool] = False
    # Whether its bounds may only move where a window starts, since units priced before would change.
    BOUNDS_STAND_IN_WINDOW: ClassVar[bool] = False
    # Whether more units may cost less in all.
    MORE_MAY_COST_LESS: ClassVar[bool] = False
    # What is refused where a ramp leaves its units outside the tiers: code and sentence; None where that is allowed.
    RAMP_OUTSIDE: ClassVar[tuple[str, str] | None] = None

    def as_tiers(self) -> tuple[Tier, ...]:
        """Return the tiers that its units fall in, none where it has none."""
        return ()

    def last_units(self, boundary: Boundary) -> tuple[int | None, ...]:
        """Return the number of each tier's last unit, None for the open one (pricing.md §2, `boundary`)."""
        return tuple(tier.up_to for tier in self.as_tiers())

    def check(self, pointer: str) -> Iterator[Finding]:
        """Find what is wrong with its fields; `pointer` is that of the charge."""
        for field in self.FIELDS:
            value, where = getattr(self, field.name), f"{pointer}/{field.name}"
            if field.kind == "whole" and value < 1:
                yield Finding(where, "out_of_range", field.too_small)
            elif field.kind in _DECIMALS:
                yield from money_findings(value, _DECIMALS[field.kind], where)
            elif field.kind == "tiers":
                yield from _tiers_findings(value, where)

    @property
    def unit_prices(self) -> tuple[Decimal, ...]:
        """Return the unit prices of its tiers, as they are written."""
        return tuple(tier.unit_price for tier in self.as_tiers())

    @property
    def amounts(self) -> tuple[Decimal, ...]:
        """Return the flat fees of its tiers, or where it has none its own amounts, as they are written."""
        fees = tuple(tier.flat_fee for tier in self.as_tiers())
        return fees or tuple(getattr(self, field.name) for field in self.FIELDS if field.kind == "amount")

    def repriced(self, unit_price: Reprice, amount: Reprice) -> Self:
        """Return it with every unit price and every amount replaced by what the two functions make of it."""
        changed: dict[str, Any] = {}
        for field in self.FIELDS:
            value = getattr(self, field.name)
            match field.kind:
                case "unit_price":
                    changed[field.name] = unit_price(value)
                case "amount":
                    changed[field.name] = amount(value)
                case "tiers":
                    changed[field.name] = tuple(
                        Tier(tier.up_to, unit_price(tier.unit_price), amount(tier.flat_fee)) for tier in value
                    )
        return replace(self, **changed)

    def all_in_tier(self, number: int) -> PriceModel | None:
        """Return the model in which every unit has the price of one tier, None where it has no such tier."""
        return None


@dataclass(frozen=True, slots=True)
class Reading:
    """Name a way to read tiers: as a heading, inside a sentence, and as a whole sentence."""

    name: str
    word: str
    sentence: str


@dataclass(frozen=True, slots=True)
class TieredModel(PriceModel):
    """Price units by tiers with bounds, in one of the readings that the same tiers can have."""

    tiers: tuple[Tier, ...]

    FIELDS = (Field("tiers", "tiers", N_("Tiers"), N_("tiers")),)
    ASKS_BOUNDARY = True

    def as_tiers(self) -> tuple[Tier, ...]:
        """Return its tiers as they are written."""
        return self.tiers

    def last_units(self, boundary: Boundary) -> tuple[int | None, ...]:
        """Return the number of each tier's last unit, None for the open one (pricing.md §2, `boundary`)."""
        return last_units(self.tiers, boundary)

    def all_in_tier(self, number: int) -> PriceModel | None:
        """Return the model in which every tier has the price of one, None where it has no such tier."""
        if not 1 <= number <= len(self.tiers):
            return None
        price = self.tiers[number - 1].unit_price
        return replace(self, tiers=tuple(replace(tier, unit_price=price) for tier in self.tiers))


_DECIMALS: dict[FieldKind, int] = {"unit_price": UNIT_PRICE_DECIMALS, "amount": AMOUNT_DECIMALS}


def last_units(tiers: tuple[Tier, ...], boundary: Boundary) -> tuple[int | None, ...]:
    """Return the number of each tier's last unit, None for the open one (pricing.md §2, `boundary`).

    >>> last_units((Tier(100, Decimal(60)), Tier(None, Decimal(45))), "exclusive")
    (99, None)
    """
    shift = 0 if boundary == "inclusive" else 1
    return tuple(None if tier.up_to is None else tier.up_to - shift for tier in tiers)


def _tiers_findings(tiers: tuple[Tier, ...], pointer: str) -> Iterator[Finding]:
    if not tiers:
        yield Finding(pointer, "tiers_empty", "A charge with tiers has at least one.")
        return
    below = 0
    for i, tier in enumerate(tiers):
        yield from money_findings(tier.unit_price, UNIT_PRICE_DECIMALS, f"{pointer}/{i}/unit_price")
        yield from money_findings(tier.flat_fee, AMOUNT_DECIMALS, f"{pointer}/{i}/flat_fee")
        if tier.up_to is None:
            if i < len(tiers) - 1:
                yield Finding(f"{pointer}/{i}/up_to", "tier_open_not_last", "Only the last tier is open.")
            continue
        if i == len(tiers) - 1:
            yield Finding(f"{pointer}/{i}/up_to", "tier_last_not_open", "The last tier is open: its bound is null.")
        if tier.up_to <= below:
            detail = f"The bound {tier.up_to} is not above {below}." if below else "A bound is at least 1."
            yield Finding(f"{pointer}/{i}/up_to", "tiers_not_rising", detail)
        below = max(below, tier.up_to)
