"""A credit note that is not what was agreed."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="CREDIT_WRONG",
    name=("Annen kreditt enn avtalt", "Another credit than agreed"),
    action="query",
    severity="money",
    response=Response("UQ", "FIN"),
    sentences=(
        (
            "Kreditert {billed:amount} for {credit}; avtalt er {agreed:amount}.",
            "Credited {billed:amount} for {credit}; agreed is {agreed:amount}.",
        ),
        ("Kreditert {billed:amount}, som ikke er avtalt.", "Credited {billed:amount}, which was not agreed."),
        ("Kreditert annet enn avtalt.", "Credited otherwise than agreed."),
    ),
)
