"""Not adjusted by the index."""

from __future__ import annotations

from collections.abc import Iterator

from billing.causes.changes import Change, IndexFrom, NoIndex
from billing.causes.declared import Cause, Hints, Response
from billing.causes.facts import Facts


def _changes(facts: Facts, hints: Hints) -> Iterator[Change]:
    in_force = [each for each in facts.book.index_adjustments if each.effective_from < facts.period.end]
    for each in in_force:
        yield NoIndex(each.effective_from)
    if len(in_force) > 1:
        yield NoIndex(None)
    for each in in_force:
        for month in facts.period.months():
            if each.effective_from < month.start:
                yield IndexFrom(each.effective_from, month.start)


CAUSE = Cause(
    code="INDEX_MISSING",
    name=("Indeks utelatt", "Index left out"),
    action="note",
    severity="money",
    response=Response("AP", "PRI"),
    changes=_changes,
    told_apart_by=("indeksfaktoren og prisen før regulering", "the index factor and the price before it"),
    sentences=(
        (
            "Indeksreguleringen ({factor:factor}) fra {effective_from:day} er brukt først fra {used_from:day}.",
            "The index adjustment ({factor:factor}) of {effective_from:day} is applied from {used_from:day} only.",
        ),
        (
            "Indeksreguleringen ({expected:factor}) fra {effective_from:day} er ikke brukt.",
            "The index adjustment ({expected:factor}) of {effective_from:day} is not applied.",
        ),
        ("Ingen indeksregulering er brukt.", "No index adjustment is applied."),
    ),
)
