"""Quarters that were closed, and opened again; corrections of usage with their evidence."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from contracts.models.base import Base, Fact, Money


class QuarterClosing(Fact, Base):
    """One run of a quarter: its frozen charges as a document, known by hash, and the instant up to which was known.

    ``correction_mark`` is the last correction that the run knew of: rows are numbered under the agreement's lock, so what
    has a higher number came later, whatever the clocks say. ``missing`` counts the cells without usage that the closer
    acknowledged.
    """

    __tablename__ = "quarter_closings"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    quarter: Mapped[str]
    run: Mapped[int]
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"), index=True)
    known_at: Mapped[datetime]
    correction_mark: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[Decimal] = mapped_column(Money())
    lines: Mapped[int]
    missing: Mapped[int]

    __table_args__ = (UniqueConstraint("agreement_id", "quarter", "run"),)


class QuarterReopening(Fact, Base):
    """A run taken out of force, with the reason; the run itself stays what it was."""

    __tablename__ = "quarter_reopenings"
    closing_id: Mapped[int] = mapped_column(ForeignKey("quarter_closings.id"), unique=True)
    reason: Mapped[str]


class Correction(Fact, Base):
    """A signed correction of one day's count with its reason and evidence; the entry itself stands in the usage.

    ``kind`` is ``correction`` or ``opening`` (usage before the agreement was taken over). ``effect`` is what it changed in
    the expected charges up to then, over all lines.
    """

    __tablename__ = "usage_corrections"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    kind: Mapped[str]
    trust_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    algorithm_id: Mapped[int] = mapped_column(ForeignKey("algorithms.id"))
    on: Mapped[date] = mapped_column("on_date")
    before: Mapped[int] = mapped_column(BigInteger)
    change: Mapped[int] = mapped_column(BigInteger)
    reason_code: Mapped[str]
    reason: Mapped[str]
    effect: Mapped[Decimal] = mapped_column(Money())
    evidence_id: Mapped[int | None] = mapped_column(ForeignKey("titled_documents.id"), index=True)
    evidence_version: Mapped[int | None]

    __table_args__ = (Index("ix_usage_corrections_cell", "agreement_id", "on_date", "trust_id", "algorithm_id"),)
