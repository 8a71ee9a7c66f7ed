"""Hand a bill to the product as a file that came in: an EHF document, read by the vendor mapping that nobody has changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from billing.causes import AgreementFacts, SetApart, Situation
from billing.causes.billed import BilledDocument
from billing.causes.naming import Names
from billing.ehf.document import (
    AllowanceCharge,
    Identifier,
    ItemProperty,
    Line,
    Party,
    PaymentMeans,
    Period,
    Price,
    Tax,
    TaxSubtotal,
    TaxTotal,
    Totals,
)
from billing.ehf.document import Document as EhfDocument
from billing.invoices.billed import to_billed
from billing.invoices.line_reading import DEFAULT, KnownNames, LineReader
from billing.schemas.price import load_price_request
from contracts.terms.price_book import Usage

from .agreements import PRODUCTS, TRUSTS, Agreed
from .cuts import ZERO, Bill, name_of, when_of

Document = dict[str, Any]

TRUST_NAMES = tuple((name, code) for code, names in TRUSTS.items() for name in (code, *names))
ALGORITHM_NAMES = tuple((name, code) for code, product in PRODUCTS.items() for name in (code, product))
BUYER, SELLER, ACCOUNT = "987654325", "912345678", "86011117947"
VAT = Decimal("0.25")


def document_of(agreed: Agreed, bill: Bill, wording: str) -> EhfDocument:
    """Write the document."""
    header = bill.header
    issued = agreed.quarter[1] + timedelta(days=5)
    net = header.get("tax_exclusive", bill.net)
    tax = header.get("tax", (net * VAT).quantize(Decimal("0.01"), "ROUND_HALF_UP"))
    rate = header.get("tax_percent", Decimal(25))
    allowances = (AllowanceCharge(False, bill.allowance, reason="Innfasingsrabatt"),) if bill.allowance else ()
    return EhfDocument(
        kind="invoice",
        number=header.get("number", "7001"),
        issue_date=issued,
        due_date=header.get("due", issued + timedelta(days=30)),
        currency=header.get("currency", "NOK"),
        buyer_reference=header.get("buyer_reference", "4000123456"),
        order=header.get("order", "PO-77"),
        contract=header.get("contract", "RA-KI-24"),
        period=Period.from_half_open(*agreed.quarter),
        seller=_party(header.get("seller", SELLER), header.get("seller_name", "Fjordlys AS")),
        buyer=_party(header.get("buyer", BUYER), "Sykehuspartner HF"),
        payment_means=(PaymentMeans("30", account=header.get("account", ACCOUNT)),),
        allowances=allowances,
        tax_totals=(TaxTotal(tax, header.get("currency", "NOK"), (TaxSubtotal(net, tax, Tax("S", rate), "NOK"),)),),
        totals=Totals(line_sum=net + bill.allowance, tax_exclusive=net),
        lines=tuple(_line(line, number, wording) for number, line in enumerate(bill.lines, start=1)),
    )


def _party(number: str | None, name: str) -> Party:
    return Party(legal_name=name, organisation=None if number is None else Identifier(number, "0192"))


def _line(line: Document, number: int, wording: str) -> Line:
    trust, algorithm = line["trust"], line["algorithm"]
    properties: list[ItemProperty] = []
    item, name, period = None, name_of(line), None
    if wording in ("ids", "properties", "charge_ids") and trust:
        properties.append(ItemProperty("helseforetak" if wording == "properties" else "trust", trust))
    if wording == "properties" and algorithm:
        properties.append(ItemProperty("algoritme", algorithm))
    if wording in ("ids", "charge_ids"):
        item = algorithm
        if wording == "charge_ids" and line["charge"] and (line["why"] or not algorithm):
            item = f"{line['charge']}"
    if wording in ("ids", "properties", "charge_ids"):
        for label, value in (("tier", line["tier"]), ("phase", line["phase"])):
            if value is not None:
                properties.append(ItemProperty(label, str(value)))
    else:
        name += f", trinn {line['tier']}" if line["tier"] else ""
    if wording == "dates_in_text":
        name += f", {when_of(line)}"
    elif line.get("dated", True):
        period = Period.from_half_open(date.fromisoformat(line["from"]), date.fromisoformat(line["to"]))
    off = line["allowance"]
    return Line(
        id=str(number),
        quantity=line["quantity"],
        net=line["net"],
        name=name,
        price=Price(amount=line["price"], base_quantity=line["base"] if line["base"] != 1 else None),
        allowances=(AllowanceCharge(off < 0, abs(off), reason="Rabatt"),) if off else (),
        period=period,
        seller_item=item,
        properties=tuple(properties),
    )


def billed(agreed: Agreed, bill: Bill, wording: str) -> BilledDocument:
    """Read a bill as the product reads a document."""
    document = document_of(agreed, bill, wording)
    reader = LineReader(DEFAULT, KnownNames(TRUST_NAMES, ALGORITHM_NAMES, charge_codes(agreed)))
    return to_billed(document, [reader.read(line, document) for line in document.lines])


def charge_codes(agreed: Agreed) -> tuple[str, ...]:
    """Return the codes of the charges."""
    versions = agreed.request["price_book"]["versions"]
    return tuple(sorted({charge["code"] for version in versions for charge in version["charges"]}))


def situation(agreed: Agreed, bill: Bill, wording: str) -> Situation:
    """Give all that the product may know."""
    request = load_price_request(agreed.request)

    def usage(entries: Sequence[Document]) -> tuple[Usage, ...]:
        return tuple(Usage(e["trust"], e["algorithm"], date.fromisoformat(e["on"]), e["quantity"]) for e in entries)

    return Situation(
        document=billed(agreed, bill, wording),
        period=request.period,
        agreement=request.agreement,
        price_book=request.price_book,
        activations=request.activations,
        usage=request.usage,
        names=Names(TRUST_NAMES, ALGORITHM_NAMES, tuple((code, code) for code in charge_codes(agreed))),
        set_apart=tuple(
            SetApart(e["trust"], e["algorithm"], date.fromisoformat(e["on"]), e["quantity"], e["reason"])
            for e in (*agreed.unbillable, *agreed.resent)
        ),
        late=usage(agreed.late),
        statement=None if bill.statement is None else usage(bill.statement),
        earlier=tuple(billed(agreed, each, wording) for each in bill.earlier),
        facts=AgreementFacts(
            buyers=(BUYER,),
            buyer_references=("4000123456",),
            order_references=("PO-77",),
            contract_references=("RA-KI-24",),
            payment_days=30,
            accounts=(ACCOUNT,),
            vat_rate=VAT,
            maximum_value=Decimal(bill.header.get("maximum_value", "100000000")),
            accepted=ZERO,
            sellers=(SELLER,),
        ),
    )
