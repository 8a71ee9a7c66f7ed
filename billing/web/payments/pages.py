"""Payments: what is open and how it came there, registering by hand or file, taking back, rates of late interest."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, flash, redirect, request
from flask_babel import gettext as _
from flask_babel import ngettext

from billing.payments import late_interest, payments
from billing.payments.files import read_amount, read_day
from billing.payments.open_items import Rate
from billing.payments.payments import ACT, OpenItems, RegisteredPayment
from billing.web import words
from billing.web.payments import words as money_words
from billing.web.query import Query, read_query, reads_all
from billing.web.tables import open_item_table, payment_table, roll_table
from contracts import agreements
from contracts.errors import Conflict, Finding, InvalidInput, NotFound
from contracts.extensions import db
from contracts.people import access
from contracts.web import layout
from contracts.web.acts import asked, done
from contracts.web.exports import table_answer
from contracts.web.guard import requires
from contracts.web.i18n import N_

blueprint = Blueprint("payment_pages", __name__)
layout.add_nav(blueprint, 55, N_("Payments"), "payment_pages.index", visible=reads_all, more=True)

Errors = list[tuple[str | None, str]]
SHOWN_DUPLICATES = 5
SHOWN_ERRORS = 20


@blueprint.get("/betalinger")
@requires("read")
def index() -> Any:
    """Show what is open, the roll-forward and the registered payments."""
    return _index(read_query("dato"))


@blueprint.get("/betalinger.<table:suffix>")
@requires("read")
def export(suffix: str) -> Response:
    """Give the registered payments as a file."""
    query = read_query()
    return table_answer(suffix, "betalinger", payment_table(_listed(query)))


@blueprint.get("/betalinger/apne.<table:suffix>")
@requires("read")
def export_open(suffix: str) -> Response:
    """Give what is open as a file."""
    query = read_query("dato")
    return table_answer(suffix, "apne-poster", open_item_table(_open(query).items))


@blueprint.get("/betalinger/rullering.<table:suffix>")
@requires("read")
def export_rolls(suffix: str) -> Response:
    """Give the roll-forward as a file."""
    query = read_query("dato")
    return table_answer(suffix, "rullering", roll_table(_open(query).rolls))


@blueprint.post("/betalinger")
@requires(ACT)
def record() -> Any:
    """Register a payment by hand, or say what is wrong with it."""
    query = read_query(past=False)
    form, findings = request.form, list[Finding]()
    invoice = form.get("invoice_id", "")
    if not (invoice.isascii() and invoice.isdigit() and int(invoice) < 2**63):
        findings.append(Finding("#/invoice_id", "no_invoice", "choose an invoice"))
    paid_on, amount = _day("paid_on", findings), _amount("amount", findings)
    try:
        if findings or paid_on is None or amount is None:
            raise InvalidInput(tuple(findings))
        query.done(
            payments.record_payment,
            invoice_id=int(invoice),
            paid_on=paid_on,
            amount=amount,
            reference=form.get("reference", "").strip(),
            today=query.today,
        )
    except InvalidInput as error:
        return _index(query, money_words.mistakes(error.errors)), 422
    except Conflict as conflict:
        return _index(query, money_words.mistakes([Finding("#/amount", conflict.code, conflict.detail)])), 422
    flash(_("The payment is registered."))
    return redirect(query.link("payment_pages.index"), 303)


@blueprint.post("/betalinger/fil")
@requires(ACT)
def upload() -> Any:
    """Take in a file of payments, all of it or nothing."""
    query = read_query(past=False)
    file = request.files.get("fil")
    content = b"" if file is None else file.read()
    if file is None or not content:
        return _index(query, money_words.mistakes([Finding("#/fil", "no_file", "choose a file")])), 422
    try:
        done = query.done(payments.import_payments, filename=file.filename or "", content=content, today=query.today)
    except InvalidInput as error:
        return _index(query, money_words.mistakes(error.errors[:SHOWN_ERRORS], {"line": "fil", "": "fil"})), 422
    if done.status == "already_imported":
        flash(_("This very file is in already; nothing was done."))
    else:
        flash(ngettext("%(num)d payment is registered.", "%(num)d payments are registered.", done.accepted))
    if done.told:
        rows = ", ".join(str(row.line) for row in done.told[:SHOWN_DUPLICATES])
        more = "" if len(done.told) <= SHOWN_DUPLICATES else " …"
        flash(
            ngettext(
                "%(num)d row was registered before and is left out: line %(rows)s.",
                "%(num)d rows were registered before and are left out: lines %(rows)s.",
                len(done.told),
                rows=rows + more,
            )
        )
    return redirect(query.link("payment_pages.index"), 303)


@blueprint.route("/betalinger/<int:payment_id>/tilbake", methods=["GET", "POST"])
@requires(ACT)
def reverse(payment_id: int) -> Any:
    """Take a payment back, with a day and a reason."""
    query = read_query(past=False)
    found = query.asked(payments.find_payment, payment_id=payment_id)
    if request.method == "GET":
        return _reversal_page(query, found, [])
    findings: list[Finding] = []
    on = _day("on", findings)
    try:
        if findings or on is None:
            raise InvalidInput(tuple(findings))
        query.done(
            payments.reverse_payment,
            payment_id=payment_id,
            on=on,
            reason=request.form.get("reason", ""),
            today=query.today,
        )
    except InvalidInput as error:
        return _reversal_page(query, found, money_words.mistakes(error.errors)), 422
    flash(_("The payment is taken back."))
    return redirect(query.link("payment_pages.index"), 303)


@blueprint.get("/betalinger/rentesatser")
@requires("read")
def rates() -> Any:
    """Show the rates of late interest."""
    return _rates_page(read_query(), [])


@blueprint.post("/betalinger/rentesatser")
@requires(ACT)
def set_rate() -> Any:
    """Record the rate of a half-year."""
    query = read_query(past=False)
    findings: list[Finding] = []
    valid_from = _day("valid_from", findings)
    percent, compensation = _amount("percent", findings), _amount("compensation", findings)
    try:
        if findings or valid_from is None or percent is None or compensation is None:
            raise InvalidInput(tuple(findings))
        rate = Rate(valid_from, percent, compensation, request.form.get("source", "").strip())
        done(late_interest.set_rate, rate=rate)
    except InvalidInput as error:
        return _rates_page(query, money_words.mistakes(error.errors)), 422
    flash(_("The rate is recorded."))
    return redirect(query.link("payment_pages.rates"), 303)


def _index(query: Query, errors: Errors | None = None) -> str:
    found, listed = _open(query), _listed(query)
    agreement = query.agreement
    holders = agreements.option_holders(db.session, agreement.id, query.known_at)
    parties = (agreement.vendor, agreement.buyer, *(holder.party for holder in holders))
    may_record = query.actor.may(ACT) and query.actor.scope(ACT) is None and query.known_at is None
    return query.page(
        "billing/payments/index.html",
        as_of=None,
        version=None,
        found=found,
        listed=listed,
        # Newest quarter first: the older ones are what it came from.
        rolls=sorted(found.rolls, key=lambda roll: (roll.quarter, roll.vendor), reverse=True),
        late=[item for item in found.items if item.late.days],
        organisations={party.organisation_number: party.name for party in parties},
        people=access.names_of(db.session, {each.recorded_by for each in listed}),
        may_record=may_record,
        typed=request.form,
        words=words,
        errors=errors or [],
    )


def _reversal_page(query: Query, found: RegisteredPayment, errors: Errors) -> str:
    return query.page(
        "billing/payments/reversal.html",
        as_of=None,
        version=None,
        found=found,
        typed=request.form.to_dict() or {"on": query.today.isoformat()},
        errors=errors,
    )


def _rates_page(query: Query, errors: Errors) -> str:
    return query.page(
        "billing/payments/rates.html",
        as_of=None,
        version=None,
        rates=asked(late_interest.list_rates, known_at=query.known_at)[::-1],
        may_record=query.actor.may(ACT) and query.actor.scope(ACT) is None and query.known_at is None,
        typed=request.form,
        errors=errors,
    )


def _open(query: Query) -> OpenItems:
    text = query.values.get("dato", "")
    try:
        on = read_day(text) if text else query.today
    except ValueError:
        raise NotFound(_("There is no such day.")) from None
    return query.asked(payments.open_items, on=on, known_at=query.known_at)


def _listed(query: Query) -> tuple[RegisteredPayment, ...]:
    return query.asked(payments.list_payments, known_at=query.known_at)


def _day(name: str, findings: list[Finding]) -> date | None:
    try:
        return read_day(request.form.get(name, "").strip())
    except ValueError as error:
        findings.append(Finding(f"#/{name}", "not_a_date", str(error)))
        return None


def _amount(name: str, findings: list[Finding]) -> Decimal | None:
    """Read an amount as people write it: a comma or a point before the decimals, blanks between thousands."""
    try:
        return read_amount("".join(request.form.get(name, "").split()), comma=True)
    except ValueError as error:
        findings.append(Finding(f"#/{name}", "not_an_amount", str(error)))
        return None
