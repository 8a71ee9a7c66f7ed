"""Otherwise in the wrong tier."""

from __future__ import annotations

from collections.abc import Iterator

from billing.causes.changes import AllInTier, Change, OtherBoundary
from billing.causes.declared import Cause, Hints, Response
from billing.causes.facts import Facts
from contracts.terms.price_model import UsageCharge


def _changes(facts: Facts, hints: Hints) -> Iterator[Change]:
    yield OtherBoundary()
    charge = facts.charge_on(facts.period.start)
    if isinstance(charge, UsageCharge):
        for number in range(1, len(charge.model.as_tiers()) + 1):
            yield AllInTier(number)


CAUSE = Cause(
    code="TIER_WRONG",
    name=("Feil trinn", "Wrong tier"),
    action="credit",
    severity="money",
    response=Response("CA", "PRI"),
    changes=_changes,
    catch_all=True,
    told_apart_by=("én linje per trinn, med antall og enhetspris", "a line per tier, with quantity and unit price"),
    sentences=(
        (
            "Fakturert til prisen for trinn {billed_tier}, {billed:price}; volumet tilsier {expected:price}.",
            "Billed at the price of tier {billed_tier}, {billed:price}; the volume gives {expected:price}.",
        ),
        (
            "Alle enheter er fakturert til prisen for trinn {billed_tier}, {amount:off}.",
            "All units are billed at the price of tier {billed_tier}, {amount:off}.",
        ),
        (
            "Enheten på trinngrensen er priset i {bound}; avtalt er {agreed_bound}.",
            "The unit on a tier's bound is priced in {bound}; agreed is {agreed_bound}.",
        ),
        (
            "{quantity:count} undersøkelser er fakturert i andre trinn enn volumet tilsier, {amount:off}.",
            "{quantity:count} examinations are billed in other tiers than the volume gives, {amount:off}.",
        ),
        ("Enheter er fakturert i feil trinn.", "Units are billed in the wrong tier."),
    ),
)
