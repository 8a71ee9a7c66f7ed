"""Budgets: a year by cost centre, month and tertial against what it costs, and the form that revises one."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from flask import Blueprint, Response, flash, redirect, request
from flask_babel import gettext as _

from billing.ceiling import budgets as courses
from billing.ceiling.budgets import BudgetCourse
from billing.payments.files import read_amount, read_day
from billing.projection import kept_forecasts
from billing.web import charts
from billing.web.payments import words as money_words
from billing.web.query import Query, read_query, reads
from billing.web.tables import FIGURE_COLUMNS, figure_cells
from contracts import agreements, cost_centres
from contracts.errors import Finding, InvalidInput, NotFound
from contracts.extensions import db
from contracts.options import funding
from contracts.people import access
from contracts.terms.period import add_months
from contracts.terms.table import Table, columns
from contracts.web import formatting, layout
from contracts.web.acts import done
from contracts.web.exports import table_answer
from contracts.web.guard import requires
from contracts.web.i18n import N_, current_language

blueprint = Blueprint("budget_pages", __name__)
layout.add_nav(blueprint, 45, N_("Budget"), "budget_pages.index", visible=reads, more=True)

ACT: Final = "budget.set"
TERTIALS: Final = (N_("January–April"), N_("May–August"), N_("September–December"))
MISTAKES: Final = {
    "not_twelve": N_("Write twelve amounts, one for each month, none below zero."),
    "do_not_sum": N_("The months do not sum to the amount of the year."),
}
COLUMNS: Final = ("budget", "actual", "forecast", "committed", "expected", "left")


@blueprint.get("/budsjett")
@requires("read")
def index() -> Any:
    """Show a year of budgets; without one, the present year."""
    query = read_query("aar", "hf")
    found = _found(query)
    month = found.year.start
    return query.page(
        "billing/ceiling/budgets/index.html",
        as_of=found.data_until,
        version=None,
        found=found,
        figure=_figure(found),
        tertials=[_(name) for name in TERTIALS],
        months=[add_months(month, number) for number in range(12)],
        years=_years(query),
        asked=query.values,
        holders=query.readable_holders(),
        people=access.names_of(db.session, {one.recorded_by for one in found.revisions}),
        earlier=kept_forecasts.year_forecasts(
            db.session,
            agreement_id=query.agreement.id,
            year=found.year.start.year,
            scope=found.scope,
            known_at=query.known_at,
        ),
        may_set=query.actor.may(ACT) and query.known_at is None,
        standing={one.id for one in found.revisions} - {one.former for one in found.revisions},
        names=query.names(),
        not_booked=any(centre.cost_centre is None for centre in found.centres),
    )


@blueprint.get("/budsjett.<table:suffix>")
@requires("read")
def export(suffix: str) -> Response:
    """Give a year of budgets by cost centre and month as a file."""
    found = _found(read_query("aar", "hf"))
    return table_answer(suffix, f"budsjett-{found.year.start.year}", course_table(found))


@blueprint.route("/budsjett/ny", methods=["GET", "POST"])
@requires(ACT)
def revise() -> Any:
    """Record a budget, or a revision that takes the place of the one before."""
    query = read_query("aar", "hf", "koststed", past=False)
    if request.method == "GET":
        return _form(query, _standing(query), [])
    typed = request.form.to_dict()
    try:
        made = done(funding.set_budget, **_read(typed, query))
    except InvalidInput as error:
        return _form(query, typed, _mistakes(error.errors)), 422
    except NotFound:
        return _form(query, typed, _mistakes([Finding("#/trust", "unknown_trust", "")])), 422
    flash(_("The budget is recorded."))
    return redirect(query.link("budget_pages.index", aar=made.year, hf=None, koststed=None), 303)


def course_table(found: BudgetCourse) -> Table:
    """Give the cost centres' months as rows of a file."""
    rows: list[tuple[Any, ...]] = []
    for centre in found.centres:
        for number, one in enumerate(centre.months):
            month = add_months(found.year.start, number)
            rows.append(
                (
                    centre.trust,
                    centre.cost_centre,
                    f"{month:%Y-%m}",
                    number // 4 + 1,
                    *tuple(getattr(one, name) for name in COLUMNS),
                    *figure_cells(centre.budgeted(found.year, month)),
                )
            )
    named = columns("text", "trust", "cost_centre", "month") | columns("whole", "tertial") | columns("number", *COLUMNS)
    return Table(named | FIGURE_COLUMNS, rows)


def _found(query: Query) -> BudgetCourse:
    asked = query.values.get("aar", "")
    offered = _years(query)
    usual = min(max(query.today.year, offered[0]), offered[-1])
    year = int(asked) if asked.isascii() and asked.isdigit() and len(asked) == 4 else (None if asked else usual)
    if year not in offered:
        raise NotFound(_("There is no such year in the agreement."))
    assert year is not None
    return query.asked(
        courses.budget_course,
        year=year,
        today=query.today,
        trust=query.values.get("hf") or None,
        known_at=query.known_at,
    )


def _years(query: Query) -> list[int]:
    term = query.agreement.term
    return list(range(term.start.year, (term.end - timedelta(days=1)).year + 1))


def _figure(found: BudgetCourse) -> charts.Figure:
    language = current_language()
    whole = found.whole
    said = {
        "year": found.year.start.year,
        "expected": formatting.money_large(whole.expected, language),
        "budget": "" if whole.budget is None else formatting.money_large(whole.budget, language),
    }
    if whole.budget is None:
        title = _("%(year)s is expected to cost %(expected)s; nothing is budgeted", **said)
    else:
        title = _("%(year)s is expected to cost %(expected)s, and %(budget)s is budgeted", **said)
    series = [
        charts.Series(_("Actual"), [one.actual for one in found.months]),
        charts.Series(_("Forecast"), [one.forecast for one in found.months], pattern="/"),
    ]
    if any(one.committed for one in found.months):
        series.append(charts.Series(_("Committed"), [one.committed for one in found.months], pattern="x"))
    months = [f"{add_months(found.year.start, number):%Y-%m}" for number in range(12)]
    return charts.stacked_months("budget", title, months, series, language, caption=_("Cost per month"))


def _form(query: Query, typed: dict[str, str], errors: list[tuple[str | None, str]]) -> str:
    register = cost_centres.register(db.session, query.agreement.id)
    return query.page(
        "billing/ceiling/budgets/form.html",
        as_of=None,
        version=None,
        typed=typed,
        errors=errors,
        holders=[holder for holder in query.holders() if query.actor.may(ACT, holder.party.code)],
        years=_years(query),
        centres=sorted({(entry.trust, entry.booking.cost_centre) for entry in register.entries}),
        names=query.names(),
    )


def _standing(query: Query) -> dict[str, str]:
    """Fill the form with the budget that stands, where the address names one."""
    values = query.values
    typed = {
        "trust": values.get("hf", ""),
        "cost_centre": values.get("koststed", ""),
        "year": values.get("aar", str(query.today.year)),
        "approved_on": query.today.isoformat(),
    }
    for one in funding.list_budgets(db.session, trust=typed["trust"] or None):
        if (one.trust, one.cost_centre, str(one.year)) == (typed["trust"], typed["cost_centre"], typed["year"]):
            typed |= {"amount": _written(one.amount), "reference": one.reference}
            if one.phased:
                typed["months"] = "\n".join(_written(part) for part in one.months)
    return typed


def _written(amount: Decimal) -> str:
    return format(amount, "f").replace(".", ",") if current_language() == "nb" else format(amount, "f")


def _read(typed: dict[str, str], query: Query) -> dict[str, Any]:
    findings: list[Finding] = []
    codes = {holder.party.code for holder in agreements.option_holders(db.session, query.agreement.id)}
    if typed.get("trust", "") not in codes:
        findings.append(Finding("#/trust", "unknown_trust", ""))
    year = typed.get("year", "")
    if not (year.isascii() and year.isdigit() and len(year) == 4):
        findings.append(Finding("#/year", "out_of_range", ""))
    amount = _amount("amount", typed.get("amount", ""), findings)
    parts = [_amount("months", row, findings) for row in typed.get("months", "").splitlines() if row.strip()]
    try:
        approved_on = read_day(typed.get("approved_on", "").strip())
    except ValueError:
        approved_on = query.today
        findings.append(Finding("#/approved_on", "not_a_date", ""))
    if findings:
        raise InvalidInput(tuple(findings))
    return {
        "trust": typed["trust"],
        "cost_centre": typed.get("cost_centre", ""),
        "year": int(year),
        "amount": amount,
        "approved_on": approved_on,
        "reference": typed.get("reference", ""),
        "months": parts or None,
    }


def _amount(name: str, text: str, findings: list[Finding]) -> Decimal:
    """Read an amount that may be nothing; a comma or a point before the øre."""
    plain = "".join(text.split())
    if plain.rstrip("0,.") == "" and plain.replace(",", ".").count(".") <= 1 and plain.strip(",."):
        return Decimal("0.00")
    try:
        return read_amount(plain, comma="," in plain)
    except ValueError:
        findings.append(Finding(f"#/{name}", "not_an_amount", ""))
        return Decimal("0.00")


def _mistakes(findings: Any) -> list[tuple[str | None, str]]:
    own = [
        (finding.pointer.split("/")[1], _(MISTAKES[finding.code])) for finding in findings if finding.code in MISTAKES
    ]
    rest = money_words.mistakes(finding for finding in findings if finding.code not in MISTAKES)
    return [*own, *rest]
