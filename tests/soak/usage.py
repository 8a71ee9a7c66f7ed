"""Usage imports under kill -9, in races and by the million: each event counts once, whatever happened on the way.

The module is also the program that the proofs start and kill:

    python -m tests.soak.usage DATABASE_URL FOLDER many FIRST COUNT   import so many overlapping files, from one number on
    python -m tests.soak.usage DATABASE_URL FOLDER same TIMES SEED    import one file again and again, some times reordered
    python -m tests.soak.usage DATABASE_URL FOLDER file PATH          import one file and tell the memory that it took

Each import that was acknowledged is printed. What is in the database afterwards is held against an oracle that reads the
files' lines itself, and against `usage verify`.
"""

from __future__ import annotations

import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask
from sqlalchemy import select

from app import create_app
from billing.models import UsageImport
from billing.usage import metering
from billing.usage import reversals as usage_upkeep
from contracts import agreements
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from contracts.schemas.agreement import load_agreement
from tests.measure import Row
from tests.soak.jobs import databases
from tests.usage_files import HEADER, event_lines, whole_agreement, write_events

ROOT = Path(__file__).resolve().parents[2]
FULL_KILLS = 100
FULL_TIMES = 50
FULL_FILES = 25
FULL_ROWS = 10_000_000
NEW, OVERLAP = 1_000, 2_000
SPILLED = 21_000  # more than is staged in memory
MOST_MEMORY = 256
OSLO = ZoneInfo("Europe/Oslo")
Cells = Counter[tuple[str, str, date]]


def file_lines(number: int) -> list[str]:
    """Give the events of a numbered file: it shares most of them with its neighbours; every seventh file is large."""
    return list(event_lines(SPILLED if number % 7 == 3 else NEW + OVERLAP, first=number * NEW, seed=1))


def oracle(lines: Iterable[str]) -> Cells:
    """Count the completed events of lines by trust, algorithm and Norwegian day, each id once."""
    cells: Cells = Counter()
    for line in dict.fromkeys(lines):
        _, trust, algorithm, time_, status = line.strip().split(",")
        on = datetime.fromisoformat(time_).astimezone(OSLO).date()
        cells[trust, algorithm, on] += status == "completed"
    return cells


def proof_app(url: str, folder: Path) -> Flask:
    """Make an app on a proof's database."""
    return create_app({"TESTING": True, "DATABASE_URL": url, "INSTANCE": str(folder)})


def rest(app: Flask) -> None:
    """Close an app's connections; it opens new ones when it is used again."""
    app.extensions["trinnvis_engine"].dispose()


def prepare(url: str, folder: Path) -> Flask:
    """Record the agreement."""
    app = proof_app(url, folder)
    with app.app_context(), db.write() as session:
        agreements.import_agreement(
            session,
            document=load_agreement(whole_agreement()),
            actor=COMMAND_LINE,
            now=datetime(2024, 12, 1, tzinfo=UTC),
        )
    rest(app)
    return app


def take_in(filename: str, content: bytes | Path) -> metering.UsageImportResult:
    """Import a file as the command does: stage in one transaction, write in another."""
    with db.read() as session:
        agreement_id = agreements.find_agreement(session).id
        staged = metering.stage_usage(
            session,
            agreement_id=agreement_id,
            filename=filename,
            content=content,
            actor=COMMAND_LINE,
            now=datetime.now(UTC),
        )
    try:
        with db.write() as session:
            return metering.apply_usage(session, staged, actor=COMMAND_LINE, now=datetime.now(UTC))
    finally:
        staged.close()


def tell(result: metering.UsageImportResult, **more: object) -> None:
    """Print what was acknowledged."""
    told = {"import": result.id, "status": result.status, "accepted": result.accepted, "duplicates": result.duplicates}
    print(json.dumps(told | more), flush=True)


def work(app: Flask, mode: str, arguments: list[str]) -> None:
    """Do what the command line asks for."""
    with app.app_context():
        if mode == "many":
            first, count = (int(each) for each in arguments)
            for number in range(first, first + count):
                content = (HEADER + "".join(file_lines(number))).encode()
                tell(take_in(f"{number}.csv", content), number=number)
        elif mode == "same":
            times, seed = (int(each) for each in arguments)
            chance = random.Random(seed)
            for turn in range(times):
                lines = file_lines(3)
                if turn % 2:
                    chance.shuffle(lines)
                tell(take_in(f"{seed}-{turn}.csv", (HEADER + "".join(lines)).encode()), reordered=turn % 2)
        else:
            result = take_in("large.csv", Path(arguments[0]))
            tell(result, megabytes=most_memory())


def most_memory() -> int:
    """Give the most memory that this process had, in megabytes; what it was forked from does not count to it."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.findall(r"VmHWM:\s+([0-9]+) kB", status.read_text())[0]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def start(url: str, folder: Path, log: Path, *arguments: object) -> subprocess.Popen[bytes]:
    """Start this module as a process that writes what it acknowledges to a file."""
    command = [sys.executable, "-m", "tests.soak.usage", url, str(folder), *(str(each) for each in arguments)]
    with log.open("ab") as out, (folder / "errors.txt").open("ab") as err:
        return subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=err)


def acknowledged(log: Path) -> list[dict[str, Any]]:
    """Read whole lines; what a kill cut short was not acknowledged."""
    found = []
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else []:
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return found


def wrong(app: Flask, expected: Cells, told: Iterable[dict[str, Any]]) -> Counter[str]:
    """Hold the database against the oracle and what was acknowledged, and give what is wrong by kind."""
    found: Counter[str] = Counter()
    with app.app_context(), db.read() as session:
        agreement_id = agreements.find_agreement(session).id
        counted: Cells = Counter()
        for usage in metering.daily_usage(session, agreement_id=agreement_id):
            counted[usage.trust, usage.algorithm, usage.on] += usage.quantity
        for cell in expected.keys() | counted.keys():
            difference = counted[cell] - expected[cell]
            found["lost"] += max(0, -difference)
            found["doubled"] += max(0, difference)
        verification = usage_upkeep.verify_usage(session, agreement_id=agreement_id, actor=COMMAND_LINE)
        found["partial"] += len(verification.differences)
        recorded = {row.id: row.accepted for row in session.scalars(select(UsageImport))}
        found["lost"] += sum(1 for each in told if recorded.get(each["import"]) != each["accepted"])
    rest(app)
    return +found


def crashes(folder: Path, processes: Iterable[subprocess.Popen[bytes]]) -> int:
    """Wait for processes and count those that failed, with what they said last."""
    failed = sum(process.wait() != 0 for process in processes)
    if failed:
        print((folder / "errors.txt").read_text(encoding="utf-8")[-3_000:], file=sys.stderr)
    return failed


def kill_at_random(url: str, folder: Path, kills: int, seed: int) -> tuple[Counter[str], int]:
    """Kill imports at random instants, start again, let the last one finish; give what is wrong and the imports told."""
    app = prepare(url, folder)
    chance = random.Random(seed)
    log = folder / "killed.txt"
    reached = -1
    for _ in range(kills):
        before = len(acknowledged(log))
        process = start(url, folder, log, "many", max(0, reached), 1_000)
        while len(acknowledged(log)) == before and process.poll() is None:
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 0.25))
        process.kill()
        process.wait()
        with log.open("ab") as file:
            file.write(b"\n")
        reached = max((each["number"] for each in acknowledged(log)), default=-1)
    final = start(url, folder, log, "many", max(0, reached), 2)
    crashed = Counter({"crashed": crashes(folder, [final])})
    told = acknowledged(log)
    reached = max(each["number"] for each in told)
    lines = (line for number in range(reached + 1) for line in file_lines(number))
    return +(wrong(app, oracle(lines), told) + crashed), len(told)


def same_file(url: str, folder: Path, processes: int, times: int) -> Counter[str]:
    """Import one file many times by several processes at once, half of the times reordered; give what is wrong."""
    app = prepare(url, folder)
    logs = [folder / f"same-{place}.txt" for place in range(processes)]
    shares = [times // processes + (place < times % processes) for place in range(processes)]
    running = [
        start(url, folder, log, "same", share, place)
        for place, (log, share) in enumerate(zip(logs, shares, strict=True))
    ]
    crashed = crashes(folder, running)
    told = [each for log in logs for each in acknowledged(log)]
    found = wrong(app, oracle(file_lines(3)), [each for each in told if each["status"] == "imported"])
    found["crashed"] += crashed + abs(times - len(told))
    found["doubled"] += abs(sum(each["accepted"] for each in told if each["status"] == "imported") - SPILLED)
    found["doubled"] += max(0, sum(each["status"] == "imported" and not each["reordered"] for each in told) - 1)
    return +found


def overlapping(url: str, folder: Path, writers: int, files: int) -> Counter[str]:
    """Let several writers import overlapping files at once; give what is wrong, deadlocks by the server's own count."""
    app = prepare(url, folder)
    logs = [folder / f"writer-{place}.txt" for place in range(writers)]
    running = [start(url, folder, log, "many", place, files) for place, log in enumerate(logs)]
    crashed = crashes(folder, running)
    lines = (line for number in range(files + writers - 1) for line in file_lines(number))
    found = wrong(
        app, oracle(lines), [each for log in logs for each in acknowledged(log) if each["status"] == "imported"]
    )
    found += Counter({"crashed": crashed, "deadlocked": deadlocks(app)})
    rest(app)
    return +found


def deadlocks(app: Flask) -> int:
    """Count the deadlocks that the server broke up, also those that a retry hid; SQLite's writers queue and have none."""
    query = "SELECT pg_stat_clear_snapshot(), deadlocks FROM pg_stat_database WHERE datname = current_database()"
    with app.app_context(), db.read() as session:
        if session.get_bind().dialect.name == "sqlite":
            return 0
        return int(session.connection().exec_driver_sql(query).one()[1])


def large_file(url: str, folder: Path, rows: int) -> tuple[int, Counter[str]]:
    """Import one large file in a process of its own; give its memory in megabytes, and what is wrong."""
    app = prepare(url, folder)
    path = write_events(folder / "large.csv", rows, seed=1)
    log = folder / "large.txt"
    crashed = crashes(folder, [start(url, folder, log, "file", path)])
    told = acknowledged(log)
    path.unlink()
    found = Counter({"crashed": crashed})
    with app.app_context(), db.read() as session:
        agreement_id = agreements.find_agreement(session).id
        found["partial"] += len(
            usage_upkeep.verify_usage(session, agreement_id=agreement_id, actor=COMMAND_LINE).differences
        )
    rest(app)
    found["lost"] += rows - sum(each["accepted"] for each in told)
    return max((each["megabytes"] for each in told), default=0), +found


def run(count: float) -> list[Row]:
    """Prove everything on both databases."""
    rows: list[Row] = []

    def row(name: str, found: Counter[str], detail: str) -> None:
        rows.append(Row(f"usage: {name}", float(found.total()), 0.0, "at_most", f"{detail}; wrong: {dict(found)}"))

    def scaled(full: int, least: int) -> int:
        return max(least, round(full * count))

    for proof in ("kills", "same", "writers", "large"):
        with tempfile.TemporaryDirectory(prefix="trinnvis-soak-") as place, databases(Path(place)) as urls:
            for kind, url in urls.items():
                folder = Path(place)
                for log in folder.glob("*.txt"):
                    log.unlink()
                begun = time.monotonic()
                if proof == "kills":
                    kills = scaled(FULL_KILLS, 10)
                    found, told = kill_at_random(url, folder, kills, seed=7)
                    row(f"imports killed, {kind}", found, f"{kills} kills, {told} imports acknowledged")
                elif proof == "same":
                    times = scaled(FULL_TIMES, 4)
                    found = same_file(url, folder, min(8, times // 2), times)
                    row(f"one file again and again, {kind}", found, f"{times} times by {min(8, times // 2)} processes")
                elif proof == "writers":
                    files = scaled(FULL_FILES, 3)
                    row(
                        f"overlapping writers, {kind}",
                        overlapping(url, folder, 4, files),
                        f"4 writers, {files} files each",
                    )
                else:
                    size = scaled(FULL_ROWS, 200_000)
                    megabytes, found = large_file(url, folder, size)
                    row(f"one large file, {kind}", found, f"{size} rows")
                    rows.append(
                        Row(f"usage: memory in MB, {kind}", megabytes, MOST_MEMORY, "at_most", f"{size} rows, peak")
                    )
                print(f"  {proof} {kind}: {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return rows


if __name__ == "__main__":
    work(proof_app(sys.argv[1], Path(sys.argv[2])), sys.argv[3], sys.argv[4:])
