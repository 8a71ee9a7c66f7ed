"""Invoices: upload an EHF document, read it as people read, and see it beside the expected charges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, flash, redirect, request
from flask_babel import gettext as _

from billing.ehf.rules import RULE_VERSION
from billing.invoices import invoices, vendor_statement
from billing.invoices.reading import read_invoices
from billing.reconciliation import responses
from billing.web import words
from billing.web.files import attachment_answer, file_answer
from billing.web.invoices.rule_words import REFUSALS, RESPONSES, SEVERITIES, sentences
from billing.web.query import Query, read_query, reads_all
from billing.web.reconciliation import quarter as reconciliations
from billing.web.reconciliation import words as reconciliation_words
from contracts.extensions import db
from contracts.terms.period import Period
from contracts.web import formatting, layout
from contracts.web.guard import requires
from contracts.web.i18n import N_

blueprint = Blueprint("invoice_pages", __name__)
layout.add_nav(blueprint, 50, N_("Reconciliation"), "invoice_pages.index", visible=reads_all)


ERRORS = {
    "encoding": N_("The file is not text that we can read."),
    "header": N_("The header does not name what a usage file needs."),
    "width": N_("The row does not have as many fields as the header."),
    "unknown_trust": N_("The trust is unknown here. The vendor's own name for it can be added to the mapping."),
    "unknown_algorithm": N_("The algorithm is unknown here. The vendor's own name for it can be added to the mapping."),
    "not_a_day": N_("The date or month cannot be read."),
    "not_a_count": N_("The number is not a whole number."),
    "too_long": N_("The file has more rows than we read."),
}


@blueprint.get("/avstemming")
@requires("read")
def index() -> Any:
    """List the invoices with what they differ by."""
    return _index(read_query())


@blueprint.post("/avstemming")
@requires("invoice.receive")
def upload() -> Any:
    """Keep an uploaded document, or say in one sentence why it cannot be read; then nothing is kept."""
    query = read_query()
    file = request.files.get("fil")
    if file is None or not file.filename:
        return _index(query, [("fil", _("Choose a file first."))]), 422
    reading = query.acted(invoices.import_invoice, filename=file.filename, content=file.read())
    if reading.id is None:
        db.session.rollback()
        return _index(query, [("fil", _refusal(reading))]), 422
    db.session.commit()
    number = reading.document.number if reading.document else ""
    if reading.status == "already_imported":
        flash(_("This very document, %(number)s, was received before. Nothing was stored twice.", number=number))
    else:
        flash(_("The document %(number)s is read and kept as it came.", number=number))
    return redirect(query.link("invoice_pages.show", invoice_id=reading.id), 303)


@blueprint.get("/avstemming/faktura/<int:invoice_id>")
@requires("read")
def show(invoice_id: int) -> Any:
    """Show an invoice as people read it, beside the expected charges."""
    query = read_query()
    comparison = query.asked(invoices.compare, invoice_id=invoice_id, known_at=query.known_at)
    recorded = query.asked(invoices.find_invoice, invoice_id=invoice_id, known_at=query.known_at)
    return query.page(
        "billing/invoices/invoice.html",
        as_of=query.counted().through,
        version=None,
        comparison=comparison,
        invoice=comparison.invoice,
        document=recorded.document,
        is_statement=vendor_statement.is_statement,
        rule_words=sentences(),
        rule_version=RULE_VERSION,
        responses=_responses(query, invoice_id),
        response_words=RESPONSES,
        names=query.names(),
        groups=sorted(comparison.groups, key=lambda group: -abs(group.difference)),
        day_after=lambda day: day + timedelta(days=1),
        minus=formatting.MINUS,
        words=words,
        severities=SEVERITIES,
        quarters=_quarters(query).get(invoice_id, ()),
    )


def _responses(query: Query, invoice_id: int) -> tuple[responses.InvoiceResponse, ...]:
    return query.asked(responses.list_responses, invoice_id=invoice_id, write=formatting, known_at=query.known_at)


@blueprint.get("/avstemming/faktura/<int:invoice_id>/svar/<int:number>")
@requires("read")
def response(invoice_id: int, number: int) -> Response:
    """Give one answer to the vendor as a Peppol Invoice Response."""
    query = read_query()
    filename, content = query.asked(
        responses.write_response, invoice_id=invoice_id, number=number, write=formatting, known_at=query.known_at
    )
    return file_answer(content, "application/xml", filename)


@blueprint.get("/avstemming/faktura/<int:invoice_id>/original")
@requires("read")
def original(invoice_id: int) -> Response:
    """Open the sealed original: the bytes as they came; the log tells who opened it."""
    query = read_query()
    with db.write() as session:
        _, content = invoices.open_original(
            session,
            agreement_id=query.agreement.id,
            invoice_id=invoice_id,
            actor=query.actor,
            now=datetime.now(UTC),
        )
    return file_answer(content, "application/xml", f"faktura-{invoice_id}.xml")


@blueprint.get("/avstemming/faktura/<int:invoice_id>/vedlegg/<int:number>")
@requires("read")
def attachment(invoice_id: int, number: int) -> Response:
    """Open a file inside an invoice; the log tells who opened it."""
    query = read_query()
    with db.write() as session:
        found = invoices.open_attachment(
            session,
            agreement_id=query.agreement.id,
            invoice_id=invoice_id,
            number=number,
            actor=query.actor,
            now=datetime.now(UTC),
        )
    return attachment_answer(found, number)


@blueprint.get("/avstemming/faktura/<int:invoice_id>/vedlegg/<int:number>/telling")
@requires("read")
def statement(invoice_id: int, number: int) -> Any:
    """Show the vendor's own count, from a usage file inside an invoice, beside ours."""
    query = read_query()
    found = query.asked(
        vendor_statement.compare_statement, invoice_id=invoice_id, number=number, known_at=query.known_at
    )
    recorded = query.asked(invoices.find_invoice, invoice_id=invoice_id, known_at=query.known_at)
    return query.page(
        "billing/invoices/statement.html",
        as_of=query.counted().through,
        version=None,
        statement=found,
        invoice=recorded.summary,
        names=query.names(),
        words=words,
        error_words=ERRORS,
    )


def _index(query: Query, errors: list[tuple[str, str]] | None = None) -> str:
    listed = query.asked(invoices.list_invoices, known_at=query.known_at)
    return query.page(
        "billing/invoices/invoices.html",
        as_of=query.counted().through,
        version=None,
        listed=listed,
        quarters=reconciliations.list_quarters(query),
        quarters_of=_quarters(query),
        told=reconciliation_words,
        errors=errors or [],
        words=words,
        may_receive=query.actor.may("invoice.receive"),
    )


def _quarters(query: Query) -> dict[int, tuple[Period, ...]]:
    """Give the quarters of the agreement that each document is reconciled with."""
    term = query.agreement.term.period
    read = read_invoices(db.session, agreement_id=query.agreement.id, known_at=query.known_at)
    return {each.id: tuple(quarter for quarter in each.quarters if quarter.overlap(term) is not None) for each in read}


def _refusal(reading: invoices.InvoiceReading) -> str:
    finding = reading.findings[0]
    sentence = _(REFUSALS[finding.rule]) if finding.rule in REFUSALS else finding.detail
    if finding.line is None:
        return _("%(sentence)s Nothing was stored.", sentence=sentence)
    return _("Line %(line)s: %(sentence)s Nothing was stored.", line=finding.line, sentence=sentence)
