"""Random courses of options and activations: any order of steps, people, roles, delegations, plans, papers and usage.

Most steps lead a case on and do first what it lacks: papers, funding, a certificate, an override, another submission. The
others are strays: any event by anybody with any roles, in anybody's place. The course keeps books of its own on who had a
hand in what, so that it does not ask the code under test who a requester is.

What must hold after every step: a step of a case writes exactly one audit event and a refused one writes none; no step but
one with an allowed override takes the headroom from at least zero below zero; nobody approves what they had a hand in, and
no two approvals of one submission are one person's, in person or through a deputy; what lapsed stays lapsed, and only where
the option is exercised does anything go on; one case holds an algorithm at a trust. At the end the trail verifies.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ClassVar

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session, sessionmaker

from contracts import agreements, audit, ceiling, schema_versions
from contracts.cases import Case, CaseId, list_cases
from contracts.errors import Refused, TrinnvisError
from contracts.extensions import make_engine
from contracts.models import ActivationSlot, AuditEvent
from contracts.options import dossier
from contracts.options import steps as options
from contracts.people import access, stand_ins
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.schemas.agreement import load_agreement
from contracts.terms import workflow
from contracts.terms.price_book import InvalidInput
from tests import desk
from tests.desk import Desk
from tests.measure import Row

FULL = 1000
STEPS = 50
TRUSTS = ("akershus", "nord-norge")
ALGORITHMS = ("ct-pe", "xray-skeletal")
NAMES = ("anna", "bo", "cecilie", "dag", "eva", "finn")
ROLES = ("trust_requester", "contract_manager", "approver")
FIRST = datetime(2026, 10, 15, 9, tzinfo=UTC)
# Where a case goes on from each state, if all goes well.
ONWARD = {
    ("option", "listed"): "review",
    ("option", "under_review"): "submit",
    ("option", "submitted"): "approve",
    ("option", "approved"): "exercise",
    ("activation", "draft"): "submit",
    ("activation", "submitted"): "approve",
    ("activation", "approved"): "order",
    ("activation", "ordered"): "start_validation",
    ("activation", "validating"): "go_live",
    ("activation", "live"): "suspend",
    ("activation", "suspended"): "resume",
}
# How often each kind of step is tried, of 50.
WEIGHTS = {
    "along": 29,
    "draft": 3,
    "stray": 7,
    "exit": 2,
    "plan": 1,
    "swap": 1,
    "delegate": 2,
    "usage_rises": 1,
    "override": 1,
    "days_pass": 3,
}
QUANTITIES = (2000, 100, 5000, 100, 2000, 9999, 100, 10000, 2000, 12000)
AMOUNTS = (0, 20_000, 150_000, 400_000, 60_000, 1_250_000)
DAYS = (1, 1, 3, 1, 7, 14, 2, 80)

kinds = st.sampled_from([kind for kind, weight in WEIGHTS.items() for _ in range(weight)])
people = st.sampled_from(NAMES)
roles = st.sets(st.sampled_from(ROLES), min_size=1)
numbers = st.integers(0, 839)

_template: list[sqlite3.Connection] = []
_engine: list[Engine] = []


def template() -> sqlite3.Connection:
    """Give a database with the agreement and the people that every course starts from; made once in a process."""
    if not _template:
        folder = Path(tempfile.mkdtemp(prefix="trinnvis-courses-"))
        engine = make_engine(f"sqlite:///{folder / 'template.db'}")
        schema_versions.upgrade(engine)
        with sessionmaker(engine.execution_options(trinnvis_write=True)).begin() as session:
            document = desk.agreement_document(akershus="exercised", nord_norge="listed")
            agreements.import_agreement(
                session, document=load_agreement(document), actor=COMMAND_LINE, now=FIRST - timedelta(days=600)
            )
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
        engine.dispose()
        kept = sqlite3.connect(":memory:")
        with sqlite3.connect(folder / "template.db") as made:
            made.backup(kept)
        made.close()
        shutil.rmtree(folder, ignore_errors=True)
        _template.append(kept)
    return _template[0]


def fresh_engine() -> Engine:
    """Give the process's engine on a database in memory, with the template's rows and nothing else.

    One engine for all courses: it keeps what it compiled.
    """
    if not _engine:
        _engine.append(make_engine("sqlite://"))
    raw = _engine[0].raw_connection()
    template().backup(raw.driver_connection)  # type: ignore[arg-type]  # it is the sqlite3 module's
    raw.close()
    return _engine[0]


class Courses(RuleBasedStateMachine):
    """One course: its own database, its own clock, its own books."""

    taken: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.sessions = sessionmaker(fresh_engine().execution_options(trinnvis_write=True), expire_on_commit=False)
        self.now = FIRST
        self.lapsed: set[CaseId] = set()
        self.hands: dict[CaseId, set[str]] = {}
        self.approved: dict[CaseId, list[set[str]]] = {}
        self.overridden: set[str] = set()
        self.went_live = False
        self.notes: list[Callable[[], None]] = []
        with self.sessions() as session:
            self.agreement_id = agreements.find_agreement(session).id
            self.look(session)
            self.headroom = self.left(session)
            self.events = self.count(session)

    def teardown(self) -> None:
        with self.sessions() as session:
            assert audit.verify(session).whole
        self.taken["courses"] += 1
        self.taken["courses that went live"] += self.went_live

    @rule(kind=kinds, who=people, other=people, roles=roles, number=numbers)
    def step(self, kind: str, who: str, other: str, roles: set[str], number: int) -> None:
        """Do one thing of a kind chosen by its weight; hypothesis alone would choose all kinds alike."""
        self.taken["steps"] += 1
        getattr(self, kind)(who, other, roles, number)

    def along(self, who: str, other: str, roles: set[str], number: int) -> None:
        """Lead a case on by one step, or do what it lacks for that."""
        case = self.under_way(number)
        if case is None:
            self.draft(who, other, {*roles, "trust_requester"}, number)
            return
        event = ONWARD[case.kind, case.state]
        refusals = self.lead(case, event, who, other, roles)
        if refusals:
            self.mend(case, refusals, who, other, number)

    def lead(self, case: Case, event: str, who: str, other: str, roles: set[str]) -> list[str]:
        """Take a step the way it should be taken and give the codes that refuse it, none where it was taken."""
        rule = workflow.rule_of(case.kind, event)
        assert rule is not None
        able = sorted(rule.roles & set(ROLES))[0]
        name = self.decider(case, who) if rule.decision else self.requester(case, who)
        deputy_of = other if rule.decision and name != other and len(roles) == 1 else None
        return self.do(event, lambda at: self.act(at, case, event, self.actor(name, {*roles, able}), deputy_of))

    def mend(self, case: Case, refusals: list[str], who: str, other: str, number: int) -> None:
        """Do what the first refusal asks for."""
        code = refusals[0]
        if code in ("item_not_accepted", "item_incomplete"):
            self.do("file", lambda at: self.file(at, case, self.requester(case, who)))
        elif code == "year_not_funded":
            amount = ("60000.00", "900000.00")[number % 2]
            self.do("fund", lambda at: at.fund(case.trust, amount))
        elif code in ("certificate_missing", "certificate_not_valid"):
            # One that ends inside the ramp now and then, so that it may be over at the go-live or when use goes on.
            until = self.now.date() + timedelta(days=(30, 900, 400, 900)[number % 4])
            self.do(
                "certify", lambda at: at.certify(case.algorithm or "", max(until, self.start()), number=f"NB-{number}")
            )
        elif code == "option_not_exercised":
            option = next(one for one in self.cases if one.kind == "option" and one.trust == case.trust)
            onward = ONWARD.get((option.kind, option.state), "withdraw")
            refused = self.lead(
                option if onward != "withdraw" else case, onward, who, other, {"approver", "trust_requester"}
            )
            if set(refused) & {"item_not_accepted"}:
                self.do("file", lambda at: self.file(at, option, self.requester(option, who)))
        elif code in ("changed_since_submission", "approvals_missing") and case.state in ("submitted", "approved"):
            self.lead(case, "return", who, other, {"approver", "trust_requester"})
        elif code == "above_ceiling" and number % 2:
            self.override(who, other, {"approver"}, number, case)
        elif code == "above_ceiling" and case.state == "draft":
            self.plan(who, other, {"trust_requester"}, 1, case)
        elif workflow.rule_of(case.kind, "withdraw") is not None:
            self.lead(case, "withdraw", who, other, roles={"trust_requester"})

    def draft(self, who: str, other: str, roles: set[str], number: int) -> None:
        quantity = QUANTITIES[number % len(QUANTITIES)]
        trust, algorithm = TRUSTS[number // 10 % 2], ALGORITHMS[number // 20 % 2]
        actor = self.actor(who, roles)

        def begin(at: Desk) -> None:
            made = at.draft(trust, algorithm, actor=actor, starts_on=self.start(), monthly_quantity=quantity)
            self.had_a_hand(made, who)

        self.do("draft", begin)

    def stray(self, who: str, other: str, roles: set[str], number: int) -> None:
        """Try any event of a case, or most often one of its state, whoever it is and whatever their roles."""
        case = self.pick(number)
        here = [one.event for one in workflow.events_from(case.kind, case.state)]
        events = list(workflow.events_of(case.kind)) if number % 3 == 0 or not here else here
        event = events[number // 3 % len(events)]
        deputy_of = other if number % 2 else None
        self.do("stray", lambda at: self.act(at, case, event, self.actor(who, roles), deputy_of))

    def exit(self, who: str, other: str, roles: set[str], number: int) -> None:
        """Take a case back, out, or to its end."""
        case = self.pick(number)
        here = [
            one.event
            for one in workflow.events_from(case.kind, case.state)
            if one.event != ONWARD.get((case.kind, case.state)) and workflow.CALENDAR not in one.roles
        ]
        if here:
            self.lead(case, here[number // 5 % len(here)], who, other, roles)

    def plan(self, who: str, other: str, roles: set[str], number: int, case: Case | None = None) -> None:
        chosen = case or self.pick(number)

        def replan(at: Desk) -> None:
            options.plan_again(
                at.session,
                case=at.case(chosen.id),
                starts_on=self.start(),
                monthly_quantity=QUANTITIES[number % len(QUANTITIES)],
                actor=self.actor(who, roles),
                now=self.now,
            )
            self.had_a_hand(chosen.id, who)

        self.do("plan", replan)

    def swap(self, who: str, other: str, roles: set[str], number: int) -> None:
        """File another paper where one is accepted, perhaps after the approval."""
        case = self.pick(number)

        def again(at: Desk) -> None:
            at.file(case.id, "decision_and_funding", actor=self.actor(who, roles), text=f"{number}".encode())
            self.had_a_hand(case.id, who)
            self.had_a_hand(case.id, "archivist")

        self.do("swap", again)

    def delegate(self, who: str, other: str, roles: set[str], number: int) -> None:
        self.do(
            "delegate",
            lambda at: stand_ins.delegate(
                at.session,
                deputy=f"{other}@example.org",
                first=self.now.date(),
                until=self.now.date() + timedelta(days=1 + number % 60),
                reason="",
                actor=self.actor(who, {"approver"}),
                now=self.now,
            ),
        )

    def usage_rises(self, who: str, other: str, roles: set[str], number: int) -> None:
        """Usage rises by itself, and may take the headroom below zero."""
        amount = Decimal(AMOUNTS[number % len(AMOUNTS)])
        self.do(
            "usage",
            lambda at: ceiling.post(
                at.session,
                agreement_id=self.agreement_id,
                kind="accrued",
                source="billing",
                amount=amount,
                recorded_by="billing",
                now=self.now,
            ),
        )

    def override(self, who: str, other: str, roles: set[str], number: int, case: Case | None = None) -> None:
        chosen = case or self.pick(number)

        def allow(at: Desk) -> None:
            standing = at.case(chosen.id)
            request = Decimal(0 if standing.plan is None else standing.plan.monthly_quantity * 100)
            made = ceiling.ask_override(
                at.session,
                case=standing,
                request=request,
                reason="x",
                actor=self.actor(who, {"contract_manager"}),
                now=self.now,
            )
            ceiling.decide_override(
                at.session,
                case=standing,
                override_id=made.id,
                decision="approved",
                comment="",
                actor=self.actor(self.decider(standing, other), roles),
                now=self.now,
            )
            self.notes.append(lambda: self.overridden.add(str(chosen.id)))

        self.do("override", allow)

    def days_pass(self, who: str, other: str, roles: set[str], number: int) -> None:
        """The calendar goes on, and lapses what is over."""
        self.now += timedelta(days=DAYS[number % len(DAYS)])
        over = [one for one in self.cases if one.deadline and self.now >= workflow.deadline_over(one.deadline)]
        if any(one.state in ("listed", "under_review", "submitted", "approved") for one in over):
            self.do("calendar", lambda at: options.lapse_due(at.session, agreement_id=self.agreement_id, now=self.now))

    def file(self, at: Desk, case: Case, who: str) -> None:
        """File and accept what the next step needs."""
        due = workflow.required_items(case.kind, ONWARD[case.kind, case.state])
        actor, case = self.actor(who, {"trust_requester"}), at.case(case.id)
        missing = [one.code for one in dossier.items(at.session, case) if one.status != "accepted" and one.code in due]
        said = {"cost_centre": desk.COST_CENTRE, "year": 2026, "sub_processors": "none", "place": "Norway"}
        for code in missing:
            offered = dossier.offer(
                at.session,
                case=case,
                item=code,
                filename=f"{code}.txt",
                content=code.encode(),
                facts={name: said[name] for name in workflow.ITEM_FACTS.get(code, ())},
                actor=actor,
                now=self.now,
            )
            assert offered.entry_id is not None
            case = replace(case, row_id=dossier.case_row_of(at.session, case, actor, self.now))
            dossier.judge(
                at.session,
                case=case,
                item=code,
                seen=offered.entry_id,
                status="accepted",
                actor=self.actor("archivist", {"contract_manager"}),
                now=self.now,
            )
        self.had_a_hand(case.id, who)
        if missing:
            self.had_a_hand(case.id, "archivist")

    def act(self, at: Desk, case: Case, event: str, actor: Actor, deputy_of: str | None) -> None:
        """Take a step, with exactly one audit event, and note what it means in the course's own books."""
        delegation, principal = None, actor.id
        if deputy_of is not None:
            running = stand_ins.list_stand_ins(at.session, deputy=actor.id, on=self.now.date())
            held = [one.id for one in running if one.principal == f"person:{deputy_of}@example.org"]
            delegation = held[-1] if held else None
        rule = workflow.rule_of(case.kind, event)
        if delegation is not None and rule is not None and rule.decision:
            principal = f"person:{deputy_of}@example.org"
        starts_on = desk.START if case.plan is None else case.plan.starts_on
        on = {"go_live": max(starts_on, self.now.date()), "end": self.now.date() + timedelta(days=60)}.get(event)
        figures = None
        if event == "submit" and case.plan is not None:
            quantity = case.plan.monthly_quantity
            figures = desk.figures(f"{quantity * 100}.00", f"{quantity * 90}.00")
        events = self.count(at.session)
        now = at.act(case.id, event, actor, on=on, figures=figures, delegation=delegation)
        assert self.count(at.session) == events + 1, (case.id, event)
        self.notes.append(lambda: self.note(now, event, actor.id, principal))

    def note(self, case: Case, event: str, by: str, principal: str) -> None:
        """Write a step into the books and hold it against them."""
        self.taken[f"{case.kind}.{event}"] += 1
        if event in ("review", "submit"):
            self.hands.setdefault(case.id, set()).add(by)
        if event == "submit":
            self.approved[case.id] = []
        if event == "approve":
            persons = {by, principal}
            earlier: set[str] = set().union(*self.approved[case.id])
            assert not persons & self.hands.get(case.id, set()), (case.id, persons, self.hands)
            assert not persons & earlier, (case.id, persons, earlier)
            self.approved[case.id].append(persons)
        if case.kind == "activation" and event in (
            "submit",
            "approve",
            "order",
            "start_validation",
            "go_live",
            "resume",
        ):
            option = next(one for one in self.cases if one.kind == "option" and one.trust == case.trust)
            assert option.state == "exercised", (case.id, event, option.state)
        self.went_live |= event == "go_live"

    def had_a_hand(self, case_id: CaseId, who: str) -> None:
        self.notes.append(lambda: self.hands.setdefault(case_id, set()).add(f"person:{who}@example.org"))

    def do(self, name: str, act: Callable[[Desk], Any]) -> list[str]:
        """Do one thing in a transaction of its own, look at what must hold after it, and give the codes that refused it."""
        self.notes.clear()
        with self.sessions() as session:
            try:
                act(Desk(session, self.agreement_id, self.now))
            except (TrinnvisError, InvalidInput) as error:
                session.rollback()
                assert self.count(session) == self.events, name
                self.taken["refused"] += 1
                return [one.code for one in error.refusals] if isinstance(error, Refused) else [type(error).__name__]
            session.commit()
            self.taken["done"] += 1
            before, self.headroom, self.events = self.headroom, self.left(session), self.count(session)
            for note in self.notes:
                note()
            if name != "usage" and before >= 0 > self.headroom:
                newest = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
                assert "overridden" in {one["code"] for one in newest.data["warnings"]}, (name, before, self.headroom)
                assert newest.subject in self.overridden, (newest.subject, self.overridden)
                self.taken["overrides used"] += 1
            self.look(session)
        return []

    def look(self, session: Session) -> None:
        self.cases = list_cases(session, agreement_id=self.agreement_id)
        for case in self.cases:
            self.look_at(case)
        running = [case for case in self.cases if case.kind == "activation" and case.state in workflow.HOLDING]
        held = Counter((case.trust, case.algorithm) for case in running)
        assert all(count == 1 for count in held.values()), held
        slots = session.scalar(select(func.count()).select_from(ActivationSlot)) or 0
        taken_over = sum(case.taken_over_id is not None for case in running)
        assert slots + taken_over == sum(held.values())

    def look_at(self, case: Case) -> None:
        approvers = [person for one in case.approvals for person in {one.by, one.principal}]
        assert len(set(approvers)) == len(approvers), case.approvals
        assert not set(approvers) & self.hands.get(case.id, set()), (case.approvals, self.hands)
        assert self.hands.get(case.id, set()) <= case.requesters
        if case.state == "lapsed":
            self.lapsed.add(case.id)
        assert (case.id in self.lapsed) == (case.state == "lapsed")
        if case.kind == "activation" and case.state in ("ordered", "validating", "live") and case.submission:
            figures = case.submission.figures
            assert figures is not None
            assert len(case.approvals) >= (2 if figures.p90 >= 1_000_000 else 1)

    def left(self, session: Session) -> Decimal:
        headroom = ceiling.standing(session, self.agreement_id).headroom
        assert headroom is not None
        return headroom

    def count(self, session: Session) -> int:
        return session.scalar(select(func.count()).select_from(AuditEvent)) or 0

    def start(self) -> date:
        return max(desk.START, self.now.date())

    def own(self) -> list[Case]:
        return [case for case in self.cases if case.kind == "activation" and case.taken_over_id is None]

    def pick(self, number: int) -> Case:
        """Choose a case: one of the newest, or the option that is to be taken up."""
        option = next(case for case in self.cases if case.kind == "option" and case.trust == TRUSTS[1])
        choices = [*self.own()[-4:], option]
        return choices[number % len(choices)]

    def under_way(self, number: int) -> Case | None:
        """Choose a case that can go on: most often the oldest that is not live yet, ``None`` where there is none."""
        going = [case for case in self.own() if (case.kind, case.state) in ONWARD]
        waiting = [case for case in going if case.state not in ("live", "suspended")]
        if number % 6 == 5 and going:
            return going[number // 6 % len(going)]
        return waiting[0] if waiting else None

    def requester(self, case: Case, who: str) -> str:
        """Give somebody who did not approve the case: one of the first three most often, so that others stay free."""
        approved: set[str] = set().union(*self.approved.get(case.id, []))
        order = [NAMES[NAMES.index(who) % 3], *NAMES]
        return next(name for name in order if f"person:{name}@example.org" not in approved)

    def decider(self, case: Case, who: str) -> str:
        """Give somebody who had no hand in the case and did not approve it, from ``who`` on; ``who`` where nobody is."""
        out = self.hands.get(case.id, set()).union(*self.approved.get(case.id, []))
        first = NAMES.index(who)
        order = [*NAMES[first:], *NAMES[:first]]
        return next((name for name in order if f"person:{name}@example.org" not in out), who)

    def actor(self, who: str, roles: set[str]) -> Actor:
        return Actor(f"person:{who}@example.org", who, tuple(Grant(role) for role in sorted(roles)))


def run_courses(courses: int, steps: int, *, derandomize: bool) -> Counter[str]:
    """Run courses and give which steps were taken how often; a violation raises."""
    Courses.taken = Counter()
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
    violations, taken = [], Counter[str]()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for work in [pool.submit(run_courses, each, STEPS, derandomize=False) for _ in range(2)]:
            try:
                taken += work.result()
            except AssertionError as error:
                violations.append(str(error)[:500])
    told = ", ".join(f"{name} {times}" for name, times in sorted(taken.items()))
    live = taken["courses that went live"] / max(1, taken["courses"])
    return [
        Row("workflow: violations in random courses", len(violations), 0, "at_most", "; ".join(violations) or told),
        Row("workflow: share of random courses that went live", live, 0.5, "at_least", told),
    ]
