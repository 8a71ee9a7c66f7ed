"""API: receive EHF invoices and credit notes, read them, compare them with the expected charges."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response

from billing.invoices import expected as expected_invoice
from billing.invoices import invoices, vendor_statement
from billing.reconciliation import responses
from billing.schemas import answers as shapes
from billing.schemas.answers import InvoiceSchema
from billing.schemas.invoice_setup import ExpectedInvoiceQuerySchema, StatementSchema
from billing.schemas.invoices import dump_comparison, dump_reading, dump_recorded, dump_responses
from billing.web.files import attachment_answer, file_answer
from contracts.agreements import find_agreement
from contracts.errors import Finding, InvalidInput
from contracts.extensions import db
from contracts.schemas.answers import AgreementQuerySchema, PageQuerySchema
from contracts.terms.period import Period
from contracts.web import api, formatting
from contracts.web.api import ApiBlueprint, answers, described, file_body, from_cursor, json_answer, to_cursor, uploaded
from contracts.web.conditional import etagged
from contracts.web.guard import current_actor, requires
from contracts.web.idempotency import once
from contracts.web.problems import problem

resource = ApiBlueprint(
    "invoices", __name__, url_prefix=f"{api.PREFIX}/invoices", description="EHF invoices and credit notes."
)


@resource.route("", methods=["GET"])
@requires("read")
@answers(shapes.InvoicePageSchema, description="The invoices, newest record first.", problems=(404, 409))
@etagged
@resource.arguments(PageQuerySchema, location="query")
def list_invoices(query: dict[str, Any]) -> Response:
    """List the recorded invoices"""
    before = from_cursor(query["after"], api.whole)
    recorded = invoices.list_invoices(
        db.session, agreement_id=find_agreement(db.session, query["agreement"]).id, actor=current_actor()
    )
    rows = sorted(recorded, key=lambda invoice: invoice.id, reverse=True)
    if before is not None:
        rows = [invoice for invoice in rows if invoice.id < before[0]]
    shown = rows[: query["limit"]]
    more = len(rows) > len(shown)
    return json_answer(
        {
            "items": [InvoiceSchema().dump(invoice) for invoice in shown],
            "next": to_cursor(shown[-1].id) if more else None,
        }
    )


@resource.route("", methods=["POST"])
@requires("invoice.receive")
@answers(
    shapes.ReceivedInvoiceSchema,
    status=201,
    description="The document is kept byte for byte. Rules it breaks are findings, not refusals.",
    also={200: "The very same document was received before; nothing was done."},
    problems=(400, 404, 409, 415, 422),
)
@described(body=file_body("application/xml", "text/xml", description="An EHF invoice or credit note (UBL 2.1)."))
@once
@resource.arguments(AgreementQuerySchema, location="query")
def receive_invoice(query: dict[str, Any]) -> Response:
    """Receive an EHF invoice or credit note

    What cannot be read as one answers 422 with the reason's code and the line of the file; `result` then is the document of
    `invoice import --json`.
    """
    filename, content = uploaded("application/xml", "text/xml", usual_name="invoice.xml")
    reading = invoices.import_invoice(
        db.session,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        filename=filename,
        content=content,
        actor=current_actor(),
        now=datetime.now(UTC),
    )
    document = dump_reading(reading)
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


@resource.route("/<int:invoice_id>", methods=["GET"])
@requires("read")
@answers(shapes.RecordedInvoiceSchema, description="The invoice, its lines, the rules it breaks.", problems=(404, 409))
@etagged
@resource.arguments(AgreementQuerySchema, location="query")
def show_invoice(query: dict[str, Any], invoice_id: int) -> Response:
    """Give an invoice with its lines and findings"""
    recorded = invoices.find_invoice(
        db.session,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        invoice_id=invoice_id,
        actor=current_actor(),
    )
    return json_answer(dump_recorded(recorded))


@resource.route("/expected", methods=["GET"])
@requires("read")
@described(
    responses={
        200: {
            "description": "The pro-forma, an EHF invoice (UBL 2.1); the same question gives the same bytes.",
            "content": {"application/xml": {"schema": {"type": "string"}}},
        }
    },
    problems=(401, 403, 404, 409),
)
@etagged
@resource.arguments(ExpectedInvoiceQuerySchema, location="query")
def show_expected(query: dict[str, Any]) -> Response:
    """Write the expected invoice of a quarter as an EHF document

    One line per charge line, for the framework or for one trust. A closed quarter is written from its frozen lines. 409
    `nothing_due` where no line is due.
    """
    try:
        period = Period.parse(query["quarter"])
    except ValueError as error:
        raise InvalidInput((Finding("#/query/quarter", "not_a_period", str(error)),)) from None
    expected = expected_invoice.expected_invoice(
        db.session,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        period=period,
        trust=query["trust"],
        actor=current_actor(),
        known_at=query["known_at"],
        run=query["run"],
    )
    return file_answer(expected.content, "application/xml", expected.filename)


@resource.route("/<int:invoice_id>/original", methods=["GET"])
@requires("read")
@described(
    responses={
        200: {
            "description": "The document byte for byte.",
            "content": {"application/xml": {"schema": {"type": "string"}}},
        }
    },
    problems=(401, 403, 404, 409),
)
@resource.arguments(AgreementQuerySchema, location="query")
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


@resource.route("/<int:invoice_id>/attachments/<int(max=9999):number>", methods=["GET"])
@requires("read")
@described(
    responses={
        200: {
            "description": "The file inside the document.",
            "content": {"application/octet-stream": {"schema": {"type": "string"}}},
        }
    },
    problems=(401, 403, 404, 409),
)
@resource.arguments(AgreementQuerySchema, location="query")
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


@resource.route("/<int:invoice_id>/attachments/<int(max=9999):number>/statement", methods=["GET"])
@requires("read")
@answers(StatementSchema, description="By trust, algorithm and month.", problems=(404, 409))
@etagged
@resource.arguments(shapes.ComparisonQuerySchema, location="query")
def compare_statement(query: dict[str, Any], invoice_id: int, number: int) -> Response:
    """Hold the usage file inside an invoice against our own count"""
    statement = vendor_statement.compare_statement(
        db.session,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        invoice_id=invoice_id,
        number=number,
        actor=current_actor(),
        known_at=query["known_at"],
    )
    return json_answer(StatementSchema().dump(statement))


@resource.route("/<int:invoice_id>/comparison", methods=["GET"])
@requires("read")
@answers(shapes.ComparisonSchema, description="In total and by trust and algorithm.", problems=(404, 409))
@etagged
@resource.arguments(shapes.ComparisonQuerySchema, location="query")
def compare_invoice(query: dict[str, Any], invoice_id: int) -> Response:
    """Compare an invoice with the expected charges of its period"""
    comparison = invoices.compare(
        db.session,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        invoice_id=invoice_id,
        actor=current_actor(),
        known_at=query["known_at"],
    )
    return json_answer(dump_comparison(comparison))


@resource.route("/<int(max=9223372036854775807):invoice_id>/responses", methods=["GET"])
@requires("read")
@answers(shapes.InvoiceResponsesSchema, description="The responses, oldest first.", problems=(404, 409))
@etagged
@resource.arguments(shapes.ComparisonQuerySchema, location="query")
def list_responses(query: dict[str, Any], invoice_id: int) -> Response:
    """List the Peppol Invoice Responses to an invoice: received, disputed, approved, paid"""
    listed = responses.list_responses(
        db.session,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        invoice_id=invoice_id,
        write=formatting,
        actor=current_actor(),
        known_at=query["known_at"],
    )
    return json_answer(dump_responses(listed))


@resource.route("/<int(max=9223372036854775807):invoice_id>/responses/<int(max=9999):number>", methods=["GET"])
@requires("read")
@described(
    responses={
        200: {
            "description": "A UBL 2.1 ApplicationResponse (Peppol BIS Invoice Response 3).",
            "content": {"application/xml": {"schema": {"type": "string"}}},
        }
    },
    problems=(401, 403, 404, 409),
)
@etagged
@resource.arguments(shapes.ComparisonQuerySchema, location="query")
def write_response(query: dict[str, Any], invoice_id: int, number: int) -> Response:
    """Write one Peppol Invoice Response as a document

    409 `not_answerable` where the invoice names no number, or no electronic address of its parties.
    """
    filename, content = responses.write_response(
        db.session,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        invoice_id=invoice_id,
        number=number,
        write=formatting,
        actor=current_actor(),
        known_at=query["known_at"],
    )
    return file_answer(content, "application/xml", filename)
