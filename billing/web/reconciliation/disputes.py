"""Disputes: put chosen differences to the vendor, with letter and evidence; follow the answer; take in the credit note."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, flash, redirect, request
from flask_babel import gettext as _

from billing.causes import REASONS
from billing.invoices.reading import ReadInvoice, read_invoices
from billing.reconciliation import disputes
from billing.reconciliation import runs as reconciliation
from billing.reconciliation.dispute_records import RecordedDispute
from billing.reconciliation.dispute_terms import COURSE, HOLDS, STEPS, WANTED, reason_of
from billing.reconciliation.report import Report
from billing.reconciliation.treatment import Found
from billing.web import words
from billing.web.files import file_answer
from billing.web.query import Query, read_query
from billing.web.reconciliation import words as reconciliation_words
from billing.web.reconciliation.acts import chosen_findings, chosen_names
from billing.web.reconciliation.quarter import known_quarter, may_act, names_of, read_report
from contracts.errors import Finding, InvalidInput, NotFound
from contracts.extensions import db
from contracts.people import access
from contracts.terms.written import NotANumber, plain_number, read_day
from contracts.web import formatting
from contracts.web.guard import requires
from contracts.web.i18n import current_language

blueprint = Blueprint("dispute_pages", __name__)
# How long the vendor has to answer, unless somebody says otherwise.
REPLY_DAYS = timedelta(days=14)


@blueprint.get("/avstemming/<quarter>/reklamasjon/ny")
@requires(reconciliation.ACT)
def new(quarter: str) -> Any:
    """Show the chosen differences with the form that puts them to the vendor."""
    query = read_query(*chosen_names())
    return _form(query, read_report(query, quarter))


@blueprint.post("/avstemming/<quarter>/reklamasjon/ny")
@requires(reconciliation.ACT)
def create(quarter: str) -> Any:
    """Open the dispute with its letter and evidence, or show the letter as it would be and keep nothing."""
    query = read_query(*chosen_names())
    form = request.form
    try:
        dispute = query.acted(
            disputes.open_dispute,
            quarter=known_quarter(quarter),
            keys=_chosen_keys(),
            wanted=form.get("onske", ""),
            hold=form.get("tilbakehold", ""),
            language=form.get("sprak", ""),
            reply_by=_day(form.get("svarfrist", ""), "#/reply_by"),
            message=form.get("melding", ""),
            write=formatting,
            today=query.today,
        )
    except InvalidInput as error:
        db.session.rollback()
        return _form(query, read_report(query, quarter), _mistakes(error)), 422
    if form.get("svar") == "vis":
        file = query.asked(disputes.letter, number=dispute.number)
        db.session.rollback()
        return file_answer(file.content, file.media_type, _("draft") + f"-{file.filename}")
    db.session.commit()
    flash(_("The dispute %(number)s is written. Send the letter, then record that it is sent.", number=dispute.number))
    return redirect(query.link("dispute_pages.show", quarter=quarter, number=dispute.number), 303)


@blueprint.get("/avstemming/<quarter>/reklamasjon/<number>")
@requires("read")
def show(quarter: str, number: str) -> Any:
    """Show a dispute: what it is about, its course, and what may follow."""
    query = read_query()
    return _page(query, _dispute(query, quarter, number))


@blueprint.post("/avstemming/<quarter>/reklamasjon/<number>")
@requires(reconciliation.ACT)
def step(quarter: str, number: str) -> Any:
    """Record the next step of a dispute."""
    query = read_query()
    dispute = _dispute(query, quarter, number)
    form = request.form
    try:
        query.done(
            disputes.take_step,
            number=number,
            step=form.get("steg", ""),
            on=_day(form.get("dato", ""), "#/on"),
            amount=_amount(form.get("belop", "")),
            on_next_invoice=form.get("neste") == "ja",
            credit_note_id=int(form["kreditnota"]) if form.get("kreditnota", "").isdecimal() else None,
            clarification=form.get("kode") or None,
            comment=form.get("kommentar", ""),
            today=query.today,
        )
    except InvalidInput as error:
        return _page(query, dispute, _mistakes(error)), 422
    flash(_("The step is recorded."))
    return redirect(query.link("dispute_pages.show", quarter=quarter, number=number), 303)


@blueprint.get("/avstemming/<quarter>/reklamasjon/<number>/brev.pdf")
@requires("read")
def letter(quarter: str, number: str) -> Response:
    """Give the letter as it was made."""
    query = read_query()
    _dispute(query, quarter, number)
    file = query.asked(disputes.letter, number=number)
    return file_answer(file.content, file.media_type, file.filename)


@blueprint.get("/avstemming/<quarter>/reklamasjon/<number>/bevis.csv")
@requires("read")
def evidence(quarter: str, number: str) -> Response:
    """Give the evidence as it was made."""
    query = read_query()
    _dispute(query, quarter, number)
    file = query.asked(disputes.evidence, number=number)
    return file_answer(file.content, file.media_type, file.filename)


def _dispute(query: Query, quarter: str, number: str) -> RecordedDispute:
    found = query.asked(disputes.find_dispute, number=number, known_at=query.known_at)
    if found.quarter != known_quarter(quarter):
        raise NotFound(_("There is no such dispute in this quarter."))
    return found


def _chosen_keys() -> list[str]:
    return [name.removeprefix("f-") for name in request.form if name.startswith("f-")]


def _form(query: Query, report: Report, errors: list[Any] | None = None) -> str:
    found = [each for each in chosen_findings(report) if each.sha256 is not None]
    names = names_of(query)
    kept = _chosen_keys() if request.method == "POST" else [each.key for each in found]
    return query.page(
        "billing/reconciliation/dispute_new.html",
        as_of=query.counted().through,
        version=None,
        report=report,
        quarter=report.quarter.label(),
        found=found,
        kept=kept,
        chosen=dict.fromkeys(chosen_names(), "1"),
        total=sum((each.finding.amount for each in found), Decimal(0)),
        documents=_documents(found),
        wanted=[(each, _(reconciliation_words.WANTED[each])) for each in WANTED],
        holds=[(each, _(reconciliation_words.HOLDS[each])) for each in HOLDS],
        reply_by=(query.today + REPLY_DAYS).isoformat(),
        language_now=current_language(),
        names=names,
        words=words,
        told=reconciliation_words,
        errors=errors or [],
    )


def _documents(found: list[Found]) -> list[str]:
    return list(dict.fromkeys(each.number or "" for each in found))


def _page(query: Query, dispute: RecordedDispute, errors: list[Any] | None = None) -> str:
    follows = COURSE[dispute.state]
    ids = {dispute.recorded_by} | {each.recorded_by for each in dispute.steps}
    read = read_invoices(db.session, agreement_id=query.agreement.id, known_at=query.known_at)
    notes = _credit_notes(dispute, read)
    return query.page(
        "billing/reconciliation/dispute.html",
        as_of=query.counted().through,
        version=None,
        dispute=dispute,
        quarter=dispute.quarter,
        invoice=next((each for each in read if each.id == dispute.invoice_id), None),
        notes=notes,
        accepted={each.id: each for each in read},
        steps=[(each, _(reconciliation_words.STEPS[each])) for each in STEPS if each in follows],
        reasons=[(each, f"{each}: {_(reconciliation_words.CLARIFICATIONS[each])}") for each in REASONS],
        usual_reason=reason_of(dispute.findings[0].finding.code),
        late=query.today > dispute.reply_by and not dispute.is_over and dispute.agreed is None,
        people=access.names_of(db.session, ids),
        names=names_of(query),
        words=words,
        told=reconciliation_words,
        may_act=may_act(query, reconciliation.ACT),
        errors=errors or [],
    )


def _credit_notes(dispute: RecordedDispute, read: tuple[ReadInvoice, ...]) -> list[ReadInvoice]:
    """Give the credit notes that name the disputed invoice or the dispute."""
    wanted = {dispute.invoice_number, dispute.number}
    return [each for each in read if each.document.kind == "credit_note" and wanted & set(each.document.credits)]


def _day(text: str, pointer: str) -> date:

    try:
        return read_day(text.strip())
    except ValueError:
        raise InvalidInput((Finding(pointer, "not_a_date", f"'{text}' is not a date"),)) from None


def _amount(text: str) -> Decimal | None:

    if not text.strip():
        return None
    try:
        return Decimal(plain_number(text))
    except NotANumber as error:
        raise InvalidInput((Finding("#/amount", error.code, str(error)),)) from None


def _mistakes(error: InvalidInput) -> list[tuple[str | None, str]]:
    fields = {
        "#/wanted": "onske",
        "#/hold": "tilbakehold",
        "#/language": "sprak",
        "#/reply_by": "svarfrist",
        "#/message": "melding",
        "#/step": "steg",
        "#/on": "dato",
        "#/amount": "belop",
        "#/comment": "kommentar",
        "#/clarification": "kode",
        "#/credit_note": "kreditnota",
    }
    told = {
        ("#/findings", "missing"): _("Choose at least one difference."),
        ("#/findings", "several_invoices"): _(
            "A dispute is about one invoice: choose the differences of one document."
        ),
        ("#/findings", "no_invoice"): _("What stands on no invoice cannot be disputed on one."),
        ("#/wanted", "unknown"): _("Choose what you ask for."),
        ("#/wanted", "nothing_to_credit"): _("These differences bill nothing too much: there is no credit to ask for."),
        ("#/hold", "unknown"): _("Choose what is held back."),
        ("#/language", "unknown"): _("Choose the language of the letter."),
        ("#/reply_by", "not_a_date"): _("Enter the day as a date."),
        ("#/reply_by", "passed"): _("The day has passed: choose one that has not."),
        ("#/step", "unknown"): _("Choose what happened."),
        ("#/on", "not_a_date"): _("Enter the day as a date."),
        ("#/on", "in_future"): _("The day has not come yet."),
        ("#/on", "before"): _("The step before was later than this day."),
        ("#/amount", "missing"): _("Enter the credit agreed, above 0.00."),
        ("#/amount", "whole"): _("That is the whole amount: choose that the vendor agrees to the whole."),
        ("#/comment", "missing"): _("Say in a sentence why."),
        ("#/credit_note", "missing"): _("No credit note that names the invoice has been received. Upload it first."),
    }
    return [(fields.get(each.pointer), told.get((each.pointer, each.code), each.detail)) for each in error.errors]
