"""The short write of an import: staged events into rows and signed entries, by the million, in the caller's transaction.

SQLite takes the rows from an attached file in one statement, PostgreSQL by one COPY and one statement. All are first
tried as new; only where a known event stands in the way are duplicates told from conflicts, and the rest written again.
Keys go in order, which is fast and keeps writers from deadlocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, TextClause, bindparam, text
from sqlalchemy.exc import IntegrityError

from billing.models.usage import REPEAT_OF_EXAMINATION
from billing.usage.errors import RowError
from billing.usage.places import Cell
from billing.usage.staging import (
    CELL_COLUMNS,
    COPY_HEAD,
    COPY_TAIL,
    STAGE_CELL,
    STAGE_ONE,
    STAGED_COLUMNS,
    EventStage,
    StagedFile,
    cell_rows,
    copy_bytes,
)
from contracts.models.base import UtcDateTime

_CHUNK = 1 << 20
_SORTING = "128MB"  # the keys of a million events sort in memory, more of them on disk
_TOLD_CONFLICTS = 1_000
_ATTACHED = "trinnvis_stage"
_STAGED = "event_key, cell, outcome, content, accession, line"
_POSTGRES_COLUMNS = (
    "event_key BYTEA, cell INTEGER, outcome SMALLINT, content BYTEA, accession BYTEA, line INTEGER, "
    "round SMALLINT DEFAULT 0"
)
_STANDS = "e.import_id NOT IN (SELECT r.import_id FROM usage_reversals r)"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What every row of one import says: whose, from which import, when and by whom."""

    agreement_id: int
    import_id: int
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did; with ``errors`` nothing of it may stay."""

    accepted: int = 0
    duplicates: int = 0
    not_billable: int = 0
    quantity: int = 0
    errors: tuple[RowError, ...] = ()
    findings: tuple[RowError, ...] = ()


class EventWrite:
    """One write of staged events: first the events, then (once their import is recorded) an entry for each cell."""

    def __init__(self, connection: Connection, staged: StagedFile, *, repeat_days: int | None) -> None:
        assert staged.events is not None
        self.staged = staged
        self.rows = staged.events.rows
        self.repeat_days = repeat_days if staged.accessions else None
        self.connection = connection
        self.stage = _Stage(connection, staged.events, staged.cells)
        self.all_new = False

    def events(self, import_id: int) -> Written:
        """Write the events; where errors come back, the caller undoes it all."""
        if self.repeat_days is None:
            with suppress(IntegrityError), self.connection.begin_nested():
                self.stage.insert_events(import_id)
                self.all_new = True
                quantity = sum(cell.quantity for cell in self.staged.cells)
                return Written(self.rows, 0, self.staged.not_billable, quantity)
        errors = self.stage.conflicts()
        if errors:
            return Written(errors=tuple(errors))
        duplicates = self.stage.drop_duplicates()
        self.stage.number_rounds()
        late = self.stage.judge_repeats(self.repeat_days) if self.repeat_days is not None else 0
        accepted = self.stage.insert_events(import_id)
        if accepted + duplicates != self.rows:
            raise AssertionError(f"{accepted} new and {duplicates} known of {self.rows} events")
        quantity = self.stage.billable()
        findings = (RowError(1, None, "late_earlier", {"count": late}),) if late else ()
        return Written(accepted, duplicates, accepted - quantity, quantity, findings=findings)

    def entries(self, stamp: Stamp) -> None:
        """Write one signed entry for each cell that got an event, also where none of them is billable."""
        self.stage.insert_entries(stamp, counted=self.all_new)

    def close(self) -> None:
        """Let go of what was staged in the database."""
        self.stage.close()


class _Stage:
    """The staged rows as tables beside the real ones, in one transaction with them."""

    def __init__(self, connection: Connection, events: EventStage, cells: list[Cell]) -> None:
        self.connection = connection
        self.sqlite = connection.dialect.name == "sqlite"
        self.attached = self.sqlite and events.path is not None
        self.schema = _ATTACHED if self.attached else "temp" if self.sqlite else "pg_temp"
        self.events, self.cells = f"{self.schema}.staged_events", f"{self.schema}.staged_cells"
        self.repeats = f"{self.schema}.staged_repeats"
        if self.attached:
            # The file is ours alone and thrown away, so it needs no journal; the write must not depend on its folder.
            connection.exec_driver_sql(f"ATTACH DATABASE ? AS {_ATTACHED}", (str(events.path),))
            connection.exec_driver_sql(f"PRAGMA {_ATTACHED}.journal_mode=OFF").close()
        else:
            if not self.sqlite:
                self._run(f"SET LOCAL work_mem = '{_SORTING}'")
            self._create("staged_events", STAGED_COLUMNS if self.sqlite else _POSTGRES_COLUMNS)
            self._create("staged_cells", CELL_COLUMNS)
            self._fill(events, cells)

    def insert_events(self, import_id: int) -> int:
        """Write the staged events in the order of their keys and count them; `IntegrityError` where one is known."""
        done = self._run(
            "INSERT INTO usage_events (event_key, round, import_id, trust_id, algorithm_id, on_date, outcome, content, "
            "accession) SELECT s.event_key, s.round, :import_id, c.trust_id, c.algorithm_id, c.on_date, s.outcome, "
            "s.content, s.accession FROM {events} s {join} {cells} c ON c.number = s.cell ORDER BY s.event_key",
            import_id=import_id,
        )
        return int(done.rowcount)

    def insert_entries(self, stamp: Stamp, *, counted: bool) -> None:
        """Write one entry for each cell: from the counts of the reading, or counted from what is left in the stage."""
        source = (
            "SELECT c.trust_id, c.algorithm_id, c.on_date, c.quantity FROM {cells} c"
            if counted
            else "SELECT c.trust_id, c.algorithm_id, c.on_date, sum(CASE WHEN s.outcome = 0 THEN 1 ELSE 0 END) AS quantity "
            "FROM {events} s {join} {cells} c ON c.number = s.cell GROUP BY c.trust_id, c.algorithm_id, c.on_date"
        )
        statement = self._text(
            "INSERT INTO usage_entries (agreement_id, trust_id, algorithm_id, on_date, quantity, source, import_id, "
            "recorded_at, recorded_by) SELECT :agreement_id, f.trust_id, f.algorithm_id, f.on_date, f.quantity, 'events', "
            ":import_id, :recorded_at, :recorded_by FROM ({source}) f ORDER BY f.on_date, f.trust_id, f.algorithm_id",
            str(self._text(source)),
        ).bindparams(bindparam("recorded_at", type_=UtcDateTime()))
        self.connection.execute(
            statement,
            {
                "agreement_id": stamp.agreement_id,
                "import_id": stamp.import_id,
                "recorded_at": stamp.recorded_at,
                "recorded_by": stamp.recorded_by,
            },
        )

    def conflicts(self) -> list[RowError]:
        """Find ids with other content: within the file, and against what stands recorded."""
        if not self.sqlite:
            self._run("ANALYZE {events}")
            self._run("ANALYZE {cells}")
        within = self._run(
            "SELECT s.line, d.first FROM {events} s JOIN (SELECT event_key, min(line) AS first FROM {events} "
            "GROUP BY event_key HAVING count(*) > 1) d ON d.event_key = s.event_key "
            "JOIN {events} f ON f.line = d.first WHERE f.content <> s.content ORDER BY s.line LIMIT :most",
            most=_TOLD_CONFLICTS,
        )
        errors = [
            RowError(line, "event_id", "event_differs", {"first": first}, "event_differs_in_file")
            for line, first in within
        ]
        known = self._run(
            "SELECT s.line FROM {events} s {join} usage_events e ON e.event_key = s.event_key "
            "WHERE e.content <> s.content AND {stands} ORDER BY s.line LIMIT :most",
            most=_TOLD_CONFLICTS,
        )
        errors += [RowError(line, "event_id", "event_differs") for (line,) in known]
        return sorted(errors, key=lambda error: error.row)

    def drop_duplicates(self) -> int:
        """Take out of the stage what is recorded already, and all but the first line of what stands there twice."""
        known = self._run(
            "DELETE FROM {events} WHERE event_key IN (SELECT e.event_key FROM usage_events e "
            "WHERE e.event_key IN (SELECT event_key FROM {events}) AND {stands})"
        )
        twice = self._run("DELETE FROM {events} WHERE line NOT IN (SELECT min(line) FROM {events} GROUP BY event_key)")
        return int(known.rowcount) + int(twice.rowcount)

    def number_rounds(self) -> None:
        """Give a copy of a reversed event the next number."""
        self._run(
            "UPDATE {events} AS s SET round = (SELECT max(e.round) + 1 FROM usage_events e WHERE e.event_key = s.event_key) "
            "WHERE EXISTS (SELECT 1 FROM usage_events e WHERE e.event_key = s.event_key)"
        )

    def judge_repeats(self, repeat_days: int) -> int:
        """Let one of an examination's completed events within ``repeat_days`` days count; give how many came late.

        What is recorded stays as it was judged: a known event that counts makes every new one within the days, before
        or after it, a repeat. Among new ones the earliest day counts; on one day it is the same cell, and the key
        decides, so that the order of rows decides nothing. Those before a known event are the late ones.
        """
        self._create("staged_repeats", f"event_key {'BLOB' if self.sqlite else 'BYTEA'}")
        rows = self.connection.execute(
            self._text(
                "SELECT x.accession, x.trust_id, x.algorithm_id, x.on_date, 0 AS new, x.event_key FROM (SELECT DISTINCT "
                "accession FROM {events} WHERE outcome = 0) a {join} usage_events x ON x.accession = a.accession "
                "WHERE x.outcome = 0 AND x.import_id NOT IN (SELECT import_id FROM usage_reversals) UNION ALL "
                "SELECT s.accession, c.trust_id, c.algorithm_id, c.on_date, 1, s.event_key FROM {events} s {join} "
                "{cells} c ON c.number = s.cell WHERE s.outcome = 0 ORDER BY 1, 2, 3, 4, 5, 6"
            ).execution_options(yield_per=10_000)
        )
        late, repeats = 0, list[dict[str, bytes]]()
        with rows:
            for _, group in groupby(rows, key=lambda row: (row[0], row[1], row[2])):
                examination = [(_day(row[3]), bool(row[4]), bytes(row[5])) for row in group]
                if len(examination) > 1:
                    found, found_late = _repeats(examination, repeat_days)
                    repeats += ({"event_key": key} for key in found)
                    late += found_late
        for start in range(0, len(repeats), 10_000):
            self.connection.execute(
                self._text("INSERT INTO {repeats} VALUES (:event_key)"), repeats[start : start + 10_000]
            )
        self._run(
            "UPDATE {events} SET outcome = :outcome WHERE event_key IN (SELECT event_key FROM {repeats})",
            outcome=REPEAT_OF_EXAMINATION,
        )
        return late

    def billable(self) -> int:
        """Count the staged events that are billable."""
        return int(self._run("SELECT count(*) FROM {events} WHERE outcome = 0").scalar_one())

    def close(self) -> None:
        """Drop the tables beside; an attached file is let go when its connection is next handed out."""
        if self.attached:
            self.connection.connection.invalidate(soft=True)
            return
        for name in ("staged_events", "staged_cells", "staged_repeats"):
            self._run(f"DROP TABLE IF EXISTS {self.schema}.{name}")

    def _run(self, statement: str, **values: object) -> Any:
        return self.connection.execute(self._text(statement), values)

    def _text(self, statement: str, source: str = "") -> TextClause:
        # SQLite's CROSS JOIN keeps the order as written: the stage is read once, the other side is looked up.
        join = "CROSS JOIN" if self.sqlite else "JOIN"
        return text(
            statement.format(
                events=self.events, cells=self.cells, repeats=self.repeats, join=join, stands=_STANDS, source=source
            )
        )

    def _create(self, name: str, columns: str) -> None:
        kind, full = ("", f"{self.schema}.{name}") if self.attached else ("TEMPORARY ", name)
        self._run(f"CREATE {kind}TABLE {full} ({columns})")

    def _fill(self, events: EventStage, cells: list[Cell]) -> None:
        cursor = self.connection.connection.cursor()
        if self.sqlite:
            cursor.executemany(STAGE_ONE.replace("staged_events", self.events), events.few)
            cursor.executemany(STAGE_CELL.replace("staged_cells", self.cells), cell_rows(cells))
        else:
            with cursor.copy(f"COPY {self.events} ({_STAGED}) FROM STDIN (FORMAT BINARY)") as copy:
                for block in _copy_blocks(events):
                    copy.write(block)
            with cursor.copy(f"COPY {self.cells} FROM STDIN") as copy:
                copy.write("".join("\t".join(map(str, row)) + "\n" for row in cell_rows(cells)))
        cursor.close()


def _copy_blocks(events: EventStage) -> Iterator[bytes]:
    if events.path is None:
        yield COPY_HEAD + copy_bytes(events.few) + COPY_TAIL
        return
    with events.path.open("rb") as file:
        while block := file.read(_CHUNK):
            yield block


def _repeats(examination: list[tuple[date, bool, bytes]], repeat_days: int) -> tuple[list[bytes], int]:
    """Tell which new events of one examination repeat another, given all of them by day, the known ones first."""
    known = [day for day, new, _ in examination if not new]
    counted: date | None = None
    repeats, late = [], 0
    for day, new, key in examination:
        if not new:
            continue
        near = [each for each in known if abs((each - day).days) <= repeat_days]
        if near or (counted is not None and (day - counted).days <= repeat_days):
            repeats.append(key)
            late += bool(near) and all(each > day for each in near)
        else:
            counted = day
    return repeats, late


def _day(value: Any) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value
