"""Parties, algorithms and money as they are written everywhere."""

from __future__ import annotations

from decimal import Decimal

from contracts.terms.money import format_amount


def dump_money(amount: Decimal | None, currency: str) -> dict[str, str] | None:
    """Write money with its currency."""
    return None if amount is None else {"amount": format_amount(amount), "currency": currency}
