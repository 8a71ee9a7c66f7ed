"""Beyond the agreement's maximum value."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="CEILING",
    name=("Ut over rammen", "Beyond the maximum value"),
    action="query",
    severity="formal",
    response=Response("UQ", "PAY"),
    of_header=True,
    sentences=(
        (
            "Fakturaen går {beyond:amount} ut over rammen på {maximum:amount}; godkjent før er {accepted:amount}.",
            "The invoice goes {beyond:amount} beyond the maximum of {maximum:amount}; accepted before is {accepted:amount}.",
        ),
        ("Fakturaen går ut over rammen.", "The invoice goes beyond the maximum."),
    ),
)
