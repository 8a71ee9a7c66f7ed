"""The runs of closed quarters as they were recorded: which there are, which one stands, and what it froze."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.models import QuarterClosing, QuarterReopening
from billing.quarters.frozen import FrozenQuarter
from contracts import documents
from contracts.models import Document
from contracts.terms.period import Period


@dataclass(frozen=True, slots=True)
class Reopening:
    """When a run was taken out of force, by whom and why."""

    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a quarter, numbered from 1; ``total`` excludes VAT and is that of all trusts.

    ``known_at`` is the usage cut-off: what was known then is in it. ``sha256`` is that of the frozen document.
    """

    id: int
    quarter: str
    number: int
    document_id: int
    sha256: str
    size: int
    known_at: datetime
    correction_mark: int
    total: Decimal
    lines: int
    missing: int
    closed_at: datetime
    closed_by: str
    reopening: Reopening | None

    @property
    def period(self) -> Period:
        """Give the quarter's days."""
        return Period.parse(self.quarter)


def runs(
    session: Session, agreement_id: int, quarter: str | None = None, known_at: datetime | None = None
) -> list[Run]:
    """List the runs of a quarter, or of all, in the order of quarter and run."""
    query = (
        select(QuarterClosing, Document.sha256, Document.size, QuarterReopening)
        .join(Document, Document.id == QuarterClosing.document_id)
        .outerjoin(QuarterReopening, QuarterReopening.closing_id == QuarterClosing.id)
        .where(QuarterClosing.agreement_id == agreement_id)
        .order_by(QuarterClosing.quarter, QuarterClosing.run)
    )
    if quarter is not None:
        query = query.where(QuarterClosing.quarter == quarter)
    if known_at is not None:
        query = query.where(QuarterClosing.recorded_at <= known_at)
    return [
        Run(
            id=row.id,
            quarter=row.quarter,
            number=row.run,
            document_id=row.document_id,
            sha256=sha256,
            size=size,
            known_at=row.known_at,
            correction_mark=row.correction_mark,
            total=row.total,
            lines=row.lines,
            missing=row.missing,
            closed_at=row.recorded_at,
            closed_by=row.recorded_by,
            reopening=None
            if opened is None or (known_at is not None and opened.recorded_at > known_at)
            else Reopening(opened.recorded_at, opened.recorded_by, opened.reason),
        )
        for row, sha256, size, opened in session.execute(query)
    ]


def standing(session: Session, agreement_id: int, known_at: datetime | None = None) -> dict[str, Run]:
    """Give the run that stands for each closed quarter; a quarter whose newest run was reopened has none."""
    newest = {run.quarter: run for run in runs(session, agreement_id, None, known_at)}
    return {quarter: run for quarter, run in newest.items() if run.reopening is None}


def first_open_day(session: Session, agreement_id: int) -> date | None:
    """Give the day after the last closed quarter, ``None`` where none is closed: prices before it stand."""
    return max((Period.parse(quarter).end for quarter in standing(session, agreement_id)), default=None)


def frozen_bytes(session: Session, run: Run) -> bytes:
    """Give the bytes that a run froze."""
    return documents.bytes_of(session, run.document_id)


def frozen(session: Session, run: Run) -> FrozenQuarter:
    """Read what a run froze; the last few are kept, since a document never changes."""
    return _read(frozen_bytes(session, run))


@lru_cache(maxsize=12)
def _read(content: bytes) -> FrozenQuarter:
    return FrozenQuarter.from_bytes(content)
