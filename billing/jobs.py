"""What runs beside the requests: scheduled tasks under one leader, and workers for long jobs.

Each task calls use cases and does everything due up to now, so a missed run catches up. Tasks are code and live in memory;
what is due lives in tables. APScheduler keeps the time; `contracts.work.schedule` decides which slot that is and lets it begin
once. A process that does not lead stands by and asks again every thirty seconds; one that notices that it no longer leads
stops at once. Workers need no leader: any process may run any job.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

import click
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from flask import Flask, current_app
from flask.cli import with_appcontext

from billing.ceiling import posts as ceiling_posts
from billing.invoices import inbox
from billing.projection import kept_forecasts
from billing.work import scenario_runs, usage_imports
from contracts import agreements, audit, clock
from contracts.extensions import db
from contracts.options import steps as options
from contracts.people import access
from contracts.reminders import outbox, reminders
from contracts.terms.slots import Daily, Every, Trigger
from contracts.web.reminders import mail
from contracts.work import jobs, schedule, worker
from contracts.work.leader import Leadership, leadership_of
from contracts.work.schedule import Task
from contracts.work.worker import Pace, Sessions, Worker


def register(app: Flask) -> None:
    """Give the app its scheduled tasks and the command `scheduler`."""
    app.config.setdefault("JOB_WORKERS", 1)
    app.config.setdefault("JOB_PROGRESS_SECONDS", 0.5)
    app.config.setdefault("JOB_STALE_SECONDS", jobs.STALE_AFTER.total_seconds())
    app.config.setdefault("SCHEDULER_STANDBY_SECONDS", 30.0)
    app.config.setdefault("SCHEDULER_CHECK_SECONDS", 5.0)
    schedule.register("forget_answers", Daily(time_of_day(3)), forget_answers)
    schedule.register("tidy_jobs", Daily(time_of_day(3, 10)), tidy_jobs)
    schedule.register("lapse_options", Daily(time_of_day(0, 5)), lapse_options)
    schedule.register("post_ceilings", Daily(time_of_day(0, 15)), post_ceilings)
    schedule.register("freeze_forecasts", Daily(time_of_day(4)), freeze_forecasts)
    schedule.register("anchor_trail", Daily(time_of_day(0, 10)), anchor_trail)
    schedule.register("forget_uploads", Every(timedelta(hours=1)), usage_imports.forget_uploads)
    schedule.register("write_reminders", Every(timedelta(hours=1)), write_reminders)
    schedule.register("send_mail", Every(timedelta(minutes=1)), send_mail)
    schedule.register("take_in_invoices", Every(timedelta(minutes=1)), take_in_invoices)
    usage_imports.register()
    scenario_runs.register()
    app.cli.add_command(scheduler_command)


def forget_answers(now: datetime) -> int:
    """Forget the answers kept for repeated requests once nobody repeats them any more; give how many."""
    with db.write() as session:
        return access.forget_answers(session, now=now)


def tidy_jobs(now: datetime) -> int:
    """Give up jobs that nobody takes, and forget old slots; give how many jobs."""
    with db.write() as session:
        schedule.forget_runs(session, now=now)
        return jobs.expire(session, now=now)


def lapse_options(now: datetime) -> int:
    """Let the options lapse whose last day is over; give how many."""
    with db.write() as session:
        at = clock.instant(session, example_mode=current_app.config["EXAMPLE_MODE"], now=now)
        return sum(
            len(options.lapse_due(session, agreement_id=agreement.id, now=now, at=at))
            for agreement in agreements.list_agreements(session)
        )


def post_ceilings(now: datetime) -> int:
    """Post what counts against each agreement's maximum value, since what is committed shrinks as days pass; give how many."""
    with db.read() as session:
        today = clock.today(session, example_mode=current_app.config["EXAMPLE_MODE"], now=now)
        found = [agreement.id for agreement in agreements.list_agreements(session)]
    for agreement_id in found:
        # One transaction each: a simulation must not keep the others' writers waiting longer than its own time.
        with db.write() as session:
            ceiling_posts.post_figures(
                session, agreement_id=agreement_id, recorded_by="scheduler", now=now, today=today
            )
    return len(found)


def freeze_forecasts(now: datetime) -> int:
    """Freeze each agreement's forecast, once for every month that is counted; give how many were frozen."""
    frozen = 0
    with db.read() as session:
        today = clock.today(session, example_mode=current_app.config["EXAMPLE_MODE"], now=now)
        found = [agreement.id for agreement in agreements.list_agreements(session)]
    for agreement_id in found:
        with db.write() as session:
            made = kept_forecasts.freeze(
                session, agreement_id=agreement_id, kind="month", recorded_by="scheduler", now=now, today=today
            )
            frozen += made is not None
    return frozen


def anchor_trail(now: datetime) -> int:
    """Keep the trail's head of the day, in the database and in the log; give how many links there are."""
    with db.write() as session:
        head = audit.anchor(session, on=now.astimezone(clock.OSLO).date(), now=now, by="scheduler")
    current_app.logger.info("audit_head head=%s", head)
    return head.count


def write_reminders(now: datetime) -> int:
    """Write the reminders of all deadlines that came nearer, and give how many."""
    with db.write() as session:
        today = clock.today(session, example_mode=current_app.config["EXAMPLE_MODE"], now=now)
        return reminders.plan_all(session, today=today, now=now, write=mail.compose)


def send_mail(now: datetime) -> int:
    """Send what waits in the outbox, where there is a mail server; give how many messages it took."""
    server = mail.mail_server(current_app)
    if server is None:
        return 0
    done = outbox.deliver(db.read, db.write, server, sender=server.sender, by=reminders.SCHEDULER, now=now)
    if done.refused or done.failed:
        current_app.logger.warning("mail not taken refused=%d failed=%d", done.refused, done.failed)
    return done.sent


def take_in_invoices(now: datetime) -> int:
    """Take in what rests in the watched folder, where there is one; give how many files were looked at."""
    folder = current_app.config.get("INBOX")
    return len(inbox.take_in(Path(folder), read=db.read, write=db.write, now=now)) if folder else 0


def run_next(
    app: Flask,
    name: str = "run-next",
    stopping: threading.Event | None = None,
    *,
    clock: Callable[[], datetime] | None = None,
) -> int | None:
    """Run one job to its end, if there is one, and give its id."""
    pace = Pace(
        progress=app.config["JOB_PROGRESS_SECONDS"],
        stale_after=timedelta(seconds=app.config["JOB_STALE_SECONDS"]),
    )
    with app.app_context():
        return worker.run_next(sessions_of(app), worker=name, clock=clock or _now, pace=pace, stopping=stopping)


def run_due(app: Flask, task: Task, name: str = "run-due", *, now: datetime | None = None) -> datetime | None:
    """Run a task's slot, if one is due, and give it."""
    with app.app_context():
        return schedule.run_due(sessions_of(app), task, worker=name, now=now or _now())


def sessions_of(app: Flask) -> Sessions:
    """Give the sessions of an app's database."""
    return Sessions(read=app.extensions["trinnvis_read"], write=app.extensions["trinnvis_write"])


class Slots(BaseTrigger):  # type: ignore[misc]
    """A trigger of ours as APScheduler asks for it."""

    def __init__(self, trigger: Trigger) -> None:
        self.trigger = trigger

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """Give the slot after the previous one, or after now."""
        return self.trigger.following(previous or now)


class Scheduler(threading.Thread):
    """The thread that stands by, leads, and stands by again; APScheduler runs only while it leads."""

    def __init__(
        self, app: Flask, leadership: Leadership, *, name: str, standby: float, check: float, catch_up: float = 60.0
    ) -> None:
        super().__init__(name="scheduler", daemon=True)
        self._app = app
        self._leadership = leadership
        self._worker = name
        self._standby = standby
        self._check = check
        self._catch_up = catch_up
        self._stopping = threading.Event()
        self.leading = threading.Event()

    def run(self) -> None:
        """Lead whenever nobody else does, until `stop`."""
        while not self._stopping.is_set():
            try:
                if self._leadership.try_lead():
                    self._lead()
            except Exception:
                self._app.logger.exception("scheduler disturbed")
            finally:
                self.leading.clear()
                self._leadership.resign()
            self._stopping.wait(self._standby)

    def stop(self, wait: float = 10.0) -> None:
        """Give the leadership back and end."""
        self._stopping.set()
        if self.is_alive():
            self.join(wait)

    def _lead(self) -> None:
        scheduler = self._begin()
        self.leading.set()
        self._app.logger.info("scheduler leads as %s", self._worker)
        caught_up_at = None
        try:
            while not self._stopping.is_set() and self._leadership.still_leads():
                # By a clock that never jumps: whatever the calendar does, a due slot is found within a minute.
                if caught_up_at is None or time.monotonic() - caught_up_at >= self._catch_up:
                    for task in schedule.TASKS.values():
                        self._soon(scheduler, task)
                    caught_up_at = time.monotonic()
                self._stopping.wait(self._check)
        finally:
            self.leading.clear()  # what has not begun does not begin; what has begun is idempotent and comes to its end
            scheduler.shutdown(wait=True)
            self._app.logger.info("scheduler no longer leads as %s", self._worker)

    def _begin(self) -> BackgroundScheduler:
        scheduler = BackgroundScheduler(timezone=UTC)
        for task in schedule.TASKS.values():
            scheduler.add_job(
                self._run_task,
                Slots(task.trigger),
                args=[task],
                id=task.id,
                coalesce=True,
                misfire_grace_time=None,  # however late, it does what is due
                max_instances=1,
            )
        scheduler.start()
        return scheduler

    def _soon(self, scheduler: BackgroundScheduler, task: Task) -> None:
        """Look at a task now; nothing happens where its last slot is done."""
        scheduler.add_job(
            self._run_task,
            args=[task],
            id=f"{task.id}:catch-up",
            replace_existing=True,
            misfire_grace_time=None,
            max_instances=1,
        )

    def _run_task(self, task: Task) -> None:
        if self.leading.is_set():
            run_due(self._app, task, self._worker)


class Background:
    """The scheduler and the workers of one process."""

    def __init__(self, app: Flask) -> None:
        name = worker.new_name()
        self.scheduler = Scheduler(
            app,
            leadership_of(app.extensions["trinnvis_engine"]),
            name=name,
            standby=app.config["SCHEDULER_STANDBY_SECONDS"],
            check=app.config["SCHEDULER_CHECK_SECONDS"],
        )
        self.workers = [
            Worker(lambda who, stopping: run_next(app, who, stopping), name=f"{name}:{number}")
            for number in range(1, app.config["JOB_WORKERS"] + 1)
        ]

    def start(self) -> None:
        """Start all threads."""
        self.scheduler.start()
        for one in self.workers:
            one.start()

    def stop(self) -> None:
        """Give running jobs back, give the leadership back, end."""
        for one in self.workers:
            one.stop()
        self.scheduler.stop()


def start(app: Flask) -> Background:
    """Start scheduler and workers inside this process."""
    background = Background(app)
    background.start()
    return background


@click.command("scheduler")
@with_appcontext
def scheduler_command() -> None:
    """Run scheduler and workers as a process of their own, until it is interrupted."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    background = start(app)
    click.echo(f"scheduler started, {len(background.workers)} workers", err=True)
    over.wait()
    background.stop()
    click.echo("scheduler stopped", err=True)


def _now(*_: Any) -> datetime:
    return datetime.now(UTC)
