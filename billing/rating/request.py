"""A price request and everything that makes one invalid (pricing.md §1, §4.2, §5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from billing.rating.compile import pricing_periods
from contracts.terms.period import Period
from contracts.terms.price_book import (
    LONGEST_TERM_YEARS,
    Activation,
    AgreementTerm,
    Finding,
    PriceBook,
    Usage,
    check,
    errors_of,
)


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


def terms_errors(agreement: AgreementTerm, book: PriceBook, activations: Sequence[Activation]) -> list[Finding]:
    """Return every error of the agreement, the price book and the activations."""
    return [
        *agreement_errors(agreement),
        *errors_of(check(book, agreement)),
        *activation_errors(list(enumerate(activations))),
    ]


def agreement_errors(agreement: AgreementTerm) -> Iterator[Finding]:
    """Find an agreement that ends before it starts, or a term nobody can mean."""
    if agreement.end <= agreement.start:
        yield Finding("#/agreement/end", "end_before_start", "The agreement ends after it starts.")
    elif agreement.end.year - agreement.start.year > LONGEST_TERM_YEARS:
        detail = f"The agreement runs for more than {LONGEST_TERM_YEARS} years."
        yield Finding("#/agreement/end", "agreement_too_long", detail)


def activation_errors(activations: Sequence[tuple[int, Activation]]) -> Iterator[Finding]:
    """Find activations whose dates are out of order or which overlap; each comes with its place in the request."""
    for i, activation in activations:
        pointer = f"#/activations/{i}"
        if activation.validation_from is not None and activation.validation_from > activation.go_live:
            yield Finding(f"{pointer}/validation_from", "validation_after_go_live", "Validation comes before go-live.")
        if activation.end is not None and activation.end < activation.go_live:
            yield Finding(f"{pointer}/end", "end_before_go_live", "An activation ends after it goes live.")

    def key(entry: tuple[int, Activation]) -> tuple[str, str]:
        return entry[1].trust, entry[1].algorithm

    in_time = sorted(activations, key=lambda entry: (*key(entry), entry[1].begins, entry[1].go_live, entry[0]))
    for (trust, algorithm), own in groupby(in_time, key=key):
        earlier: tuple[int, Activation] | None = None
        for i, activation in own:
            if earlier is not None and (earlier[1].end is None or activation.begins < earlier[1].end):
                detail = f"{algorithm} at {trust} is already active by activation {earlier[0]}."
                yield Finding(f"#/activations/{i}", "activation_overlap", detail)
            earlier = i, activation


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
