"""Signatures under a quarter: attest (checked by one person), approve for payment (by another), and the protocol."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, request
from flask_babel import gettext as _

from billing.figures.course import refusals
from billing.reconciliation import sign_offs
from billing.reconciliation.lines import by_cause
from billing.reconciliation.report import Report
from billing.web import words
from billing.web.files import file_answer
from billing.web.query import Query, read_query
from billing.web.reconciliation import words as reconciliation_words
from billing.web.reconciliation.quarter import known_quarter, may_act, names_of, people_of, read_report
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.web import formatting
from contracts.web.guard import requires

blueprint = Blueprint("sign_off_pages", __name__)


@blueprint.get("/avstemming/<quarter>/attestasjon")
@requires("read")
def attest(quarter: str) -> Any:
    """Show what the attester signs."""
    query = read_query()
    return _page(query, read_report(query, quarter), "attest")


@blueprint.post("/avstemming/<quarter>/attestasjon")
@requires(sign_offs.ATTEST)
def sign_attest(quarter: str) -> Any:
    """Sign that the quarter was checked."""
    query = read_query()
    try:
        query.done(
            sign_offs.attest,
            quarter=known_quarter(quarter),
            statement=request.form.get("erklaering", ""),
            today=query.today,
        )
    except (InvalidInput, Conflict) as error:
        return _refused(query, quarter, "attest", error)
    flash(_("The quarter is attested. Somebody else approves it for payment."))
    return redirect(query.link("reconciliation_pages.show", quarter=quarter), 303)


@blueprint.get("/avstemming/<quarter>/anvisning")
@requires("read")
def approve(quarter: str) -> Any:
    """Show what the approver signs."""
    query = read_query()
    return _page(query, read_report(query, quarter), "approve")


@blueprint.post("/avstemming/<quarter>/anvisning")
@requires(sign_offs.APPROVE)
def sign_approve(quarter: str) -> Any:
    """Sign that the quarter may be paid, and file its protocol."""
    query = read_query()
    try:
        query.done(
            sign_offs.approve,
            quarter=known_quarter(quarter),
            statement=request.form.get("erklaering", ""),
            write=formatting,
            today=query.today,
        )
    except (InvalidInput, Conflict, Denied) as error:
        return _refused(query, quarter, "approve", error)
    flash(_("The quarter is approved for payment, and its protocol is filed."))
    return redirect(query.link("reconciliation_pages.show", quarter=quarter), 303)


@blueprint.get("/avstemming/<quarter>/protokoll.pdf")
@requires("read")
def protocol(quarter: str) -> Response:
    """Give the protocol as it was filed; `run` names that of an earlier run."""
    query = read_query("run")
    asked = query.values.get("run", "")
    if asked and not (asked.isascii() and asked.isdigit()):
        raise NotFound(_("There is no such run."))
    file = query.asked(sign_offs.protocol, quarter=known_quarter(quarter), run=int(asked) if asked else None)
    return file_answer(file.content, file.media_type, file.filename)


def _refused(query: Query, quarter: str, kind: str, error: InvalidInput | Conflict | Denied) -> tuple[str, int]:
    if isinstance(error, InvalidInput):
        told: list[tuple[str | None, str]] = [("erklaering", _("Write the words that you sign."))]
        return _page(query, read_report(query, quarter), kind, told), 422
    if isinstance(error, Denied):
        sentence = _("Whoever attested a quarter does not approve it. Somebody else must.")
        return _page(query, read_report(query, quarter), kind, [(None, sentence)]), 403
    code = error.code
    sentence = _(reconciliation_words.REFUSALS[code]) if code in reconciliation_words.REFUSALS else error.detail
    return _page(query, read_report(query, quarter), kind, [(None, sentence)]), 409


def _page(query: Query, report: Report, kind: str, errors: list[Any] | None = None) -> str:
    run = report.run
    attested = run.attested if run is not None else None
    is_own = kind == "approve" and attested is not None and attested.by == query.actor.id
    act = sign_offs.ATTEST if kind == "attest" else sign_offs.APPROVE
    ready = not refusals(report.facts) if kind == "attest" else report.facts.attested and not report.facts.approved
    return query.page(
        "billing/reconciliation/sign_off.html",
        as_of=query.counted().through,
        version=None,
        report=report,
        quarter=report.quarter.label(),
        kind=kind,
        run=run,
        ready=ready,
        is_own=is_own,
        may_sign=may_act(query, act),
        refusals=refusals(report.facts),
        causes=by_cause(report),
        allocations=sign_offs.allocations(db.session, report),
        decided=[each for each in report.found if each.treatment.state in ("accepted", "noted", "checked")],
        people=people_of(report),
        names=names_of(query),
        words=words,
        told=reconciliation_words,
        errors=errors or [],
    )
