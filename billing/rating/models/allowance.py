"""Allowance: two graduated tiers, the first of which costs nothing."""

from __future__ import annotations

from billing.rating.charge_terms import Level
from billing.rating.models.graduated import GraduatedTerms
from contracts.terms.price_models.allowance import Allowance


def compile_model(model: Allowance, level: Level) -> GraduatedTerms:
    """Return the free units and those with a price as tiers at an index level."""
    return GraduatedTerms.of(model, level)
