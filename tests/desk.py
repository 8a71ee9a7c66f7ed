"""A desk on which cases of the workflow are worked: people, an agreement with open options, papers, and any state.

Everything goes through the use cases; nothing here writes a row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from contracts.cases import Case, CaseId, find_case
from contracts.options import catalogue, dossier, funding
from contracts.options import steps as options
from contracts.options.steps import Request
from contracts.people.access import CALENDAR, ROLES, TRUST_ROLES, Actor, Grant
from contracts.terms import workflow
from contracts.terms.cost_figures import CostFigures, MonthCost
from tests import examples
from tests.recorded import record_agreement

NOW = datetime(2026, 10, 15, 9, tzinfo=UTC)
LATE = datetime(2027, 1, 1, 12, tzinfo=UTC)
TRUST, OTHER = "akershus", "nord-norge"
ALGORITHM = "ct-pe"
START = date(2026, 11, 1)
COST_CENTRE = "4711"


def person(name: str, *roles: str, trust: str | None = None) -> Actor:
    """Give somebody with roles, for all trusts or within one."""
    return Actor(f"person:{name}@example.org", name, tuple(Grant(role, trust) for role in roles))


REQUESTER = person("requester", "trust_requester", trust=TRUST)
MANAGER = person("manager", "contract_manager")
# Who accepts what others file.
ARCHIVIST = person("archivist", "contract_manager")
APPROVER = person("approver", "approver")
SECOND = person("second", "approver")
CONTROLLER = person("controller", "finance_controller")
# Everybody who might try a step: one person of each role (within the case's trust where the role is), and the calendar.
EVERYBODY: dict[str, Actor] = {
    role: person(f"any-{role}", role, trust=TRUST if role in TRUST_ROLES else None) for role in ROLES
} | {"calendar": CALENDAR}


def agreement_document(maximum: str | None = "1200000.00", **states: str) -> dict[str, Any]:
    """Give the small agreement with every algorithm priced, and the options of some trusts in other states."""
    document = examples.agreement()
    document["maximum_value"] = maximum
    document["price_book"]["versions"][0]["charges"][0]["algorithms"] = "all"
    for holder in document["option_holders"]:
        state = states.get(holder["code"].replace("-", "_"))
        if state is not None:
            course = [{"state": "listed", "on": "2024-01-01"}]
            holder["option"]["states"] = course + ([] if state == "listed" else [{"state": state, "on": "2024-06-01"}])
    return document


def figures(p90: str = "120000.00", expected: str | None = None, years: Iterable[int] = (2026, 2027)) -> CostFigures:
    """Give cost figures with a P90, spread evenly over years."""
    mean = Decimal(expected or p90)
    listed = tuple(years)
    share = (mean / len(listed)).quantize(Decimal("0.01"))
    months = [MonthCost(date(year, 11 if year == 2026 else 1, 1), share) for year in listed]
    months[-1] = MonthCost(months[-1].month, mean - share * (len(listed) - 1))
    return CostFigures(
        first=START,
        until=date(2028, 1, 1),
        expected=mean,
        p90=Decimal(p90),
        first_year=mean / 2,
        ramp_end=date(2027, 2, 1),
        others=Decimal("-1000.00"),
        by_month=tuple(months),
        basis="a table in a test",
    )


@dataclass
class Desk:
    """An agreement and what is needed to work its cases, in one session."""

    session: Session
    agreement_id: int
    now: datetime = NOW

    def case(self, case_id: CaseId) -> Case:
        """Give a case as it stands."""
        return find_case(self.session, agreement_id=self.agreement_id, case_id=case_id)

    def act(self, case_id: CaseId, event: str, actor: Actor, **more: Any) -> Case:
        """Take a step; ``on``, ``comment`` and ``delegation`` come with it."""
        if event in ("suspend", "resume"):
            # It is live from the day it was planned for, which lies ahead of the desk's own today.
            more.setdefault("on", START)
        request = Request(
            on=more.pop("on", None), comment=more.pop("comment", "because"), delegation=more.pop("delegation", None)
        )
        return options.act(
            self.session,
            agreement_id=self.agreement_id,
            case_id=case_id,
            event=event,
            request=request,
            figures=more.pop("figures", figures() if event == "submit" and case_id.kind == "activation" else None),
            actor=actor,
            now=self.now,
            **more,
        )

    def draft(self, trust: str = TRUST, algorithm: str = ALGORITHM, actor: Actor = REQUESTER, **plan: Any) -> CaseId:
        """Draft an activation."""
        values: dict[str, Any] = {"starts_on": START, "monthly_quantity": 500, "intended_use": "Triage"} | plan
        return options.draft_activation(
            self.session,
            agreement_id=self.agreement_id,
            trust=trust,
            algorithm=algorithm,
            actor=actor,
            now=self.now,
            **values,
        ).id

    def file(self, case_id: CaseId, *items: str, actor: Actor = REQUESTER, text: bytes = b"paper") -> None:
        """File and accept documents, all that the case may need where none is named."""
        for item in items or tuple(workflow.DOSSIER_ITEMS[case_id.kind]):
            facts = {
                name: {"cost_centre": COST_CENTRE, "year": 2026, "sub_processors": "none", "place": "Norway"}[name]
                for name in workflow.ITEM_FACTS.get(item, ())
            }
            offered = dossier.offer(
                self.session,
                case=self.case(case_id),
                item=item,
                filename=f"{item}.txt",
                content=text + item.encode(),
                facts=facts,
                actor=actor,
                now=self.now,
            )
            assert offered.entry_id is not None
            self.accept(case_id, item)

    def accept(self, case_id: CaseId, item: str, actor: Actor | None = None) -> None:
        """Accept the item as it stands, as somebody who did not file it."""
        case = self.case(case_id)
        standing = next(one for one in dossier.items(self.session, case) if one.code == item)
        assert standing.entry_id is not None
        dossier.judge(
            self.session,
            case=case,
            item=item,
            seen=standing.entry_id,
            status="accepted",
            actor=actor or ARCHIVIST,
            now=self.now,
        )

    def fund(self, trust: str = TRUST, amount: str = "1000000.00") -> None:
        """Approve funding of 2026 and 2027."""
        for year in (2026, 2027):
            funding.set_budget(
                self.session,
                trust=trust,
                cost_centre=COST_CENTRE,
                year=year,
                amount=Decimal(amount),
                approved_on=date(2026, 1, 10),
                reference="Board 3/2026",
                actor=CONTROLLER,
                now=self.now,
            )

    def certify(self, algorithm: str = ALGORITHM, expires_on: date = date(2029, 6, 30), **more: Any) -> None:
        """Record a certificate."""
        values: dict[str, Any] = {"ce_class": "IIa", "number": "NB-1", "valid_from": date(2021, 1, 1)} | more
        catalogue.record_certificate(
            self.session,
            algorithm=algorithm,
            notified_body="0123",
            expires_on=expires_on,
            actor=MANAGER,
            now=self.now,
            **values,
        )

    def prepared(self, **plan: Any) -> CaseId:
        """Draft an activation with everything that any step needs."""
        self.certify()
        self.fund()
        case_id = self.draft(**plan)
        self.file(case_id)
        return case_id

    def bring(self, case_id: CaseId, state: str) -> CaseId:
        """Bring a prepared case into a state by legal steps."""
        for event, actor in WAYS[case_id.kind][state]:
            if event == "lapse":
                self.act(case_id, event, actor, at=LATE)
            elif event == "go_live":
                self.act(case_id, event, actor, on=START)
            elif event == "end" and case_id.kind == "activation":
                self.act(case_id, event, actor, on=date(2027, 3, 1))
            else:
                self.act(case_id, event, actor)
        assert self.case(case_id).state == state
        return case_id


_SUBMITTED = (("review", REQUESTER), ("submit", REQUESTER))
_LIVE = (
    ("submit", REQUESTER),
    ("approve", APPROVER),
    ("order", MANAGER),
    ("start_validation", REQUESTER),
    ("go_live", REQUESTER),
)
# How each state is come to, step by step.
WAYS: dict[str, dict[str, tuple[tuple[str, Actor], ...]]] = {
    "option": {
        "listed": (),
        "under_review": _SUBMITTED[:1],
        "submitted": _SUBMITTED,
        "approved": (*_SUBMITTED, ("approve", APPROVER)),
        "exercised": (*_SUBMITTED, ("approve", APPROVER), ("exercise", MANAGER)),
        "declined": (*_SUBMITTED, ("decline", APPROVER)),
        "withdrawn": (*_SUBMITTED, ("withdraw", REQUESTER)),
        "lapsed": (("lapse", CALENDAR),),
        "ended": (*_SUBMITTED, ("approve", APPROVER), ("exercise", MANAGER), ("end", MANAGER)),
    },
    "activation": {
        "draft": (),
        "submitted": _LIVE[:1],
        "approved": _LIVE[:2],
        "ordered": _LIVE[:3],
        "validating": _LIVE[:4],
        "live": _LIVE,
        "suspended": (*_LIVE, ("suspend", MANAGER)),
        "ended": (*_LIVE, ("end", MANAGER)),
        "rejected": (*_LIVE[:1], ("reject", APPROVER)),
        "withdrawn": (*_LIVE[:1], ("withdraw", REQUESTER)),
    },
}


def open_desk(**states: str) -> int:
    """Record the desk's agreement, committed, and give its id."""
    return record_agreement(agreement_document(**states))
