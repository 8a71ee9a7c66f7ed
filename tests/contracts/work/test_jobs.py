"""Long work on both databases: handed in, run, told, taken back, taken over."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from billing.jobs import run_next, sessions_of
from contracts.errors import Conflict, Denied, Finding, InvalidInput, NotFound
from contracts.extensions import db
from contracts.models import AuditEvent, Job, Setting
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.terms.job import JobView, Phase
from contracts.work import jobs, worker
from contracts.work.jobs import Cancelled, Claim, Ending, Lost, Progress, Report

NOW = datetime(2026, 10, 15, 12, 0, tzinfo=UTC)
LATER = NOW + jobs.STALE_AFTER + timedelta(seconds=1)

CONTROLLER = Actor("person:kari@example.org", "Kari", (Grant("finance_controller"),))
OTHER_CONTROLLER = Actor("person:per@example.org", "Per", (Grant("finance_controller"),))
AUDITOR = Actor("person:aud@example.org", "Aud", (Grant("auditor"),))
ADMIN = Actor("person:adam@example.org", "Adam", (Grant("admin"),))
REQUESTER = Actor("person:rita@example.org", "Rita", (Grant("trust_requester", "oslo"),))
COLLEAGUE = Actor("person:ola@example.org", "Ola", (Grant("trust_requester", "oslo"),))
STRANGER = Actor("person:nora@example.org", "Nora", (Grant("trust_requester", "akershus"),))
MOVED = Actor(REQUESTER.id, "Rita", (Grant("trust_requester", "akershus"),))


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> dict[str, jobs.Kind]:
    """The kinds of one test, and nothing else."""
    own: dict[str, jobs.Kind] = {}
    monkeypatch.setattr(jobs, "KINDS", own)
    return own


@pytest.fixture
def quick(database: Flask) -> Flask:
    """An app on each kind of database whose workers tell their progress at once."""
    database.config["JOB_PROGRESS_SECONDS"] = 0.01
    return database


def submit(kind: str = "count", actor: Actor = CONTROLLER, trust: str | None = None, **params: Any) -> int:
    with db.write() as session:
        return jobs.submit(session, kind=kind, params=params, trust=trust, actor=actor, now=NOW).id


def look(job_id: int, actor: Actor = CONTROLLER) -> JobView:
    with db.read() as session:
        return jobs.find(session, job_id=job_id, actor=actor)


def cancel(job_id: int, actor: Actor = CONTROLLER) -> JobView:
    with db.write() as session:
        return jobs.cancel(session, job_id=job_id, actor=actor, now=NOW)


def claim(now: datetime = NOW) -> Claim | None:
    with db.write() as session:
        return jobs.claim(session, worker="w", stale_after=jobs.STALE_AFTER, now=now)


def end(held: Claim, event: Any, **kept: Any) -> None:
    with db.write() as session:
        jobs.end(session, held, Ending(event, **kept), report=Report(), now=NOW)


def logged() -> list[str]:
    with db.read() as session:
        return list(session.scalars(select(AuditEvent.action).where(AuditEvent.subject.like("job:%"))))


def count(progress: Progress, params: dict[str, Any]) -> Mapping[str, Any]:
    progress.phase("read", total=2)
    progress.advance(2)
    progress.phase("write")
    with progress.write() as session:
        session.add(Setting(key="counted", value="2", recorded_at=NOW, recorded_by="test"))
    return {"rows": 2, **params}


def nothing(_progress: Progress, _params: dict[str, Any]) -> Mapping[str, Any]:
    return {}


def test_a_job_is_run_to_its_end_and_keeps_what_came_out(kinds: Any, quick: Flask) -> None:
    jobs.register("count", count, act="usage.import", phases=("read", "check", "write"))
    job_id = submit(file="a.csv")
    assert look(job_id).state == "queued"
    assert [phase.name for phase in look(job_id).phases] == ["read", "check", "write"]
    assert run_next(quick) == job_id
    done = look(job_id)
    assert (done.state, done.result, done.attempts) == ("done", {"rows": 2, "file": "a.csv"}, 1)
    assert done.phases[0].done == 2
    assert [phase.finished_at is not None for phase in done.phases] == [True, False, True]
    assert run_next(quick) is None
    assert logged() == ["job.submit", "job.finish"]


class OutOfOrder(Exception):
    pass


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (
            InvalidInput((Finding("#/rows/3", "unknown_trust", "there is no trust 'x'"),)),
            {"code": "invalid_input", "errors": [{"pointer": "#/rows/3", "code": "unknown_trust"}]},
        ),
        (Conflict("closed", "the quarter is closed"), {"code": "closed", "detail": "the quarter is closed"}),
        (Denied("not for you"), {"code": "denied", "detail": "not for you"}),
        (OutOfOrder("secret words of the machine"), {"code": "internal_error"}),
    ],
    ids=["invalid", "conflict", "denied", "unforeseen"],
)
def test_a_job_that_raises_has_failed_with_what_its_reader_may_know(
    kinds: Any, quick: Flask, raised: Exception, error: dict[str, Any]
) -> None:
    def fail(_progress: Progress, _params: dict[str, Any]) -> Mapping[str, Any]:
        raise raised

    jobs.register("count", fail, act="usage.import")
    job_id = submit()
    run_next(quick)
    failed = look(job_id)
    assert failed.state == "failed"
    assert failed.error is not None
    kept = {**failed.error, "errors": [{k: e[k] for k in ("pointer", "code")} for e in failed.error.get("errors", [])]}
    assert error.items() <= kept.items()
    assert "secret" not in str(failed.error)
    assert logged() == ["job.submit", "job.fail"]


def test_a_result_with_a_float_is_a_failure(kinds: Any, quick: Flask) -> None:
    jobs.register("count", lambda *_: {"lines": [{"amount": 0.1}]}, act="usage.import")
    job_id = submit()
    run_next(quick)
    assert look(job_id).state == "failed"


def test_progress_and_first_findings_are_seen_while_the_job_runs_and_a_request_to_stop_reaches_it(
    kinds: Any, quick: Flask
) -> None:
    told, seen = threading.Event(), threading.Event()

    def long(progress: Progress, _params: dict[str, Any]) -> Mapping[str, Any]:
        progress.phase("read", total=1000)
        progress.advance(250)
        for number in range(60):
            progress.finding({"row": number})
        told.set()
        assert seen.wait(10)
        for _ in range(1000):  # at most ten seconds: the request is asked for every hundredth of a second
            progress.check_cancel()
            threading.Event().wait(0.01)
        raise AssertionError("nobody asked it to stop")

    jobs.register("count", long, act="usage.import")
    job_id = submit()
    thread = threading.Thread(target=run_next, args=(quick,))
    thread.start()
    assert told.wait(10)
    for _ in range(1000):
        if look(job_id).findings_count:
            break
        threading.Event().wait(0.01)
    running = look(job_id)
    assert (running.state, running.phases[0].percent) == ("running", 25)
    assert (len(running.findings), running.findings_count, running.findings[0]) == (50, 60, {"row": 0})
    assert cancel(job_id).state == "running"
    assert not look(job_id).may_cancel
    cancel(job_id)  # asking twice is asking once
    seen.set()
    thread.join(20)
    assert look(job_id).state == "cancelled"
    assert logged() == ["job.submit", "job.cancel", "job.stop"]


def test_telling_progress_inside_the_write_neither_waits_nor_fails(kinds: Any, quick: Flask) -> None:
    def impatient(progress: Progress, _params: dict[str, Any]) -> Mapping[str, Any]:
        progress.phase("write", total=50)
        with progress.write() as session:
            session.add(Setting(key="counted", value="1", recorded_at=NOW, recorded_by="test"))
            session.flush()
            for _ in range(50):
                progress.advance()
                threading.Event().wait(0.002)  # long enough for the telling thread to want its turn
        return {}

    jobs.register("count", impatient, act="usage.import")
    job_id = submit()
    run_next(quick)
    assert (look(job_id).state, look(job_id).phases[0].done) == ("done", 50)


def test_a_job_that_waits_is_cancelled_at_once_and_one_that_is_over_not_at_all(kinds: Any, quick: Flask) -> None:
    jobs.register("count", count, act="usage.import")
    job_id = submit()
    assert cancel(job_id).state == "cancelled"
    assert run_next(quick) is None
    with pytest.raises(Conflict, match="is over: cancelled"):
        cancel(job_id)
    done = submit()
    run_next(quick)
    with pytest.raises(Conflict, match="is over: done"):
        cancel(done)


def test_a_silent_worker_loses_its_job_and_what_it_still_does_has_no_effect(kinds: Any, quick: Flask) -> None:
    jobs.register("count", count, act="usage.import")
    job_id = submit()
    first = claim()
    assert first is not None
    assert claim() is None
    assert claim(NOW + jobs.STALE_AFTER) is None
    second = claim(LATER)
    assert second is not None
    assert (second.id, second.attempt) == (job_id, 2)
    with pytest.raises(Lost):
        end(first, "finish", result={"who": "first"})
    with pytest.raises(Lost), db.write() as session:
        jobs.report(session, first, report=None, now=LATER)
    end(second, "finish", result={"who": "second"})
    assert look(job_id).result == {"who": "second"}
    with pytest.raises(Lost):
        end(second, "fail")


def test_a_write_that_was_overtaken_is_rolled_back(kinds: Any, quick: Flask) -> None:
    jobs.register("count", count, act="usage.import")
    submit()
    first = claim()
    assert first is not None
    reporter = worker.Reporter(
        sessions_of(quick), first, clock=lambda: NOW, pace=worker.Pace(), stopping=threading.Event()
    )
    with pytest.raises(Lost), reporter.write() as session:  # noqa: PT012 - the commit at its end raises
        session.add(Setting(key="counted", value="2", recorded_at=NOW, recorded_by="test"))
        session.flush()
        job = session.get(Job, first.id)
        assert job is not None
        job.attempts += 1  # as if another worker had taken it over in the meantime
    with db.read() as session:
        assert session.scalar(select(Setting.id).where(Setting.key == "counted")) is None


def test_a_job_that_was_asked_to_stop_does_not_begin_to_write(kinds: Any, quick: Flask) -> None:
    def deaf(progress: Progress, params: dict[str, Any]) -> Mapping[str, Any]:
        cancel(params["id"])
        return count(progress, {})

    jobs.register("count", deaf, act="usage.import")
    job_id = submit(id=1)
    assert job_id == 1
    quick.config["JOB_PROGRESS_SECONDS"] = 10  # nothing but the write itself asks
    run_next(quick)
    assert look(job_id).state == "cancelled"
    with db.read() as session:
        assert session.scalar(select(Setting.id).where(Setting.key == "counted")) is None


def test_a_job_whose_effect_is_in_is_done_although_somebody_asked_it_to_stop(kinds: Any, quick: Flask) -> None:
    def late(progress: Progress, params: dict[str, Any]) -> Mapping[str, Any]:
        kept = count(progress, {})
        cancel(params["id"])
        return kept

    jobs.register("count", late, act="usage.import")
    job_id = submit(id=1)
    run_next(quick)
    assert look(job_id).state == "done"


def test_a_job_begun_too_often_expires(kinds: Any, quick: Flask) -> None:
    jobs.register("count", count, act="usage.import", attempts=2)
    job_id = submit()
    assert claim() is not None
    assert claim(LATER) is not None
    assert claim(LATER + (LATER - NOW)) is None
    assert look(job_id).state == "failed"
    assert look(job_id).expired
    assert logged() == ["job.submit", "job.expire"]


def test_a_cancelled_job_whose_worker_died_is_only_stopped(kinds: Any, quick: Flask) -> None:
    jobs.register("count", count, act="usage.import")
    job_id = submit()
    assert claim() is not None
    cancel(job_id)
    assert run_next(quick, clock=lambda: LATER) == job_id
    assert look(job_id).state == "cancelled"


def test_a_process_that_ends_gives_its_job_back(kinds: Any, quick: Flask) -> None:
    def until_stopped(progress: Progress, _params: dict[str, Any]) -> Mapping[str, Any]:
        stopping.set()
        progress.check_cancel()
        raise AssertionError("not stopped")

    stopping = threading.Event()
    jobs.register("count", until_stopped, act="usage.import")
    job_id = submit()
    run_next(quick, "w", stopping)
    assert look(job_id).state == "queued"


def test_nobody_takes_a_job_of_a_kind_that_the_process_does_not_know_and_after_a_week_it_expires(
    kinds: Any, quick: Flask
) -> None:
    jobs.register("count", count, act="usage.import")
    job_id = submit()
    kinds.clear()
    assert claim() is None
    with db.write() as session:
        assert jobs.expire(session, now=NOW + timedelta(days=7)) == 0
        assert jobs.expire(session, now=NOW + timedelta(days=7, seconds=1)) == 1
    assert look(job_id).expired


WHOLE, OUTLINE, UNKNOWN = "whole", "outline", "unknown"


@pytest.mark.parametrize(
    ("reader", "sight", "may_cancel"),
    [
        (REQUESTER, WHOLE, True),
        (CONTROLLER, WHOLE, True),
        (AUDITOR, WHOLE, False),
        (ADMIN, OUTLINE, False),
        (COLLEAGUE, UNKNOWN, False),
        (STRANGER, UNKNOWN, False),
        (MOVED, UNKNOWN, False),
    ],
    ids=["submitter", "controller", "auditor", "admin", "colleague", "stranger", "submitter who moved on"],
)
def test_a_job_is_seen_by_whom_it_concerns(kinds: Any, app: Flask, reader: Actor, sight: str, may_cancel: bool) -> None:
    def fail(progress: Progress, _params: dict[str, Any]) -> Mapping[str, Any]:
        progress.finding({"amount": "1234.50"})
        raise Conflict("dear", "1 234,50 kr too much")

    jobs.register("count", fail, act="usage.import")
    job_id = submit(actor=REQUESTER, trust="oslo", secret="1 234,50 kr")
    with db.read() as session:
        listed = jobs.list_jobs(session, actor=reader)
    assert [job.id for job in listed] == ([] if sight == UNKNOWN else [job_id])
    if sight == UNKNOWN:
        for act in (look, cancel):
            with pytest.raises(NotFound, match=f"there is no job {job_id}"):
                act(job_id, reader)
    else:
        assert look(job_id, reader).may_cancel is may_cancel
        if not may_cancel:
            with pytest.raises(Denied):
                cancel(job_id, reader)
    run_next(app)
    if sight != UNKNOWN:
        seen = look(job_id, reader)
        assert (seen.kind, seen.state, seen.whole) == ("count", "failed", sight == WHOLE)
        assert ("234" in repr(seen)) is (sight == WHOLE)


@pytest.mark.parametrize(
    ("actor", "trust"), [(REQUESTER, None), (REQUESTER, "akershus"), (AUDITOR, None), (ADMIN, "oslo")]
)
def test_a_job_is_handed_in_only_by_whom_its_act_is_granted(
    kinds: Any, app: Flask, actor: Actor, trust: str | None
) -> None:
    jobs.register("count", nothing, act="usage.import")
    with pytest.raises(Denied):
        submit(actor=actor, trust=trust)


def test_a_kind_is_named_once_and_by_an_act_that_exists(kinds: Any, app: Flask) -> None:
    jobs.register("count", nothing)
    jobs.register("count", nothing)
    with pytest.raises(ValueError, match="there is a kind"):
        jobs.register("count", count)
    with pytest.raises(ValueError, match="no rule grants"):
        jobs.register("other", nothing, act="everything")
    with pytest.raises(NotFound):
        submit("unheard-of")
    with pytest.raises(NotFound):
        look(2**63)


def test_jobs_are_listed_newest_first_and_page_by_page(kinds: Any, app: Flask) -> None:
    jobs.register("count", nothing)
    ids = [submit(actor=COMMAND_LINE) for _ in range(5)]
    with db.read() as session:
        first = jobs.list_jobs(session, actor=AUDITOR, limit=2)
        second = jobs.list_jobs(session, actor=AUDITOR, limit=2, before=first[-1].id)
    assert [job.id for job in (*first, *second)] == ids[:0:-1]


def test_a_report_is_read_as_it_was_written(kinds: Any, quick: Flask) -> None:
    jobs.register("count", nothing)
    job_id = submit(actor=COMMAND_LINE)
    held = claim()
    assert held is not None
    told = Report((Phase("read", 7, 9, NOW),), ({"row": 1},), 1)
    with db.write() as session:
        assert jobs.report(session, held, report=told, now=NOW) is False
    seen = look(job_id)
    assert (seen.phases, seen.findings, seen.findings_count) == (told.phases, told.findings, 1)


def test_stopping_is_told_by_an_exception_that_no_caller_mistakes_for_its_own() -> None:
    assert not issubclass(Cancelled, Conflict | Denied | NotFound | InvalidInput)
