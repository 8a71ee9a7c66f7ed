"""Why the next year costs something else: a form by GET, bars from one year to the next, and the same in tables."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from flask import Blueprint, Response
from flask_babel import gettext as _

from billing.forecasting.drivers import Driver
from billing.projection.year_drivers import YearDrivers, share_of_last, year_drivers
from billing.usage import metering
from billing.web import charts
from billing.web.query import Query, read_query, refuse
from billing.web.tables import FIGURE_COLUMNS, figure_cells
from contracts.errors import InvalidInput
from contracts.extensions import db
from contracts.terms import money
from contracts.terms.table import Table, columns
from contracts.web import formatting
from contracts.web.exports import table_answer
from contracts.web.guard import requires
from contracts.web.i18n import N_, current_language

blueprint = Blueprint("driver_pages", __name__)

FIELDS: Final = ("aar", "hf", "vekst", "indeks")
NAMES: Final[dict[Driver, str]] = {
    "volume": N_("Volume"),
    "activations": N_("Activations"),
    "ramp_ends": N_("Ramp-up discounts that end"),
    "tiers": N_("Tiers, fixed amounts and new prices"),
    "index": N_("Index adjustment"),
    "corrections": N_("Corrections"),
}
REASONS: Final[dict[Driver, str]] = {
    "volume": N_(
        "More or fewer examinations where something ran in both years, at the average price of the first year."
    ),
    "activations": N_("What begins after the first year, and what ended in it or before it."),
    "ramp_ends": N_(
        "The same examinations at list price, with the discount of the second year instead of that of the first."
    ),
    "tiers": N_(
        "What is left at the same price level: tiers reached, fixed amounts, a new price list, and the rounding."
    ),
    "index": N_(
        "What index adjustments since the beginning of the first year do in the second one more than in the first."
    ),
    "corrections": N_(
        "Credits and charges recorded in a year for the years before it, held against those of the first year."
    ),
}


@blueprint.get("/prognoser/drivere")
@requires("read")
def show() -> Any:
    """Show the steps from one year to the next."""
    query = read_query(*FIELDS)
    errors: list[tuple[str, str]] = []
    found = _found(query, errors)
    names = query.names()
    page = query.page(
        "billing/projection/drivers.html",
        as_of=found.data_until if found else None,
        version=None,
        found=found,
        errors=errors,
        asked=query.values,
        holders=query.readable_holders(),
        years=_years(query),
        names=names,
        figure=_figure(found) if found else None,
        steps=_steps(found) if found else [],
        drivers=[_(text) for text in NAMES.values()],
        kroner=money.kroner,
    )
    return (page, 422) if errors else page


@blueprint.get("/prognoser/drivere.<table:suffix>")
@requires("read")
def export(suffix: str) -> Response:
    """Give the steps by trust as a file."""
    query = read_query(*FIELDS)
    errors: list[tuple[str, str]] = []
    found = _found(query, errors)
    if found is None:
        refuse(errors[0][1])
    rows = [
        (
            each.trust,
            money.kroner(each.drivers.last_ore),
            *each.drivers.amounts().values(),
            money.kroner(each.drivers.next_ore),
            *(("", "") if (change := found.change(each)) is None or each.trust is None else figure_cells(change)),
        )
        for each in found.by_trust
    ]
    year = found.coming.start.year
    named = columns("text", "trust") | columns("number", "last_year", *NAMES, "next_year") | FIGURE_COLUMNS
    return table_answer(suffix, f"drivere-{year}", Table(named, rows))


def _found(query: Query, errors: list[tuple[str, str]]) -> YearDrivers | None:
    growth, index = (_share(query, name, errors) for name in ("vekst", "indeks"))
    asked = query.values.get("aar", "")
    last = metering.last_day(db.session, query.agreement.id, query.known_at)
    as_of = query.today if last is None else last + timedelta(days=1)
    offered = _years(query)
    year = (
        int(asked)
        if asked.isascii() and asked.isdigit() and len(asked) == 4
        else (None if asked else _usual(offered, as_of))
    )
    if year is None or year not in offered:
        errors.append(("aar", _("Choose a year of the agreement that has one before it.")))
    if errors or year is None:
        return None
    try:
        return query.asked(
            year_drivers,
            year=year,
            as_of=as_of,
            trust=query.values.get("hf") or None,
            annual_growth=growth,
            annual_index=index,
            known_at=query.known_at,
        )
    except InvalidInput:
        errors.append(("aar", _("Choose a year of the agreement that has one before it.")))
        return None


def _years(query: Query) -> list[int]:
    term = query.agreement.term
    return list(range(term.start.year + 1, (term.end - timedelta(days=1)).year + 1))


def _usual(offered: list[int], as_of: date) -> int | None:
    """Give the year after the present one, or the last that can be explained."""
    return min(as_of.year + 1, offered[-1]) if offered else None


def _share(query: Query, name: str, errors: list[tuple[str, str]]) -> Decimal:
    """Read per cent per year, with a comma or a point, at most two decimals."""
    text = query.values.get(name, "").replace(",", ".").replace("−", "-").replace("%", "").strip() or "0"
    try:
        value = Decimal(text)
        if not value.is_finite() or not -90 <= value <= 1000 or value != value.quantize(Decimal("0.01")):
            raise InvalidOperation
    except InvalidOperation:
        errors.append((name, _("Write per cent per year, like 3 or 2,5.")))
        return Decimal(0)
    return value / 100


def _steps(found: YearDrivers) -> list[tuple[str, Decimal, Decimal | None, str]]:
    """Give each step with its amount, its share of the last year's cost and what it is."""
    return [
        (_(NAMES[driver]), amount, share_of_last(found, amount), _(REASONS[driver]))
        for driver, amount in found.drivers.amounts().items()
    ]


def _figure(found: YearDrivers) -> charts.Figure:
    language = current_language()
    last, coming = found.last.start.year, found.coming.start.year
    before, after = money.kroner(found.drivers.last_ore), money.kroner(found.drivers.next_ore)
    said = {"year": coming, "before": last, "amount": formatting.money_large(abs(after - before), language)}
    if after > before:
        title = _("%(year)s costs %(amount)s more than %(before)s", **said)
    elif after < before:
        title = _("%(year)s costs %(amount)s less than %(before)s", **said)
    else:
        title = _("%(year)s costs the same as %(before)s", **said)
    return charts.waterfall(
        "drivers",
        title,
        charts.Step(_("Cost in %(year)s", year=last), before),
        [
            charts.Step(
                name,
                amount,
                (formatting.not_applicable(language) if share is None else formatting.percent(share, language),),
            )
            for name, amount, share, _why in _steps(found)
        ],
        charts.Step(_("Cost in %(year)s", year=coming), after),
        [charts.Column(_("Share of the cost in %(year)s", year=last), numeric=True)],
        language,
        caption=_("From %(before)s to %(year)s", before=last, year=coming),
        bars=charts.Bars(_("Costs more"), _("Costs less"), _("Difference"), str(last)),
    )
