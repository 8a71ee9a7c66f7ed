"""The document store: bytes once, titles with versions, and nobody else's documents."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from contracts import documents
from contracts.documents import FiledDocument
from contracts.errors import InvalidInput, NotFound
from contracts.extensions import db
from contracts.models import AuditEvent, Document
from contracts.people.access import COMMAND_LINE, Actor, Grant
from tests.recorded import record_agreement

NOW = datetime(2026, 8, 3, 9, tzinfo=UTC)
READER = Actor("person:l", "L", (Grant("trust_reader", "vestre-viken"),))
STRANGER = Actor("person:s", "S", (Grant("trust_reader", "akershus"),))


def file(content: bytes = b"counted by hand", *, trust: str | None = None, name: str = "note.txt") -> FiledDocument:
    with db.write() as session:
        return documents.add_document(
            session,
            kind="evidence",
            title="Delivery note",
            subject="usage:x",
            trust=trust,
            filename=name,
            content=content,
            actor=COMMAND_LINE,
            now=NOW,
        )


def test_the_same_bytes_are_kept_once_under_their_hash(database: Flask) -> None:
    first, second = file(), file(name="copy.txt")
    assert first.id != second.id
    assert first.newest.sha256 == second.newest.sha256 == hashlib.sha256(b"counted by hand").hexdigest()
    assert (first.newest.filename, second.newest.filename) == ("note.txt", "copy.txt")
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(Document)) == 1


def test_a_newer_file_is_the_next_version_and_the_first_stays_readable(database: Flask) -> None:
    filed = file()
    with db.write() as session:
        newer = documents.add_version(
            session,
            document_id=filed.id,
            filename="note2.pdf",
            content=b"%PDF",
            note="signed",
            actor=COMMAND_LINE,
            now=NOW + timedelta(days=1),
        )
    assert [(each.number, each.filename, each.note) for each in newer.versions] == [
        (1, "note.txt", None),
        (2, "note2.pdf", "signed"),
    ]
    with db.read() as session:
        version, content = documents.version_bytes(session, filed.id, 1, actor=COMMAND_LINE)
        then = documents.find_document(session, filed.id, actor=COMMAND_LINE, known_at=NOW)
    assert (version.media_type, content) == ("text/plain", b"counted by hand")
    assert len(then.versions) == 1


def test_the_newest_versions_bytes_again_make_no_version(database: Flask) -> None:
    filed = file()
    with db.write() as session:
        again = documents.add_version(
            session,
            document_id=filed.id,
            filename="note.txt",
            content=b"counted by hand",
            note=None,
            actor=COMMAND_LINE,
            now=NOW,
        )
    assert again == filed


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        pytest.param("note.txt", b"", "empty", id="an empty file"),
        pytest.param("note.html", b"<p>", "unknown_kind", id="a page that a browser would run"),
        pytest.param("note.svg", b"<svg/>", "unknown_kind", id="a drawing that a browser would run"),
        pytest.param("note", b"x", "unknown_kind", id="no ending"),
        pytest.param("note.pdf", b"x" * (documents.LARGEST + 1), "too_large", id="too large"),
    ],
)
def test_a_file_that_is_not_kept_is_refused_with_its_reason(app: Flask, name: str, content: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        file(content, name=name)
    assert [error.code for error in refused.value.errors] == [code]


def test_a_trusts_document_is_unknown_to_other_trusts(app: Flask) -> None:
    record_agreement()
    own, common = file(trust="vestre-viken"), file(b"for all")
    with db.read() as session:
        assert documents.find_document(session, own.id, actor=READER) == own
        assert documents.list_documents(session, subject="usage:x", actor=READER) == [own]
        assert documents.list_documents(session, subject="usage:x", actor=COMMAND_LINE) == [own, common]
        for actor, id_ in ((STRANGER, own.id), (READER, common.id), (READER, 99)):
            with pytest.raises(NotFound, match="there is no such document"):
                documents.find_document(session, id_, actor=actor)


def test_kept_bytes_and_versions_are_never_changed(database: Flask) -> None:
    file()
    for table in ("documents", "titled_documents", "document_versions"):
        with pytest.raises(DBAPIError, match="append-only"), db.engine.begin() as connection:
            connection.exec_driver_sql(f"DELETE FROM {table}")


def test_filing_is_told_in_the_log(app: Flask) -> None:
    filed = file()
    with db.read() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "document.file")).one()
    assert (event.subject, event.data["sha256"]) == (f"document:{filed.id}", filed.newest.sha256)
