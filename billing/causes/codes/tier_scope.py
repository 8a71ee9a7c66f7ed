"""Tiers counted over others than agreed: per trust for pooled, or the reverse."""

from __future__ import annotations

from collections.abc import Iterator

from billing.causes.changes import Change, OtherScope
from billing.causes.declared import SCOPES, Cause, Hints, Response
from billing.causes.facts import Facts


def _changes(facts: Facts, hints: Hints) -> Iterator[Change]:
    for scope in SCOPES:
        yield OtherScope(scope)


CAUSE = Cause(
    code="TIER_SCOPE",
    name=("Trinn regnet for andre", "Tiers counted for others"),
    action="credit",
    severity="money",
    response=Response("CA", "PRI"),
    changes=_changes,
    told_apart_by=("én linje per trinn, med antall og enhetspris", "a line per tier, with quantity and unit price"),
    sentences=(
        ("Trinn er regnet {billed}; avtalt er {expected}.", "Tiers are counted {billed}; agreed is {expected}."),
        ("Trinn er regnet for andre enn avtalt.", "Tiers are counted over others than agreed."),
    ),
)
