"""Without, or with a wrong, order, buyer or agreement reference."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="REF_WRONG",
    name=("Feil referanse", "Wrong reference"),
    action="query",
    severity="formal",
    response=Response("UQ", "REF"),
    of_header=True,
    sentences=(
        ("Feil i {which}: {billed}; avtalt er {expected}.", "Wrong in {which}: {billed}; agreed is {expected}."),
        ("Fakturaen mangler {which}; avtalt er {expected}.", "The invoice lacks {which}; agreed is {expected}."),
        ("En referanse mangler eller er feil.", "A reference is missing or wrong."),
    ),
)
