"""A line billed twice, in this document or an earlier one."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="LINE_DUP",
    name=("Linje fakturert to ganger", "Line billed twice"),
    action="reject",
    severity="money",
    response=Response("RE", "QTY"),
    sentences=(
        (
            "Linja står også på faktura {earlier}: {quantity:count} à {price:price}.",
            "The line stands on invoice {earlier} too: {quantity:count} at {price:price}.",
        ),
        (
            "Linja er fakturert to ganger: {quantity:count} à {price:price}.",
            "The line is billed twice: {quantity:count} at {price:price}.",
        ),
        ("Linja er fakturert to ganger.", "The line is billed twice."),
    ),
)
