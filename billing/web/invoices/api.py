"""API: receive EHF invoices and credit notes, read them, compare them with the expected charges."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response

from billing.invoices import expected as expected_invoice
from billing.invoices import invoices, vendor_statement
from billing.reconciliation import responses
from billing.schemas import invoices as shapes
from billing.schemas.invoice_setup import ExpectedInvoiceQuerySchema, StatementSchema
from billing.schemas.invoices import dump_comparison, dump_recorded
from billing.web.files import attachment_answer, file_answer
from contracts.agreements import find_agreement
from contracts.errors import Finding, InvalidInput
from contracts.extensions import db
from contracts.schemas.answers import AgreementQuerySchema, PageQuerySchema
from contracts.terms.period import Period
from contracts.web import api, formatting
from contracts.web.acts import acted, asked
from contracts.web.api import file_body, from_cursor, json_answer, to_cursor, uploaded
from contracts.web.guard import current_actor
from contracts.web.problems import problem
from contracts.web.resources import Page, Resource

resource = Resource(
    "invoices", __name__, url_prefix=f"{api.PREFIX}/invoices", description="EHF invoices and credit notes."
)


@resource.reads("", shapes.InvoicePageSchema, "The invoices, newest record first.", query=PageQuerySchema)
def list_invoices(query: dict[str, Any]) -> Any:
    """List the recorded invoices"""
    before = from_cursor(query["after"], api.whole)
    recorded = asked(invoices.list_invoices, agreement_id=find_agreement(db.session, query["agreement"]).id)
    rows = sorted(recorded, key=lambda invoice: invoice.id, reverse=True)
    if before is not None:
        rows = [invoice for invoice in rows if invoice.id < before[0]]
    shown = rows[: query["limit"]]
    more = len(rows) > len(shown)
    return Page(shown, to_cursor(shown[-1].id) if more else None)


@resource.writes(
    "",
    "invoice.receive",
    shapes.ReceivedInvoiceSchema,
    "The document is kept byte for byte. Rules it breaks are findings, not refusals.",
    also={200: "The very same document was received before; nothing was done."},
    body=file_body("application/xml", "text/xml", description="An EHF invoice or credit note (UBL 2.1)."),
    query=AgreementQuerySchema,
)
def receive_invoice(query: dict[str, Any]) -> Response:
    """Receive an EHF invoice or credit note

    What cannot be read as one answers 422 with the reason's code and the line of the file; `result` then is the document of
    `invoice import --json`.
    """
    filename, content = uploaded("application/xml", "text/xml", usual_name="invoice.xml")
    reading = acted(
        invoices.import_invoice,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        filename=filename,
        content=content,
    )
    document = shapes.ReadingSchema().dump(reading)
    if reading.status == "refused":
        reason = reading.findings[0]
        place = {
            "pointer": f"#/line/{reason.line}" if reason.line else "#",
            "code": reason.rule,
            "detail": reason.detail,
        }
        return problem(422, reason.rule, reason.detail, errors=[place], line=reason.line or None, result=document)
    headers = {"Location": f"{api.PREFIX}/invoices/{reading.id}"}
    return json_answer({"id": reading.id} | document, 201 if reading.status == "imported" else 200, headers)


@resource.reads(
    "/<int:invoice_id>",
    shapes.RecordedInvoiceSchema,
    "The invoice, its lines, the rules it breaks.",
    query=AgreementQuerySchema,
)
def show_invoice(query: dict[str, Any], invoice_id: int) -> Response:
    """Give an invoice with its lines and findings"""
    recorded = asked(
        invoices.find_invoice, agreement_id=find_agreement(db.session, query["agreement"]).id, invoice_id=invoice_id
    )
    return json_answer(dump_recorded(recorded))


@resource.reads_file(
    "/expected",
    query=ExpectedInvoiceQuerySchema,
    responses={
        200: {
            "description": "The pro-forma, an EHF invoice (UBL 2.1); the same question gives the same bytes.",
            "content": {"application/xml": {"schema": {"type": "string"}}},
        }
    },
    etag=True,
)
def show_expected(query: dict[str, Any]) -> Response:
    """Write the expected invoice of a quarter as an EHF document

    One line per charge line, for the framework or for one trust. A closed quarter is written from its frozen lines. 409
    `nothing_due` where no line is due.
    """
    try:
        period = Period.parse(query["quarter"])
    except ValueError as error:
        raise InvalidInput((Finding("#/query/quarter", "not_a_period", str(error)),)) from None
    expected = asked(
        expected_invoice.expected_invoice,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        period=period,
        trust=query["trust"],
        known_at=query["known_at"],
        run=query["run"],
    )
    return file_answer(expected.content, "application/xml", expected.filename)


@resource.reads_file(
    "/<int:invoice_id>/original",
    query=AgreementQuerySchema,
    responses={
        200: {
            "description": "The document byte for byte.",
            "content": {"application/xml": {"schema": {"type": "string"}}},
        }
    },
)
def open_original(query: dict[str, Any], invoice_id: int) -> Response:
    """Open the sealed original as it came; the log tells who did, and when"""
    with db.write() as session:
        filename, content = invoices.open_original(
            session,
            agreement_id=find_agreement(session, query["agreement"]).id,
            invoice_id=invoice_id,
            actor=current_actor(),
            now=datetime.now(UTC),
        )
    return file_answer(content, "application/xml", filename)


@resource.reads_file(
    "/<int:invoice_id>/attachments/<int(max=9999):number>",
    query=AgreementQuerySchema,
    responses={
        200: {
            "description": "The file inside the document.",
            "content": {"application/octet-stream": {"schema": {"type": "string"}}},
        }
    },
)
def open_attachment(query: dict[str, Any], invoice_id: int, number: int) -> Response:
    """Open a file inside an invoice, counted from 1; the log tells who did, and when"""
    with db.write() as session:
        attachment = invoices.open_attachment(
            session,
            agreement_id=find_agreement(session, query["agreement"]).id,
            invoice_id=invoice_id,
            number=number,
            actor=current_actor(),
            now=datetime.now(UTC),
        )
    return attachment_answer(attachment, number)


@resource.reads(
    "/<int:invoice_id>/attachments/<int(max=9999):number>/statement",
    StatementSchema,
    "By trust, algorithm and month.",
    query=shapes.ComparisonQuerySchema,
)
def compare_statement(query: dict[str, Any], invoice_id: int, number: int) -> Any:
    """Hold the usage file inside an invoice against our own count"""
    return asked(
        vendor_statement.compare_statement,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        invoice_id=invoice_id,
        number=number,
        known_at=query["known_at"],
    )


@resource.reads(
    "/<int:invoice_id>/comparison",
    shapes.ComparisonSchema,
    "In total and by trust and algorithm.",
    query=shapes.ComparisonQuerySchema,
)
def compare_invoice(query: dict[str, Any], invoice_id: int) -> Response:
    """Compare an invoice with the expected charges of its period"""
    comparison = asked(
        invoices.compare,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        invoice_id=invoice_id,
        known_at=query["known_at"],
    )
    return json_answer(dump_comparison(comparison))


@resource.reads(
    "/<int(max=9223372036854775807):invoice_id>/responses",
    shapes.InvoiceResponsesSchema,
    "The responses, oldest first.",
    query=shapes.ComparisonQuerySchema,
)
def list_responses(query: dict[str, Any], invoice_id: int) -> Any:
    """List the Peppol Invoice Responses to an invoice: received, disputed, approved, paid"""
    listed = asked(
        responses.list_responses,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        invoice_id=invoice_id,
        write=formatting,
        known_at=query["known_at"],
    )
    return Page(listed)


@resource.reads_file(
    "/<int(max=9223372036854775807):invoice_id>/responses/<int(max=9999):number>",
    query=shapes.ComparisonQuerySchema,
    responses={
        200: {
            "description": "A UBL 2.1 ApplicationResponse (Peppol BIS Invoice Response 3).",
            "content": {"application/xml": {"schema": {"type": "string"}}},
        }
    },
    etag=True,
)
def write_response(query: dict[str, Any], invoice_id: int, number: int) -> Response:
    """Write one Peppol Invoice Response as a document

    409 `not_answerable` where the invoice names no number, or no electronic address of its parties.
    """
    filename, content = asked(
        responses.write_response,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        invoice_id=invoice_id,
        number=number,
        write=formatting,
        known_at=query["known_at"],
    )
    return file_answer(content, "application/xml", filename)
