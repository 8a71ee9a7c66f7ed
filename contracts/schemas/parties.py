"""Parties, algorithms and money as they are written everywhere."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from contracts.terms.agreement import MarketplaceAlgorithm, Party
from contracts.terms.money import format_amount


def dump_party(party: Party) -> dict[str, str]:
    """Write a legal unit."""
    return {
        "code": party.code,
        "name": party.name,
        "organisation_number": party.organisation_number,
        "region": party.region,
    }


def dump_algorithm(algorithm: MarketplaceAlgorithm) -> dict[str, Any]:
    """Write a product on the marketplace list."""
    return {
        "code": algorithm.code,
        "product": algorithm.product,
        "vendor_name": algorithm.vendor_name,
        "need": {"nb": algorithm.need_nb, "en": algorithm.need_en},
        "modality": algorithm.modality,
        "ce_class": algorithm.ce_class,
        "ce_year": algorithm.ce_year,
    }


def dump_money(amount: Decimal | None, currency: str) -> dict[str, str] | None:
    """Write money with its currency."""
    return None if amount is None else {"amount": format_amount(amount), "currency": currency}
