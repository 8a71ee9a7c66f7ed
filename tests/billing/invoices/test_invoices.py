"""An invoice is kept as it came and compared with what was due."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from billing.charges import charging
from billing.ehf.document import ItemProperty
from billing.ehf.document import Period as EhfPeriod
from billing.ehf.write import Draft, DraftLine, norwegian_party, write_invoice
from billing.invoices import invoices
from billing.models import Invoice
from contracts.errors import Denied, NotFound
from contracts.extensions import db
from contracts.models import Document
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.terms.period import Period
from tests.recorded import record_agreement, record_usage

NOW = datetime(2024, 4, 15, 8, tzinfo=UTC)
Q1 = Period.parse("2024-Q1")
WHOLE_QUARTER = EhfPeriod(date(2024, 1, 1), date(2024, 3, 31))


def vendor_invoice(agreement_id: int, **changes: Any) -> bytes:
    """The vendor's invoice of the first quarter, one line per charge line and no ramp on Vestre Viken's first tier."""
    with db.read() as session:
        lines = charging.expected_charges(session, agreement_id=agreement_id, period=Q1, actor=COMMAND_LINE).lines
    draft = Draft(
        number="10045",
        issue_date=date(2024, 4, 10),
        due_date=date(2024, 5, 10),
        seller=norwegian_party("Bildeklok AS", "123456785", in_register=True, city="Oslo"),
        buyer=norwegian_party("Sykehuspartner HF", "914637651", city="Oslo"),
        buyer_reference="RAD-1001",
        contract="2024/118",
        period=WHOLE_QUARTER,
        lines=tuple(
            DraftLine(
                name="Bruddvis",
                quantity=Decimal(line.quantity or 1),
                unit_price=line.unit_price or line.gross,
                net=line.gross,
                item_id=line.algorithm,
                period=WHOLE_QUARTER,
                properties=(ItemProperty("trust", line.trust or ""),),
            )
            for line in lines
        ),
    )
    return write_invoice(replace(draft, **changes))


def take_in(agreement_id: int, content: bytes, actor: Actor = COMMAND_LINE) -> invoices.InvoiceReading:
    with db.write() as session:
        return invoices.import_invoice(
            session, agreement_id=agreement_id, filename="10045.xml", content=content, actor=actor, now=NOW
        )


def test_an_invoice_is_kept_byte_for_byte_and_once(database: Flask) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    content = vendor_invoice(agreement_id)
    first, again = take_in(agreement_id, content), take_in(agreement_id, content)
    assert (first.status, again.status, again.id) == ("imported", "already_imported", first.id)
    assert first.id is not None
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(Invoice)) == 1
        kept = invoices.open_original(
            session, agreement_id=agreement_id, invoice_id=first.id, actor=COMMAND_LINE, now=NOW
        )
    assert kept == ("10045.xml", content)


def test_an_invoice_is_compared_in_total_and_by_line_group(database: Flask) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    invoice_id = take_in(agreement_id, vendor_invoice(agreement_id)).id
    assert invoice_id is not None
    with db.read() as session:
        comparison = invoices.compare(session, agreement_id=agreement_id, invoice_id=invoice_id, actor=COMMAND_LINE)
    assert comparison.comparable
    assert (comparison.expected, comparison.invoiced) == (Decimal("13800.00"), Decimal("16545.00"))
    assert {(group.trust, group.difference) for group in comparison.groups} == {
        ("sykehuset-ostfold", Decimal("0.00")),
        ("vestre-viken", Decimal("2745.00")),
    }
    assert sum(group.difference for group in comparison.groups) == comparison.difference
    assert all(group.invoiced_quantity == group.expected_quantity for group in comparison.groups)


def test_another_currency_is_never_subtracted(app: Flask) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    invoice_id = take_in(agreement_id, vendor_invoice(agreement_id, currency="EUR")).id
    assert invoice_id is not None
    with db.read() as session:
        comparison = invoices.compare(session, agreement_id=agreement_id, invoice_id=invoice_id, actor=COMMAND_LINE)
    assert not comparison.comparable
    assert comparison.expected == 0


def test_a_credit_note_counts_with_its_sign(app: Flask) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    credit = vendor_invoice(agreement_id, kind="credit_note", number="K1", due_date=None)
    invoice_id = take_in(agreement_id, credit).id
    assert invoice_id is not None
    with db.read() as session:
        comparison = invoices.compare(session, agreement_id=agreement_id, invoice_id=invoice_id, actor=COMMAND_LINE)
    assert comparison.invoiced == Decimal("-16545.00")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b'<?xml version="1.0"?><!DOCTYPE Invoice [<!ENTITY x "y">]><Invoice/>', "doctype"),
        (b"<Invoice", "truncated"),
        (b"<html/>", "wrong_root"),
        (b"", "empty"),
    ],
    ids=["doctype", "truncated", "another root", "empty"],
)
def test_what_cannot_be_read_is_refused_and_nothing_kept(app: Flask, content: bytes, code: str) -> None:
    reading = take_in(record_agreement(), content)
    assert (reading.status, reading.fatal, reading.findings[0].rule) == ("refused", True, code)
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(Document)) == 0


def test_only_a_controller_takes_invoices_in_and_only_central_readers_see_them(app: Flask) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    content = vendor_invoice(agreement_id)
    reader = Actor("person:l", "L", (Grant("trust_reader", "vestre-viken"),))
    with pytest.raises(Denied):
        take_in(agreement_id, content, reader)
    invoice_id = take_in(agreement_id, content).id
    assert invoice_id is not None
    with db.read() as session:
        with pytest.raises(NotFound):
            invoices.list_invoices(session, agreement_id=agreement_id, actor=reader)
        with pytest.raises(NotFound):
            invoices.compare(session, agreement_id=agreement_id, invoice_id=invoice_id, actor=reader)


def test_documents_of_other_programs_are_taken_in_with_their_totals(app: Flask, sample_data: Path) -> None:
    agreement_id = record_agreement()
    files = sorted((sample_data / "ehf").glob("*.xml"))
    assert len(files) == 15
    for file in files:
        assert take_in(agreement_id, file.read_bytes()).status == "imported", file.name
    with db.read() as session:
        listed = invoices.list_invoices(session, agreement_id=agreement_id, actor=COMMAND_LINE)
        for summary in listed:
            invoices.compare(session, agreement_id=agreement_id, invoice_id=summary.id, actor=COMMAND_LINE)
    assert len(listed) == 15
