"""A minimum or maximum that is wrongly applied."""

from __future__ import annotations

from collections.abc import Iterator

from billing.causes.changes import Change, NoLimit, OtherLimit, OtherLimitBasis
from billing.causes.declared import SCOPES, Cause, Hints, Response
from billing.causes.facts import Facts
from contracts.terms.period import WINDOW_KINDS
from contracts.terms.price_model import UsageCharge


def _changes(facts: Facts, hints: Hints) -> Iterator[Change]:
    own = [charge for charge in facts.charges() if isinstance(charge, UsageCharge)]
    if all(charge.minimum is None and charge.maximum is None for charge in own):
        return
    yield NoLimit("minimum")
    yield NoLimit("maximum")
    yield OtherLimitBasis()
    for per in SCOPES:
        yield OtherLimit("minimum", per=per)
        yield OtherLimit("maximum", per=per)
    for window in WINDOW_KINDS:
        yield OtherLimit("minimum", window=window)
        yield OtherLimit("maximum", window=window)
    yield OtherLimit("minimum", other_index=True)
    yield OtherLimit("maximum", other_index=True)


CAUSE = Cause(
    code="MINIMUM_WRONG",
    name=("Minste- eller maksimumsbeløp", "Minimum or maximum"),
    action="credit",
    severity="money",
    response=Response("CA", "PRI"),
    changes=_changes,
    told_apart_by=("minste- eller maksimumsbeløpet på egen linje", "the minimum or maximum on a line of its own"),
    sentences=(
        (
            "{limit} er ikke brukt, {amount:off}.",
            "{limit} is not applied, {amount:off}.",
            "left_out",
        ),
        (
            "{limit} er regnet {per}; avtalt er {agreed_per}.",
            "{limit} is applied {per}; agreed is {agreed_per}.",
        ),
        (
            "{limit} er regnet {window}; avtalt er {agreed_window}.",
            "{limit} is applied {window}; agreed is {agreed_window}.",
        ),
        (
            "{limit} er regnet {level}; avtalt er {agreed_level}.",
            "{limit} is {level}; agreed is {agreed_level}.",
        ),
        (
            "Minste- eller maksimumsbeløpet er holdt mot beløpet {basis}; avtalt er {agreed_basis}.",
            "The minimum or maximum is held against the amount {basis}; agreed is {agreed_basis}.",
        ),
        (
            "Minste- eller maksimumsbeløp er fakturert med {billed:amount}; avtalt er {expected:amount}.",
            "A minimum or maximum is billed at {billed:amount}; agreed is {expected:amount}.",
        ),
        (
            "Et minste- eller maksimumsbeløp er fakturert uten at det er avtalt, {amount:off}.",
            "A minimum or maximum is billed that was not agreed, {amount:off}.",
        ),
        ("Minste- eller maksimumsbeløp er brukt feil.", "A minimum or maximum is applied wrongly."),
    ),
)
