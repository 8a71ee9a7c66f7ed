"""Invented documents, one for each feature an EHF file may have, and the independent judge of them.

`EXAMPLES` is the source of the golden files in `tests/data/ehf`: `python -m tests.billing.ehf.examples` writes them
anew, and a test holds the files against this module. Parties, numbers and prices are invented.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import mockeinvoice

from billing.ehf.document import (
    AllowanceCharge,
    Attachment,
    BillingReference,
    Contact,
    Document,
    Identifier,
    ItemProperty,
    PaymentMeans,
    Period,
    Tax,
    TaxSubtotal,
    TaxTotal,
    Totals,
)
from billing.ehf.rules import RULES
from billing.ehf.write import STANDARD_VAT, Discount, Draft, DraftLine, compose, norwegian_party, to_bytes

EXEMPT = Tax("E", Decimal(0), exemption_reason="Unntatt etter merverdiavgiftsloven § 3-2")

SELLER = norwegian_party(
    "Bildelys Eksempel AS",
    "319900101",
    street="Oppdiktet vei 1",
    postal_code="0001",
    city="Oslo",
    contact=Contact("Fakturaavdelingen", "+47 00000000", "faktura@example.no"),
    in_register=True,
)
BUYER = norwegian_party(
    "Eksempelsykehuset HF", "319900128", street="Oppdiktet vei 2", postal_code="0002", city="Drammen"
)
QUARTER = Period(date(2026, 7, 1), date(2026, 9, 30))


def d(text: str) -> Decimal:
    return Decimal(text)


def draft(*lines: DraftLine, **changes: object) -> Draft:
    """A third-quarter invoice with the lines; every other field can be changed by name."""
    plain = Draft(
        number="PF-2026-Q3-01",
        issue_date=date(2026, 10, 8),
        seller=SELLER,
        buyer=BUYER,
        lines=lines,
        due_date=date(2026, 11, 7),
        payment_terms="Netto 30 dager",
        payment_means=(PaymentMeans("30", payment_id="00123456789012", account="12345678903"),),
        buyer_reference="RAD-7001",
        contract="RA-2026-900",
        period=QUARTER,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


PLAIN = DraftLine("Lungeknuter CT", d("1000"), d("24.00"), d("24000.00"), item_id="ct-lung")


def with_totals(document: Document, **changes: Decimal) -> Document:
    return replace(document, totals=replace(document.totals, **changes))


def with_line(document: Document, position: int, **changes: object) -> Document:
    lines = list(document.lines)
    lines[position] = replace(lines[position], **changes)  # type: ignore[arg-type]
    return replace(document, lines=tuple(lines))


def with_price(document: Document, **changes: object) -> Document:
    return with_line(document, 0, price=replace(document.lines[0].price, **changes))  # type: ignore[arg-type]


def negative_invoice() -> Document:
    return compose(
        draft(
            replace(PLAIN, quantity=d("-250"), net=d("-6000.00")),
            number="PF-2026-Q3-02",
            billing_references=(BillingReference("PF-2026-Q3-01", date(2026, 10, 8)),),
        )
    )


def percent_allowance() -> Document:
    """A ramp discount on a line, and an allowance and a charge on the document: none may be counted twice."""
    ramp = Discount(d("60"), d("24000.00"), d("14400.00"), "Opptrapping, fase 1")
    document = compose(draft(replace(PLAIN, net=d("9600.00"), discount=ramp), replace(PLAIN, name="Brudd RTG")))
    tax = TaxTotal(d("8270.00"), "NOK", (TaxSubtotal(d("33080.00"), d("8270.00"), STANDARD_VAT, "NOK"),))
    totals = Totals(
        line_sum=d("33600.00"),
        tax_exclusive=d("33080.00"),
        tax_inclusive=d("41350.00"),
        allowance=d("672.00"),
        charge=d("152.00"),
        payable=d("41350.00"),
        currency="NOK",
    )
    beside = (
        AllowanceCharge(False, d("672.00"), d("2"), d("33600.00"), "Mengderabatt", "95", STANDARD_VAT, "NOK"),
        AllowanceCharge(True, d("152.00"), reason="Oppkobling", reason_code="ABL", tax=STANDARD_VAT, currency="NOK"),
    )
    return replace(document, allowances=beside, tax_totals=(tax,), totals=totals)


def gross_price() -> Document:
    document = compose(draft(replace(PLAIN, unit_price=d("18.00"), net=d("18000.00"))))
    return with_price(document, gross=d("24.00"), discount=d("6.00"))


def base_quantity() -> Document:
    return compose(
        draft(replace(PLAIN, quantity=d("1250"), unit_price=d("950"), base_quantity=d("100"), net=d("11875")))
    )


def two_rates() -> Document:
    exempt = replace(PLAIN, name="Helsetjeneste", quantity=d("2"), unit_price=d("1450"), net=d("2900"), vat=EXEMPT)
    reduced = replace(
        PLAIN, name="Transport", quantity=d("1"), unit_price=d("100"), net=d("100"), vat=Tax("S", d("12"))
    )
    return compose(draft(PLAIN, exempt, reduced))


def prepaid() -> Document:
    return with_totals(compose(draft(PLAIN)), prepaid=d("10000.00"), payable=d("20000.00"))


def rounding() -> Document:
    line = replace(PLAIN, quantity=d("333"), unit_price=d("24.35"), net=d("8108.55"))
    return with_totals(compose(draft(line)), rounding=d("0.31"), payable=d("10136.00"))


def second_tax_total() -> Document:
    document = compose(draft(PLAIN))
    return replace(document, tax_currency="EUR", tax_totals=(*document.tax_totals, TaxTotal(d("512.82"), "EUR")))


def attachments() -> Document:
    usage = b"trust,algorithm,month,quantity\neksempel,ct-lung,2026-07,340\n"
    return compose(
        draft(
            PLAIN,
            attachments=(
                Attachment("bruk", "Brukstall", "bruk-2026-Q3.csv", "text/csv", usage),
                Attachment("portal", "Leverandørens portal", uri="https://portal.example.no/bruk/2026-Q3"),
            ),
        )
    )


def item_properties() -> Document:
    properties = tuple(
        ItemProperty(name, value)
        for name, value in (("Helseforetak", "eksempel"), ("Trinn", "2"), ("Fase", "ordinær"), ("Notat", "æøå & <>"))
    )
    line = replace(
        PLAIN,
        properties=properties,
        period=Period(date(2026, 8, 1), date(2026, 8, 31)),
        order_line="4",
        accounting_cost="71-4200",
        note="Trinn 2 av 3",
        description="Analyse av CT thorax",
    )
    document = compose(draft(line, order="4500012345", accounting_cost="71"))
    return with_line(document, 0, buyer_item="LUNG-1", standard_item=Identifier("07038010000065", "0160"))


def names() -> Document:
    """The buyer has a legal name alone, the seller a trading name beside it."""
    return replace(compose(draft(PLAIN)), seller=replace(SELLER, trading_name="Bildelys"))


def unit_each() -> Document:
    return compose(draft(replace(PLAIN, unit="EA")))


def graduated() -> Document:
    """A graduated charge: one line for each tier."""
    tiers = (("1", "200", "60.00", "12000.00"), ("2", "40", "45.00", "1800.00"))
    return compose(
        draft(
            *(
                DraftLine("Skjelett RTG", d(units), d(price), d(net), "xray", properties=(ItemProperty("Trinn", tier),))
                for tier, units, price, net in tiers
            ),
            DraftLine.from_amount("Minstebeløp", d("700.00")),
            DraftLine.from_amount("Omregning av trinn", d("-120.50")),
        )
    )


def credit_note() -> Document:
    return compose(
        draft(
            replace(PLAIN, quantity=d("12"), net=d("288.00")),
            kind="credit_note",
            number="KN-2026-01",
            billing_references=(BillingReference("PF-2026-Q3-01", date(2026, 10, 8)),),
        )
    )


EXAMPLES = {
    "negative-invoice": negative_invoice,
    "percent-allowance": percent_allowance,
    "gross-price-with-discount": gross_price,
    "base-quantity-100": base_quantity,
    "two-tax-rates": two_rates,
    "prepaid": prepaid,
    "rounding": rounding,
    "second-tax-total": second_tax_total,
    "attachments": attachments,
    "item-properties": item_properties,
    "names": names,
    "unit-ea": unit_each,
    "graduated": graduated,
    "credit-note": credit_note,
}

KNOWN_TO_THE_JUDGE = frozenset(rule.id for rule in RULES)
"""The rules both sides have; the judge has those of other countries besides."""


def verdict(data: bytes) -> list[tuple[str, str]]:
    """What the independent validator finds: level and rule, each once.

    A rule it could not compute (where a total stands twice that its model has once) is no verdict.
    """
    _, report = mockeinvoice.validate(data)
    computed = (each for each in report.findings if "could not be computed" not in each.text)
    return sorted({(finding.level, finding.code) for finding in computed})


def fatal(found: Iterable[tuple[str, str]]) -> list[str]:
    return [code for level, code in found if level != "warning"]


if __name__ == "__main__":
    folder = Path(__file__).resolve().parents[2] / "data" / "ehf"
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in EXAMPLES.items():
        (folder / f"{name}.xml").write_bytes(to_bytes(make()))
