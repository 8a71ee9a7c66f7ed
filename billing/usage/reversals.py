"""Upkeep of usage: take a whole import back, and prove that the roll-up is what events and imports make it.

Nothing is deleted: a reversal adds entries of the opposite sign that point at the import, whose events no longer stand
in the way of others.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session, aliased

from billing.models import UsageEntry, UsageEvent, UsageImport, UsageReversal
from billing.models.usage import BILLABLE, REPEAT_OF_EXAMINATION
from billing.usage.metering import IMPORT_SOURCES
from contracts import agreements, audit, ceiling
from contracts.errors import Conflict, Finding, NotFound, invalid
from contracts.models import Algorithm, Organisation
from contracts.people.access import Actor

LONGEST_REASON = 200
LAST_ID = 2**63 - 1
_MOST_DIFFERENCES = 1_000


@dataclass(frozen=True, slots=True)
class Taking:
    """What an import brought and its reversal takes back: ``quantity`` examinations in ``cells``.

    ``waiting`` counts the events of other imports that were left out as repeats of an examination that this import
    counts; they stay left out, and their cells need a correction or an import anew.
    """

    import_id: int
    filename: str
    kind: str
    recorded_at: datetime
    cells: dict[tuple[str, str, date], int]
    events: int
    waiting: int

    @property
    def quantity(self) -> int:
        """Count the examinations."""
        return sum(self.cells.values())


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the roll-up is not what it should be: ``code`` says in which way; counts where they differ."""

    code: str
    import_id: int | None
    trust: str | None
    algorithm: str | None
    on: date | None
    expected: int
    found: int


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify_usage` read and every difference it found, at most 1 000 of them."""

    imports: int
    cells: int
    events: int
    differences: tuple[Difference, ...]


def find_taking(session: Session, *, agreement_id: int, import_id: int, actor: Actor) -> Taking:
    """Say what reversing an import would take back.

    Raises `NotFound` for an import that the actor does not know or may not correct all of, and `Conflict` for one that
    is reversed already.
    """
    actor.require("usage.correct")
    scope = actor.scope("usage.correct")
    if import_id > LAST_ID:
        raise NotFound(f"there is no import {import_id}")
    record = session.get(UsageImport, import_id)
    cells = cells_of(session, import_id)
    hidden = scope is not None and any(trust != scope for trust, _, _ in cells)
    if record is None or record.agreement_id != agreement_id or hidden:
        raise NotFound(f"there is no import {import_id}")
    if session.scalar(select(UsageReversal.id).where(UsageReversal.import_id == import_id)) is not None:
        raise Conflict("already_reversed", f"import {import_id} is reversed already")
    events = 0
    if record.kind == "events":
        events = record.accepted
    return Taking(
        import_id,
        record.filename,
        record.kind,
        record.recorded_at,
        cells,
        events,
        _waiting(session, import_id, record.kind),
    )


def reverse_import(
    session: Session, *, agreement_id: int, import_id: int, reason: str, actor: Actor, now: datetime
) -> Taking:
    """Take a whole import back by signed entries; the same file, and its events in other files, may come again.

    Raises as `find_taking`, and `InvalidInput` without a reason or where a cell would fall below nought because it was
    corrected since: that correction is taken back first.
    """
    agreements.lock_agreement(session, agreement_id)
    taking = find_taking(session, agreement_id=agreement_id, import_id=import_id, actor=actor)
    findings = []
    if not reason.strip():
        findings.append(Finding("#/reason", "missing", "a reversal needs a reason"))
    for (trust, algorithm, on), left in _left(session, agreement_id, taking).items():
        if left < 0:
            detail = f"{trust}, {algorithm}, {on} would fall to {left}: take its correction back first"
            findings.append(Finding("#/import", "below_zero", detail))
    invalid(findings)
    session.add(
        UsageReversal(
            import_id=import_id, reason=reason.strip()[:LONGEST_REASON], recorded_at=now, recorded_by=actor.id
        )
    )
    rows = session.execute(
        select(UsageEntry.trust_id, UsageEntry.algorithm_id, UsageEntry.on, func.sum(UsageEntry.quantity))
        .where(UsageEntry.import_id == import_id)
        .group_by(UsageEntry.trust_id, UsageEntry.algorithm_id, UsageEntry.on)
        .order_by(UsageEntry.on, UsageEntry.trust_id, UsageEntry.algorithm_id)
    ).all()
    entries = [
        {
            "agreement_id": agreement_id,
            "trust_id": trust_id,
            "algorithm_id": algorithm_id,
            "on": on,
            "quantity": -int(quantity),
            "source": "reversal",
            "import_id": import_id,
            "reason": reason.strip()[:LONGEST_REASON],
            "recorded_at": now,
            "recorded_by": actor.id,
        }
        for trust_id, algorithm_id, on, quantity in rows
    ]
    if entries:
        session.execute(insert(UsageEntry), entries)
    audit.record(
        session,
        "usage.reverse",
        f"usage-import:{import_id}",
        {"reason": reason.strip(), "quantity": -taking.quantity, "cells": len(taking.cells)},
        actor.id,
        now,
    )
    session.flush()
    ceiling.moved(session, agreement_id=agreement_id, recorded_by=actor.id, now=now)
    return taking


def verify_usage(session: Session, *, agreement_id: int, actor: Actor) -> Verification:
    """Recompute the roll-up from events and imports and name every difference.

    Each import of events must have, in each cell, as many as its billable events; each import's entries must sum to the
    quantity on its record, each reversed one's to nought in every cell; no event may count twice; no cell may have two
    kinds of source or be below nought; every entry belongs to an import or is a correction.
    """
    actor.require("read")
    imports = {
        row.id: row for row in session.scalars(select(UsageImport).where(UsageImport.agreement_id == agreement_id))
    }
    reversed_ids = set(session.scalars(select(UsageReversal.import_id).where(UsageReversal.import_id.in_(imports))))
    trusts = dict(session.execute(select(Organisation.id, Organisation.code)).all())
    algorithms = dict(session.execute(select(Algorithm.id, Algorithm.code)).all())
    entered, sums, kinds, total = _entered(session, agreement_id)
    counted, events = _counted(session, agreement_id)
    found: list[Difference] = []

    def differ(code: str, import_id: int | None, cell: tuple[int, int, date] | None, expected: int, was: int) -> None:
        trust, algorithm, on = (trusts[cell[0]], algorithms[cell[1]], cell[2]) if cell else (None, None, None)
        found.append(Difference(code, import_id, trust, algorithm, on, expected, was))

    of_events = {id_ for id_, row in imports.items() if row.kind == "events"}
    expected = {key: quantity for key, quantity in counted.items() if key[0] in imports}
    for key in expected.keys() | {key for key in entered if key[0] in of_events}:
        if key not in entered or entered[key] != expected.get(key):
            differ("events_differ", key[0], key[1:], expected.get(key, 0), entered.get(key, 0))
    brought: dict[int, int] = defaultdict(int)
    for (import_id, *_), quantity in entered.items():
        brought[import_id] += quantity
    for import_id, row in imports.items():
        if brought[import_id] != row.quantity:
            differ("import_differs", import_id, None, row.quantity, brought[import_id])
    for key, quantity in sums.items():
        if key[0] in reversed_ids and quantity != 0:
            differ("not_taken_back", key[0], key[1:], 0, quantity)
    for place, sources in kinds.items():
        standing = {source for source, import_id in sources if import_id not in reversed_ids}
        if "events" in standing and len(standing) > 1:
            differ("mixed_sources", None, place, 1, len(standing))
    for place, quantity in total.items():
        if quantity < 0:
            differ("below_zero", None, place, 0, quantity)
    for import_id, count in _twice(session, agreement_id):
        differ("event_counts_twice", import_id, None, 1, count)
    for import_id in {key[0] for key in counted} - set(imports):
        differ("events_without_import", import_id, None, 0, 1)
    found.sort(key=lambda each: (each.code, each.import_id or 0, str(each.on), each.trust or "", each.algorithm or ""))
    return Verification(len(imports), len(total), events, tuple(found[:_MOST_DIFFERENCES]))


Key = tuple[int, int, int, date]
Place = tuple[int, int, date]


def _entered(
    session: Session, agreement_id: int
) -> tuple[dict[Key, int], dict[Key, int], dict[Place, set[tuple[str, int]]], dict[Place, int]]:
    """Sum the entries: as imported, with reversals, the sources of each cell, and all together."""
    entered: dict[Key, int] = {}
    sums: dict[Key, int] = defaultdict(int)
    kinds: dict[Place, set[tuple[str, int]]] = defaultdict(set)
    total: dict[Place, int] = defaultdict(int)
    rows = session.execute(
        select(
            UsageEntry.import_id,
            UsageEntry.trust_id,
            UsageEntry.algorithm_id,
            UsageEntry.on,
            UsageEntry.source,
            func.sum(UsageEntry.quantity),
        )
        .where(UsageEntry.agreement_id == agreement_id)
        .group_by(UsageEntry.import_id, UsageEntry.trust_id, UsageEntry.algorithm_id, UsageEntry.on, UsageEntry.source)
    )
    for import_id, trust_id, algorithm_id, on, source, quantity in rows:
        place = (trust_id, algorithm_id, on)
        total[place] += int(quantity)
        if import_id is None:
            continue
        sums[import_id, *place] += int(quantity)
        if source in IMPORT_SOURCES:
            entered[import_id, *place] = entered.get((import_id, *place), 0) + int(quantity)
            kinds[place].add((source, import_id))
    return entered, sums, kinds, total


def _counted(session: Session, agreement_id: int) -> tuple[dict[Key, int], int]:
    """Count the billable events of each import and cell, a cell without any included."""
    counted: dict[Key, int] = {}
    events = 0
    others = select(UsageImport.id).where(UsageImport.agreement_id != agreement_id)
    rows = session.execute(
        select(
            UsageEvent.import_id,
            UsageEvent.trust_id,
            UsageEvent.algorithm_id,
            UsageEvent.on,
            UsageEvent.outcome,
            func.count(),
        )
        .where(UsageEvent.import_id.not_in(others))
        .group_by(UsageEvent.import_id, UsageEvent.trust_id, UsageEvent.algorithm_id, UsageEvent.on, UsageEvent.outcome)
    )
    for import_id, trust_id, algorithm_id, on, outcome, count in rows:
        key = (import_id, trust_id, algorithm_id, on)
        counted[key] = counted.get(key, 0) + (count if outcome == BILLABLE else 0)
        events += count
    return counted, events


def _twice(session: Session, agreement_id: int) -> list[tuple[int, int]]:
    """Find events that stand in two imports that both stand: only rows of a later round can."""
    first, second = aliased(UsageEvent), aliased(UsageEvent)
    gone = select(UsageReversal.import_id)
    rows = session.execute(
        select(second.import_id, func.count())
        .select_from(second)
        .join(first, first.event_key == second.event_key)
        .join(UsageImport, UsageImport.id == second.import_id)
        .where(
            second.round > 0,
            first.round < second.round,
            UsageImport.agreement_id == agreement_id,
            first.import_id.not_in(gone),
            second.import_id.not_in(gone),
        )
        .group_by(second.import_id)
    )
    return [(import_id, count) for import_id, count in rows]


def cells_of(session: Session, import_id: int) -> dict[tuple[str, str, date], int]:
    """Give what an import brought to each (trust, algorithm, day), whether it still stands or not."""
    rows = session.execute(
        select(Organisation.code, Algorithm.code, UsageEntry.on, func.sum(UsageEntry.quantity))
        .join(Organisation, Organisation.id == UsageEntry.trust_id)
        .join(Algorithm, Algorithm.id == UsageEntry.algorithm_id)
        .where(UsageEntry.import_id == import_id, UsageEntry.source.in_(IMPORT_SOURCES))
        .group_by(Organisation.code, Algorithm.code, UsageEntry.on)
    )
    return {(trust, algorithm, on): int(quantity) for trust, algorithm, on, quantity in rows}


def _left(session: Session, agreement_id: int, taking: Taking) -> dict[tuple[str, str, date], int]:
    """Say what each of the import's cells would come to without it."""
    days = [on for _, _, on in taking.cells]
    if not days:
        return {}
    rows = session.execute(
        select(Organisation.code, Algorithm.code, UsageEntry.on, func.sum(UsageEntry.quantity))
        .join(Organisation, Organisation.id == UsageEntry.trust_id)
        .join(Algorithm, Algorithm.id == UsageEntry.algorithm_id)
        .where(UsageEntry.agreement_id == agreement_id, UsageEntry.on >= min(days), UsageEntry.on <= max(days))
        .group_by(Organisation.code, Algorithm.code, UsageEntry.on)
    )
    standing = {(trust, algorithm, on): int(quantity) for trust, algorithm, on, quantity in rows}
    return {cell: standing[cell] - quantity for cell, quantity in taking.cells.items()}


def _waiting(session: Session, import_id: int, kind: str) -> int:
    """Count the events of other standing imports that repeat an examination which this one counts."""
    if kind != "events":
        return 0
    own, other = aliased(UsageEvent), aliased(UsageEvent)
    examined = (
        select(own.accession)
        .where(own.import_id == import_id, own.outcome == BILLABLE, own.accession.is_not(None))
        .distinct()
    )
    return int(
        session.scalar(
            select(func.count())
            .select_from(other)
            .where(
                other.accession.in_(examined),
                other.outcome == REPEAT_OF_EXAMINATION,
                other.import_id != import_id,
                other.import_id.not_in(select(UsageReversal.import_id)),
            )
        )
        or 0
    )
