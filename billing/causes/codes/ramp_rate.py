"""With another ramp-up discount, or from another start."""

from __future__ import annotations

from collections.abc import Iterator

from billing.causes.changes import Change, OtherPhaseOrder, OtherRampStart, OtherRate, RampFromDay
from billing.causes.declared import Cause, Hints, Response, ramps_of
from billing.causes.facts import Facts


def _changes(facts: Facts, hints: Hints) -> Iterator[Change]:
    ramps = ramps_of(facts)
    if not ramps:
        return
    yield OtherRampStart()
    yield OtherPhaseOrder()
    known = {phase.discount for ramp in ramps for phase in ramp.phases}
    phases = max(len(ramp.phases) for ramp in ramps)
    for number in range(1, phases + 1):
        for rate in sorted(known):
            yield OtherRate(number, rate)
    for seen, rate in hints.rates:
        if 0 < rate <= 1:  # a discount of nothing is one that was left out
            yield OtherRate(seen, rate)
    for each in facts.activations:
        if (each.trust, each.algorithm) in hints.subjects and each.validation_from is not None:
            yield RampFromDay(each.trust, each.algorithm, each.validation_from)


CAUSE = Cause(
    code="RAMP_RATE",
    name=("Annen innfasingsrabatt", "Another ramp-up discount"),
    action="credit",
    severity="money",
    response=Response("CA", "PRI"),
    changes=_changes,
    told_apart_by=("rabatten vist for seg, med sats og fase", "the discount shown apart, with rate and phase"),
    sentences=(
        (
            "Innfasingsrabatten i fase {phase} er {billed:share}; avtalt er {expected:share}.",
            "The ramp-up discount of phase {phase} is {billed:share}; agreed is {expected:share}.",
        ),
        (
            "Innfasingsrabatten er {billed:share}; avtalt er {expected:share}.",
            "The ramp-up discount is {billed:share}; agreed is {expected:share}.",
        ),
        (
            "Innfasingsrabatten er {discount:amount}; avtalt er {agreed_discount:amount}.",
            "The ramp-up discount is {discount:amount}; agreed is {agreed_discount:amount}.",
        ),
        (
            "Innfasingen er regnet fra {start}; avtalt er fra {agreed_start}.",
            "The ramp-up is counted from {start}; agreed is from {agreed_start}.",
        ),
        (
            "Innfasingen er regnet fra {day:day} og ikke fra driftsstart.",
            "The ramp-up is counted from {day:day} and not from go-live.",
        ),
        (
            "Rabattene i innfasingens faser er byttet om, {amount:off}.",
            "The discounts of the ramp-up's phases are given the other way round, {amount:off}.",
            "turned",
        ),
        (
            "Innfasingsrabatten har en annen sats eller start enn avtalt.",
            "The ramp-up discount has another rate or start than agreed.",
        ),
    ),
)
