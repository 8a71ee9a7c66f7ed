"""Scenarios: the list, the builder, a saved revision under its address for good, and up to four of them side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from flask import Blueprint, Flask, flash, redirect, request, url_for
from flask_babel import gettext as _

from billing.projection import projection
from billing.scenarios import scenarios
from billing.scenarios.scenarios import Revision
from billing.schemas.projections import load_scenario, refuse_other_trusts
from billing.usage import metering
from billing.web import charts, words
from billing.web.projection import charts as charts_projection
from billing.web.projection.band_record import worth_of
from billing.web.projection.charts import Band, FanMonth, Path
from billing.web.query import EVERYWHERE, Query, read_query, reads, refuse
from billing.web.scenarios.forms import FIELDS, Form, can_say, read_form, template_values, to_query
from billing.work import scenario_answers
from billing.work.scenario_runs import PROVISIONAL
from contracts import agreements, price_books
from contracts.errors import InvalidInput, NotFound
from contracts.extensions import db
from contracts.people.access import Actor
from contracts.prices import drafts as price_drafts
from contracts.terms import price_models
from contracts.terms.agreement import OptionHolder
from contracts.terms.period import Period, add_months, first_of_month, previous_day
from contracts.terms.price_book import covers
from contracts.terms.price_model import UsageCharge
from contracts.web import formatting, layout
from contracts.web.acts import acted, asked
from contracts.web.guard import current_actor, requires
from contracts.web.i18n import N_, current_language
from contracts.web.work import jobs as job_pages
from contracts.work import jobs

blueprint = Blueprint("scenarios", __name__)
layout.add_nav(blueprint, 40, N_("Forecasts"), "scenarios.index", visible=reads)

LEAST_COMPARED, MOST_COMPARED = 2, 4
# A comparison that must be simulated anew (other seeds or draws) does so with no more than this, within the request.
MOST_DRAWS_AGAIN: Final = 1000
TEMPLATES: Final = (
    ("drift", N_("Today's use goes on"), N_("What runs goes on as it does; nothing new.")),
    ("en", N_("We activate one algorithm"), N_("One trust, one algorithm, over 24 months.")),
    ("alle", N_("All nine trusts over 24 months"), N_("Each trust in turn with the algorithm that fewest have.")),
)
READINGS: Final[dict[str | bool, str]] = {
    "agreement": N_("Units counted together over the agreement"),
    "trust": N_("Units counted for each trust by itself"),
    **{name: model.READING.sentence for name, model in price_models.READINGS.items() if model.READING is not None},
    True: N_("Examinations in the ramp-up count towards the tiers"),
    False: N_("Examinations in the ramp-up do not count towards the tiers"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A scenario in the list."""

    revision: Revision
    total: Decimal | None
    peak: str | None
    exhausted: str | None


def register(app: Flask) -> None:
    """Give the app the pages of scenarios."""
    app.register_blueprint(blueprint)
    job_pages.present(
        scenarios.JOB,
        job_pages.Presentation(
            title=N_("Simulate a scenario"),
            phases={"draw": N_("Draw and rate"), "keep": N_("Keep the answer")},
            unit=N_("Draws"),
            finding=_told_finding,
            links=_job_links,
        ),
    )


@blueprint.get("/prognoser")
@requires("read")
def index() -> Any:
    """List the scenarios that the reader may know of."""
    query = read_query(past=False)
    listed = query.asked(scenarios.list_scenarios)
    rows = [
        Row(
            revision,
            _kroner(revision.answer, "total", "p50"),
            None if revision.answer is None else revision.answer["peak_month"],
            _exhausted(revision.answer),
        )
        for revision in listed
    ]
    return query.page("billing/scenarios/index.html", as_of=None, version=None, rows=rows, templates=TEMPLATES)


@blueprint.get("/prognoser/ny")
@requires("read")
def build() -> Any:
    """Show the builder with what the address says, and the expected course of it."""
    query = read_query(*FIELDS, past=False)
    values = dict(query.values)
    if values.get("mal"):
        values = _from_template(query, values.pop("mal")) | values
    form = read_form(values, trust=query.actor.scope("read"))
    return _builder(query, form, asked=bool(query.values))


@blueprint.post("/prognoser/beregn")
@requires("read")
def preview() -> Any:
    """Send the reader to the address that says what the form says, so that nothing but a saved scenario is kept."""
    query = _posted_query()
    values = {name: value for name, value in query.values.items() if value}
    if request.form.get("flere"):
        count = values.get("rader", "1")
        values["rader"] = str(int(count) + 1) if count.isdecimal() and len(count) < 3 else count
    return redirect(query.link("scenarios.build", **values), 303)


@blueprint.post("/prognoser")
@requires("read")
def save() -> Any:
    """Save what the builder says, with its answer; a long run goes to a worker."""
    query = _posted_query()
    form = read_form(query.values, trust=query.actor.scope("read"))
    now = datetime.now(UTC)
    revision = None
    try:
        if not form.errors:
            revision = _saved(query, form, now)
    except InvalidInput as refusal:
        db.session.rollback()
        form.add(refusal)
    if revision is None:
        return _builder(query, form, asked=True)
    db.session.commit()
    flash(_("Saved as %(label)s.", label=revision.label))
    return redirect(query.link("scenarios.show", label=revision.label), 303)


@blueprint.get("/prognoser/<label>")
@requires("read")
def show(label: str) -> Any:
    """Show a revision: what it was answered, what it assumes, and what came since."""
    query = read_query("kontroll", past=False)
    revision = _find(query, label)
    control = None
    if query.values.get("kontroll") and revision.answer is not None:
        control = scenario_answers.reproduced(db.session, revision, actor=query.actor)
    job = None
    provisional = None
    if revision.answer is None and (job_id := scenarios.job_of(db.session, revision)) is not None:
        job = asked(jobs.find, job_id=job_id)
        provisional = next((each for each in job.findings if each.get("code") == PROVISIONAL), None)
    names = _names(query)
    actual = scenarios.actual_by_month(
        db.session, agreement_id=query.agreement.id, period=revision.months, trust=revision.trust
    )
    newest = query.asked(scenarios.find, code=revision.code)
    answer = revision.answer
    return query.page(
        "billing/scenarios/show.html",
        as_of=None if answer is None else _day(answer["assumptions"]["data_until"]),
        version=None if answer is None else _day(answer["price_version"]),
        revision=revision,
        revisions=newest,
        names=names,
        answer=answer,
        figure=None if answer is None else _answer_figure(revision, answer, actual),
        provisional=provisional,
        provisional_figure=None if provisional is None else _provisional_figure(provisional),
        job=job,
        control=control,
        stale=scenarios.prices_changed(db.session, revision),
        outcome=_outcome(answer, actual),
        worth=worth_of(query),
        certainty=_certainty(revision),
        assumptions=assumptions(revision, names),
        planned=revision.document.get("activations") or [],
        unpriced=_unpriced(query, revision.document),
        copy_url=query.link("scenarios.build", **to_query(revision.document, revision.name))
        if can_say(revision.document)
        else None,
        revise_url=query.link("scenarios.build", scenario=revision.code, **to_query(revision.document, revision.name))
        if can_say(revision.document)
        else None,
        kroner=_kroner,
        band=_band,
        day=_day,
    )


@blueprint.get("/prognoser/sammenlign")
@requires("read")
def compare() -> Any:
    """Hold two to four revisions against each other on the same draws."""
    query = read_query("s", "a", "b", "c", "d", past=False)
    listed = query.asked(scenarios.list_scenarios)
    chosen = [part for part in query.values.get("s", "").split(",") if part]
    chosen = chosen or [query.values[name] for name in "abcd" if query.values.get(name)]
    errors: list[tuple[str | None, str]] = []
    if chosen and not LEAST_COMPARED <= len(set(chosen)) <= MOST_COMPARED:
        errors.append(("a", _("Choose two to four different scenarios.")))
    found = [] if errors else [_find(query, label) for label in dict.fromkeys(chosen)]
    if any(revision.answer is None for revision in found):
        errors.append(("a", _("One of these is still being simulated: wait until it has its answer.")))
        found = []
    answers, again = _on_the_same_draws(query, found)
    names = _names(query)
    page = query.page(
        "billing/scenarios/compare.html",
        as_of=None,
        version=None,
        errors=errors,
        listed=listed,
        chosen=chosen,
        revisions=found,
        answers=answers,
        again=again,
        differing=_differing(found, names),
        figure=_compared(found, answers) if found else None,
        kroner=_kroner,
        exhausted=_exhausted,
    )
    return (page, 422) if errors else page


def assumptions(revision: Revision, names: words.Names) -> list[tuple[str, str]]:
    """Write what a revision assumes, by name, in the reader's language."""
    document, language = revision.document, current_language()
    growth, index = document.get("growth") or {}, document.get("index") or {}
    base, noise = document.get("base") or {}, document.get("noise")
    rows = [
        (_("Months"), f"{formatting.month(document['from'], language)} – {_last_month(document['to'], language)}"),
        (_("Usage known before"), formatting.day(date.fromisoformat(document["as_of"]), language)),
        (_("Growth a year"), _with_spread(growth, language)),
        (_("Index a year"), _with_spread(index, language)),
        (
            _("Uncertainty of volumes"),
            _("estimated from history")
            if noise is None
            else _("as given: %(text)s", text=", ".join(f"{key} {value}" for key, value in noise.items()))
            if any(Decimal(str(value)) for value in noise.values())
            else _("none"),
        ),
        (
            _("End of the agreement"),
            _("with all agreed extensions") if document.get("end") == "all_extensions" else _("as it stands"),
        ),
        (_("Draws"), formatting.quantity(int(document.get("draws", 1)), language)),
        (_("Seed"), str(document.get("seed", 0))),
    ]
    if base.get("price_draft"):
        rows.append((_("Price book"), _("draft %(number)s", number=base["price_draft"])))
    rows += [
        (_("Another reading"), _(READINGS[base[key]]))
        for key in ("scope", "model", "ramp_units")
        if base.get(key) is not None
    ]
    for number, planned in enumerate(document.get("activations") or [], 1):
        rows.append((_("Activation %(number)s", number=number), planned_text(planned, names)))
    return rows


def planned_text(planned: Mapping[str, Any], names: words.Names) -> str:
    """Write a planned activation in one line."""
    language = current_language()
    between = planned.get("go_live_between")
    start = (
        _(
            "between %(first)s and %(last)s",
            first=formatting.month(between[0], language),
            last=formatting.month(between[1], language),
        )
        if between
        else _("from %(day)s", day=formatting.day(date.fromisoformat(planned["go_live"]), language))
    )
    return _(
        "%(product)s at %(trust)s %(start)s, %(count)s a month, fully in use after %(months)s months",
        product=names.product(planned["algorithm"]),
        trust=names.trust(planned["trust"]),
        start=start,
        count=formatting.quantity(planned["monthly_volume"], language),
        months=planned.get("adoption_months", 0),
    )


def _builder(query: Query, form: Form, *, asked: bool) -> Any:
    scope = query.actor.scope("read")
    names = _names(query)
    values = form.values
    values.setdefault("fra", f"{_first_unknown(query):%Y-%m}")
    values.setdefault("til", f"{add_months(_first_unknown(query), 24):%Y-%m}")
    form.document |= {"from": values["fra"], "to": values["til"]}
    result = None
    if not form.errors:
        try:
            result = _expected(query, form)
        except InvalidInput as refusal:
            form.add(refusal)
    course: projection.Course | None = None
    without: projection.Course | None = None
    figure: charts.Figure | None = None
    if result is not None:
        told = None if scope is None else result.within(scope)
        course, without = (result.course, result.without) if told is None else (told.course, told.without)
        months = [
            FanMonth(month.month.label(), Band(*[month.cost] * 5)) for month in course.months if not month.after_end
        ]
        figure = charts_projection.fan(
            "expected",
            _("Expected cost: %(total)s in all", total=formatting.money_large(course.total, current_language())),
            months,
            current_language(),
        )
    page = query.page(
        "billing/scenarios/build.html",
        as_of=_data_until(query),
        version=None,
        form=form,
        values=values,
        errors=form.errors,
        asked=asked,
        scope=scope,
        trusts=[
            (holder.party.code, holder.party.name) for holder in query.holders() if scope in (None, holder.party.code)
        ],
        products=[
            (each.code, names.full(each.code)) for each in agreements.marketplace(db.session, query.agreement.id)
        ],
        drafts=[
            (str(draft.id), _("Draft %(number)s", number=draft.id)) for draft in query.asked(price_drafts.list_drafts)
        ]
        if scope is None
        else [],
        course=course,
        ended=_ended(result),
        without=without,
        figure=figure,
        unpriced=_unpriced(query, form.document) if result is not None else [],
        readings=READINGS,
        tier_readings=tuple(price_models.READINGS),
        templates=TEMPLATES,
    )
    return (page, 422) if form.errors else page


def _ended(result: projection.Projection | None) -> date | None:
    """Give the agreement's last day, as the scenario assumes it, where the months go beyond it."""
    if result is None or not any(month.after_end for month in result.course.months):
        return None
    return previous_day(result.agreement.term.end)


def _expected(query: Query, form: Form) -> projection.Projection:
    """Rate the expected course of what the form says: no draws, so that it can be done while one types."""
    scenario = load_scenario(
        {
            **form.document,
            "draws": 1,
            "noise": {},
            "activations": [_first_start(each) for each in form.document["activations"]],
        },
        as_of=_as_of(query),
    )
    scope = query.actor.scope("read")
    refuse_other_trusts(scenario, scope)
    return query.asked(projection.project, scenario=scenario)


def _first_start(planned: Mapping[str, Any]) -> dict[str, Any]:
    """Start an activation whose start is open in its first month, for the course that is shown before the order is."""
    if "go_live_between" not in planned:
        return dict(planned)
    rest = {key: value for key, value in planned.items() if key != "go_live_between"}
    return rest | {"go_live": f"{planned['go_live_between'][0]}-01"}


def _saved(query: Query, form: Form, now: datetime) -> Revision:
    common: dict[str, Any] = {"agreement_id": query.agreement.id, "actor": query.actor, "today": query.today}
    # Simulated before anything is written, so that nobody waits for the write lock meanwhile.
    db.session.rollback()
    with db.read() as session:
        read = scenario_answers.read(session, **common, document=form.document, as_of=_as_of(query))
        answer = (
            None
            if read.long
            else scenario_answers.answered(session, **common, document=read.document, trust=read.trust, known_at=now)
        )
    revision = scenario_answers.save_answered(
        db.session,
        **common,
        name=form.values.get("navn", ""),
        asked=read,
        answer=answer,
        known_at=now,
        now=now,
        code=form.values.get("scenario"),
    )
    if answer is None:
        acted(
            jobs.submit, kind=scenarios.JOB, params={"revision": revision.id, "by": query.actor.id}, trust=None, now=now
        )
    return revision


def _posted_query() -> Query:
    """Read a posted form as a query; the form holds what the builder's address held."""
    query = read_query(past=False)
    values = {name: value.strip() for name, value in request.form.items() if name in FIELDS and name not in EVERYWHERE}
    return Query(query.actor, query.agreement, query.known_at, query.today, values)


def _from_template(query: Query, kind: str) -> dict[str, str]:
    if kind not in {each[0] for each in TEMPLATES}:
        refuse(_("There is no template “%(kind)s”.", kind=kind))
    scope = query.actor.scope("read")
    running: dict[str, set[str]] = {}
    for row in agreements.activations(db.session, query.agreement.id):
        if row.end is None:
            running.setdefault(row.trust, set()).add(row.algorithm)
    trusts = [
        holder.party.code
        for holder in agreements.option_holders(db.session, query.agreement.id)
        if scope in (None, holder.party.code)
    ]
    return template_values(
        kind,
        first=_first_unknown(query),
        end=max(
            [query.agreement.term.end, *(each.end for each in agreements.extensions(db.session, query.agreement.id))]
        ),
        trusts=trusts,
        running=running,
        products=[each.code for each in agreements.marketplace(db.session, query.agreement.id)],
    )


def _find(query: Query, label: str) -> Revision:
    """Find a revision by `SC-…@n`; without a number the newest one."""
    code, _at, number = label.partition("@")
    listed = query.asked(scenarios.find, code=code)
    if not _at:
        return listed[0]
    found = next((revision for revision in listed if str(revision.number) == number), None)
    if found is None:
        raise NotFound(f"there is no revision '{number}' of scenario '{code}'")
    return found


def _answer_figure(revision: Revision, answer: Mapping[str, Any], actual: Mapping[Period, Decimal]) -> charts.Figure:
    language = current_language()
    came = {month.label(): cost for month, cost in actual.items()}
    rows = [FanMonth(row["month"], actual=Decimal(row["cost"])) for row in answer.get("history", ())]
    rows += [
        FanMonth(row["month"], _band(row), came.get(row["month"])) for row in answer["months"] if not row["after_end"]
    ]
    total = answer["total"]
    median = formatting.money_large(Decimal(total["p50"]), language)
    return charts_projection.fan(
        "fan",
        _(
            "Most likely about %(total)s, dearest in %(month)s",
            total=median,
            month=_month(answer["peak_month"], language),
        ),
        rows,
        language,
        caption=_("Cost by month"),
        total=None
        if total["p10"] == total["p90"]
        else Band(*(Decimal(total[name]) for name in ("p10", "p10", "p50", "p90", "p90"))),
    )


def _certainty(revision: scenarios.Revision) -> str:
    """Say why an answer has no band."""
    if revision.trust is not None:
        return _("The expected course, without a band: how uncertain it is, is simulated for all trusts together.")
    return _("Nothing in this scenario is uncertain: every simulation gives the same amount.")


def _provisional_figure(provisional: Mapping[str, Any]) -> charts.Figure:
    language = current_language()
    return charts_projection.fan(
        "provisional",
        _(
            "Provisional (%(draws)s of %(of)s)",
            draws=formatting.quantity(provisional["draws"], language),
            of=formatting.quantity(provisional["of"], language),
        ),
        [FanMonth(row["month"], _band(row)) for row in provisional["months"]],
        language,
        caption=_("Cost by month, from the first draws"),
    )


def _compared(revisions: Sequence[Revision], answers: Sequence[Mapping[str, Any]]) -> charts.Figure:
    language = current_language()
    months = sorted({row["month"] for answer in answers for row in answer["months"] if not row["after_end"]})
    paths = []
    for revision, answer in zip(revisions, answers, strict=True):
        amounts = {row["month"]: Decimal(row["p50"]) for row in answer["months"] if not row["after_end"]}
        paths.append(Path(revision.name, [amounts.get(month) for month in months]))
    return charts_projection.courses(
        "courses",
        _("The middle course of each scenario, by month"),
        months,
        paths,
        language,
        caption=_("Middle (P50) by month"),
    )


def _on_the_same_draws(query: Query, found: Sequence[Revision]) -> tuple[list[dict[str, Any]], bool]:
    """Give the answers on the same draws: as kept where seed and draws are alike, else simulated again with the first one's."""
    if not found:
        return [], False
    draws = {(revision.document.get("seed", 0), revision.document.get("draws", 1)) for revision in found}
    if len(draws) == 1:
        return [revision.answer or {} for revision in found], False
    seed = found[0].document.get("seed", 0)
    count = min(MOST_DRAWS_AGAIN, max(int(revision.document.get("draws", 1)) for revision in found))
    return [
        asked(
            scenario_answers.answered,
            agreement_id=revision.agreement_id,
            document={**revision.document, "seed": seed, "draws": count},
            trust=revision.trust,
            today=revision.today,
            known_at=revision.known_at,
        )
        for revision in found
    ], True


def _differing(found: Sequence[Revision], names: words.Names) -> list[tuple[str, list[str]]]:
    """List the assumptions in which the revisions differ, and only those."""
    each = [dict(assumptions(revision, names)) for revision in found]
    keys = list(dict.fromkeys(key for facts in each for key in facts))
    rows = [(key, [facts.get(key, "–") for facts in each]) for key in keys]
    return [row for row in rows if len(set(row[1])) > 1]


def _outcome(
    answer: Mapping[str, Any] | None, actual: Mapping[Period, Decimal]
) -> list[tuple[str, Decimal, Decimal, Decimal, Decimal]]:
    """Give plan and actual of the months that have come: month, P10, P50, P90, actual."""
    planned = {} if answer is None else {row["month"]: row for row in answer["months"]}
    return [
        (
            month.label(),
            *(Decimal(planned[month.label()][name]) for name in ("p10", "p50", "p90")),
            cost,
        )  # type: ignore[misc]
        for month, cost in actual.items()
        if month.label() in planned
    ]


def _unpriced(query: Query, document: Mapping[str, Any]) -> list[str]:
    """Name the algorithms that no usage charge prices when they would start: their cost is not in the sums."""
    if (document.get("base") or {}).get("price_draft"):
        return []
    book = price_books.price_book(db.session, query.agreement.id)
    missing = []
    for planned in document.get("activations") or []:
        start = planned.get("go_live") or f"{planned['go_live_between'][0]}-01"
        version = book.version_on(date.fromisoformat(start))
        charges = () if version is None else version.charges
        if not any(isinstance(charge, UsageCharge) and covers(charge, planned["algorithm"]) for charge in charges):
            missing.append(planned["algorithm"])
    return list(dict.fromkeys(missing))


def _told_finding(finding: Mapping[str, Any]) -> str:
    language = current_language()
    if finding.get("code") != PROVISIONAL:
        return str(finding.get("code", ""))
    return _(
        "Provisional (%(draws)s of %(of)s): between %(low)s and %(high)s in 8 of 10.",
        draws=formatting.quantity(finding["draws"], language),
        of=formatting.quantity(finding["of"], language),
        low=formatting.money(Decimal(finding["total"]["p10"]), language),
        high=formatting.money(Decimal(finding["total"]["p90"]), language),
    )


def _job_links(job: Any) -> list[tuple[str, str]]:
    actor: Actor = current_actor()
    try:
        revision = scenarios.find_by_id(db.session, revision_id=job.params["revision"], actor=actor)
    except (NotFound, KeyError):
        return []
    code = agreements.agreement_summary(db.session, revision.agreement_id).code
    return [(revision.name, url_for("scenarios.show", label=revision.label, agreement=code))]


def _names(query: Query) -> words.Names:
    holders: Sequence[OptionHolder] = agreements.option_holders(db.session, query.agreement.id)
    return words.Names.of(holders, agreements.marketplace(db.session, query.agreement.id))


def _data_until(query: Query) -> date | None:
    return metering.last_day(db.session, query.agreement.id)


def _as_of(query: Query) -> date:
    newest = _data_until(query)
    return query.today if newest is None else newest + timedelta(days=1)


def _first_unknown(query: Query) -> date:
    """Give the first day of the first month that is not known whole."""
    return first_of_month(_as_of(query))


def _kroner(answer: Mapping[str, Any] | None, *path: str) -> Decimal | None:
    found: Any = answer
    for name in path:
        found = None if found is None else found.get(name)
    return None if found is None else Decimal(found)


def _exhausted(answer: Mapping[str, Any] | None) -> str | None:
    """Give the middle day on which the ceiling is used up, in the reader's words."""
    exhausted = ((answer or {}).get("ceiling") or {}).get("exhausted")
    if exhausted is None:
        return None
    if exhausted["p50"] is None:
        return _("not within the months")
    return formatting.day(date.fromisoformat(exhausted["p50"]), current_language())


def _band(row: Mapping[str, Any]) -> Band:
    return Band(*(Decimal(row[name]) for name in ("p10", "p25", "p50", "p75", "p90")))


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _month(label: str | None, language: str) -> str:
    return "" if label is None else formatting.month(label, language)


def _last_month(until: str, language: str) -> str:
    return formatting.month(f"{add_months(Period.parse(until).start, -1):%Y-%m}", language)


def _with_spread(assumption: Mapping[str, Any], language: str) -> str:
    annual = formatting.percent(Decimal(str(assumption.get("annual", "0"))), language)
    spread = Decimal(str(assumption.get("spread", "0")))
    if not spread:
        return annual
    return _("%(annual)s, spread %(spread)s", annual=annual, spread=formatting.percent(spread, language))
