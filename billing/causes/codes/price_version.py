"""At the price of another version of the price book."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from billing.causes.changes import Change, OtherVersion, VersionLate
from billing.causes.declared import Cause, Hints, Response
from billing.causes.facts import Facts


def _changes(facts: Facts, hints: Hints) -> Iterator[Change]:
    days = sorted(version.valid_from for version in facts.book.versions)
    if len(days) < 2:
        return
    # The version next to the one in force is the likeliest, the older before the newer.
    near = sorted(days, key=lambda day: (abs((day - facts.period.start).days), day))
    for day in near:
        yield OtherVersion(day, "own")
        yield OtherVersion(day, "bare")
    adjusted = [each.effective_from for each in facts.book.index_adjustments]
    for before, day in pairwise(days):
        for month in facts.period.months():
            # An adjustment between the two days would be lost or gained with the version: that is another fault.
            between = any(min(day, month.start) < each <= max(day, month.start) for each in adjusted)
            if day < facts.period.end and before < month.start and not between:
                yield VersionLate(day, month.start)


CAUSE = Cause(
    code="PRICE_VERSION",
    name=("Annen prisversjon", "Another price version"),
    action="credit",
    severity="money",
    response=Response("CA", "PRI"),
    changes=_changes,
    told_apart_by=("enhetsprisen per algoritme og trinn", "the unit price by algorithm and tier"),
    sentences=(
        (
            "Prisversjonen som gjelder fra {valid_from:day} er brukt fra {used_from:day}.",
            "The price version valid from {valid_from:day} is used from {used_from:day}.",
        ),
        (
            "Pris fra versjonen som gjelder fra {valid_from:day} er brukt; versjonen fra {expected:day} er i kraft.",
            "The price of the version valid from {valid_from:day} is used; the version of {expected:day} is in force.",
        ),
        ("Pris fra en annen versjon er brukt.", "The price of another version is used."),
    ),
)
