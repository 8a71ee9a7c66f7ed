"""Invoices: upload an EHF document, read it as people read, and see it beside the expected charges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Flask, Response, flash, redirect, request
from flask_babel import gettext as _

from billing import invoices, metering, reports
from billing.web import words
from billing.web.query import Query, read_query, reads_all
from contracts import agreements
from contracts.extensions import db
from contracts.web import formatting, layout
from contracts.web.guard import requires
from contracts.web.i18n import N_

blueprint = Blueprint("invoice_pages", __name__, template_folder="templates")

REFUSALS = {
    "too_large": N_("The file is larger than an EHF document may be."),
    "empty": N_("The file is empty."),
    "not_xml": N_("The file is not well-formed XML."),
    "truncated": N_("The document ends too early: it is not complete."),
    "doctype": N_("The document has a document type declaration (DOCTYPE), which we do not read."),
    "encoding": N_("The document's bytes do not fit the encoding it names."),
    "wrong_root": N_("The file is XML, but neither an EHF invoice nor a credit note."),
}
SEVERITIES = {"fatal": (N_("Fatal"), "danger"), "warning": (N_("Warning"), "warning")}


def register(app: Flask) -> None:
    """Give the app the pages of invoices; readers within one trust have none."""
    app.register_blueprint(blueprint)
    layout.add_nav(app, 50, N_("Reconciliation"), "invoice_pages.index", visible=reads_all)


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
    reading = invoices.import_invoice(
        db.session,
        agreement_id=query.agreement.id,
        filename=file.filename,
        content=file.read(),
        actor=query.actor,
        now=datetime.now(UTC),
    )
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
    comparison = invoices.compare(
        db.session,
        agreement_id=query.agreement.id,
        invoice_id=invoice_id,
        actor=query.actor,
        known_at=query.known_at,
    )
    filename, content = invoices.document_bytes(
        db.session, agreement_id=query.agreement.id, invoice_id=invoice_id, actor=query.actor
    )
    holders = agreements.option_holders(db.session, query.agreement.id)
    return query.page(
        "billing/invoice.html",
        as_of=metering.last_day(db.session, query.agreement.id, query.known_at),
        version=None,
        comparison=comparison,
        invoice=comparison.invoice,
        document=invoices.read_invoice(filename, content).document,
        names=words.Names.of(holders, agreements.marketplace(db.session, query.agreement.id)),
        groups=sorted(comparison.groups, key=lambda group: -abs(group.difference)),
        day_after=lambda day: day + timedelta(days=1),
        minus=formatting.MINUS,
        words=words,
        severities=SEVERITIES,
    )


@blueprint.get("/avstemming/faktura/<int:invoice_id>/original")
@requires("read")
def original(invoice_id: int) -> Response:
    """Give the document's bytes as they came."""
    query = read_query()
    _, content = invoices.document_bytes(
        db.session, agreement_id=query.agreement.id, invoice_id=invoice_id, actor=query.actor
    )
    answer = Response(content, mimetype="application/xml")
    answer.headers.set("Content-Disposition", "attachment", filename=f"faktura-{invoice_id}.xml")
    return answer


def _index(query: Query, errors: list[tuple[str, str]] | None = None) -> str:
    listed = reports.compared_invoices(
        db.session, agreement_id=query.agreement.id, actor=query.actor, known_at=query.known_at
    )
    return query.page(
        "billing/invoices.html",
        as_of=metering.last_day(db.session, query.agreement.id, query.known_at),
        version=None,
        listed=listed,
        errors=errors or [],
        words=words,
        may_receive=query.actor.may("invoice.receive"),
    )


def _refusal(reading: invoices.InvoiceReading) -> str:
    finding = reading.findings[0]
    sentence = _(REFUSALS[finding.rule]) if finding.rule in REFUSALS else finding.detail
    if finding.line is None:
        return _("%(sentence)s Nothing was stored.", sentence=sentence)
    return _("Line %(line)s: %(sentence)s Nothing was stored.", line=finding.line, sentence=sentence)
