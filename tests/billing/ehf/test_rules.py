"""Rules: the official verdicts of other programs' documents, and one broken document for every rule.

The judge is an independent implementation of the same published rules: on each broken document both must find the
same identifiers, among the rules that both have.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mockeinvoice.rules.codelists import LISTS
from mockeinvoice.rules.published import SOURCES
from stdnum.no import orgnr

from billing.ehf.document import (
    Address,
    AllowanceCharge,
    Document,
    Identifier,
    Party,
    Period,
    TaxRegistration,
    TaxTotal,
    Totals,
)
from billing.ehf.parse import parse
from billing.ehf.rules import RULES, SCHEMA_LIMIT, Finding, check
from billing.ehf.rules.published import EN_16931_VERSION, PEPPOL_VERSION, code_lists, stylesheet
from billing.ehf.write import STANDARD_VAT, to_bytes
from contracts.terms.national_numbers import is_organisation_number
from tests.billing.ehf.examples import (
    EXAMPLES,
    KNOWN_TO_THE_JUDGE,
    SELLER,
    d,
    verdict,
    with_line,
    with_price,
    with_totals,
)


def findings(data: bytes) -> list[Finding]:
    return check(parse(data), data)


def found(data: bytes) -> list[tuple[str, str]]:
    """Severity and rule of what we find, each once, among the rules the judge has too."""
    each = {(finding.severity, finding.rule) for finding in findings(data) if finding.rule in KNOWN_TO_THE_JUDGE}
    return sorted(each)


def judged(data: bytes) -> list[tuple[str, str]]:
    return [(level, rule) for level, rule in verdict(data) if rule in KNOWN_TO_THE_JUDGE]


def test_other_programs_documents_get_their_official_verdicts(ehf_samples: Path) -> None:
    index = json.loads((ehf_samples / "index.json").read_text(encoding="utf-8"))
    official = {each["file"]: (each["xsd_errors"], each["fatal"], each["warning"]) for each in index["documents"]}
    ours = {}
    for name in official:
        by_severity = {"schema": [], "fatal": [], "warning": []}
        for finding in findings((ehf_samples / name).read_bytes()):
            by_severity["schema" if finding.rule == "XSD" else finding.severity].append(finding.rule)
        ours[name] = tuple(by_severity.values())
    assert len(ours) == 15
    assert ours == official


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_golden_file_breaks_no_rule(name: str, golden: Path) -> None:
    assert findings((golden / f"{name}.xml").read_bytes()) == []


def test_every_rule_has_an_identifier_of_its_own() -> None:
    assert [rule for rule, times in Counter(rule.id for rule in RULES).items() if times > 1] == []


# -- one broken document for every rule ----------------------------------------------


def seller(document: Document, **changes: Any) -> Document:
    return replace(document, seller=replace(document.seller, **changes))


def buyer(document: Document, **changes: Any) -> Document:
    return replace(document, buyer=replace(document.buyer, **changes))


def subtotal(document: Document, **changes: Any) -> Document:
    [total] = document.tax_totals
    return replace(document, tax_totals=(replace(total, subtotals=(replace(total.subtotals[0], **changes),)),))


def tax_total(document: Document, **changes: Any) -> Document:
    return replace(document, tax_totals=(replace(document.tax_totals[0], **changes), *document.tax_totals[1:]))


def line_allowance(document: Document, **changes: Any) -> Document:
    return with_line(document, 0, allowances=(replace(document.lines[0].allowances[0], **changes),))


def vat_id(number: str) -> Callable[[Document], Document]:
    registrations = (TaxRegistration(number), TaxRegistration("Foretaksregisteret", "TAX"))
    return lambda document: seller(document, registrations=registrations)


UNTAXED = AllowanceCharge(False, d("10.00"), reason="Rabatt", tax=STANDARD_VAT, currency="NOK")

# What is broken: the example, how, and the rules that must be found (all of those both sides know).
BROKEN: dict[str, tuple[str, Callable[[Document], Document], set[str]]] = {
    "no number": ("prepaid", lambda x: replace(x, number=None), {"BR-02"}),
    "no type code": ("prepaid", lambda x: replace(x, type_code=None), {"BR-04"}),
    "no seller name": ("prepaid", lambda x: seller(x, legal_name=None), {"BR-06"}),
    "no buyer name": ("prepaid", lambda x: buyer(x, legal_name=None), {"BR-07"}),
    "no seller address": ("prepaid", lambda x: seller(x, address=None), {"BR-08"}),
    "no buyer address": ("prepaid", lambda x: buyer(x, address=None), {"BR-10"}),
    "no seller country": ("prepaid", lambda x: seller(x, address=Address(city="Oslo")), {"BR-09"}),
    "no buyer country": ("prepaid", lambda x: buyer(x, address=Address(city="Drammen")), {"BR-11"}),
    "no lines": ("prepaid", lambda x: replace(x, lines=()), {"BR-16", "BR-CO-10", "BR-S-01", "BR-S-08"}),
    "no line identifier": ("prepaid", lambda x: with_line(x, 0, id=None), {"BR-21"}),
    "no unit": ("prepaid", lambda x: with_line(x, 0, unit=None), {"BR-23"}),
    "no item name": ("prepaid", lambda x: with_line(x, 0, name=None), {"BR-25"}),
    "no price": ("prepaid", lambda x: with_price(x, amount=None), {"BR-26", "BR-27", "PEPPOL-EN16931-R120"}),
    "no quantity": ("prepaid", lambda x: with_line(x, 0, quantity=None), {"BR-22", "BR-23", "PEPPOL-EN16931-R120"}),
    "negative price": (
        "prepaid",
        lambda x: with_line(with_price(x, amount=d("-24.00")), 0, quantity=d("-1000")),
        {"BR-27"},
    ),
    "negative gross price": (
        "gross-price-with-discount",
        lambda x: with_price(x, gross=d("-1.00"), discount=d("-19.00")),
        {"BR-28"},
    ),
    "line sum": ("prepaid", lambda x: with_totals(x, line_sum=d("24000.01")), {"BR-CO-10", "BR-CO-13"}),
    "allowances counted twice": (
        "percent-allowance",
        lambda x: with_totals(
            x, allowance=d("1344.00"), tax_exclusive=d("32408.00"), tax_inclusive=d("40678.00"), payable=d("40678.00")
        ),
        {"BR-CO-11"},
    ),
    "charges forgotten": ("percent-allowance", lambda x: with_totals(x, charge=d("0.00")), {"BR-CO-12", "BR-CO-13"}),
    "total of allowances missing": (
        "percent-allowance",
        lambda x: replace(x, totals=replace(x.totals, allowance=None)),
        {"BR-CO-11", "BR-CO-13"},
    ),
    "total without tax": ("prepaid", lambda x: with_totals(x, tax_exclusive=d("24000.01")), {"BR-CO-13", "BR-CO-15"}),
    "tax of the document": ("two-tax-rates", lambda x: tax_total(x, amount=d("6012.01")), {"BR-CO-14", "BR-CO-15"}),
    "total with tax": ("prepaid", lambda x: with_totals(x, tax_inclusive=d("30000.01")), {"BR-CO-15", "BR-CO-16"}),
    "tax of two currencies added": (
        "second-tax-total",
        lambda x: with_totals(x, tax_inclusive=d("30512.82"), payable=d("30512.82")),
        {"BR-CO-15"},
    ),
    "two totals in one currency": (
        "second-tax-total",
        lambda x: replace(x, tax_totals=(x.tax_totals[0], replace(x.tax_totals[1], currency="NOK"))),
        {"BR-53", "BR-CO-15", "PEPPOL-EN16931-R055"},
    ),
    "amount to pay": ("prepaid", lambda x: with_totals(x, payable=d("20000.01")), {"BR-CO-16"}),
    "prepaid not taken off": ("prepaid", lambda x: with_totals(x, payable=d("30000.00")), {"BR-CO-16"}),
    "rounding taken off": ("rounding", lambda x: with_totals(x, payable=d("10135.38")), {"BR-CO-16"}),
    "tax a krone off": (
        "prepaid",
        lambda x: with_totals(
            tax_total(subtotal(x, amount=d("6001.00")), amount=d("6001.00")),
            tax_inclusive=d("30001.00"),
            payable=d("20001.00"),
        ),
        {"BR-CO-17", "BR-S-09"},
    ),
    "taxed at a rate of no line": (
        "prepaid",
        lambda x: subtotal(x, tax=replace(STANDARD_VAT, percent=d("24")), amount=d("6000.00")),
        {"BR-CO-17", "BR-S-08", "BR-S-09"},
    ),
    "taxable amount": ("prepaid", lambda x: subtotal(x, taxable=d("24001.50")), {"BR-S-08"}),
    "an allowance left out of the taxable amount": (
        "prepaid",
        lambda x: with_totals(
            replace(x, allowances=(UNTAXED,)),
            allowance=d("10.00"),
            tax_exclusive=d("23990.00"),
            tax_inclusive=d("29990.00"),
            payable=d("19990.00"),
        ),
        {"BR-S-08"},
    ),
    "no business process": (
        "prepaid",
        lambda x: replace(x, profile=None),
        {"PEPPOL-EN16931-R001", "PEPPOL-EN16931-R007"},
    ),
    "no reference": ("prepaid", lambda x: replace(x, buyer_reference=None), {"PEPPOL-EN16931-R003"}),
    "buyer has no address": ("prepaid", lambda x: buyer(x, endpoint=None), {"PEPPOL-EN16931-R010"}),
    "seller has no address": ("prepaid", lambda x: seller(x, endpoint=None), {"PEPPOL-EN16931-R020"}),
    "percent of base": ("percent-allowance", lambda x: line_allowance(x, percent=d("59")), {"PEPPOL-EN16931-R040"}),
    "percent without base": ("percent-allowance", lambda x: line_allowance(x, base=None), {"PEPPOL-EN16931-R041"}),
    "base without percent": ("percent-allowance", lambda x: line_allowance(x, percent=None), {"PEPPOL-EN16931-R042"}),
    "neither allowance nor charge": (
        "percent-allowance",
        lambda x: line_allowance(x, is_charge=None),
        {"PEPPOL-EN16931-R043", "PEPPOL-EN16931-R120"},
    ),
    "a charge on the price": (
        "gross-price-with-discount",
        lambda x: with_price(x, has_charge=True),
        {"PEPPOL-EN16931-R044"},
    ),
    "net price": ("gross-price-with-discount", lambda x: with_price(x, discount=d("5.99")), {"PEPPOL-EN16931-R046"}),
    "a line in another currency": (
        "two-tax-rates",
        lambda x: with_line(x, 0, currency="SEK"),
        {"PEPPOL-EN16931-R051"},
    ),
    "a breakdown twice": (
        "second-tax-total",
        lambda x: replace(x, tax_totals=(x.tax_totals[0], replace(x.tax_totals[0], currency="EUR"))),
        {"PEPPOL-EN16931-R051", "PEPPOL-EN16931-R053", "PEPPOL-EN16931-R054"},
    ),
    "a second total with no tax currency": (
        "second-tax-total",
        lambda x: replace(x, tax_currency=None),
        {"PEPPOL-EN16931-R054"},
    ),
    "a tax currency with no total": (
        "second-tax-total",
        lambda x: replace(x, tax_totals=x.tax_totals[:1]),
        {"BR-53", "PEPPOL-EN16931-R054", "PEPPOL-EN16931-R055"},
    ),
    "totals of tax with two signs": (
        "second-tax-total",
        lambda x: replace(x, tax_totals=(x.tax_totals[0], TaxTotal(d("-512.82"), "EUR"))),
        {"PEPPOL-EN16931-R055"},
    ),
    "a line begins before the document": (
        "item-properties",
        lambda x: with_line(x, 0, period=Period(date(2026, 6, 30), date(2026, 8, 31))),
        {"PEPPOL-EN16931-R110"},
    ),
    "a line ends after the document": (
        "item-properties",
        lambda x: with_line(x, 0, period=Period(date(2026, 8, 1), date(2026, 10, 1))),
        {"PEPPOL-EN16931-R111"},
    ),
    "a line three øre off": (
        "two-tax-rates",
        lambda x: with_line(x, 0, net=d("24000.03")),
        {"BR-CO-10", "PEPPOL-EN16931-R120"},
    ),
    "a base quantity of nothing": (
        "base-quantity-100",
        lambda x: with_price(x, base_quantity=d("0")),
        {"PEPPOL-EN16931-R120", "PEPPOL-EN16931-R121"},
    ),
    "a base quantity in another unit": (
        "base-quantity-100",
        lambda x: with_price(x, base_unit="EA"),
        {"PEPPOL-EN16931-R130"},
    ),
    "a credit note's code in an invoice": (
        "prepaid",
        lambda x: replace(x, type_code="381"),
        {"BR-CL-01", "PEPPOL-EN16931-P0100"},
    ),
    "an invoice's code in a credit note": (
        "credit-note",
        lambda x: replace(x, type_code="380"),
        {"BR-CL-01", "PEPPOL-EN16931-P0101"},
    ),
    "organisation number with a wrong check digit": (
        "prepaid",
        lambda x: buyer(x, organisation=Identifier("984166762", "0192")),
        {"PEPPOL-COMMON-R041"},
    ),
    "organisation number with spaces": (
        "prepaid",
        lambda x: buyer(x, endpoint=Identifier("319 900 128", "0192")),
        {"PEPPOL-COMMON-R041"},
    ),
    "organisation number of the payee": (
        "prepaid",
        lambda x: replace(x, payee=Party(trading_name="Inkasso", organisation=Identifier("1", "0192"))),
        {"PEPPOL-COMMON-R041"},
    ),
    "MVA number with a wrong check digit": ("prepaid", vat_id("NO319900102MVA"), {"NO-R-001"}),
    "MVA number without MVA": ("prepaid", vat_id("NO319900101"), {"NO-R-001"}),
    "not in the register": (
        "prepaid",
        lambda x: seller(x, registrations=SELLER.registrations[:1]),
        {"NO-R-002"},
    ),
    "a seller known by address alone": (
        "prepaid",
        lambda x: seller(x, registrations=(TaxRegistration("Brønnøysund", "TAX"),)),
        {"NO-R-002"},
    ),
}


@pytest.mark.parametrize(("example", "breaks", "rules"), BROKEN.values(), ids=BROKEN)
def test_a_broken_document_is_found_by_rule_and_as_the_judge_finds_it(
    example: str, breaks: Callable[[Document], Document], rules: set[str]
) -> None:
    data = to_bytes(breaks(EXAMPLES[example]()))
    assert {rule for _, rule in found(data)} == rules
    assert found(data) == judged(data)


TEXT = {
    "no VAT category": ("prepaid", rb"<cac:ClassifiedTaxCategory>.*</cac:ClassifiedTaxCategory>", b"", "BR-CO-04"),
    "no currency": ("prepaid", rb"<cbc:DocumentCurrencyCode>NOK<", b"<cbc:DocumentCurrencyCode><", "BR-05"),
    "a flag of 1": ("percent-allowance", rb"ChargeIndicator>true<", b"ChargeIndicator>1<", "PEPPOL-EN16931-R043"),
    "a date with a zone": ("prepaid", rb"2026-11-07<", b"2026-11-07Z<", "PEPPOL-EN16931-F001"),
}


@pytest.mark.parametrize(("example", "old", "new", "rule"), TEXT.values(), ids=TEXT)
def test_a_document_broken_in_its_text_is_found_by_rule(
    example: str, old: bytes, new: bytes, rule: str, golden: Path
) -> None:
    data = re.sub(old, new, (golden / f"{example}.xml").read_bytes(), count=1, flags=re.DOTALL)
    assert ("fatal", rule) in found(data)
    assert ("fatal", rule) in judged(data)


def test_an_invoice_to_pay_with_neither_due_date_nor_terms_breaks_no_rule_in_force() -> None:
    """BR-CO-25 asked for one of them; the rules in force since August 2026 do not."""
    assert findings(to_bytes(replace(EXAMPLES["prepaid"](), due_date=None, payment_terms=None))) == []


def test_the_rule_version_is_that_of_the_published_files() -> None:
    head = stylesheet().read_text(encoding="utf-8")[:2000]
    assert f"Schematron version {EN_16931_VERSION} " in head
    assert SOURCES["en16931"][0].endswith(f" {EN_16931_VERSION}")
    assert SOURCES["peppol"][0].endswith(f" {PEPPOL_VERSION}")


def test_every_code_list_is_read_from_the_published_files() -> None:
    """The judge has copies of the same lists."""
    ours = {rule: [set(codes) for codes in lists] for rule, lists in code_lists().items()}
    theirs = {
        rule: [set(" ".join(lists).split())] if rule == "BR-CL-24" else [set(each.split()) for each in lists]
        for rule, lists in LISTS.items()
    }
    assert {rule: lists for rule, lists in ours.items() if rule in theirs} == theirs


# -- findings have their place ------------------------------------------------------------


def test_a_finding_names_the_line_of_the_file() -> None:
    data = to_bytes(with_line(EXAMPLES["two-tax-rates"](), 1, net=d("2900.05")))
    by_rule = {finding.rule: finding for finding in findings(data)}
    rows = data.decode().splitlines()
    assert rows[(by_rule["PEPPOL-EN16931-R120"].line or 0)].strip() == "<cbc:ID>2</cbc:ID>"
    assert rows[(by_rule["BR-CO-10"].line or 0) - 1].strip() == "<cac:LegalMonetaryTotal>"
    assert by_rule["PEPPOL-EN16931-R120"].detail == (
        "line 2: the amount is 2900.05, quantity times price with charges and allowances is 2900"
    )


def test_a_decimal_comma_is_one_schema_finding_with_its_line(golden: Path) -> None:
    data = (golden / "unit-ea.xml").read_bytes().replace(b">24.00<", b">12,5<")
    schema = [finding for finding in findings(data) if finding.rule == "XSD"]
    [line] = [number for number, row in enumerate(data.splitlines(), start=1) if b">12,5<" in row]
    detail = "cac:Price/cbc:PriceAmount: '12,5' is not a decimal number, as 1234.50"
    assert schema == [Finding("XSD", "fatal", detail, line)]


def test_a_due_date_inside_a_credit_note_is_a_schema_finding(golden: Path) -> None:
    data = (golden / "credit-note.xml").read_bytes()
    data = data.replace(b"</cbc:IssueDate>", b"</cbc:IssueDate>\n<cbc:DueDate>2027-01-02</cbc:DueDate>", 1)
    [finding] = findings(data)
    assert (finding.rule, finding.severity, finding.line) == ("XSD", "fatal", 7)
    assert finding.detail.startswith("Element 'DueDate': This element is not expected")


def test_a_number_too_long_for_us_is_told_though_the_schema_lets_it_pass(golden: Path) -> None:
    data = (golden / "unit-ea.xml").read_bytes().replace(b">24.00<", b">" + b"9" * 40 + b"<")
    assert "at most 30 characters" in next(each.detail for each in findings(data) if each.rule == "XSD")


def test_a_document_of_errors_is_told_up_to_a_limit() -> None:
    data = to_bytes(EXAMPLES["prepaid"]()).replace(b"</Invoice>", b"<Wrong/>\n" * 10 + b"</Invoice>")
    many = b"".join(b"<cac:InvoiceLine><cbc:ID>%d</cbc:ID></cac:InvoiceLine>\n" % number for number in range(200))
    data = data.replace(b"<cac:InvoiceLine>", many + b"<cac:InvoiceLine>", 1)
    schema = [finding for finding in findings(data) if finding.rule == "XSD"]
    assert len(schema) == SCHEMA_LIMIT + 1
    assert schema[-1].detail == "151 more places are not listed"


def test_an_empty_document_has_findings_and_no_crash() -> None:
    for root in ("Invoice", "CreditNote"):
        data = f'<{root} xmlns="urn:oasis:names:specification:ubl:schema:xsd:{root}-2"/>'.encode()
        assert {"XSD", "BR-02", "BR-16", "PEPPOL-EN16931-R003"} <= {finding.rule for finding in findings(data)}


def test_many_threads_check_at_once_and_each_gets_its_own_findings(golden: Path) -> None:
    clean = (golden / "unit-ea.xml").read_bytes()
    wrong = clean.replace(b">24.00<", b">12,5<")
    alone = {True: findings(clean), False: findings(wrong)}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: findings(clean if number % 2 else wrong), range(400)))
    assert answers == [alone[bool(number % 2)] for number in range(400)]


@given(st.text("0123456789", min_size=9, max_size=9).filter(lambda text: int(text) > 0))
def test_an_organisation_number_is_valid_as_the_register_has_it(text: str) -> None:
    assert is_organisation_number(text) == orgnr.is_valid(text)


@pytest.mark.parametrize("text", ["894166762", "914637651", "993467049", "319900101"])
def test_known_organisation_numbers_are_valid(text: str) -> None:
    assert is_organisation_number(text)


@pytest.mark.parametrize("text", ["984166762", "000000000", "89416676", "8941667620", "894 166 762", "", "89416676²"])
def test_what_is_no_organisation_number_is_not_valid(text: str) -> None:
    assert not is_organisation_number(text)


# -- the judge and we agree on any damage -------------------------------------------------

AMOUNTS = ("line_sum", "tax_exclusive", "tax_inclusive", "allowance", "charge", "prepaid", "rounding", "payable")
NUDGES = st.sampled_from([None, *map(Decimal, ("0.01", "-0.01", "0.03", "-0.03", "0.57", "-0.57", "1.23", "-700.11"))])


def nudged(amount: Decimal | None, by: Decimal | None) -> Decimal | None:
    return None if by is None else (amount or Decimal(0)) + by


@st.composite
def damaged(draw: st.DrawFn) -> Document:
    """An example with up to three of its figures changed or left out."""
    document = EXAMPLES[draw(st.sampled_from(sorted(EXAMPLES)))]()
    for _ in range(draw(st.integers(1, 3))):
        by = draw(NUDGES)
        part = draw(st.sampled_from(["totals", "tax", "subtotal", "net", "quantity", "price", "allowance"]))
        position = draw(st.integers(0, len(document.lines) - 1))
        line, total = document.lines[position], document.tax_totals[0]
        match part:
            case "totals":
                name = draw(st.sampled_from(AMOUNTS))
                totals: Totals = replace(document.totals, **{name: nudged(getattr(document.totals, name), by)})
                document = replace(document, totals=totals)
            case "tax":
                document = tax_total(document, amount=nudged(total.amount, by))
            case "subtotal":
                name = draw(st.sampled_from(["taxable", "amount"]))
                first = replace(total.subtotals[0], **{name: nudged(getattr(total.subtotals[0], name), by)})
                document = tax_total(document, subtotals=(first, *total.subtotals[1:]))
            case "net" | "quantity":
                document = with_line(document, position, **{part: nudged(getattr(line, part), by)})
            case "price":
                name = draw(st.sampled_from(["amount", "base_quantity", "gross", "discount"]))
                changed = nudged(getattr(line.price, name), by)
                document = with_line(document, position, price=replace(line.price, **{name: changed}))
            case "allowance" if document.allowances:
                name = draw(st.sampled_from(["amount", "base", "percent"]))
                one = replace(document.allowances[0], **{name: nudged(getattr(document.allowances[0], name), by)})
                document = replace(document, allowances=(one, *document.allowances[1:]))
            case _:
                pass
    return document


@settings(max_examples=150, deadline=None)
@given(damaged())
def test_the_judge_and_we_find_the_same_in_any_damaged_document(document: Document) -> None:
    data = to_bytes(document)
    assert found(data) == judged(data)
