"""Metering: bring the buyer's own count in, once and whole, and give it back per day as it was known.

A cell is one (trust, algorithm, day) and has one source: the same value again is a duplicate, another value refuses the
file and offers a correction; events and counts never mix in a cell. A file is read and staged first, then written in one
short transaction keyed by its SHA-256; one bad row refuses all of it. Nothing is changed afterwards: a correction is a
further signed entry, and a whole import is taken back by entries of the opposite sign. The entries are the daily roll-up;
everything downstream reads them through `daily_usage`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any, Literal

from sqlalchemy import ColumnElement, func, insert, literal, select, text, type_coerce, union_all
from sqlalchemy.orm import Session
from sqlalchemy.types import NullType

from billing.models import UsageEntry, UsageImport, UsageKey, UsageReversal, UsageRule
from billing.usage.errors import MOST_ERRORS, FileRefused, RowError, sentence
from billing.usage.files import Content, examine, hash_of
from billing.usage.places import places_of
from billing.usage.readings import Reading
from billing.usage.sources import find_source
from billing.usage.staging import LARGEST_QUANTITY, CountRow, Progress, Silence, StagedFile, stage
from billing.usage.writing import EventWrite, Stamp, Written
from contracts import agreements, audit, ceiling, clock
from contracts.errors import Conflict, Finding, NotFound, invalid
from contracts.models import Algorithm, Organisation
from contracts.models.base import known, recorded_by_then
from contracts.people.access import Actor
from contracts.terms.period import Period
from contracts.terms.price_book import Usage
from contracts.terms.written import Language

__all__ = [
    "LARGEST_QUANTITY",
    "Language",
    "Progress",
    "RowError",
    "StagedUsage",
    "UsageImportResult",
    "apply_usage",
    "correct_usage",
    "daily_usage",
    "import_usage",
    "last_day",
    "sentence",
    "set_rule",
    "stage_usage",
]

COUNT_SOURCES = ("daily", "monthly")
IMPORT_SOURCES = (*COUNT_SOURCES, "events")
# A cell as the roll-up is read: its day (as the driver gives it), trust, algorithm, examinations.
RolledUp = tuple[Any, int, int, int]


@dataclass(frozen=True, slots=True)
class UsageImportResult:
    """What an import did: ``imported``, ``already_imported``, ``checked`` (dry run) or ``refused``.

    ``accepted`` counts the rows that brought something new, billable or not; ``duplicates`` those that repeated
    something known; ``not_billable`` those of the accepted that do not count. ``quantity`` is what the accepted ones
    add. ``findings`` are told and refuse nothing.
    """

    id: int | None
    status: str
    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    not_billable: int = 0
    errors: tuple[RowError, ...] = ()
    quantity: int = 0
    findings: tuple[RowError, ...] = ()


@dataclass(frozen=True, slots=True)
class StagedUsage:
    """A file read and checked, ready for the short write; ``close`` it when it is no longer needed."""

    agreement_id: int
    filename: str
    sha256: str
    source_id: int | None
    staged: StagedFile | None
    errors: tuple[RowError, ...] = ()
    earlier: UsageImportResult | None = None

    @property
    def rows(self) -> int:
        """Count the rows that were read."""
        return 0 if self.staged is None else self.staged.rows

    def close(self) -> None:
        """Remove what was staged on disk."""
        if self.staged is not None:
            self.staged.close()


def import_usage(
    session: Session,
    *,
    agreement_id: int,
    filename: str,
    content: Content,
    actor: Actor,
    now: datetime,
    dry_run: bool = False,
    source: str | None = None,
    reading: Reading | None = None,
    progress: Progress | None = None,
) -> UsageImportResult:
    """Take in a file of events or of daily or monthly counts, all of it or nothing, in the session's transaction.

    ``content`` is the file's bytes or its path. Without a ``source`` (a saved reading) or a ``reading`` the file has one
    of the three plain headers, in CSV with commas, UTF-8 and ISO dates, or in XLSX. Monthly counts are spread over the
    month's working days on which the activation runs, equal shares, left-over units on the earliest days. The same bytes
    again are ``already_imported``. Errors are values with row and column; a trust outside the actor's scope is one.
    Whoever can open two transactions stages in the first and writes in the second (`stage_usage`, `apply_usage`).
    """
    staged = stage_usage(
        session,
        agreement_id=agreement_id,
        filename=filename,
        content=content,
        actor=actor,
        now=now,
        source=source,
        reading=reading,
        progress=progress,
    )
    try:
        return apply_usage(session, staged, actor=actor, now=now, dry_run=dry_run, progress=progress)
    finally:
        staged.close()


def stage_usage(
    session: Session,
    *,
    agreement_id: int,
    filename: str,
    content: Content,
    actor: Actor,
    now: datetime,
    source: str | None = None,
    reading: Reading | None = None,
    progress: Progress | None = None,
) -> StagedUsage:
    """Read, check and hash a file without writing anything; a reading session is enough.

    A count of a day after today (the example's own, for its agreement) is an error of its row.

    Memory is bounded whatever the file's size. Raises `NotFound` for an unknown source and whatever
    ``progress.check_cancel`` raises.
    """
    actor.require("usage.import")
    places = places_of(session, agreement_id, actor.scope("usage.import"))
    source_id = None
    if source is not None:
        found = find_source(session, agreement_id=agreement_id, name=source)
        source_id, reading = found.id, found.reading
    try:
        file = examine(filename, content)
    except FileRefused as refused:
        digest = hash_of(content)
        return StagedUsage(agreement_id, filename, digest, source_id, None, (refused.error,))
    standing = _standing_import(session, agreement_id, file.sha256)
    if standing is not None:
        return StagedUsage(agreement_id, filename, file.sha256, source_id, None, earlier=_already(standing))
    staged = stage(
        file,
        reading=reading,
        places=places,
        secret=session.scalars(select(UsageKey.secret).order_by(UsageKey.id).limit(1)).one(),
        agreement_id=agreement_id,
        dialect=session.get_bind().dialect.name,
        today=_today(session, agreement_id, now),
        progress=progress or Silence(),
    )
    return StagedUsage(agreement_id, filename, file.sha256, source_id, staged, staged.errors)


def _today(session: Session, agreement_id: int, now: datetime) -> date:
    example = agreements.agreement_summary(session, agreement_id).example
    return clock.today(session, example_mode=example, now=now)


def apply_usage(
    session: Session,
    staged: StagedUsage,
    *,
    actor: Actor,
    now: datetime,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> UsageImportResult:
    """Write a staged file in the session's transaction, which takes the agreement's lock first; whole or not at all.

    What others recorded since the staging counts: the same file is ``already_imported``, known values are duplicates,
    other values refuse. Raises `Conflict` where the agreement's activations or the actor's scope changed meanwhile.
    """
    actor.require("usage.import")
    agreements.lock_agreement(session, staged.agreement_id)
    standing = _standing_import(session, staged.agreement_id, staged.sha256)
    if standing is not None:
        return _already(standing)
    if staged.errors:
        return UsageImportResult(None, "refused", staged.rows, errors=staged.errors)
    if staged.earlier is not None or staged.staged is None:
        raise Conflict("import_reversed", "the file's import was reversed meanwhile; read the file again")
    if places_of(session, staged.agreement_id, actor.scope("usage.import")) != staged.staged.places:
        raise Conflict("terms_changed", "the agreement's activations changed meanwhile; read the file again")
    (progress or Silence()).phase("write", None)
    with session.begin_nested() as savepoint:
        record, written = _write(session, staged, staged.staged, actor=actor, now=now)
        if written.errors or dry_run:
            savepoint.rollback()
    if written.errors:
        return UsageImportResult(None, "refused", staged.rows, errors=written.errors)
    if not dry_run:
        ceiling.moved(session, agreement_id=staged.agreement_id, recorded_by=actor.id, now=now)
    return UsageImportResult(
        None if dry_run else record,
        "checked" if dry_run else "imported",
        staged.rows,
        written.accepted,
        written.duplicates,
        written.not_billable,
        quantity=written.quantity,
        findings=written.findings,
    )


def _write(
    session: Session, staged: StagedUsage, file: StagedFile, *, actor: Actor, now: datetime
) -> tuple[int, Written]:
    """Write entries, events, the import's own record and the log; the caller undoes it where there are errors."""
    errors = _mixed_sources(session, staged.agreement_id, file)
    if errors:
        return 0, Written(errors=tuple(errors))
    stamp = Stamp(staged.agreement_id, _next_import_id(session), now, actor.id)
    if file.events is None:
        fresh, written = _judge_counts(session, staged.agreement_id, file)
        if not written.errors:
            _record_import(session, staged, file, written, stamp)
            _write_counts(session, fresh, file, stamp)
        return stamp.import_id, written
    write = EventWrite(session.connection(), file, repeat_days=rule_of(session, staged.agreement_id))
    try:
        written = write.events(stamp.import_id)
        if not written.errors:
            _record_import(session, staged, file, written, stamp)
            write.entries(stamp)
    finally:
        write.close()
    return stamp.import_id, written


def _record_import(session: Session, staged: StagedUsage, file: StagedFile, written: Written, stamp: Stamp) -> None:
    rounds = session.scalar(
        select(func.count())
        .select_from(UsageImport)
        .where(UsageImport.agreement_id == staged.agreement_id, UsageImport.sha256 == staged.sha256)
    )
    session.add(
        UsageImport(
            id=stamp.import_id,
            agreement_id=staged.agreement_id,
            sha256=staged.sha256,
            round=rounds,
            filename=staged.filename[:200],
            kind=file.kind,
            source_id=staged.source_id,
            rows=file.rows,
            accepted=written.accepted,
            duplicates=written.duplicates,
            not_billable=written.not_billable,
            quantity=written.quantity,
            recorded_at=stamp.recorded_at,
            recorded_by=stamp.recorded_by,
        )
    )
    audit.record(
        session,
        "usage.import",
        f"usage-import:{stamp.import_id}",
        {
            "sha256": staged.sha256,
            "filename": staged.filename,
            "rows": file.rows,
            "accepted": written.accepted,
            "not_billable": written.not_billable,
        },
        stamp.recorded_by,
        stamp.recorded_at,
    )
    session.flush()


def _next_import_id(session: Session) -> int:
    """Number an import before its counts are known: its events stand before its own, unchangeable, record does."""
    if session.get_bind().dialect.name == "postgresql":
        return int(session.scalar(text("SELECT nextval(pg_get_serial_sequence('usage_imports', 'id'))")) or 0)
    return (session.scalar(select(func.max(UsageImport.id))) or 0) + 1  # SQLite's writers queue: nobody else is here


def _judge_counts(session: Session, agreement_id: int, file: StagedFile) -> tuple[list[CountRow], Written]:
    """Tell new rows from duplicates and from those that say another value than is known."""
    recorded = _known_cells(session, agreement_id, {day for row in file.counts for day in row.days})
    fresh, duplicates, errors = [], 0, []
    for row in file.counts:
        before = {day: recorded.get((row.trust, row.algorithm, day)) for day in row.days}
        if all(value is None for value in before.values()):
            fresh.append(row)
        elif all(before[day] == quantity for day, quantity in row.days.items()):
            duplicates += 1
        else:
            errors.append(_differs(row, before))
    quantity = sum(sum(row.days.values()) for row in fresh)
    return fresh, Written(len(fresh), duplicates, 0, quantity, tuple(errors[:MOST_ERRORS]))


def _differs(row: CountRow, before: dict[date, int | None]) -> RowError:
    """Name the first day that is known with another value, or that is not known while the rest of the month is."""
    day = next((day for day, quantity in row.days.items() if before[day] not in (None, quantity)), None)
    if day is None:
        day = next(day for day in row.days if before[day] is None)
    return RowError(
        row.row,
        "quantity",
        "differs_from_known",
        {
            "trust": row.trust,
            "algorithm": row.algorithm,
            "on": day.isoformat(),
            "known": before[day] or 0,
            "value": row.days[day],
        },
    )


def _write_counts(session: Session, fresh: list[CountRow], file: StagedFile, stamp: Stamp) -> None:
    entries = [
        {
            "agreement_id": stamp.agreement_id,
            "trust_id": file.places.trust_ids[row.trust],
            "algorithm_id": file.places.algorithm_ids[row.algorithm],
            "on": day,
            "quantity": quantity,
            "source": file.kind,
            "import_id": stamp.import_id,
            "recorded_at": stamp.recorded_at,
            "recorded_by": stamp.recorded_by,
        }
        for row in fresh
        for day, quantity in row.days.items()
    ]
    if entries:
        session.execute(insert(UsageEntry), entries)


def _mixed_sources(session: Session, agreement_id: int, file: StagedFile) -> list[RowError]:
    """Find the cells of a file that events hold already where it has counts, and the other way round."""
    if file.kind == "events":
        found = {cell.place: cell.row for cell in file.cells}
    else:
        found = {}
        for row in file.counts:
            for day in row.days:
                found.setdefault((row.trust, row.algorithm, day), row.row)
    if not found:
        return []
    days = [day for _, _, day in found]
    query = (
        select(Organisation.code, Algorithm.code, UsageEntry.on, UsageEntry.source)
        .join(Organisation, Organisation.id == UsageEntry.trust_id)
        .join(Algorithm, Algorithm.id == UsageEntry.algorithm_id)
        .where(
            UsageEntry.agreement_id == agreement_id,
            UsageEntry.source.in_((*(COUNT_SOURCES if file.kind == "events" else ("events",)), "opening")),
            UsageEntry.on >= min(days),
            UsageEntry.on <= max(days),
            ~_reversed(),
        )
        .distinct()
    )
    errors = [
        RowError(
            found[trust, algorithm, on],
            "time" if file.kind == "events" else "month" if file.kind == "monthly" else "date",
            "other_source",
            {"trust": trust, "algorithm": algorithm, "on": on.isoformat(), "known": source, "found": str(file.kind)},
        )
        for trust, algorithm, on, source in session.execute(query)
        if (trust, algorithm, on) in found
    ]
    return sorted(errors, key=lambda error: error.row)[:MOST_ERRORS]


def _known_cells(session: Session, agreement_id: int, days: set[date]) -> dict[tuple[str, str, date], int]:
    """Give what standing imports of counts said about these days; corrections stand apart and are no source."""
    if not days:
        return {}
    query = (
        select(Organisation.code, Algorithm.code, UsageEntry.on, func.sum(UsageEntry.quantity))
        .join(Organisation, Organisation.id == UsageEntry.trust_id)
        .join(Algorithm, Algorithm.id == UsageEntry.algorithm_id)
        .where(
            UsageEntry.agreement_id == agreement_id,
            UsageEntry.source.in_(COUNT_SOURCES),
            UsageEntry.on >= min(days),
            UsageEntry.on <= max(days),
            ~_reversed(),
        )
        .group_by(Organisation.code, Algorithm.code, UsageEntry.on)
    )
    return {(trust, algorithm, on): int(total) for trust, algorithm, on, total in session.execute(query)}


def _reversed() -> ColumnElement[bool]:
    return UsageEntry.import_id.in_(select(UsageReversal.import_id))


def _standing_import(session: Session, agreement_id: int, sha256: str) -> UsageImport | None:
    """Find the import of these bytes that was not reversed."""
    return session.scalar(
        select(UsageImport).where(
            UsageImport.agreement_id == agreement_id,
            UsageImport.sha256 == sha256,
            UsageImport.id.not_in(select(UsageReversal.import_id)),
        )
    )


def _already(earlier: UsageImport) -> UsageImportResult:
    return UsageImportResult(
        earlier.id,
        "already_imported",
        earlier.rows,
        earlier.accepted,
        earlier.duplicates,
        earlier.not_billable,
        quantity=earlier.quantity,
    )


def rule_of(session: Session, agreement_id: int, known_at: datetime | None = None) -> int | None:
    """Give the days within which repeats of one examination count once, ``None`` where there is no such rule."""
    return session.scalar(
        select(UsageRule.repeat_days).where(UsageRule.agreement_id == agreement_id, known(UsageRule, known_at))
    )


def set_rule(
    session: Session, *, agreement_id: int, repeat_days: int | None, clause: str, actor: Actor, now: datetime
) -> None:
    """Agree that repeats of one accession hash within ``repeat_days`` days count once (``None``: each counts).

    Imports from now on follow it; what is recorded stays as it was judged. Failed, repeated and validation runs are
    never billable. Raises `InvalidInput` for days outside 0 to 366.
    """
    actor.require("agreement.import")
    if repeat_days is not None and not 0 <= repeat_days <= 366:
        invalid([Finding("#/repeat_days", "out_of_range", "0 to 366 days")])
    agreements.lock_agreement(session, agreement_id)
    before = session.scalar(select(UsageRule.id).where(UsageRule.agreement_id == agreement_id, known(UsageRule, None)))
    session.add(
        UsageRule(
            agreement_id=agreement_id,
            repeat_days=repeat_days,
            clause=clause[:200],
            void=False,
            supersedes_id=before,
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    audit.record(
        session,
        "usage.rule",
        f"agreement:{agreement_id}",
        {"repeat_days": repeat_days, "clause": clause},
        actor.id,
        now,
    )
    session.flush()


def correct_usage(
    session: Session,
    *,
    agreement_id: int,
    trust: str,
    algorithm: str,
    on: date,
    change: int,
    reason: str,
    actor: Actor,
    now: datetime,
    source: Literal["correction", "opening"] = "correction",
) -> int:
    """Record a signed correction of one day's count and give the day's new sum.

    An entry of source ``opening`` says what was used before a take-over; no file may then name its day too.

    Raises `InvalidInput` when no reason is given or the day's sum would fall below zero.
    """
    actor.require("usage.correct", trust)
    running = [
        row.running
        for row in agreements.activations(session, agreement_id)
        if (row.trust, row.algorithm) == (trust, algorithm)
    ]
    if not running:
        raise NotFound(f"'{algorithm}' is not activated at '{trust}'")
    ids = _ids(session)
    before = sum(
        usage.quantity
        for usage in daily_usage(session, agreement_id=agreement_id, period=Period(on, on + timedelta(days=1)))
        if (usage.trust, usage.algorithm) == (trust, algorithm)
    )
    findings = []
    if on > (today := _today(session, agreement_id, now)):
        findings.append(Finding("#/on", "in_future", f"{on} is after today, {today}"))
    if not any(days.contains(on) for days in running):
        findings.append(Finding("#/on", "not_active", f"'{algorithm}' is not active at '{trust}' on {on}"))
    if not reason.strip():
        findings.append(Finding("#/reason", "missing", "a correction needs a reason"))
    if before + change < 0:
        findings.append(
            Finding("#/change", "below_zero", f"{on} has {before} examinations, {-change} cannot be taken off")
        )
    invalid(findings)
    session.add(
        UsageEntry(
            agreement_id=agreement_id,
            trust_id=ids[trust],
            algorithm_id=ids[algorithm],
            on=on,
            quantity=change,
            source=source,
            import_id=None,
            reason=reason.strip()[:200],
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    audit.record(
        session,
        "usage.correct",
        f"usage:{trust}/{algorithm}/{on}",
        {"change": change, "before": before, "reason": reason.strip()},
        actor.id,
        now,
    )
    session.flush()
    return before + change


def daily_usage(
    session: Session, *, agreement_id: int, period: Period | None = None, known_at: datetime | None = None
) -> list[Usage]:
    """Give the examinations per trust, algorithm and day of ``period`` (all days where none is given), as known.

    Each cell is the sum of its entries and stands once, ordered by day, trust and algorithm.
    """
    codes = session.execute(
        union_all(
            select(literal("trust"), Organisation.id, Organisation.code),
            select(literal("algorithm"), Algorithm.id, Algorithm.code),
        )
    ).all()
    trusts = {id_: code for kind, id_, code in codes if kind == "trust"}
    algorithms = {id_: code for kind, id_, code in codes if kind == "algorithm"}
    return usage_of(roll_up(session, agreement_id=agreement_id, period=period, known_at=known_at), trusts, algorithms)


def roll_up(
    session: Session, *, agreement_id: int, period: Period | None = None, known_at: datetime | None = None
) -> Sequence[RolledUp]:
    """Read the roll-up in one statement, in the order of its index: each cell once, by day and numbers, days as stored.

    Most cells have one entry; where one has several they stand together and are summed.
    """
    entry = UsageEntry.__table__.c
    query = (
        select(type_coerce(entry.on_date, NullType), entry.trust_id, entry.algorithm_id, entry.quantity)
        .where(entry.agreement_id == agreement_id)
        .order_by(entry.on_date, entry.trust_id, entry.algorithm_id)
    )
    if period is not None:
        query = query.where(entry.on_date >= period.start, entry.on_date < period.end)
    if known_at is not None:
        query = query.where(entry.recorded_at <= known_at)
    session.flush()
    cursor = session.connection().execute(query).cursor  # the driver's own rows: there are years of days at once
    rows: Sequence[RolledUp] = [] if cursor is None else cursor.fetchall()
    if any(one[2] == two[2] and one[1] == two[1] and one[0] == two[0] for one, two in pairwise(rows)):
        return [
            (*cell, sum(quantity for *_, quantity in entries))
            for cell, entries in groupby(rows, key=itemgetter(0, 1, 2))
        ]
    return rows


def usage_of(rows: Sequence[RolledUp], trusts: dict[int, str], algorithms: dict[int, str]) -> list[Usage]:
    """Give cells ordered by day as usage ordered by day and codes.

    A day that the database gives as text is made a date once, not once for each of its cells.
    """
    usage: list[Usage] = []
    for on, cells in groupby(rows, key=itemgetter(0)):
        day = date.fromisoformat(on) if isinstance(on, str) else on
        of_the_day = sorted((trusts[trust], algorithms[algorithm], quantity) for _, trust, algorithm, quantity in cells)
        usage += [Usage(trust, algorithm, day, int(quantity)) for trust, algorithm, quantity in of_the_day]
    return usage


def last_day(session: Session, agreement_id: int, known_at: datetime | None = None) -> date | None:
    """Give the last day on which any usage is recorded, or ``None``: "data per" on every page."""
    query = select(func.max(UsageEntry.on)).where(UsageEntry.agreement_id == agreement_id)
    latest: date | None = session.scalar(recorded_by_then(query, UsageEntry, known_at))
    return latest


def _ids(session: Session) -> dict[str, int]:
    trusts = session.execute(select(Organisation.code, Organisation.id))
    algorithms = session.execute(select(Algorithm.code, Algorithm.id))
    return dict((*trusts, *algorithms))
