"""A price request and everything that makes one invalid (pricing.md §1.2 §4.2 §5).

What the terms alone get wrong is said once, in `contracts.terms.contradictions`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from billing.rating.compile import pricing_periods
from contracts.terms.contradictions import activation_errors, agreement_errors, terms_errors
from contracts.terms.period import Period
from contracts.terms.price_book import Activation, AgreementTerm, Finding, PriceBook, Usage

__all__ = [
    "PriceRequest",
    "activation_errors",
    "agreement_errors",
    "period_errors",
    "request_errors",
    "terms_errors",
    "usage_errors",
]


@dataclass(frozen=True, slots=True)
class PriceRequest:
    """Hold a whole question: what does this usage cost in this period under this book?"""

    agreement: AgreementTerm
    period: Period
    price_book: PriceBook
    activations: tuple[Activation, ...]
    usage: tuple[Usage, ...]


def request_errors(request: PriceRequest) -> list[Finding]:
    """Return every error of a request, each with its place."""
    agreement, book = request.agreement, request.price_book
    periods = [] if list(agreement_errors(agreement)) else pricing_periods(agreement, book)
    return [
        *terms_errors(agreement, book, request.activations),
        *(period_errors(periods, request.period) if periods else ()),
        *usage_errors(agreement, request.activations, list(enumerate(request.usage))),
    ]


def period_errors(periods: Sequence[Period], period: Period) -> Iterator[Finding]:
    """Find a period that does not start and end on bounds of pricing periods."""
    for name, day, bounds in (
        ("from", period.start, {each.start for each in periods}),
        ("to", period.end, {each.end for each in periods}),
    ):
        if day not in bounds:
            detail = f"{day.isoformat()} is not a bound of a pricing period of the agreement."
            yield Finding(f"#/period/{name}", "period_not_on_bound", detail)


def usage_errors(
    agreement: AgreementTerm, activations: Sequence[Activation], usage: Sequence[tuple[int, Usage]]
) -> Iterator[Finding]:
    """Find usage outside the agreement (looked at first) or without an activation, and days below zero."""
    spans: dict[tuple[str, str], list[tuple[date, date | None]]] = {}
    for activation in activations:
        spans.setdefault((activation.trust, activation.algorithm), []).append((activation.begins, activation.end))
    sums: dict[tuple[str, str, date], int] = {}
    last_taken: dict[tuple[str, str, date], int] = {}
    for i, entry in usage:
        pointer = f"#/usage/{i}"
        if not agreement.start <= entry.on < agreement.end:
            detail = f"{entry.on.isoformat()} is outside the agreement."
            yield Finding(pointer, "usage_outside_agreement", detail)
        elif not any(
            begins <= entry.on and (end is None or entry.on < end)
            for begins, end in spans.get((entry.trust, entry.algorithm), [])
        ):
            detail = f"{entry.algorithm} has no activation at {entry.trust} on {entry.on.isoformat()}."
            yield Finding(pointer, "usage_without_activation", detail)
        day = (entry.trust, entry.algorithm, entry.on)
        sums[day] = sums.get(day, 0) + entry.quantity
        if entry.quantity < 0:
            last_taken[day] = i
    for day, i in last_taken.items():
        if sums[day] < 0:
            detail = f"The usage of {day[1]} at {day[0]} on {day[2].isoformat()} sums to {sums[day]}, below zero."
            yield Finding(f"#/usage/{i}", "usage_below_zero", detail)
