"""Calendar links: the secret address under which a person's calendar program fetches the deadlines that they may see.

The secret is shown once and kept as a hash; a new link, or none, ends the former one. What the feed shows follows what the
person may read on the day it is fetched.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts import audit
from contracts.errors import Conflict, NotFound
from contracts.models import CalendarLink, Person
from contracts.models.base import known
from contracts.people.access import Actor, actor_of_person


@dataclass(frozen=True, slots=True)
class Link:
    """A link that stands: since when, and in which language its feed speaks."""

    id: int
    made_at: datetime
    language: str


def standing_link(session: Session, actor: Actor) -> Link | None:
    """Give the link of whoever asks, or ``None``."""
    row = _standing(session, _person(session, actor).id)
    return None if row is None else Link(row.id, row.recorded_at, row.language)


def make_link(session: Session, *, language: str, actor: Actor, now: datetime) -> str:
    """Make a link for whoever asks, and give its secret, which is shown this once. A former link ends."""
    actor.require("read")
    person = _person(session, actor)
    former = _standing(session, person.id)
    secret = secrets.token_urlsafe(32)
    row = CalendarLink(
        person_id=person.id,
        secret_hash=_hash(secret),
        language=language,
        void=False,
        supersedes_id=None if former is None else former.id,
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    _log(session, "calendar_link.make", row.id, actor, now)
    return secret


def revoke_link(session: Session, *, actor: Actor, now: datetime) -> None:
    """End the link of whoever asks. Raises `Conflict` where there is none."""
    person = _person(session, actor)
    former = _standing(session, person.id)
    if former is None:
        raise Conflict("no_calendar_link", "there is no calendar link to end")
    session.add(
        CalendarLink(
            person_id=person.id,
            secret_hash="",
            language=former.language,
            void=True,
            supersedes_id=former.id,
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    _log(session, "calendar_link.revoke", former.id, actor, now)


def holder_of(session: Session, secret: str) -> tuple[Actor, Link]:
    """Give whose feed a secret opens, with what they may read now; `NotFound` where it opens none."""
    found = session.execute(
        select(CalendarLink, Person)
        .join(Person, Person.id == CalendarLink.person_id)
        .where(CalendarLink.secret_hash == _hash(secret), known(CalendarLink, None))
    ).first()
    if found is None:
        raise NotFound("there is no such calendar")
    row, person = found
    actor = actor_of_person(session, person)
    if not actor.may("read"):
        raise NotFound("there is no such calendar")
    return actor, Link(row.id, row.recorded_at, row.language)


def _standing(session: Session, person_id: int) -> CalendarLink | None:
    return session.scalar(
        select(CalendarLink).where(CalendarLink.person_id == person_id, known(CalendarLink, None)).limit(1)
    )


def _person(session: Session, actor: Actor) -> Person:
    kind, _, email = actor.id.partition(":")
    person = session.scalar(select(Person).where(Person.email == email)) if kind == "person" else None
    if person is None:
        raise NotFound("only people have calendars")
    return person


def _log(session: Session, action: str, link_id: int, actor: Actor, now: datetime) -> None:
    audit.record(session, action, f"calendar-link:{link_id}", {}, actor.id, now)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
