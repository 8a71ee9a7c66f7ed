"""VAT at another rate, on another base or of another sum."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="VAT",
    name=("Mva.", "VAT"),
    action="query",
    severity="formal",
    response=Response("UQ", "FIN"),
    of_header=True,
    sentences=(
        (
            "Merverdiavgiften er {billed:amount} med satsen {rates}; {rate:share} av {net:amount} er {expected:amount}.",
            "VAT is {billed:amount} at the rate of {rates}; {rate:share} of {net:amount} is {expected:amount}.",
        ),
        (
            "Merverdiavgiften er {billed:amount}; {rate:share} av {net:amount} er {expected:amount}.",
            "VAT is {billed:amount}; {rate:share} of {net:amount} is {expected:amount}.",
        ),
        ("Merverdiavgiften er feil.", "VAT is wrong."),
    ),
)
