"""At a price of no version."""

from __future__ import annotations

from billing.causes.declared import Cause, Response

CAUSE = Cause(
    code="PRICE_UNIT",
    name=("Pris som ikke er avtalt", "A price not agreed"),
    action="credit",
    severity="money",
    response=Response("CA", "PRI"),
    catch_all=True,
    told_apart_by=("enhetsprisen per algoritme og trinn", "the unit price by algorithm and tier"),
    sentences=(
        (
            "Enhetsprisen er {billed:price}, som ikke finnes i noen prisversjon; avtalt er {expected:price}.",
            "The unit price is {billed:price}, which is in no price version; agreed is {expected:price}.",
        ),
        (
            "Enhetsprisen er i snitt {average_billed:price} for {quantity:count} undersøkelser; avtalt er {average:price}.",
            "The unit price is {average_billed:price} on average for {quantity:count} examinations; agreed is {average:price}.",
        ),
        (
            "Beløpet er fakturert med {amount_billed:amount}; avtalt er {amount_due:amount}.",
            "The amount is billed at {amount_billed:amount}; agreed is {amount_due:amount}.",
        ),
        ("Enhetsprisen finnes ikke i noen prisversjon.", "The unit price is in no price version."),
    ),
)
