"""Adjusted by the index before its day."""

from __future__ import annotations

from collections.abc import Iterator

from billing.causes.changes import Change, IndexFrom
from billing.causes.declared import Cause, Hints, Response
from billing.causes.facts import Facts


def _changes(facts: Facts, hints: Hints) -> Iterator[Change]:
    for adjustment in facts.book.index_adjustments:
        if adjustment.effective_from > facts.period.start:
            for month in facts.period.months():
                version = facts.book.version_on(month.start)
                # A version stands at its own level: an adjustment on its first day would be none at all.
                if month.start < adjustment.effective_from and version is not None and version.valid_from < month.start:
                    yield IndexFrom(adjustment.effective_from, month.start)


CAUSE = Cause(
    code="INDEX_EARLY",
    name=("Indeks for tidlig", "Index too early"),
    action="credit",
    severity="money",
    response=Response("CA", "PRI"),
    changes=_changes,
    told_apart_by=("indeksfaktoren og prisen før regulering", "the index factor and the price before it"),
    sentences=(
        (
            "Indeksreguleringen ({factor:factor}) er brukt fra {used_from:day}; den gjelder fra {effective_from:day}.",
            "The index adjustment ({factor:factor}) is applied from {used_from:day}; it takes effect on {effective_from:day}.",
        ),
        ("Indeksreguleringen er brukt for tidlig.", "The index adjustment is applied early."),
    ),
)
