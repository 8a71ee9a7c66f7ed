"""A long job in a real browser: it moves, it survives, it can be taken back, and it stops asking when it is over."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from billing.jobs import run_next
from contracts.extensions import db
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Grant
from contracts.web.work import jobs as pages
from contracts.web.work.jobs import Presentation
from contracts.work import jobs
from contracts.work.jobs import Progress
from contracts.work.worker import Worker
from tests.conftest import make_app

pytestmark = pytest.mark.browser

EMAIL = "kari@example.org"


class Gate:
    """Lets the demo job go on one step at a time, so that a test sees each state and waits for none."""

    def __init__(self) -> None:
        self.steps = threading.Semaphore(0)

    def run(self, progress: Progress, params: dict[str, Any]) -> Mapping[str, Any]:
        """Count to four, one step whenever the test allows it."""
        progress.phase("read", total=4)
        progress.finding({"sentence": {"nb": "Ukjent kode i rad 3", "en": "Unknown code in row 3"}})
        for _ in range(4):
            while not self.steps.acquire(timeout=0.05):
                progress.check_cancel()
            progress.advance()
        progress.phase("write")
        return {"rows": 4}


@pytest.fixture(scope="module")
def gate() -> Gate:
    return Gate()


@pytest.fixture(scope="module")
def live_app(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, gate: Gate) -> Iterator[Flask]:
    folder = tmp_path_factory.mktemp("jobs")
    shutil.copyfile(sqlite_template, folder / "trinnvis.db")
    app = make_app(
        f"sqlite:///{folder / 'trinnvis.db'}", folder, WTF_CSRF_ENABLED=True, JOB_PROGRESS_SECONDS=0.05, TESTING=False
    )
    jobs.KINDS.pop("demo.slow", None)
    jobs.register("demo.slow", gate.run, act="usage.import", phases=("read", "write"))
    pages.present(
        "demo.slow",
        Presentation(title="Import av volum", phases={"read": "Lese filen", "write": "Registrere"}, unit="Rader"),
    )
    with app.app_context(), db.write() as session:
        access.add_person(
            session,
            email=EMAIL,
            name="Kari Nordli",
            password=None,
            grants=[Grant("finance_controller")],
            actor=COMMAND_LINE,
            now=datetime.now(UTC),
            example=True,
        )
    worker = Worker(lambda who, stopping: run_next(app, who, stopping), poll=0.05)
    worker.start()
    yield app
    worker.stop()
    jobs.KINDS.pop("demo.slow", None)
    app.extensions["trinnvis_engine"].dispose()


@pytest.fixture
def job_page(live_app: Flask, page: Page) -> str:
    """A job handed in, its reader signed in, and the page's address."""
    page.goto("/logg-inn")
    page.locator(f'button[name="person"][value="{EMAIL}"]').click()
    with live_app.app_context(), db.write() as session:
        job = jobs.submit(session, kind="demo.slow", params={}, trust=None, actor=COMMAND_LINE, now=datetime.now(UTC))
    return f"/jobber/{job.id}"


def test_a_job_moves_tells_what_it_finds_and_stops_asking_when_it_is_done(
    page: Page,
    job_page: str,
    gate: Gate,
    assert_accessible: Callable[[Page], None],
    assert_no_overflow: Callable[[Page], None],
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/panel" in request.url else None)
    page.clock.install()
    page.goto(job_page)
    bar = page.get_by_role("progressbar", name="Lese filen")
    expect(bar).to_have_attribute("value", "0")
    expect(page.get_by_text("Ukjent kode i rad 3")).to_be_visible()
    assert_accessible(page)
    assert_no_overflow(page)
    button = page.get_by_role("button", name="Avbryt jobben")
    button.focus()
    gate.steps.release(2)
    page.clock.fast_forward(2000)
    expect(bar).to_have_attribute("value", "2")
    expect(page.locator("#job-status")).to_have_text("Lese filen: 50 %")
    expect(button).to_be_focused()
    gate.steps.release(2)
    expect(page.get_by_role("heading", name="Jobben er ferdig")).to_be_visible()
    expect(page.locator("#job-status")).to_have_text("Ferdig")
    expect(button).to_have_count(0)
    assert page.locator("#job-panel").get_attribute("hx-trigger") is None
    so_far = len(asked)
    assert so_far >= 2
    for _ in range(3):
        page.clock.fast_forward(10_000)
    assert len(asked) == so_far
    assert_accessible(page)
    assert_no_overflow(page)


def test_a_job_is_cancelled_from_its_page(page: Page, job_page: str, assert_accessible: Callable[[Page], None]) -> None:
    page.goto(f"{job_page}?lang=en")
    page.get_by_role("button", name="Cancel the job").click()
    expect(page.get_by_role("heading", name="The job was cancelled")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_count(0)
    assert_accessible(page)
    page.goto("/jobber?lang=nb")
    expect(page.locator("tr").filter(has_text=re.compile("Avbrutt")).first).to_be_visible()
    assert_accessible(page)


def test_without_scripts_the_page_loads_itself_again_and_has_a_link(
    browser: Any, live_url: str, job_page: str, page: Page
) -> None:
    context = browser.new_context(
        base_url=live_url, java_script_enabled=False, storage_state=page.context.storage_state()
    )
    plain = context.new_page()
    plain.goto(job_page)
    assert plain.locator('meta[http-equiv="refresh"]').get_attribute("content") == "10"
    expect(plain.get_by_role("link", name="Se hvor langt den er kommet nå")).to_be_visible()
    plain.get_by_role("button", name="Avbryt jobben").click()
    plain.goto(job_page)
    context.close()
