"""Scheduled tasks: code under a name, with slots; each does everything that is due up to now.

So a task that was missed catches up by being run once, and a task that runs twice does no harm. Even so a slot begins once:
the unique key of `job_runs` is the second belt beside the one leader. A run that never came to its end (its process was
killed) is begun again after `GIVEN_UP_AFTER`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from contracts.models import JobRun
from contracts.terms.slots import Trigger
from contracts.work.worker import Sessions

GIVEN_UP_AFTER: Final = timedelta(minutes=15)
RUNS_KEPT: Final = timedelta(days=90)

log = logging.getLogger("trinnvis.schedule")


@dataclass(frozen=True, slots=True)
class Task:
    """A scheduled task. ``run`` gets the present instant, opens its own transactions and does what is due by then."""

    id: str
    trigger: Trigger
    run: Callable[[datetime], object]


TASKS: Final[dict[str, Task]] = {}


def register(id: str, trigger: Trigger, run: Callable[[datetime], object]) -> None:
    """Make a task known to this process. Raises ValueError where the name stands for another one already."""
    if id in TASKS and TASKS[id].run is not run:
        raise ValueError(f"there is a task {id!r} already")
    TASKS[id] = Task(id, trigger, run)


def due(session: Session, task: Task, *, now: datetime) -> datetime | None:
    """Give the slot that is to be run, or ``None``: the last one at or before ``now`` unless it, or a later one, is done."""
    slot = task.trigger.latest(now)
    latest = session.scalar(select(JobRun).where(JobRun.job == task.id).order_by(JobRun.slot.desc()).limit(1))
    if latest is None or latest.slot < slot:
        return slot
    if latest.slot == slot and latest.finished_at is None and latest.started_at <= now - GIVEN_UP_AFTER:
        return slot
    return None


def begin(session: Session, task: Task, *, slot: datetime, worker: str, now: datetime) -> bool:
    """Begin a slot; false where somebody else has begun it and is not given up."""
    try:
        with session.begin_nested():
            session.add(JobRun(job=task.id, slot=slot, worker=worker, started_at=now, attempts=1))
    except IntegrityError:
        again = (
            update(JobRun)
            .where(
                JobRun.job == task.id,
                JobRun.slot == slot,
                JobRun.finished_at.is_(None),
                JobRun.started_at <= now - GIVEN_UP_AFTER,
            )
            .values(worker=worker, started_at=now, attempts=JobRun.attempts + 1)
            .execution_options(synchronize_session=False)
        )
        return cast("CursorResult[Any]", session.execute(again)).rowcount == 1
    return True


def end(session: Session, task: Task, *, slot: datetime, worker: str, error: str | None, now: datetime) -> None:
    """Write that a slot was run, and what went wrong."""
    session.execute(
        update(JobRun)
        .where(JobRun.job == task.id, JobRun.slot == slot, JobRun.worker == worker)
        .values(finished_at=now, error=error)
        .execution_options(synchronize_session=False)
    )


def run_due(sessions: Sessions, task: Task, *, worker: str, now: datetime) -> datetime | None:
    """Run a task's slot if one is due, and give it. An error of the task is logged and kept; the next slot catches up."""
    with sessions.read() as session:
        slot = due(session, task, now=now)
    if slot is None:
        return None
    with sessions.write.begin() as session:
        if not begin(session, task, slot=slot, worker=worker, now=now):
            return None
    error = None
    try:
        task.run(now)
    except Exception as failure:
        log.exception("task failed id=%s slot=%s", task.id, slot.isoformat())
        error = type(failure).__name__
    with sessions.write.begin() as session:
        end(session, task, slot=slot, worker=worker, error=error, now=now)
    return slot


def list_runs(session: Session, *, limit: int = 50) -> list[JobRun]:
    """List what ran, newest first."""
    return list(session.scalars(select(JobRun).order_by(JobRun.slot.desc(), JobRun.id.desc()).limit(limit)))


def forget_runs(session: Session, *, now: datetime) -> int:
    """Drop runs older than ninety days, and give how many there were."""
    dropped = session.execute(delete(JobRun).where(JobRun.slot < now - RUNS_KEPT))
    return cast("CursorResult[Any]", dropped).rowcount
