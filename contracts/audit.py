"""The log of acts: append-only, written in the transaction of what it tells, and chained by hashes.

Each event gets a link: SHA-256 over the hash of the link before it and the event in its canonical form. So nothing can be
changed, left out, put in or swapped without the chain breaking there; that the newest links were cut off shows against a
head that was kept elsewhere (an anchor, or one handed in). Links are made when the transaction commits, one transaction
after the other, in the order of their commits.

Canonical form 1, in UTF-8: the event's id, instant (UTC, microseconds), action, subject, actor and its data as the JSON
text that is stored, with U+001F between them. No field but the data may hold control characters, and JSON escapes them, so
two different events never have one form. The databases themselves write the form, each from its own columns, to the same
bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, event, func, insert, inspect, select, text
from sqlalchemy.orm import Session

from contracts.errors import NotFound
from contracts.models import AuditAnchor, AuditEvent, AuditLink
from contracts.models.base import LARGEST_ID

FORM: Final = 1
_PENDING: Final = "trinnvis_audit_pending"
# Which advisory lock of the database queues the transactions that add to the chain.
_CHAIN: Final = int.from_bytes(b"auditlog", "big")

_INSTANT: Final = {
    "sqlite": "e.recorded_at",
    "postgresql": "to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
}
_UNIT: Final = {"sqlite": "char(31)", "postgresql": "chr(31)"}
_TEXT: Final = {"sqlite": "", "postgresql": "::text"}


@dataclass(frozen=True, slots=True)
class Head:
    """How many links the chain has, and the hash of its last one (empty where there is none)."""

    count: int
    sha256: str

    def __str__(self) -> str:
        return f"{self.count}:{self.sha256}"

    @classmethod
    def parse(cls, written: str) -> Head:
        """Read ``COUNT:HASH``; ValueError where it is none."""
        count, _, digest = written.partition(":")
        if not count.isdigit() or (count != "0" and len(digest) != 64):
            raise ValueError(f"'{written}' is no COUNT:HASH of a chain's head")
        return cls(int(count), digest)


@dataclass(frozen=True, slots=True)
class Break:
    """One place where the trail is not what was written: the link's number (or the event's id), and what is wrong."""

    number: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verification found: the head it came to, and every break."""

    head: Head
    breaks: tuple[Break, ...]

    @property
    def whole(self) -> bool:
        """Tell whether nothing was found."""
        return not self.breaks


@dataclass(frozen=True, slots=True)
class Link:
    """An event's place in the chain, its hash, and whether that fits the event and the link before it."""

    number: int
    sha256: str
    fits: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events: those that match all that is given. ``first`` and ``until`` are instants, half-open."""

    action: str | None = None
    subject: str | None = None
    actor: str | None = None
    first: datetime | None = None
    until: datetime | None = None


def record(session: Session, action: str, subject: str, data: dict[str, Any], actor: str, now: datetime) -> None:
    """Write one audit event: ``action`` ("agreement.import") on ``subject`` ("agreement:ra-2024") with its facts.

    ``data`` holds plain JSON values; amounts go in as strings. The row stands or falls with the caller's transaction.
    """
    for name in (action, subject, actor):
        if any(ord(letter) < 32 for letter in name):
            raise ValueError("the names in an audit event have no control characters")
    row = AuditEvent(action=action, subject=subject, data=data, recorded_at=now, recorded_by=actor)
    session.add(row)
    session.info.setdefault(_PENDING, []).append(row)


@event.listens_for(Session, "before_commit")
def _link_pending(session: Session) -> None:
    """Chain what this transaction recorded, as the last thing it does, so that the lock is held for a moment only."""
    if session.in_nested_transaction() or not session.info.get(_PENDING):
        return
    session.flush()
    # What a savepoint took back is no row.
    ids = sorted(row.id for row in session.info.pop(_PENDING) if inspect(row).persistent)
    if ids:
        _append(session.connection(), ids)


def _append(connection: Connection, ids: list[int]) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_CHAIN)))
    number, previous = _newest_link(connection)
    links = []
    for event_id, form in _forms_of(connection, ids):
        number, previous = number + 1, _hash(previous, form)
        links.append({"number": number, "event_id": event_id, "form": FORM, "sha256": previous})
    connection.execute(insert(AuditLink), links)


def head(session: Session) -> Head:
    """Give the chain's head as it stands."""
    return Head(*_newest_link(session.connection()))


def verify(session: Session, *, kept: Head | None = None) -> Verification:
    """Compute the whole chain anew and tell every break; ``kept`` is a head that was kept outside this database."""
    connection = session.connection()
    breaks: list[Break] = []
    number, previous = 0, ""
    heads = {
        anchor.count: Head(anchor.count, anchor.sha256)
        for anchor in session.scalars(select(AuditAnchor).order_by(AuditAnchor.id))
    }
    expected = [*heads.values(), *([kept] if kept else [])]
    watched = {head.count for head in expected}
    met: dict[int, str] = {0: ""}
    for found, form_number, stored, form in _chain(connection):
        number += 1
        if found != number:
            breaks.append(Break(number, "missing_link", f"link {number} is missing: the next one is {found}"))
            number = found
        if form is None:
            breaks.append(Break(found, "missing_event", f"the event of link {found} is missing"))
        elif form_number != FORM:
            breaks.append(Break(found, "unknown_form", f"link {found} has the unknown canonical form {form_number}"))
        elif _hash(previous, form) != stored:
            breaks.append(Break(found, "changed", f"link {found} does not fit its event and the link before it"))
        previous = stored
        if number in watched:
            met[number] = stored
    breaks += [
        Break(head.count, "head_lost", f"{head.count} links once ended in another hash than they do, or are gone")
        for head in expected
        if met.get(head.count) != head.sha256
    ]
    breaks += [
        Break(event_id, "not_chained", f"event {event_id} has no link") for event_id in _unlinked(connection, number)
    ]
    return Verification(Head(number, previous), tuple(breaks))


def anchor(session: Session, *, on: date, now: datetime, by: str) -> Head:
    """Keep the chain's head as it stands on a day, once a day, and give it; the same day again gives what was kept."""
    kept = session.scalar(select(AuditAnchor).where(AuditAnchor.on == on))
    if kept is not None:
        return Head(kept.count, kept.sha256)
    standing = head(session)
    session.add(
        AuditAnchor(on=on, count=standing.count, sha256=standing.sha256, recorded_at=now, recorded_by=by),
    )
    return standing


def list_events(
    session: Session, wanted: Filter, *, before: int | None = None, limit: int | None = None
) -> list[AuditEvent]:
    """List events, newest first; ``before`` is the id of the last one seen. Who may is the caller's rule.

    ``action`` and ``subject`` match what they begin with up to a dot or a colon, or in whole.
    """
    query = select(AuditEvent).order_by(AuditEvent.id.desc())
    if wanted.action is not None:
        query = query.where(
            (AuditEvent.action == wanted.action) | AuditEvent.action.startswith(f"{wanted.action}.", autoescape=True)
        )
    if wanted.subject is not None:
        query = query.where(
            (AuditEvent.subject == wanted.subject)
            | AuditEvent.subject.startswith(f"{wanted.subject}:", autoescape=True)
        )
    if wanted.actor is not None:
        query = query.where(AuditEvent.recorded_by == wanted.actor)
    if wanted.first is not None:
        query = query.where(AuditEvent.recorded_at >= wanted.first)
    if wanted.until is not None:
        query = query.where(AuditEvent.recorded_at < wanted.until)
    if before is not None:
        query = query.where(AuditEvent.id < before)
    return list(session.scalars(query if limit is None else query.limit(limit)))


def find_event(session: Session, event_id: int) -> tuple[AuditEvent, Link | None]:
    """Find an event and its place in the chain (``None`` where it has none); raises `NotFound`."""
    row = session.get(AuditEvent, event_id) if 0 < event_id < LARGEST_ID else None
    if row is None:
        raise NotFound(f"there is no audit event {event_id}")
    link = session.scalar(select(AuditLink).where(AuditLink.event_id == event_id))
    if link is None:
        return row, None
    connection = session.connection()
    before = session.scalar(select(AuditLink.sha256).where(AuditLink.number == link.number - 1)) or ""
    ((_, form),) = _forms_of(connection, [event_id])
    return row, Link(link.number, link.sha256, link.form == FORM and _hash(before, form) == link.sha256)


def list_names(session: Session) -> tuple[list[str], list[str]]:
    """List the actions that were ever done, and the ids of whoever did something, both sorted."""
    actions = session.scalars(select(AuditEvent.action).distinct().order_by(AuditEvent.action))
    actors = session.scalars(select(AuditEvent.recorded_by).distinct().order_by(AuditEvent.recorded_by))
    return list(actions), list(actors)


def canonical(dialect: str) -> str:
    """Give the SQL expression of canonical form 1 over ``audit_events AS e`` in a database's dialect."""
    cast = _TEXT[dialect]
    fields = [f"e.id{cast}", _INSTANT[dialect], "e.action", "e.subject", "e.recorded_by", f"e.data{cast}"]
    return f" || {_UNIT[dialect]} || ".join(fields)


def _hash(previous: str, form: str) -> str:
    return hashlib.sha256((previous + form).encode()).hexdigest()


def _newest_link(connection: Connection) -> tuple[int, str]:
    newest = connection.execute(
        select(AuditLink.number, AuditLink.sha256).order_by(AuditLink.number.desc()).limit(1)
    ).first()
    return (0, "") if newest is None else (newest[0], newest[1])


def _forms_of(connection: Connection, ids: list[int]) -> Iterator[Any]:
    form = canonical(connection.dialect.name)
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        places = ", ".join(str(int(each)) for each in part)
        yield from connection.execute(
            text(f"SELECT e.id, {form} FROM audit_events e WHERE e.id IN ({places}) ORDER BY e.id")  # noqa: S608 - whole numbers
        )


def _chain(connection: Connection) -> Iterator[Any]:
    """Give each link's number, form number and hash with its event's form, by the driver itself: there may be many."""
    # The join's order is said: each link looks its event up, so that the rows come in the links' order without a sort.
    statement = (
        f"SELECT l.number, l.form, l.sha256, {canonical(connection.dialect.name)}"  # noqa: S608 - no input in it
        " FROM audit_links l LEFT JOIN audit_events e ON e.id = l.event_id ORDER BY l.number"
    )
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement)
        while rows := cursor.fetchmany(1000):
            yield from rows
    finally:
        cursor.close()


def _unlinked(connection: Connection, links: int) -> list[int]:
    events = connection.execute(text("SELECT count(*) FROM audit_events")).scalar_one()
    counted = connection.execute(text("SELECT count(DISTINCT event_id) FROM audit_links")).scalar_one()
    if events == counted == links:
        return []
    found = connection.execute(
        text(
            "SELECT e.id FROM audit_events e WHERE NOT EXISTS"
            " (SELECT 1 FROM audit_links l WHERE l.event_id = e.id) ORDER BY e.id"
        )
    )
    return [row[0] for row in found]
