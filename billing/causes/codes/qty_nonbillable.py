"""Validation, failed or repeated runs."""

from __future__ import annotations

from collections.abc import Iterator

from billing.causes.changes import Change, ValidationBilled
from billing.causes.declared import Cause, Hints, Response
from billing.causes.facts import Facts


def _changes(facts: Facts, hints: Hints) -> Iterator[Change]:
    inside = {(entry.trust, entry.algorithm) for entry in facts.validation if facts.period.contains(entry.on)}
    if inside:
        yield ValidationBilled()
        for trust, algorithm in sorted(inside):
            yield ValidationBilled(trust, algorithm)


CAUSE = Cause(
    code="QTY_NONBILLABLE",
    name=("Ikke fakturerbare kjøringer", "Not billable runs"),
    action="query",
    severity="money",
    response=Response("UQ", "QTY"),
    changes=_changes,
    told_apart_by=(
        "leverandørens telling per helseforetak, algoritme og måned",
        "the vendor's count by trust, algorithm and month",
    ),
    sentences=(
        (
            "{difference:count} undersøkelser er ikke fakturerbare (validering, mislykkede eller gjentatte kjøringer): "
            "fakturert {billed:count}, registrert {own:count}.",
            "{difference:count} examinations are not billable (validation, failed or repeated runs): billed {billed:count}, "
            "counted {own:count}.",
        ),
        (
            "{difference:count} undersøkelser er ikke fakturerbare (validering, mislykkede eller gjentatte kjøringer).",
            "{difference:count} examinations are not billable (validation, failed or repeated runs).",
        ),
        (
            "{billed:count} undersøkelser er ikke fakturerbare: {reason}.",
            "{billed:count} examinations are not billable: {reason}.",
        ),
        (
            "Valideringskjøringer er fakturert som ordinære undersøkelser, {amount:off}.",
            "Validation runs are billed as ordinary examinations, {amount:off}.",
        ),
        ("Undersøkelser som ikke er fakturerbare er fakturert.", "Examinations that are not billable are billed."),
    ),
)
