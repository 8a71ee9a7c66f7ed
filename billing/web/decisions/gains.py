"""Expected gains of a case: described while it is a draft, and what their owners observe once it is live."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask import Blueprint, flash, redirect, request
from flask_babel import gettext as _

from billing.decisions import gains as gain_balance
from billing.web import words
from billing.web.decisions import case_words, gain_words
from billing.web.query import Query, read_query
from contracts import agreements
from contracts.cases import Case, CaseId, find_case
from contracts.errors import Conflict, Denied, InvalidInput
from contracts.extensions import db
from contracts.options import gains
from contracts.people import access
from contracts.terms.period import previous_day
from contracts.terms.written import NotANumber, plain_number, read_day
from contracts.web.acts import acted, done
from contracts.web.guard import requires

blueprint = Blueprint("gain_pages", __name__)

FIELDS = {
    "#/kind": "slag",
    "#/description": "beskrivelse",
    "#/per_examination": "mengde",
    "#/value": "verdi",
    "#/source": "kilde",
    "#/owner": "ansvarlig",
    "#/from": "fra",
    "#/to": "til",
    "#/note": "merknad",
}


@blueprint.get("/godkjenning/<case>/gevinster")
@requires("read")
def show(case: str) -> Any:
    """Show what a case is expected to gain, and what was observed."""
    query = read_query(past=False)
    return _page(query, _case(query, case))


@blueprint.post("/godkjenning/<case>/gevinster")
@requires("gain.describe")
def describe(case: str) -> Any:
    """Describe a gain that the draft expects."""
    query = read_query(past=False)
    found = _case(query, case)
    errors: list[Any] = []
    amounts = {name: _amount(name, errors) for name in ("mengde", "verdi")}
    if not errors:
        try:
            acted(
                gains.describe,
                case=found,
                kind=request.form.get("slag", ""),
                description=request.form.get("beskrivelse", ""),
                per_examination=amounts["mengde"],
                value=amounts["verdi"],
                source=request.form.get("kilde", ""),
                owner=request.form.get("ansvarlig", ""),
            )
        except InvalidInput as error:
            errors = [_mistake(each.pointer, each.code) for each in error.errors]
        except Conflict:
            errors = [(None, _("The case is sent for approval: its expected gains stand."))]
    if errors:
        db.session.rollback()
        return _page(query, _case(query, case), errors), 422
    db.session.commit()
    flash(_("The gain is described."))
    return redirect(query.link("gain_pages.show", case=case), 303)


@blueprint.post("/godkjenning/<case>/gevinster/<int:number>/ta-ut")
@requires("gain.describe")
def take_back(case: str, number: int) -> Any:
    """Take a gain out of the draft."""
    query = read_query(past=False)
    done(gains.take_back, case=_case(query, case), gain_id=number)
    flash(_("The gain is taken out."))
    return redirect(query.link("gain_pages.show", case=case), 303)


@blueprint.post("/godkjenning/<case>/gevinster/<int:number>")
@requires("gain.observe")
def observe(case: str, number: int) -> Any:
    """Enter what was observed of a gain."""
    query = read_query(past=False)
    found = _case(query, case)
    errors: list[Any] = []
    days: dict[str, date] = {}
    for name in ("fra", "til"):
        try:
            days[name] = read_day(request.form.get(name, "").strip())
        except ValueError:
            errors.append((f"{name}-{number}", _("Enter the day as a date.")))
    amount = _amount("mengde", errors, f"mengde-{number}")
    if not errors:
        try:
            acted(
                gains.observe,
                case=found,
                gain_id=number,
                first=days["fra"],
                until=days["til"] + timedelta(days=1),
                per_examination=amount,
                note=request.form.get("merknad", ""),
            )
        except InvalidInput as error:
            errors = [
                (f"{FIELDS[each.pointer]}-{number}", _mistake(each.pointer, each.code)[1]) for each in error.errors
            ]
        except (Denied, Conflict):
            errors = [(None, _("Only the owner of a gain enters what was observed, once the algorithm is live."))]
    if errors:
        db.session.rollback()
        return _page(query, _case(query, case), errors), 422
    db.session.commit()
    flash(_("What was observed is recorded."))
    return redirect(query.link("gain_pages.show", case=case), 303)


def _page(query: Query, case: Case, errors: list[Any] | None = None) -> str:
    listed = gains.list_gains(db.session, case)
    people = {one.owner for one in listed} | {seen.by for one in listed for seen in one.observed}
    names = words.Names.of(
        agreements.option_holders(db.session, query.agreement.id),
        agreements.marketplace(db.session, query.agreement.id),
    )
    may_describe = case.kind == "activation" and case.state == "draft" and query.actor.may("gain.describe", case.trust)
    return query.page(
        "billing/decisions/gains.html",
        as_of=None,
        version=None,
        case=case,
        title_text=case_words.case_title(case, names),
        gains=listed,
        balance=gain_balance.balance(db.session, case, listed, query.today, query.actor.scope("read")),
        gain_words=gain_words,
        kinds=[(code, _(text)) for code, text in gain_words.KINDS.items()],
        may_describe=may_describe,
        may_observe=case.activation is not None and not case.activation.void,
        last_day=previous_day,
        people=access.names_of(db.session, people),
        errors=errors or [],
    )


def _amount(name: str, errors: list[Any], field: str | None = None) -> Decimal | None:
    text = request.form.get(name, "").strip()
    if not text:
        return None
    try:
        return Decimal(plain_number(text))
    except NotANumber:
        errors.append((field or name, _("Enter a number such as 1,5.")))
        return None


def _mistake(pointer: str, code: str) -> tuple[str | None, str]:
    told = {
        ("#/owner", "unknown_person"): _("Nobody who reads this trust is registered with this address."),
        ("#/per_examination", "missing"): _("Say how much an examination gains."),
        ("#/per_examination", "out_of_range"): _("Enter a number with at most four decimals."),
        ("#/value", "out_of_range"): _("Enter an amount in kroner, in whole øre."),
        ("#/to", "empty_period"): _("The last day is not before the first."),
        ("#/from", "before_go_live"): _("Nothing was observed before the algorithm was live."),
    }
    return FIELDS.get(pointer), told.get((pointer, code), _("Fill this in; it may be too long."))


def _case(query: Query, name: str) -> Case:
    return query.asked(find_case, case_id=CaseId.parse(name))
