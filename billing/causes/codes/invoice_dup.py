"""A document billed before, under its number or another one."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="INVOICE_DUP",
    name=("Faktura sendt to ganger", "Invoice sent twice"),
    action="reject",
    severity="stops",
    response=Response("RE", "OTH"),
    sentences=(
        (
            "Faktura {number} gjentar faktura {earlier}, som allerede er mottatt.",
            "Invoice {number} repeats invoice {earlier}, which was received before.",
        ),
        ("Fakturaen er mottatt før.", "The invoice was received before."),
    ),
)
