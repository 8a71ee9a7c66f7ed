"""Allowance (frikvote): the first units of every window cost nothing, each further one has a price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from contracts.terms.price_models.graduated import Graduated
from contracts.terms.price_models.model import Field, PriceModel, Tier
from contracts.terms.written import N_


@dataclass(frozen=True, slots=True)
class Allowance(PriceModel):
    """Price the units beyond the free ones of the counter's window (pricing.md §4.12).

    Exactly `free_units` are free, whatever the convention about bounds.
    """

    free_units: int
    unit_price: Decimal

    NAME = "allowance"
    FIELDS = (
        Field(
            "free_units",
            "whole",
            N_("Free examinations in each counting period"),
            N_("free examinations"),
            "An allowance holds at least one unit.",
        ),
        Field("unit_price", "unit_price", N_("Price of each further examination (NOK)"), N_("price")),
    )
    LABEL = N_("Allowance: the first examinations are free, each further one has a price")
    SENTENCE = N_(
        "Allowance: the first %(free_units)s examinations counted together cost nothing; each further one costs %(unit_price)s."
    )
    WORDS = ("frikvote", "an allowance of free units")
    FINDINGS: ClassVar[Mapping[str, str]] = {
        "ramp_outside_allowance": N_("With an allowance the discounted examinations always count.")
    }
    RAMP_OUTSIDE = (
        "ramp_outside_allowance",
        "Units outside the tiers would all be free: with an allowance the ramp's units count.",
    )

    def as_tiers(self) -> tuple[Tier, ...]:
        """Return the free units as the first tier, the others as the second."""
        return Tier(self.free_units, Decimal("0.00")), Tier(None, self.unit_price)

    def all_in_tier(self, number: int) -> PriceModel | None:
        """Return the price of one of the two tiers for every unit: that of the second forgets the allowance."""
        tiers = self.as_tiers()
        return Graduated((Tier(None, tiers[number - 1].unit_price),)) if 1 <= number <= len(tiers) else None
