"""A line or a sum that does not add up beyond the tolerance."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="ARITHMETIC",
    name=("Summerer ikke", "Does not add up"),
    action="query",
    severity="money",
    response=Response("UQ", "FIN"),
    sentences=(
        (
            "Linja er fakturert med {billed:amount}, men {quantity:count} à {price:price} med fradrag på {allowance:amount} "
            "gir {expected:amount}.",
            "The line is billed at {billed:amount}, but {quantity:count} at {price:price} less {allowance:amount} comes to "
            "{expected:amount}.",
        ),
        (
            "Linja er fakturert med {billed:amount}, men {quantity:count} à {price:price} gir {expected:amount}.",
            "The line is billed at {billed:amount}, but {quantity:count} at {price:price} comes to {expected:amount}.",
        ),
        (
            "Summen er {billed:amount}, men linjene gir {expected:amount}.",
            "The sum is {billed:amount}, but the lines come to {expected:amount}.",
        ),
        ("Beløpene summerer ikke, {amount:off}.", "The amounts do not add up, {amount:off}."),
        ("Beløpene summerer ikke.", "The amounts do not add up."),
    ),
)
