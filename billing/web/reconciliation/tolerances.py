"""Tolerances: what counts as rounding, from which day on; drafted by one person, approved by another."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from flask import Blueprint, flash, redirect, request
from flask_babel import gettext as _

from billing.causes import Tolerance
from billing.reconciliation import tolerances
from billing.web import words
from billing.web.query import Query, read_query
from billing.web.reconciliation import words as reconciliation_words
from billing.web.reconciliation.quarter import may_act
from contracts.errors import Denied, Finding, InvalidInput, invalid
from contracts.extensions import db
from contracts.people import access
from contracts.terms.written import NotANumber, plain_number, read_day
from contracts.web.guard import requires

blueprint = Blueprint("tolerance_pages", __name__)
FIELDS = {
    "#/line": "linje",
    "#/invoice": "faktura",
    "#/tax": "mva",
    "#/valid_from": "fra",
    "#/reason": "begrunnelse",
    "#/clause": "punkt",
}


@blueprint.get("/avstemming/toleranser")
@requires("read")
def index() -> Any:
    """Show the tolerance in force, the drafts and the earlier ones."""
    return _page(read_query())


@blueprint.post("/avstemming/toleranser")
@requires(tolerances.DRAFT)
def draft() -> Any:
    """Draft a tolerance."""
    query = read_query()
    form = request.form
    try:
        query.done(
            tolerances.draft_tolerance,
            valid_from=_day(form.get("fra", "")),
            tolerance=_tolerance(form),
            clause=form.get("punkt", ""),
            reason=form.get("begrunnelse", ""),
        )
    except InvalidInput as error:
        return _page(query, _mistakes(error)), 422
    flash(_("The draft is recorded. Somebody else approves it."))
    return redirect(query.link("tolerance_pages.index"), 303)


@blueprint.post("/avstemming/toleranser/<int:draft_id>")
@requires(tolerances.APPROVE)
def decide(draft_id: int) -> Any:
    """Approve a draft, or decline it with a reason."""
    query = read_query()
    declines = request.form.get("svar") == "avsla"
    field = f"kommentar-{draft_id}"
    try:
        query.done(
            tolerances.decide_tolerance,
            draft_id=draft_id,
            decision="declined" if declines else "approved",
            comment=request.form.get(field, ""),
        )
    except InvalidInput:
        return _page(query, [(field, _("Say in a sentence why."))]), 422
    except Denied:
        return _page(query, [(None, _("Whoever drafted a tolerance does not approve it."))]), 403
    flash(_("The tolerance is declined.") if declines else _("The tolerance is approved."))
    return redirect(query.link("tolerance_pages.index"), 303)


def _page(query: Query, errors: list[Any] | None = None) -> str:
    listed = query.asked(tolerances.list_tolerances, known_at=query.known_at)
    in_force, since = tolerances.tolerance_on(db.session, query.agreement.id, query.today, query.known_at)
    ids = {each.drafted_by for each in listed} | {each.decided_by for each in listed if each.decided_by is not None}
    return query.page(
        "billing/reconciliation/tolerances.html",
        as_of=None,
        version=None,
        listed=listed,
        drafts=[each for each in listed if each.state == "drafted"],
        in_force=in_force,
        since=since,
        people=access.names_of(db.session, ids),
        words=words,
        told=reconciliation_words,
        may_draft=may_act(query, tolerances.DRAFT),
        may_approve=may_act(query, tolerances.APPROVE),
        errors=errors or [],
    )


def _tolerance(form: Any) -> Tolerance:
    amounts, findings = {}, []
    for pointer in ("line", "invoice", "tax"):
        try:
            amounts[pointer] = Decimal(plain_number(form.get(FIELDS[f"#/{pointer}"], "")))
        except NotANumber as error:
            findings.append(Finding(f"#/{pointer}", error.code, str(error)))
    invalid(findings)
    return Tolerance(**amounts)


def _day(text: str) -> date:
    try:
        return read_day(text.strip())
    except ValueError:
        raise InvalidInput((Finding("#/valid_from", "not_a_date", "not a date"),)) from None


def _mistakes(error: InvalidInput) -> list[tuple[str | None, str]]:
    told = {
        "not_a_date": _("Enter the day as a date."),
        "out_of_range": _("Enter an amount from 0.00 to 1 000.00, in whole øre."),
        "not_a_decimal": _("Enter an amount such as 0,02."),
        "ambiguous_number": _("Enter an amount such as 0,02."),
        "missing": _("Say in a sentence why."),
    }
    return [(FIELDS.get(each.pointer), told.get(each.code, each.detail)) for each in error.errors]
