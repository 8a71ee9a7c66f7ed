"""In another currency than the agreement's; nothing is subtracted."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="CURRENCY",
    name=("Annen valuta", "Another currency"),
    action="query",
    severity="stops",
    response=Response("UQ", "FIN"),
    of_header=True,
    sentences=(
        (
            "Fakturert i {billed}, avtalen er i {expected}. Beløpene er ikke sammenlignet.",
            "Billed in {billed}, the agreement is in {expected}. The amounts are not compared.",
        ),
        (
            "Fakturert i en annen valuta enn avtalt. Beløpene er ikke sammenlignet.",
            "Billed in another currency than agreed. The amounts are not compared.",
        ),
    ),
)
