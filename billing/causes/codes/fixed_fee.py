"""A fee that is not agreed, not due, or another amount."""

from __future__ import annotations

from collections.abc import Iterator

from billing.causes.changes import Change, OtherPayer, OtherProration
from billing.causes.declared import SCOPES, Cause, Hints, Response
from billing.causes.facts import Facts
from contracts.terms.price_model import FixedCharge


def _changes(facts: Facts, hints: Hints) -> Iterator[Change]:
    if any(isinstance(charge, FixedCharge) for charge in facts.charges()):
        yield OtherProration()
        for per in SCOPES:
            yield OtherPayer(per)


CAUSE = Cause(
    code="FIXED_FEE",
    name=("Fast beløp", "Fixed fee"),
    action="credit",
    severity="money",
    response=Response("CA", "PRI"),
    changes=_changes,
    told_apart_by=("hvert fast beløp på egen linje", "each fixed fee on a line of its own"),
    sentences=(
        (
            "Fast beløp er fakturert {per}; avtalt er {expected}.",
            "The fixed fee is billed {per}; agreed is {expected}.",
        ),
        (
            "Fast beløp er fakturert {proration}; avtalt er {agreed_proration}.",
            "The fixed fee is billed {proration}; agreed is {agreed_proration}.",
        ),
        (
            "Fast beløp er fakturert med {billed:amount}; avtalt er {expected:amount}.",
            "The fixed fee is billed at {billed:amount}; agreed is {expected:amount}.",
        ),
        ("Et gebyr på {amount:amount} er ikke avtalt.", "A fee of {amount:amount} is not agreed."),
        ("Et fast beløp er ikke som avtalt.", "A fixed fee is not as agreed."),
    ),
)
