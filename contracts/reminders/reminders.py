"""Reminders: each deadline, as it comes nearer, is told to those who can do something about it.

The ladder has eight steps (`STEPS`, days ahead). A step is reached on its day in Oslo and written once, whoever notices and
however often: the unique key of `Reminder` sees to that. Where nobody noticed for a while, the newest step that was reached
is told and those before it are kept as passed over. When the last day is over there is nothing more to send: the
deadline itself stays, red, until what was to be done is done. A deadline that moves to another day begins its ladder anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts import audit, deadlines
from contracts.agreements import AgreementSummary, agreement_summary, list_agreements, lock_agreement
from contracts.models import DeadlineSighting, Delegation, Organisation, Person, Reminder, RoleGrant
from contracts.models.base import known, recorded_by_then
from contracts.reminders import outbox
from contracts.reminders.outbox import Told
from contracts.terms.deadline import Deadline

STEPS: Final = (180, 90, 60, 30, 14, 7, 1, 0)
SCHEDULER: Final = "scheduler"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who is reminded, and the role for which."""

    person_id: int
    name: str
    address: str
    role: str


@dataclass(frozen=True, slots=True)
class Letter:
    """What a reminder says."""

    subject: str
    body: str


# Writes a reminder of a deadline of an agreement, seen on a day. It holds no amounts: an e-mail is no place for them.
Compose = Callable[[AgreementSummary, Deadline, date], Letter]


@dataclass(frozen=True, slots=True)
class Reminded:
    """A step of the ladder that was reached on ``on``, with the messages it became (none where it was passed over)."""

    id: int
    deadline: Deadline
    step: int
    on: date
    passed_over: bool
    at: datetime
    messages: tuple[Told, ...]


def steps_reached(due_on: date, today: date) -> tuple[int, ...]:
    """Give the steps of the ladder that a deadline has come to by a day, the newest one last.

    >>> steps_reached(date(2028, 2, 29), date(2028, 2, 15))
    (180, 90, 60, 30, 14)
    """
    left = (due_on - today).days
    return tuple(step for step in STEPS if step >= left)


def plan(session: Session, *, agreement_id: int, today: date, now: datetime, write: Compose) -> list[int]:
    """Write the reminders that are due on a day and not written yet, with their messages, and give the new ones' ids.

    Raises nothing for a deadline that nobody holds the role for: its reminder stands without messages, and the page says
    that nobody was told.
    """
    lock_agreement(session, agreement_id)
    summary = agreement_summary(session, agreement_id)
    written, sighted = _written(session, agreement_id), _sighted(session, agreement_id)
    made = []
    for deadline in deadlines.upcoming(session, agreement_id, today):
        _sight(session, agreement_id, deadline, sighted.get((deadline.source, deadline.key)), now)
        reached = steps_reached(deadline.due_on, today)
        place = (deadline.source, deadline.key, deadline.due_on)
        missing = [step for step in reached if (*place, step) not in written]
        for step in missing:
            newest = step == reached[-1]
            row = _record(session, agreement_id, deadline, step, passed_over=not newest, today=today, now=now)
            if newest:
                _tell(session, summary, row, deadline, today, now, write)
            made.append(row.id)
    return made


def list_reminders(
    session: Session,
    agreement_id: int,
    *,
    trust: str | None = None,
    known_at: datetime | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> list[Reminded]:
    """List the reminders of an agreement, newest first, each with who was told and how that ended.

    Within ``trust`` other trusts' own are left out, and so is who was told: that is for readers of all trusts. ``before``
    is the id of the last one seen.
    """
    query = select(Reminder).where(Reminder.agreement_id == agreement_id).order_by(Reminder.id.desc())
    rows = [
        row
        for row in session.scalars(recorded_by_then(query, Reminder, known_at))
        if trust is None or row.params.get("trust", trust) == trust
    ]
    rows = [row for row in rows if before is None or row.id < before][:limit]
    messages: dict[int, list[Told]] = {}
    if trust is None:
        for one in outbox.told(session, reminders=[row.id for row in rows], known_at=known_at):
            messages.setdefault(one.reminder_id or 0, []).append(one)
    return [
        Reminded(
            row.id,
            Deadline(row.source, row.key, row.due_on, row.clause, row.code, row.params),
            row.step,
            row.on,
            row.passed_over,
            row.recorded_at,
            tuple(messages.get(row.id, ())),
        )
        for row in rows
    ]


def newest(
    session: Session, agreement_id: int, known_at: datetime | None = None
) -> dict[tuple[str, str, date], Reminder]:
    """Give the newest reminder that was told (or was to be) of each deadline, by its source, key and day."""
    query = (
        select(Reminder)
        .where(Reminder.agreement_id == agreement_id, Reminder.passed_over.is_(False))
        .order_by(Reminder.id)
    )
    rows = session.scalars(recorded_by_then(query, Reminder, known_at))
    return {(row.source, row.key, row.due_on): row for row in rows}


def recipients(session: Session, deadline: Deadline, on: date | None = None) -> list[Recipient]:
    """List who is reminded of a deadline now: those who hold one of its roles, for all trusts or for its own one.

    Where approvers are, so is whoever stands in for one of them on the day ``on`` (``None``: nobody does).
    """
    roles = deadlines.audience(deadline.source)
    trust = deadline.params.get("trust") or None
    rows = session.execute(
        select(Person, RoleGrant.role, Organisation.code)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .outerjoin(Organisation, Organisation.id == RoleGrant.trust_id)
        .where(RoleGrant.role.in_(sorted(roles)), known(RoleGrant, None))
        .order_by(Person.id, RoleGrant.id)
    )
    found: dict[int, Recipient] = {}
    approvers: set[str] = set()
    for person, role, scope in rows:
        if scope is None or (trust is not None and scope == trust):
            approvers |= {f"person:{person.email}"} if role == "approver" else set()
            found.setdefault(person.id, Recipient(person.id, person.name, person.email, role))
    if on is not None:
        for person in _deputies(session, approvers, on):
            found.setdefault(person.id, Recipient(person.id, person.name, person.email, "approver"))
    return list(found.values())


def sequences(
    session: Session, agreement_id: int, listed: list[Deadline]
) -> Mapping[tuple[str, str], tuple[int, datetime | None]]:
    """Tell of each deadline how often it has said something new, and when that was noticed (``None``: not yet)."""
    newest = _sighted(session, agreement_id)
    found: dict[tuple[str, str], tuple[int, datetime | None]] = {}
    for deadline in listed:
        place = (deadline.source, deadline.key)
        seen = newest.get(place)
        if seen is None:
            found[place] = (0, None)
        elif seen.content == content_of(deadline):
            found[place] = (seen.sequence, seen.recorded_at)
        else:
            found[place] = (seen.sequence + 1, None)
    return found


def content_of(deadline: Deadline) -> str:
    """Give the hash of what a deadline says, its day included."""
    said = [deadline.due_on.isoformat(), deadline.clause, deadline.code, dict(sorted(deadline.params.items()))]
    return hashlib.sha256(json.dumps(said, ensure_ascii=True).encode()).hexdigest()


def plan_all(session: Session, *, today: date, now: datetime, write: Compose) -> int:
    """Write the due reminders of all agreements and give how many."""
    return sum(
        len(plan(session, agreement_id=one.id, today=today, now=now, write=write)) for one in list_agreements(session)
    )


def _deputies(session: Session, principals: set[str], on: date) -> list[Person]:
    query = select(Delegation.deputy).where(
        Delegation.principal.in_(sorted(principals)),
        Delegation.from_on <= on,
        Delegation.to_on > on,
        known(Delegation, None),
    )
    addresses = {deputy.removeprefix("person:") for deputy in session.scalars(query)}
    return list(session.scalars(select(Person).where(Person.email.in_(sorted(addresses))).order_by(Person.id)))


def _written(session: Session, agreement_id: int) -> set[tuple[str, str, date, int]]:
    rows = session.execute(
        select(Reminder.source, Reminder.key, Reminder.due_on, Reminder.step).where(
            Reminder.agreement_id == agreement_id
        )
    )
    return {(source, key, due_on, step) for source, key, due_on, step in rows}


def _sighted(session: Session, agreement_id: int) -> dict[tuple[str, str], DeadlineSighting]:
    query = (
        select(DeadlineSighting)
        .where(DeadlineSighting.agreement_id == agreement_id)
        .order_by(DeadlineSighting.sequence)
    )
    return {(row.source, row.key): row for row in session.scalars(query)}


def _sight(
    session: Session, agreement_id: int, deadline: Deadline, seen: DeadlineSighting | None, now: datetime
) -> None:
    """Write down what a deadline says where that is new, so that calendars learn that it changed."""
    content = content_of(deadline)
    if seen is not None and seen.content == content:
        return
    session.add(
        DeadlineSighting(
            agreement_id=agreement_id,
            source=deadline.source,
            key=deadline.key,
            sequence=0 if seen is None else seen.sequence + 1,
            content=content,
            recorded_at=now,
            recorded_by=SCHEDULER,
        )
    )


def _record(
    session: Session,
    agreement_id: int,
    deadline: Deadline,
    step: int,
    *,
    passed_over: bool,
    today: date,
    now: datetime,
) -> Reminder:
    params: dict[str, Any] = dict(deadline.params)
    row = Reminder(
        agreement_id=agreement_id,
        source=deadline.source,
        key=deadline.key,
        due_on=deadline.due_on,
        step=step,
        on=today,
        passed_over=passed_over,
        code=deadline.code,
        clause=deadline.clause,
        params=params,
        recorded_at=now,
        recorded_by=SCHEDULER,
    )
    session.add(row)
    session.flush()
    return row


def _tell(
    session: Session,
    summary: AgreementSummary,
    row: Reminder,
    deadline: Deadline,
    today: date,
    now: datetime,
    write: Compose,
) -> None:
    told = recipients(session, deadline, today)
    letter = write(summary, deadline, today)
    for one in told:
        outbox.write(
            session,
            key=f"{summary.code}:{deadline.source}:{deadline.key}:{deadline.due_on}:{row.step}:{one.person_id}",
            person_id=one.person_id,
            address=one.address,
            subject=letter.subject,
            body=letter.body,
            reminder_id=row.id,
            by=SCHEDULER,
            now=now,
        )
    audit.record(
        session,
        "reminder.write",
        f"reminder:{row.id}",
        {
            "deadline": f"{deadline.source}:{deadline.key}",
            "due_on": deadline.due_on.isoformat(),
            "step": row.step,
            "told": len(told),
        },
        SCHEDULER,
        now,
    )
