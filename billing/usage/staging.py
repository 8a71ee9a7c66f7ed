"""Staging: a usage file read, checked and hashed before any lock is taken, in bounded memory.

Counts end as a few cells. Events end as rows of keyed hashes: in memory while they are few, else in a private file whose
form the database can take in at once (a SQLite file that is attached, or the bytes of a PostgreSQL COPY). Progress and
cancelling live here; the write that follows is short (`usage_writes`).
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import struct
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from billing.usage.errors import MOST_ERRORS, SHOWN_ERRORS, FileRefused, RowError, shown
from billing.usage.files import Batch, Table, UsageFile, opened
from billing.usage.places import Cell, Places
from billing.usage.readings import ACCESSION, OSLO, STATUSES, Kind, Reading, read_month, read_time
from contracts.terms.national_numbers import holds_national_number
from contracts.terms.period import Period
from contracts.terms.working_days import spread, working_days

LARGEST_QUANTITY = 10_000_000
LONGEST_ID = 200
IN_MEMORY = 20_000
KEY_SIZE, CONTENT_SIZE = 16, 8

_WHOLE = re.compile(r"-?[0-9]{1,12}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHOLE_HOURS = re.compile(r"[0-9-]{10}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+-][0-9]{2}:00)")
_IN_THE_HOUR = frozenset(f":{minute:02}:{second:02}" for minute in range(60) for second in range(60))
_OUTCOMES = {status: number for number, status in enumerate(STATUSES)}
_MOST_HOURS = 100_000  # more than eleven years of them; a file that writes an hour in many ways gains nothing
_SAMPLE_STEP = 47  # a prime, so that no pattern of a machine's numbering hides from the sample

# An event as staged: its key, its cell's number, its outcome, content hash, the accession's key, its line.
Staged = tuple[bytes, int, int, bytes, bytes | None, int]


class Progress(Protocol):
    """What a long import tells whoever waits for it, and how it is stopped (a job's progress is one)."""

    def phase(self, name: str, total: int | None = None) -> None:
        """Begin a phase (`read`, `write`) of ``total`` steps, ``None`` where that is not known."""

    def advance(self, steps: int = 1) -> None:
        """Tell that so many steps more are done."""

    def finding(self, finding: Mapping[str, Any]) -> None:
        """Tell one of the first errors as soon as it is found, as plain JSON values."""

    def check_cancel(self) -> None:
        """Raise whatever stops the work, if somebody asked for that."""


class Silence:
    """The progress that nobody waits for."""

    def phase(self, name: str, total: int | None = None) -> None:
        """Say nothing."""

    def advance(self, steps: int = 1) -> None:
        """Say nothing."""

    def finding(self, finding: Mapping[str, Any]) -> None:
        """Say nothing."""

    def check_cancel(self) -> None:
        """Never stop."""


@dataclass(frozen=True, slots=True)
class CountRow:
    """A row of counts with the days that its quantity is spread over."""

    row: int
    trust: str
    algorithm: str
    days: dict[date, int]


@dataclass(slots=True)
class Errors:
    """All errors of a file, at most `MOST_ERRORS`; then the file is read no further."""

    progress: Progress
    found: list[RowError] = field(default_factory=list)

    def add(self, error: RowError) -> None:
        """Keep an error and tell it if it is among the first."""
        if len(self.found) >= MOST_ERRORS:
            raise FileRefused(RowError(error.row, None, "too_many_errors", {"most": MOST_ERRORS}))
        self.found.append(error)
        if len(self.found) <= SHOWN_ERRORS:
            self.progress.finding(error.to_document())


@dataclass(slots=True)
class StagedFile:
    """A file as it stands before the write: what it would bring, or every error that refuses it."""

    file: UsageFile
    kind: Kind | None
    places: Places
    rows: int = 0
    counts: list[CountRow] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    events: EventStage | None = None
    not_billable: int = 0
    accessions: bool = False
    errors: tuple[RowError, ...] = ()

    def close(self) -> None:
        """Remove what was staged on disk."""
        if self.events is not None:
            self.events.close()


class EventStage:
    """Staged events: a list while they are few, then a file in the form that the database's dialect takes in."""

    def __init__(self, dialect: str, *, in_memory: int = IN_MEMORY) -> None:
        self.dialect = dialect
        self.in_memory = in_memory
        self.few: list[Staged] = []
        self.rows = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._connection: sqlite3.Connection | None = None
        self._file: Any = None

    @property
    def path(self) -> Path | None:
        """The file they were spilled to, if they were."""
        return None if self._folder is None else Path(self._folder.name, "staged")

    def add(self, rows: list[Staged]) -> None:
        """Take more rows."""
        self.rows += len(rows)
        if self._folder is None and self.rows <= self.in_memory:
            self.few += rows
            return
        if self._folder is None:
            self._spill()
            rows = self.few + rows
            self.few = []
        self._write(rows)

    def finish(self, cells: list[Cell]) -> None:
        """Close the file for reading, the cells beside the events where it is one that is attached."""
        if self._connection is not None:
            self._connection.execute(f"CREATE TABLE staged_cells ({CELL_COLUMNS})")
            self._connection.executemany(STAGE_CELL, cell_rows(cells))
            self._connection.execute("COMMIT")
            self._connection.close()
            self._connection = None
        if self._file is not None:
            self._file.write(COPY_TAIL)
            self._file.close()
            self._file = None

    def close(self) -> None:
        """Remove the file."""
        if self._connection is not None:
            self._connection.close()
        if self._file is not None:
            self._file.close()
        if self._folder is not None:
            with suppress(OSError):
                self._folder.cleanup()

    def _spill(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="trinnvis-")
        path = Path(self._folder.name, "staged")
        if self.dialect == "sqlite":
            self._connection = sqlite3.connect(path, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=OFF")
            self._connection.execute("PRAGMA synchronous=OFF")
            self._connection.execute(f"CREATE TABLE staged_events ({STAGED_COLUMNS})")
            self._connection.execute("BEGIN")
        else:
            self._file = path.open("wb", buffering=1 << 20)
            self._file.write(COPY_HEAD)

    def _write(self, rows: list[Staged]) -> None:
        if self._connection is not None:
            self._connection.executemany(STAGE_ONE, rows)
        else:
            self._file.write(copy_bytes(rows))


STAGED_COLUMNS = (
    "event_key BLOB, cell INTEGER, outcome INTEGER, content BLOB, accession BLOB, line INTEGER, round INTEGER DEFAULT 0"
)
STAGE_ONE = "INSERT INTO staged_events (event_key, cell, outcome, content, accession, line) VALUES (?, ?, ?, ?, ?, ?)"

CELL_COLUMNS = "number INTEGER PRIMARY KEY, trust_id BIGINT, algorithm_id BIGINT, on_date DATE, quantity BIGINT"
STAGE_CELL = "INSERT INTO staged_cells VALUES (?, ?, ?, ?, ?)"

COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TAIL = b"\xff\xff"
_WITHOUT = struct.Struct(f"!hi{KEY_SIZE}siiihi{CONTENT_SIZE}siii")
_WITH = struct.Struct(f"!hi{KEY_SIZE}siiihi{CONTENT_SIZE}si{KEY_SIZE}sii")


def cell_rows(cells: list[Cell]) -> list[tuple[int, int, int, str, int]]:
    """Give cells as rows of plain values."""
    return [(cell.number, cell.trust_id, cell.algorithm_id, cell.on.isoformat(), cell.quantity) for cell in cells]


def copy_bytes(rows: Sequence[Staged]) -> bytes:
    """Give rows as PostgreSQL's binary COPY reads them: each value after its length, -1 for null."""
    plain, known = _WITHOUT.pack, _WITH.pack
    return b"".join(
        plain(6, KEY_SIZE, key, 4, cell, 2, outcome, CONTENT_SIZE, content, -1, 4, line)
        if accession is None
        else known(6, KEY_SIZE, key, 4, cell, 2, outcome, CONTENT_SIZE, content, KEY_SIZE, accession, 4, line)
        for key, cell, outcome, content, accession, line in rows
    )


def stage(
    file: UsageFile,
    *,
    reading: Reading | None,
    places: Places,
    secret: bytes,
    agreement_id: int,
    dialect: str,
    today: date,
    progress: Progress,
) -> StagedFile:
    """Read and check a file, whose days end with ``today``; every error is in the result, and nothing is written anywhere but to a private file."""
    errors = Errors(progress)
    staged = StagedFile(file, None, places)
    progress.phase("read", None)
    try:
        with opened(file, reading) as table:
            staged.kind = table.reading.kind
            if table.reading.kind == "events":
                staged.accessions = ACCESSION in table.reading.names
                staged.events = EventStage(dialect)
                _Events(staged, errors, secret, agreement_id).take(table, progress)
                staged.events.finish(staged.cells)
            else:
                _Counts(staged, errors, table.reading).take(table, progress)
            _refuse_future(staged, today, errors)
    except FileRefused as refused:
        errors.found.append(refused.error)
        if len(errors.found) <= SHOWN_ERRORS:
            progress.finding(refused.error.to_document())
    except BaseException:
        staged.close()
        raise
    staged.errors = tuple(sorted(errors.found, key=lambda error: error.row))
    if staged.errors:
        staged.close()
    return staged


DAY_COLUMNS: Final[dict[Kind, str]] = {"daily": "date", "monthly": "month", "events": "time"}


def _refuse_future(staged: StagedFile, today: date, errors: Errors) -> None:
    """Refuse what has not happened yet, once for each row; a month's count, where the month has days to come."""
    assert staged.kind is not None
    column = DAY_COLUMNS[staged.kind]
    places: Iterable[CountRow | Cell] = staged.counts if staged.kind != "events" else staged.cells
    for each in sorted(places, key=lambda place: place.row):
        last = max(each.days) if isinstance(each, CountRow) else each.on
        if last > today:
            params: dict[str, str | int] = {"on": last.isoformat(), "today": today.isoformat()}
            errors.add(RowError(each.row, column, "in_future", params))


def _batches(table: Table, errors: Errors, progress: Progress) -> Iterator[Batch]:
    for batch in table.batches:
        progress.check_cancel()
        for error in batch.errors:
            errors.add(error)
        yield batch
        progress.advance(len(batch.rows))


# --- events ------------------------------------------------------------------------------------------------------------


def keyed_hash(secret: bytes, purpose: bytes, agreement_id: int, size: int) -> Any:
    """Give the keyed hash of one purpose within one agreement; copy it for each value."""
    return hashlib.blake2s(key=secret, person=purpose, salt=agreement_id.to_bytes(8, "big"), digest_size=size)


class _Events:
    """Checks events one by one; what repeats (pairs, days, hours, cells) is worked out once and looked up.

    The look-ups are kept small, because a million rows in no order touch all of them: a trust and algorithm have one
    number, a day's cells are a list by that number, and what each cell counts stands in one list.
    """

    def __init__(self, staged: StagedFile, errors: Errors, secret: bytes, agreement_id: int) -> None:
        self.staged = staged
        self.errors = errors
        self.key = keyed_hash(secret, b"event", agreement_id, KEY_SIZE)
        self.content = keyed_hash(secret, b"content", agreement_id, CONTENT_SIZE)
        self.accession = keyed_hash(secret, b"acc", agreement_id, KEY_SIZE)
        # trust and algorithm → their number, and what hashes say of them
        self.pairs: dict[tuple[str, str], tuple[int, str]] = {}
        self.days: dict[date, list[int]] = {}  # a day → the numbers of its cells by their pair's number, 0 for none
        # (date, hour and offset) as written → that day's cells and the hour in UTC; Oslo's midnights fall on hours
        self.hours: dict[str, tuple[list[int], str]] = {}
        self.quantities = [0]  # by the cell's number
        self.places = len(staged.places.holders) * len(staged.places.products)
        self.sampled = self.looking_so = self.first_looking_so = 0

    def take(self, table: Table, progress: Progress) -> None:
        """Stage every event of a table."""
        stage, staged = self.staged.events, self.staged
        assert stage is not None
        for batch in _batches(table, self.errors, progress):
            self._sample(batch)
            rows = self._rows(batch)
            staged.rows += len(batch.rows)
            if not self.errors.found:
                stage.add(rows)
        for cell in staged.cells:
            cell.quantity = self.quantities[cell.number]
        if self.looking_so * 10 >= self.sampled > 0:
            self.errors.add(
                RowError(self.first_looking_so, "event_id", "national_number", {}, "ids_are_national_numbers")
            )

    def _rows(self, batch: Batch) -> list[Staged]:
        """Check and hash some events; most rows pass by look-ups alone, each of which stands for a check made once."""
        new_key, new_content, pairs, hours = self.key.copy, self.content.copy, self.pairs, self.hours
        outcomes, seconds, quantities = _OUTCOMES, _IN_THE_HOUR, self.quantities
        wide = self.staged.accessions
        rows: list[Staged] = []
        append = rows.append
        accession, examined = None, ""
        for line, fields in zip(batch.numbers, batch.rows, strict=True):
            if wide:
                event_id, trust, algorithm, moment, status, examined = fields
            else:
                event_id, trust, algorithm, moment, status = fields
            in_the_hour = moment[13:19]
            try:
                pair, mark = pairs[trust, algorithm]
                cells, hour = hours[moment[:13] + moment[19:]]
                outcome = outcomes[status]
                number = cells[pair] if in_the_hour in seconds else 0
            except KeyError:
                number = 0
            if not number:
                found = self._look_closer(line, trust, algorithm, moment, status)
                if found is None:
                    continue
                number, mark, outcome, hour, in_the_hour = found
            event_id = event_id.strip()
            if not 0 < len(event_id) <= LONGEST_ID:
                self._bad_id(line, event_id)
                continue
            if wide:
                accession = self._accession(line, examined)
                if accession is None:
                    continue
                examined = examined.lower()
            digest = new_key()
            digest.update(event_id.encode())
            key = digest.digest()
            digest = new_content()
            digest.update(key + f"{mark}{hour}{in_the_hour}{outcome}{examined}".encode())
            if not outcome:
                quantities[number] += 1
            append((key, number, outcome, digest.digest(), accession, line))
        self.staged.not_billable += sum(1 for row in rows if row[2])
        return rows

    def _look_closer(
        self, line: int, trust: str, algorithm: str, moment: str, status: str
    ) -> tuple[int, str, int, str, str] | None:
        """Work out what the look-ups do not know yet, or find what is wrong with the row."""
        trust, algorithm, moment, status = (value.strip() for value in (trust, algorithm, moment, status))
        before = len(self.errors.found)
        outcome = _OUTCOMES.get(status)
        if outcome is None:
            self._bad(line, "status", "unknown_status", status, statuses=", ".join(STATUSES))
        try:
            instant = read_time(moment, "iso", "offset")
            day = None if instant is None else instant.astimezone(OSLO).date()
        except (OverflowError, ValueError):
            instant = day = None
        if instant is None or day is None:
            self._bad(line, "time", "not_a_time", moment, format="2026-12-31T08:15:30+01:00")
        for problem in self.staged.places.problems(line, trust, algorithm):
            self._bad_place(problem, trust if problem.column == "trust" else algorithm)
        if len(self.errors.found) > before or instant is None or day is None or outcome is None:
            return None
        pair, mark = self.pairs.setdefault((trust, algorithm), (len(self.pairs), f"{trust}\n{algorithm}\n"))
        cells = self.days.setdefault(day, [0] * self.places)
        if not cells[pair]:
            if not self.staged.places.active(trust, algorithm, day):
                params: dict[str, str | int] = {"trust": trust, "algorithm": algorithm, "on": day.isoformat()}
                self.errors.add(RowError(line, "time", "not_active", params))
                return None
            cells[pair] = _cell(self.staged, trust, algorithm, day, line).number
            self.quantities.append(0)
        utc = instant.isoformat()[:-6]
        if _WHOLE_HOURS.fullmatch(moment):
            if len(self.hours) > _MOST_HOURS:
                self.hours.clear()
            self.hours[moment[:13] + moment[19:]] = cells, utc[:13]
        return cells[pair], mark, outcome, utc[:13], utc[13:]

    def _accession(self, line: int, text: str) -> bytes | None:
        try:
            digits = bytes.fromhex(text)
        except ValueError:
            digits = b""
        if len(text) != 64 or len(digits) != 32:
            self._bad(line, ACCESSION, "not_a_hash", text)
            return None
        digest = self.accession.copy()
        digest.update(digits)
        key: bytes = digest.digest()
        return key

    def _bad_id(self, line: int, event_id: str) -> None:
        if event_id:
            self.errors.add(RowError(line, "event_id", "event_id_too_long", {"most": LONGEST_ID}))
        else:
            self.errors.add(RowError(line, "event_id", "no_event_id"))

    def _bad(self, line: int, column: str, code: str, value: str, **params: str | int) -> None:
        self.errors.add(_error(line, column, code, value, **params))

    def _bad_place(self, problem: RowError, value: str) -> None:
        self.errors.add(
            RowError(problem.row, problem.column, "national_number") if holds_national_number(value) else problem
        )

    def _sample(self, batch: Batch) -> None:
        for place in range(0, len(batch.rows), _SAMPLE_STEP):
            self.sampled += 1
            if holds_national_number(batch.rows[place][0]):
                self.first_looking_so = self.first_looking_so or batch.numbers[place]
                self.looking_so += 1


def _error(line: int, column: str, code: str, value: str, **params: str | int) -> RowError:
    """Make an error about a value; that it is an identity number comes before what else is wrong with it."""
    if holds_national_number(value):
        return RowError(line, column, "national_number")
    return RowError(line, column, code, {"value": shown(value), **params})


def _cell(staged: StagedFile, trust: str, algorithm: str, on: date, row: int) -> Cell:
    places = staged.places
    cell = Cell(
        len(staged.cells) + 1,
        trust,
        algorithm,
        places.trust_ids[trust],
        places.algorithm_ids[algorithm],
        on,
        row,
    )
    staged.cells.append(cell)
    return cell


# --- counts ------------------------------------------------------------------------------------------------------------


class _Counts:
    """Checks daily and monthly counts; a month is spread over the working days on which its activation runs."""

    def __init__(self, staged: StagedFile, errors: Errors, reading: Reading) -> None:
        self.staged = staged
        self.errors = errors
        self.monthly = reading.kind == "monthly"
        self.column = "month" if self.monthly else "date"
        self.first: dict[tuple[str, str, date], int] = {}

    def take(self, table: Table, progress: Progress) -> None:
        """Stage every count of a table."""
        for batch in _batches(table, self.errors, progress):
            for line, fields in zip(batch.numbers, batch.rows, strict=True):
                self.staged.rows += 1
                trust, algorithm, when, quantity = (value.strip() for value in fields)
                period, count = self._period(line, when), self._quantity(line, quantity)
                problems = self.staged.places.problems(line, trust, algorithm)
                for problem in problems:
                    value = trust if problem.column == "trust" else algorithm
                    self.errors.add(
                        RowError(line, problem.column, "national_number") if holds_national_number(value) else problem
                    )
                if not problems and period is not None and count is not None:
                    self._place(line, trust, algorithm, period, count)

    def _period(self, line: int, when: str) -> Period | None:
        if self.monthly:
            first = read_month(when, "iso")
            if first is not None:
                return Period.month(first)
            self.errors.add(
                RowError(line, "month", "national_number")
                if holds_national_number(when)
                else RowError(line, "month", "not_a_date", {"value": shown(when), "format": "YYYY-MM"}, "not_a_month")
            )
            return None
        try:
            day = date.fromisoformat(when) if _DAY.fullmatch(when) else None
            period = None if day is None else Period(day, day + timedelta(days=1))
        except (ValueError, OverflowError):
            period = None
        if period is None:
            self.errors.add(_error(line, "date", "not_a_date", when, format="YYYY-MM-DD"))
        return period

    def _quantity(self, line: int, quantity: str) -> int | None:
        if not _WHOLE.fullmatch(quantity):
            self.errors.add(_error(line, "quantity", "not_whole", quantity))
        elif int(quantity) < 0:
            self.errors.add(_error(line, "quantity", "negative", quantity))
        elif int(quantity) > LARGEST_QUANTITY:
            self.errors.add(_error(line, "quantity", "too_large", quantity, most=LARGEST_QUANTITY))
        else:
            return int(quantity)
        return None

    def _place(self, line: int, trust: str, algorithm: str, period: Period, count: int) -> None:
        places = self.staged.places
        candidates = working_days(period) if self.monthly else [period.start]
        days = [day for day in candidates if places.active(trust, algorithm, day)]
        params: dict[str, str | int] = {"trust": trust, "algorithm": algorithm}
        if not days:
            group = "not_active_in_month" if self.monthly else None
            params |= {"on": period.start.isoformat(), "month": period.label()}
            self.errors.add(RowError(line, self.column, "not_active", params, group))
            return
        first = self.first.setdefault((trust, algorithm, period.start), line)
        if first != line:
            params |= {"first": first, "column": self.column}
            self.errors.add(RowError(line, self.column, "twice_in_file", params))
            return
        self.staged.counts.append(CountRow(line, trust, algorithm, spread(count, days)))
