"""Documents, kept byte for byte and known by their hash; and what people call them, version by version."""

from __future__ import annotations

from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, deferred, mapped_column

from contracts.models.base import Base, Fact


class Document(Fact, Base):
    """A file as it came in; ``sha256`` is 64 hex digits over exactly these bytes."""

    __tablename__ = "documents"
    sha256: Mapped[str] = mapped_column(unique=True)
    filename: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    content: Mapped[bytes] = deferred(mapped_column(LargeBinary))


class TitledDocument(Fact, Base):
    """What people call a document; its bytes stand in its versions.

    ``subject`` names what it belongs to (``quarter:ra-2024-ki/2026-Q3``); ``trust_id`` is the one trust whose document it
    is, null where it belongs to all.
    """

    __tablename__ = "titled_documents"
    kind: Mapped[str]
    title: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    trust_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)


class DocumentVersion(Fact, Base):
    """One version of a titled document: which bytes, and the name and the type they were handed in under."""

    __tablename__ = "document_versions"
    titled_document_id: Mapped[int] = mapped_column(ForeignKey("titled_documents.id"))
    number: Mapped[int]
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"), index=True)
    filename: Mapped[str]
    media_type: Mapped[str]
    note: Mapped[str | None]

    __table_args__ = (UniqueConstraint("titled_document_id", "number"),)
