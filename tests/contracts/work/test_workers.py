"""Processes that race, die and take over, on both databases."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from datetime import time, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from billing.jobs import Scheduler, run_next
from contracts.extensions import db, make_engine
from contracts.models import Job, Setting
from contracts.terms.slots import Daily, Every
from contracts.work import schedule
from contracts.work.leader import AdvisoryLeadership, Alone, FileLeadership, leadership_of
from tests.soak import jobs as proof

JOBS = 200


def test_two_processes_run_two_hundred_jobs_each_exactly_once(migrated_url: str, tmp_path: Path) -> None:
    app = proof.proof_app(migrated_url, tmp_path)
    proof.submit(app, "proof.count", range(JOBS))
    workers = [proof.start("work", migrated_url, tmp_path) for _ in range(2)]
    try:
        for worker in workers:
            proof.await_line(worker, "ready")
        for worker in workers:
            proof.say_go(worker)
        for worker in workers:
            assert worker.wait(timeout=120) == 0
    finally:
        for worker in workers:
            proof.kill(worker)
    assert proof.states(app) == {"done": JOBS}
    assert proof.effects(app) == Counter({f"proof.{number}": 1 for number in range(JOBS)})
    with app.app_context(), db.read() as session:
        by_worker = Counter(job.worker for job in session.query(Job))
        assert {job.attempts for job in session.query(Job)} == {1}
    assert len(by_worker) == 2, f"one process did it all: {by_worker}"
    app.extensions["trinnvis_engine"].dispose()


def test_a_worker_killed_in_the_middle_is_taken_over_and_the_job_comes_to_its_end(
    migrated_url: str, tmp_path: Path
) -> None:
    app = proof.proof_app(migrated_url, tmp_path)
    (job_id,) = proof.submit(app, "proof.hold", range(1), pid=os.getpid())
    worker = proof.start("hold", migrated_url, tmp_path)
    try:
        proof.await_line(worker, "holding")
        assert proof.states(app) == {"running": 1}
        assert run_next(app) is None
    finally:
        proof.kill(worker)
    app.config["JOB_STALE_SECONDS"] = 0  # instead of waiting until it is missed
    assert run_next(app) == job_id
    assert proof.states(app) == {"done": 1}
    with app.app_context(), db.read() as session:
        assert session.query(Job).one().attempts == 2
    app.extensions["trinnvis_engine"].dispose()


@pytest.mark.slow
def test_workers_killed_at_random_leave_every_job_done_exactly_once(migrated_url: str, tmp_path: Path) -> None:
    effects, states, number = proof.kill_and_take_over(migrated_url, tmp_path, kills=5, seed=1)
    assert states == {"done": number}
    assert effects == Counter({f"proof.{one}": 1 for one in range(number)})


def test_of_two_processes_one_leads_and_the_other_takes_over_when_it_is_killed(
    migrated_url: str, tmp_path: Path
) -> None:
    first = proof.start("lead", migrated_url, tmp_path)
    second = None
    try:
        proof.await_line(first, "leading")
        second = proof.start("lead", migrated_url, tmp_path)
        proof.await_line(second, "standing by")
        with pytest.raises(AssertionError, match="no 'leading'"):
            proof.await_line(second, "leading", seconds=0.5)
        proof.kill(first)
        proof.await_line(second, "leading")
    finally:
        for process in (first, second):
            if process is not None:
                proof.kill(process)


def test_the_lock_is_free_again_when_its_holder_resigns(migrated_url: str) -> None:
    engine = make_engine(migrated_url)
    first, second = leadership_of(engine), leadership_of(engine)
    assert first.try_lead()
    assert first.try_lead()
    assert not second.try_lead()
    assert not second.still_leads()
    first.resign()
    assert not first.still_leads()
    assert second.try_lead()
    assert second.still_leads()
    second.resign()
    engine.dispose()


@pytest.mark.postgres
def test_who_loses_the_connection_has_lost_the_lead_and_notices(postgres_url: str) -> None:
    engine = make_engine(postgres_url)
    leader, standby = leadership_of(engine), leadership_of(engine)
    assert isinstance(leader, AdvisoryLeadership)
    assert leader.try_lead()
    with engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
            )
        )
    assert not leader.still_leads()
    assert standby.try_lead()
    standby.resign()
    engine.dispose()


def test_who_begins_to_lead_does_what_is_due_and_what_comes_due(
    database: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = {name: threading.Event() for name in ("missed", "coming")}
    monkeypatch.setattr(schedule, "TASKS", {})
    schedule.register("missed", Daily(time(3)), lambda _now: done["missed"].set())
    engine = database.extensions["trinnvis_engine"]
    scheduler = Scheduler(database, leadership_of(engine), name="test", standby=0.05, check=0.05)
    scheduler.start()
    try:
        assert done["missed"].wait(10)
        assert scheduler.leading.is_set()
        assert not leadership_of(engine).try_lead()
    finally:
        scheduler.stop()
    assert not scheduler.is_alive()
    # The next one finds nothing due that was done, and its timer runs what comes due: a slot every second.
    schedule.register("coming", Every(timedelta(seconds=1)), lambda _now: done["coming"].set())
    done["missed"].clear()
    following = Scheduler(database, leadership_of(engine), name="next", standby=0.05, check=0.05)
    following.start()
    try:
        assert done["coming"].wait(10)
        assert not done["missed"].is_set()
    finally:
        following.stop()


def test_the_scheduler_command_ends_when_it_is_told(migrated_url: str, tmp_path: Path) -> None:
    environment = {**os.environ, "DATABASE_URL": migrated_url, "TRINNVIS_INSTANCE": str(tmp_path)}
    command = [sys.executable, "-m", "flask", "--app", "app", "scheduler"]
    process = subprocess.Popen(command, cwd=proof.ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        assert "scheduler started, 1 workers" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        assert "scheduler stopped" in process.stderr.read()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_on_a_moved_database_file_nobody_leads_on(tmp_path: Path) -> None:
    leader = FileLeadership(tmp_path / "lock")
    assert leader.try_lead()
    (tmp_path / "lock").rename(tmp_path / "elsewhere")
    assert not leader.still_leads()
    leader.resign()


def test_a_database_in_memory_is_led_by_its_only_process() -> None:
    engine = make_engine("sqlite://")
    assert isinstance(leadership_of(engine), Alone)
    engine.dispose()


def test_the_proof_counts_what_it_says(sqlite_url: str, tmp_path: Path) -> None:
    app = proof.proof_app(sqlite_url, tmp_path)
    proof.submit(app, "proof.count", range(2))
    assert run_next(app) is not None
    assert proof.effects(app) == {"proof.0": 1}
    assert proof.states(app) == {"done": 1, "queued": 1}
    with app.app_context(), db.read() as session:
        assert session.query(Setting).count() == 1
    app.extensions["trinnvis_engine"].dispose()
