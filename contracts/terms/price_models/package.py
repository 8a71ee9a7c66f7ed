"""Package: whole packages of units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from contracts.terms.price_models.model import Field, PriceModel
from contracts.terms.written import N_


@dataclass(frozen=True, slots=True)
class Package(PriceModel):
    """Price whole packages of units; a started package counts whole (pricing.md §4.6)."""

    package_size: int
    package_price: Decimal

    NAME = "package"
    FIELDS = (
        Field(
            "package_size",
            "whole",
            N_("Examinations in a package"),
            N_("package size"),
            "A package holds at least one unit.",
        ),
        Field("package_price", "amount", N_("Price of a package (NOK)"), N_("package price")),
    )
    LABEL = N_("Packages: a started package counts whole")
    SENTENCE = N_(
        "Packages of %(package_size)s examinations at %(package_price)s each; a started package counts whole."
    )
    WORDS = ("pakker", "packages")
    FINDINGS: ClassVar[Mapping[str, str]] = {
        "ramp_outside_package": N_("With packages the discounted examinations always count.")
    }
    LINES_HAVE_UNITS = False
    RAMP_OUTSIDE = (
        "ramp_outside_package",
        "Only graduated and volume charges can leave ramp units out of the tiers.",
    )
