"""What people do with a reconciliation: run it, decide about several differences, check the sample, place lines, open it again."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, request
from flask_babel import gettext as _
from flask_babel import ngettext

from billing.reconciliation import runs as reconciliation
from billing.reconciliation.lines import ReconciledLine, lines_of
from billing.reconciliation.report import Report
from billing.reconciliation.runs import Place
from billing.reconciliation.treatment import Found
from billing.web import words
from billing.web.query import Query, read_query
from billing.web.reconciliation import words as reconciliation_words
from billing.web.reconciliation.line import mistakes
from billing.web.reconciliation.quarter import known_quarter, may_act, names_of, people_of, quarter_page, read_report
from contracts.errors import InvalidInput, NotFound
from contracts.terms.period import Period
from contracts.web.guard import requires

blueprint = Blueprint("reconciliation_acts", __name__)


@blueprint.post("/avstemming/<quarter>/kjor")
@requires(reconciliation.ACT)
def run(quarter: str) -> Any:
    """Freeze what is known now as the next run; where nothing changed, the last one stands."""
    query = read_query()
    before = len(read_report(query, quarter).runs)
    report = query.done(reconciliation.record_run, quarter=known_quarter(quarter), today=query.today)
    last = report.runs[-1]
    if len(report.runs) > before:
        flash(_("Run %(n)s is frozen: SHA-256 %(hash)s…", n=last.number, hash=last.sha256[:16]))
    else:
        flash(
            _(
                "Nothing has changed: run %(n)s stands, with the same hash %(hash)s….",
                n=last.number,
                hash=last.sha256[:16],
            )
        )
    return redirect(query.link("reconciliation_pages.show", quarter=quarter), 303)


@blueprint.post("/avstemming/<quarter>/apne")
@requires(reconciliation.ACT)
def reopen(quarter: str) -> Any:
    """Open a signed reconciliation again, with a reason."""
    query = read_query()
    try:
        query.done(
            reconciliation.reopen,
            quarter=known_quarter(quarter),
            reason=request.form.get("begrunnelse", ""),
            today=query.today,
        )
    except InvalidInput:
        errors = [("begrunnelse", _("Say in a sentence why."))]
        return quarter_page(query, read_report(query, quarter), errors), 422
    flash(_("The reconciliation is open again. The signed run stays readable."))
    return redirect(query.link("reconciliation_pages.show", quarter=quarter), 303)


@blueprint.post("/avstemming/<quarter>/stikkprove/<key>")
@requires(reconciliation.ACT)
def check(quarter: str, key: str) -> Any:
    """Say that a line of the sample was looked at."""
    query = read_query()
    try:
        query.done(
            reconciliation.decide,
            quarter=known_quarter(quarter),
            keys=[key],
            decision="checked",
            comment="",
            today=query.today,
        )
    except InvalidInput:
        raise NotFound(_("The line is not in the sample now.")) from None
    flash(_("The line is marked as checked."))
    return redirect(query.link("reconciliation_pages.show", quarter=quarter) + "#sample", 303)


@blueprint.get("/avstemming/<quarter>/avgjorelse")
@requires(reconciliation.ACT)
def decision(quarter: str) -> Any:
    """Show the chosen differences with the form that decides about all of them."""
    query = read_query(*chosen_names())
    return _decision_page(query, read_report(query, quarter))


@blueprint.post("/avstemming/<quarter>/avgjorelse")
@requires(reconciliation.ACT)
def decide(quarter: str) -> Any:
    """Decide about several differences at once."""
    query = read_query(*chosen_names())
    keys = [name.removeprefix("f-") for name in request.form if name.startswith("f-")]
    try:
        query.done(
            reconciliation.decide,
            quarter=known_quarter(quarter),
            keys=keys,
            decision=request.form.get("avgjorelse", ""),
            comment=request.form.get("kommentar", ""),
            today=query.today,
        )
    except InvalidInput as error:
        return _decision_page(query, read_report(query, quarter), mistakes(error)), 422
    flash(
        ngettext(
            "The decision about %(num)d difference is recorded.",
            "The decision about %(num)d differences is recorded.",
            len(keys),
        )
    )
    return redirect(query.link("reconciliation_pages.show", quarter=quarter) + "#lines", 303)


@blueprint.get("/avstemming/<quarter>/treff")
@requires("read")
def matches(quarter: str) -> Any:
    """Show the uncertain matches, or one row's, with what a person may say of them."""
    query = read_query("dokument", "linje")
    return _matches_page(query, read_report(query, quarter))


@blueprint.post("/avstemming/<quarter>/treff")
@requires(reconciliation.ACT)
def place(quarter: str) -> Any:
    """Confirm a match as it is, or say what its lines are about."""
    query = read_query("dokument", "linje")
    form = request.form
    confirms = form.get("svar") == "bekreft"
    try:
        query.done(
            reconciliation.place_lines,
            quarter=known_quarter(quarter),
            sha256=form.get("sha256", ""),
            lines=form.getlist("linje"),
            place=Place()
            if confirms
            else Place(*(form.get(name) or None for name in ("hf", "alg", "gebyr", "periode"))),
            comment=form.get("kommentar", ""),
            today=query.today,
        )
    except InvalidInput as error:
        fields = {"#/trust": "hf", "#/algorithm": "alg", "#/charge": "gebyr", "#/period": "periode"}
        errors = [(fields.get(each.pointer), each.detail) for each in error.errors]
        return _matches_page(query, read_report(query, quarter), errors), 422
    flash(_("It is recorded. Run the reconciliation again to freeze what follows from it."))
    return redirect(query.link("reconciliation_acts.matches", quarter=quarter), 303)


def chosen_names() -> list[str]:
    """Give the names of the checkboxes that stand in the address: rows by `r-`, findings by `f-`."""
    return [name for name in request.args if name.startswith(("r-", "f-"))]


def chosen_rows(report: Report) -> list[ReconciledLine]:
    """Give the rows that the address names, in the order of the reconciliation."""
    wanted = {name.removeprefix("r-") for name in request.args if name.startswith("r-")}
    return [row for row in lines_of(report) if row.key in wanted]


def chosen_findings(report: Report) -> list[Found]:
    """Give the findings of the chosen rows that nobody has decided."""
    return [each for row in chosen_rows(report) for each in row.open]


def _decision_page(query: Query, report: Report, errors: list[Any] | None = None) -> str:
    return query.page(
        "billing/reconciliation/decision.html",
        as_of=query.counted().through,
        version=None,
        report=report,
        quarter=report.quarter.label(),
        found=chosen_findings(report),
        chosen=dict.fromkeys(chosen_names(), "1"),
        names=names_of(query),
        people=people_of(report),
        words=words,
        told=reconciliation_words,
        errors=errors or [],
    )


def _matches_page(query: Query, report: Report, errors: list[Any] | None = None) -> str:
    one, line = query.values.get("dokument"), query.values.get("linje")
    shown = [(each.sha256, each.number, each.match) for each in report.unsure]
    if one and line:
        shown = [
            (str(row.sha256), row.number or "", match)
            for row in lines_of(report)
            if row.sha256 is not None and row.sha256.startswith(one)
            for match in row.matches
            if any(each.id == line for each in match.billed)
        ]
        if not shown:
            raise NotFound(_("There is no such line in this quarter."))
    known = report.frozen.inputs.names
    return query.page(
        "billing/reconciliation/matches.html",
        as_of=query.counted().through,
        version=None,
        report=report,
        quarter=report.quarter.label(),
        shown=shown,
        one=bool(one and line),
        trusts=sorted({code for _name, code in known.trusts}),
        algorithms=sorted({code for _name, code in known.algorithms}),
        charges=sorted({code for _name, code in known.charges}),
        periods=_periods(report.quarter),
        invoices={each.sha256: each for each in report.invoices},
        names=names_of(query),
        words=words,
        told=reconciliation_words,
        may_act=may_act(query, reconciliation.ACT) and not report.facts.attested,
        errors=errors or [],
    )


def _periods(quarter: Period) -> list[tuple[str, str]]:
    return [(each.label(), words.period_text(each.start, each.end)) for each in (*quarter.months(), quarter)]
