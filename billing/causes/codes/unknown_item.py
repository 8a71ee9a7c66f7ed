"""Billed for what matches nothing that was agreed."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="UNKNOWN_ITEM",
    name=("Ikke avtalt", "Not agreed"),
    action="query",
    severity="money",
    response=Response("UQ", "ITM"),
    sentences=(
        (
            "«{text}» til {amount:amount} svarer ikke til noe som er avtalt.",
            "“{text}” at {amount:amount} matches nothing that was agreed.",
        ),
        ("{amount:amount} svarer ikke til noe som er avtalt.", "{amount:amount} matches nothing that was agreed."),
        ("Beløpet svarer ikke til noe som er avtalt.", "The amount matches nothing that was agreed."),
    ),
)
