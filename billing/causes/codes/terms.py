"""Due for payment on another day than agreed."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="TERMS",
    name=("Annen forfallsdato", "Another due date"),
    action="query",
    severity="formal",
    response=Response("UQ", "PAY"),
    of_header=True,
    sentences=(
        (
            "Forfall er {billed:day}; {days} dagers frist gir {expected:day}.",
            "Due on {billed:day}; {days} days give {expected:day}.",
        ),
        ("Forfall er en annen dag enn avtalt.", "It is due on another day than agreed."),
    ),
)
