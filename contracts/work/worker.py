"""The worker: takes jobs, runs them, tells how far they are and how they ended.

The job itself runs in the calling thread. What it tells is kept in memory and written by a second thread, in transactions
of its own: at most two a second, and every five seconds a sign of life. That thread also asks whether the job is to stop.
It may wait for its turn to write; the job never waits for it.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from contracts.errors import TrinnvisError
from contracts.terms.job import Phase
from contracts.terms.price_book import InvalidInput
from contracts.work import jobs
from contracts.work.jobs import Cancelled, Claim, Ending, Lost, Released, Report

POLL_SECONDS: Final = 0.5

log = logging.getLogger("trinnvis.worker")


@dataclass(frozen=True, slots=True)
class Sessions:
    """How to open a session for reading and one for writing."""

    read: sessionmaker[Session]
    write: sessionmaker[Session]


@dataclass(frozen=True, slots=True)
class Pace:
    """How often progress is written and a sign of life given, in seconds, and when a silent worker counts as dead."""

    progress: float = 0.5
    heartbeat: float = 5.0
    stale_after: timedelta = jobs.STALE_AFTER


def new_name() -> str:
    """Make a name for a worker: machine, process and something that no later process has again."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(3)}"


def run_next(
    sessions: Sessions,
    *,
    worker: str,
    clock: Callable[[], datetime],
    pace: Pace | None = None,
    stopping: threading.Event | None = None,
) -> int | None:
    """Run one job to its end, if there is one, and give its id.

    ``stopping`` is set when the process is to end: then the job goes back into the queue at its next `check_cancel`.
    """
    pace = pace or Pace()
    with sessions.read() as session:
        if not jobs.waiting(session, stale_after=pace.stale_after, now=clock()):
            return None
    with sessions.write.begin() as session:
        claim = jobs.claim(session, worker=worker, stale_after=pace.stale_after, now=clock())
    if claim is None:
        return None
    kind = jobs.KINDS[claim.kind]
    with Reporter(sessions, claim, clock=clock, pace=pace, stopping=stopping or threading.Event()) as reporter:
        reporter.plan(kind.phases)
        ending = _run(kind, claim, reporter)
    if ending is None:
        log.warning("job lost id=%d attempt=%d", claim.id, claim.attempt)
        return claim.id
    try:
        with sessions.write.begin() as session:
            jobs.end(session, claim, ending, report=reporter.final(ending), now=clock())
    except (Lost, SQLAlchemyError):
        # Another worker finds it silent and runs it again, which has no second effect.
        log.exception("job end not written id=%d attempt=%d", claim.id, claim.attempt)
    else:
        log.info("job %s id=%d kind=%s attempt=%d", ending.event, claim.id, claim.kind, claim.attempt)
    return claim.id


def _run(kind: jobs.Kind, claim: Claim, reporter: Reporter) -> Ending | None:
    """Run the kind's function and tell how it ended; ``None`` when the job is another worker's by now."""
    try:
        reporter.check_cancel()
        return Ending("finish", result=jobs.plain(kind.run(reporter, claim.params)))
    except Cancelled:
        return Ending("stop")
    except Released:
        return Ending("release")
    except Lost:
        return None
    except OperationalError as error:
        # A lost connection or a deadlock says nothing about the job itself: it is run again while it may be.
        log.exception("job disturbed id=%d attempt=%d", claim.id, claim.attempt)
        return Ending("release") if claim.attempt < kind.attempts else Ending("fail", error=_failure(error, claim))
    except (TrinnvisError, InvalidInput) as error:
        return Ending("fail", error=_failure(error, claim))
    except Exception as error:
        return Ending("fail", error=_failure(error, claim))


def _failure(error: Exception, claim: Claim) -> dict[str, Any]:
    reference = secrets.token_hex(4)
    if not isinstance(error, TrinnvisError | InvalidInput):
        log.error("job failed id=%d kind=%s reference=%s", claim.id, claim.kind, reference, exc_info=error)
    return jobs.failure(error, reference)


class Reporter:
    """The `Progress` of one run: memory that the job writes to, and the thread that writes it into the row."""

    def __init__(
        self,
        sessions: Sessions,
        claim: Claim,
        *,
        clock: Callable[[], datetime],
        pace: Pace,
        stopping: threading.Event,
    ) -> None:
        self._sessions = sessions
        self._claim = claim
        self._clock = clock
        self._pace = pace
        self._stopping = stopping
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._report = Report()
        self._changed = False
        self._cancelled = claim.cancel_requested
        self._lost = False
        self._thread = threading.Thread(target=self._keep_telling, name=f"job-{claim.id}-progress", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def plan(self, phases: tuple[str, ...]) -> None:
        """Show the phases that will come."""
        with self._lock:
            self._report = replace(self._report, phases=tuple(Phase(name) for name in phases))

    def phase(self, name: str, total: int | None = None) -> None:
        """End the present phase and begin the one called ``name``, of ``total`` steps where that is known."""
        now = self._clock()
        with self._lock:
            phases = [
                replace(one, finished_at=now) if one.started_at and not one.finished_at else one
                for one in self._report.phases
            ]
            begun = Phase(name, total=total, started_at=now)
            place = next((number for number, one in enumerate(phases) if one.name == name), len(phases))
            phases[place : place + 1] = [begun]
            self._report = replace(self._report, phases=tuple(phases))
            self._changed = True

    def advance(self, steps: int = 1, *, total: int | None = None) -> None:
        """Tell that so many steps more are done; ``total`` sets or corrects how many there are."""
        with self._lock:
            phases = list(self._report.phases)
            for number, one in enumerate(phases):
                if one.started_at and not one.finished_at:
                    phases[number] = replace(one, done=one.done + steps, total=one.total if total is None else total)
            self._report = replace(self._report, phases=tuple(phases))
            self._changed = True

    def finding(self, finding: Mapping[str, Any]) -> None:
        """Tell something the reader should know early, as plain JSON values; the first 50 are kept, all are counted."""
        with self._lock:
            kept = self._report.findings
            if len(kept) < jobs.MOST_FINDINGS:
                kept = (*kept, jobs.plain(finding))
            self._report = replace(self._report, findings=kept, findings_count=self._report.findings_count + 1)
            self._changed = True

    def check_cancel(self) -> None:
        """Raise `Cancelled` (or `Released`, `Lost`) where the job is to stop; costs nothing."""
        if self._lost:
            raise Lost(f"job {self._claim.id} is no longer this worker's")
        if self._cancelled:
            raise Cancelled
        if self._stopping.is_set():
            raise Released

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open the one transaction in which the job takes effect; commits at its end unless the job was lost.

        The sign of life is part of it, so on SQLite nobody finds the worker silent after it held the lock for long.
        """
        self.check_cancel()
        with self._sessions.write.begin() as session:
            if jobs.asked_to_stop(session, self._claim):
                raise Cancelled
            yield session
            session.flush()
            jobs.report(session, self._claim, report=None, now=self._clock())

    def final(self, ending: Ending) -> Report:
        """Give the last report, its phase ended where the job came to its end."""
        report = self._report
        if ending.event != "finish":
            return report
        now = self._clock()
        ended = (replace(one, finished_at=one.finished_at or now) if one.started_at else one for one in report.phases)
        return replace(report, phases=tuple(ended))

    def _keep_telling(self) -> None:
        told_at = time.monotonic()
        while not self._over.wait(self._pace.progress):
            with self._lock:
                report = self._report if self._changed else None
                self._changed = False
            try:
                if report is not None or time.monotonic() - told_at >= self._pace.heartbeat:
                    with self._sessions.write.begin() as session:
                        asked = jobs.report(session, self._claim, report=report, now=self._clock())
                    told_at = time.monotonic()
                else:
                    with self._sessions.read() as session:
                        asked = jobs.asked_to_stop(session, self._claim)
                self._cancelled = self._cancelled or asked
            except Lost:
                self._lost = True
                return
            except SQLAlchemyError as error:
                # The database is busy or away for a moment: what was not told is told next time.
                log.warning("progress not written job=%d: %s", self._claim.id, type(error).__name__)
                with self._lock:
                    self._changed = self._changed or report is not None


class Worker(threading.Thread):
    """A thread that runs one job after the other until it is told to stop."""

    def __init__(
        self,
        run: Callable[[str, threading.Event], int | None],
        *,
        name: str | None = None,
        poll: float = POLL_SECONDS,
    ) -> None:
        super().__init__(name="job-worker", daemon=True)
        self._run_one = run
        self._poll = poll
        self._stopping = threading.Event()
        self.worker = name or new_name()

    def run(self) -> None:
        """Take jobs until `stop`; an error in the database costs a pause, never the thread."""
        while not self._stopping.is_set():
            found = None
            try:
                found = self._run_one(self.worker, self._stopping)
            except Exception:
                log.exception("worker disturbed")
            if found is None:
                self._stopping.wait(self._poll)

    def stop(self, wait: float = 10.0) -> None:
        """Give a running job back and end."""
        self._stopping.set()
        with suppress(RuntimeError):
            self.join(wait)
