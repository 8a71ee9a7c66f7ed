"""What a check finds in a document, and the two looks every price gets: are its decimals allowed, is it not negative."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from contracts.terms.money import scaled


@dataclass(frozen=True, order=True, slots=True)
class Finding:
    """Hold one thing found in a document: where (JSON pointer), which kind (code) and one English sentence."""

    pointer: str
    code: str
    detail: str
    severity: Literal["error", "warning"] = "error"


def decimal_findings(value: Decimal, places: int, pointer: str) -> Iterator[Finding]:
    """Find a number with more than `places` decimals: it is refused, not rounded (pricing.md §1)."""
    try:
        scaled(value, places)
    except ValueError as error:
        yield Finding(pointer, "too_many_decimals", f"The number {error}.")


def money_findings(value: Decimal, places: int, pointer: str) -> Iterator[Finding]:
    """Find a price with more than `places` decimals, or below zero."""
    yield from decimal_findings(value, places, pointer)
    if value < 0:
        yield Finding(pointer, "negative_amount", "A price is not negative: an invoice line knows no negative price.")
