"""The rest, which no cause explains."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="UNEXPLAINED",
    name=("Uforklart", "Unexplained"),
    action="person",
    severity="money",
    response=Response("IP", "OTH"),
    catch_all=True,
    sentences=(
        (
            "Fakturert {billed:amount}, beregnet {expected:amount}; {amount:off} er ikke forklart.",
            "Billed {billed:amount}, computed {expected:amount}; {amount:off} is not explained.",
        ),
        ("Differansen er ikke forklart.", "The difference is not explained."),
    ),
)
