"""The pages and the API of jobs, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from billing.jobs import run_next
from contracts.errors import Conflict, Finding, InvalidInput
from contracts.extensions import db
from contracts.models import Organisation
from contracts.people.access import COMMAND_LINE
from contracts.terms.job import Phase
from contracts.web.work import jobs as pages
from contracts.web.work.jobs import Presentation
from contracts.web.work.jobs_api import accepted
from contracts.work import jobs
from contracts.work.jobs import Progress, Report

NOW = datetime(2026, 10, 15, 12, 0, tzinfo=UTC)


class _Unforeseen(Exception):
    pass


def do(progress: Progress, params: dict[str, Any]) -> Mapping[str, Any]:
    progress.phase("read", total=10)
    progress.advance(10)
    progress.finding({"sentence": {"nb": "Ukjent kode i rad 3", "en": "Unknown code in row 3"}})
    raised = {
        "invalid": InvalidInput((Finding("#/rows/3", "unknown", "row 3 is wrong"),)),
        "conflict": Conflict("closed", "the quarter is closed"),
        "unforeseen": _Unforeseen("inner words"),
    }.get(params.get("fail", ""))
    if raised is not None:
        raise raised
    return {"rows": 10}


@pytest.fixture(autouse=True)
def kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "KINDS", {})
    monkeypatch.setattr(pages, "PRESENTATIONS", {})
    jobs.register("demo", do, act="usage.import", phases=("read", "write"))
    pages.present(
        "demo",
        Presentation(
            title="Demo of a job",
            phases={"read": "Demo phase"},
            unit="Rows",
            subject=lambda job: job.params.get("file", "usage.csv"),
            result=lambda job: [("Rows", job.result["rows"])],
            links=lambda job: [("See the coverage", "/dekning")],
        ),
    )


def submit(**params: Any) -> int:
    with db.write() as session:
        return jobs.submit(
            session, kind="demo", params=params, trust=None, actor=COMMAND_LINE, now=datetime.now(UTC)
        ).id


def begun(done: int = 250) -> int:
    """A job in the hands of a worker, told a quarter of."""
    job_id = submit()
    now = datetime.now(UTC)
    with db.write() as session:
        held = jobs.claim(session, worker="w", stale_after=timedelta(hours=1), now=now - timedelta(seconds=30))
        assert held is not None
        phases = (Phase("read", done, 1000, now - timedelta(seconds=20)), Phase("write"))
        jobs.report(session, held, report=Report(phases, ({"detail": "row 7 is odd"},), 80), now=now)
    return job_id


def words(html: str) -> str:
    """The page as text, its no-break spaces plain."""
    text = re.sub(r"<[^>]+>", " ", html).replace("\u00a0", " ").replace("\u202f", " ")
    return re.sub(r"\s+", " ", text)


WORDS = {
    "nb": {
        "close": "Du kan lukke siden",
        "count": "250 av 1 000",
        "left": "omtrent 1 minutt igjen",
        "cancel": "Avbryt jobben",
        "found": "80 funn, de første 1 vises",
        "waits": "Den venter på tur",
        "done": "Jobben er ferdig",
        "failed": "Jobben feilet",
        "cancelled": "Jobben ble avbrutt",
        "expired": "Jobben er utløpt",
        "finding": "Ukjent kode i rad 3",
        "stopping": "Jobben stopper ved neste sted",
    },
    "en": {
        "close": "You can close this page",
        "count": "250 of 1,000",
        "left": "about 1 minute left",
        "cancel": "Cancel the job",
        "found": "80 findings, the first 1 are shown",
        "waits": "It waits for its turn",
        "done": "The job is done",
        "failed": "The job has failed",
        "cancelled": "The job was cancelled",
        "expired": "The job has expired",
        "finding": "Unknown code in row 3",
        "stopping": "The job stops at the next place",
    },
}


@pytest.fixture(params=["nb", "en"])
def said(request: pytest.FixtureRequest) -> dict[str, str]:
    return {"lang": request.param, **WORDS[request.param]}


@pytest.fixture
def reader(sign_in_as: Callable[..., FlaskClient], said: dict[str, str]) -> FlaskClient:
    client = sign_in_as("finance_controller")
    client.set_cookie("lang", said["lang"])
    return client


def test_a_running_job_says_how_far_it_is_and_asks_again(reader: FlaskClient, said: dict[str, str]) -> None:
    job_id = begun()
    html = reader.get(f"/jobber/{job_id}").text
    text = words(html)
    for word in ("close", "count", "left", "cancel", "found"):
        assert said[word] in text
    assert "row 7 is odd" in text
    assert f'hx-get="/jobber/{job_id}/panel?seen=read-25"' in html
    assert 'hx-trigger="every 2s"' in html
    assert re.search(r'<progress id="job-progress" max="1000" value="250">', html)
    assert '<label for="job-progress">' in html
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in html


def test_the_status_line_speaks_of_a_phase_and_of_quarters_only(reader: FlaskClient, said: dict[str, str]) -> None:
    job_id = begun(done=499)
    quiet = reader.get(f"/jobber/{job_id}/panel?seen=read-25").text
    assert "job-status" not in quiet
    speaking = reader.get(f"/jobber/{job_id}/panel?seen=read-0").text
    assert re.search(r'<p id="job-status" hx-swap-oob="innerHTML">Demo phase: 25 %</p>', speaking)
    assert "<html" not in speaking


def test_a_job_that_waits_says_so(reader: FlaskClient, said: dict[str, str]) -> None:
    html = reader.get(f"/jobber/{submit()}").text
    assert said["waits"] in words(html)
    assert "hx-trigger" in html


@pytest.mark.parametrize(
    ("params", "word", "reason"),
    [
        ({}, "done", "Demo of a job"),
        ({"fail": "invalid"}, "failed", "row 3 is wrong"),
        ({"fail": "conflict"}, "failed", "the quarter is closed"),
        ({"fail": "unforeseen"}, "failed", r"[0-9a-f]{8}"),
    ],
    ids=["done", "invalid", "conflict", "unforeseen"],
)
def test_a_job_that_is_over_says_how_it_ended_and_asks_no_more(
    app: Flask, reader: FlaskClient, said: dict[str, str], params: dict[str, Any], word: str, reason: str
) -> None:
    job_id = submit(**params)
    run_next(app)
    html = reader.get(f"/jobber/{job_id}").text
    text = words(html)
    assert said[word] in text
    assert re.search(reason, text)
    assert said["finding"] in text
    assert "inner words" not in text
    assert "/dekning" in html
    for gone in ("hx-get", "hx-trigger", "http-equiv", said["cancel"], said["close"]):
        assert gone not in html
    panel = reader.get(f"/jobber/{job_id}/panel?seen=read-75").text
    assert "hx-trigger" not in panel
    assert 'id="job-status"' in panel


def test_a_job_that_was_given_up_says_what_to_do(reader: FlaskClient, said: dict[str, str]) -> None:
    job_id = submit()
    with db.write() as session:
        jobs.expire(session, now=datetime.now(UTC) + timedelta(days=8))
    assert said["expired"] in words(reader.get(f"/jobber/{job_id}").text)


def test_a_reader_cancels_and_is_told(reader: FlaskClient, said: dict[str, str]) -> None:
    waiting, running = submit(), None
    answer = reader.post(f"/jobber/{waiting}/avbryt")
    assert (answer.status_code, answer.location) == (303, f"/jobber/{waiting}")
    assert said["cancelled"] in words(reader.get(f"/jobber/{waiting}").text)
    running = begun()
    reader.post(f"/jobber/{running}/avbryt")
    text = words(reader.get(f"/jobber/{running}").text)
    assert said["stopping"] in text
    assert said["cancel"] not in text
    again = reader.post(f"/jobber/{waiting}/avbryt", follow_redirects=True)
    assert again.status_code == 200


def test_cancelling_needs_the_token_of_the_form(app: Flask, sign_in_as: Callable[..., FlaskClient]) -> None:
    client = sign_in_as("finance_controller")
    job_id = begun()
    app.config["WTF_CSRF_ENABLED"] = True
    assert client.post(f"/jobber/{job_id}/avbryt").status_code == 400
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(f"/jobber/{job_id}").text)
    assert token is not None
    assert client.post(f"/jobber/{job_id}/avbryt", data={"csrf_token": token[1]}).status_code == 303


def test_the_list_shows_each_job_with_its_state(app: Flask, reader: FlaskClient, said: dict[str, str]) -> None:
    assert reader.get("/jobber").status_code == 200
    job_id = submit()
    run_next(app)
    html = reader.get("/jobber").text
    assert f'href="/jobber/{job_id}"' in html
    assert {"nb": "kommandolinjen", "en": "the command line"}[said["lang"]] in html
    assert "usage.csv" in html


def test_an_administrator_sees_how_far_a_job_is_and_not_what_it_is_about(
    app: Flask, sign_in_as: Callable[..., FlaskClient]
) -> None:
    job_id = submit(fail="conflict")
    run_next(app)
    admin = sign_in_as("admin")
    text = words(admin.get(f"/jobber/{job_id}?lang=en", follow_redirects=True).text)
    assert "Demo of a job" in text
    assert "The job has failed" in text
    assert "You see how far the job is" in text
    assert "the quarter is closed" not in text
    assert "row 3" not in text
    assert "usage.csv" not in text


@pytest.mark.parametrize("path", ["/jobber/{id}", "/jobber/{id}/panel", "/jobber/99999999999999999999999"])
def test_a_job_of_somebody_else_is_as_unknown_as_one_that_does_not_exist(
    sign_in_as: Callable[..., FlaskClient], path: str
) -> None:
    job_id = submit()
    with db.write() as session:
        session.add(
            Organisation(
                code="oslo",
                name="Oslo",
                organisation_number="993467049",
                region="",
                recorded_at=NOW,
                recorded_by="test",
            )
        )
    client = sign_in_as("trust_reader", "oslo")
    assert client.get(path.format(id=job_id)).status_code == 404


def test_the_api_tells_the_same_and_takes_a_job_back(
    app: Flask, client: FlaskClient, token_for: Callable[..., dict[str, str]]
) -> None:
    header = token_for("finance_controller")
    ids = [submit() for _ in range(3)]
    run_next(app)
    first = client.get("/api/v1/jobs?limit=2", headers=header).json
    assert first is not None
    assert [job["id"] for job in first["items"]] == ids[:0:-1]
    rest = client.get(f"/api/v1/jobs?limit=2&after={first['next']}", headers=header).json
    assert rest is not None
    assert [job["id"] for job in rest["items"]] == ids[:1]
    assert rest["next"] is None
    answer = client.get(f"/api/v1/jobs/{ids[0]}", headers=header)
    assert answer.json is not None
    assert (answer.json["state"], answer.json["result"]) == ("done", {"rows": 10})
    unchanged = client.get(f"/api/v1/jobs/{ids[0]}", headers={**header, "If-None-Match": answer.headers["ETag"]})
    assert unchanged.status_code == 304
    cancelled = client.post(f"/api/v1/jobs/{ids[1]}/cancel", headers=header)
    assert cancelled.json is not None
    assert (cancelled.status_code, cancelled.json["state"]) == (200, "cancelled")
    over = client.post(f"/api/v1/jobs/{ids[0]}/cancel", headers=header)
    assert over.json is not None
    assert (over.status_code, over.json["code"]) == (409, "job_over")
    assert client.get("/api/v1/jobs/99999999999999999999999", headers=header).status_code == 404
    assert client.get("/api/v1/jobs", headers={}).status_code == 401


def test_an_auditor_may_not_take_a_job_back(
    app: Flask, client: FlaskClient, token_for: Callable[..., dict[str, str]]
) -> None:
    job_id = submit()
    assert client.post(f"/api/v1/jobs/{job_id}/cancel", headers=token_for("auditor")).status_code == 403


def test_a_job_handed_in_by_the_api_is_answered_with_where_to_look(app: Flask) -> None:
    job_id = submit()
    with db.read() as session, app.test_request_context():
        answer = accepted(jobs.find(session, job_id=job_id, actor=COMMAND_LINE))
        page = pages.to_job(jobs.find(session, job_id=job_id, actor=COMMAND_LINE))
    assert (answer.status_code, answer.headers["Location"]) == (202, f"/api/v1/jobs/{job_id}")
    assert (page.status_code, page.location) == (303, f"/jobber/{job_id}")


def test_the_description_names_the_resources(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").json
    assert document is not None
    assert {"/api/v1/jobs", "/api/v1/jobs/{job_id}", "/api/v1/jobs/{job_id}/cancel"} <= set(document["paths"])
