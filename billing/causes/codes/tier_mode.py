"""Tiers read as all units at the tier reached for graduated, or the reverse."""

from __future__ import annotations

from collections.abc import Iterator

from billing.causes.changes import Change, OtherModel
from billing.causes.declared import Cause, Hints, Response
from billing.causes.facts import Facts


def _changes(facts: Facts, hints: Hints) -> Iterator[Change]:
    yield OtherModel()


CAUSE = Cause(
    code="TIER_MODE",
    name=("Trinn lest på en annen måte", "Tiers read otherwise"),
    action="credit",
    severity="money",
    response=Response("CA", "PRI"),
    changes=_changes,
    told_apart_by=("én linje per trinn, med antall og enhetspris", "a line per tier, with quantity and unit price"),
    sentences=(
        (
            "Trinnene er lest som {billed}; avtalt er {expected}.",
            "The tiers are read as {billed}; agreed is {expected}.",
        ),
        ("Trinnene er lest på en annen måte enn avtalt.", "The tiers are read otherwise than agreed."),
    ),
)
