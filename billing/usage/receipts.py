"""Receipts: one import as it was taken in, for whoever may see it, for good."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.models import UsageEvent, UsageImport, UsageReversal, UsageSource
from billing.models.usage import BILLABLE, OUTCOMES
from billing.usage.reversals import LAST_ID, cells_of
from contracts.errors import NotFound
from contracts.models.base import recorded_by_then
from contracts.people import access
from contracts.people.access import Actor
from contracts.terms.period import Period

Month = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class TakenBack:
    """That an import was taken back: when, by whom and why."""

    at: datetime
    author: str
    reason: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """An import: its file, its counts, and the examinations of each (trust, algorithm, month).

    Readers within one trust get that trust's months and their sum; what tells of others is ``None``.
    """

    id: int
    filename: str
    sha256: str
    kind: str
    source: str | None
    rows: int | None
    accepted: int | None
    duplicates: int | None
    not_billable: int | None
    reasons: tuple[tuple[str, int], ...]
    quantity: int
    first_on: date | None
    last_on: date | None
    months: tuple[tuple[Month, int], ...]
    recorded_at: datetime
    recorded_by: str
    author: str
    taken_back: TakenBack | None


def find_receipt(
    session: Session, *, agreement_id: int, import_id: int, actor: Actor, known_at: datetime | None = None
) -> Receipt:
    """Find an import; one that brought nothing to the reader's own trust is as unknown as one that does not exist."""
    actor.require("read")
    scope = actor.scope("read")
    if import_id > LAST_ID:
        raise NotFound(f"there is no import {import_id}")
    row = session.scalar(
        recorded_by_then(
            select(UsageImport).where(UsageImport.agreement_id == agreement_id, UsageImport.id == import_id),
            UsageImport,
            known_at,
        )
    )
    cells = {} if row is None else cells_of(session, import_id)
    seen = {cell: quantity for cell, quantity in cells.items() if scope in (None, cell[0])}
    if row is None or (scope is not None and not seen):
        raise NotFound(f"there is no import {import_id}")
    whole = scope is None or len(seen) == len(cells)
    back = session.scalar(
        recorded_by_then(select(UsageReversal).where(UsageReversal.import_id == import_id), UsageReversal, known_at)
    )
    people = access.names_of(session, {row.recorded_by, *([back.recorded_by] if back is not None else [])})
    days = [on for _, _, on in seen]
    source = None if row.source_id is None else session.get(UsageSource, row.source_id)
    return Receipt(
        row.id,
        row.filename,
        row.sha256,
        row.kind,
        None if source is None else source.name,
        row.rows if whole else None,
        row.accepted if whole else None,
        row.duplicates if whole else None,
        row.not_billable if whole else None,
        reasons_of(session, import_id) if whole and row.not_billable else (),
        sum(seen.values()),
        min(days, default=None),
        max(days, default=None),
        months_of(seen),
        row.recorded_at,
        row.recorded_by,
        people[row.recorded_by],
        None if back is None else TakenBack(back.recorded_at, people[back.recorded_by], back.reason),
    )


def months_of(cells: Mapping[tuple[str, str, date], int]) -> tuple[tuple[Month, int], ...]:
    """Sum cells by trust, algorithm and month, in that order."""
    sums: dict[Month, int] = defaultdict(int)
    for (trust, algorithm, on), quantity in cells.items():
        sums[trust, algorithm, Period.month(on).label()] += quantity
    return tuple(sorted(sums.items()))


def reasons_of(session: Session, import_id: int) -> tuple[tuple[str, int], ...]:
    """Count an import's events that are not billable, by why."""
    rows = session.execute(
        select(UsageEvent.outcome, func.count())
        .where(UsageEvent.import_id == import_id, UsageEvent.outcome != BILLABLE)
        .group_by(UsageEvent.outcome)
        .order_by(UsageEvent.outcome)
    )
    return tuple((OUTCOMES[outcome], count) for outcome, count in rows)
