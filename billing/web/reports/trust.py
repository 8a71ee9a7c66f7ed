"""A trust's own page: its cost per month, its algorithms and when their discounts change."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask_babel import gettext as _

from billing.reports.trust import trust_report
from billing.web import charts, words
from billing.web.query import read_query
from contracts.web import formatting
from contracts.web.guard import requires
from contracts.web.i18n import current_language

blueprint = Blueprint("trust", __name__)


@blueprint.get("/hf/<code>")
@requires("read")
def show(code: str) -> Any:
    """Show a trust's year so far."""
    query = read_query()
    report = query.asked(trust_report, trust=code, today=query.today, known_at=query.known_at)
    language = current_language()
    figure = charts.stacked_months(
        "cost-by-month",
        _(
            "%(amount)s so far in %(year)s",
            amount=formatting.money_large(report.cost.total, language),
            year=report.year.start.year,
        ),
        [part.key for part in report.months] if report.data_until else [],
        [
            charts.Series(_("Full price"), [part.cost.full for part in report.months]),
            charts.Series(_("Discounted in ramp-up"), [part.cost.discounted for part in report.months]),
        ],
        language,
        caption=_("Cost per month"),
    )
    return query.page(
        "billing/reports/trust.html",
        as_of=report.data_until,
        version=report.version,
        report=report,
        names=query.names(),
        figure=figure,
        words=words,
    )
