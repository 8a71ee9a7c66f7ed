"""Made out to another organisation number than agreed."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="WRONG_BUYER",
    name=("Feil kjøper", "Wrong buyer"),
    action="query",
    severity="stops",
    response=Response("UQ", "REC"),
    of_header=True,
    sentences=(
        (
            "Fakturaen er stilet til organisasjonsnummer {billed}; avtalt er {expected}.",
            "The invoice is made out to organisation number {billed}; agreed is {expected}.",
        ),
        (
            "Fakturaen oppgir ikke kjøpers organisasjonsnummer; avtalt er {expected}.",
            "The invoice names no organisation number of the buyer; agreed is {expected}.",
        ),
        ("Fakturaen er stilet til feil kjøper.", "The invoice is made out to the wrong buyer."),
    ),
)
