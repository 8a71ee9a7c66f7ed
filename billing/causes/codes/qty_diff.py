"""Another quantity than we counted, and nothing says why."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="QTY_DIFF",
    name=("Annet antall", "Another quantity"),
    action="query",
    severity="money",
    response=Response("UQ", "QTY"),
    catch_all=True,
    told_apart_by=(
        "leverandørens telling per helseforetak, algoritme og måned",
        "the vendor's count by trust, algorithm and month",
    ),
    sentences=(
        (
            "Leverandøren har fakturert {billed:count} undersøkelser, vi har registrert {own:count}.",
            "The vendor billed {billed:count} examinations, we counted {own:count}.",
        ),
        ("Et annet antall enn vi har registrert er fakturert.", "Another quantity than we counted is billed."),
    ),
)
