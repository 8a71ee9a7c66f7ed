"""Long work: hand it in, run it elsewhere, look how far it is, take it back.

A *kind* of job is code, registered under a name: ``run(progress, params) -> result``. A job is a row that any worker of any
process may take; its course is `contracts.terms.job`. What every kind owes:

1. It is idempotent. A worker that is killed loses its job to another one, which runs it from the start.
2. It reads, parses and stages outside a transaction of its own, tells its progress there, and calls
   ``progress.check_cancel()`` often (it costs nothing: no database is asked).
3. It writes what it found in one short transaction at the end, opened by ``progress.write()``. That refuses to begin for a
   job that was cancelled or lost to another worker, and refuses to commit for one that was lost in the meantime. It must
   take less than `STALE_AFTER`.

Progress is written by a thread of its own in transactions of its own, at most two a second (`contracts.work.worker`), so a job
never waits for its progress: on SQLite, which has one writer at a time, telling progress inside one's own write
transaction would otherwise be waiting for oneself. While a job writes, its progress simply stands still.

Use cases with an ``actor`` are for people and programs; those with a ``claim`` are for the worker that holds the job.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, cast

from sqlalchemy import CursorResult, Select, and_, or_, select, update
from sqlalchemy.orm import Session

from contracts import audit
from contracts.errors import Conflict, Denied, InvalidInput, NotFound, TrinnvisError
from contracts.models import Job, Organisation
from contracts.people import access
from contracts.people.access import Actor
from contracts.terms.job import OVER, Event, Forbidden, JobView, Phase, State, decide

# A worker tells that it lives every five seconds; SQLite lets it wait up to twenty for its turn to write.
STALE_AFTER: Final = timedelta(seconds=45)
QUEUED_AT_MOST: Final = timedelta(days=7)
MOST_FINDINGS: Final = 50
USUAL_ATTEMPTS: Final = 3
WORKER: Final = "worker"
LAST_ID: Final = 2**63 - 1


class Cancelled(Exception):
    """Raised where a job looks whether it is to go on: somebody asked it to stop."""


class Released(Exception):
    """Raised in the same place: the process is being shut down, another one will run the job from its start."""


class Lost(Exception):
    """The job is another worker's by now; this one's run must have no effect."""


class Progress(Protocol):
    """What a running job says about itself, and how it learns that it is to stop."""

    def phase(self, name: str, total: int | None = None) -> None:
        """End the present phase and begin the one called ``name``, of ``total`` steps where that is known."""

    def advance(self, steps: int = 1, *, total: int | None = None) -> None:
        """Tell that so many steps more are done; ``total`` sets or corrects how many there are."""

    def finding(self, finding: Mapping[str, Any]) -> None:
        """Tell something the reader should know early, as plain JSON values; the first 50 are kept, all are counted."""

    def check_cancel(self) -> None:
        """Raise `Cancelled` (or `Released`, `Lost`) where the job is to stop; costs nothing."""

    def write(self) -> AbstractContextManager[Session]:
        """Open the one transaction in which the job takes effect; commits at its end unless the job was lost."""


Run = Callable[[Progress, dict[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job: what it runs, the act it is (`access.RULES`), its phases in order, how often it may be begun."""

    name: str
    run: Run
    act: str
    phases: tuple[str, ...]
    attempts: int


KINDS: Final[dict[str, Kind]] = {}


def register(
    kind: str, run: Run, *, act: str = "read", phases: Sequence[str] = (), attempts: int = USUAL_ATTEMPTS
) -> None:
    """Make ``kind`` known to this process; a worker takes only jobs of kinds it knows.

    Raises ValueError for an act that no rule grants, and where the name stands for another function already.
    """
    if act not in access.RULES:
        raise ValueError(f"no rule grants the act {act!r}")
    if kind in KINDS and KINDS[kind].run is not run:
        raise ValueError(f"there is a kind {kind!r} already")
    KINDS[kind] = Kind(kind, run, act, tuple(phases), attempts)


@dataclass(frozen=True, slots=True)
class Claim:
    """A job in the hands of a worker. ``attempt`` is the number of this run and fences off what an earlier one still does."""

    id: int
    kind: str
    params: dict[str, Any]
    attempt: int
    cancel_requested: bool


@dataclass(frozen=True, slots=True)
class Report:
    """How far a run is: what the row shows of it."""

    phases: tuple[Phase, ...] = ()
    findings: tuple[dict[str, Any], ...] = ()
    findings_count: int = 0

    def to_columns(self) -> dict[str, Any]:
        """Write it as the row holds it."""
        return {
            "phases": [phase.to_json() for phase in self.phases],
            "findings": list(self.findings),
            "findings_count": self.findings_count,
        }


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended: the event, and what is kept of it."""

    event: Event
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = field(default=None)


def submit(
    session: Session, *, kind: str, params: Mapping[str, Any], trust: str | None, actor: Actor, now: datetime
) -> JobView:
    """Hand a job in, to be run for one trust or (``None``) for all.

    ``params`` are plain JSON values; files are documents named in them. Raises `NotFound` for an unknown kind and `Denied`
    where the kind's act is not granted for the trust, or not for all of them.
    """
    known = KINDS.get(kind)
    if known is None:
        raise NotFound(f"there is no kind of job '{kind}'")
    if not _granted(actor, known.act, trust):
        raise Denied(f"your roles do not allow this: {known.act}")
    job = Job(
        kind=kind,
        act=known.act,
        trust=trust,
        params=dict(params),
        state="queued",
        attempts=0,
        cancel_requested=False,
        created_at=now,
        created_by=actor.id,
        **_planned(known).to_columns(),
    )
    session.add(job)
    session.flush()
    _log(session, job.id, kind, "submit", actor.id, now)
    return _view(job, actor)


def find(session: Session, *, job_id: int, actor: Actor) -> JobView:
    """Find a job; `NotFound` also where the reader may not know that it exists.

    Its submitter (while still allowed the act) and whoever reads everything see it whole; administrators see its kind, its
    state and how far it is.
    """
    job = session.get(Job, job_id, populate_existing=True) if job_id <= LAST_ID else None
    if job is None or not _visible(job, actor):
        raise _unknown(job_id)
    return _view(job, actor)


def list_jobs(session: Session, *, actor: Actor, before: int | None = None, limit: int = 50) -> list[JobView]:
    """List the jobs that the reader may see, newest first, those handed in before job ``before``."""
    query = select(Job).order_by(Job.id.desc()).limit(limit)
    if not (_reads_everything(actor) or actor.may("people.manage")):
        query = query.where(Job.created_by == actor.id)
    if before is not None:
        query = query.where(Job.id < before)
    return [_view(job, actor) for job in session.scalars(query) if _visible(job, actor)]


def trust_names(session: Session) -> dict[str, str]:
    """Give the names of organisations by their codes, for lists of jobs."""
    rows = session.execute(select(Organisation.code, Organisation.name))
    return {row.code: row.name for row in rows}


def cancel(session: Session, *, job_id: int, actor: Actor, now: datetime) -> JobView:
    """Take a job back: one that waits is cancelled at once, one that runs is asked to stop. Asking twice is asking once.

    Raises `NotFound`, `Denied` for a reader who neither submitted it nor may do its act for all trusts, and `Conflict`
    for one that is over.
    """
    if job_id > LAST_ID:
        raise _unknown(job_id)
    job = session.scalar(
        select(Job).where(Job.id == job_id).with_for_update().execution_options(populate_existing=True)
    )
    if job is None or not _visible(job, actor):
        raise _unknown(job_id)
    if not _may_cancel(job, actor):
        raise Denied("only who handed the job in may cancel it")
    try:
        state = decide(cast(State, job.state), "cancel")
    except Forbidden:
        raise Conflict("job_over", f"job {job_id} is over: {job.state}") from None
    if not job.cancel_requested:
        job.cancel_requested = True
        job.state = state
        job.finished_at = now if state in OVER else None
        _log(session, job.id, job.kind, "cancel", actor.id, now)
        session.flush()
    return _view(job, actor)


def waiting(session: Session, *, stale_after: timedelta, now: datetime) -> bool:
    """Tell whether there is something to claim. Asked every half second, so it only reads."""
    return session.scalar(_claimable(stale_after, now).with_only_columns(Job.id).limit(1)) is not None


def claim(session: Session, *, worker: str, stale_after: timedelta, now: datetime) -> Claim | None:
    """Take the oldest job that waits or whose worker has not been heard of for ``stale_after``; ``None``: there is none.

    Only one worker gets it: SQLite has one writing transaction at a time, PostgreSQL skips rows that another one is taking.
    A job that was begun as often as its kind allows expires instead.
    """
    query = _claimable(stale_after, now).order_by(Job.id).limit(1).with_for_update(skip_locked=True)
    while (job := session.scalar(query.execution_options(populate_existing=True))) is not None:
        kind = KINDS[job.kind]
        took_over = job.state == "running"
        if took_over and job.attempts >= kind.attempts:
            _expire(session, job, now, f"it was begun {job.attempts} times and never came to its end")
            continue
        job.state = decide(cast(State, job.state), "take_over" if took_over else "claim")
        job.attempts += 1
        job.worker = worker
        job.started_at = job.started_at or now
        job.heartbeat_at = now
        for column, value in _planned(kind).to_columns().items():
            setattr(job, column, value)
        session.flush()
        return Claim(job.id, job.kind, dict(job.params), job.attempts, job.cancel_requested)
    return None


def report(session: Session, claim: Claim, *, report: Report | None, now: datetime) -> bool:
    """Write how far a run is (``None``: only that its worker lives); tell whether it is asked to stop. Raises `Lost`."""
    _hold(session, claim, {"heartbeat_at": now, **({} if report is None else report.to_columns())})
    return asked_to_stop(session, claim)


def asked_to_stop(session: Session, claim: Claim) -> bool:
    """Tell whether somebody asked the job to stop. Raises `Lost`."""
    asked = session.scalar(select(Job.cancel_requested).where(*_held(claim)))
    if asked is None:
        raise Lost(f"job {claim.id} is no longer this worker's")
    return asked


def end(session: Session, claim: Claim, ending: Ending, *, report: Report, now: datetime) -> None:
    """Write how a run ended, with its last progress. Raises `Lost`.

    `finish` wins over a request to stop that came while the effect was being written: then the effect is in.
    """
    state = decide("running", ending.event)
    over = state in OVER
    values = {
        **report.to_columns(),
        "state": state,
        "result": ending.result,
        "error": ending.error,
        "finished_at": now if over else None,
        "heartbeat_at": now,
    }
    _hold(session, claim, values)
    if over:
        _log(session, claim.id, claim.kind, ending.event, WORKER, now, attempt=claim.attempt)


def expire(session: Session, *, now: datetime) -> int:
    """Give up jobs that nobody took within seven days (no process knows their kind), and give how many."""
    query = select(Job).where(Job.state == "queued", Job.created_at < now - QUEUED_AT_MOST)
    old = list(session.scalars(query.with_for_update(skip_locked=True)))
    for job in old:
        _expire(session, job, now, "nobody took it within seven days")
    return len(old)


def failure(error: Exception, reference: str) -> dict[str, Any]:
    """Write down why a run failed: a caller's mistake with its words, anything else with a reference into the log only."""
    if isinstance(error, InvalidInput):
        errors = [
            {"pointer": one.pointer, "code": one.code, "detail": one.detail} for one in error.errors[:MOST_FINDINGS]
        ]
        return {"code": "invalid_input", "detail": str(error), "errors": errors}
    if isinstance(error, TrinnvisError):
        code = {Denied: "denied", NotFound: "not_found"}.get(type(error), getattr(error, "code", "error"))
        return {"code": code, "detail": str(error)}
    return {"code": "internal_error", "reference": reference}


def plain(result: Mapping[str, Any]) -> dict[str, Any]:
    """Check that a result is plain JSON without floats, and give it. Raises TypeError."""

    def refuse(value: Any) -> None:
        if isinstance(value, float):
            raise TypeError("a result holds no floats: amounts are strings")
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            refuse(part)

    refuse(dict(result))
    copy: dict[str, Any] = json.loads(json.dumps(result))
    return copy


def _claimable(stale_after: timedelta, now: datetime) -> Select[Job]:
    return select(Job).where(
        or_(Job.state == "queued", and_(Job.state == "running", Job.heartbeat_at < now - stale_after)),
        Job.kind.in_(list(KINDS)),
    )


def _held(claim: Claim) -> tuple[Any, ...]:
    return (Job.id == claim.id, Job.state == "running", Job.attempts == claim.attempt)


def _hold(session: Session, claim: Claim, values: Mapping[str, Any]) -> None:
    statement = update(Job).where(*_held(claim)).values(**values).execution_options(synchronize_session=False)
    if cast("CursorResult[Any]", session.execute(statement)).rowcount != 1:
        raise Lost(f"job {claim.id} is no longer this worker's")


def _expire(session: Session, job: Job, now: datetime, why: str) -> None:
    job.state = decide(cast(State, job.state), "expire")
    job.error = {"code": "expired", "detail": why}
    job.finished_at = now
    _log(session, job.id, job.kind, "expire", WORKER, now)
    session.flush()


def _planned(kind: Kind) -> Report:
    return Report(tuple(Phase(name) for name in kind.phases))


def _log(session: Session, job_id: int, kind: str, event: str, actor: str, now: datetime, **facts: Any) -> None:
    audit.record(session, f"job.{event}", f"job:{job_id}", {"kind": kind, **facts}, actor, now)


def _granted(actor: Actor, act: str, trust: str | None) -> bool:
    """Tell whether an act is granted for the trust, or for all trusts where none is named."""
    if trust is not None:
        return actor.may(act, trust)
    return any(grant.trust is None and grant.role in access.RULES[act] for grant in actor.grants)


def _reads_everything(actor: Actor) -> bool:
    return _granted(actor, "read", None)


def _whole(job: Job, actor: Actor) -> bool:
    return _reads_everything(actor) or (job.created_by == actor.id and _granted(actor, job.act, job.trust))


def _visible(job: Job, actor: Actor) -> bool:
    return _whole(job, actor) or actor.may("people.manage")


def _may_cancel(job: Job, actor: Actor) -> bool:
    own = job.created_by == actor.id and _granted(actor, job.act, job.trust)
    return own or _granted(actor, job.act, None)


def _unknown(job_id: int) -> NotFound:
    return NotFound(f"there is no job {job_id}")


def _view(job: Job, actor: Actor) -> JobView:
    whole = _whole(job, actor)
    error = job.error
    if error is not None and not whole:
        error = {"code": error["code"]}
    return JobView(
        id=job.id,
        kind=job.kind,
        trust=job.trust,
        state=cast(State, job.state),
        phases=tuple(Phase.from_json(phase) for phase in job.phases),
        findings=tuple(job.findings) if whole else (),
        findings_count=job.findings_count if whole else 0,
        params=dict(job.params) if whole else {},
        result=job.result if whole else None,
        error=error,
        attempts=job.attempts,
        cancel_requested=job.cancel_requested,
        created_at=job.created_at,
        created_by=job.created_by,
        started_at=job.started_at,
        finished_at=job.finished_at,
        whole=whole,
        may_cancel=job.state not in OVER and not job.cancel_requested and _may_cancel(job, actor),
    )
