"""The counter not carried on, or not started over, when agreed."""

from __future__ import annotations

from collections.abc import Iterator

from billing.causes.changes import Change, CountedFrom, OtherWindow
from billing.causes.declared import Cause, Hints, Response
from billing.causes.facts import Facts
from contracts.terms.period import WINDOW_KINDS


def _changes(facts: Facts, hints: Hints) -> Iterator[Change]:
    for window in WINDOW_KINDS:
        yield OtherWindow(window)
    yield CountedFrom(facts.period.start)


CAUSE = Cause(
    code="TIER_RESET",
    name=("Telleren er nullstilt", "Counter started over"),
    action="credit",
    severity="money",
    response=Response("CA", "PRI"),
    changes=_changes,
    told_apart_by=("én linje per trinn, med antall og enhetspris", "a line per tier, with quantity and unit price"),
    sentences=(
        (
            "Telleren er nullstilt {billed}; avtalt er {expected}.",
            "The counter starts over {billed}; agreed is {expected}.",
        ),
        (
            "Telleren er startet på nytt {day:day}, men skal løpe videre.",
            "The counter starts over on {day:day}, but should carry on.",
        ),
        ("Telleren er nullstilt på en annen dag enn avtalt.", "The counter starts over on another day than agreed."),
    ),
)
