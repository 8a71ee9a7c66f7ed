"""Reading: other programs' documents, our own golden files, and what is no document at all."""

import base64
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.ehf.document import BillingReference, Document, Fault, Identifier, Period, Tax
from billing.ehf.parse import UnreadableDocument, parse
from billing.ehf.rules import check
from billing.ehf.write import to_bytes
from tests.billing.ehf.examples import EXAMPLES, PLAIN, compose, d, draft, with_line

SAMPLES = [
    "eu-02-graduated-tiers-as-lines",
    "eu-03-rampup-line-allowance",
    "eu-06-credit-note",
    "js-01-monthly-lines-per-algorithm",
    "js-02-gross-price-with-discount",
    "js-03-percent-allowance-per-line",
    "js-04-credit-note-381",
    "js-06-property-option-and-project",
    "ty-03-tiers-as-lines",
    "ty-04-four-decimals",
    "ty-05-negative-line",
    "ty-07a-original",
    "ty-08-no-product",
    "ty-sub-1",
    "ty-sub-2",
]


def as_index_says(document: Document) -> dict[str, Any]:
    """Write a read document in the form of `index.json`."""

    def text(amount: Decimal | None) -> str | None:
        return None if amount is None else str(amount)

    totals = document.totals
    return {
        "kind": "Invoice" if document.kind == "invoice" else "CreditNote",
        "type": document.type_code,
        "id": document.number,
        "issue": str(document.issue_date),
        "due": None if document.due_date is None else str(document.due_date),
        "currency": document.currency,
        "lines": len(document.lines),
        "line_sum": text(totals.line_sum),
        "allowance": text(totals.allowance),
        "charge": text(totals.charge),
        "tax_exclusive": text(totals.tax_exclusive),
        "tax": [f"{total.amount} {total.currency}" for total in document.tax_totals],
        "tax_inclusive": text(totals.tax_inclusive),
        "prepaid": text(totals.prepaid),
        "rounding": text(totals.rounding),
        "payable": text(totals.payable),
        "buyer_reference": document.buyer_reference,
        "contract": document.contract,
        "order": document.order,
        "billing_ref": [reference.number for reference in document.billing_references],
    }


@pytest.mark.parametrize("name", SAMPLES)
def test_another_programs_document_is_read_with_every_total_and_reference(name: str, ehf_samples: Path) -> None:
    index = json.loads((ehf_samples / "index.json").read_text(encoding="utf-8"))
    [wanted] = [each for each in index["documents"] if each["file"] == f"{name}.xml"]
    document = parse((ehf_samples / f"{name}.xml").read_bytes())
    found = as_index_says(document)
    assert found == {key: wanted[key] for key in found}
    assert document.faults == ()


def test_every_sample_document_is_in_the_table(ehf_samples: Path) -> None:
    assert sorted(path.stem for path in ehf_samples.glob("*.xml")) == sorted(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_another_programs_document_survives_being_written_and_read_again(name: str, ehf_samples: Path) -> None:
    document = parse((ehf_samples / f"{name}.xml").read_bytes())
    assert parse(to_bytes(document)) == document


def test_a_ramp_discount_on_a_line_is_read_with_percent_base_and_reason(ehf_samples: Path) -> None:
    line = parse((ehf_samples / "eu-03-rampup-line-allowance.xml").read_bytes()).lines[0]
    [ramp] = line.allowances
    assert (ramp.is_charge, ramp.percent, ramp.base, ramp.amount) == (False, d("60"), d("33745.60"), d("20247.36"))
    assert (ramp.reason_code, ramp.reason) == ("95", "Opptrappingsrabatt kvartal 1")
    assert (line.quantity, line.unit, line.price.amount, line.seller_item) == (d("1834"), "C62", d("18.4"), "ALG-02")


def test_lines_know_where_they_stand_in_the_file(ehf_samples: Path) -> None:
    data = (ehf_samples / "js-02-gross-price-with-discount.xml").read_bytes()
    rows = data.decode().splitlines()
    for line in parse(data).lines:
        assert rows[line.line - 1].strip() == "<cac:InvoiceLine>"


# -- golden files: one feature each ---------------------------------------------


def read(golden: Path, name: str) -> Document:
    return parse((golden / f"{name}.xml").read_bytes())


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_golden_file_is_read_as_the_document_it_was_written_from(name: str, golden: Path) -> None:
    assert read(golden, name) == EXAMPLES[name]()


FEATURES: dict[str, tuple[str, Callable[[Document], object], object]] = {
    "a negative invoice keeps its sign and counts once": (
        "negative-invoice",
        lambda read: (read.kind, read.sign, read.totals.payable, read.lines[0].quantity),
        ("invoice", 1, d("-7500.00"), d("-250")),
    ),
    "a negative invoice names the invoice it corrects": (
        "negative-invoice",
        lambda read: [(each.number, each.issued_on) for each in read.billing_references],
        [("PF-2026-Q3-01", date(2026, 10, 8))],
    ),
    "a credit note of positive amounts takes off": (
        "credit-note",
        lambda read: (read.kind, read.type_code, read.sign, read.sign * (read.totals.payable or 0), read.due_date),
        ("credit_note", "381", -1, d("-360.00"), date(2026, 11, 7)),
    ),
    "an allowance on a line and one on the document stay apart": (
        "percent-allowance",
        lambda read: ([len(line.allowances) for line in read.lines], [each.amount for each in read.allowances]),
        ([1, 0], [d("672.00"), d("152.00")]),
    ),
    "a charge is no allowance": (
        "percent-allowance",
        lambda read: [each.is_charge for each in read.allowances],
        [False, True],
    ),
    "totals of allowances and charges are read": (
        "percent-allowance",
        lambda read: (read.totals.line_sum, read.totals.allowance, read.totals.charge, read.totals.tax_exclusive),
        (d("33600.00"), d("672.00"), d("152.00"), d("33080.00")),
    ),
    "gross price, discount and net price are three": (
        "gross-price-with-discount",
        lambda read: (read.lines[0].price.gross, read.lines[0].price.discount, read.lines[0].price.amount),
        (d("24.00"), d("6.00"), d("18.00")),
    ),
    "a price per hundred keeps its base quantity": (
        "base-quantity-100",
        lambda read: (read.lines[0].price.amount, read.lines[0].price.base_quantity, read.lines[0].net),
        (d("950"), d("100"), d("11875.00")),
    ),
    "three tax rates stay apart": (
        "two-tax-rates",
        lambda read: [(each.tax.category, each.tax.percent, each.taxable, each.amount) for each in subtotals(read)],
        [
            ("S", d("25"), d("24000.00"), d("6000.00")),
            ("E", d("0"), d("2900.00"), d("0.00")),
            ("S", d("12"), d("100.00"), d("12.00")),
        ],
    ),
    "an exemption has its reason": (
        "two-tax-rates",
        lambda read: subtotals(read)[1].tax.exemption_reason,
        "Unntatt etter merverdiavgiftsloven § 3-2",
    ),
    "what is prepaid is read": (
        "prepaid",
        lambda read: (read.totals.tax_inclusive, read.totals.prepaid, read.totals.payable),
        (d("30000.00"), d("10000.00"), d("20000.00")),
    ),
    "rounding to whole kroner is read": (
        "rounding",
        lambda read: (read.totals.tax_inclusive, read.totals.rounding, read.totals.payable),
        (d("10135.69"), d("0.31"), d("10136.00")),
    ),
    "tax in a second currency is never added to the first": (
        "second-tax-total",
        lambda read: (read.tax, [(each.amount, each.currency) for each in read.tax_totals], read.tax_currency),
        (d("6000.00"), [(d("6000.00"), "NOK"), (d("512.82"), "EUR")], "EUR"),
    ),
    "an attached file comes out as it went in": (
        "attachments",
        lambda read: (read.attachments[0].filename, read.attachments[0].mime, read.attachments[0].content),
        ("bruk-2026-Q3.csv", "text/csv", b"trust,algorithm,month,quantity\neksempel,ct-lung,2026-07,340\n"),
    ),
    "an attachment elsewhere has its address": (
        "attachments",
        lambda read: (read.attachments[1].uri, read.attachments[1].content),
        ("https://portal.example.no/bruk/2026-Q3", None),
    ),
    "item properties keep their order and their letters": (
        "item-properties",
        lambda read: [(each.name, each.value) for each in read.lines[0].properties],
        [("Helseforetak", "eksempel"), ("Trinn", "2"), ("Fase", "ordinær"), ("Notat", "æøå & <>")],
    ),
    "a property is found whatever its case": (
        "item-properties",
        lambda read: (read.lines[0].property_value("TRINN"), read.lines[0].property_value("sone")),
        ("2", None),
    ),
    "every item identifier is read": (
        "item-properties",
        lambda read: (read.lines[0].seller_item, read.lines[0].buyer_item, read.lines[0].standard_item),
        ("ct-lung", "LUNG-1", Identifier("07038010000065", "0160")),
    ),
    "a line's period, order line, cost and words are read": (
        "item-properties",
        lambda read: (
            read.lines[0].period,
            read.lines[0].order_line,
            read.lines[0].accounting_cost,
            read.lines[0].note,
            read.lines[0].description,
        ),
        (Period(date(2026, 8, 1), date(2026, 8, 31)), "4", "71-4200", "Trinn 2 av 3", "Analyse av CT thorax"),
    ),
    "order, contract, buyer reference, cost and period are read": (
        "item-properties",
        lambda read: (read.order, read.contract, read.buyer_reference, read.accounting_cost, read.period),
        ("4500012345", "RA-2026-900", "RAD-7001", "71", Period(date(2026, 7, 1), date(2026, 9, 30))),
    ),
    "a party without a party name is named by its legal name": (
        "names",
        lambda read: (read.buyer.trading_name, read.buyer.name, read.seller.trading_name, read.seller.name),
        (None, "Eksempelsykehuset HF", "Bildelys", "Bildelys Eksempel AS"),
    ),
    "a party's numbers are read": (
        "names",
        lambda read: (
            read.seller.organisation_number,
            read.seller.vat_id,
            read.seller.endpoint,
            [(each.scheme, each.company_id) for each in read.seller.registrations],
        ),
        (
            "319900101",
            "NO319900101MVA",
            Identifier("319900101", "0192"),
            [("VAT", "NO319900101MVA"), ("TAX", "Foretaksregisteret")],
        ),
    ),
    "unit EA is a unit": ("unit-ea", lambda read: (read.lines[0].unit, read.lines[0].tax), ("EA", Tax("S", d("25")))),
    "a tier is a line, and an amount of money has quantity one or minus one": (
        "graduated",
        lambda read: [(line.quantity, line.price.amount, line.net) for line in read.lines],
        [
            (d("200"), d("60.00"), d("12000.00")),
            (d("40"), d("45.00"), d("1800.00")),
            (d("1"), d("700.00"), d("700.00")),
            (d("-1"), d("120.50"), d("-120.50")),
        ],
    ),
    "where to pay is read": (
        "graduated",
        lambda read: (read.accounts, read.payment_means[0].payment_id, read.payment_terms, read.due_date),
        (("12345678903",), "00123456789012", "Netto 30 dager", date(2026, 11, 7)),
    ),
}


def subtotals(document: Document) -> Any:
    return document.tax_totals[0].subtotals


@pytest.mark.parametrize(("name", "field", "wanted"), FEATURES.values(), ids=FEATURES)
def test_a_feature_is_read(name: str, field: Callable[[Document], object], wanted: object, golden: Path) -> None:
    assert field(read(golden, name)) == wanted


def test_a_party_with_a_trading_name_alone_has_a_name() -> None:
    document = EXAMPLES["names"]()
    data = to_bytes(replace(document, seller=replace(document.seller, legal_name=None)))
    assert parse(data).seller.legal_name is None
    assert parse(data).seller.name == "Bildelys"


# -- what is written badly is read and named ---------------------------------------

PLAIN_FILE = to_bytes(compose(draft(PLAIN)))


def changed(*changes: tuple[bytes, bytes]) -> bytes:
    data = PLAIN_FILE
    for old, new in changes:
        assert old in data
        data = data.replace(old, new, 1)
    return data


FAULTS = {
    "decimal comma": (b">24.00<", b">12,5<", "cac:Price/cbc:PriceAmount", "12,5"),
    "thousands": (b">24000.00<", b">24 000.00<", "cac:TaxSubtotal/cbc:TaxableAmount", "24 000.00"),
    "exponent": (b">24.00<", b">2.4e1<", "cac:Price/cbc:PriceAmount", "2.4e1"),
    "not a number": (b">24.00<", b">NaN<", "cac:Price/cbc:PriceAmount", "NaN"),
    "infinity": (b">24.00<", b">Infinity<", "cac:Price/cbc:PriceAmount", "Infinity"),
    "underscore": (b">24.00<", b">2_4<", "cac:Price/cbc:PriceAmount", "2_4"),
    "other digits": (b">24.00<", ">٢٤<".encode(), "cac:Price/cbc:PriceAmount", "٢٤"),
    "empty": (b">24.00<", b"><", "cac:Price/cbc:PriceAmount", ""),
    "endless": (b">24.00<", b">" + b"9" * 31 + b"<", "cac:Price/cbc:PriceAmount", "9" * 31),
    "norwegian date": (b">2026-11-07<", b">07.11.2026<", "cbc:DueDate", "07.11.2026"),
    "no such day": (b">2026-11-07<", b">2026-02-30<", "cbc:DueDate", "2026-02-30"),
    "date and time": (b">2026-11-07<", b">2026-11-07T00:00:00<", "cbc:DueDate", "2026-11-07T00:00:00"),
    "week date": (b">2026-11-07<", b">2026-W45-6<", "cbc:DueDate", "2026-W45-6"),
}


@pytest.mark.parametrize(("old", "new", "path", "text"), FAULTS.values(), ids=FAULTS)
def test_a_value_that_is_not_what_it_should_be_is_a_fault_with_its_line(
    old: bytes, new: bytes, path: str, text: str
) -> None:
    data = changed((old, new))
    document = parse(data)
    [fault] = document.faults
    assert (fault.path, fault.text) == (path, text)
    assert new.decode() in data.decode().splitlines()[fault.line - 1]


def test_a_date_with_a_time_zone_is_read_and_named() -> None:
    document = parse(changed((b">2026-11-07<", b">2026-11-07+01:00<")))
    assert document.due_date == date(2026, 11, 7)
    assert document.faults == (Fault("cbc:DueDate", "2026-11-07+01:00", "a date, as 2026-09-30"),)


def test_a_damaged_attachment_is_a_fault_and_the_rest_is_read(golden: Path) -> None:
    data = (golden / "attachments.xml").read_bytes()
    content = base64.b64encode(EXAMPLES["attachments"]().attachments[0].content or b"")
    document = parse(data.replace(content, b"!" + content))
    assert document.attachments[0].content is None
    assert [fault.expected for fault in document.faults] == ["a file in base64"]
    assert document.totals == EXAMPLES["attachments"]().totals


def test_a_due_date_inside_a_credit_note_is_read(golden: Path) -> None:
    data = (golden / "credit-note.xml").read_bytes()
    misplaced = data.replace(b"</cbc:IssueDate>", b"</cbc:IssueDate><cbc:DueDate>2027-01-02</cbc:DueDate>", 1)
    assert parse(misplaced).due_date == date(2027, 1, 2)


def test_a_comment_does_not_cut_a_value_short() -> None:
    data = changed((b">PF-2026-Q3-01<", b">PF-2026<!-- x -->-Q3<?x y?>-<![CDATA[01]]><"))
    assert parse(data).number == "PF-2026-Q3-01"


def test_elements_of_another_namespace_are_not_taken_for_ours() -> None:
    data = changed(
        (b"<cbc:BuyerReference>", b'<x:BuyerReference xmlns:x="urn:x">other</x:BuyerReference><cbc:BuyerReference>')
    )
    assert parse(data).buyer_reference == "RAD-7001"


def test_an_almost_empty_invoice_is_read_as_nothing() -> None:
    document = parse(b'<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"/>')
    assert (document.kind, document.number, document.lines, document.faults) == ("invoice", None, (), ())
    assert (document.seller.name, document.tax, document.accounts) == (None, None, ())


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "iso-8859-1", "windows-1252", "utf-16"], ids=lambda each: f"in {each}"
)
def test_a_document_is_read_in_the_encoding_it_declares(encoding: str) -> None:
    text = PLAIN_FILE.decode().replace("Lungeknuter CT", "Førde blødning").partition("?>")[2]
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    data = f'<?xml version="1.0" encoding="{declared}"?>{text}'.encode(encoding)
    assert parse(data).lines[0].name == "Førde blødning"


# -- what cannot be read is refused with a code and a line -------------------------------

NAMESPACE = b'xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"'
LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (level, b"&l%d;" % (level - 1) * 10) for level in range(1, 10))


def deep(levels: int) -> bytes:
    return b"<Invoice " + NAMESPACE + b">" + b"<a>" * levels + b"</a>" * levels + b"</Invoice>"


def with_doctype(doctype: bytes, reference: bytes = b"") -> bytes:
    return b'<?xml version="1.0"?>\n' + doctype + b"<Invoice " + NAMESPACE + b">" + reference + b"</Invoice>"


REFUSED: dict[str, tuple[bytes, str, int | None]] = {
    "nothing": (b"", "empty", None),
    "spaces": (b" \r\n\t ", "empty", None),
    "plain text": (b"Faktura 17: kr 100", "not_xml", 1),
    "a PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "not_xml", 1),
    "a zip": (b"PK\x03\x04\x14\x00\x00\x00", "not_xml", 1),
    "HTML": (b"<html><body>Logg inn</body></html>", "wrong_root", 1),
    "an order": (b'<Order xmlns="urn:oasis:names:specification:ubl:schema:xsd:Order-2"/>', "wrong_root", 1),
    "an invoice of no namespace": (b"<Invoice/>", "wrong_root", 1),
    "an invoice of another namespace": (b'<Invoice xmlns="urn:x"/>', "wrong_root", 1),
    "an unknown entity": (b"<Invoice " + NAMESPACE + b">&kr;</Invoice>", "not_xml", 1),
    "a NUL": (PLAIN_FILE.replace(b"Lungeknuter", b"Lunge\0knuter"), "not_xml", None),
    "a control character": (PLAIN_FILE.replace(b"Lungeknuter", b"Lunge\x07knuter"), "not_xml", None),
    "two roots": (PLAIN_FILE + b"<a/>", "not_xml", None),
    "cut in half": (PLAIN_FILE[: len(PLAIN_FILE) // 2], "truncated", None),
    "cut inside a tag": (PLAIN_FILE[: PLAIN_FILE.index(b"<cbc:Percent") + 7], "truncated", None),
    "cut before the end": (PLAIN_FILE.rstrip()[: -len("</Invoice>")], "truncated", None),
    "latin letters called UTF-8": (PLAIN_FILE.replace(b"Lungeknuter", "Førde".encode("latin-1")), "encoding", None),
    "an unknown encoding": (PLAIN_FILE.replace(b"UTF-8", b"KLINGON"), "encoding", 1),
    "an empty doctype": (with_doctype(b"<!DOCTYPE Invoice>"), "doctype", 2),
    "a doctype on the network": (with_doctype(b'<!DOCTYPE Invoice SYSTEM "http://192.0.2.1/x.dtd">'), "doctype", 2),
    "an entity": (with_doctype(b'<!DOCTYPE Invoice [<!ENTITY x "y">]>', b"&x;"), "doctype", 2),
    "billion laughs": (with_doctype(b'<!DOCTYPE x [<!ENTITY l0 "ha">' + LAUGHS + b"]>", b"&l9;"), "doctype", 2),
    "100 000 deep": (deep(100_000), "too_large", 1),
    "a text of eleven megabytes": (deep(0).replace(b"></", b">" + b"x" * 11_000_000 + b"</"), "too_large", 1),
}


@pytest.mark.parametrize(("data", "code", "line"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_document_is_refused_with_a_code_a_line_and_a_reason(
    data: bytes, code: str, line: int | None
) -> None:
    started = time.perf_counter()
    with pytest.raises(UnreadableDocument) as refused:
        parse(data)
    assert time.perf_counter() - started < 2
    assert refused.value.code == code
    assert line is None or refused.value.line == line
    assert len(refused.value.detail) > 15
    assert refused.value.detail in str(refused.value)


def test_a_secret_file_is_not_read_through_an_external_entity(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("sesame")
    doctype = f'<!DOCTYPE Invoice [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'.encode()
    with pytest.raises(UnreadableDocument) as refused:
        parse(with_doctype(doctype, b"&x;"))
    assert refused.value.code == "doctype"
    assert "sesame" not in str(refused.value)


def test_a_file_over_the_limit_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(UnreadableDocument) as refused:
        parse(PLAIN_FILE, limit=len(PLAIN_FILE) - 1)
    assert refused.value.code == "too_large"
    assert parse(PLAIN_FILE, limit=len(PLAIN_FILE)).number == "PF-2026-Q3-01"


def test_twenty_megabytes_are_refused() -> None:
    with pytest.raises(UnreadableDocument, match="limit is 20971520"):
        parse(b"<" * (20 * 1024 * 1024 + 1))


@given(st.integers(0, len(PLAIN_FILE) - 1), st.binary(max_size=3), st.integers(0, 8))
def test_a_damaged_file_is_read_or_refused_and_never_crashes(place: int, put: bytes, taken: int) -> None:
    damaged = PLAIN_FILE[:place] + put + PLAIN_FILE[place + taken :]
    with suppress(UnreadableDocument):  # every other exception is a crash, and fails here
        assert isinstance(parse(damaged), Document)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_and_never_crash(data: bytes) -> None:
    with pytest.raises(UnreadableDocument):
        parse(data)


def test_several_orders_and_several_preceding_invoices_in_one_document_are_read() -> None:
    """The revised EN 16931 has them on the lines, beside the document's own."""
    first, second = BillingReference("10041", date(2026, 4, 7)), BillingReference("10042")
    document = replace(EXAMPLES["two-tax-rates"](), order="4500000001", billing_references=(first,))
    document = with_line(document, 0, order="4500000001", order_line="1", preceding=(first, second))
    document = with_line(document, 1, order="4500000002", order_line="7")
    read = parse(to_bytes(document))
    assert read == document
    assert read.orders == ("4500000001", "4500000002")
    assert [each.number for each in read.preceding] == ["10041", "10042"]
    assert [finding for finding in check(read, to_bytes(document)) if finding.severity == "fatal"] == []
