"""Within the tolerance."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="ROUNDING",
    name=("Avrunding", "Rounding"),
    action="accept",
    severity="none",
    response=Response("AP", "NON"),
    sentences=(
        (
            "Avrunding på {amount:amount}, innenfor toleransen.",
            "Rounding of {amount:amount}, within the tolerance.",
        ),
        ("Avrunding innenfor toleransen.", "Rounding within the tolerance."),
    ),
)
