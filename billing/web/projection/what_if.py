"""What if a trust switches an algorithm on? A form by GET, so that the answer has an address of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from flask import Blueprint
from flask_babel import gettext as _

from billing.figures import Figure, plans
from billing.forecasting.daily_rates import Plan
from billing.projection.bound import cut_off
from billing.projection.plan_costs import plan_scenario
from billing.projection.simulation import simulate_scenario
from billing.projection.what_if import WhatIf, what_if
from billing.usage import metering
from billing.web import charts, words
from billing.web.projection import charts as charts_projection
from billing.web.projection.band_record import worth_of
from billing.web.projection.charts import Band, FanMonth
from billing.web.query import Query, read_query
from contracts import agreements
from contracts.errors import InvalidInput, NotFound
from contracts.extensions import db
from contracts.terms.agreement import MarketplaceAlgorithm, OptionHolder
from contracts.terms.period import Period, add_months, previous_day
from contracts.terms.price_book import Activation
from contracts.terms.written import read_day
from contracts.web import formatting
from contracts.web.guard import requires
from contracts.web.i18n import N_, current_language

blueprint = Blueprint("what_if", __name__)

LARGEST_VOLUME = 1_000_000
LONGEST_ADOPTION = 60
FIELDS = ("hf", "alg", "maaned", "antall", "tilvenning", "per", "usikkerhet")
# Enough for a fan that is looked at within a request; a saved scenario takes more.
DRAWS = 500
SEED = 42
NOT_A_HOLDER = N_("This trust is not on the agreement's closed list.")
REFUSALS = {
    "active_already": ("alg", N_("This algorithm runs at the trust in that month already. Choose another one.")),
    "unknown_algorithm": ("alg", N_("This algorithm is not on the agreement's list.")),
    "not_an_option_holder": ("hf", NOT_A_HOLDER),
}


@dataclass(slots=True)
class Form:
    """What was asked, as it was written, and what is wrong with it by field."""

    values: dict[str, str]
    errors: list[tuple[str, str]] = field(default_factory=list)
    go_live: date | None = None
    volume: int = 0
    adoption: int = 0
    as_of: date | None = None
    products: tuple[MarketplaceAlgorithm, ...] = ()


@blueprint.get("/prognoser/hva-om")
@requires("read")
def form() -> Any:
    """Ask for the trust, then for the rest; with all of it, show what it costs."""
    query = read_query(*FIELDS, past=False)
    scope = query.actor.scope("read")
    trust = query.values.get("hf") or scope
    offered = query.readable_holders()
    products = agreements.marketplace(db.session, query.agreement.id)
    names = words.Names.of(query.holders(), products)
    if not trust:
        return query.page(
            "billing/projection/what_if_trust.html",
            as_of=_data_until(query),
            version=None,
            holders=offered,
            names=names,
        )
    holder = next((each for each in offered if each.party.code == trust), None)
    if holder is None and scope is not None:
        raise NotFound(f"there is no trust '{trust}' in this agreement")
    if holder is None:
        return _page(query, None, names, Form(query.values, [("hf", _(NOT_A_HOLDER))], products=products))
    asked = _read(query)
    asked.products = products
    if not _is_asked(query) or asked.errors:
        return _page(query, holder, names, asked)
    return _answer(query, holder, names, asked)


def _answer(query: Query, holder: OptionHolder, names: words.Names, asked: Form) -> Any:
    assert asked.go_live is not None
    assert asked.as_of is not None
    try:
        result = query.asked(
            what_if,
            trust=holder.party.code,
            algorithm=asked.values["alg"],
            go_live=asked.go_live,
            monthly_volume=asked.volume,
            adoption_months=asked.adoption,
            today=query.today,
            as_of=asked.as_of,
        )
    except InvalidInput as refusal:
        for error in refusal.errors:
            place, sentence = REFUSALS.get(error.code, ("alg", N_("This cannot be computed.")))
            asked.errors.append((place, _(sentence)))
        return _page(query, holder, names, asked)
    return _page(query, holder, names, asked, result)


def _page(
    query: Query,
    holder: OptionHolder | None,
    names: words.Names,
    asked: Form,
    result: WhatIf | None = None,
) -> Any:
    trust = holder.party.code if holder else ""
    running = {
        row.algorithm
        for row in agreements.activations(db.session, query.agreement.id)
        if row.trust == trust and row.end is None
    }
    chosen = asked.values.get("alg")
    algorithms = [
        (each.code, names.full(each.code)) for each in asked.products if each.code not in running or each.code == chosen
    ]
    uncertain = bool(result and query.values.get("usikkerhet") and _reads_all(query))
    page = query.page(
        "billing/projection/what_if.html",
        as_of=result.projection.data_until if result else _data_until(query),
        version=result.projection.price_version if result else None,
        holder=holder,
        names=names,
        asked=asked,
        algorithms=algorithms,
        first_month=f"{add_months(Period.month(query.today).start, 1):%Y-%m}",
        errors=asked.errors,
        result=result,
        told=_told(asked, result, query.actor.scope("read")) if result else None,
        figure=_figure(result) if result else None,
        fan=_fan(query, asked) if uncertain else None,
        worth=worth_of(query) if uncertain else None,
        reads_all=_reads_all(query),
        scenario_url=_scenario_url(query, asked) if result else None,
        draws=DRAWS,
        last_day=previous_day(result.until) if result else None,
        states=words.STATES,
        words=words,
    )
    return (page, 422) if asked.errors else page


def _told(asked: Form, result: WhatIf, scope: str | None) -> dict[str, Figure] | None:
    """Give the figures of what the plan costs, where it runs in full from its first day as a case's plan does."""
    if asked.adoption or result.others is None or asked.go_live is None:
        return None
    as_of = result.projection.scenario.as_of
    key = plans.plan_key(result.trust, asked.values["alg"], asked.go_live, asked.volume, as_of)
    parts: tuple[plans.Part, ...] = ("own", "others", "whole")
    partial_to = scope if result.partial else None
    return {part: plans.plan(key, part, result.own.total, result.others.total, partial_to) for part in parts}


def _reads_all(query: Query) -> bool:
    return query.actor.scope("read") is None


def _fan(query: Query, asked: Form) -> charts.Figure:
    """Simulate what the activation adds for all trusts: the same draws with it and without it."""
    assert asked.go_live is not None
    assert asked.as_of is not None
    plan = Plan(Activation(asked.values["hf"], asked.values["alg"], asked.go_live), asked.volume, asked.adoption)
    planned = plan_scenario(db.session, query.agreement.id, plan, query.today, asked.as_of)
    scenario = replace(planned, draws=DRAWS, seed=SEED, noise=None)
    found = query.asked(simulate_scenario, scenario=scenario).marginal
    language = current_language()
    rows = [
        FanMonth(month.label(), Band(fan.p10, fan.p25, fan.p50, fan.p75, fan.p90))
        for month, fan, ended in zip(
            found.simulation.months, found.simulation.fans(), found.simulation.after_end, strict=True
        )
        if not ended
    ]
    total = found.total
    return charts_projection.fan(
        "added-fan",
        _("Most likely it adds %(amount)s for all trusts", amount=formatting.money_large(total.p50, language)),
        rows,
        language,
        caption=_("Added cost of all trusts by month"),
        total=Band(total.p10, total.p25, total.p50, total.p75, total.p90),
    )


def _scenario_url(query: Query, asked: Form) -> str:
    """Give the builder's address with this activation in it."""
    assert asked.go_live is not None
    values = asked.values
    return query.link(
        "scenarios.build",
        fra=values["maaned"],
        til=f"{query.agreement.term.end:%Y-%m}",
        rader="1",
        hf1=values["hf"] if "hf" in values else query.actor.scope("read"),
        alg1=values["alg"],
        start1=values["maaned"],
        antall1=str(asked.volume),
        tilv1=str(asked.adoption),
    )


def _figure(result: WhatIf) -> charts.Figure:
    language = current_language()
    months = [entry.month for entry in result.months]
    zero = result.own.total - result.own.total
    peak = result.own.peak
    title = _(
        "%(amount)s over %(count)d months, most in %(month)s",
        amount=formatting.money_large(result.own.total, language),
        count=len(result.months),
        month="" if peak is None else formatting.month(peak.month.start, language),
    )
    return charts.stacked_months(
        "what-if",
        title,
        [month.month.label() for month in months],
        [
            charts.Series(_("Months at full price"), [zero if month.discount else month.cost for month in months]),
            charts.Series(
                _("Months with ramp-up discount"), [month.cost if month.discount else zero for month in months]
            ),
        ],
        language,
    )


def _is_asked(query: Query) -> bool:
    """Tell whether the form was sent; an address that names the algorithm alone is the form with that one chosen."""
    return "alg" in query.values and bool({"maaned", "antall"} & query.values.keys())


def _read(query: Query) -> Form:
    """Read the form's fields; what is not there yet has its default, what is wrong its sentence."""
    values = query.values
    asked = Form(values)
    asked.as_of = _as_of(query, asked)
    if not _is_asked(query):
        return asked
    if not values["alg"]:
        asked.errors.append(("alg", _("Choose an algorithm.")))
    try:
        month = Period.parse(values.get("maaned", ""))
        asked.go_live = month.start
        if month != Period.month(month.start) or not query.agreement.term.period.contains(month.start):
            raise ValueError
    except ValueError:
        asked.errors.append(
            (
                "maaned",
                _(
                    "Write a month within the agreement, %(first)s to %(last)s, like 2027-03.",
                    first=f"{query.agreement.term.start:%Y-%m}",
                    last=f"{add_months(query.agreement.term.end, -1):%Y-%m}",
                ),
            )
        )
    volume = _whole(values.get("antall", ""))
    if volume is None or not 1 <= volume <= LARGEST_VOLUME:
        most = formatting.quantity(LARGEST_VOLUME, current_language())
        asked.errors.append(("antall", _("Write a whole number of examinations, from 1 to %(most)s.", most=most)))
    adoption = _whole(values.get("tilvenning", "") or "0")
    if adoption is None or not 0 <= adoption <= LONGEST_ADOPTION:
        asked.errors.append(("tilvenning", _("Write a whole number of months, from 0 to 60.")))
    asked.volume, asked.adoption = volume or 0, adoption or 0
    return asked


def _as_of(query: Query, asked: Form) -> date:
    newest = _data_until(query)
    fallback = cut_off(newest, query.today)
    if not query.values.get("per"):
        return fallback
    try:
        return read_day(query.values["per"])
    except ValueError:
        asked.errors.append(("per", _("Write a date like 2026-10-01.")))
        return fallback


def _whole(text: str) -> int | None:
    digits = re.sub(r"[\s\u00a0\u202f]", "", text)
    return int(digits) if re.fullmatch(r"[0-9]{1,9}", digits) else None


def _data_until(query: Query) -> date | None:
    return metering.last_day(db.session, query.agreement.id)
