"""What was used: imports keyed by their file's hash, and signed daily entries."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from contracts.models.base import Base, Fact


class UsageImport(Fact, Base):
    """One file taken in whole; the same bytes are never taken in twice for an agreement."""

    __tablename__ = "usage_imports"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    sha256: Mapped[str]
    filename: Mapped[str]
    rows: Mapped[int]
    accepted: Mapped[int]
    duplicates: Mapped[int]

    __table_args__ = (UniqueConstraint("agreement_id", "sha256"),)


class UsageEntry(Fact, Base):
    """Examinations of one algorithm at one trust on one date; a correction is a further, signed entry.

    ``source`` says what the row was made from: ``daily``, ``monthly`` (spread over working days) or ``correction``.
    """

    __tablename__ = "usage_entries"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    trust_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    algorithm_id: Mapped[int] = mapped_column(ForeignKey("algorithms.id"))
    on: Mapped[date] = mapped_column("on_date")
    quantity: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str]
    import_id: Mapped[int | None] = mapped_column(ForeignKey("usage_imports.id"), index=True)
    reason: Mapped[str | None]

    __table_args__ = (Index("ix_usage_entries_cell", "agreement_id", "trust_id", "algorithm_id", "on_date"),)
