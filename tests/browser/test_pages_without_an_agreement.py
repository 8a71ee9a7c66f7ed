"""The pages before anything is recorded, in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from contracts.extensions import db
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Grant
from tests.browser.conftest import Look
from tests.conftest import make_app

pytestmark = pytest.mark.browser

EMAIL = "kari@example.org"


@pytest.fixture(scope="module")
def live_app(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    folder = tmp_path_factory.mktemp("empty")
    path = folder / "empty.db"
    shutil.copyfile(sqlite_template, path)
    made = make_app(f"sqlite:///{path}", folder)
    with made.app_context(), db.write() as session:
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
    yield made
    made.extensions["trinnvis_engine"].dispose()


@pytest.mark.parametrize("language", ["nb", "en"])
@pytest.mark.parametrize("address", ["/", "/avtaler", "/kostnader", "/prognoser/hva-om", "/avstemming"])
def test_a_page_says_what_comes_first(
    look: Look,
    address: str,
    language: str,
    assert_accessible: Callable[[Page], None],
    assert_no_overflow: Callable[[Page], None],
) -> None:
    page = look(EMAIL, address, language)
    expect(page.locator(".tv-tasks > li")).to_have_count(3)
    assert_accessible(page)
    assert_no_overflow(page)
