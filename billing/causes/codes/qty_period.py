"""The examinations of another period."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="QTY_PERIOD",
    name=("Volum fra en annen periode", "Usage of another period"),
    action="query",
    severity="money",
    response=Response("UQ", "QTY"),
    told_apart_by=(
        "leverandørens telling per helseforetak, algoritme og måned",
        "the vendor's count by trust, algorithm and month",
    ),
    sentences=(
        (
            "Undersøkelser fra en annen periode er med: fakturert {billed:count}, registrert {own:count} i {span}.",
            "Examinations of another period are billed: billed {billed:count}, counted {own:count} in {span}.",
        ),
        (
            "{billed:count} undersøkelser gjelder {from} og ikke perioden fakturaen er for.",
            "{billed:count} examinations belong to {from} and not to the period of the invoice.",
        ),
        ("Undersøkelser fra en annen periode er fakturert.", "Examinations of another period are billed."),
    ),
)
