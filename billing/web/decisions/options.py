"""Options and activations: the board, a case with what it needs and what may be done, its documents, letters and steps.

A case is decided on under approval; here it is drafted, its dossier is filled, and each other step is taken on a page that
says what follows from it before anything is done.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, Flask, flash, redirect, request
from flask_babel import gettext as _

from billing.decisions import activation_costs
from billing.decisions import papers as decision_papers
from billing.figures import plans
from billing.web import words
from billing.web.decisions import case_words
from billing.web.files import file_answer
from billing.web.query import Query, read_query, reads
from contracts import agreements, ceiling, documents
from contracts.cases import Case, CaseId, find_case, list_cases
from contracts.errors import Conflict, Denied, InvalidInput, NotFound, Refused
from contracts.extensions import db
from contracts.options import approvals, dossier
from contracts.options import board as option_board
from contracts.options import letters as correspondence
from contracts.options import steps as options
from contracts.options.steps import Choice, Request
from contracts.people import access
from contracts.terms import workflow
from contracts.terms.cost_figures import CostFigures, ToldFigures
from contracts.terms.period import previous_day
from contracts.terms.table import Table, columns
from contracts.terms.written import read_day
from contracts.web import formatting, layout
from contracts.web.acts import done, instant
from contracts.web.exports import table_answer
from contracts.web.guard import requires
from contracts.web.i18n import N_
from contracts.web.options.act_words import ACTS as ACT_NAMES

blueprint = Blueprint("option_pages", __name__)
layout.add_nav(blueprint, 23, N_("Options"), "option_pages.index", visible=reads)

# Decided on under approval, where an approver finds what there is to know.
DECISIONS = frozenset(rule.event for rule in workflow.RULES if rule.decision)
ROLES = {
    "trust_requester": N_("the trust's requester"),
    "contract_manager": N_("the contract manager"),
    "approver": N_("an approver"),
    workflow.CALENDAR: N_("the calendar, by itself"),
}
# By kind and event: what follows from a step, said before it is taken.
CONSEQUENCES: dict[tuple[str, str], str] = {
    ("option", "review"): N_("The trust begins to look into joining. Nothing is bound."),
    ("option", "submit"): N_(
        "The documents are frozen as they are, and an approver who had no hand in the case decides on them."
    ),
    ("option", "exercise"): N_(
        "The trust joins the framework agreement for good, and the notice to the vendor is made and kept. This cannot be undone. No algorithm is ordered by it."
    ),
    ("option", "withdraw"): N_(
        "The case is closed for good: the trust cannot take up this option later. This cannot be undone."
    ),
    ("option", "end"): N_(
        "The trust leaves the agreement, and no further algorithm can be activated there. This cannot be undone."
    ),
    ("activation", "submit"): N_(
        "The plan, the cost figures and the documents are frozen, the decision paper is made, and the cost at P90 is reserved against the ceiling until an approver has decided."
    ),
    ("activation", "order"): N_(
        "The order to the vendor is made and kept. It binds the trust; nothing is billed before the algorithm is live."
    ),
    ("activation", "start_validation"): N_(
        "The algorithm runs without clinical use. Examinations in the validation are never billed."
    ),
    ("activation", "go_live"): N_(
        "From this day on examinations are billed, and the discounts of the ramp-up are counted from it. This cannot be undone."
    ),
    ("activation", "suspend"): N_(
        "Use is paused. No amount changes by it: fixed charges stay due, the ramp-up runs on, and examinations done meanwhile are billed."
    ),
    ("activation", "resume"): N_("The algorithm is in use again. No amount changes by it."),
    ("activation", "withdraw"): N_(
        "The case is closed for good and what it reserved or committed is given back. This cannot be undone."
    ),
    ("activation", "end"): N_(
        "Examinations from this day on are no longer billed; the day itself is the first without it. This cannot be undone."
    ),
}
# By kind and event: what the button says, and what follows.
ACTS = {
    (rule.kind, rule.event): (ACT_NAMES[f"{rule.kind}.{rule.event}"], CONSEQUENCES.get((rule.kind, rule.event), ""))
    for rule in workflow.RULES
}
# The steps whose day is asked for: other steps are true from today on.
DATED = frozenset({"exercise", "order", "start_validation", "go_live", "suspend", "resume", "end"})
FACTS = {
    "cost_centre": N_("Cost centre"),
    "year": N_("Year of the funding"),
    "sub_processors": N_("Sub-processors"),
    "place": N_("Place of processing"),
}
LETTERS = {
    correspondence.NOTICE: N_("Notice to the vendor: the option is exercised"),
    correspondence.ORDER: N_("Order to the vendor"),
    correspondence.CONFIRMATION: N_("The vendor's confirmation"),
}
KINDS: dict[workflow.Kind, str] = {"option": N_("Options"), "activation": N_("Activations")}


def register(app: Flask) -> None:
    """Give the app the pages of options and activations, and let the steps file their letters."""
    correspondence.register(formatting)
    app.register_blueprint(blueprint)


@blueprint.get("/opsjoner")
@requires("read")
def index() -> Any:
    """Show each trust's option with its deadline, its activations and what comes next."""
    query = read_query("vis", "tilstand", past=False)
    cases = _cases(query)
    state = query.values.get("tilstand", "")
    shown = [one for one in cases if one.kind == "activation" and state in ("", one.standing(query.today))]
    return query.page(
        "billing/decisions/options/board.html",
        as_of=None,
        version=None,
        rows=option_board.board(cases, query.today),
        activations=[(one, option_board.next_step(one)) for one in shown],
        states=case_words.STATES["activation"],
        state=state,
        names=_names(query),
        told=case_words,
        acts=ACTS,
        roles=_roles,
        may_draft=query.actor.may("activation.draft"),
    )


@blueprint.get("/opsjoner.<table:suffix>")
@requires("read")
def export(suffix: str) -> Any:
    """Give the board's options and activations as a file."""
    query = read_query(past=False)
    names = _names(query)
    named = columns("text", "id", "kind", "trust", "trust_name", "algorithm", "product", "state")
    named |= columns("day", "deadline", "go_live") | columns("text", "next_step")
    rows = [
        (
            str(one.id),
            one.kind,
            one.trust,
            one.trust_name,
            one.algorithm or "",
            names.product(one.algorithm) if one.algorithm else "",
            one.standing(query.today),
            one.deadline or "",
            one.activation.go_live_on if one.activation is not None and not one.activation.void else "",
            onward.event if (onward := option_board.next_step(one)) else "",
        )
        for one in _cases(query)
    ]
    return table_answer(suffix, "opsjoner", Table(named, rows))


@blueprint.get("/opsjoner/ny")
@requires("activation.draft")
def new() -> Any:
    """Ask for an algorithm at a trust."""
    query = read_query("hf", "alg", past=False)
    values = {"hf": query.values.get("hf", ""), "alg": query.values.get("alg", "")}
    return _draft_page(query, None, values)


@blueprint.post("/opsjoner/ny")
@requires("activation.draft")
def create() -> Any:
    """Show what the plan would cost, or draft it."""
    query = read_query("hf", "alg", past=False)
    values = {name: request.form.get(name, "").strip() for name in ("hf", "alg", "dag", "antall", "bruk")}
    plan, errors = _plan_of(values)
    if not values["hf"]:
        errors.insert(0, ("hf", _("Choose a trust.")))
    if not values["alg"]:
        errors.insert(0, ("alg", _("Choose an algorithm.")))
    if errors or plan is None:
        return _draft_page(query, None, values, errors), 422
    try:
        if request.form.get("svar") == "anslag":
            query.actor.require("activation.draft", values["hf"])
            return _draft_page(query, None, values, figures=_estimate(query, values, plan))
        case = query.done(options.draft_activation, trust=values["hf"], algorithm=values["alg"], **plan)
    except (InvalidInput, Refused) as error:
        return _draft_page(query, None, values, _mistakes(error)), 422
    flash(_("The activation is drafted. Fill its dossier next."))
    return redirect(query.link("option_pages.show", case=str(case.id)), 303)


@blueprint.get("/opsjoner/<case>")
@requires("read")
def show(case: str) -> Any:
    """Show a case: what it is, what is missing, what may be done and who may."""
    query = read_query(past=False)
    return _case_page(query, _case(query, case))


@blueprint.get("/opsjoner/<case>/plan")
@requires("activation.draft")
def plan(case: str) -> Any:
    """Show the form that changes the plan."""
    query = read_query(past=False)
    found = _case(query, case)
    standing = found.plan
    values = {"hf": found.trust, "alg": found.algorithm or ""}
    if standing is not None:
        values |= {
            "dag": standing.starts_on.isoformat(),
            "antall": str(standing.monthly_quantity),
            "bruk": standing.intended_use,
        }
    return _draft_page(query, found, values)


@blueprint.post("/opsjoner/<case>/plan")
@requires("activation.draft")
def change_plan(case: str) -> Any:
    """Change the plan, or show what it would cost."""
    query = read_query(past=False)
    found = _case(query, case)
    values = {name: request.form.get(name, "").strip() for name in ("dag", "antall", "bruk")}
    values |= {"hf": found.trust, "alg": found.algorithm or ""}
    read, errors = _plan_of(values)
    if errors or read is None:
        return _draft_page(query, found, values, errors), 422
    try:
        if request.form.get("svar") == "anslag":
            return _draft_page(query, found, values, figures=_estimate(query, values, read))
        done(options.plan_again, case=found, **read)
    except (InvalidInput, Conflict) as error:
        return _draft_page(query, found, values, _mistakes(error)), 422
    flash(_("The plan is changed. What was approved of the former plan no longer counts."))
    return redirect(query.link("option_pages.show", case=str(found.id)), 303)


@blueprint.get("/opsjoner/<case>/dokument/<item>")
@requires("read")
def item(case: str, item: str) -> Any:
    """Show a dossier item: its document, what it says beside it, and what may be done with it."""
    query = read_query(past=False)
    return _item_page(query, _case(query, case), item)


@blueprint.post("/opsjoner/<case>/dokument/<item>")
@requires("activation.draft")
def file_item(case: str, item: str) -> Any:
    """File a version, reuse another trust's document, accept or refuse what is filed."""
    query = read_query(past=False)
    found = _case(query, case)
    act = request.form.get("handling", "")
    common: dict[str, Any] = {
        "session": db.session,
        "item": item,
        "comment": request.form.get("kommentar", ""),
        "actor": query.actor,
        "now": datetime.now(UTC),
    }
    try:
        agreements.lock_agreement(db.session, found.agreement_id)
        found = _case(query, case)
        if act == "last-opp":
            sent = request.files.get("fil")
            facts = _facts(item)
            content = b"" if sent is None else sent.read(documents.LARGEST + 1)
            name = "" if sent is None else (sent.filename or "")
            dossier.offer(case=found, filename=name, content=content, facts=facts, **common)
            done = _("The document is filed. It counts once it is accepted.")
        elif act == "gjenbruk":
            chosen = request.form.get("grunnlag", "")
            basis = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 15 else 0
            dossier.reuse(case=found, basis_id=basis, facts=_facts(item), **common)
            done = _("The document is taken as the basis. It counts once it is accepted here.")
        elif act in ("godta", "avvis"):
            seen = request.form.get("sett", "")
            dossier.judge(
                case=found,
                seen=int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 15 else 0,
                status="accepted" if act == "godta" else "refused",
                **common,
            )
            done = _("The document is accepted.") if act == "godta" else _("The document is refused with your comment.")
        else:
            raise NotFound(_("There is no such act."))
    except (InvalidInput, Conflict) as error:
        db.session.rollback()
        return _item_page(query, _case(query, case), item, _mistakes(error)), 422
    db.session.commit()
    flash(done)
    return redirect(query.link("option_pages.show", case=str(found.id)), 303)


@blueprint.get("/opsjoner/<case>/steg/<event>")
@requires("read")
def step(case: str, event: str) -> Any:
    """Show what follows from a step before it is taken."""
    query = read_query(past=False)
    return _step_page(query, _case(query, case), event)


@blueprint.post("/opsjoner/<case>/steg/<event>")
@requires("read")
def take(case: str, event: str) -> Any:
    """Take a step, or show every guard that refuses it."""
    query = read_query(past=False)
    found = _case(query, case)
    _own_step(found, event)
    try:
        on = _day(request.form.get("dag", "")) if event in DATED else None
    except ValueError:
        return _step_page(query, found, event, [("dag", _("Enter the day as a date."))]), 422
    try:
        done = query.done(
            options.act,
            case_id=found.id,
            event=event,
            request=Request(on=on, comment=request.form.get("kommentar", "")),
            seen=_as_seen,
            at=instant(),
        )
    except Refused as error:
        told: list[Any] = [(None, case_words.refusal_text(one)) for one in error.refusals]
        return _step_page(query, _case(query, case), event, told, on), 409
    except (Conflict, InvalidInput) as error:
        return _step_page(query, _case(query, case), event, _mistakes(error), on), 409
    flash(_("%(step)s: done.", step=_(case_words.EVENTS[event])))
    return redirect(query.link("option_pages.show", case=str(done.id)), 303)


@blueprint.get("/opsjoner/<case>/brev/<int:document>/<int:number>")
@requires("read")
def letter(case: str, document: int, number: int) -> Any:
    """Give a letter or a confirmation as it was filed."""
    query = read_query(past=False)
    found = _case(query, case)
    if document not in {one.document.id for one in correspondence.correspondence(db.session, found, query.actor)}:
        raise NotFound(_("There is no such document."))
    version, content = documents.version_bytes(db.session, document, number, actor=query.actor)
    return file_answer(content, version.media_type, version.filename)


@blueprint.post("/opsjoner/<case>/bekreftelse")
@requires("read")
def confirm(case: str) -> Any:
    """Record the vendor's confirmation with its document."""
    query = read_query(past=False)
    found = _case(query, case)
    sent = request.files.get("bekreftelse")
    try:
        received = _day(request.form.get("mottatt", ""))
        if received is None:
            raise ValueError
        done(
            correspondence.confirm,
            case=found,
            received_on=received,
            filename="" if sent is None else (sent.filename or ""),
            content=b"" if sent is None else sent.read(documents.LARGEST + 1),
            today=query.today,
        )
    except ValueError as error:
        told = _mistakes(error) if isinstance(error, InvalidInput) else [("mottatt", _("Enter the day as a date."))]
        return _case_page(query, found, told), 422
    except (InvalidInput, Conflict) as error:
        return _case_page(query, found, _mistakes(error)), 422
    flash(_("The vendor's confirmation is recorded."))
    return redirect(query.link("option_pages.show", case=str(found.id)), 303)


@blueprint.get("/hjelp/arbeidsflyt")
@requires("read")
def help_page() -> Any:
    """Show the states, the steps between them, who takes each, and what each is held against."""
    query = read_query(past=False)
    return query.page(
        "billing/decisions/options/workflow.html",
        as_of=None,
        version=None,
        machines=[(kind, _course(kind), [rule for rule in workflow.RULES if rule.kind == kind]) for kind in KINDS],
        kinds=KINDS,
        told=case_words,
        acts=ACTS,
        guards=case_words_of_guards(),
        roles=_roles,
    )


def case_words_of_guards() -> dict[str, str]:
    """Say in a word or two what each guard asks."""
    return {
        "option_exercised": _("the option is exercised"),
        "named_holder": _("named option holder"),
        "window": _("deadline and term"),
        "deadline_passed": _("the deadline is over"),
        "ceiling": _("room under the ceiling"),
        "planned_cost": _("planned cost (warns)"),
        "prices": _("a price for every day"),
        "algorithm": _("CE class and certificate"),
        "dossier": _("the dossier is complete"),
        "budget": _("funding for every year"),
        "segregation": _("no hand in the case"),
        "stale_approval": _("nothing changed since it was sent"),
        "not_earlier": _("not before the approved day"),
        "course": _("not before the step before it"),
        "open_quarter": _("no closed quarter"),
        "no_double": _("no second one beside it"),
    }


def _course(kind: workflow.Kind) -> list[tuple[str, str]]:
    """Give a machine's main course from the table: the state, and the step that led to it (empty for the first)."""
    state = workflow.STATES[kind][0]
    course = [(state, "")]
    while True:
        rule = next(
            (
                one
                for one in workflow.events_from(kind, state)
                if one.event in option_board.ONWARD and one.target != state
            ),
            None,
        )
        if rule is None or rule.target in {each for each, _step in course}:
            return course
        state = rule.target
        course.append((state, rule.event))


def _case_page(query: Query, case: Case, errors: list[Any] | None = None) -> str:
    items = dossier.items(db.session, case)
    choices = options.choices(db.session, case, query.actor, at=instant())
    people = {case.recorded_by, *case.requesters, *(one.by for one in case.steps)}
    people |= {one for given in case.approvals for one in (given.by, given.principal)}
    names = _names(query)
    letters = correspondence.correspondence(db.session, case, query.actor)
    sends = "option.exercise" if case.kind == "option" else "activation.order"
    return query.page(
        "billing/decisions/options/case.html",
        as_of=None,
        version=None,
        case=case,
        names=names,
        title_text=case_words.case_title(case, names),
        figures=_told(query, None if case.submission is None else case.submission.figures),
        needed=approvals.needed(db.session, None if case.submission is None else case.submission.figures),
        items=items,
        tasks=[_task(query, case, one) for one in items],
        steps=[_told_step(query, case, one) for one in choices],
        may_plan=case.kind == "activation"
        and case.state in options.PLANNING
        and query.actor.may("activation.draft", case.trust),
        letters=letters,
        letter_words=LETTERS,
        may_confirm=query.actor.may(sends, case.trust) and case.state in correspondence.SENT[case.kind] and letters,
        paper=decision_papers.filed(db.session, case, query.actor),
        overrides=ceiling.overrides(db.session, case) if query.actor.scope("read") is None else (),
        next=option_board.next_step(case),
        roles=_roles,
        people=access.names_of(db.session, people),
        told=case_words,
        acts=ACTS,
        last_day=previous_day,
        errors=errors or [],
    )


def _task(query: Query, case: Case, one: dossier.DossierItem) -> dict[str, Any]:
    due = _(ACTS[case.kind, one.due_by][0]).lower()
    status, tone = case_words.item_status(case, one)
    hint = _("Needed before: %(step)s.", step=due)
    if one.filename:
        hint += " " + _("%(file)s, version %(number)s.", file=one.filename, number=one.version)
    return {
        "title": _(case_words.ITEMS[one.code]),
        "url": query.link("option_pages.item", case=str(case.id), item=one.code),
        "hint": hint,
        "status": status,
        "tone": tone,
    }


def _told_step(query: Query, case: Case, one: Choice) -> dict[str, Any]:
    decided = one.event in DECISIONS
    url = (
        query.link("approval_pages.show", case=str(case.id))
        if decided
        else query.link("option_pages.step", case=str(case.id), event=one.event)
    )
    rule = workflow.rule_of(case.kind, one.event)
    assert rule is not None
    return {
        "event": one.event,
        "label": _(ACTS[case.kind, one.event][0]),
        "url": url,
        "decided": decided,
        "permitted": one.permitted,
        "allowed": one.allowed,
        "onward": one.event in option_board.ONWARD,
        "refusals": one.refusals,
        "warnings": one.warnings,
        "roles": _roles(rule.roles),
        "by_itself": rule.roles == {workflow.CALENDAR},
    }


def _step_page(query: Query, case: Case, event: str, errors: list[Any] | None = None, on: date | None = None) -> str:
    rule = _own_step(case, event)
    figures = None if case.submission is None else case.submission.figures
    if event == "submit":
        figures = options.estimated(db.session, case, query.today)
    day = on or options.usual_day(case, event, query.today)
    choice = options.choice(db.session, case, event, query.actor, at=instant(), on=day, figures=figures)
    if not choice.permitted:
        raise Denied(f"your roles do not allow this: {case.kind}.{event}")
    names = _names(query)
    running = case.activation is not None and not case.activation.void
    return query.page(
        "billing/decisions/options/step.html",
        as_of=None,
        version=None,
        case=case,
        rule=rule,
        names=names,
        title_text=_(ACTS[case.kind, event][0]),
        case_title=case_words.case_title(case, names),
        consequence=_(ACTS[case.kind, event][1]),
        figures=_told(query, figures),
        plan_id=_plan_id(case, figures, event),
        refusals=choice.refusals,
        warnings=choice.warnings,
        dated=event in DATED,
        covers=_covers(query, case, figures, event),
        share=_share(query, case, figures, rule),
        guards=[(name, words) for name, words in case_words_of_guards().items() if name in rule.guards],
        day=request.form.get("dag", day.isoformat()),
        running=case.activation if running else None,
        told=case_words,
        last_day=previous_day,
        errors=errors or [],
    )


def _told(query: Query, figures: CostFigures | None) -> ToldFigures | None:
    return None if figures is None else figures.told(query.actor.scope("read"))


def _share(query: Query, case: Case, figures: CostFigures | None, rule: workflow.Rule) -> ceiling.Share | None:
    """Give what a plan takes under the ceiling, to readers of all trusts, where the step asks for it."""
    if "ceiling" not in rule.guards or figures is None or query.actor.scope("read") is not None:
        return None
    return ceiling.share_of(db.session, case, figures.p90)


def _covers(query: Query, case: Case, figures: CostFigures | None, event: str) -> tuple[workflow.Cover, ...]:
    """Give the cover of a plan where the step asks for it."""
    rule = workflow.rule_of(case.kind, event)
    if rule is None or "budget" not in rule.guards or figures is None:
        return ()
    return options.covers(db.session, case, figures, query.today)


def _item_page(query: Query, case: Case, code: str, errors: list[Any] | None = None) -> str:
    found = next((one for one in dossier.items(db.session, case) if one.code == code), None)
    if found is None:
        raise NotFound(_("There is no such document."))
    may = query.actor.may("activation.draft", case.trust) and case.state not in dossier.CLOSED
    filed = None if found.document_id is None or found.basis_id is not None else _versions(query, found.document_id)
    people = {found.by, *(one.recorded_by for one in (filed.versions if filed else ()))} - {None}
    return query.page(
        "billing/decisions/options/item.html",
        as_of=None,
        version=None,
        case=case,
        item=found,
        title_text=_(case_words.ITEMS[code]),
        case_title=case_words.case_title(case, _names(query)),
        facts=[(name, _(FACTS[name]), found.facts.get(name, "")) for name in workflow.ITEM_FACTS.get(code, ())],
        may=may,
        own=query.actor.id in dossier.filers(db.session, case, found),
        reusable=dossier.reusable(db.session, case, code)[:20] if may else [],
        names=_names(query),
        filed=filed,
        people=access.names_of(db.session, {one for one in people if one}),
        told=case_words,
        accept=",".join(f".{ending}" for ending in documents.MEDIA_TYPES),
        errors=errors or [],
    )


def _draft_page(
    query: Query,
    case: Case | None,
    values: dict[str, str],
    errors: list[Any] | None = None,
    figures: CostFigures | None = None,
) -> str:
    scope = query.actor.scope("activation.draft")
    names = _names(query)
    algorithms = agreements.marketplace(db.session, query.agreement.id)
    return query.page(
        "billing/decisions/options/draft.html",
        as_of=None,
        version=None,
        case=case,
        case_title=None if case is None else case_words.case_title(case, names),
        values=values,
        trusts=[(one.party.code, one.party.name) for one in query.holders() if scope in (None, one.party.code)],
        algorithms=[(one.code, names.full(one.code)) for one in algorithms],
        figures=_told(query, figures),
        plan_id="" if figures is None else _key(values, figures),
        last_day=previous_day,
        errors=errors or [],
    )


def _key(values: dict[str, str], figures: CostFigures) -> str:
    quantity = int("".join(values["antall"].split()))
    return plans.plan_key(values["hf"], values["alg"], figures.first, quantity, figures.as_of or figures.first)


def _plan_id(case: Case, figures: CostFigures | None, event: str) -> str:
    """Give the key of the plan that a step page shows: of the estimate when it is sent, else of what is frozen."""
    if event != "submit" or case.plan is None or figures is None:
        return plans.case_key(str(case.id))
    quantity, as_of = case.plan.monthly_quantity, figures.as_of or figures.first
    return plans.plan_key(case.trust, case.algorithm or "", figures.first, quantity, as_of)


def _estimate(query: Query, values: dict[str, str], plan: dict[str, Any]) -> CostFigures:
    return activation_costs.estimate(
        db.session,
        query.agreement.id,
        values["hf"],
        values["alg"],
        plan["starts_on"],
        None,
        plan["monthly_quantity"],
        query.today,
    )


def _plan_of(values: dict[str, str]) -> tuple[dict[str, Any] | None, list[Any]]:
    errors: list[Any] = []
    starts_on, quantity = None, values["antall"].replace(" ", "").replace("\u00a0", "")
    try:
        starts_on = _day(values["dag"])
    except ValueError:
        starts_on = None
    if starts_on is None:
        errors.append(("dag", _("Enter the day as a date.")))
    if not (quantity.isascii() and quantity.isdigit() and int(quantity[:12]) <= options.LARGEST_QUANTITY):
        errors.append(("antall", _("Enter a whole number of examinations.")))
    if len(values["bruk"]) > options.LONGEST_TEXT:
        errors.append(("bruk", _("This has at most 2000 characters.")))
    if errors:
        return None, errors
    return {"starts_on": starts_on, "monthly_quantity": int(quantity), "intended_use": values["bruk"]}, []


_FIELDS = {"on": "dag", "starts_on": "dag", "comment": "kommentar", "file": "fil", "received_on": "mottatt"}
_SENTENCES: dict[str, str] = {
    "empty": N_("Choose a file that is not empty."),
    "too_large": N_("The file is larger than 25 MB."),
    "unknown_kind": N_("Files of this kind are not kept. PDF, Word, Excel, OpenDocument, pictures and text are."),
    "missing": N_("Say in a sentence why."),
    "in_future": N_("This day is still to come."),
    "before_letter": N_("The vendor cannot have answered before the letter was sent."),
    "unknown_algorithm": N_("This algorithm is not on the agreement's list."),
    "active_already": N_("This algorithm runs at the trust in that month already."),
    "too_long": N_("This has at most 2000 characters."),
    "stale": N_("This case was changed after you opened it. Read it again before you go on."),
    "stale_item": N_("This document was changed after you opened it. Read it again before you decide on it."),
    "nothing_offered": N_("There is no document to decide on."),
    "wrong_state": N_("The case is past this: nothing is changed in it now."),
    "nothing_sent": N_("Nothing was sent that the vendor could confirm."),
}


def _mistakes(error: Exception) -> list[Any]:
    if isinstance(error, Refused):
        return [(None, case_words.refusal_text(one)) for one in error.refusals]
    if isinstance(error, InvalidInput):
        return [
            (
                _FIELDS.get(each.pointer.rsplit("/", 1)[-1]),
                _(_SENTENCES[each.code]) if each.code in _SENTENCES else each.detail,
            )
            for each in error.errors
        ]
    code = error.code if isinstance(error, Conflict) else ""
    return [(None, _(_SENTENCES[code]) if code in _SENTENCES else str(error))]


def _own_step(case: Case, event: str) -> workflow.Rule:
    rule = workflow.rule_of(case.kind, event)
    if rule is None or rule.decision or workflow.CALENDAR in rule.roles:
        raise NotFound(_("There is no such step here."))
    return rule


def _facts(item: str) -> dict[str, Any]:
    names = workflow.ITEM_FACTS.get(item, ())
    return {name: text for name in names if (text := request.form.get(name, "").strip())}


def _versions(query: Query, document_id: int) -> Any:
    return documents.find_document(db.session, document_id, actor=query.actor)


def _roles(roles: Any) -> str:
    return f" {_('or')} ".join(_(ROLES[one]) for one in sorted(roles))


def _names(query: Query) -> words.Names:
    return words.Names.of(
        agreements.option_holders(db.session, query.agreement.id),
        agreements.marketplace(db.session, query.agreement.id),
    )


def _cases(query: Query) -> list[Case]:
    return query.asked(list_cases)


def _case(query: Query, name: str) -> Case:
    return query.asked(find_case, case_id=CaseId.parse(name))


def _as_seen(case: Case) -> None:
    if case.version != request.form.get("sett", ""):
        raise Conflict("stale", "the case was changed in the meantime")


def _day(text: str) -> date | None:
    return read_day(text.strip()) if text.strip() else None
