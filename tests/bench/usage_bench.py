"""How fast a file of events becomes committed rows with an exact roll-up, and how fast the roll-up is read.

All sides read the same file through the same checks and hash the same ids; only how rows reach the database differs. The
bound inserts the very rows that were written, ready in memory, in the better of file and key order; for PostgreSQL the
reading of the same file is counted to it, and the share of the rows ready in memory is told beside it. SQLite works inside
this process and is measured in processor time; PostgreSQL works in another one and is measured by the clock. Sides take
turns; a ratio is the median of the rounds' ratios.
"""

from __future__ import annotations

import gc
import shutil
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from billing.models import UsageEntry, UsageEvent, UsageKey
from billing.usage import metering
from billing.usage import staging as usage_staging
from billing.usage.files import examine
from billing.usage.places import places_of
from billing.usage.staging import COPY_HEAD, COPY_TAIL, EventStage, Staged
from contracts import agreements, schema_versions
from contracts.extensions import make_engine
from contracts.people.access import COMMAND_LINE
from contracts.schemas.agreement import load_agreement
from tests.measure import Row
from tests.soak.jobs import databases
from tests.soak.usage import MOST_MEMORY, large_file
from tests.usage_files import whole_agreement, write_events

EVENTS = 1_000_000
ROUNDS = 3
READS = 7
BATCH = 20_000
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Base:
    """A migrated database with the agreement in it, to be copied for each measurement."""

    clock: Clock
    copy: Callable[[], Engine]
    drop: Callable[[Engine], None]


def run(events: int = EVENTS, rounds: int = ROUNDS) -> list[Row]:
    """Measure both databases."""
    with tempfile.TemporaryDirectory(prefix="trinnvis-bench-") as folder:
        file = write_events(Path(folder, "events.csv"), events)
        with _sqlite_base(Path(folder)) as base:
            rows = _measure("SQLite", base, file, events, rounds)
        with _postgres_base() as base:
            rows += _measure("PostgreSQL", base, file, events, rounds)
    return rows + _memory(5 * events)


def _memory(events: int) -> list[Row]:
    """Import one large file into each database, in a process of its own, and see what memory that takes."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="trinnvis-bench-") as folder, databases(Path(folder)) as urls:
        for kind, url in urls.items():
            megabytes, wrong = large_file(url, Path(folder), events)
            assert not wrong, wrong
            rows.append(
                Row(f"usage import, {kind}: memory in MB", megabytes, MOST_MEMORY, "at_most", f"{events} events")
            )
            print(f"  {rows[-1].name}: {megabytes} ({events} events)", file=sys.stderr)
    return rows


def _measure(name: str, base: Base, file: Path, events: int, rounds: int) -> list[Row]:
    ours, core, orm, bare, bound = [], [], [], [], []
    parts: list[tuple[float, float, float]] = []
    final = _final_rows(base, file)
    orders = [final, sorted(final)]
    sqlite_side = name == "SQLite"
    for _ in range(rounds):
        engine = base.copy()
        taken, apart = _ours(base, engine, file, events)
        ours.append(taken)
        parts.append(apart)
        base.drop(engine)
        core.append(_direct(base, file, events, _core_writer))
        if sqlite_side:
            orm.append(_direct(base, file, events, _orm_writer))
        bare.append(min(_bare(base, rows) for rows in orders))
        bound.append(bare[-1] if sqlite_side else bare[-1] + parts[-1][0])
    parse, stage, write = (median(each[number] for each in parts) for number in range(3))
    apart_text = f"{events} events; parse {parse:.2f} s, stage {stage:.2f} s, final write {write:.2f} s"
    said = "bare inserts" if sqlite_side else "the same reading with a bare COPY"
    read, grouped = _reads(base, file)
    factor, share = (1.2, 0.40) if sqlite_side else (3.0, 0.35)
    rows = [
        Row(
            f"usage import, {name}: against Core {'executemany' if sqlite_side else 'on-conflict'}",
            _ratio(core, ours),
            factor,
            "at_least",
            f"{apart_text}; Core {median(core):.2f} s",
        ),
        Row(
            f"usage import, {name}: share of {'bare inserts' if sqlite_side else 'bare COPY'}",
            _ratio(bound, ours),
            share,
            "at_least",
            f"ours {median(ours):.2f} s, {said} {median(bound):.2f} s; of rows ready in memory ({median(bare):.2f} s) "
            f"{_ratio(bare, ours):.2f}",
        ),
        Row(
            f"usage roll-up, {name}: read against GROUP BY",
            _ratio(grouped, read),
            40 if sqlite_side else 6,
            "at_least",
            f"GROUP BY {median(grouped):.3f} s, roll-up {median(read):.4f} s, the same rows",
        ),
    ]
    if sqlite_side:
        rows.insert(
            0,
            Row(
                "usage import, SQLite: against ORM bulk",
                _ratio(orm, ours),
                2.2,
                "at_least",
                f"{apart_text}; ORM bulk {median(orm):.2f} s",
            ),
        )
    for row in rows:
        print(f"  {row.name}: {row.ratio:.2f} ({row.detail})", file=sys.stderr)
    return rows


def _ratio(above: list[float], below: list[float]) -> float:
    return median(first / second for first, second in zip(above, below, strict=True))


@contextmanager
def _timed(clock: Clock) -> Iterator[list[float]]:
    gc.collect()
    gc.disable()
    took: list[float] = []
    begun = clock()
    try:
        yield took
    finally:
        gc.enable()
    took.append(clock() - begun)


# --- ours --------------------------------------------------------------------------------------------------------------


def _ours(base: Base, engine: Engine, file: Path, events: int) -> tuple[float, tuple[float, float, float]]:
    """Import the file as a command does: stage in one transaction, write in another."""
    spent = [0.0]
    add, finish = EventStage.add, EventStage.finish

    def timed(method: Callable[..., None]) -> Callable[..., None]:
        def call(*values: Any) -> None:
            begun = base.clock()
            method(*values)
            spent[0] += base.clock() - begun

        return call

    EventStage.add, EventStage.finish = timed(add), timed(finish)  # type: ignore[method-assign]
    try:
        with _timed(base.clock) as took:
            with Session(engine) as session:
                staged = metering.stage_usage(
                    session,
                    agreement_id=1,
                    filename="events.csv",
                    content=file,
                    actor=COMMAND_LINE,
                    now=datetime.now(UTC),
                )
            read = base.clock()
            with Session(engine.execution_options(trinnvis_write=True)) as session, session.begin():
                result = metering.apply_usage(session, staged, actor=COMMAND_LINE, now=NOW)
            written = base.clock()
            staged.close()
    finally:
        EventStage.add, EventStage.finish = add, finish  # type: ignore[method-assign]
    assert (result.status, result.accepted) == ("imported", events)
    write = written - read
    return took[0], (took[0] - write - spent[0], spent[0], write)


# --- the other sides: the same reading, rows written as they come -----------------------------------------------------------


class _Direct(EventStage):
    """Hands rows on as they are read, with nothing staged."""

    writer: Any = None
    cells: Any = None
    ready: ClassVar[list[Staged]] = []

    def add(self, rows: list[Staged]) -> None:
        """Write what came together when it is a good batch."""
        self.rows += len(rows)
        self.ready.extend(rows)
        if len(self.ready) >= BATCH:
            self.finish(None)

    def finish(self, cells: Any) -> None:
        """Write the last batch."""
        self.writer(self._final(self.ready))
        self.ready.clear()

    def _final(self, rows: list[Staged]) -> list[dict[str, Any]]:
        cells = self.cells
        return [
            {
                "event_key": key,
                "round": 0,
                "import_id": 1,
                "trust_id": cells[number - 1].trust_id,
                "algorithm_id": cells[number - 1].algorithm_id,
                "on_date": cells[number - 1].on,
                "outcome": outcome,
                "content": content,
                "accession": accession,
            }
            for key, number, outcome, content, accession, _ in rows
        ]


def _insert(engine: Engine, target: Any) -> Any:
    dialect = sqlite if engine.dialect.name == "sqlite" else postgresql
    return dialect.insert(target).on_conflict_do_nothing()


def _core_writer(session: Session, engine: Engine) -> Callable[[list[dict[str, Any]]], object]:
    statement, connection = _insert(engine, UsageEvent.__table__), session.connection()
    return lambda rows: connection.execute(statement, rows)


def _orm_writer(session: Session, engine: Engine) -> Callable[[list[dict[str, Any]]], object]:
    statement = _insert(engine, UsageEvent)

    def write(rows: list[dict[str, Any]]) -> object:
        for row in rows:
            row["on"] = row.pop("on_date")
        return session.execute(statement, rows)

    return write


def _direct(base: Base, file: Path, events: int, writer: Callable[..., Any]) -> float:
    """Read the file as we do and write each batch at once, then one entry for each cell; commit."""
    engine = base.copy()
    with (
        _timed(base.clock) as took,
        Session(engine.execution_options(trinnvis_write=True)) as session,
        session.begin(),
    ):
        stage = type("Stage", (_Direct,), {"writer": staticmethod(writer(session, engine))})
        staged = _stage(session, engine, file, stage)
        session.execute(
            sa.insert(UsageEntry),
            [
                {
                    "agreement_id": 1,
                    "trust_id": cell.trust_id,
                    "algorithm_id": cell.algorithm_id,
                    "on": cell.on,
                    "quantity": cell.quantity,
                    "source": "events",
                    "import_id": None,
                    "recorded_at": NOW,
                    "recorded_by": "bench",
                }
                for cell in staged.cells
            ],
        )
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(UsageEvent)) == events
    base.drop(engine)
    return took[0]


def _stage(session: Session, engine: Engine, file: Path, stage: type[EventStage]) -> usage_staging.StagedFile:
    """Read and check a file with another stage in place of ours."""
    usual = usage_staging.EventStage
    original = usage_staging.StagedFile
    cells: list[Any] = []

    def make(*values: Any) -> usage_staging.StagedFile:
        made = original(*values)
        made.cells = cells  # the stage sees them grow
        return made

    stage.cells = cells  # type: ignore[attr-defined]
    try:
        usage_staging.EventStage = stage  # type: ignore[misc]
        usage_staging.StagedFile = make  # type: ignore[misc, assignment]
        return usage_staging.stage(
            examine("events.csv", file),
            reading=None,
            places=places_of(session, 1, None),
            secret=session.scalars(sa.select(UsageKey.secret)).one(),
            agreement_id=1,
            dialect=engine.dialect.name,
            progress=usage_staging.Silence(),
        )
    finally:
        usage_staging.EventStage, usage_staging.StagedFile = usual, original  # type: ignore[misc]


# --- the bound ---------------------------------------------------------------------------------------------------------


def _final_rows(base: Base, file: Path) -> list[tuple[Any, ...]]:
    """Give the rows of the final table in file order, as plain values."""
    engine, kept = base.copy(), list[tuple[Any, ...]]()

    class Kept(_Direct):
        """Keeps the rows."""

        def add(self, rows: list[Staged]) -> None:
            """Keep a batch."""
            self.rows += len(rows)
            text: dict[date, str] = {}
            for row in self._final(rows):
                on = row["on_date"]
                row["on_date"] = text.setdefault(on, on.isoformat())
                kept.append(tuple(row.values()))

        def finish(self, cells: Any) -> None:
            """Nothing waits."""

    with Session(engine) as session:
        _stage(session, engine, file, Kept)
    base.drop(engine)
    return kept


def _bare(base: Base, rows: list[tuple[Any, ...]]) -> float:
    """Insert rows that are ready in memory into the final table; commit."""
    engine = base.copy()
    ready = [] if engine.dialect.name == "sqlite" else list(_copy_blocks(rows))
    with (
        _timed(base.clock) as took,
        engine.execution_options(trinnvis_write=True).connect() as connection,
        connection.begin(),
    ):
        cursor = connection.connection.cursor()
        if engine.dialect.name == "sqlite":
            cursor.executemany("INSERT INTO usage_events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        else:
            with cursor.copy("COPY usage_events FROM STDIN (FORMAT BINARY)") as copy:
                for block in ready:
                    copy.write(block)
        cursor.close()
    base.drop(engine)
    return took[0]


_ROW = struct.Struct("!hi16sihiqiqiqiiihi8si")
_DAY_ZERO = date(2000, 1, 1).toordinal()


def _copy_blocks(rows: list[tuple[Any, ...]]) -> Iterator[bytes]:
    yield COPY_HEAD
    for start in range(0, len(rows), 10_000):
        yield b"".join(
            _ROW.pack(
                9, 16, key, 2, round_, 8, import_id, 8, trust, 8, algorithm,
                4, date.fromisoformat(on).toordinal() - _DAY_ZERO, 2, outcome, 8, content, -1,
            )
            for key, round_, import_id, trust, algorithm, on, outcome, content, _ in rows[start : start + 10_000]
        )  # fmt: skip
    yield COPY_TAIL


# --- reading -----------------------------------------------------------------------------------------------------------


def _reads(base: Base, file: Path) -> tuple[list[float], list[float]]:
    """Read the roll-up and group the events into the same rows, in turns."""
    engine = base.copy()
    with Session(engine.execution_options(trinnvis_write=True)) as session, session.begin():
        metering.import_usage(session, agreement_id=1, filename="events.csv", content=file, actor=COMMAND_LINE, now=NOW)
    read, grouped = [], []
    with Session(engine) as session:
        if engine.dialect.name == "postgresql":
            with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                connection.execute(sa.text("VACUUM ANALYZE"))
        group = sa.text(
            "SELECT on_date, trust_id, algorithm_id, sum(CASE WHEN outcome = 0 THEN 1 ELSE 0 END) FROM usage_events "
            "WHERE import_id NOT IN (SELECT import_id FROM usage_reversals) "
            "GROUP BY on_date, trust_id, algorithm_id ORDER BY on_date, trust_id, algorithm_id"
        )
        for number in range(READS + 1):
            with _timed(base.clock) as took:
                from_events = session.execute(group).all()
            with _timed(base.clock) as took_ours:
                rolled_up = metering.roll_up(session, agreement_id=1)
            assert [tuple(row) for row in from_events] == [tuple(row) for row in rolled_up]
            if number:
                grouped.append(took[0])
                read.append(took_ours[0])
    base.drop(engine)
    return read, grouped


# --- databases ---------------------------------------------------------------------------------------------------------


def _prepare(engine: Engine) -> None:
    schema_versions.upgrade(engine)
    with Session(engine.execution_options(trinnvis_write=True)) as session, session.begin():
        done = agreements.import_agreement(
            session,
            document=load_agreement(whole_agreement()),
            actor=COMMAND_LINE,
            now=datetime(2024, 12, 1, tzinfo=UTC),
        )
        assert done.id == 1


@contextmanager
def _sqlite_base(folder: Path) -> Iterator[Base]:
    template = folder / "template.db"
    engine = make_engine(f"sqlite:///{template}")
    _prepare(engine)
    engine.dispose()
    place = folder / "bench.db"

    def copy() -> Engine:
        shutil.copyfile(template, place)
        return make_engine(f"sqlite:///{place}")

    def drop(engine: Engine) -> None:
        engine.dispose()
        for file in folder.glob("bench.db*"):
            file.unlink()

    yield Base(time.process_time, copy, drop)


@contextmanager
def _postgres_base() -> Iterator[Base]:
    from tests.servers import postgres_server

    with postgres_server() as url:
        admin = make_engine(url).execution_options(isolation_level="AUTOCOMMIT")

        def command(statement: str) -> None:
            with admin.connect() as connection:
                connection.execute(sa.text(statement))

        def engine_of(name: str) -> Engine:
            return make_engine(sa.make_url(url).set(database=name).render_as_string(hide_password=False))

        command("CREATE DATABASE bench_template")
        engine = engine_of("bench_template")
        _prepare(engine)
        engine.dispose()

        def copy() -> Engine:
            command("CREATE DATABASE bench_one TEMPLATE bench_template")
            return engine_of("bench_one")

        def drop(engine: Engine) -> None:
            engine.dispose()
            command("DROP DATABASE bench_one WITH (FORCE)")

        yield Base(time.perf_counter, copy, drop)
        admin.dispose()


if __name__ == "__main__":
    for row in run(*(int(each) for each in sys.argv[1:])):
        print(row)
