"""Due, and not billed at all."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="MISSING_LINE",
    name=("Forfalt, ikke fakturert", "Due, not invoiced"),
    action="note",
    severity="money",
    response=Response("AP", "QTY"),
    sentences=(
        (
            "{missing:amount} som skulle vært fakturert, står ikke på fakturaen.",
            "{missing:amount} that is due is not on the invoice.",
        ),
        ("Noe som skulle vært fakturert, står ikke på fakturaen.", "Something that is due is not on the invoice."),
    ),
)
