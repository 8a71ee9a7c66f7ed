"""What an agreed credit note should have taken off."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="CREDIT_PENDING",
    name=("Kreditt ikke trukket fra ennå", "Credit not taken off yet"),
    action="wait",
    severity="money",
    response=Response("IP", "FIN"),
    sentences=(
        (
            "Avtalt kreditt {credit} på {agreed:amount} er ikke trukket fra ennå.",
            "The agreed credit {credit} of {agreed:amount} is not taken off yet.",
        ),
        ("En avtalt kreditt er ikke trukket fra ennå.", "An agreed credit is not taken off yet."),
    ),
)
