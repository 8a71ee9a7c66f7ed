"""The front page: what it has cost, how much of the ceiling is used, what the latest invoice differs by."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template
from flask_babel import gettext as _

from billing.figures.ceiling import exhaustion
from billing.figures.figure import Figure
from billing.reports.overview import dashboard
from billing.web import charts, words
from billing.web.query import Query, read_query
from billing.web.reconciliation import words as reconciliation_words
from billing.web.reports import today
from contracts import agreements, ceiling, ceiling_history
from contracts.extensions import db
from contracts.terms.period import previous_day
from contracts.web import formatting, layout
from contracts.web.guard import current_actor, signed_in
from contracts.web.i18n import N_, current_language

blueprint = Blueprint("overview", __name__)
WHOLE = 100
layout.add_nav(blueprint, 10, N_("Overview"), "overview.front")


def _used_up(query: Query) -> Figure | None:
    """Give the likely day on which the maximum value is used up, as it was foreseen last; None where nothing was."""
    foreseen = ceiling_history.foreseen(db.session, query.agreement.id, query.known_at)
    days = None if foreseen is None else foreseen.levels.get(WHOLE)
    return None if days is None else exhaustion("p50", days.p50)


@blueprint.get("/")
@signed_in
def front() -> Any:
    """Show the key figures; whoever reads no amounts gets a page that says so."""
    if not current_actor().may("read"):
        return render_template("billing/no_amounts.html")
    query = read_query()
    board = query.asked(dashboard, today=query.today, known_at=query.known_at)
    names = words.Names.of(board.options, agreements.marketplace(db.session, query.agreement.id))
    rows = [
        charts.QuarterCost(part.key, part.cost.full, part.cost.discounted, under_way=part.under_way)
        for part in board.quarters
    ]
    last_month = previous_day(board.year.end)
    own, others = today.tasks(query, board) if query.known_at is None else ([], [])
    return query.page(
        "billing/reports/overview.html",
        as_of=board.data_until,
        version=board.version,
        board=board,
        standing=None if board.scope else ceiling.standing(db.session, query.agreement.id, query.known_at),
        used_up=None if board.scope else _used_up(query),
        names=names,
        figure=charts.cost_by_quarter(rows, current_language()),
        until_text=formatting.day(last_month, current_language()),
        lead=_("%(name)s, with %(vendor)s", name=board.agreement.name, vendor=board.agreement.vendor.name),
        states=words.STATES,
        known_now=query.known_at is None,
        own=own,
        others=others,
        rows_shown=today.ROWS,
        words=words,
        reconciliation_words=reconciliation_words,
    )
