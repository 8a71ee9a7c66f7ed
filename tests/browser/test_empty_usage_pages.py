"""The pages of usage where nothing is counted yet, and a close although counts are missing."""

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
from tests.conftest import make_app
from tests.recorded import record_agreement, record_usage

pytestmark = pytest.mark.browser

CONTROLLER = "ingrid.solbakken@eksempel.no"


def sign_in(page: Page, email: str) -> None:
    page.goto("/logg-inn?lang=nb")
    page.locator(f'button[value="{email}"]').click()
    expect(page.locator("nav.tv-nav")).to_be_visible()


@pytest.fixture(scope="module")
def live_app(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    folder = tmp_path_factory.mktemp("empty")
    path = folder / "trinnvis.db"
    shutil.copyfile(sqlite_template, path)
    made = make_app(f"sqlite:///{path}", folder)
    with made.app_context():
        with db.write() as session:
            access.add_person(
                session,
                email=CONTROLLER,
                name="Ingrid",
                password=None,
                grants=[Grant("finance_controller")],
                actor=COMMAND_LINE,
                now=datetime(2024, 1, 2, tzinfo=UTC),
                example=True,
            )
        record_agreement()
    yield made
    made.extensions["trinnvis_engine"].dispose()


def test_empty_pages_say_what_they_will_hold_and_missing_counts_are_ticked_off(
    page: Page,
    live_app: Flask,
    assert_accessible: Callable[[Page], None],
    assert_no_overflow: Callable[[Page], None],
) -> None:
    sign_in(page, CONTROLLER)
    for address, sentence in (
        ("/volum", "Ingen volum er lest inn ennå"),
        ("/volum/korreksjoner", "Ingen telling er korrigert"),
        ("/volum/dekning?kvartal=2028-Q1", "Ingenting har forfalt"),
    ):
        page.goto(address)
        expect(page.get_by_text(sentence)).to_be_visible()
        assert_accessible(page)
        assert_no_overflow(page)
    with live_app.app_context():
        record_usage(1)
    page.goto("/volum/dekning?kvartal=2024-Q1")
    expect(page.get_by_text("4 av 6 celler mangler for 1. kvartal 2024.")).to_be_visible()
    expect(page.get_by_role("table", name="Hvem som må levere")).to_contain_text("Ingrid")
    page.goto("/kvartaler/2024-Q1")
    page.get_by_role("button", name="Lukk kvartalet").click()
    expect(page.locator("#mangler-error")).to_have_text("Si at du vet at tellinger mangler.")
    assert_accessible(page)
    assert_no_overflow(page)
    page.locator("#mangler-ja").check()
    page.get_by_role("button", name="Lukk kvartalet").click()
    expect(page.get_by_text("1. kvartal 2024 er lukket: kjøring 1.")).to_be_visible()
