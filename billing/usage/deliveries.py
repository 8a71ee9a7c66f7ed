"""Deliveries: the usage files that were taken in, with the days they are about, as far as the reader may see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from billing.models import UsageEntry, UsageImport, UsageReversal
from contracts.models import Organisation
from contracts.models.base import recorded_by_then
from contracts.people import access
from contracts.people.access import Actor


@dataclass(frozen=True, slots=True)
class Delivery:
    """A file taken in: its first and last day with a count, and the sum of its counts; within one trust that trust's.

    ``reversed_at`` tells when it was taken back, ``rows`` is ``None`` for readers within one trust.
    """

    id: int
    filename: str
    kind: str
    first_on: date | None
    last_on: date | None
    quantity: int
    rows: int | None
    recorded_at: datetime
    author: str
    reversed_at: datetime | None


def list_deliveries(
    session: Session, *, agreement_id: int, actor: Actor, known_at: datetime | None = None
) -> list[Delivery]:
    """List the files taken in, newest first; within one trust those that count something there."""
    actor.require("read")
    scope = actor.scope("read")
    query: Select[*tuple[UsageImport, date | None, date | None, int | None]] = (
        select(
            UsageImport,
            func.min(UsageEntry.on),
            func.max(UsageEntry.on),
            func.sum(UsageEntry.quantity),
        )
        .join(
            UsageEntry,
            (UsageEntry.import_id == UsageImport.id) & (UsageEntry.source != "reversal"),
            isouter=scope is None,
        )
        .where(UsageImport.agreement_id == agreement_id)
        .group_by(UsageImport.id)
        .order_by(UsageImport.id.desc())
    )
    if scope is not None:
        query = query.join(Organisation, Organisation.id == UsageEntry.trust_id).where(Organisation.code == scope)
    rows = session.execute(recorded_by_then(query, UsageImport, known_at)).all()
    taken_back = select(UsageReversal.import_id, UsageReversal.recorded_at)
    back: dict[int, datetime] = {}
    for import_id, at in session.execute(recorded_by_then(taken_back, UsageReversal, known_at)):
        back[import_id] = at
    names = access.names_of(session, {row.recorded_by for row, *_ in rows})
    return [
        Delivery(
            row.id,
            row.filename,
            row.kind,
            first_on,
            last_on,
            int(quantity or 0),
            row.rows if scope is None else None,
            row.recorded_at,
            names[row.recorded_by],
            back.get(row.id),
        )
        for row, first_on, last_on, quantity in rows
    ]
