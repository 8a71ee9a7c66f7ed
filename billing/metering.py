"""Metering: bring the buyer's own count in, once and whole, and give it back per day as it was known.

A cell is one (trust, algorithm, day) and has one source: the same value again is a duplicate, another value refuses the
file and offers a correction. A file is one transaction keyed by its SHA-256; one bad row refuses all of it. Nothing is
changed afterwards: a correction is a further signed entry.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from billing.models import UsageEntry, UsageImport
from contracts import agreements, audit
from contracts.access import Actor
from contracts.errors import Finding, NotFound, invalid
from contracts.models import Algorithm, Organisation
from contracts.models.base import recorded_by_then
from contracts.terms.period import Period
from contracts.terms.price_book import Usage
from contracts.terms.working_days import spread, working_days

DAILY_HEADER = ["trust", "algorithm", "date", "quantity"]
MONTHLY_HEADER = ["trust", "algorithm", "month", "quantity"]
LARGEST_QUANTITY = 10_000_000
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTH = re.compile(r"\d{4}-\d{2}")
_WHOLE = re.compile(r"-?\d{1,12}")


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong in one row of a file: ``row`` counts lines from 1 (the header), ``column`` is a header name."""

    row: int
    column: str | None
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class UsageImportResult:
    """What an import did: ``imported``, ``already_imported``, ``checked`` (dry run) or ``refused``.

    ``accepted`` counts the rows that brought something new; ``duplicates`` those that repeated a known value.
    """

    id: int | None
    status: str
    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    not_billable: int = 0
    errors: tuple[RowError, ...] = ()


@dataclass(slots=True)
class _Row:
    number: int
    trust: str
    algorithm: str
    period: Period
    quantity: int


@dataclass(slots=True)
class _Reading:
    rows: list[_Row] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    monthly: bool = False


def import_usage(
    session: Session,
    *,
    agreement_id: int,
    filename: str,
    content: bytes,
    actor: Actor,
    now: datetime,
    dry_run: bool = False,
) -> UsageImportResult:
    """Take in a file of daily or monthly counts, all of it or nothing.

    The file is CSV with commas in UTF-8 and ISO dates, with the header ``trust,algorithm,date,quantity`` or
    ``trust,algorithm,month,quantity``. Monthly counts are spread over the month's working days on which the activation
    runs, equal shares, left-over units on the earliest days. The same bytes again are ``already_imported``. Errors are
    values with row and column, all of them; a trust outside the actor's scope is one.
    """
    actor.require("usage.import")
    scope = actor.scope("usage.import")
    digest = hashlib.sha256(content).hexdigest()
    earlier = session.scalar(
        select(UsageImport).where(UsageImport.agreement_id == agreement_id, UsageImport.sha256 == digest)
    )
    if earlier is not None:
        return UsageImportResult(earlier.id, "already_imported", earlier.rows, earlier.accepted, earlier.duplicates)
    reading = _read(content)
    cells = {} if reading.errors else _check(session, agreement_id, reading, scope)
    if reading.errors:
        return UsageImportResult(None, "refused", len(reading.rows), errors=tuple(reading.errors))
    known_cells = _known_cells(session, agreement_id, cells)
    fresh, duplicates = {}, 0
    for row, days in cells.values():
        before = {day: known_cells.get((row.trust, row.algorithm, day)) for day in days}
        if all(value is None for value in before.values()):
            fresh[row.number] = (row, days)
        elif all(before[day] == quantity for day, quantity in days.items()):
            duplicates += 1
        else:
            day = next(day for day, quantity in days.items() if before[day] not in (None, quantity))
            reading.errors.append(
                RowError(
                    row.number,
                    "quantity",
                    "differs_from_known",
                    f"{row.trust}, {row.algorithm}, {day}: {before[day]} is recorded, the file says {days[day]}; "
                    "record a correction instead",
                )
            )
    if reading.errors:
        return UsageImportResult(None, "refused", len(reading.rows), errors=tuple(reading.errors))
    result = UsageImportResult(None, "checked", len(reading.rows), len(fresh), duplicates)
    if dry_run:
        return result
    record = UsageImport(
        agreement_id=agreement_id,
        sha256=digest,
        filename=filename[:200],
        rows=result.rows,
        accepted=result.accepted,
        duplicates=result.duplicates,
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(record)
    session.flush()
    ids = _ids(session)
    entries = [
        {
            "agreement_id": agreement_id,
            "trust_id": ids[row.trust],
            "algorithm_id": ids[row.algorithm],
            "on": day,
            "quantity": quantity,
            "source": "monthly" if reading.monthly else "daily",
            "import_id": record.id,
            "recorded_at": now,
            "recorded_by": actor.id,
        }
        for row, days in fresh.values()
        for day, quantity in days.items()
    ]
    if entries:
        session.execute(insert(UsageEntry), entries)
    audit.record(
        session,
        action="usage.import",
        subject=f"usage-import:{record.id}",
        data={"sha256": digest, "filename": filename, "rows": result.rows, "accepted": result.accepted},
        actor=actor.id,
        now=now,
    )
    return UsageImportResult(record.id, "imported", result.rows, result.accepted, result.duplicates)


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
) -> int:
    """Record a signed correction of one day's count and give the day's new sum.

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
            source="correction",
            import_id=None,
            reason=reason.strip()[:200],
            recorded_at=now,
            recorded_by=actor.id,
        )
    )
    audit.record(
        session,
        action="usage.correct",
        subject=f"usage:{trust}/{algorithm}/{on}",
        data={"change": change, "before": before, "reason": reason.strip()},
        actor=actor.id,
        now=now,
    )
    session.flush()
    return before + change


def daily_usage(
    session: Session, *, agreement_id: int, period: Period | None = None, known_at: datetime | None = None
) -> list[Usage]:
    """Give the examinations per trust, algorithm and day of ``period`` (all days where none is given), as known.

    Each cell is the sum of its entries and stands once, ordered by day, trust and algorithm.
    """
    query = (
        select(Organisation.code, Algorithm.code, UsageEntry.on, func.sum(UsageEntry.quantity))
        .join(Organisation, Organisation.id == UsageEntry.trust_id)
        .join(Algorithm, Algorithm.id == UsageEntry.algorithm_id)
        .where(UsageEntry.agreement_id == agreement_id)
        .group_by(UsageEntry.on, Organisation.code, Algorithm.code)
        .order_by(UsageEntry.on, Organisation.code, Algorithm.code)
    )
    if period is not None:
        query = query.where(UsageEntry.on >= period.start, UsageEntry.on < period.end)
    query = recorded_by_then(query, UsageEntry, known_at)
    return [Usage(trust, algorithm, on, int(quantity)) for trust, algorithm, on, quantity in session.execute(query)]


def last_day(session: Session, agreement_id: int, known_at: datetime | None = None) -> date | None:
    """Give the last day on which any usage is recorded, or ``None``: "data per" on every page."""
    query = select(func.max(UsageEntry.on)).where(UsageEntry.agreement_id == agreement_id)
    latest: date | None = session.scalar(recorded_by_then(query, UsageEntry, known_at))
    return latest


def _read(content: bytes) -> _Reading:
    reading = _Reading()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        reading.errors.append(RowError(line, None, "not_utf8", "the file is not UTF-8 text"))
        return reading
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        reading.errors.append(RowError(line, None, "binary", "the file holds NUL bytes and is no CSV text"))
        return reading
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(lines, None)
        if header not in (DAILY_HEADER, MONTHLY_HEADER):
            reading.errors.append(_wrong_header(header))
            return reading
        reading.monthly = header == MONTHLY_HEADER
        for fields in lines:
            if fields:
                reading.errors += _read_row(reading, lines.line_num, header, fields)
    except csv.Error as error:
        reading.errors.append(RowError(lines.line_num, None, "not_csv", f"the line is no CSV: {error}"))
    return reading


def _wrong_header(header: list[str] | None) -> RowError:
    if header is None:
        return RowError(1, None, "empty", "the file is empty")
    expected = MONTHLY_HEADER if "month" in header else DAILY_HEADER
    wrong = next((name for name in header if name not in expected), None)
    missing = next((name for name in expected if name not in header), None)
    said = f"the column '{wrong}' is unknown" if wrong is not None else f"the column '{missing}' is missing"
    if wrong is None and missing is None:
        said = "the columns stand in another order"
    return RowError(
        1,
        wrong or missing,
        "wrong_header",
        f"{said}; the header is {','.join(DAILY_HEADER)} or {','.join(MONTHLY_HEADER)}",
    )


def _read_row(reading: _Reading, number: int, header: list[str], fields: list[str]) -> Iterator[RowError]:
    if len(fields) != len(header):
        yield RowError(number, None, "wrong_width", f"the row has {len(fields)} fields, the header {len(header)}")
        return
    trust, algorithm, when, quantity = (value.strip() for value in fields)
    period = None
    if (_MONTH if reading.monthly else _DAY).fullmatch(when):
        try:
            period = Period.parse(when) if reading.monthly else _day(date.fromisoformat(when))
        except ValueError:
            period = None
    if period is None:
        kind = "month (YYYY-MM)" if reading.monthly else "date (YYYY-MM-DD)"
        yield RowError(number, header[2], "not_a_date", f"'{when}' is no {kind}")
    if not _WHOLE.fullmatch(quantity):
        yield RowError(number, "quantity", "not_whole", f"'{quantity}' is no whole number of examinations")
    elif int(quantity) < 0:
        yield RowError(number, "quantity", "negative", f"{quantity} examinations: a count is never negative")
    elif int(quantity) > LARGEST_QUANTITY:
        yield RowError(number, "quantity", "too_large", f"{quantity} examinations are more than {LARGEST_QUANTITY}")
    elif period is not None:
        reading.rows.append(_Row(number, trust, algorithm, period, int(quantity)))


def _check(
    session: Session, agreement_id: int, reading: _Reading, scope: str | None
) -> dict[tuple[str, str, date], tuple[_Row, dict[date, int]]]:
    """Find each row's activation and spread its count over its days; what cannot be becomes an error."""
    holders = {holder.party.code for holder in agreements.option_holders(session, agreement_id)}
    products = {algorithm.code for algorithm in agreements.marketplace(session, agreement_id)}
    registered = set(session.scalars(select(Organisation.code)))
    running: dict[tuple[str, str], list[Period]] = defaultdict(list)
    for activation in agreements.activations(session, agreement_id):
        running[activation.trust, activation.algorithm].append(activation.running)
    cells: dict[tuple[str, str, date], tuple[_Row, dict[date, int]]] = {}
    for row in reading.rows:
        if row.trust not in holders or (scope is not None and row.trust != scope):
            code, detail = "unknown_trust", f"there is no trust '{row.trust}'"
            if row.trust in registered and scope is None:
                code = "not_an_option_holder"
                detail = f"'{row.trust}' is not on the agreement's closed list of option holders"
            elif scope is not None and row.trust != scope:
                code, detail = "other_trust", f"you may import usage for '{scope}' only"
            reading.errors.append(RowError(row.number, "trust", code, detail))
        elif row.algorithm not in products:
            detail = f"there is no algorithm '{row.algorithm}' on the agreement's list"
            reading.errors.append(RowError(row.number, "algorithm", "unknown_algorithm", detail))
        else:
            _place(reading, cells, row, running[row.trust, row.algorithm])
    return cells


def _place(
    reading: _Reading,
    cells: dict[tuple[str, str, date], tuple[_Row, dict[date, int]]],
    row: _Row,
    running: list[Period],
) -> None:
    column = "month" if reading.monthly else "date"
    candidates = working_days(row.period) if reading.monthly else [row.period.start]
    days = [day for day in candidates if any(period.contains(day) for period in running)]
    twin = cells.get((row.trust, row.algorithm, row.period.start))
    if not days:
        detail = f"'{row.algorithm}' is not active at '{row.trust}' on {row.period.start}"
        if reading.monthly:
            detail = f"'{row.algorithm}' is active at '{row.trust}' on no working day of {row.period.label()}"
        reading.errors.append(RowError(row.number, column, "not_active", detail))
    elif twin is not None:
        detail = f"the same trust, algorithm and {column} stand in row {twin[0].number} already"
        reading.errors.append(RowError(row.number, column, "twice_in_file", detail))
    else:
        cells[row.trust, row.algorithm, row.period.start] = (row, spread(row.quantity, days))


def _known_cells(
    session: Session, agreement_id: int, cells: dict[tuple[str, str, date], tuple[_Row, dict[date, int]]]
) -> dict[tuple[str, str, date], int]:
    """Give what imports said before about the days of these cells; corrections stand apart and are no source."""
    days = [day for _, shares in cells.values() for day in shares]
    if not days:
        return {}
    query = (
        select(Organisation.code, Algorithm.code, UsageEntry.on, func.sum(UsageEntry.quantity))
        .join(Organisation, Organisation.id == UsageEntry.trust_id)
        .join(Algorithm, Algorithm.id == UsageEntry.algorithm_id)
        .where(
            UsageEntry.agreement_id == agreement_id,
            UsageEntry.source != "correction",
            UsageEntry.on >= min(days),
            UsageEntry.on <= max(days),
        )
        .group_by(Organisation.code, Algorithm.code, UsageEntry.on)
    )
    return {(trust, algorithm, on): int(total) for trust, algorithm, on, total in session.execute(query)}


def _ids(session: Session) -> dict[str, int]:
    trusts = session.execute(select(Organisation.code, Organisation.id))
    algorithms = session.execute(select(Algorithm.code, Algorithm.id))
    return {code: id_ for code, id_ in (*trusts, *algorithms)}


def _day(day: date) -> Period:
    return Period(day, day + timedelta(days=1))
