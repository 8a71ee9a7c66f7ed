"""Give roles to people and take them back: added facts only, and never so that nobody is left who can.

Nobody gives a role to themselves. The last administrator who can sign in keeps that role until another one has it. Those
who hold roles within a single trust hold all of those within the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from contracts import audit
from contracts.errors import Conflict, NotFound
from contracts.models import Person, RoleGrant
from contracts.models.base import known
from contracts.people import access
from contracts.people.access import Actor, Grant

ADMINISTRATOR = "admin"


@dataclass(frozen=True, slots=True)
class HeldRole:
    """A role as somebody held it: by whom and when it was given, and taken back (``None``: it stands)."""

    id: int
    grant: Grant
    given_at: datetime
    given_by: str
    taken_at: datetime | None
    taken_by: str | None


def find_person(session: Session, person_id: int, *, actor: Actor) -> Person:
    """Give a person; `NotFound` where there is none."""
    actor.require("people.manage")
    person = session.get(Person, person_id) if 0 < person_id < 2**63 else None
    if person is None:
        raise NotFound(f"there is no person {person_id}")
    return person


def roles_of(session: Session, person: Person, *, actor: Actor) -> list[HeldRole]:
    """List the roles that somebody holds or held, newest first."""
    actor.require("people.manage")
    rows = list(session.scalars(select(RoleGrant).where(RoleGrant.person_id == person.id).order_by(RoleGrant.id)))
    ends = {row.supersedes_id: row for row in rows if row.supersedes_id is not None}
    held = []
    for row in reversed(rows):
        if not row.void:
            end = ends.get(row.id)
            held.append(
                HeldRole(
                    id=row.id,
                    grant=_grant_of(row),
                    given_at=row.recorded_at,
                    given_by=row.recorded_by,
                    taken_at=None if end is None else end.recorded_at,
                    taken_by=None if end is None else end.recorded_by,
                )
            )
    return held


def give(session: Session, *, person_id: int, grant: Grant, actor: Actor, now: datetime) -> None:
    """Give somebody a role.

    Raises `InvalidInput` for an unknown role or trust, `Conflict` for a role of one's own (``own_role``), one that is held
    already (``held_already``) and one within another trust than those that are held (``another_trust``).
    """
    person = find_person(session, person_id, actor=actor)
    access.check_grant(session, grant)
    _hold_people(session)
    if actor.id == f"person:{person.email}":
        raise Conflict("own_role", "nobody gives a role to themselves: ask another administrator")
    standing = [_grant_of(row) for row in _standing(session, person)]
    if grant in standing:
        raise Conflict("held_already", "this role is held already")
    if grant.trust and any(each.trust not in (None, grant.trust) for each in standing):
        raise Conflict("another_trust", "roles within single trusts are held within one: take the others back first")
    session.add(
        RoleGrant(
            person_id=person.id,
            role=grant.role,
            trust_id=access.trust_id(session, grant.trust),
            void=False,
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    _log(session, "person.give_role", person, grant, actor, now)


def take(session: Session, *, person_id: int, grant_id: int, actor: Actor, now: datetime) -> None:
    """Take a role back from somebody, from now on.

    Raises `NotFound` for a role that this person never held, `Conflict` for one that is taken back already
    (``not_held``) and for that of the last administrator who can sign in (``last_administrator``).
    """
    person = find_person(session, person_id, actor=actor)
    _hold_people(session)
    row = session.get(RoleGrant, grant_id) if 0 < grant_id < 2**63 else None
    if row is None or row.person_id != person.id or row.void:
        raise NotFound(f"{person.name} never held such a role")
    if row not in _standing(session, person):
        raise Conflict("not_held", "this role is taken back already")
    if row.role == ADMINISTRATOR and not _others_manage(session, row):
        raise Conflict("last_administrator", "this is the last administrator: make another one first")
    session.add(
        RoleGrant(
            person_id=person.id,
            role=row.role,
            trust_id=row.trust_id,
            void=True,
            supersedes_id=row.id,
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    _log(session, "person.take_role", person, _grant_of(row), actor, now)


def _hold_people(session: Session) -> None:
    """Let changes of roles queue: two administrators must not take the role from each other at once."""
    session.execute(select(Person.id).order_by(Person.id).with_for_update())


def _standing(session: Session, person: Person) -> list[RoleGrant]:
    query = select(RoleGrant).where(RoleGrant.person_id == person.id, known(RoleGrant, None))
    return list(session.scalars(query.order_by(RoleGrant.id)))


def _others_manage(session: Session, row: RoleGrant) -> bool:
    """Tell whether a standing role of administrator is left without this one, of somebody who can sign in."""
    query = (
        select(RoleGrant.id)
        .join(Person, Person.id == RoleGrant.person_id)
        .where(
            RoleGrant.role == ADMINISTRATOR,
            RoleGrant.id != row.id,
            known(RoleGrant, None),
            or_(Person.password_hash.is_not(None), Person.example.is_(True)),
        )
    )
    return session.scalar(query.limit(1)) is not None


def _grant_of(row: RoleGrant) -> Grant:
    return Grant(row.role, row.trust.code if row.trust else None)


def _log(session: Session, action: str, person: Person, grant: Grant, actor: Actor, now: datetime) -> None:
    audit.record(session, action, f"person:{person.email}", {"role": grant.role, "trust": grant.trust}, actor.id, now)
    session.flush()
