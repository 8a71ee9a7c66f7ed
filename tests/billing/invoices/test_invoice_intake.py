"""An invoice is read by the vendor's mapping, told what is known against it, and never shows a person's number."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from billing.ehf.document import Attachment, ItemProperty, PaymentMeans
from billing.ehf.document import Period as EhfPeriod
from billing.ehf.write import Draft, DraftLine, norwegian_party, write_invoice
from billing.invoices import invoices, vendor_statement
from billing.invoices import setup as invoice_setup
from billing.invoices.line_reading import DEFAULT, FieldMapping
from billing.invoices.setup import References, fits
from billing.models import InvoiceLine
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.models import AuditEvent
from contracts.people.access import COMMAND_LINE, Actor, Grant
from tests.billing.ehf.examples import EXAMPLES
from tests.conftest import ROOT
from tests.recorded import record_agreement, record_usage

NOW = datetime(2024, 4, 15, 8, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
MANAGER = Actor("person:m", "M", (Grant("contract_manager"),))
VENDOR = "123456785"
ACCOUNT, OTHER_ACCOUNT = "12345670007", "12345678903"
JANUARY = EhfPeriod(date(2024, 1, 1), date(2024, 1, 31))


def person_number() -> str:
    """Make eleven digits with both check digits right, of a month that no person has."""
    from stdnum.no import fodselsnummer

    for serial in range(100, 400):
        nine = f"158992{serial}"
        try:
            number = nine + str(fodselsnummer.calc_check_digit1(nine))
            number += str(fodselsnummer.calc_check_digit2(number))
        except ValueError:
            continue
        if len(number) == 11 and number.isdigit():
            return number
    raise AssertionError("there is no such number")


LINE = DraftLine(
    name="Bruddvis",
    quantity=Decimal(100),
    unit_price=Decimal("60.00"),
    net=Decimal("6000.00"),
    item_id="xray-skeletal",
    period=JANUARY,
    properties=(ItemProperty("trust", "vestre-viken"),),
)


def document(*lines: DraftLine, **changes: Any) -> bytes:
    plain = Draft(
        number="10045",
        issue_date=date(2024, 4, 10),
        due_date=date(2024, 5, 10),
        seller=norwegian_party("Bildeklok AS", VENDOR, in_register=True, city="Oslo"),
        buyer=norwegian_party("Sykehuspartner HF", "914637651", city="Oslo"),
        buyer_reference="RAD-1001",
        period=EhfPeriod(date(2024, 1, 1), date(2024, 3, 31)),
        lines=lines or (LINE,),
    )
    return write_invoice(replace(plain, **changes))


def take_in(agreement_id: int, content: bytes, filename: str = "10045.xml") -> invoices.InvoiceReading:
    with db.write() as session:
        return invoices.import_invoice(
            session, agreement_id=agreement_id, filename=filename, content=content, actor=COMMAND_LINE, now=NOW
        )


def found(agreement_id: int, invoice_id: int | None, **options: Any) -> invoices.RecordedInvoice:
    assert invoice_id is not None
    with db.read() as session:
        return invoices.find_invoice(
            session, agreement_id=agreement_id, invoice_id=invoice_id, actor=COMMAND_LINE, **options
        )


def read_by(agreement_id: int, mapping: FieldMapping, now: datetime = LATER, vendor: str = VENDOR) -> None:
    with db.write() as session:
        invoice_setup.set_mapping(
            session, agreement_id=agreement_id, vendor_number=vendor, mapping=mapping, actor=MANAGER, now=now
        )


# -- the mapping -----------------------------------------------------------------------


OWN_LINE = replace(
    LINE,
    name="AI-tjeneste januar",
    item_id="SKU-17",
    properties=(ItemProperty("Kunde", "Ahus"), ItemProperty("Nivå", "trinn 2")),
    accounting_cost="SKJ",
    note="Fase 1",
    period=None,
)


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        (DEFAULT, (None, None, "2024-Q1", None, None)),
        (
            FieldMapping(
                trust=("property:kunde",),
                algorithm=("accounting_cost",),
                period=("document_period",),
                tier=("property:nivå",),
                phase=("note",),
                trust_names={"Ahus": "akershus"},
                algorithm_names={"skj": "xray-skeletal"},
            ),
            ("akershus", "xray-skeletal", "2024-Q1", 2, 1),
        ),
    ],
    ids=["the usual mapping finds nothing", "the vendor's own"],
)
def test_a_line_is_read_by_the_vendor_s_mapping(
    database: Flask, mapping: FieldMapping, expected: tuple[object, ...]
) -> None:
    agreement_id = record_agreement()
    read_by(agreement_id, mapping, NOW)
    taken = take_in(agreement_id, document(OWN_LINE))
    assert taken.document is not None
    with db.read() as session:
        reader = invoice_setup.line_reader(session, agreement_id=agreement_id, vendor_number=VENDOR)
    about = reader.read(taken.document.lines[0], taken.document)
    assert about.period is not None
    assert (about.trust, about.algorithm, about.period.label(), about.tier, about.phase) == expected
    with db.read() as session:
        row = session.scalars(select(InvoiceLine)).one()
    assert (row.trust, row.algorithm) == expected[:2]


def test_a_newer_mapping_reads_a_kept_document_anew_and_leaves_it_as_it_came(app: Flask) -> None:
    agreement_id = record_agreement()
    content = document(OWN_LINE)
    invoice_id = take_in(agreement_id, content).id
    assert found(agreement_id, invoice_id).lines[0].trust is None
    read_by(agreement_id, replace(DEFAULT, trust=("property:kunde",), trust_names={"Ahus": "akershus"}))
    assert found(agreement_id, invoice_id).lines[0].trust == "akershus"
    assert found(agreement_id, invoice_id, known_at=NOW).lines[0].trust is None
    with db.read() as session:
        kept = invoices.open_original(
            session, agreement_id=agreement_id, invoice_id=invoice_id or 0, actor=COMMAND_LINE, now=NOW
        )
    assert kept[1] == content
    assert take_in(agreement_id, content).status == "already_imported"


def test_another_vendor_keeps_its_own_mapping(app: Flask) -> None:
    agreement_id = record_agreement()
    read_by(agreement_id, FieldMapping(trust=("buyer",)), vendor="987654325")
    with db.read() as session:
        own = invoice_setup.mapping_in_force(session, agreement_id=agreement_id, vendor_number=VENDOR)
        listed = invoice_setup.list_mappings(session, agreement_id=agreement_id, actor=MANAGER)
    assert own.mapping == DEFAULT
    assert [each.vendor_number for each in listed] == [VENDOR, "987654325"]


@pytest.mark.parametrize(
    ("mapping", "pointer", "code"),
    [
        (FieldMapping(trust=("colour",)), "#/trust/0", "unknown_field"),
        (FieldMapping(algorithm=("buyer",)), "#/algorithm/0", "unknown_field"),
        (FieldMapping(tier=("property:",)), "#/tier/0", "no_name"),
        (FieldMapping(period=("line_period", "line_period")), "#/period/1", "twice"),
        (FieldMapping(trust_names={"Ahus": "oslo"}), "#/trust_names", "unknown_code"),
    ],
    ids=["no such field", "a field of another subject", "a property without a name", "twice", "a code of nobody"],
)
def test_a_mapping_that_makes_no_sense_is_refused_with_its_place(
    app: Flask, mapping: FieldMapping, pointer: str, code: str
) -> None:
    agreement_id = record_agreement()
    with pytest.raises(InvalidInput) as refused:
        read_by(agreement_id, mapping)
    assert (pointer, code) in [(each.pointer, each.code) for each in refused.value.errors]


def test_only_a_contract_manager_of_all_trusts_changes_how_invoices_are_read(app: Flask) -> None:
    agreement_id = record_agreement()
    for role in ("finance_controller", "approver", "auditor", "admin", "service"):
        with pytest.raises(Denied), db.write() as session:
            invoice_setup.set_references(
                session,
                agreement_id=agreement_id,
                code="akershus",
                references=References("X"),
                actor=Actor("person:x", "X", (Grant(role),)),
                now=NOW,
            )
    reader = Actor("person:l", "L", (Grant("trust_reader", "akershus"),))
    with db.read() as session, pytest.raises(NotFound):
        invoice_setup.list_accounts(session, agreement_id=agreement_id, actor=reader)


def test_references_are_facts_that_stand_as_of_their_day(app: Flask) -> None:
    agreement_id = record_agreement()
    for references, now in ((References("A"), NOW), (References("B", "PO-1234", "PO-####"), LATER)):
        with db.write() as session:
            invoice_setup.set_references(
                session, agreement_id=agreement_id, code="akershus", references=references, actor=MANAGER, now=now
            )
    with db.read() as session:
        told = [
            invoice_setup.find_recipient(
                session, agreement_id=agreement_id, code="akershus", actor=MANAGER, known_at=known_at
            ).references.buyer_reference
            for known_at in (NOW - timedelta(days=1), NOW, None)
        ]
    assert told == [None, "A", "B"]


@pytest.mark.parametrize(
    ("references", "code"),
    [
        (References(order_number="45-18861", order_pattern="##########"), "pattern"),
        (References(endpoint="983971637"), "not_an_organisation_number"),
        (References(buyer_reference=" X"), "blank"),
        (References(city="x" * 121), "too_long"),
    ],
    ids=["not ten digits", "a wrong check digit", "a blank", "too long"],
)
def test_references_that_cannot_be_are_refused(app: Flask, references: References, code: str) -> None:
    agreement_id = record_agreement()
    with pytest.raises(InvalidInput) as refused, db.write() as session:
        invoice_setup.set_references(
            session, agreement_id=agreement_id, code="akershus", references=references, actor=MANAGER, now=NOW
        )
    assert [each.code for each in refused.value.errors] == [code]


def test_a_pattern_is_no_expression() -> None:
    assert fits("a.c", "a.c")
    assert not fits("a.c", "abc")
    assert not fits("##", "12\n")
    assert not fits("##", "١٢")


# -- what only other documents tell ----------------------------------------------------


def rules(findings: tuple[Any, ...]) -> list[str]:
    return [each.rule for each in findings]


def test_two_invoices_with_one_number_are_told_on_the_second(app: Flask) -> None:
    agreement_id = record_agreement()
    first = take_in(agreement_id, document(), "a.xml")
    second = take_in(agreement_id, document(replace(LINE, quantity=Decimal(1), net=Decimal("60.00"))), "b.xml")
    assert (rules(first.findings), rules(second.findings)) == ([], ["INVOICE_DUP"])
    assert "a.xml" in second.findings[0].detail
    assert rules(found(agreement_id, first.id).findings) == []
    assert rules(found(agreement_id, second.id).findings) == ["INVOICE_DUP"]


def test_a_credit_note_may_have_an_invoice_s_number(app: Flask) -> None:
    agreement_id = record_agreement()
    take_in(agreement_id, document())
    assert rules(take_in(agreement_id, document(kind="credit_note", due_date=None)).findings) == []


def paid_to(account: str, number: str) -> bytes:
    return document(number=number, payment_means=(PaymentMeans("30", payment_id="1", account=account),))


def test_another_account_than_on_earlier_documents_is_told(app: Flask) -> None:
    agreement_id = record_agreement()
    assert rules(take_in(agreement_id, paid_to(ACCOUNT, "1")).findings) == []
    assert rules(take_in(agreement_id, paid_to(ACCOUNT, "2")).findings) == []
    changed = take_in(agreement_id, paid_to(OTHER_ACCOUNT, "3"))
    assert rules(changed.findings) == ["ACCOUNT_CHANGED"]
    assert OTHER_ACCOUNT in changed.findings[0].detail


def test_checked_accounts_count_before_earlier_documents_and_can_be_taken_off(app: Flask) -> None:
    agreement_id = record_agreement()
    first = take_in(agreement_id, paid_to(ACCOUNT, "1"))
    with db.write() as session:
        added = invoice_setup.add_account(
            session,
            agreement_id=agreement_id,
            vendor_number=VENDOR,
            account="1234.56.78903",
            checked="Ringt",
            actor=MANAGER,
            now=LATER,
        )
    assert rules(found(agreement_id, first.id).findings) == ["ACCOUNT_CHANGED"]
    assert rules(found(agreement_id, first.id, known_at=NOW).findings) == []
    assert rules(take_in(agreement_id, paid_to(OTHER_ACCOUNT, "2")).findings) == []
    for expected in (None, Conflict):
        with db.write() as session:
            if expected is None:
                invoice_setup.remove_account(
                    session, agreement_id=agreement_id, account_id=added.id, actor=MANAGER, now=LATER
                )
            else:
                with pytest.raises(expected):
                    invoice_setup.remove_account(
                        session, agreement_id=agreement_id, account_id=added.id, actor=MANAGER, now=LATER
                    )
    assert rules(found(agreement_id, first.id).findings) == []


@pytest.mark.parametrize("account", ["12345670008", "1234567000", "NO9386011117948", "x"])
def test_what_is_no_account_is_not_taken_for_one(app: Flask, account: str) -> None:
    agreement_id = record_agreement()
    with pytest.raises(InvalidInput), db.write() as session:
        invoice_setup.add_account(
            session,
            agreement_id=agreement_id,
            vendor_number=VENDOR,
            account=account,
            checked="Ringt",
            actor=MANAGER,
            now=NOW,
        )


# -- persons ---------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", ["{0}", "{1} {2}", "{1}-{2}"], ids=["whole", "with a blank", "with a hyphen"])
def test_a_person_s_number_is_told_and_masked_and_the_original_stays_as_it_came(app: Flask, spelling: str) -> None:
    number = person_number()
    text = spelling.format(number, number[:6], number[6:])
    line = replace(
        LINE,
        name=f"Pasient {text}",
        description=f"Bilde av {text}",
        note=text,
        properties=(*LINE.properties, ItemProperty("pasient", text)),
    )
    agreement_id = record_agreement()
    content = document(line, LINE, note=f"Gjelder {text}")
    reading = take_in(agreement_id, content)
    assert rules(reading.findings) == ["PERSON_ID", "PERSON_ID"]
    kept = found(agreement_id, reading.id)
    assert rules(kept.findings) == ["PERSON_ID", "PERSON_ID"]
    assert text not in repr(kept)
    assert text not in repr(reading)
    assert kept.lines[0].name == "Pasient ***********"
    assert kept.lines[0].trust == "vestre-viken"
    with db.write() as session:
        opened = invoices.open_original(
            session, agreement_id=agreement_id, invoice_id=reading.id or 0, actor=COMMAND_LINE, now=NOW
        )
    assert opened[1] == content
    with db.read() as session:
        rows = session.scalars(select(InvoiceLine)).all()
        logged = [each.action for each in session.scalars(select(AuditEvent).order_by(AuditEvent.id))]
    assert text not in repr([(row.line_id, row.name, row.item_id) for row in rows])
    assert logged[-1] == "invoice.open_original"


def test_accounts_and_payment_references_are_no_persons(app: Flask) -> None:
    agreement_id = record_agreement()
    number = person_number()
    means = (PaymentMeans("30", payment_id=number, account=ACCOUNT),)
    assert rules(take_in(agreement_id, document(payment_means=means)).findings) == []


# -- files inside ----------------------------------------------------------------------


PDF = b"%PDF-1.7\n\x00\xff"


def with_files(*files: Attachment) -> bytes:
    return document(attachments=files)


def usage_file(text: str, encoding: str = "utf-8", **changes: Any) -> Attachment:
    return replace(Attachment("bruk", "Bruk", "bruk.csv", "text/csv", text.encode(encoding)), **changes)


def test_a_file_inside_is_opened_as_it_came_and_the_log_tells(app: Flask) -> None:
    agreement_id = record_agreement()
    attachment = Attachment("a", "Bilag", "bilag.pdf", "application/pdf", PDF)
    invoice_id = take_in(agreement_id, with_files(attachment, Attachment("p", uri="https://example.no/x"))).id or 0

    def opened(number: int) -> Attachment:
        with db.write() as session:
            return invoices.open_attachment(
                session, agreement_id=agreement_id, invoice_id=invoice_id, number=number, actor=COMMAND_LINE, now=NOW
            )

    assert opened(1).content == PDF
    for absent in (0, 2, 3):
        with pytest.raises(NotFound):
            opened(absent)
    with db.read() as session:
        logged = [each.action for each in session.scalars(select(AuditEvent).order_by(AuditEvent.id))]
    assert logged.count("invoice.open_attachment") == 1


def stated(agreement_id: int, attachment: Attachment) -> vendor_statement.Statement:
    invoice_id = take_in(agreement_id, with_files(attachment)).id or 0
    with db.read() as session:
        return vendor_statement.compare_statement(
            session, agreement_id=agreement_id, invoice_id=invoice_id, number=1, actor=COMMAND_LINE
        )


DAILY = "trust,algorithm,date,quantity\nvestre-viken,xray-skeletal,2024-01-09,60\nvestre-viken,xray-skeletal,2024-01-10,45\n"
MONTHLY = "trust;algorithm;month;quantity\r\nVestre Viken HF;Bruddvis;2024-01;105\r\n"
EVENTS = (
    "event_id\ttrust\talgorithm\ttime\tstatus\n"
    + "".join(f"e{n}\tvestre-viken\txray-skeletal\t2024-01-31T23:30:00+01:00\tcompleted\n" for n in range(105))
    + "f1\tvestre-viken\txray-skeletal\t2024-01-10T10:00:00Z\tfailed\n"
)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(DAILY, "utf-8"), (MONTHLY, "utf-8-sig"), (MONTHLY, "cp1252"), (EVENTS, "utf-8")],
    ids=["daily", "monthly by names, with a mark", "monthly, Windows", "single events"],
)
def test_the_vendor_s_statement_is_held_against_our_count(app: Flask, text: str, encoding: str) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    statement = stated(agreement_id, usage_file(text, encoding))
    assert statement.errors == ()
    told = [(row.trust, row.algorithm, row.month.label(), row.stated, row.counted) for row in statement.rows]
    assert told == [
        ("sykehuset-ostfold", "xray-skeletal", "2024-01", 0, 201),
        ("vestre-viken", "xray-skeletal", "2024-01", 105, 100),
    ]
    assert (statement.stated, statement.counted) == (105, 301)


def test_rows_of_a_statement_that_cannot_be_used_are_told_and_left_out(app: Flask) -> None:
    agreement_id = record_agreement()
    number = person_number()
    text = DAILY + "".join(
        f"{row}\n"
        for row in (
            "Nowhere,xray-skeletal,2024-01-10,1",
            f"vestre-viken,{number},2024-01-10,1",
            "vestre-viken,xray-skeletal,10.01.2024,1",
            "vestre-viken,xray-skeletal,2024-01-10,1.5",
            "vestre-viken,xray-skeletal",
        )
    )
    statement = stated(agreement_id, usage_file(text))
    assert [(each.row, each.code) for each in statement.errors] == [
        (4, "unknown_trust"),
        (5, "unknown_algorithm"),
        (6, "not_a_day"),
        (7, "not_a_count"),
        (8, "width"),
    ]
    assert number not in repr(statement)
    assert statement.stated == 105


@pytest.mark.parametrize(
    ("attachment", "code"),
    [
        (usage_file("a,b\n1,2\n"), "header"),
        (usage_file(" "), "header"),
        (replace(usage_file(""), content=b"trust\x00"), "encoding"),
    ],
    ids=["another header", "empty", "no text"],
)
def test_a_file_that_is_no_statement_says_so(app: Flask, attachment: Attachment, code: str) -> None:
    statement = stated(record_agreement(), attachment)
    assert (statement.rows, [each.code for each in statement.errors]) == ((), [code])


def test_a_pdf_is_no_statement(app: Flask) -> None:
    with pytest.raises(NotFound):
        stated(record_agreement(), Attachment("a", "Bilag", "bilag.pdf", "application/pdf", PDF))


# -- every feature, through the whole intake -------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_golden_file_goes_through_the_whole_intake(app: Flask, name: str) -> None:
    agreement_id = record_agreement()
    content = (ROOT / "tests" / "data" / "ehf" / f"{name}.xml").read_bytes()
    reading = take_in(agreement_id, content, f"{name}.xml")
    assert (reading.status, reading.findings) == ("imported", ())
    written = EXAMPLES[name]()
    kept = found(agreement_id, reading.id)
    assert kept.summary.payable == written.totals.payable
    assert kept.summary.tax_exclusive == written.totals.tax_exclusive
    assert kept.summary.tax == written.tax
    assert [line.net for line in kept.lines] == [line.net for line in written.lines]
    assert [line.unit_price for line in kept.lines] == [line.price.amount for line in written.lines]
    assert (kept.summary.order_reference, kept.summary.buyer_reference) == (written.order, written.buyer_reference)
    with db.read() as session:
        comparison = invoices.compare(
            session, agreement_id=agreement_id, invoice_id=reading.id or 0, actor=COMMAND_LINE
        )
    assert comparison.invoiced == (written.totals.tax_exclusive or 0) * written.sign


# -- hostile files ---------------------------------------------------------------------


def hostile() -> dict[str, tuple[bytes, str]]:
    good = document()
    secret = b'<!DOCTYPE Invoice [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    bomb = b'<!DOCTYPE Invoice [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    head, _, body = good.partition(b"?>")
    latin = good.replace(b"Bildeklok", "Bildeklåk".encode("latin-1"))
    return {
        "an external entity": (head + b"?>" + secret + body.replace(b"10045", b"&x;"), "doctype"),
        "an entity bomb": (head + b"?>" + bomb + body, "doctype"),
        "twenty megabytes": (good + b" " * (20 * 1024 * 1024), "too_large"),
        "cut off": (good[:-200], "truncated"),
        "another root": (b"<html/>", "wrong_root"),
        "bytes that are no UTF-8": (latin, "encoding"),
        "no XML at all": (b"%PDF-1.7", "not_xml"),
        "nothing": (b"", "empty"),
    }


@pytest.mark.parametrize("name", hostile())
def test_a_hostile_file_is_refused_with_its_reason_and_leaves_nothing(app: Flask, name: str) -> None:
    content, code = hostile()[name]
    agreement_id = record_agreement()
    reading = take_in(agreement_id, content)
    assert (reading.status, rules(reading.findings)) == ("refused", [code])
    with db.read() as session:
        listed = invoices.list_invoices(session, agreement_id=agreement_id, actor=COMMAND_LINE)
    assert listed == []


def test_iso_8859_1_is_read_where_the_document_says_so(app: Flask) -> None:
    content = document(replace(LINE, name="Røntgen, blå sone")).decode()
    latin = content.replace("'UTF-8'", "'ISO-8859-1'").encode("latin-1")
    reading = take_in(record_agreement(), latin)
    assert reading.document is not None
    assert (reading.status, reading.document.lines[0].name) == ("imported", "Røntgen, blå sone")


def test_numbers_too_large_for_a_column_are_read_from_the_document(app: Flask) -> None:
    line = replace(LINE, quantity=Decimal("1e13"), unit_price=Decimal("0.000000001"), net=Decimal("10000.00"))
    agreement_id = record_agreement()
    reading = take_in(agreement_id, document(line))
    kept = found(agreement_id, reading.id)
    assert (kept.lines[0].quantity, kept.lines[0].unit_price) == (None, None)
    assert kept.document.lines[0].quantity == Decimal("1e13")


def test_unknown_currency_is_kept_and_never_subtracted(app: Flask) -> None:
    agreement_id = record_agreement()
    content = document().replace(b"NOK", b"XXQ")
    reading = take_in(agreement_id, content)
    assert reading.status == "imported"
    with db.read() as session:
        comparison = invoices.compare(
            session, agreement_id=agreement_id, invoice_id=reading.id or 0, actor=COMMAND_LINE
        )
    assert not comparison.comparable


def test_the_golden_folder_is_where_it_is_looked_for() -> None:
    assert Path(ROOT / "tests" / "data" / "ehf").is_dir()
