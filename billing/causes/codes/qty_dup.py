"""Examinations counted twice: re-sent ones, or a day, a week or a month."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="QTY_DUP",
    name=("Talt to ganger", "Counted twice"),
    action="query",
    severity="money",
    response=Response("UQ", "QTY"),
    told_apart_by=(
        "leverandørens telling per helseforetak, algoritme og måned",
        "the vendor's count by trust, algorithm and month",
    ),
    sentences=(
        (
            "{difference:count} undersøkelser er talt to ganger: fakturert {billed:count}, registrert {own:count}.",
            "{difference:count} examinations are counted twice: billed {billed:count}, counted {own:count}.",
        ),
        ("{difference:count} undersøkelser er talt to ganger.", "{difference:count} examinations are counted twice."),
        ("Undersøkelser er talt to ganger.", "Examinations are counted twice."),
    ),
)
