"""Agreements, parties and algorithms as the API lists them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from contracts.agreements import AgreementSummary
from contracts.terms.agreement import MarketplaceAlgorithm, Party
from contracts.terms.money import format_amount, format_rate


def dump_summary(agreement: AgreementSummary) -> dict[str, Any]:
    """Write an agreement's identity and terms."""
    term = agreement.term
    return {
        "code": agreement.code,
        "name": agreement.name,
        "reference": agreement.reference,
        "example": agreement.example,
        "buyer": dump_party(agreement.buyer),
        "vendor": dump_party(agreement.vendor),
        "start": term.start.isoformat(),
        "end": term.end.isoformat(),
        "currency": term.currency,
        "estimated_value": dump_money(agreement.estimated_value, term.currency),
        "maximum_value": dump_money(agreement.maximum_value, term.currency),
        "vat_rate": format_rate(agreement.vat_rate),
        "payment_days": agreement.payment_days,
        "recorded_at": agreement.recorded_at.isoformat(),
    }


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
