"""Documents: bytes that are kept once, whoever hands them in and however often, and titles that have versions.

The bytes are known by their SHA-256 and never change. What people call a document ("Delivery note, May") is a titled
document; a newer file is its next version, and every version stays readable. A titled document belongs to one trust or to
all, and a reader within one trust knows of its own only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from contracts import audit
from contracts.errors import Finding, NotFound, invalid
from contracts.models import Document, DocumentVersion, Organisation, TitledDocument
from contracts.models.base import recorded_by_then
from contracts.people.access import Actor
from contracts.terms.filed_document import LONGEST, FiledDocument, Version

__all__ = ["LONGEST", "FiledDocument", "KeptBytes", "Version"]

LARGEST = 25 * 1024 * 1024

# What people hand in as evidence; nothing here runs when it is opened in a browser.
MEDIA_TYPES: dict[str, str] = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "txt": "text/plain",
    "xml": "application/xml",
    "json": "application/json",
    "eml": "message/rfc822",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
}


@dataclass(frozen=True, slots=True)
class KeptBytes:
    """Bytes that are kept: their row and hash (64 hex digits)."""

    id: int
    sha256: str
    size: int


def put(
    session: Session, *, content: bytes, filename: str, media_type: str, recorded_by: str, now: datetime
) -> KeptBytes:
    """Keep bytes once: the same bytes again are the row that is there already, under its first name and time."""
    digest = hashlib.sha256(content).hexdigest()
    values: dict[str, Any] = {
        "sha256": digest,
        "filename": filename[:LONGEST],
        "media_type": media_type[:LONGEST],
        "size": len(content),
        "content": content,
        "recorded_at": now,
        "recorded_by": recorded_by,
    }
    table = Document.__table__
    assert isinstance(table, Table)
    # Two writers may bring the same bytes at once: the second waits for the first and then finds its row.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(postgresql.insert(table).values(values).on_conflict_do_nothing(index_elements=["sha256"]))
    else:
        session.execute(sqlite.insert(table).values(values).on_conflict_do_nothing(index_elements=["sha256"]))
    id_ = session.scalars(select(Document.id).where(Document.sha256 == digest)).one()
    return KeptBytes(id_, digest, len(content))


def bytes_of(session: Session, document_id: int) -> bytes:
    """Give kept bytes as they came."""
    content = session.scalar(select(Document.content).where(Document.id == document_id))
    if content is None:
        raise NotFound("there is no such document")
    return content


def bytes_with_hash(session: Session, sha256: str) -> tuple[bytes, str]:
    """Give kept bytes by their hash, with their media type; whether they may be read is the caller's rule."""
    found = session.execute(select(Document.content, Document.media_type).where(Document.sha256 == sha256)).first()
    if found is None:
        raise NotFound("there is no such document")
    return found[0], found[1]


def add_document(
    session: Session,
    *,
    kind: str,
    title: str,
    subject: str,
    trust: str | None,
    filename: str,
    content: bytes,
    actor: Actor,
    now: datetime,
) -> FiledDocument:
    """File a document under a title, as its version 1; who may is the caller's rule.

    Raises `InvalidInput` for an empty title, an empty or too large file, or a kind of file that is not taken.
    """
    findings = _file_findings(filename, content)
    if not title.strip():
        findings.append(Finding("#/title", "missing", "a document needs a title"))
    trust_id = None
    if trust is not None:
        trust_id = session.scalar(select(Organisation.id).where(Organisation.code == trust))
        if trust_id is None:
            findings.append(Finding("#/trust", "unknown_trust", f"there is no trust '{trust}'"))
    invalid(findings)
    row = TitledDocument(
        kind=kind[:LONGEST],
        title=title.strip()[:LONGEST],
        subject=subject[:LONGEST],
        trust_id=trust_id,
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    kept = _add_version(session, row.id, 1, filename, content, None, actor, now)
    audit.record(
        session,
        "document.file",
        f"document:{row.id}",
        {"kind": row.kind, "of": row.subject, "sha256": kept.sha256, "size": kept.size},
        actor.id,
        now,
    )
    return _filed(session, row, None)


def add_version(
    session: Session,
    *,
    document_id: int,
    filename: str,
    content: bytes,
    note: str | None,
    actor: Actor,
    now: datetime,
) -> FiledDocument:
    """File newer bytes as a titled document's next version; the newest version's bytes again change nothing."""
    invalid(_file_findings(filename, content))
    row = session.scalar(select(TitledDocument).where(TitledDocument.id == document_id).with_for_update())
    if row is None:
        raise NotFound("there is no such document")
    filed = _filed(session, row, None)
    if filed.newest.sha256 == hashlib.sha256(content).hexdigest():
        return filed
    number = filed.newest.number + 1
    kept = _add_version(session, row.id, number, filename, content, note, actor, now)
    audit.record(
        session,
        "document.version",
        f"document:{row.id}",
        {"number": number, "sha256": kept.sha256, "size": kept.size},
        actor.id,
        now,
    )
    return _filed(session, row, None)


def enclose(
    session: Session,
    *,
    kind: str,
    title: str,
    subject: str,
    trust_id: int | None,
    filename: str,
    content: bytes,
    actor: Actor,
    now: datetime,
) -> KeptBytes:
    """File what an act itself produces, as the next version of the subject's document of that kind.

    The act's own event tells of it and names its hash, so nothing further is written to the log.
    """
    invalid(_file_findings(filename, content))
    row = session.scalar(
        select(TitledDocument)
        .where(TitledDocument.subject == subject[:LONGEST], TitledDocument.kind == kind[:LONGEST])
        .order_by(TitledDocument.id.desc())
        .limit(1)
    )
    if row is None:
        row = TitledDocument(
            kind=kind[:LONGEST],
            title=title.strip()[:LONGEST],
            subject=subject[:LONGEST],
            trust_id=trust_id,
            recorded_at=now,
            recorded_by=actor.id,
        )
        session.add(row)
        session.flush()
    filed = _filed(session, row, None)
    number = filed.newest.number + 1 if filed.versions else 1
    return _add_version(session, row.id, number, filename, content, None, actor, now)


def find_document(
    session: Session, document_id: int, *, actor: Actor, known_at: datetime | None = None
) -> FiledDocument:
    """Find a titled document; one of a trust outside the reader's scope is as unknown as one that does not exist."""
    actor.require("read")
    scope = actor.scope("read")
    row = session.get(TitledDocument, document_id)
    filed = None if row is None else _filed(session, row, known_at)
    if filed is None or not filed.versions or (scope is not None and filed.trust != scope):
        raise NotFound("there is no such document")
    return filed


def version_bytes(
    session: Session, document_id: int, number: int, *, actor: Actor, known_at: datetime | None = None
) -> tuple[Version, bytes]:
    """Give one version of a document the reader may see, with its bytes."""
    filed = find_document(session, document_id, actor=actor, known_at=known_at)
    version = next((each for each in filed.versions if each.number == number), None)
    if version is None:
        raise NotFound("there is no such version of the document")
    return version, bytes_of(
        session, session.scalars(select(Document.id).where(Document.sha256 == version.sha256)).one()
    )


def list_documents(
    session: Session, *, subject: str, actor: Actor, known_at: datetime | None = None
) -> list[FiledDocument]:
    """List the documents of a subject that the reader may see, oldest first."""
    actor.require("read")
    scope = actor.scope("read")
    rows = session.scalars(
        recorded_by_then(
            select(TitledDocument).where(TitledDocument.subject == subject), TitledDocument, known_at
        ).order_by(TitledDocument.id)
    )
    filed = [_filed(session, row, known_at) for row in rows]
    return [each for each in filed if scope is None or each.trust == scope]


def media_type_of(filename: str) -> str | None:
    """Give the media type of a file name's ending, ``None`` where such files are not taken."""
    return MEDIA_TYPES.get(filename.rsplit(".", 1)[-1].lower()) if "." in filename else None


def _file_findings(filename: str, content: bytes) -> list[Finding]:
    if not content:
        return [Finding("#/file", "empty", "the file is empty")]
    if len(content) > LARGEST:
        return [Finding("#/file", "too_large", f"the file is larger than {LARGEST // 1024 // 1024} MB")]
    if media_type_of(filename) is None:
        kinds = ", ".join(sorted(MEDIA_TYPES))
        return [Finding("#/file", "unknown_kind", f"'{filename[:80]}' is none of the kinds that are kept: {kinds}")]
    return []


def _add_version(
    session: Session,
    titled_document_id: int,
    number: int,
    filename: str,
    content: bytes,
    note: str | None,
    actor: Actor,
    now: datetime,
) -> KeptBytes:
    media_type = media_type_of(filename)
    assert media_type is not None
    kept = put(session, content=content, filename=filename, media_type=media_type, recorded_by=actor.id, now=now)
    session.add(
        DocumentVersion(
            titled_document_id=titled_document_id,
            number=number,
            document_id=kept.id,
            filename=filename[-LONGEST:],
            media_type=media_type,
            note=note.strip()[:LONGEST] if note and note.strip() else None,
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    session.flush()
    return kept


def _filed(session: Session, row: TitledDocument, known_at: datetime | None) -> FiledDocument:
    trust = None
    if row.trust_id is not None:
        trust = session.scalar(select(Organisation.code).where(Organisation.id == row.trust_id))
    found = session.execute(
        recorded_by_then(
            select(DocumentVersion, Document.size, Document.sha256)
            .join(Document, Document.id == DocumentVersion.document_id)
            .where(DocumentVersion.titled_document_id == row.id),
            DocumentVersion,
            known_at,
        ).order_by(DocumentVersion.number)
    )
    versions = tuple(
        Version(
            version.number,
            version.filename,
            version.media_type,
            size,
            sha256,
            version.note,
            version.recorded_at,
            version.recorded_by,
        )
        for version, size, sha256 in found
    )
    return FiledDocument(row.id, row.kind, row.title, row.subject, trust, versions)
