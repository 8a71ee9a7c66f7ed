"""Cases of the workflow as they stand: an option's, or one algorithm's at one trust.

What a case has come to is read from its events. An option's state is the newest of its course, so that one taken over with
the agreement goes on from there; an activation that was taken over is live, or ended where its end is agreed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts.agreements import last_day, option_deadlines
from contracts.errors import NotFound
from contracts.models import (
    Activation,
    Algorithm,
    Approval,
    DossierEntry,
    Option,
    OptionState,
    Organisation,
    WorkflowCase,
    WorkflowEvent,
    WorkflowPlan,
    WorkflowSubmission,
)
from contracts.models.base import LARGEST_ID, recorded_by_then
from contracts.people.access import Actor
from contracts.terms.agreement import option_deadline
from contracts.terms.cost_figures import CostFigures
from contracts.terms.workflow import Decided, Kind


@dataclass(frozen=True, slots=True)
class CaseId:
    """What a case is called: ``option:akershus``, ``activation:12``."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    @classmethod
    def parse(cls, written: str) -> CaseId:
        """Read a case's name; `NotFound` where no case can be called that."""
        kind, _, name = written.partition(":")
        if kind == "option" and name:
            return cls("option", name)
        if kind == "activation" and name.isascii() and name.isdigit() and int(name) < LARGEST_ID:
            return cls("activation", str(int(name)))
        raise NotFound(f"there is no option or activation '{written}'")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for: revision ``number``, from which day (until which), examinations a month, for what use."""

    id: int
    number: int
    starts_on: date
    ends_on: date | None
    monthly_quantity: int
    intended_use: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a case and the state that it led to; ``on`` is the day it is true from."""

    id: int
    event: str
    source: str
    state: str
    on: date
    comment: str
    data: dict[str, Any]
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Submission:
    """What was sent to approval, frozen, with the SHA-256 over it."""

    id: int
    basis: dict[str, str]
    figures: CostFigures | None
    sha256: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it stands. ``row_id`` is ``None`` for an option to which nothing has happened in the workflow yet.

    ``approvals`` are those of the newest submission; ``go_live`` and ``end`` are what is recorded of the activation.
    """

    id: CaseId
    row_id: int | None
    agreement_id: int
    trust: str
    trust_name: str
    trust_id: int
    algorithm: str | None
    algorithm_id: int | None
    option_id: int | None
    taken_over_id: int | None
    state: str
    deadline: date | None
    clause: str
    plan: Plan | None
    plans: tuple[Plan, ...]
    steps: tuple[Step, ...]
    submission: Submission | None
    approvals: tuple[Decided, ...]
    requesters: frozenset[str]
    marks: tuple[int, ...]
    recorded_by: str
    recorded_at: datetime
    activation: Activation | None = None

    @property
    def kind(self) -> Kind:
        """Tell an option's case from an activation's."""
        return self.id.kind

    def standing(self, today: date) -> str:
        """Give the state that has come by ``today``: a step that is true from a later day is planned until then.

        ``state`` is what the last step led to, from which the next one comes.
        """
        for step in reversed(self.steps):
            if step.on <= today:
                return step.state
        if self.steps:
            return self.steps[0].source
        running = self.activation
        if running is None or running.void:
            return self.state
        if running.go_live_on > today:
            return "ordered"
        return "live" if running.end_on is None or running.end_on > today else "ended"

    def ahead(self, today: date) -> Step | None:
        """Give the first step that is taken and true from a day still to come, None where there is none."""
        return next((step for step in self.steps if step.on > today), None)

    @property
    def version(self) -> str:
        """Name this state of the case: it changes with everything that happens to it."""
        return hashlib.sha256(
            json.dumps([str(self.id), self.agreement_id, self.state, self.marks]).encode()
        ).hexdigest()[:32]


def find_case(
    session: Session,
    *,
    agreement_id: int,
    case_id: CaseId,
    actor: Actor | None = None,
    known_at: datetime | None = None,
) -> Case:
    """Find a case; one of a trust outside the actor's scope is as unknown as one that does not exist."""
    found = [
        case
        for case in list_cases(session, agreement_id=agreement_id, actor=actor, known_at=known_at, only=case_id)
        if case.id == case_id
    ]
    if not found:
        raise NotFound(f"there is no {case_id.kind} '{case_id}'")
    return found[0]


def list_cases(
    session: Session,
    *,
    agreement_id: int,
    actor: Actor | None = None,
    known_at: datetime | None = None,
    only: CaseId | None = None,
) -> list[Case]:
    """List an agreement's options as it lists them, then its activations in the order they were recorded."""
    scope = None if actor is None else actor.scope("read")
    cases = _Cases(session, agreement_id, known_at, only)
    return [case for case in (*cases.options(), *cases.activations()) if scope in (None, case.trust)]


class _Cases:
    """Reads all rows of an agreement's cases (or of one) once and puts the cases together."""

    def __init__(self, session: Session, agreement_id: int, known_at: datetime | None, only: CaseId | None) -> None:
        self.session, self.agreement_id, self.known_at, self.only = session, agreement_id, known_at, only
        query = select(WorkflowCase).where(WorkflowCase.agreement_id == agreement_id).order_by(WorkflowCase.id)
        if only is not None and only.kind == "activation":
            query = query.where(WorkflowCase.id == int(only.name))
        if only is not None and only.kind == "option":
            query = query.where(WorkflowCase.kind == "option")
        self.rows = list(session.scalars(recorded_by_then(query, WorkflowCase, known_at)))
        ids = [row.id for row in self.rows]
        self.events = self._by_case(WorkflowEvent, ids, WorkflowEvent.number)
        self.plans = self._by_case(WorkflowPlan, ids, WorkflowPlan.number)
        self.submissions = self._by_case(WorkflowSubmission, ids, WorkflowSubmission.id)
        self.approvals = self._by_case(Approval, ids, Approval.id)
        self.entries = self._by_case(DossierEntry, ids, DossierEntry.id)
        self.last_days: dict[int, date] = {}

    def _by_case(self, entity: Any, ids: list[int], order: Any) -> dict[int, list[Any]]:
        found: dict[int, list[Any]] = {}
        query = select(entity).where(entity.case_id.in_(ids)).order_by(entity.case_id, order)
        for row in self.session.scalars(recorded_by_then(query, entity, self.known_at)) if ids else ():
            found.setdefault(row.case_id, []).append(row)
        return found

    def options(self) -> Iterable[Case]:
        if self.only is not None and self.only.kind != "option":
            return
        query = (
            select(Option, Organisation)
            .join(Organisation, Organisation.id == Option.trust_id)
            .where(Option.agreement_id == self.agreement_id)
            .order_by(Option.id)
        )
        if self.only is not None:
            query = query.where(Organisation.code == self.only.name)
        courses: dict[int, list[OptionState]] = {}
        course = (
            select(OptionState)
            .join(Option, Option.id == OptionState.option_id)
            .where(Option.agreement_id == self.agreement_id)
            .order_by(OptionState.id)
        )
        for state in self.session.scalars(recorded_by_then(course, OptionState, self.known_at)):
            courses.setdefault(state.option_id, []).append(state)
        cases = {row.option_id: row for row in self.rows if row.option_id is not None}
        if courses:
            last = last_day(self.session, self.agreement_id, self.known_at)
            own = option_deadlines(self.session, self.agreement_id, self.known_at)
            self.last_days = {id_: option_deadline(own[id_], course[-1].state, last) for id_, course in courses.items()}
        for option, trust in self.session.execute(query):
            if option.id in courses:
                yield self._case(
                    CaseId("option", trust.code),
                    cases.get(option.id),
                    trust,
                    state=courses[option.id][-1].state,
                    option=option,
                    marks=(len(courses[option.id]),),
                )

    def activations(self) -> Iterable[Case]:
        rows = [row for row in self.rows if row.kind == "activation"]
        if self.only is not None and self.only.kind != "activation":
            return
        trusts = {one.id: one for one in self._found(Organisation, {row.trust_id for row in rows})}
        algorithms = {one.id: one for one in self._found(Algorithm, {row.algorithm_id for row in rows})}
        running = _Running(self.session, self.agreement_id, self.known_at) if rows else None
        for row in rows:
            assert running is not None
            assert row.algorithm_id is not None
            events = self.events.get(row.id, [])
            written = [event.activation_id for event in events if event.activation_id is not None]
            first = row.taken_over_id if row.taken_over_id is not None else (written[0] if written else None)
            activation = None if first is None else running.newest(first)
            if events:
                state = events[-1].state
            elif row.taken_over_id is not None:
                state = (
                    "live" if activation is not None and not activation.void and activation.end_on is None else "ended"
                )
            else:
                state = "draft"
            yield self._case(
                CaseId("activation", str(row.id)),
                row,
                trusts[row.trust_id],
                state=state,
                algorithm=algorithms[row.algorithm_id],
                activation=activation,
                marks=(0 if activation is None else activation.id,),
            )

    def _found(self, entity: Any, ids: set[Any]) -> Iterable[Any]:
        return self.session.scalars(select(entity).where(entity.id.in_(ids))) if ids else ()

    def _case(
        self,
        case_id: CaseId,
        row: WorkflowCase | None,
        trust: Organisation,
        *,
        state: str,
        option: Option | None = None,
        algorithm: Algorithm | None = None,
        activation: Activation | None = None,
        marks: tuple[int, ...],
    ) -> Case:
        key = -1 if row is None else row.id
        events, plans = self.events.get(key, []), self.plans.get(key, [])
        submissions, entries = self.submissions.get(key, []), self.entries.get(key, [])
        newest = submissions[-1] if submissions else None
        approvals = [
            one for one in self.approvals.get(key, []) if newest is not None and one.submission_id == newest.id
        ]
        steps = tuple(_step(event) for event in events)
        requesters = {plan.recorded_by for plan in plans} | {entry.recorded_by for entry in entries}
        requesters |= {step.by for step in steps if step.event in ("review", "submit")}
        read_plans = tuple(_plan(plan) for plan in plans)
        return Case(
            id=case_id,
            row_id=None if row is None else row.id,
            agreement_id=self.agreement_id,
            trust=trust.code,
            trust_name=trust.name,
            trust_id=trust.id,
            algorithm=None if algorithm is None else algorithm.code,
            algorithm_id=None if algorithm is None else algorithm.id,
            option_id=None if option is None else option.id,
            taken_over_id=None if row is None else row.taken_over_id,
            state=state,
            deadline=None if option is None else self.last_days[option.id],
            clause="" if option is None else option.clause,
            plan=read_plans[-1] if read_plans else None,
            plans=read_plans,
            steps=steps,
            submission=None if newest is None else _submission(newest),
            approvals=tuple(Decided(one.recorded_by, one.principal) for one in approvals),
            requesters=frozenset(requesters),
            marks=(*marks, len(events), len(plans), entries[-1].id if entries else 0),
            recorded_by="" if row is None else row.recorded_by,
            recorded_at=(option or row).recorded_at,  # type: ignore[union-attr]  # one of the two is there
            activation=activation,
        )


class _Running:
    """The rows of an agreement's activations, each followed to the newest one that supersedes it."""

    def __init__(self, session: Session, agreement_id: int, known_at: datetime | None) -> None:
        query = select(Activation).where(Activation.agreement_id == agreement_id)
        rows = list(session.scalars(recorded_by_then(query, Activation, known_at)))
        self._rows = {row.id: row for row in rows}
        self._later = {row.supersedes_id: row for row in rows if row.supersedes_id is not None}

    def newest(self, row_id: int) -> Activation | None:
        row = self._rows.get(row_id)
        while row is not None and row.id in self._later:
            row = self._later[row.id]
        return row


def _plan(row: WorkflowPlan) -> Plan:
    return Plan(
        row.id,
        row.number,
        row.starts_on,
        row.ends_on,
        row.monthly_quantity,
        row.intended_use,
        row.recorded_by,
        row.recorded_at,
    )


def _step(row: WorkflowEvent) -> Step:
    return Step(
        row.id, row.event, row.source, row.state, row.on, row.comment, row.data, row.recorded_by, row.recorded_at
    )


def _submission(row: WorkflowSubmission) -> Submission:
    figures = None if row.figures is None else CostFigures.from_written(row.figures)
    return Submission(row.id, dict(row.basis), figures, row.sha256, row.recorded_by, row.recorded_at)
