"""Usage: what was delivered, what is missing, and where to go from there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint

from billing.quarters import closing as quarters
from billing.quarters import corrections
from billing.quarters import coverage as usage_coverage
from billing.usage import deliveries, metering
from billing.web import words
from billing.web.query import read_query, reads
from billing.web.usage import words as usage_words
from contracts.extensions import db
from contracts.terms.period import Period
from contracts.web import layout
from contracts.web.guard import requires
from contracts.web.i18n import N_

blueprint = Blueprint("usage_pages", __name__)
layout.add_nav(blueprint, 35, N_("Usage"), "usage_pages.index", visible=reads)
QUARTERS_SHOWN = 4


@blueprint.get("/volum")
@requires("read")
def index() -> Any:
    """Show the deliveries, the last quarter's coverage and the quarters' course."""
    query = read_query()
    listed = query.asked(deliveries.list_deliveries, known_at=query.known_at)
    until = metering.last_day(db.session, query.agreement.id, query.known_at)
    last = Period.quarter(until or query.today)
    coverage = query.asked(usage_coverage.coverage, period=last, today=query.today, known_at=query.known_at)
    states = query.asked(quarters.list_quarters, today=query.today, known_at=query.known_at)
    corrected = query.asked(corrections.list_corrections, known_at=query.known_at)
    return query.page(
        "billing/usage/index.html",
        as_of=until,
        version=None,
        listed=listed,
        coverage=coverage,
        last=last,
        states=states[:QUARTERS_SHOWN],
        waiting=[state for state in states if state.state in ("open", "reopened")],
        corrected=corrected,
        names=query.names(),
        words=words,
        usage_words=usage_words,
        day_after=lambda day: day + timedelta(days=1),
        may_import=query.actor.may("usage.import"),
        may_correct=query.actor.may("usage.correct"),
    )
