"""Quarters: their course, close one, open it again, what a run froze and what came later."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, request
from flask_babel import gettext as _

from billing.quarters import closing as quarters
from billing.quarters import coverage as usage_coverage
from billing.quarters.coverage import CoverageCell
from billing.web import words
from billing.web.query import Query, read_query
from billing.web.usage import words as usage_words
from contracts.errors import Conflict, InvalidInput, NotFound
from contracts.extensions import db
from contracts.people import access
from contracts.web.guard import requires

blueprint = Blueprint("quarter_pages", __name__)


@blueprint.get("/kvartaler")
@requires("read")
def index() -> Any:
    """List the quarters with their course."""
    query = read_query()
    states = query.asked(quarters.list_quarters, today=query.today, known_at=query.known_at)
    return query.page(
        "billing/usage/quarters.html",
        as_of=query.counted().through,
        version=None,
        states=states,
        people=_people(states),
        whole=query.actor.scope("read") is None,
        words=words,
        usage_words=usage_words,
    )


@blueprint.get("/kvartaler/<quarter>")
@requires("read")
def show(quarter: str) -> Any:
    """Show a quarter: its runs, the frozen charges, what came later, and what may be done."""
    return _show(read_query("kjoring"), _known(quarter))


@blueprint.get("/kvartaler/<quarter>/kjoring/<int:run>")
@requires("read")
def document(quarter: str, run: int) -> Response:
    """Give the document that a run froze, byte for byte."""
    query = read_query()
    _run, content = query.asked(quarters.run_bytes, quarter=_known(quarter), run=run)
    answer = Response(content, mimetype="application/json")
    name = f"{query.agreement.code}-{quarter}-{run}.json"
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


@blueprint.post("/kvartaler/<quarter>/lukk")
@requires(quarters.ACT)
def close(quarter: str) -> Any:
    """Close a quarter; missing counts must be ticked off first."""
    query = read_query()
    try:
        closed = query.done(
            quarters.close,
            quarter=_known(quarter),
            today=query.today,
            accept_missing=request.form.get("mangler") == "ja",
        )
    except Conflict as conflict:
        if conflict.code != "coverage_missing":
            raise
        return _show(query, quarter, [("mangler", _("Say that you know that counts are missing."))]), 422
    when = words.period_text(closed.run.period.start, closed.run.period.end)
    if closed.status == "closed":
        flash(_("%(quarter)s is closed: run %(run)s.", quarter=when, run=closed.run.number))
    else:
        flash(_("%(quarter)s was closed already: run %(run)s stands.", quarter=when, run=closed.run.number))
    return redirect(query.link("quarter_pages.show", quarter=quarter), 303)


@blueprint.post("/kvartaler/<quarter>/apne")
@requires(quarters.ACT)
def reopen(quarter: str) -> Any:
    """Open a closed quarter again, with a reason."""
    query = read_query()
    try:
        state = query.done(
            quarters.reopen, quarter=_known(quarter), reason=request.form.get("begrunnelse", ""), today=query.today
        )
    except InvalidInput as error:
        return _show(query, quarter, usage_words.mistakes(error.errors, {"#/reason": "begrunnelse"})), 422
    when = words.period_text(state.period.start, state.period.end)
    flash(_("%(quarter)s is open again. Run %(run)s stays readable.", quarter=when, run=state.runs[-1].number))
    return redirect(query.link("quarter_pages.show", quarter=quarter), 303)


def _show(query: Query, quarter: str, errors: list[Any] | None = None) -> str:
    asked = query.values.get("kjoring", "")
    if asked and not (asked.isascii() and asked.isdigit()):
        raise NotFound(_("There is no such run."))
    report = query.asked(
        quarters.quarter_report,
        quarter=quarter,
        today=query.today,
        run=int(asked) if asked else None,
        known_at=query.known_at,
    )
    may_act = query.actor.may(quarters.ACT) and query.actor.scope(quarters.ACT) is None and query.known_at is None
    return query.page(
        "billing/usage/quarter.html",
        as_of=query.counted().through,
        version=report.frozen.versions[-1].valid_from if report.frozen and report.frozen.versions else None,
        report=report,
        state=report.state,
        sums=_sums(report),
        missing=_missing(query, report) if report.state.state in ("open", "reopened") else (),
        people=_people([report.state]),
        may_act=may_act,
        whole=report.scope is None,
        names=query.names(),
        words=words,
        usage_words=usage_words,
        errors=errors or [],
    )


def _sums(report: quarters.QuarterReport) -> list[tuple[str | None, Any, int]]:
    """Add the frozen lines up by trust."""
    trusts = list(dict.fromkeys(line.trust for line in report.lines))
    return [
        (trust, sum(line.net for line in own), len(own))
        for trust in sorted(trusts, key=lambda code: code or "")
        if (own := [line for line in report.lines if line.trust == trust])
    ]


def _missing(query: Query, report: quarters.QuarterReport) -> tuple[CoverageCell, ...]:
    found = query.asked(usage_coverage.coverage, period=report.state.period, today=query.today, known_at=query.known_at)
    return tuple(cell for cell in found.cells if cell.status == "missing")


def _people(states: list[quarters.QuarterState]) -> dict[str, str]:
    ids = {run.closed_by for state in states for run in state.runs}
    ids |= {run.reopening.by for state in states for run in state.runs if run.reopening is not None}
    return access.names_of(db.session, ids)


def _known(quarter: str) -> str:
    try:
        quarters.parse_quarter(quarter)
    except InvalidInput:
        raise NotFound(_("There is no quarter “%(quarter)s”.", quarter=quarter)) from None
    return quarter
