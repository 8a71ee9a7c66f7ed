"""Billed for an algorithm that is not live at the trust on those days."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="NOT_ACTIVE",
    name=("Algoritmen er ikke i drift", "Algorithm not live"),
    action="reject",
    severity="money",
    response=Response("RE", "UNR"),
    sentences=(
        (
            "Fakturert {quantity:count} undersøkelser for en algoritme som først settes i drift ved helseforetaket {go_live:day}.",
            "Billed {quantity:count} examinations for an algorithm that goes live at the trust on {go_live:day}.",
        ),
        (
            "Fakturert {quantity:count} undersøkelser for en algoritme som ble avsluttet ved helseforetaket {ended:day}.",
            "Billed {quantity:count} examinations for an algorithm that ended at the trust on {ended:day}.",
        ),
        (
            "Fakturert {quantity:count} undersøkelser for en algoritme som ikke er i drift ved helseforetaket i perioden.",
            "Billed {quantity:count} examinations for an algorithm that is not live at the trust in the period.",
        ),
        (
            "Fakturert for en algoritme som ikke er i drift ved helseforetaket i perioden.",
            "Billed for an algorithm that is not live at the trust in the period.",
        ),
    ),
)
