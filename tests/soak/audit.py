"""Tamperings of the trail: flipped, deleted, swapped, cut off, put in; each must be found, none invented.

Each is done on a copy inside a transaction that is rolled back, with the triggers out of the way: whoever tampers with a
database file does not ask them.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from contracts import audit, schema_versions
from contracts.extensions import make_engine
from tests.measure import Row
from tests.servers import postgres_server

FULL = 10_000
EVENTS = 60
KINDS = ("flip", "flip_link", "delete", "delete_both", "swap", "swap_links", "truncate", "insert", "renumber")
_FIELDS = ("action", "subject", "recorded_by", "data", "recorded_at")


def disarm(session: Session) -> None:
    """Take the triggers away that refuse every change."""
    for table in ("audit_events", "audit_links"):
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text(f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}"))
            continue
        for event in ("update", "delete"):
            session.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_{event}"))
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("ALTER TABLE audit_links DROP CONSTRAINT IF EXISTS fk_audit_links_event_id_audit_events"))


def tamper(session: Session, kind: str, chance: random.Random) -> str:
    """Tamper with the trail in one way and tell how."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    if sqlite:
        session.execute(text("PRAGMA defer_foreign_keys = ON"))
    last = session.execute(text("SELECT max(number) FROM audit_links")).scalar_one()
    number = chance.randint(1, last)
    other = chance.choice([one for one in range(1, last + 1) if one != number])
    event, second = _event(session, number), _event(session, other)

    def do(statement: str, **values: Any) -> None:
        session.execute(text(statement), values)

    match kind:
        case "flip":
            field = chance.choice(_FIELDS)
            return _flip(session, field, event, chance)
        case "flip_link":
            stored = session.execute(
                text("SELECT sha256 FROM audit_links WHERE number = :n"), {"n": number}
            ).scalar_one()
            place = chance.randrange(64)
            digit = "0" if stored[place] != "0" else "1"
            do(
                "UPDATE audit_links SET sha256 = :s WHERE number = :n",
                s=stored[:place] + digit + stored[place + 1 :],
                n=number,
            )
        case "delete":
            do("DELETE FROM audit_events WHERE id = :e", e=event)
        case "delete_both":
            do("DELETE FROM audit_links WHERE number = :n", n=number)
            do("DELETE FROM audit_events WHERE id = :e", e=event)
        case "swap":
            rows = [_content(session, event), _content(session, second)]
            for row, place in zip(rows, (second, event), strict=True):
                assignments = ", ".join(f"{name} = :{name}" for name in row)
                do(f"UPDATE audit_events SET {assignments} WHERE id = :e", e=place, **row)
        case "swap_links":
            do("UPDATE audit_links SET event_id = -1 WHERE number = :n", n=number)
            do("UPDATE audit_links SET event_id = :e WHERE number = :n", e=event, n=other)
            do("UPDATE audit_links SET event_id = :e WHERE number = :n", e=second, n=number)
        case "truncate":
            first_lost = chance.randint(max(2, last - 10), last)
            lost = [_event(session, one) for one in range(first_lost, last + 1)]
            do("DELETE FROM audit_links WHERE number >= :n", n=first_lost)
            for one in lost:
                do("DELETE FROM audit_events WHERE id = :e", e=one)
        case "insert":
            names = "action, subject, data, recorded_at, recorded_by"
            do(f"INSERT INTO audit_events ({names}) SELECT {names} FROM audit_events WHERE id = :e", e=event)
        case "renumber":
            do("UPDATE audit_links SET number = :far WHERE number = :n", far=last + 1000, n=number)
    return f"{kind} of {number} (and {other})"


def _flip(session: Session, field: str, event: int, chance: random.Random) -> str:
    if field == "recorded_at":
        if session.get_bind().dialect.name == "sqlite":
            statement = "UPDATE audit_events SET recorded_at = replace(recorded_at, '2026', '2025') WHERE id = :e"
        else:
            statement = "UPDATE audit_events SET recorded_at = recorded_at - interval '1 microsecond' WHERE id = :e"
        session.execute(text(statement), {"e": event})
        return f"flip of recorded_at in {event}"
    kept: str = session.execute(
        text(f"SELECT {_as_text(session, field)} FROM audit_events WHERE id = :e"), {"e": event}
    ).scalar_one()
    places = [place for place, letter in enumerate(kept) if letter.isalnum()]
    place = chance.choice(places)
    letter = "7" if kept[place] != "7" else "8"
    if field == "data" and not kept[place].isdigit():
        # A letter inside a JSON text becomes another letter, so that it still is one.
        place = max(place for place in places if kept[place].isdigit())
        letter = "7" if kept[place] != "7" else "8"
    value = kept[:place] + letter + kept[place + 1 :]
    cast = "CAST(:v AS json)" if field == "data" and session.get_bind().dialect.name == "postgresql" else ":v"
    session.execute(text(f"UPDATE audit_events SET {field} = {cast} WHERE id = :e"), {"v": value, "e": event})
    return f"flip of {field} in {event}"


def _as_text(session: Session, field: str) -> str:
    return f"{field}::text" if session.get_bind().dialect.name == "postgresql" else field


def _event(session: Session, number: int) -> int:
    found: int = session.execute(text("SELECT event_id FROM audit_links WHERE number = :n"), {"n": number}).scalar_one()
    return found


def _content(session: Session, event: int) -> dict[str, Any]:
    row = session.execute(
        text("SELECT action, subject, recorded_by FROM audit_events WHERE id = :e"), {"e": event}
    ).one()
    return dict(row._mapping)


def prepare(session: Session, events: int) -> audit.Head:
    """Write a trail and give its head."""
    for number in range(events):
        audit.record(
            session,
            "activation.approve",
            f"activation:{number}",
            {"from": "submitted", "to": "approved", "amount": f"{1000 + number}.50"},
            "person:approver@example.org",
            datetime(2026, 10, 15, 9, 0, number % 60, tzinfo=UTC),
        )
    session.commit()
    return audit.head(session)


def unfound(url: str, count: int, seed: int) -> tuple[Counter[str], Counter[str]]:
    """Tamper ``count`` times and give how often each kind was tried, and how often it was not found."""
    engine = make_engine(url)
    schema_versions.upgrade(engine)
    chance = random.Random(seed)
    tried: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    with sessionmaker(engine.execution_options(trinnvis_write=True))() as session:
        head = prepare(session, EVENTS)
        disarm(session)
        session.commit()
        for number in range(count):
            kind = KINDS[number % len(KINDS)]
            tamper(session, kind, chance)
            tried[kind] += 1
            missed[kind] += audit.verify(session, kept=head).whole
            session.rollback()
            if number % 500 == 0:
                assert audit.verify(session, kept=head).whole, "an untouched trail is whole"
                session.rollback()
    engine.dispose()
    return tried, missed


def run(count: float) -> list[Row]:
    """Tamper 10 000 × ``count`` times, half on each database."""
    each = max(len(KINDS) * 4, int(FULL * count) // 2)
    rows = []
    folder = Path(tempfile.mkdtemp(prefix="trinnvis-soak-"))
    try:
        with postgres_server() as server:
            admin = make_engine(server).execution_options(isolation_level="AUTOCOMMIT")
            name = f"trinnvis_audit_{random.SystemRandom().randrange(10**9)}"
            with admin.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {name}")
            urls = {
                "sqlite": f"sqlite:///{folder / 'trail.db'}",
                "postgresql": admin.url.set(database=name).render_as_string(hide_password=False),
            }
            for kind, url in urls.items():
                tried, missed = unfound(url, each, seed=each)
                detail = ", ".join(f"{one} {tried[one] - missed[one]}/{tried[one]}" for one in KINDS)
                found = tried.total() - missed.total()
                rows.append(Row(f"audit on {kind}: tamperings found", found / tried.total(), 1, "at_least", detail))
            with admin.connect() as connection:
                connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
            admin.dispose()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return rows
