"""Examinations of a closed period that came late."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="QTY_LATE",
    name=("Volum registrert sent", "Usage recorded late"),
    action="note",
    severity="money",
    response=Response("AP", "QTY"),
    told_apart_by=(
        "leverandørens telling per helseforetak, algoritme og måned",
        "the vendor's count by trust, algorithm and month",
    ),
    sentences=(
        (
            "{difference:count} undersøkelser er registrert etter at perioden deres ble lukket.",
            "{difference:count} examinations were recorded after their period was closed.",
        ),
        (
            "{late:count} undersøkelser fra {from} er registrert etter at perioden ble lukket.",
            "{late:count} examinations of {from} were recorded after the period was closed.",
        ),
        (
            "Undersøkelser som er registrert etter lukking er fakturert.",
            "Examinations recorded after closing are billed.",
        ),
    ),
)
