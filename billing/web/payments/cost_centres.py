"""The register of cost centres: where each trust's amounts are booked, and who pays."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, Response, flash, redirect, request
from flask_babel import gettext as _

from billing.payments.files import read_day
from billing.web import words
from billing.web.payments import words as money_words
from billing.web.query import Query, read_query
from billing.web.tables import BOOKING, cost_centre_table
from contracts import agreements, cost_centres, payers
from contracts.cost_centres import ACT, Booking, CostCentreEntry
from contracts.errors import Conflict, Finding, InvalidInput
from contracts.extensions import db
from contracts.people import access
from contracts.terms.agreement import PAYERS
from contracts.web.acts import acted, asked
from contracts.web.exports import table_answer
from contracts.web.guard import requires

blueprint = Blueprint("cost_centre_pages", __name__)


@blueprint.get("/koststeder")
@requires("read")
def index() -> Any:
    """List the register and who pays."""
    return _index(read_query("hf"))


@blueprint.get("/koststeder.<table:suffix>")
@requires("read")
def export(suffix: str) -> Response:
    """Give the register as a file."""
    query = read_query("hf")
    return table_answer(suffix, "koststeder", cost_centre_table(_listed(query)))


@blueprint.post("/koststeder")
@requires(ACT)
def add() -> Any:
    """Add an entry, or say what is wrong with it."""
    query = read_query(past=False)
    valid_from, findings = _day("valid_from")
    try:
        if findings or valid_from is None:
            raise InvalidInput(tuple(findings))
        query.done(
            cost_centres.add_cost_centre,
            trust=request.form.get("trust", ""),
            algorithm=request.form.get("algorithm") or None,
            valid_from=valid_from,
            booking=_booking(),
        )
    except InvalidInput as error:
        return _index(query, money_words.mistakes(error.errors)), 422
    except Conflict as conflict:
        return _index(query, money_words.mistakes([Finding("#/valid_from", conflict.code, conflict.detail)])), 422
    flash(_("The cost centre is recorded."))
    return redirect(query.link("cost_centre_pages.index"), 303)


@blueprint.route("/koststeder/<int:entry_id>", methods=["GET", "POST"])
@requires(ACT)
def correct(entry_id: int) -> Any:
    """Correct an entry or take it back."""
    query = read_query(past=False)
    agreement_id, now = query.agreement.id, datetime.now(UTC)
    found = asked(cost_centres.find_cost_centre, agreement_id=agreement_id, entry_id=entry_id)
    if request.method == "GET":
        return _entry_page(query, found)
    if request.form.get("event") == "take_back":
        acted(cost_centres.take_back_cost_centre, agreement_id=agreement_id, entry_id=entry_id, now=now)
        db.session.commit()
        flash(_("The entry is taken back."))
        return redirect(query.link("cost_centre_pages.index"), 303)
    valid_from, findings = _day("valid_from")
    try:
        if findings or valid_from is None:
            raise InvalidInput(tuple(findings))
        acted(
            cost_centres.correct_cost_centre,
            agreement_id=agreement_id,
            entry_id=entry_id,
            valid_from=valid_from,
            booking=_booking(),
            now=now,
        )
    except InvalidInput as error:
        db.session.rollback()
        return _entry_page(query, found, money_words.mistakes(error.errors)), 422
    except Conflict as conflict:
        db.session.rollback()
        told = money_words.mistakes([Finding("#/valid_from", conflict.code, conflict.detail)])
        return _entry_page(query, found, told), 422
    db.session.commit()
    flash(_("The entry is corrected. As of before it stays what it was."))
    return redirect(query.link("cost_centre_pages.index"), 303)


@blueprint.post("/koststeder/betaler")
@requires(ACT)
def set_payer() -> Any:
    """Record who pays the vendor from a day on."""
    query = read_query(past=False)
    start, findings = _day("from")
    who = next((each for each in PAYERS if each == request.form.get("who")), None)
    if who is None:
        findings.append(Finding("#/who", "invalid_choice", "choose who pays"))
    try:
        if findings or start is None or who is None:
            raise InvalidInput(tuple(findings))
        query.done(cost_centres.set_payer, start=start, who=who)
    except InvalidInput as error:
        return _index(query, money_words.mistakes(error.errors)), 422
    flash(_("Who pays is recorded."))
    return redirect(query.link("cost_centre_pages.index"), 303)


def _index(query: Query, errors: list[tuple[str | None, str]] | None = None) -> str:
    agreement_id, known_at = query.agreement.id, query.known_at
    listed = _listed(query)
    holders = agreements.option_holders(db.session, agreement_id, known_at)
    algorithms = agreements.marketplace(db.session, agreement_id, known_at)
    may_change = query.actor.may(ACT) and known_at is None
    scope = query.actor.scope("read")
    return query.page(
        "billing/payments/cost_centres/index.html",
        as_of=None,
        version=None,
        listed=listed,
        unbooked=[
            holder.party
            for holder in holders
            if scope in (None, holder.party.code) and holder.party.code not in {entry.trust for entry in listed}
        ],
        steps=payers.payer_steps(db.session, agreement_id, known_at),
        payer_now=payers.payer_on(db.session, agreement_id, query.today, known_at),
        holders=holders,
        algorithms=algorithms,
        names=words.Names.of(holders, algorithms),
        people=access.names_of(db.session, {entry.recorded_by for entry in listed}),
        may_change=may_change,
        may_say_who_pays=may_change and query.actor.scope(ACT) is None,
        typed=request.form,
        money_words=money_words,
        errors=errors or [],
    )


def _entry_page(query: Query, found: CostCentreEntry, errors: list[tuple[str | None, str]] | None = None) -> str:
    kept = {name: getattr(found.booking, name) or "" for name in BOOKING}
    typed = request.form.to_dict() or {**kept, "valid_from": found.valid_from.isoformat()}
    return query.page(
        "billing/payments/cost_centres/entry.html",
        as_of=None,
        version=None,
        found=found,
        typed=typed,
        names=query.names(),
        errors=errors or [],
    )


def _listed(query: Query) -> tuple[CostCentreEntry, ...]:
    return query.asked(cost_centres.list_cost_centres, trust=query.values.get("hf") or None, known_at=query.known_at)


def _booking() -> Booking:
    typed = {name: request.form.get(name, "").strip() for name in BOOKING}
    return Booking(
        typed["cost_centre"],
        typed["account"],
        typed["accrual_account"],
        typed["project"] or None,
        typed["vat_code"] or None,
    )


def _day(name: str) -> tuple[date | None, list[Finding]]:
    try:
        return read_day(request.form.get(name, "").strip()), []
    except ValueError as error:
        return None, [Finding(f"#/{name}", "not_a_date", str(error))]
