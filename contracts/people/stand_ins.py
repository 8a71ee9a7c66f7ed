"""Standing in for one another: whoever approves lets another person do so in their place, for some days.

An act by a deputy counts as done by both, so nobody approves twice through another, nor their own through one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts import audit
from contracts.errors import Conflict, Denied, Finding, NotFound, invalid
from contracts.models import Delegation, Person
from contracts.models.base import LARGEST_ID, known
from contracts.people import access
from contracts.people.access import Actor
from contracts.terms.period import Period


@dataclass(frozen=True, slots=True)
class StandIn:
    """``deputy`` may approve in the place of ``principal`` over ``period``; both by the id that their acts carry."""

    id: int
    principal: str
    deputy: str
    period: Period
    reason: str


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


def list_stand_ins(session: Session, *, deputy: str | None = None, on: date | None = None) -> list[StandIn]:
    """List who stands in for whom (on a day), oldest first."""
    query = select(Delegation).where(known(Delegation, None)).order_by(Delegation.id)
    if deputy is not None:
        query = query.where(Delegation.deputy == deputy)
    found = [_stand_in(row) for row in session.scalars(query)]
    return [one for one in found if on is None or one.period.contains(on)]


def principal_of(
    session: Session, *, act: str, trust: str | None, delegation_id: int | None, actor: Actor, on: date
) -> str:
    """Give in whose place the actor does an act at a trust (None: at all of them): their own, or their principal's.

    Raises `Denied` where neither their own roles nor a delegation that runs on that day allows it.
    """
    if delegation_id is None:
        actor.require(act, trust)
        if not allows(actor, act, trust):
            raise Denied("this is for all trusts: it needs a role that is not kept to one")
        return actor.id
    held = next((one for one in list_stand_ins(session, deputy=actor.id, on=on) if one.id == delegation_id), None)
    principal = None if held is None else _actor(session, held.principal)
    if held is None or principal is None or not allows(principal, act, trust):
        raise Denied("no delegation to you allows this here on this day")
    return principal.id


def principals(session: Session, *, act: str, trust: str | None, actor: Actor, on: date) -> list[str]:
    """List in whose places a deputy may do an act on a day, in the order in which they were given."""
    held = (_actor(session, one.principal) for one in list_stand_ins(session, deputy=actor.id, on=on))
    return [one.id for one in held if one is not None and allows(one, act, trust)]


def allows(actor: Actor, act: str, trust: str | None) -> bool:
    """Tell whether somebody's own roles allow an act at a trust; without a trust (None) it is for all of them."""
    return actor.may(act, trust) if trust is not None else actor.may(act) and actor.scope(act) is None


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
