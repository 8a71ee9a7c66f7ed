"""What waits for somebody's decision, whatever its kind, oldest first: one list instead of a look into each corner.

An item is here only if this person may decide on it now: their role or a delegation allows it, and they had no hand in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from sqlalchemy.orm import Session

from billing.reconciliation import report as reconciliation_report
from billing.reconciliation import sign_offs, tolerances
from contracts import amendments, ceiling
from contracts.cases import Case, list_cases
from contracts.options import approvals
from contracts.people import access, stand_ins
from contracts.people.access import Actor
from contracts.prices import drafts as price_drafts
from contracts.prices import indexation

WaitingKind = Literal[
    "option", "activation", "override", "price_draft", "index_request", "tolerance", "payment", "amendment"
]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits: its ``reference`` within its kind, what it is about, the most that it costs where that is known.

    ``case`` is the case of an option, an activation or an override. ``amount`` is kroner excluding VAT: the P90 of a case,
    the invoiced sum of a quarter.
    """

    kind: WaitingKind
    reference: str
    since: datetime
    by: str
    amount: Decimal | None = None
    case: Case | None = None
    day: date | None = None
    given: int = 0
    needed: int = 1


def waiting(session: Session, *, agreement_id: int, actor: Actor, today: date) -> list[Waiting]:
    """List what waits for an actor, oldest first; nothing for whoever decides on nothing."""
    if not decides(session, actor, today):
        return []
    cases = list_cases(session, agreement_id=agreement_id, actor=actor if actor.may("read") else None)
    found = [_of_case(session, case, actor) for case in approvals.awaiting(session, cases, actor, on=today)]
    found += _overrides(session, cases, actor)
    if _everywhere(actor, "price_book.approve"):
        found += _price_drafts(session, agreement_id, actor)
    if _everywhere(actor, "index.approve"):
        found += _index_requests(session, agreement_id, actor)
    if _everywhere(actor, "amendment.approve"):
        found += _amendments(session, agreement_id, actor)
    if _everywhere(actor, tolerances.APPROVE):
        found += _tolerances(session, agreement_id, actor)
    if _everywhere(actor, sign_offs.APPROVE):
        found += _payments(session, agreement_id, actor)
    return sorted(found, key=lambda one: (one.since, one.kind, one.reference))


def decides(session: Session, actor: Actor, today: date) -> bool:
    """Tell whether somebody decides on anything: by a role of their own, or in somebody's place today."""
    return actor.may("option.approve") or bool(stand_ins.list_stand_ins(session, deputy=actor.id, on=today))


def _of_case(session: Session, case: Case, actor: Actor) -> Waiting:
    sent = case.submission
    step = next((one for one in reversed(case.steps) if one.event == "submit"), None)
    figures = None if sent is None else sent.figures
    return Waiting(
        case.kind,
        str(case.id),
        case.recorded_at if step is None else step.at,
        case.recorded_by if step is None else step.by,
        None if figures is None or not actor.may("read") else figures.told(actor.scope("read")).p90,
        case,
        case.deadline if case.plan is None else case.plan.starts_on,
        len(case.approvals),
        approvals.needed(session, figures),
    )


def _overrides(session: Session, cases: list[Case], actor: Actor) -> list[Waiting]:
    return [
        Waiting("override", str(case.id), one.known_at, one.by, one.request, case)
        for case in cases
        if case.kind == "activation" and case.row_id is not None and actor.may("ceiling.decide", case.trust)
        for one in ceiling.overrides(session, case)
        if one.decision is None
        and actor.id not in {one.by, *case.requesters}
        and case.plan is not None
        and one.plan_id == case.plan.id
    ]


def _price_drafts(session: Session, agreement_id: int, actor: Actor) -> list[Waiting]:
    found = []
    for draft in price_drafts.list_drafts(session, agreement_id=agreement_id, actor=actor):
        if draft.state == "submitted" and draft.may("approve", actor):
            step = next(one for one in reversed(draft.steps) if one.event == "submit")
            found.append(Waiting("price_draft", str(draft.id), step.at, step.by, day=draft.newest.content.valid_from))
    return found


def _index_requests(session: Session, agreement_id: int, actor: Actor) -> list[Waiting]:
    return [
        Waiting("index_request", str(one.id), one.recorded_at, one.requested_by, day=one.effective_from)
        for one in indexation.list_requests(session, agreement_id)
        if one.state == "requested" and one.requested_by != actor.id
    ]


def _amendments(session: Session, agreement_id: int, actor: Actor) -> list[Waiting]:
    return [
        Waiting("amendment", str(one.amendment.number), one.course[0].at, one.drafted_by, one.amendment.value_change)
        for one in amendments.list_amendments(session, agreement_id)
        if one.state == "drafted" and one.drafted_by != actor.id
    ]


def _tolerances(session: Session, agreement_id: int, actor: Actor) -> list[Waiting]:
    return [
        Waiting("tolerance", str(one.id), one.drafted_at, one.drafted_by, day=one.valid_from)
        for one in tolerances.list_tolerances(session, agreement_id=agreement_id, actor=actor)
        if one.state == "drafted" and one.drafted_by != actor.id
    ]


def _payments(session: Session, agreement_id: int, actor: Actor) -> list[Waiting]:
    newest = reconciliation_report.newest_runs(session, agreement_id)
    return [
        Waiting("payment", quarter, run.attested.at, run.attested.by, run.invoiced)
        for quarter, run in newest.items()
        if run.attested is not None and run.approved is None and run.reopened is None and run.attested.by != actor.id
    ]


def _everywhere(actor: Actor, act: str) -> bool:
    return any(grant.trust is None and grant.role in access.RULES[act] for grant in actor.grants)
