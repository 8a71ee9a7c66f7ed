"""Random courses of options and activations: any order of steps, people, roles, delegations, plans and usage.

What must hold after every step: no step but one with an allowed override takes the headroom from at least zero below zero;
nobody approves what they had a hand in, and no two approvals of one submission are one person's, in person or through a
deputy; what lapsed stays lapsed; one case holds an algorithm at a trust. At the end of a course the trail verifies.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ClassVar

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from contracts import access, agreements, approvals, audit, ceiling, dossier, options, schema_versions
from contracts.access import COMMAND_LINE, Actor, Grant
from contracts.errors import TrinnvisError
from contracts.extensions import make_engine
from contracts.models import ActivationSlot, AuditEvent
from contracts.schemas.agreement import load_agreement
from contracts.terms import workflow
from contracts.terms.price_book import InvalidInput
from contracts.workflow_cases import Case, CaseId, list_cases
from tests import desk
from tests.desk import Desk
from tests.measure import Row

FULL = 1000
STEPS = 50
TRUSTS = ("akershus", "nord-norge")
ALGORITHMS = ("ct-pe", "xray-skeletal")
NAMES = ("anna", "bo", "cecilie", "dag")
ROLES = ("trust_requester", "contract_manager", "approver")
FIRST = datetime(2026, 10, 15, 9, tzinfo=UTC)

people = st.sampled_from(NAMES)
roles = st.sets(st.sampled_from(ROLES), min_size=1)
numbers = st.integers(0, 7)
quantities = st.sampled_from((100, 2000, 5000, 9999, 10000, 12000))

_template: list[Path] = []


def template(folder: Path) -> Path:
    """Give a database with the agreement, the people and the papers that every course starts from; made once."""
    if not _template:
        path = folder / "template.db"
        engine = make_engine(f"sqlite:///{path}")
        schema_versions.upgrade(engine)
        with sessionmaker(engine.execution_options(trinnvis_write=True)).begin() as session:
            document = desk.agreement_document(akershus="exercised", nord_norge="under_review")
            made = agreements.import_agreement(
                session, document=load_agreement(document), actor=COMMAND_LINE, now=FIRST - timedelta(days=600)
            )
            at = Desk(session, made.id, FIRST)
            for name in NAMES:
                access.add_person(
                    session,
                    email=f"{name}@example.org",
                    name=name,
                    password=None,
                    grants=[Grant("approver")],
                    actor=COMMAND_LINE,
                    now=FIRST,
                )
            for algorithm in ALGORITHMS:
                at.certify(algorithm)
            for trust in TRUSTS:
                at.fund(trust, "9000000.00")
            anna = Actor("person:anna@example.org", "anna", (Grant("contract_manager"),))
            at.file(at.draft(actor=anna, monthly_quantity=5000), actor=anna)
            at.file(CaseId("option", "nord-norge"), actor=anna)
        engine.dispose()
        _template.append(path)
    return _template[0]


class Courses(RuleBasedStateMachine):
    """One course: its own database, its own clock."""

    folder: Path
    taken: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.path = self.folder / "course.db"
        for old in self.folder.glob("course.db*"):
            old.unlink()
        shutil.copyfile(template(self.folder), self.path)
        self.engine = make_engine(f"sqlite:///{self.path}")
        with self.engine.connect() as connection:
            connection.connection.driver_connection.execute("PRAGMA synchronous = OFF")  # type: ignore[union-attr]
        self.sessions = sessionmaker(self.engine.execution_options(trinnvis_write=True), expire_on_commit=False)
        self.now = FIRST
        self.lapsed: set[CaseId] = set()
        with self.sessions() as session:
            self.agreement_id = agreements.find_agreement(session).id

    def teardown(self) -> None:
        with self.sessions() as session:
            assert audit.verify(session).whole
        self.engine.dispose()

    @rule(who=people, roles=roles, trust=st.integers(0, 1), algorithm=st.integers(0, 1), quantity=quantities)
    def draft(self, who: str, roles: set[str], trust: int, algorithm: int, quantity: int) -> None:
        self.do(
            "draft",
            lambda at: at.draft(
                TRUSTS[trust], ALGORITHMS[algorithm], actor=self.actor(who, roles), monthly_quantity=quantity
            ),
        )

    @rule(who=people, roles=roles, number=numbers)
    def file(self, who: str, roles: set[str], number: int) -> None:
        def fill(at: Desk) -> None:
            case = self.pick(at, number)
            missing = [one.code for one in dossier.items(at.session, case) if one.status != "accepted"]
            at.file(case.id, *(missing or ["decision_and_funding"]), actor=self.actor(who, roles), text=self.paper())

        self.do("file", fill)

    @rule(who=people, roles=roles, number=numbers, quantity=quantities)
    def plan(self, who: str, roles: set[str], number: int, quantity: int) -> None:
        def replan(at: Desk) -> None:
            options.plan_again(
                at.session,
                case=self.pick(at, number),
                starts_on=desk.START,
                monthly_quantity=quantity,
                actor=self.actor(who, roles),
                now=self.now,
            )

        self.do("plan", replan)

    @rule(who=people, roles=roles, number=numbers, step=numbers, deputy_of=st.none() | people, any_event=st.booleans())
    def step(self, who: str, roles: set[str], number: int, step: int, deputy_of: str | None, any_event: bool) -> None:
        """Try a step that comes from the case's state, sometimes any step at all."""

        def act(at: Desk) -> None:
            case = self.pick(at, number)
            here = [one.event for one in workflow.events_from(case.kind, case.state)]
            events = list(workflow.events_of(case.kind)) if any_event or not here else here
            event = events[step % len(events)]
            delegation = None
            if deputy_of is not None:
                held = [
                    one
                    for one in approvals.stand_ins(at.session, deputy=f"person:{who}@example.org")
                    if one.principal == f"person:{deputy_of}@example.org"
                ]
                delegation = held[-1].id if held else None
            self.act(at, case, event, self.actor(who, roles), delegation)

        self.do("step", act)

    @rule(number=numbers, step=numbers)
    def along(self, number: int, step: int) -> None:
        """Take a step the way it should be taken: by somebody whose roles allow it, and a decision by another one."""

        def act(at: Desk) -> None:
            case = self.pick(at, number)
            here = [one for one in workflow.events_from(case.kind, case.state) if workflow.CALENDAR not in one.roles]
            if not here:
                return
            # The steps that lead on come first in the table; the exits are taken more rarely.
            chosen = here[0] if step < 5 else here[step % len(here)]
            approved = {person for one in case.approvals for person in (one.by, one.principal)}
            free = [name for name in NAMES if f"person:{name}@example.org" not in case.requesters | approved]
            who = (free or list(NAMES))[0] if chosen.decision else "anna"
            self.act(at, case, chosen.event, self.actor(who, set(chosen.roles)), None)

        for _ in range(1 + step % 3):
            self.do("along", act)

    @rule(who=people, deputy=people, days=st.integers(1, 40))
    def delegate(self, who: str, deputy: str, days: int) -> None:
        self.do(
            "delegate",
            lambda at: approvals.delegate(
                at.session,
                deputy=f"{deputy}@example.org",
                first=self.now.date(),
                until=self.now.date() + timedelta(days=days),
                reason="",
                actor=self.actor(who, {"approver"}),
                now=self.now,
            ),
        )

    @rule(amount=st.sampled_from((0, 150_000, 400_000, 900_000, 1_250_000)))
    def usage_rises(self, amount: int) -> None:
        """Usage rises by itself, and may take the headroom below zero."""
        self.do(
            "usage",
            lambda at: ceiling.post(
                at.session,
                agreement_id=self.agreement_id,
                kind="accrued",
                source="billing",
                amount=Decimal(amount),
                recorded_by="billing",
                now=self.now,
            ),
        )

    @rule(asks=people, decides=people, number=numbers)
    def override(self, asks: str, decides: str, number: int) -> None:
        def allow(at: Desk) -> None:
            case = self.pick(at, number)
            request = Decimal(0 if case.plan is None else case.plan.monthly_quantity * 100)
            made = ceiling.ask_override(
                at.session,
                case=case,
                request=request,
                reason="x",
                actor=self.actor(asks, {"contract_manager"}),
                now=self.now,
            )
            ceiling.decide_override(
                at.session,
                case=case,
                override_id=made.id,
                decision="approved",
                comment="",
                actor=self.actor(decides, {"approver"}),
                now=self.now,
            )

        self.do("override", allow)

    @rule(days=st.sampled_from((1, 7, 30, 80)))
    def days_pass(self, days: int) -> None:
        """The calendar goes on, and lapses what is over."""
        self.now += timedelta(days=days)
        self.do("calendar", lambda at: options.lapse_due(at.session, agreement_id=self.agreement_id, now=self.now))

    def paper(self) -> bytes:
        """Give another paper each day."""
        return f"{self.now:%j}".encode()

    def act(self, at: Desk, case: Case, event: str, actor: Actor, delegation: int | None) -> None:
        on = {"go_live": max(desk.START, self.now.date()), "end": self.now.date() + timedelta(days=60)}.get(event)
        figures = None
        if event == "submit" and case.plan is not None:
            quantity = case.plan.monthly_quantity
            figures = desk.figures(f"{quantity * 100}.00", f"{quantity * 90}.00")
        at.act(case.id, event, actor, on=on, figures=figures, delegation=delegation)
        self.taken[f"{case.kind}.{event}"] += 1

    def do(self, name: str, act: Any) -> None:
        """Do one thing in a transaction of its own, and look at what must hold after it."""
        with self.sessions() as session:
            at = Desk(session, self.agreement_id, self.now)
            before = ceiling.standing(session, self.agreement_id).headroom
            events = session.scalar(select(func.count()).select_from(AuditEvent))
            try:
                act(at)
            except (TrinnvisError, InvalidInput):
                session.rollback()
                assert session.scalar(select(func.count()).select_from(AuditEvent)) == events
                return
            session.commit()
            after = ceiling.standing(session, self.agreement_id).headroom
            assert before is not None
            assert after is not None
            if name != "usage" and before >= 0 > after:
                newest = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
                assert "overridden" in {one["code"] for one in newest.data["warnings"]}, (name, before, after)
            self.look(session)

    def look(self, session: Session) -> None:
        cases = list_cases(session, agreement_id=self.agreement_id)
        for case in cases:
            self.look_at(case)
        running = [case for case in cases if case.kind == "activation" and case.state in workflow.HOLDING]
        held = Counter((case.trust, case.algorithm) for case in running)
        assert all(count == 1 for count in held.values()), held
        slots = session.scalar(select(func.count()).select_from(ActivationSlot)) or 0
        taken_over = sum(case.taken_over_id is not None for case in running)
        assert slots + taken_over == sum(held.values())

    def look_at(self, case: Case) -> None:
        approvers = [person for one in case.approvals for person in {one.by, one.principal}]
        assert len(set(approvers)) == len(approvers), case.approvals
        assert not set(approvers) & case.requesters, (case.approvals, case.requesters)
        if case.state == "lapsed":
            self.lapsed.add(case.id)
        assert (case.id in self.lapsed) == (case.state == "lapsed")
        if case.kind == "activation" and case.state in ("ordered", "validating", "live") and case.submission:
            figures = case.submission.figures
            assert figures is not None
            assert len(case.approvals) >= (2 if figures.p90 >= 1_000_000 else 1)

    def pick(self, at: Desk, number: int) -> Case:
        """Choose a case: the newest ones, and the option that is under way."""
        cases = list_cases(at.session, agreement_id=self.agreement_id)
        own = [case for case in cases if case.kind == "activation" and case.taken_over_id is None]
        option = next(case for case in cases if case.kind == "option" and case.trust == "nord-norge")
        choices = [*own[-4:], option]
        return choices[number % len(choices)]

    def actor(self, who: str, roles: set[str]) -> Actor:
        return Actor(f"person:{who}@example.org", who, tuple(Grant(role) for role in sorted(roles)))


def run_courses(courses: int, steps: int, folder: Path, *, derandomize: bool) -> Counter[str]:
    """Run courses and give which steps were taken how often; a violation raises."""
    Courses.folder = folder
    Courses.taken = Counter()
    _template.clear()
    run_state_machine_as_test(
        Courses,
        settings=hypothesis.settings(
            max_examples=courses,
            stateful_step_count=steps,
            derandomize=derandomize,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    return Courses.taken


def run(count: float) -> list[Row]:
    """Run 1 000 × ``count`` courses of 50 steps, half of them in each of two processes."""
    each = max(5, int(FULL * count) // 2)
    folder = Path(tempfile.mkdtemp(prefix="trinnvis-soak-"))
    violations, taken = [], Counter[str]()
    try:
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            places = [folder / name for name in ("one", "two")]
            for place in places:
                place.mkdir()
            for work in [pool.submit(run_courses, each, STEPS, place, derandomize=False) for place in places]:
                try:
                    taken += work.result()
                except AssertionError as error:
                    violations.append(str(error)[:500])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    told = f"{2 * each} courses of {STEPS} steps; taken: " + ", ".join(f"{k} {v}" for k, v in sorted(taken.items()))
    return [Row("workflow: violations in random courses", len(violations), 0, "at_most", "; ".join(violations) or told)]
