"""What nothing can ever be priced under: a term, a price book or activations that contradict themselves (pricing.md §1.1 §1.3 §3.3).

One copy for whoever takes such terms in: an agreement is refused by the rule that would later refuse to rate it. Pointers
lead into a document that holds ``agreement``, ``price_book`` and ``activations``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from contracts.terms.price_book import (
    LONGEST_TERM_YEARS,
    Activation,
    AgreementTerm,
    Finding,
    PriceBook,
    check,
    errors_of,
)


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
