"""With the ramp-up discount after its end, which is in our favour and told all the same."""

from __future__ import annotations

from collections.abc import Iterator

from billing.causes.changes import Change, LongerRamp
from billing.causes.declared import Cause, Hints, Response, ramps_of
from billing.causes.facts import Facts

_LONGEST_RAMP_ERROR = 6


def _changes(facts: Facts, hints: Hints) -> Iterator[Change]:
    if ramps_of(facts):
        for months in range(1, _LONGEST_RAMP_ERROR + 1):
            yield LongerRamp(months)
        yield LongerRamp(None)


CAUSE = Cause(
    code="RAMP_EXPIRED",
    name=("Innfasingsrabatt for lenge", "Ramp-up discount too long"),
    action="note",
    severity="money",
    response=Response("AP", "PRI"),
    changes=_changes,
    told_apart_by=("rabatten vist for seg, med sats og fase", "the discount shown apart, with rate and phase"),
    sentences=(
        (
            "Innfasingsrabatt på {billed:share} er gitt etter at den er slutt, {amount:off}.",
            "A ramp-up discount of {billed:share} is given after its end, {amount:off}.",
        ),
        (
            "Innfasingsrabatt er gitt {months:months} for lenge, {amount:off}.",
            "The ramp-up discount is given {months:months} too long, {amount:off}.",
        ),
        (
            "Innfasingsrabatt er gitt etter at den er slutt, {amount:off}.",
            "The ramp-up discount is given after its end, {amount:off}.",
        ),
        ("Innfasingsrabatt er gitt etter at den er slutt.", "The ramp-up discount is given after its end."),
    ),
)
