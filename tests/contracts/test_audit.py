"""The trail: chained in the order of commits, on both databases; whatever is changed, left out or moved is found."""

from __future__ import annotations

import random
import threading
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from contracts import audit
from contracts.audit import Filter, Head
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from tests.soak.audit import KINDS, disarm, tamper

NOW = datetime(2026, 10, 15, 9, 0, 0, 123456, tzinfo=UTC)


def write(count: int, action: str = "test.act") -> None:
    """Record events, each in a transaction of its own."""
    for number in range(count):
        with db.write() as session:
            record(session, number, action)


def record(session: Session, number: int, action: str = "test.act") -> None:
    data = {"number": number, "tekst": "Ærlig – «tro»", "amount": "1234.50"}
    audit.record(session, action, f"thing:{number}", data, COMMAND_LINE.id, NOW)


def verified(kept: Head | None = None) -> audit.Verification:
    with db.read() as session:
        return audit.verify(session, kept=kept)


def test_an_empty_trail_is_whole(database: Flask) -> None:
    assert verified() == audit.Verification(Head(0, ""), ())


def test_each_event_gets_the_next_link_when_it_is_committed(database: Flask) -> None:
    write(3)
    with db.write() as session:
        record(session, 3)
        record(session, 4)
    found = verified()
    assert found.whole
    assert found.head.count == 5


def test_what_is_rolled_back_leaves_neither_event_nor_link(database: Flask) -> None:
    write(1)
    with db.write() as session:
        record(session, 1)
        session.rollback()
    with db.write() as session:
        record(session, 2)
        point = session.begin_nested()
        record(session, 3)
        session.flush()
        point.rollback()
    assert verified().head.count == 2
    assert verified().whole


def test_both_databases_write_one_event_in_the_same_form(sqlite_url: str, database: Flask) -> None:
    write(1)
    with db.read() as session:
        expression = audit.canonical(session.get_bind().dialect.name)
        written = session.execute(text(f"SELECT {expression} FROM audit_events e")).scalar_one()
    assert written == "\x1f".join(
        (
            "1",
            "2026-10-15 09:00:00.123456",
            "test.act",
            "thing:0",
            "command-line",
            '{"number": 0, "tekst": "\\u00c6rlig \\u2013 \\u00abtro\\u00bb", "amount": "1234.50"}',
        )
    )


def test_a_name_with_a_control_character_is_refused(app: Flask) -> None:
    with db.write() as session, pytest.raises(ValueError, match="control"):
        audit.record(session, "a\x1fb", "c", {}, "d", NOW)


def test_writers_at_once_make_one_chain(database: Flask) -> None:
    def work() -> None:
        with database.app_context():
            write(10)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = verified()
    assert (found.breaks, found.head.count) == ((), 40)


@pytest.fixture
def written(database: Flask) -> Head:
    """A trail of twelve events, whose head is kept, with the triggers out of the way."""
    write(12)
    kept = verified().head
    with db.write() as session:
        disarm(session)
    return kept


@pytest.mark.each_case_on_both
@pytest.mark.parametrize("kind", KINDS)
def test_a_tampered_trail_is_found(written: Head, kind: str) -> None:
    chance = random.Random(7)
    for _ in range(4):
        with db.write() as session:
            told = tamper(session, kind, chance)
            assert not audit.verify(session, kept=written).whole, told
            session.rollback()
    assert verified(written).whole


def test_a_cut_end_is_found_by_the_anchor_that_was_kept(written: Head) -> None:
    with db.write() as session:
        head = audit.anchor(session, on=date(2026, 10, 15), now=NOW, by="test")
        assert head == written
        assert audit.anchor(session, on=date(2026, 10, 15), now=NOW, by="test") == written
    with db.write() as session:
        session.execute(text("DELETE FROM audit_links WHERE number > 10"))
        session.execute(text("DELETE FROM audit_events WHERE id > 10"))
    assert [one.code for one in verified().breaks] == ["head_lost"]


def test_events_are_found_by_what_they_are_about(app: Flask) -> None:
    write(3)
    write(2, "other.act")
    with db.read() as session:
        for wanted, count in (
            (Filter(action="test"), 3),
            (Filter(action="test.act"), 3),
            (Filter(action="tes"), 0),
            (Filter(subject="thing"), 5),
            (Filter(subject="thing:1"), 2),
            (Filter(actor="command-line"), 5),
            (Filter(actor="nobody"), 0),
            (Filter(first=NOW), 5),
            (Filter(until=NOW), 0),
        ):
            assert len(audit.list_events(session, wanted)) == count, wanted
        newest = audit.list_events(session, Filter(), limit=2)
        assert [event.id for event in audit.list_events(session, Filter(), before=newest[-1].id)] == [3, 2, 1]
