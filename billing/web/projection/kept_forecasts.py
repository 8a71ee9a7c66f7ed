"""How well forecasts have hit: each as it was frozen, against what has been counted and charged since."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response
from flask_babel import gettext as _

from billing.projection.kept_forecasts import Kind, Vintages, find_vintage, vintages
from billing.web.projection.band_record import HORIZONS, worth
from billing.web.query import Query, read_query
from contracts.errors import NotFound
from contracts.terms.table import Table, columns
from contracts.web.exports import table_answer
from contracts.web.guard import requires
from contracts.web.i18n import N_

blueprint = Blueprint("vintage_pages", __name__)

KINDS: Final[dict[Kind, str]] = {
    "quarter_close": N_("A quarter was closed"),
    "month": N_("A month was counted"),
    "by_hand": N_("By hand"),
}


@blueprint.get("/prognoser/treff")
@requires("read")
def show() -> Any:
    """List the frozen forecasts with their scores, and one of them month by month."""
    query = read_query("hf", "nr")
    found = _found(query)
    chosen = next((each for each in found.listed if each.scored), None)
    asked = query.values.get("nr", "")
    if asked:
        if not (asked.isascii() and asked.isdigit() and len(asked) < 19):
            raise NotFound(_("There is no such forecast."))
        chosen = find_vintage(found, int(asked))
    return query.page(
        "billing/projection/kept_forecasts.html",
        as_of=found.data_until,
        version=None,
        found=found,
        chosen=chosen,
        kinds={kind: _(text) for kind, text in KINDS.items()},
        horizons={horizon: _(text) for horizon, text in HORIZONS.items()},
        worth=worth,
        asked=query.values,
        holders=query.readable_holders(),
        names=query.names(),
    )


@blueprint.get("/prognoser/treff.<table:suffix>")
@requires("read")
def export(suffix: str) -> Response:
    """Give every month of every frozen forecast as a file."""
    found = _found(read_query("hf"))
    named = columns("day", "made_on") | columns("text", "kind", "first_month", "month")
    named |= columns("number", "forecast", "counted", "cost_forecast", "cost", "activated_later")
    rows = [
        (
            each.made_on,
            each.kind,
            each.first_month.label(),
            one.month.label(),
            one.expected,
            one.counted,
            one.cost,
            one.actual_cost,
            one.later_cost,
        )
        for each in found.listed
        for one in each.months
    ]
    return table_answer(suffix, "treff", Table(named, rows))


def _found(query: Query) -> Vintages:
    return query.asked(vintages, today=query.today, trust=query.values.get("hf") or None, known_at=query.known_at)
