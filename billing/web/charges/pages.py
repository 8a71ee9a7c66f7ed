"""The expected charges of a period, line by line, each amount leading to its explanation."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect
from flask_babel import gettext as _

from billing.charges.charge_list import ChargeList, charge_list
from billing.invoices import expected as expected_invoice
from billing.quarters import closing as quarters
from billing.rating.lines import Line
from billing.rating.price_list import charge_on
from billing.web import words
from billing.web.files import file_answer
from billing.web.query import read_query, reads, refuse
from contracts.terms.period import Period
from contracts.web import layout
from contracts.web.guard import requires
from contracts.web.i18n import N_

blueprint = Blueprint("charge_list", __name__)
layout.add_nav(blueprint, 30, N_("Costs"), "charge_list.show", visible=reads, more=True)


@blueprint.get("/kostnader")
@requires("read")
def show() -> Any:
    """List the charges of a period; without one, lead to the quarter of the newest usage by its own address."""
    query = read_query("periode", "hf")
    period, trust = query.period(), query.values.get("hf") or None
    listed = query.asked(charge_list, period=period, trust=trust, known_at=query.known_at)
    if period is None:
        return redirect(query.link("charge_list.show", periode=listed.charges.period.label(), hf=trust))

    closed = None
    if period == Period.quarter(period.start) and period.overlap(query.agreement.term.period) is not None:
        report = query.asked(
            quarters.quarter_report, quarter=period.label(), today=query.today, trust=trust, known_at=query.known_at
        )
        closed = report if report.run is not None else None

    def text_of(line: Line) -> str:
        charge = charge_on(listed.book, line.charge, line.period.start)
        if charge is None or line.why is not None or line.tier is None:
            return words.line_text(line)
        return words.line_text(line, words.tier_caption(listed.book, charge, line.tier))

    return query.page(
        "billing/charges/charges.html",
        as_of=listed.charges.data_until,
        version=listed.charges.version,
        listed=listed,
        closed=closed,
        period=period,
        trust=trust,
        names=query.names(),
        holders=query.readable_holders(),
        text_of=text_of,
        words=words,
        periods=_choices(listed, period),
    )


@blueprint.get("/kostnader/forventet-faktura.xml")
@requires("read")
def expected() -> Response:
    """Give the expected invoice of a period as an EHF document, for the framework or one trust."""
    query = read_query("periode", "hf")
    period = query.period()
    if period is None:
        refuse(_("Name the period: periode=2026-Q3."))
    found = query.asked(
        expected_invoice.expected_invoice, period=period, trust=query.values.get("hf") or None, known_at=query.known_at
    )
    return file_answer(found.content, "application/xml", found.filename)


def _choices(listed: ChargeList, period: Any) -> list[tuple[str, str]]:
    years = sorted({each.start.year for each in listed.periods}, reverse=True)
    choices = [(each.label(), words.period_text(each.start, each.end)) for each in listed.periods]
    choices += [(str(year), str(year)) for year in years]
    if period.label() not in dict(choices):
        choices.insert(0, (period.label(), words.period_text(period.start, period.end)))
    return choices
