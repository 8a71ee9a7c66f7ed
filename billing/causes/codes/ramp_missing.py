"""Without the ramp-up discount."""

from __future__ import annotations

from collections.abc import Iterator

from billing.causes.changes import Change, NoRamp, NoRampAt, ShorterRamp, Undiscounted
from billing.causes.declared import Cause, Hints, Response, ramps_of
from billing.causes.facts import Facts

_LONGEST_RAMP_ERROR = 6


def _changes(facts: Facts, hints: Hints) -> Iterator[Change]:
    if ramps_of(facts):
        yield NoRamp()
        for trust, algorithm in hints.subjects:
            yield NoRampAt(trust, algorithm)
        yield Undiscounted()
        for trust, algorithm in hints.subjects:
            yield Undiscounted(trust, algorithm)
        for months in range(1, _LONGEST_RAMP_ERROR + 1):
            yield ShorterRamp(months)


CAUSE = Cause(
    code="RAMP_MISSING",
    name=("Innfasingsrabatt utelatt", "Ramp-up discount left out"),
    action="credit",
    severity="money",
    response=Response("CA", "PRI"),
    changes=_changes,
    told_apart_by=("rabatten vist for seg, med sats og fase", "the discount shown apart, with rate and phase"),
    sentences=(
        (
            "Innfasingsrabatten på {expected:share} er ikke trukket fra.",
            "The ramp-up discount of {expected:share} is not taken off.",
        ),
        (
            "Innfasingsrabatten på {agreed_discount:amount} er ikke trukket fra.",
            "The ramp-up discount of {agreed_discount:amount} is not taken off.",
        ),
        (
            "Innfasingsrabatten er avsluttet {months:months} for tidlig, {amount:off}.",
            "The ramp-up discount ended {months:months} early, {amount:off}.",
        ),
        (
            "Innfasingsrabatten er ikke trukket fra, {amount:off}.",
            "The ramp-up discount is not taken off, {amount:off}.",
        ),
        ("Innfasingsrabatten er ikke trukket fra.", "The ramp-up discount is not taken off."),
    ),
)
