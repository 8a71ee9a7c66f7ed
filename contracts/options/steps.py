"""Options and activations: draft, submit, decide, exercise, order, go live, suspend, end. May this trust do this now?

Each step takes the agreement's lock first, gathers the facts under it, asks the one table (`contracts.terms.workflow`)
and writes the step with its effects and exactly one audit event; or it is refused with everything that refuses it and
writes nothing. Cost figures come from the half that rates: handed in, or from the estimate that it registered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from contracts import agreements, audit, ceiling, price_books
from contracts.cases import Case, CaseId, find_case, list_cases
from contracts.errors import Conflict, Denied, Finding, InvalidInput, NotFound, Refused, invalid
from contracts.models import (
    Activation,
    ActivationSlot,
    Algorithm,
    Approval,
    OptionState,
    Organisation,
    WorkflowCase,
    WorkflowEvent,
    WorkflowPlan,
    WorkflowSubmission,
)
from contracts.models.base import known
from contracts.options import approvals, catalogue, dossier, funding
from contracts.people import stand_ins
from contracts.people.access import CALENDAR, Actor
from contracts.terms import workflow
from contracts.terms.agreement import Extension, MarketplaceAlgorithm, OptionHolder
from contracts.terms.cost_figures import CostFigures
from contracts.terms.money import format_amount
from contracts.terms.price_book import PriceBook
from contracts.terms.workflow import (
    OSLO,
    CeilingFacts,
    CertificateFacts,
    Cover,
    Facts,
    Refusal,
    Refusals,
    Rule,
    Transition,
)

LONGEST_TEXT: Final = 2000
LARGEST_QUANTITY: Final = 10_000_000
# In these states the plan of an activation may still be changed; what was approved of it is then void.
PLANNING: Final = frozenset({"draft", "submitted", "approved"})

# (session, agreement_id, trust, algorithm, first day, first day after or None, examinations a month, today)
Estimate = Callable[[Session, int, str, str, date, date | None, int, date], CostFigures]
_estimates: list[Estimate] = []


@dataclass(frozen=True, slots=True)
class Request:
    """What comes with an event: the day it is true from (``None``: today), why, and in whose place (a delegation)."""

    on: date | None = None
    comment: str = ""
    document: str | None = None
    delegation: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A step that could come next: whether it may be taken by this actor now, and what refuses or warns."""

    event: str
    target: str
    permitted: bool
    allowed: bool
    refusals: tuple[Refusal, ...]
    warnings: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Submitted:
    """A submission at the moment it is frozen: ``sha256`` is over plan, figures and documents."""

    case: Case
    sha256: str
    facts: Facts
    warnings: tuple[Refusal, ...]


# What is made of a submission within its own transaction; gives the hash of what was filed, None where nothing was.
Paper = Callable[[Session, Submitted, Actor, datetime], str | None]
_papers: list[Paper] = []


def register_paper(paper: Paper) -> None:
    """Let ``paper`` file the decision paper of each submission, whoever submits it and by whatever way."""
    _papers[:] = [paper]


# What a step tells the vendor, within its own transaction; gives the hash of the letter that was filed, None for none.
Letter = Callable[[Session, Case, str, Facts, Actor, datetime], str | None]
_letters: list[Letter] = []


def register_letter(letter: Letter) -> None:
    """Let ``letter`` file what a step tells the vendor, whoever takes it and by whatever way."""
    _letters[:] = [letter]


def register_estimate(estimate: Estimate) -> None:
    """Let ``estimate`` compute the cost figures of a plan that is submitted. Raises ValueError for a second one."""
    if _estimates and _estimates[0] is not estimate:
        raise ValueError("the estimate of activations is registered already")
    _estimates[:] = [estimate]


# (session, case, cost centre, years, today): what of each year is bound on it without the case's own plan.
Bound = Callable[[Session, Case, str, Iterable[int], date], dict[int, Decimal]]
_bounds: list[Bound] = []


def register_bound(bound: Bound) -> None:
    """Let ``bound`` say what of a cost centre's budget is used or promised already. Raises ValueError for a second one."""
    if _bounds and _bounds[0] is not bound:
        raise ValueError("what is bound of budgets is registered already")
    _bounds[:] = [bound]


def draft_activation(
    session: Session,
    *,
    agreement_id: int,
    trust: str,
    algorithm: str,
    starts_on: date,
    ends_on: date | None = None,
    monthly_quantity: int,
    intended_use: str = "",
    actor: Actor,
    now: datetime,
) -> Case:
    """Begin the case of one algorithm at one trust, with its first plan.

    Raises `Refused` for a trust that the agreement does not name, whoever asks, `InvalidInput` for an unknown algorithm or
    a plan that cannot be.
    """
    actor.require("activation.draft", trust)
    agreements.lock_agreement(session, agreement_id)
    holders = {one.party.code for one in agreements.option_holders(session, agreement_id)}
    if trust not in holders:
        detail = f"'{trust}' is none of the {len(holders)} option holders that the agreement names"
        raise Refused((Refusal("named_holder", "not_an_option_holder", detail, "", {"holders": str(len(holders))}),))
    if algorithm not in {one.code for one in agreements.marketplace(session, agreement_id)}:
        detail = f"'{algorithm}' is not on the agreement's marketplace list"
        raise InvalidInput((Finding("#/algorithm", "unknown_algorithm", detail),))
    _check_plan(starts_on, ends_on, monthly_quantity, intended_use)
    row = WorkflowCase(
        kind="activation",
        agreement_id=agreement_id,
        trust_id=session.scalars(select(Organisation.id).where(Organisation.code == trust)).one(),
        algorithm_id=session.scalars(select(Algorithm.id).where(Algorithm.code == algorithm)).one(),
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    case_id = CaseId("activation", str(row.id))
    plan = _add_plan(session, row.id, 1, starts_on, ends_on, monthly_quantity, intended_use, actor, now)
    _log(session, "activation.draft", case_id, {"trust": trust, "algorithm": algorithm, **plan}, actor, now)
    return find_case(session, agreement_id=agreement_id, case_id=case_id)


def plan_again(
    session: Session,
    *,
    case: Case,
    starts_on: date,
    ends_on: date | None = None,
    monthly_quantity: int,
    intended_use: str = "",
    actor: Actor,
    now: datetime,
) -> Case:
    """Change the plan of an activation that is not ordered yet; what was approved of the former plan is void."""
    actor.require("activation.draft", case.trust)
    agreements.lock_agreement(session, case.agreement_id)
    case = _same(session, case)
    if case.kind != "activation" or case.state not in PLANNING or case.row_id is None:
        raise Conflict("wrong_state", f"the {case.kind} is {case.state}: its plan stands")
    if actor.id in {someone for one in case.approvals for someone in (one.by, one.principal)}:
        raise Denied("who approved this plan does not change it")
    _check_plan(starts_on, ends_on, monthly_quantity, intended_use)
    number = (0 if case.plan is None else case.plan.number) + 1
    plan = _add_plan(session, case.row_id, number, starts_on, ends_on, monthly_quantity, intended_use, actor, now)
    _log(session, "activation.plan", case.id, {"number": number, **plan}, actor, now)
    return _same(session, case)


def act(
    session: Session,
    *,
    agreement_id: int,
    case_id: CaseId,
    event: str,
    request: Request | None = None,
    figures: CostFigures | None = None,
    seen: Callable[[Case], None] | None = None,
    actor: Actor,
    now: datetime,
    at: datetime | None = None,
) -> Case:
    """Take a step in a case, or be refused.

    ``at`` is the instant that deadlines are held against (``None``: ``now``; the example has its own today). ``figures``
    are those of a submission; without them the registered estimate is asked. ``seen`` is called with the case under its
    lock and may object. Raises `NotFound`, `Denied` where neither roles nor a delegation allow the step, `InvalidInput` for
    an unknown event, `Refused` with every guard that refuses.
    """
    request, at = request or Request(), at or now
    rule = workflow.rule_of(case_id.kind, event)
    if rule is None:
        known_events = ", ".join(workflow.events_of(case_id.kind))
        raise InvalidInput((Finding("#/event", "unknown_event", f"'{event}' is none of {known_events}"),))
    if len(request.comment) > LONGEST_TEXT:
        invalid([Finding("#/comment", "too_long", f"A comment has at most {LONGEST_TEXT} characters.")])
    today = at.astimezone(OSLO).date()
    case = find_case(session, agreement_id=agreement_id, case_id=case_id)
    principal = stand_ins.principal_of(
        session,
        act=f"{case.kind}.{event}",
        trust=case.trust,
        delegation_id=request.delegation if rule.decision else None,
        actor=actor,
        on=today,
    )
    agreements.lock_agreement(session, agreement_id)
    case = _same(session, case)
    if seen is not None:
        seen(case)
    if event == "submit" and figures is None:
        figures = estimated(session, case, today)
    facts = gather(
        session, case, rule, ground_of(session, case, today),
        request=request, figures=figures, actor=actor.id, principal=principal, today=today,
    )  # fmt: skip
    decided = workflow.decide(case.state, event, facts, at)
    if isinstance(decided, Refusals):
        raise Refused(_said_to(actor, decided.refusals))
    _take(session, case, decided, facts, request, actor, principal, now)
    return _same(session, case)


def choices(session: Session, case: Case, actor: Actor, *, at: datetime) -> list[Choice]:
    """List the steps that come from a case's state, each as `choice` finds it on its usual day.

    Nothing is estimated anew: what a submission costs is held against ceiling and budget by `choice` with its figures.
    """
    ground = ground_of(session, case, at.astimezone(OSLO).date())
    listed = [
        choice(session, case, rule.event, actor, at=at, ground=ground)
        for rule in workflow.events_from(case.kind, case.state)
    ]
    return [_without_figures(one) if one.event == "submit" else one for one in listed]


def _without_figures(one: Choice) -> Choice:
    refusals = tuple(refusal for refusal in one.refusals if refusal.code != "figures_missing")
    return replace(one, allowed=one.permitted and not refusals, refusals=refusals)


def choice(
    session: Session,
    case: Case,
    event: str,
    actor: Actor,
    *,
    at: datetime,
    on: date | None = None,
    figures: CostFigures | None = None,
    ground: Ground | None = None,
) -> Choice:
    """Tell whether this actor may take a step, and what refuses or warns of it, by the same decision that `act` asks.

    ``on`` is the day it is to be true from (None: its usual one), ``figures`` are those of a submission, ``ground`` is what
    `ground_of` gave where it was read for several steps. Raises `NotFound` where there is no such step from the case's state.
    """
    today = at.astimezone(OSLO).date()
    rule = workflow.rule_of(case.kind, event)
    if rule is None or case.state not in rule.sources:
        raise NotFound(f"'{event}' does not come from {case.state}")
    request = Request(on=on or usual_day(case, event, today), comment="-")
    principals = approvals.principals(session, case, actor, on=today) if rule.decision else ()
    permitted = actor.may(f"{case.kind}.{event}", case.trust)
    principal = actor.id if permitted or not principals else principals[0]
    facts = gather(
        session, case, rule, ground or ground_of(session, case, today),
        request=request, figures=figures, actor=actor.id, principal=principal, today=today,
    )  # fmt: skip
    decided = workflow.decide(case.state, event, facts, at)
    refusals = decided.refusals if isinstance(decided, Refusals) else ()
    permitted = permitted or bool(principals)
    told, warned = _said_to(actor, refusals), _said_to(actor, decided.warnings)
    return Choice(event, rule.target, permitted, permitted and not refusals, told, warned)


def _said_to(actor: Actor, refusals: tuple[Refusal, ...]) -> tuple[Refusal, ...]:
    """Give what guards say as this actor is told it."""
    if actor.may("read") and actor.scope("read") is not None:
        return tuple(workflow.within_trust(one) for one in refusals)
    return refusals


def usual_day(case: Case, event: str, today: date) -> date:
    """Give the day that a step is usually true from: today, or the later one that the plan or the step before it names."""
    if case.kind == "option" or event not in ("go_live", "suspend", "resume", "end"):
        return today
    if event == "go_live":
        return today if case.plan is None else max(today, case.plan.starts_on)
    if case.activation is None:
        return today
    since = case.activation.go_live_on
    return max(today, since + timedelta(days=1) if event == "end" else since)


def lapse_due(session: Session, *, agreement_id: int, now: datetime, at: datetime | None = None) -> list[CaseId]:
    """Let every option lapse whose last day is over, and give them. Only the calendar does this."""
    at = at or now
    lapsed = []
    for case in list_cases(session, agreement_id=agreement_id):
        rule = workflow.rule_of(case.kind, "lapse")
        if rule is None or case.state not in rule.sources or case.deadline is None:
            continue
        if at >= workflow.deadline_over(case.deadline):
            act(session, agreement_id=agreement_id, case_id=case.id, event="lapse", actor=CALENDAR, now=now, at=at)
            lapsed.append(case.id)
    return lapsed


@dataclass(frozen=True, slots=True)
class Ground:
    """What all steps from a case's state rest on alike."""

    summary: agreements.AgreementSummary
    holders: dict[str, OptionHolder]
    book: PriceBook
    items: list[dossier.DossierItem]
    standing: ceiling.Standing
    product: MarketplaceAlgorithm | None
    extensions: tuple[Extension, ...]
    certificates: tuple[CertificateFacts, ...]
    cost_centre: str | None
    funding: dict[int, Decimal]
    held_by: str | None


def ground_of(session: Session, case: Case, today: date) -> Ground:
    """Read what all steps from a case's state rest on alike, as it stands now."""
    agreement_id = case.agreement_id
    cost_centre = dossier.cost_centre(session, case)
    return Ground(
        summary=agreements.agreement_summary(session, agreement_id),
        holders={one.party.code: one for one in agreements.option_holders(session, agreement_id)},
        book=price_books.price_book(session, agreement_id),
        items=dossier.items(session, case),
        standing=ceiling.standing(session, agreement_id),
        product={one.code: one for one in agreements.marketplace(session, agreement_id)}.get(case.algorithm or ""),
        extensions=agreements.extensions(session, agreement_id),
        certificates=() if case.algorithm is None else catalogue.certificates(session, case.algorithm),
        cost_centre=cost_centre,
        funding=funding.approved(session, trust=case.trust, cost_centre=cost_centre, on=today),
        held_by=_held_by(session, case),
    )


def gather(
    session: Session,
    case: Case,
    rule: Rule,
    ground: Ground,
    *,
    request: Request,
    figures: CostFigures | None,
    actor: str,
    principal: str,
    today: date,
) -> Facts:
    """Gather what a decision rests on, as it stands now. ``figures`` are a submission's own, else the frozen ones count."""
    holder = ground.holders.get(case.trust)
    frozen = case.submission
    counted = figures if rule.event == "submit" else (None if frozen is None else frozen.figures)
    term, standing, product = ground.summary.term, ground.standing, ground.product
    return Facts(
        kind=case.kind,
        trust=case.trust,
        on=request.on or today,
        term=term.period,
        holders=frozenset(ground.holders),
        deadline=case.deadline or (holder.deadline if holder else term.end),
        algorithm=case.algorithm,
        option_state="none" if holder is None else holder.state,
        starts_on=None if case.plan is None else case.plan.starts_on,
        ends_on=None if case.plan is None else case.plan.ends_on,
        figures=counted,
        ceiling=CeilingFacts(
            maximum=standing.maximum,
            used=standing.used,
            open_others=standing.open - ceiling.open_of(case),
            override=counted is not None and ceiling.allowed(session, case, counted.p90),
        ),
        price_book=ground.book,
        on_marketplace=product is not None,
        ce_class="" if product is None else product.ce_class,
        certificates=ground.certificates,
        items=tuple(one.to_term() for one in ground.items),
        funding=ground.funding,
        bound=_bound(session, case, ground.cost_centre, counted, today) if "budget" in rule.guards else {},
        actor=actor,
        principal=principal,
        requesters=case.requesters,
        approvals=case.approvals,
        approvals_needed=approvals.needed(session, counted),
        submitted_basis=None if frozen is None else frozen.basis,
        basis=_basis(case, ground.items, ground.book, frozen.basis if frozen else {}),
        held_by=ground.held_by,
        validating_since=next((step.on for step in reversed(case.steps) if step.event == "start_validation"), None),
        live_since=None if case.activation is None or case.activation.void else case.activation.go_live_on,
        first_open=price_books.first_open_day(session, case.agreement_id) if "open_quarter" in rule.guards else None,
        comment=request.comment,
        clauses={
            "option": case.clause or (holder.clause if holder else ""),
            "term": ground.extensions[-1].clause if ground.extensions else "",
        },
    )


def covers(session: Session, case: Case, figures: CostFigures, today: date) -> tuple[Cover, ...]:
    """Hold a plan's cost against the budget of the case's cost centre, year by year, as the guard of the budget does."""
    centre = dossier.cost_centre(session, case)
    budgets = funding.approved(session, trust=case.trust, cost_centre=centre, on=today)
    return workflow.cover_by_year(figures, budgets, _bound(session, case, centre, figures, today))


def _bound(
    session: Session, case: Case, cost_centre: str | None, figures: CostFigures | None, today: date
) -> dict[int, Decimal]:
    if cost_centre is None or figures is None:
        return {}
    return {
        year: amount
        for bound in _bounds
        for year, amount in bound(session, case, cost_centre, figures.by_year, today).items()
    }


def _take(
    session: Session,
    case: Case,
    decided: Transition,
    facts: Facts,
    request: Request,
    actor: Actor,
    principal: str,
    now: datetime,
) -> None:
    row_id = dossier.case_row_of(session, case, actor, now)
    stamp: dict[str, Any] = {"recorded_at": now, "recorded_by": actor.id}
    event, target = decided.rule.event, decided.target
    option_state_id = activation_id = None
    if case.kind == "option" and target != case.state:
        state = OptionState(option_id=case.option_id, state=target, on=facts.on, **stamp)
        session.add(state)
        session.flush()
        option_state_id = state.id
    if case.kind == "activation":
        activation_id = _run(session, case, event, facts, stamp)
    told: dict[str, Any] = {
        "document": request.document,
        "principal": None if principal == actor.id else principal,
        "warnings": [_told(one) for one in decided.warnings],
    }
    row = WorkflowEvent(
        case_id=row_id,
        number=len(case.steps) + 1,
        event=event,
        source=case.state,
        state=target,
        on=facts.on,
        comment=request.comment.strip(),
        data=told,
        option_state_id=option_state_id,
        activation_id=activation_id,
        **stamp,
    )
    session.add(row)
    session.flush()
    figures: dict[str, Any] = {}
    if event == "submit":
        digest = _freeze(session, case, row_id, row.id, facts, stamp)
        papers = [paper(session, Submitted(case, digest, facts, decided.warnings), actor, now) for paper in _papers]
        figures = {"submission": digest, "decision_paper": next((each for each in papers if each is not None), None)}
    if event == "approve":
        assert case.submission is not None
        session.add(
            Approval(
                case_id=row_id,
                submission_id=case.submission.id,
                event_id=row.id,
                principal=principal,
                delegation_id=request.delegation,
                **stamp,
            )
        )
        session.flush()
        figures = {"submission": case.submission.sha256}
    if case.kind == "activation":
        _hold(session, case, row_id, target)
        _commit_cost(session, case, target, actor, now)
    sent = [each for letter in _letters if (each := letter(session, case, event, facts, actor, now)) is not None]
    if sent:
        figures["letter"] = sent[0]
    if facts.figures is not None and event in ("submit", "approve"):
        figures |= {"expected": format_amount(facts.figures.expected), "p90": format_amount(facts.figures.p90)}
    _log(
        session,
        f"{case.kind}.{event}",
        case.id,
        {
            "from": case.state,
            "to": target,
            "on": facts.on.isoformat(),
            "comment": request.comment.strip(),
            **told,
            **figures,
        },
        actor,
        now,
    )
    if case.kind == "activation" and workflow.COMMITTED & {case.state, target}:
        ceiling.moved(session, agreement_id=case.agreement_id, recorded_by=actor.id, now=now)


def _run(session: Session, case: Case, event: str, facts: Facts, stamp: dict[str, Any]) -> int | None:
    """Write what runs from a day on, or until when: the row that every rating reads."""
    if event == "go_live":
        return _write_activation(session, case, None, facts.validating_since, facts.on, None, stamp)
    if event == "end":
        running = case.activation
        if running is None or running.void or running.end_on is not None:
            raise Conflict("not_running", "no running activation is recorded for this case")
        return _write_activation(
            session, case, running.id, running.validation_from, running.go_live_on, facts.on, stamp
        )
    return None


def _write_activation(
    session: Session,
    case: Case,
    supersedes_id: int | None,
    validation_from: date | None,
    go_live_on: date,
    end_on: date | None,
    stamp: dict[str, Any],
) -> int:
    row = Activation(
        agreement_id=case.agreement_id,
        trust_id=case.trust_id,
        algorithm_id=case.algorithm_id,
        validation_from=validation_from,
        go_live_on=go_live_on,
        end_on=end_on,
        void=False,
        supersedes_id=supersedes_id,
        **stamp,
    )
    session.add(row)
    session.flush()
    return row.id


def _freeze(session: Session, case: Case, row_id: int, event_id: int, facts: Facts, stamp: dict[str, Any]) -> str:
    figures = None if facts.figures is None else facts.figures.to_written()
    content = {"case": str(case.id), "basis": dict(facts.basis), "figures": figures}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    session.add(
        WorkflowSubmission(
            event_id=event_id,
            case_id=row_id,
            plan_id=None if case.plan is None else case.plan.id,
            basis=dict(facts.basis),
            figures=figures,
            sha256=digest,
            **stamp,
        )
    )
    session.flush()
    return digest


def _hold(session: Session, case: Case, row_id: int, target: str) -> None:
    """Take the place of an algorithm at a trust, or give it back; the database lets only one case have it."""
    holds, held = target in workflow.HOLDING, case.state in workflow.HOLDING
    if held and not holds:
        session.execute(delete(ActivationSlot).where(ActivationSlot.case_id == row_id))
    if holds and not held:
        try:
            with session.begin_nested():
                session.execute(
                    insert(ActivationSlot).values(
                        agreement_id=case.agreement_id,
                        trust_id=case.trust_id,
                        algorithm_id=case.algorithm_id,
                        case_id=row_id,
                    )
                )
        except IntegrityError:
            detail = f"'{case.algorithm}' at '{case.trust}' is held by another case already"
            raise Refused((Refusal("no_double", "held_already", detail),)) from None


def _commit_cost(session: Session, case: Case, target: str, actor: Actor, now: datetime) -> None:
    """Post an approved activation's frozen mean as committed, and nothing once it is given up before it ran.

    Billing posts later figures under the same source; what ends after it ran is billing's to count.
    """
    was, will = case.state in workflow.COMMITTED, target in workflow.COMMITTED
    figures = None if case.submission is None else case.submission.figures
    if was == will or target == "ended" or figures is None:
        return
    ceiling.post(
        session,
        agreement_id=case.agreement_id,
        kind="committed",
        source=str(case.id),
        amount=figures.expected if will else figures.expected * 0,
        recorded_by=actor.id,
        now=now,
    )


def _held_by(session: Session, case: Case) -> str | None:
    """Tell what else holds this case's place: another case, or an activation that runs then."""
    if case.kind == "option":
        return None  # an agreement has one option for a trust, by a constraint of the database
    slot = session.scalar(
        select(ActivationSlot.case_id).where(
            ActivationSlot.agreement_id == case.agreement_id,
            ActivationSlot.trust_id == case.trust_id,
            ActivationSlot.algorithm_id == case.algorithm_id,
        )
    )
    if slot is not None and slot != case.row_id:
        return f"activation:{slot}"
    own = None if case.activation is None else case.activation.id
    rows = session.scalars(
        select(Activation).where(
            Activation.agreement_id == case.agreement_id,
            Activation.trust_id == case.trust_id,
            Activation.algorithm_id == case.algorithm_id,
            known(Activation, None),
        )
    )
    first = None if case.plan is None else case.plan.starts_on
    for row in rows:
        if row.id != own and (row.end_on is None or first is None or row.end_on > first):
            return f"what runs since {row.go_live_on.isoformat()}"
    return None


def _basis(case: Case, items: list[dossier.DossierItem], book: Any, submitted: dict[str, str]) -> dict[str, str]:
    """Give what an approval is about, part by part: the plan, the price book and the documents by hash."""
    due = set(workflow.required_items(case.kind, "submit"))
    parts = {
        f"document:{one.code}": one.sha256
        for one in items
        if one.sha256 is not None and (one.code in due or f"document:{one.code}" in submitted)
    }
    plan = case.plan
    if plan is not None:
        parts |= {
            "start": plan.starts_on.isoformat(),
            "end": "" if plan.ends_on is None else plan.ends_on.isoformat(),
            "quantity": str(plan.monthly_quantity),
            "use": plan.intended_use,
        }
    if case.kind == "activation":
        parts["price_version"] = price_books.digest(book)
    return parts


def estimated(session: Session, case: Case, today: date) -> CostFigures | None:
    """Compute what a case's present plan is expected to cost; None without a plan, or where nobody estimates."""
    if case.kind != "activation" or case.plan is None or case.algorithm is None or not _estimates:
        return None
    plan = case.plan
    # Where it cannot be rated the guards say why: it runs already, or no price covers it.
    with suppress(InvalidInput):
        return _estimates[0](
            session,
            case.agreement_id,
            case.trust,
            case.algorithm,
            plan.starts_on,
            plan.ends_on,
            plan.monthly_quantity,
            today,
        )
    return None


def _check_plan(starts_on: date, ends_on: date | None, monthly_quantity: int, intended_use: str) -> None:
    findings = []
    if ends_on is not None and ends_on <= starts_on:
        findings.append(Finding("#/ends_on", "end_before_start", "the first day without it comes after the first day"))
    if not 0 <= monthly_quantity <= LARGEST_QUANTITY:
        detail = f"a quantity is a whole number from 0 to {LARGEST_QUANTITY}"
        findings.append(Finding("#/monthly_quantity", "out_of_range", detail))
    if len(intended_use) > LONGEST_TEXT:
        findings.append(Finding("#/intended_use", "too_long", f"This has at most {LONGEST_TEXT} characters."))
    invalid(findings)


def _add_plan(
    session: Session,
    row_id: int,
    number: int,
    starts_on: date,
    ends_on: date | None,
    monthly_quantity: int,
    intended_use: str,
    actor: Actor,
    now: datetime,
) -> dict[str, Any]:
    session.add(
        WorkflowPlan(
            case_id=row_id,
            number=number,
            starts_on=starts_on,
            ends_on=ends_on,
            monthly_quantity=monthly_quantity,
            intended_use=intended_use.strip(),
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    session.flush()
    return {
        "starts_on": starts_on.isoformat(),
        "ends_on": None if ends_on is None else ends_on.isoformat(),
        "monthly_quantity": monthly_quantity,
    }


def _same(session: Session, case: Case) -> Case:
    return find_case(session, agreement_id=case.agreement_id, case_id=case.id)


def _told(refusal: Refusal) -> dict[str, Any]:
    return {"guard": refusal.guard, "code": refusal.code, "numbers": dict(refusal.numbers)}


def _log(session: Session, action: str, case_id: CaseId, facts: dict[str, Any], actor: Actor, now: datetime) -> None:
    audit.record(session, action, str(case_id), facts, actor.id, now)
