"""Approval: what waits for whom, a case to decide on in two minutes, standing in for one another, and the limit for two.

A page of a case says what, what it costs at most and probably, whether it fits ceiling and budget, what is unresolved, who
prepared it and which documents it rests on; then the three answers, each with what it leads to.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from billing.decisions import gains as gain_balance
from billing.decisions import inbox as approval_inbox
from billing.decisions import papers as decision_papers
from billing.decisions.inbox import Waiting
from billing.web import words
from billing.web.decisions import case_words, gain_words
from billing.web.query import Query, read_query
from contracts import agreements, ceiling, documents
from contracts.cases import Case, CaseId, find_case
from contracts.errors import Conflict, InvalidInput, NotFound, Refused
from contracts.extensions import db
from contracts.options import approvals, dossier, gains
from contracts.options import steps as options
from contracts.options.steps import Choice, Request
from contracts.people import access, approval_limit, stand_ins
from contracts.terms.period import previous_day
from contracts.terms.workflow import Decided
from contracts.terms.written import NotANumber, plain_number, read_day
from contracts.web import layout
from contracts.web.acts import acted, done, instant, today
from contracts.web.guard import requires
from contracts.web.i18n import N_

blueprint = Blueprint("approval_pages", __name__)
layout.add_nav(blueprint, 65, N_("Approval"), "approval_pages.index", visible=lambda: _decides())
layout.add_nav(blueprint, 95, N_("Approval limit"), "approval_pages.limit", visible=lambda: _sets_limit(), more=True)

# Before it is in operation a plan is held against ceiling and budget; then its counts are.
_PLANNED = frozenset({"draft", "submitted", "approved", "ordered", "validating"})
ANSWERS = {"godkjenn": "approve", "send-tilbake": "return"}
KINDS = {
    "option": N_("Option"),
    "activation": N_("Activation"),
    "override": N_("Beyond the ceiling"),
    "price_draft": N_("Prices"),
    "index_request": N_("Index adjustment"),
    "tolerance": N_("Tolerance"),
    "payment": N_("Payment"),
    "amendment": N_("Amendment"),
}


@blueprint.get("/godkjenning")
@requires("read")
def index() -> Any:
    """List what waits for the reader's decision."""
    query = read_query(past=False)
    waiting = waiting_for(query)
    return query.page(
        "billing/decisions/index.html",
        as_of=None,
        version=None,
        waiting=waiting,
        told=[told(query, one) for one in waiting],
        decides=approval_inbox.decides(db.session, query.actor, query.today),
        standing_in=stand_ins.list_stand_ins(db.session, deputy=query.actor.id, on=query.today),
        people=access.names_of(db.session, {one.by for one in waiting}),
        kinds=KINDS,
    )


@blueprint.get("/godkjenning/<case>")
@requires("read")
def show(case: str) -> Any:
    """Show a case as its approver decides on it."""
    query = read_query(past=False)
    return _case_page(query, _case(query, case))


@blueprint.post("/godkjenning/<case>")
@requires("read")
def decide(case: str) -> Any:
    """Approve, send back or decline."""
    query = read_query(past=False)
    found = _case(query, case)
    answer = request.form.get("svar", "")
    event = ANSWERS.get(answer) or ("decline" if found.kind == "option" else "reject")
    comment = request.form.get("kommentar", "").strip()
    if answer not in (*ANSWERS, "avsla"):
        return _case_page(query, found, [("svar", _("Choose an answer."))]), 422
    if event != "approve" and not comment:
        return _case_page(query, found, [("kommentar", _("Say in a sentence why."))]), 422
    try:
        done = query.done(
            options.act,
            case_id=found.id,
            event=event,
            request=Request(comment=comment, delegation=_delegation(query, found, event)),
            seen=_as_seen,
            at=instant(),
        )
    except Refused as error:
        sentences: list[Any] = [(None, case_words.refusal_text(one)) for one in error.refusals]
        return _case_page(query, _case(query, case), sentences), 409
    except Conflict as error:
        sentence = _("This case was changed after you opened it. Read it again before you answer.")
        return _case_page(query, _case(query, case), [(None, sentence if error.code == "stale" else str(error))]), 409
    except InvalidInput:
        return _case_page(query, found, [("kommentar", _("A comment has at most 2000 characters."))]), 422
    flash(_outcome(done, event))
    return redirect(query.link("approval_pages.show", case=str(found.id)), 303)


@blueprint.post("/godkjenning/<case>/overskridelse/<int:number>")
@requires("ceiling.decide")
def decide_override(case: str, number: int) -> Any:
    """Allow a request to go beyond the ceiling, or do not."""
    query = read_query(past=False)
    found = _case(query, case)
    field = f"kommentar-{number}"
    comment = request.form.get(field, "").strip()
    allows = request.form.get("svar") == "tillat"
    if not comment:
        return _case_page(query, found, [(field, _("Say in a sentence why."))]), 422
    try:
        done(
            ceiling.decide_override,
            case=found,
            override_id=number,
            decision="approved" if allows else "declined",
            comment=comment,
        )
    except InvalidInput:
        return _case_page(query, found, [(field, _("A comment has at most 2000 characters."))]), 422
    flash(_("Going beyond the ceiling is allowed for this request.") if allows else _("Going beyond is not allowed."))
    return redirect(query.link("approval_pages.show", case=case), 303)


@blueprint.get("/godkjenning/<case>/beslutningsgrunnlag.pdf")
@requires("read")
def paper(case: str) -> Any:
    """Give the decision paper as it was filed at the newest submission, or at an earlier one."""
    query = read_query("utgave", past=False)
    number = query.values.get("utgave", "")
    if number and not (number.isascii() and number.isdigit() and len(number) < 6):
        raise NotFound(_("There is no such decision paper."))
    version, content = decision_papers.paper_bytes(
        db.session, _case(query, case), query.actor, int(number) if number else None
    )
    return _file(content, version.media_type, version.filename)


@blueprint.get("/godkjenning/<case>/dokument/<item>")
@requires("read")
def document(case: str, item: str) -> Any:
    """Give the document of a dossier item as it stands in the case."""
    query = read_query(past=False)
    found = next((one for one in dossier.items(db.session, _case(query, case)) if one.code == item), None)
    if found is None or found.sha256 is None or found.filename is None:
        raise NotFound(_("There is no such document."))
    content, media_type = documents.bytes_with_hash(db.session, found.sha256)
    return _file(content, media_type, found.filename)


@blueprint.get("/godkjenning/vikarer")
@requires("read")
def show_stand_ins() -> Any:
    """Show who stands in for whom."""
    return _stand_in_page(read_query(past=False))


@blueprint.post("/godkjenning/vikarer")
@requires("approval.delegate")
def delegate() -> Any:
    """Let somebody approve in one's place."""
    query = read_query(past=False)
    errors: list[Any] = []
    days: dict[str, date] = {}
    for name in ("fra", "til"):
        try:
            days[name] = read_day(request.form.get(name, "").strip())
        except ValueError:
            errors.append((name, _("Enter the day as a date.")))
    if not errors and days["til"] < days["fra"]:
        errors.append(("til", _("The last day is not before the first.")))
    if not errors:
        try:
            acted(
                stand_ins.delegate,
                deputy=request.form.get("vikar", ""),
                first=days["fra"],
                until=days["til"] + timedelta(days=1),
                reason=request.form.get("grunn", ""),
            )
        except NotFound:
            errors = [("vikar", _("Nobody is registered with this address."))]
        except InvalidInput as error:
            oneself = any(each.code == "oneself" for each in error.errors)
            errors = [
                ("vikar", _("Nobody stands in for themselves."))
                if oneself
                else ("grunn", _("A reason has at most 2000 characters."))
            ]
    if errors:
        db.session.rollback()
        return _stand_in_page(query, errors), 422
    db.session.commit()
    flash(_("The stand-in is recorded."))
    return redirect(query.link("approval_pages.show_stand_ins"), 303)


@blueprint.post("/godkjenning/vikarer/<int:number>/ta-tilbake")
@requires("approval.delegate")
def take_back(number: int) -> Any:
    """Take a delegation back."""
    query = read_query(past=False)
    done(stand_ins.take_back, delegation_id=number)
    flash(_("The stand-in is taken back."))
    return redirect(query.link("approval_pages.show_stand_ins"), 303)


@blueprint.get("/godkjenning/grense")
@requires("settings.change")
def limit() -> Any:
    """Show from which amount two people must approve."""
    return _limit_page()


@blueprint.post("/godkjenning/grense")
@requires("settings.change")
def set_limit() -> Any:
    """Set from which amount two people must approve."""
    try:
        amount = Decimal(plain_number(request.form.get("belop", "")))
        done(approval_limit.set_two_from, amount=amount)
    except (NotANumber, InvalidInput):
        return _limit_page([("belop", _("Enter an amount such as 1 000 000 or 250 000,00."))]), 422
    flash(_("The limit is set. It counts from the next decision on, also for what waits already."))
    return redirect(layout.endpoint_url("approval_pages.limit") or "/", 303)


def waiting_for(query: Query) -> list[Waiting]:
    """List what waits for the reader: also what the front page has under "today"."""
    return query.asked(approval_inbox.waiting, today=query.today)


def _case_page(query: Query, case: Case, errors: list[Any] | None = None) -> str:
    figures = None if case.submission is None else case.submission.figures
    items = dossier.items(db.session, case)
    listed = gains.list_gains(db.session, case)
    choices = {one.event: one for one in options.choices(db.session, case, query.actor, at=instant())}
    answers = [choices[event] for event in ("approve", "return", "decline", "reject") if event in choices]
    people = {case.recorded_by, *case.requesters, *(step.by for step in case.steps), *(one.owner for one in listed)}
    people |= {one for given in case.approvals for one in (given.by, given.principal)}
    delegations = _delegations(query, case)
    people |= {one.by for one, _may in _overrides(query, case)}
    people |= {one.principal for one in delegations} | {query.actor.id}
    named = access.names_of(db.session, people)
    planned = figures is not None and case.standing(query.today) in _PLANNED
    names = words.Names.of(
        agreements.option_holders(db.session, query.agreement.id),
        agreements.marketplace(db.session, query.agreement.id),
    )
    return query.page(
        "billing/decisions/case.html",
        as_of=None,
        version=None,
        case=case,
        names=names,
        title_text=case_words.case_title(case, names),
        figures=None if figures is None else figures.told(query.actor.scope("read")),
        covers=options.covers(db.session, case, figures, query.today) if planned and figures is not None else (),
        limits=ceiling.share_of(db.session, case) if planned else None,
        reads_all=query.actor.scope("read") is None,
        items=items,
        overrides=_overrides(query, case),
        gains=listed,
        balance=gain_balance.balance(db.session, case, listed, query.today, query.actor.scope("read"))
        if listed
        else None,
        gain_words=gain_words,
        needed=approvals.needed(db.session, figures),
        two_from=approval_limit.two_from(db.session),
        answers=answers,
        may_answer=any(one.permitted for one in answers),
        refusals=_unresolved(answers),
        warnings=next((one.warnings for one in answers if one.event == "approve"), ()),
        void=_void(case),
        delegations=delegations,
        paper=decision_papers.filed(db.session, case, query.actor),
        people=named,
        hands=", ".join(sorted(named[one] for one in case.requesters)) or None,
        approvers=", ".join(_approver(given, named) for given in case.approvals),
        told=case_words,
        last_day=previous_day,
        errors=errors or [],
    )


def _overrides(query: Query, case: Case) -> list[tuple[Any, bool]]:
    """Give the requests to go beyond the ceiling, each with whether the reader may decide on it now."""
    if case.kind != "activation" or case.row_id is None:
        return []
    may = query.actor.may("ceiling.decide", case.trust)
    return [
        (one, may and one.decision is None and query.actor.id not in {one.by, *case.requesters})
        for one in ceiling.overrides(db.session, case)
    ]


def _approver(given: Decided, named: dict[str, str]) -> str:
    if given.by == given.principal:
        return named[given.by]
    return _("%(deputy)s for %(principal)s", deputy=named[given.by], principal=named[given.principal])


def _unresolved(answers: list[Choice]) -> tuple[Any, ...]:
    return next((one.refusals for one in answers if one.event == "approve"), ())


def _void(case: Case) -> int:
    """Count the approvals that were given to earlier submissions and therefore no longer count."""
    given = [step for step in case.steps if step.event == "approve"]
    return len(given) - len(case.approvals)


def _delegations(query: Query, case: Case) -> list[Any]:
    """Give the delegations under which the reader may decide on this case, where their own role does not let them."""
    held = stand_ins.list_stand_ins(db.session, deputy=query.actor.id, on=query.today)
    allowed = []
    for one in held:
        principal = access.find_actor(db.session, one.principal)
        if principal is not None and principal.may(f"{case.kind}.approve", case.trust):
            allowed.append(one)
    return allowed


def _delegation(query: Query, case: Case, event: str) -> int | None:
    """Give in whose place the reader answers: as chosen, else their own role, else the only delegation that lets them."""
    held = _delegations(query, case)
    chosen = request.form.get("for", "")
    if chosen in {str(one.id) for one in held}:
        return int(chosen)
    if query.actor.may(f"{case.kind}.{event}", case.trust) or not held:
        return None
    return int(held[0].id)


def _as_seen(case: Case) -> None:
    if case.version != request.form.get("sett", ""):
        raise Conflict("stale", "the case was changed in the meantime")


def _outcome(case: Case, event: str) -> str:
    if event == "approve" and case.state == "submitted":
        return _("Your approval is recorded. One more person has to approve before anything happens.")
    return {
        "approve": _("Approved. The contract manager takes the next step."),
        "return": _("Sent back with your comment."),
    }.get(event, _("Declined with your comment."))


def _case(query: Query, name: str) -> Case:
    return query.asked(find_case, case_id=CaseId.parse(name))


def told(query: Query, one: Waiting) -> tuple[str, str | None]:
    """Say what waits and where it is decided on."""
    code = query.agreement.code
    names = words.Names.of(
        agreements.option_holders(db.session, query.agreement.id),
        agreements.marketplace(db.session, query.agreement.id),
    )
    if one.case is not None:
        title = case_words.case_title(one.case, names)
        if one.kind == "override":
            title = _("Going beyond the ceiling: %(what)s", what=title)
        return title, query.link("approval_pages.show", case=one.reference)
    kinds: dict[str, tuple[str, str, dict[str, str]]] = {
        "price_draft": (
            _("Prices"),
            "price_drafts.confirm_approval",
            {"code": code, "draft_id": one.reference},
        ),
        "index_request": (
            _("Index adjustment"),
            "index_pages.show_request",
            {"code": code, "request_id": one.reference},
        ),
        "tolerance": (_("Tolerance"), "tolerance_pages.index", {}),
        "amendment": (
            _("Amendment %(number)s", number=one.reference),
            "amendments.show",
            {"code": code, "number": one.reference},
        ),
        "payment": (
            _("Payment of %(quarter)s", quarter=one.reference),
            "sign_off_pages.approve",
            {"quarter": one.reference},
        ),
    }
    title, endpoint, values = kinds[one.kind]
    return title, layout.endpoint_url(endpoint, **values)


def _stand_in_page(query: Query, errors: list[Any] | None = None) -> str:
    listed = stand_ins.list_stand_ins(db.session)
    shown = [one for one in listed if query.actor.id in (one.principal, one.deputy)]
    return query.page(
        "billing/decisions/stand_ins.html",
        as_of=None,
        version=None,
        listed=shown,
        last_days={one.id: previous_day(one.period.end) for one in shown},
        people=access.names_of(db.session, {person for one in shown for person in (one.principal, one.deputy)}),
        may_delegate=query.actor.may("approval.delegate") and query.actor.id.startswith("person:"),
        errors=errors or [],
    )


def _limit_page(errors: list[Any] | None = None) -> str:
    listed = approval_limit.limits(db.session)
    return render_template(
        "billing/decisions/limit.html",
        amount=approval_limit.two_from(db.session),
        listed=listed,
        people=access.names_of(db.session, {one.by for one in listed}),
        errors=errors or [],
    )


def _file(content: bytes, media_type: str, filename: str) -> Response:
    response = Response(content, mimetype=media_type)
    response.headers.set("Content-Disposition", "attachment", filename=filename)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _decides() -> bool:
    actor = g.get("trinnvis_actor")
    return actor is not None and actor.may("read") and approval_inbox.decides(db.session, actor, today())


def _sets_limit() -> bool:
    actor = g.get("trinnvis_actor")
    return actor is not None and actor.may("settings.change")
