"""Who decides on options and activations, and what waits for whom."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy.orm import Session

from contracts import agreements
from contracts.cases import Case, list_cases
from contracts.deadlines import register
from contracts.people import approval_limit, stand_ins
from contracts.people.access import Actor
from contracts.terms.cost_figures import CostFigures
from contracts.terms.deadline import Deadline


def needed(session: Session, figures: CostFigures | None) -> int:
    """Tell how many people must approve a case with these figures."""
    return approval_limit.needed(session, None if figures is None else figures.p90)


def may_decide(session: Session, case: Case, actor: Actor, *, on: date) -> bool:
    """Tell whether an actor's roles, or a delegation to them, let them decide on a case."""
    return actor.may(f"{case.kind}.approve", case.trust) or bool(principals(session, case, actor, on=on))


def principals(session: Session, case: Case, actor: Actor, *, on: date) -> list[str]:
    """List in whose places a deputy may decide on a case on a day, in the order in which they were given."""
    return stand_ins.principals(session, act=f"{case.kind}.approve", trust=case.trust, actor=actor, on=on)


def awaiting(session: Session, cases: Iterable[Case], actor: Actor, *, on: date) -> list[Case]:
    """Keep the submitted cases that an actor may decide on and had no hand in."""
    return [
        case
        for case in cases
        if case.state == "submitted"
        and actor.id not in case.requesters
        and actor.id not in {person for one in case.approvals for person in (one.by, one.principal)}
        and may_decide(session, case, actor, on=on)
    ]


def awaited(session: Session, agreement_id: int, today: date, known_at: datetime | None = None) -> list[Deadline]:
    """Give the day by which each submitted case should be decided: its planned first day, or the option's last one."""
    products = {one.code: one.product for one in agreements.marketplace(session, agreement_id, known_at)}
    found = []
    for case in list_cases(session, agreement_id=agreement_id, known_at=known_at):
        day = case.deadline if case.plan is None else case.plan.starts_on
        if case.state != "submitted" or day is None:
            continue
        told = {"trust": case.trust, "trust_name": case.trust_name, "case": str(case.id)}
        if case.algorithm is not None:
            told["product"] = products.get(case.algorithm, case.algorithm)
        found.append(Deadline("approval", str(case.id), day, case.clause, f"approval_of_{case.kind}", told))
    return found


register("approval", awaited, roles=("approver",))
