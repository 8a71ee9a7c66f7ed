"""Coverage of usage: what is in, what is missing, who must deliver it; the table first, the matrix beneath."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Response, redirect
from flask_babel import gettext as _

from billing.quarters import closing as quarters
from billing.quarters import coverage as usage_coverage
from billing.quarters.coverage import STATUSES, Coverage, CoverageCell
from billing.usage import metering
from billing.web import words
from billing.web.query import Query, read_query, refuse
from billing.web.usage import words as usage_words
from contracts import clock
from contracts.errors import InvalidInput
from contracts.extensions import db
from contracts.terms.period import Period
from contracts.terms.table import Table, columns
from contracts.web.exports import table_answer
from contracts.web.guard import requires

blueprint = Blueprint("coverage_pages", __name__)


@blueprint.get("/volum/dekning")
@requires("read")
def show() -> Any:
    """Show a quarter's coverage; without one, lead to the quarter of the newest usage by its own address."""
    query = read_query("kvartal", "hf")
    until = metering.last_day(db.session, query.agreement.id, query.known_at)
    asked, trust = query.values.get("kvartal"), query.values.get("hf") or None
    if not asked:
        newest = Period.quarter(min(until or query.today, query.today))
        return redirect(query.link("coverage_pages.show", kvartal=newest.label(), hf=trust))
    period, found = _found(query, asked, trust)
    states = query.asked(quarters.list_quarters, today=query.today, known_at=query.known_at)
    rows: dict[tuple[str, str], list[usage_coverage.CoverageCell]] = {}
    for cell in found.cells:
        rows.setdefault((cell.trust, cell.algorithm), []).append(cell)
    choices = [(state.quarter, words.period_text(state.period.start, state.period.end)) for state in states]
    if period.label() not in dict(choices):
        choices.insert(0, (period.label(), words.period_text(period.start, period.end)))
    return query.page(
        "billing/usage/coverage.html",
        as_of=until,
        version=None,
        found=found,
        period=period,
        trust=trust,
        listed=_listed(found),
        matrix={key: cells for key, cells in rows.items() if any(cell.status != "not_live" for cell in cells)},
        choices=choices,
        holders=query.readable_holders(),
        names=query.names(),
        words=words,
        usage_words=usage_words,
        local_day=lambda moment: moment.astimezone(clock.OSLO).date(),
    )


@blueprint.get("/volum/dekning.<table:suffix>")
@requires("read")
def rows(suffix: str) -> Response:
    """Give the page's rows as a file: each cell that is due, what is missing first."""
    query = read_query("kvartal", "hf")
    asked = query.values.get("kvartal")
    if not asked:
        refuse(_("Say which quarter, such as kvartal=2026-Q3."))
    period, found = _found(query, asked, query.values.get("hf") or None)
    return cells_answer(_listed(found), suffix, f"dekning-{period.label()}")


def cells_answer(cells: Iterable[CoverageCell], suffix: str, name: str) -> Response:
    """Give cells of a coverage as a file, in the reader's language but with codes, so that it can be joined to others."""
    named = columns("text", _("Trust"), _("Algorithm"), _("Month"), _("State"))
    named |= columns("number", _("Examinations"), _("Expected"), _("Deviation"))
    named |= columns("whole", _("Working days"), _("Days with a count"))
    named |= columns("text", _("Source"), _("File")) | columns("day", _("Received"))
    rows = (
        (
            cell.trust,
            cell.algorithm,
            cell.month.label(),
            _(usage_words.STATUSES[cell.status][0]),
            cell.quantity,
            cell.expected,
            cell.deviation,
            cell.working_days,
            cell.days_counted,
            None if cell.source is None else _(usage_words.SOURCES[cell.source]),
            cell.filename,
            None if cell.received_at is None else cell.received_at.astimezone(clock.OSLO).date(),
        )
        for cell in cells
    )
    return table_answer(suffix, name, Table(named, rows))


def _found(query: Query, asked: str, trust: str | None) -> tuple[Period, Coverage]:
    try:
        period = quarters.parse_quarter(asked)
    except InvalidInput as error:
        refuse(error.errors[0].detail)
    return period, query.asked(
        usage_coverage.coverage, period=period, today=query.today, trust=trust, known_at=query.known_at
    )


def _listed(found: Coverage) -> list[CoverageCell]:
    return sorted((cell for cell in found.cells if cell.due), key=lambda cell: STATUSES.index(cell.status))
