"""The reconciliation of a quarter: how it stands, why the invoice differs, what is left to do, and every run as it was."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Response
from flask_babel import gettext as _

from billing.causes import CODES, FIRST_ACTION
from billing.figures.course import refusals, tasks
from billing.quarters.closing import parse_quarter
from billing.reconciliation import report as reconciliation_report
from billing.reconciliation import runs as reconciliation
from billing.reconciliation.lines import ORDERS, Selection, by_cause, lines_of
from billing.reconciliation.report import QuarterRow, Report
from billing.web import charts, words
from billing.web.query import Query, read_query, refuse
from billing.web.reconciliation import words as reconciliation_words
from contracts.errors import InvalidInput, NotFound
from contracts.extensions import db
from contracts.people import access
from contracts.web import formatting
from contracts.web.guard import requires
from contracts.web.i18n import current_language

blueprint = Blueprint("reconciliation_pages", __name__)
# What the grid is asked: which rows, in which order, from which one on. A row's page keeps them, to walk the same rows.
GRID = ("vis", "hf", "kode", "sorter", "fra")
RUN = "run"
ROWS_SHOWN = 100
ATTEST, APPROVE = "reconciliation.attest", "reconciliation.approve"


@blueprint.get("/avstemming/<quarter>")
@requires("read")
def show(quarter: str) -> Any:
    """Show a quarter's reconciliation, or one of its runs as it was."""
    query = read_query(*GRID, RUN)
    return quarter_page(query, read_report(query, quarter))


@blueprint.get("/avstemming/<quarter>/kjoring/<int:run>")
@requires("read")
def document(quarter: str, run: int) -> Response:
    """Give the document that a run froze, byte for byte."""
    query = read_query()
    _run, content = query.asked(reconciliation_report.run_bytes, quarter=known_quarter(quarter), run=run)
    answer = Response(content, mimetype="application/json")
    name = f"{query.agreement.code}-{quarter}-avstemming-{run}.json"
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


def quarter_page(query: Query, report: Report, errors: list[Any] | None = None) -> str:
    """Render the page of a quarter."""
    rows = lines_of(report)
    chosen = selection(query)
    listed = chosen.of(rows)
    first = _first(query)
    names = names_of(query)
    return query.page(
        "billing/reconciliation/quarter.html",
        as_of=query.counted().through,
        version=report.frozen.inputs.charges.versions[-1].valid_from if report.frozen.inputs.charges.versions else None,
        report=report,
        quarter=report.quarter.label(),
        shown_run=_shown_run(query, report),
        tasks=list(tasks(report.facts)),
        refusals=refusals(report.facts),
        figure=_waterfall(report),
        rows=listed[first : first + ROWS_SHOWN],
        all_rows=len(rows),
        differing=sum(row.differs for row in rows),
        found_rows=len(listed),
        first=first,
        rows_shown=ROWS_SHOWN,
        sums=(
            sum((row.invoiced or 0 for row in listed), start=0),
            sum((row.expected or 0 for row in listed), start=0),
            sum((row.difference for row in listed), start=0),
        ),
        selection=chosen,
        kept=kept(query),
        trusts=sorted({each for row in rows for each in row.trusts if each is not None}, key=names.trust),
        codes=[code for code in CODES if any(code in row.codes for row in rows)],
        missing=_not_invoiced(report),
        people=people_of(report),
        names=names,
        words=words,
        told=reconciliation_words,
        first_actions=FIRST_ACTION,
        may_act=may_act(query, reconciliation.ACT),
        may_attest=may_act(query, ATTEST),
        may_approve=may_act(query, APPROVE),
        errors=errors or [],
    )


def read_report(query: Query, quarter: str) -> Report:
    """Read a quarter's reconciliation as a page asks for it: as known when, and as which run."""
    asked = query.values.get(RUN, "")
    if asked and not (asked.isascii() and asked.isdigit()):
        raise NotFound(_("There is no such run."))
    return query.asked(
        reconciliation_report.report,
        quarter=known_quarter(quarter),
        today=query.today,
        known_at=query.known_at,
        run=int(asked) if asked else None,
    )


def list_quarters(query: Query) -> list[QuarterRow]:
    """List the quarters for the page that leads to them."""
    return query.asked(reconciliation_report.list_quarters, today=query.today, known_at=query.known_at)


def selection(query: Query) -> Selection:
    """Read which rows the page wants; a word that it does not know is refused."""
    shown, order, code = (query.values.get(name) or None for name in ("vis", "sorter", "kode"))
    if shown not in (None, "avvik", "alle"):
        refuse(_("“%(value)s” is none of the choices of %(name)s.", value=shown, name="vis"))
    if order is not None and order not in ORDERS:
        refuse(_("“%(value)s” is none of the choices of %(name)s.", value=order, name="sorter"))
    if code is not None and code not in CODES:
        refuse(_("“%(value)s” is none of the choices of %(name)s.", value=code, name="kode"))
    return Selection(
        differences=shown != "alle",
        trust=query.values.get("hf") or None,
        code=code,
        order=order or "amount",
    )


def kept(query: Query) -> dict[str, str]:
    """Give the grid's questions and the run, as the links between rows carry them on."""
    return {name: value for name in (*GRID[:4], RUN) if (value := query.values.get(name))}


def names_of(query: Query) -> words.Names:
    """Give what trusts and algorithms are called."""
    return query.names()


def people_of(report: Report) -> dict[str, str]:
    """Give the names of everybody who did something on the page."""
    signs = [sign for run in report.runs for sign in (run.attested, run.approved) if sign is not None]
    ids = {run.by for run in report.runs} | {sign.by for sign in signs}
    treated = [each.treatment for each in report.found] + [each.treatment for each in report.sample]
    ids |= {each.by for each in treated if each.by is not None}
    ids |= {step.recorded_by for dispute in report.disputes for step in dispute.steps}
    ids |= {dispute.recorded_by for dispute in report.disputes}
    return access.names_of(db.session, ids)


def may_act(query: Query, act: str) -> bool:
    """Tell whether the reader may do an act here: with a role for all trusts, and on what is known now."""
    return (
        query.actor.may(act) and query.actor.scope(act) is None and query.known_at is None and not query.values.get(RUN)
    )


def known_quarter(quarter: str) -> str:
    """Give the quarter's label; a page that is not there for what is no quarter."""
    try:
        parse_quarter(quarter)
    except InvalidInput:
        raise NotFound(_("There is no quarter “%(quarter)s”.", quarter=quarter)) from None
    return quarter


def _first(query: Query) -> int:
    asked = query.values.get("fra", "")
    if asked and not (asked.isascii() and asked.isdigit() and len(asked) < 10):
        refuse(_("“%(value)s” is none of the choices of %(name)s.", value=asked, name="fra"))
    return int(asked or 0)


def _shown_run(query: Query, report: Report) -> Any:
    asked = query.values.get(RUN)
    if asked:
        return next(run for run in report.runs if run.number == int(asked))
    return report.run if report.facts.attested else None


def _not_invoiced(report: Report) -> list[tuple[str | None, str | None, Any, int]]:
    """Sum what is due and stands on no invoice, by trust and algorithm."""
    findings = report.frozen.not_invoiced
    places = dict.fromkeys((each.trust, each.algorithm) for each in findings)
    return [
        (trust, algorithm, -sum(own), len(own))
        for trust, algorithm in places
        if (own := [each.amount for each in findings if (each.trust, each.algorithm) == (trust, algorithm)])
    ]


def _waterfall(report: Report) -> charts.Figure:
    language = current_language()
    frozen = report.frozen
    causes = [cause for cause in by_cause(report) if cause[1]]
    steps = [
        charts.Step(
            reconciliation_words.cause(code),
            amount,
            (code, formatting.quantity(count, language), _share(amount, frozen.difference, language)),
        )
        for code, amount, count in causes
    ]
    if not steps:
        title = _("Invoiced and expected are equal")
    elif frozen.difference > 0:
        title = _("Billed %(amount)s too much", amount=formatting.money(frozen.difference, language))
    elif frozen.difference < 0:
        title = _("Billed %(amount)s too little", amount=formatting.money(-frozen.difference, language))
    else:
        title = _("The differences cancel each other out")
    return charts.waterfall(
        "causes",
        title,
        charts.Step(_("Expected"), frozen.expected),
        steps,
        charts.Step(_("Invoiced"), frozen.invoiced),
        [
            charts.Column(_("Code")),
            charts.Column(_("Findings"), numeric=True),
            charts.Column(_("Share of the difference"), numeric=True),
        ],
        language,
        caption=_("From expected to invoiced, by cause"),
    )


def _share(amount: Any, whole: Any, language: str) -> str:
    return formatting.percent(amount / whole, language) if whole else formatting.not_applicable(language)


def previous_and_next(rows: Iterable[Any], key: str) -> tuple[Any, Any, int, int]:
    """Give the rows before and after one in a list, its place counted from 1 and how many there are; 0 where it is not there."""
    listed = list(rows)
    place = next((index for index, row in enumerate(listed) if row.key == key), None)
    if place is None:
        return None, listed[0] if listed else None, 0, len(listed)
    before = listed[place - 1] if place else None
    after = listed[place + 1] if place + 1 < len(listed) else None
    return before, after, place + 1, len(listed)
