"""Graduated: each unit at the price of the tier that its own number falls in."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.terms.price_models.model import Reading, TieredModel
from contracts.terms.written import N_


@dataclass(frozen=True, slots=True)
class Graduated(TieredModel):
    """Price each unit at the tier its own position falls in (pricing.md §4.4)."""

    NAME = "graduated"
    LABEL = N_("Graduated: each examination at the price of its own tier")
    SENTENCE = N_("Graduated: each examination costs the price of the tier that its own number falls in.")
    WORDS = ("gradert", "graduated")
    READING = Reading(N_("Graduated"), N_("graduated"), N_("Each examination at the price of its own tier"))
