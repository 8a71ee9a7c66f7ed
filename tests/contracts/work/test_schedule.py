"""Scheduled slots on both databases, with time as a parameter: nobody waits here."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from flask import Flask

from billing.jobs import run_due, tidy_jobs
from contracts.extensions import db
from contracts.models import JobRun
from contracts.terms.slots import OSLO, Daily, Every
from contracts.work import schedule
from contracts.work.schedule import Task

NOW = datetime(2026, 10, 15, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "TASKS", {})


def counting(trigger: Any, runs: list[datetime]) -> Task:
    return Task("count", trigger, runs.append)


def test_a_slot_is_run_once_and_many_missed_slots_are_caught_up_by_one_run(database: Flask) -> None:
    runs: list[datetime] = []
    task = counting(Daily(time(3)), runs)
    assert run_due(database, task, now=NOW) == datetime(2026, 10, 15, 1, 0, tzinfo=UTC)
    assert run_due(database, task, now=NOW) is None
    assert run_due(database, task, "another", now=NOW + timedelta(hours=1)) is None
    assert run_due(database, task, now=NOW + timedelta(days=30)) == datetime(2026, 11, 14, 2, 0, tzinfo=UTC)
    assert runs == [NOW, NOW + timedelta(days=30)]


def test_a_clock_that_jumps_back_runs_nothing_again(database: Flask) -> None:
    runs: list[datetime] = []
    task = counting(Every(timedelta(minutes=15)), runs)
    run_due(database, task, now=NOW)
    assert run_due(database, task, now=NOW - timedelta(days=1)) is None
    assert runs == [NOW]


@pytest.mark.parametrize("night", ["2026-03-29", "2026-10-25"], ids=["forward", "back"])
def test_on_the_night_when_the_clock_changes_a_daily_task_runs_once(app: Flask, night: str) -> None:
    runs: list[datetime] = []
    task = counting(Daily(time(2, 30)), runs)
    start = datetime.combine(datetime.fromisoformat(night), time(0), tzinfo=OSLO).astimezone(UTC)
    run_due(app, task, now=start - timedelta(hours=3))
    runs.clear()
    for minutes in range(0, 12 * 60, 10):
        run_due(app, task, now=start + timedelta(minutes=minutes))
    assert len(runs) == 1


def test_of_two_that_both_believe_to_lead_one_begins_the_slot(database: Flask) -> None:
    task = counting(Daily(time(3)), [])
    slot = task.trigger.latest(NOW)
    begun = []
    for worker in ("a", "b"):
        with db.write() as session:
            begun.append(schedule.begin(session, task, slot=slot, worker=worker, now=NOW))
    assert begun == [True, False]


def test_a_slot_whose_process_was_killed_is_begun_again(database: Flask) -> None:
    runs: list[datetime] = []
    task = counting(Daily(time(3)), runs)
    with db.write() as session:
        assert schedule.begin(session, task, slot=task.trigger.latest(NOW), worker="killed", now=NOW)
    assert run_due(database, task, now=NOW + schedule.GIVEN_UP_AFTER - timedelta(seconds=1)) is None
    assert run_due(database, task, now=NOW + schedule.GIVEN_UP_AFTER) is not None
    assert len(runs) == 1
    with db.read() as session:
        (run,) = schedule.list_runs(session)
        assert (run.attempts, run.worker, run.error) == (2, "run-due", None)


def test_a_task_that_fails_is_kept_with_its_error_and_the_next_slot_comes(database: Flask) -> None:
    def fail(_now: datetime) -> None:
        raise LookupError("no such thing")

    task = Task("fail", Daily(time(3)), fail)
    assert run_due(database, task, now=NOW) is not None
    assert run_due(database, task, now=NOW) is None
    assert run_due(database, task, now=NOW + timedelta(days=1)) is not None
    with db.read() as session:
        assert [run.error for run in schedule.list_runs(session)] == ["LookupError", "LookupError"]


def test_old_runs_are_forgotten(database: Flask) -> None:
    task = counting(Daily(time(3)), [])
    run_due(database, task, now=NOW)
    with database.app_context():
        tidy_jobs(NOW + timedelta(days=100))
    with db.read() as session:
        assert session.query(JobRun).count() == 0


def test_a_name_stands_for_one_task(app: Flask) -> None:
    def first(_now: datetime) -> None: ...

    def second(_now: datetime) -> None: ...

    schedule.register("daily", Daily(time(3)), first)
    schedule.register("daily", Daily(time(3)), first)
    with pytest.raises(ValueError, match="there is a task"):
        schedule.register("daily", Daily(time(3)), second)
