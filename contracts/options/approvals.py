"""Who approves: standing in for one another with dates, how many are needed, and what waits for whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts import agreements, audit
from contracts.cases import LARGEST_ID, Case, list_cases
from contracts.deadlines import register
from contracts.errors import Conflict, Denied, Finding, NotFound, invalid
from contracts.models import Delegation, Person, Setting
from contracts.models.base import known
from contracts.people import access
from contracts.people.access import Actor
from contracts.terms.cost_figures import CostFigures
from contracts.terms.deadline import Deadline
from contracts.terms.money import format_amount
from contracts.terms.period import Period

TWO_FROM: Final = Decimal(1_000_000)
LARGEST_LIMIT: Final = Decimal(1_000_000_000)
_TWO_FROM_KEY: Final = "approval.two_from"


@dataclass(frozen=True, slots=True)
class StandIn:
    """``deputy`` may approve in the place of ``principal`` over ``period``; both by the id that their acts carry."""

    id: int
    principal: str
    deputy: str
    period: Period
    reason: str


def two_from(session: Session, known_at: datetime | None = None) -> Decimal:
    """Give the amount (kroner excluding VAT) from which on two people must approve: the setting, else 1 000 000."""
    query = select(Setting.value).where(Setting.key == _TWO_FROM_KEY).order_by(Setting.id.desc()).limit(1)
    written = session.scalar(query if known_at is None else query.where(Setting.recorded_at <= known_at))
    return TWO_FROM if written is None else Decimal(written)


@dataclass(frozen=True, slots=True)
class Limit:
    """The amount from which on two people must approve, as somebody set it."""

    amount: Decimal
    by: str
    at: datetime


def limits(session: Session) -> list[Limit]:
    """List how the limit was set, the newest first; none where it never was."""
    rows = session.scalars(select(Setting).where(Setting.key == _TWO_FROM_KEY).order_by(Setting.id.desc()))
    return [Limit(Decimal(row.value), row.recorded_by, row.recorded_at) for row in rows]


def set_two_from(session: Session, *, amount: Decimal, actor: Actor, now: datetime) -> None:
    """Set the amount from which on two people must approve."""
    actor.require("settings.change")
    if not 0 <= amount <= LARGEST_LIMIT or amount != amount.quantize(Decimal("0.01")):
        invalid([Finding("#/amount", "out_of_range", f"the amount is 0.00 to {LARGEST_LIMIT}, in whole øre")])
    session.add(Setting(key=_TWO_FROM_KEY, value=format_amount(amount), recorded_at=now, recorded_by=actor.id))
    audit.record(session, "setting.change", f"setting:{_TWO_FROM_KEY}", {"value": format_amount(amount)}, actor.id, now)


def needed(session: Session, figures: CostFigures | None) -> int:
    """Tell how many people must approve: two where the P90 to the agreement's end reaches the setting."""
    return 2 if figures is not None and figures.p90 >= two_from(session) else 1


def delegate(
    session: Session, *, deputy: str, first: date, until: date, reason: str, actor: Actor, now: datetime
) -> StandIn:
    """Let ``deputy`` (an e-mail address) approve in the actor's place over ``[first, until)``.

    Raises `Denied` for programs, `NotFound` for somebody unknown, `InvalidInput` for an empty period or oneself.
    """
    actor.require("approval.delegate")
    if not actor.id.startswith("person:"):
        raise Denied("only a person is stood in for")
    address = deputy.strip().lower()
    if session.scalar(select(Person.id).where(Person.email == address)) is None:
        raise NotFound(f"nobody is registered with the address {address}")
    findings = []
    if first >= until:
        findings.append(Finding("#/to", "empty_period", "the first day after it lies after the first day"))
    if f"person:{address}" == actor.id:
        findings.append(Finding("#/deputy", "oneself", "nobody stands in for themselves"))
    if len(reason) > 2000:
        findings.append(Finding("#/reason", "too_long", "A reason has at most 2000 characters."))
    invalid(findings)
    row = Delegation(
        principal=actor.id,
        deputy=f"person:{address}",
        from_on=first,
        to_on=until,
        reason=reason.strip(),
        void=False,
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    _log(session, "approval.delegate", row, actor, now)
    return _stand_in(row)


def take_back(session: Session, *, delegation_id: int, actor: Actor, now: datetime) -> None:
    """Take a delegation of one's own back; `Conflict` where it is taken back already."""
    row = session.get(Delegation, delegation_id) if delegation_id < LARGEST_ID else None
    if row is None or row.void or row.principal != actor.id:
        raise NotFound("there is no such delegation of yours")
    if session.scalar(select(Delegation.id).where(Delegation.supersedes_id == row.id)) is not None:
        raise Conflict("taken_back", "this delegation is taken back already")
    session.add(
        Delegation(
            principal=row.principal,
            deputy=row.deputy,
            from_on=row.from_on,
            to_on=row.to_on,
            reason=row.reason,
            void=True,
            supersedes_id=row.id,
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    _log(session, "approval.take_back", row, actor, now)


def stand_ins(session: Session, *, deputy: str | None = None, on: date | None = None) -> list[StandIn]:
    """List who stands in for whom (on a day), oldest first."""
    query = select(Delegation).where(known(Delegation, None)).order_by(Delegation.id)
    if deputy is not None:
        query = query.where(Delegation.deputy == deputy)
    found = [_stand_in(row) for row in session.scalars(query)]
    return [one for one in found if on is None or one.period.contains(on)]


def principal_of(session: Session, *, act: str, trust: str, delegation_id: int | None, actor: Actor, on: date) -> str:
    """Give in whose place the actor does an act at a trust: their own, or their principal's.

    Raises `Denied` where neither their own roles nor a delegation that runs on that day allows it.
    """
    if delegation_id is None:
        actor.require(act, trust)
        return actor.id
    held = next((one for one in stand_ins(session, deputy=actor.id, on=on) if one.id == delegation_id), None)
    principal = None if held is None else _actor(session, held.principal)
    if held is None or principal is None or not principal.may(act, trust):
        raise Denied("no delegation to you allows this here on this day")
    return principal.id


def may_decide(session: Session, case: Case, actor: Actor, *, on: date) -> bool:
    """Tell whether an actor's roles, or a delegation to them, let them decide on a case."""
    return actor.may(f"{case.kind}.approve", case.trust) or bool(principals(session, case, actor, on=on))


def principals(session: Session, case: Case, actor: Actor, *, on: date) -> list[str]:
    """List in whose places a deputy may decide on a case on a day, in the order in which they were given."""
    held = (_actor(session, one.principal) for one in stand_ins(session, deputy=actor.id, on=on))
    return [one.id for one in held if one is not None and one.may(f"{case.kind}.approve", case.trust)]


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


def _actor(session: Session, id: str) -> Actor | None:
    person = session.scalar(select(Person).where(Person.email == id.removeprefix("person:")))
    return None if person is None else access.actor_of_person(session, person)


def _stand_in(row: Delegation) -> StandIn:
    return StandIn(row.id, row.principal, row.deputy, Period(row.from_on, row.to_on), row.reason)


def _log(session: Session, action: str, row: Delegation, actor: Actor, now: datetime) -> None:
    audit.record(
        session,
        action,
        f"delegation:{row.id}",
        {"deputy": row.deputy, "from": row.from_on.isoformat(), "to": row.to_on.isoformat(), "reason": row.reason},
        actor.id,
        now,
    )


register("approval", awaited, roles=("approver",))
