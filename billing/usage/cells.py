"""Usage cells: what is recorded for one (trust, algorithm, day), page by page, and the entries a cell is the sum of.

Entries are only ever added, so the number of a cell's entries tells two states of it apart even where the sum is the
same again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session

from billing.models import UsageEntry
from contracts import agreements
from contracts.errors import NotFound
from contracts.models import Algorithm, Organisation
from contracts.people.access import Actor
from contracts.terms.period import Period

Place = tuple[date, str, str]


@dataclass(frozen=True, slots=True)
class Cell:
    """A day's examinations of one algorithm at one trust: the sum of ``entries`` signed entries."""

    trust: str
    algorithm: str
    on: date
    quantity: int
    entries: int

    @property
    def place(self) -> Place:
        """Give what cells are listed by: day, trust, algorithm."""
        return self.on, self.trust, self.algorithm


@dataclass(frozen=True, slots=True)
class CellEntry:
    """One signed entry of a cell; ``source`` is `daily`, `monthly` or `correction`."""

    quantity: int
    source: str
    import_id: int | None
    reason: str | None
    recorded_at: datetime
    recorded_by: str


def list_cells(
    session: Session,
    *,
    agreement_id: int,
    actor: Actor,
    trust: str | None = None,
    algorithm: str | None = None,
    from_on: date | None = None,
    to_on: date | None = None,
    after: Place | None = None,
    limit: int | None = None,
) -> list[Cell]:
    """List the cells of ``[from_on, to_on)`` by day, trust and algorithm, at most ``limit`` of them after ``after``.

    Raises `NotFound` for a trust that is no option holder or lies outside the actor's scope.
    """
    scope = agreements.readable_trust(session, agreement_id, actor, trust)
    query = _cells(agreement_id)
    if scope is not None:
        query = query.where(Organisation.code == scope)
    if algorithm is not None:
        query = query.where(Algorithm.code == algorithm)
    if from_on is not None:
        query = query.where(UsageEntry.on >= from_on)
    if to_on is not None:
        query = query.where(UsageEntry.on < to_on)
    if after is not None:
        query = query.where(tuple_(UsageEntry.on, Organisation.code, Algorithm.code) > tuple_(*after))
    query = query.order_by(UsageEntry.on, Organisation.code, Algorithm.code).limit(limit)
    return [Cell(code, product, on, int(total), count) for code, product, on, total, count in session.execute(query)]


def find_cell(
    session: Session, *, agreement_id: int, actor: Actor, trust: str, algorithm: str, on: date
) -> tuple[Cell, list[CellEntry]]:
    """Give one cell with its entries, oldest first; a day on which the activation runs and nothing is recorded is 0.

    Raises `NotFound` where the trust, the algorithm or an activation on that day is unknown to the actor.
    """
    agreements.readable_trust(session, agreement_id, actor, trust)
    cells = list_cells(
        session,
        agreement_id=agreement_id,
        actor=actor,
        trust=trust,
        algorithm=algorithm,
        from_on=on,
        to_on=on + timedelta(days=1),
    )
    if not cells and not _runs(session, agreement_id, trust, algorithm, on):
        raise NotFound(f"'{algorithm}' is not active at '{trust}' on {on}")
    cell = cells[0] if cells else Cell(trust, algorithm, on, 0, 0)
    entries = session.scalars(
        select(UsageEntry)
        .join(Organisation, Organisation.id == UsageEntry.trust_id)
        .join(Algorithm, Algorithm.id == UsageEntry.algorithm_id)
        .where(
            UsageEntry.agreement_id == agreement_id,
            Organisation.code == trust,
            Algorithm.code == algorithm,
            UsageEntry.on == on,
        )
        .order_by(UsageEntry.id)
    )
    return cell, [
        CellEntry(row.quantity, row.source, row.import_id, row.reason, row.recorded_at, row.recorded_by)
        for row in entries
    ]


def _cells(agreement_id: int) -> Select[str, str, date, int, int]:
    return (
        select(
            Organisation.code,
            Algorithm.code,
            UsageEntry.on,
            func.sum(UsageEntry.quantity),
            func.count(UsageEntry.id),
        )
        .join(Organisation, Organisation.id == UsageEntry.trust_id)
        .join(Algorithm, Algorithm.id == UsageEntry.algorithm_id)
        .where(UsageEntry.agreement_id == agreement_id)
        .group_by(Organisation.code, Algorithm.code, UsageEntry.on)
    )


def _runs(session: Session, agreement_id: int, trust: str, algorithm: str, on: date) -> bool:
    return any(
        Period(row.validation_from or row.go_live, row.end or date.max).contains(on)
        for row in agreements.activations(session, agreement_id)
        if (row.trust, row.algorithm) == (trust, algorithm)
        and (row.end is None or row.end > (row.validation_from or row.go_live))
    )
