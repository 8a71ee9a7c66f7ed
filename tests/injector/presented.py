"""Hand a world and its document to the product, in the product's types: the one place here that knows them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from billing.causes import AgreedCredit, AgreementFacts, SetApart, Situation
from billing.causes.billed import BilledDocument, BilledLine, TaxPart
from billing.causes.naming import Names
from billing.schemas.price import load_price_request
from contracts.terms.period import Period
from contracts.terms.price_book import Usage

from .documents import Invoice
from .worlds import CAPTIONS, PRODUCTS, TRUSTS, World

Document = dict[str, Any]

NAMES = Names(
    trusts=tuple((name, code) for code, name in TRUSTS.items()),
    algorithms=tuple((name, code) for code, name in PRODUCTS.items()),
    charges=tuple((name, code) for code, name in CAPTIONS.items()),
)


def period_of(document: Document | None) -> Period | None:
    """Read a period."""
    if document is None:
        return None
    return Period(date.fromisoformat(document["from"]), date.fromisoformat(document["to"]))


def billed_line(line: Document) -> BilledLine:
    """Give an invoice line in the product's words."""
    return BilledLine(
        id=line["id"],
        net=line["net"],
        quantity=line["quantity"],
        price=line["price"],
        base_quantity=line.get("base", Decimal(1)),
        allowance=line.get("allowance", Decimal("0.00")),
        text=line["name"],
        trust=line["trust"],
        algorithm=line["algorithm"],
        charge=line["charge"],
        period=period_of(line["period"]),
        tier=line["tier"],
        phase=line["phase"],
        why=line["why"],
        reference=line.get("reference"),
    )


def billed_document(invoice: Invoice) -> BilledDocument:
    """Give an invoice in the product's words."""
    header = invoice.header
    return BilledDocument(
        number=header["number"],
        kind=header.get("kind", "invoice"),
        currency=header["currency"],
        lines=tuple(billed_line(line) for line in invoice.lines),
        issued_on=header["issued_on"],
        due_on=header["due_on"],
        seller=header["seller"],
        buyer=header["buyer"],
        buyer_reference=header["buyer_reference"],
        order_reference=header["order_reference"],
        contract_reference=header["contract_reference"],
        accounts=tuple(header["accounts"]),
        credits=tuple(header.get("credits", ())),
        tax_exclusive=header["tax_exclusive"],
        tax=header["tax"],
        tax_parts=(TaxPart(header["tax_base"], header["tax"], header["tax_rate"]),),
        rules=tuple(header.get("rules", ())),
    )


def situation(world: World, invoice: Invoice, earlier: tuple[Invoice, ...] = ()) -> Situation:
    """Give everything the product may know of a world and one document of it."""
    request = load_price_request(world.request)

    def usage(entries: list[Document]) -> tuple[Usage, ...]:
        return tuple(
            Usage(each["trust"], each["algorithm"], date.fromisoformat(each["on"]), each["quantity"])
            for each in entries
        )

    apart = tuple(
        SetApart(each["trust"], each["algorithm"], date.fromisoformat(each["on"]), each["quantity"], each["reason"])
        for each in (*world.unbillable, *world.resent)
    )
    credits = (
        AgreedCredit(each["id"], Decimal(each["amount"]), trust=each["trust"], on_next_invoice=True)
        for each in invoice.header.get("agreed_credits", ())
    )
    return Situation(
        document=billed_document(invoice),
        period=request.period,
        agreement=request.agreement,
        price_book=request.price_book,
        activations=request.activations,
        usage=request.usage,
        names=NAMES,
        set_apart=apart,
        late=usage(world.late),
        statement=None if invoice.statement is None else usage(invoice.statement),
        earlier=tuple(billed_document(each) for each in earlier),
        credits=tuple(credits),
        facts=AgreementFacts(
            buyers=("987654325",),
            buyer_references=("Avtaleforvaltning",),
            order_references=("4500218861",),
            contract_references=("RA-2024-01",),
            payment_days=30,
            accounts=("12345670007",),
            vat_rate=Decimal("0.25"),
            maximum_value=Decimal(invoice.header["maximum_value"]),
            accepted=Decimal(0),
        ),
    )
