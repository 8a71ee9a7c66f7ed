"""The life of a price book in a real browser: accessible, within 360 pixels, within the content policy, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser

LISTS = "/avtaler/ra-2024-ki/prislister"
MANAGER, APPROVER, READER = "Jonas Myrvold", "Solveig Brekke", "Randi Haugerud"


@pytest.fixture(scope="module")
def live_app(example_copy: Flask) -> Flask:
    return example_copy


def sign_in(page: Page, name: str) -> None:
    page.goto("/logg-inn")
    page.locator("button", has_text=name).first.click()
    page.wait_for_url(lambda url: "logg-inn" not in url)


def begin_draft(page: Page) -> str:
    page.goto(f"{LISTS}/kladd")
    page.fill("#klausul", "Endringsavtale 2")
    page.get_by_role("button", name="Begynn kladden").click()
    page.wait_for_url("**/kladd/*")
    return page.url


@pytest.fixture(scope="module")
def draft(browser: Browser, live_url: str) -> str:
    """The address of a draft that waits for approval, and of one still being written, with a cliff and an error in it."""
    context = browser.new_context(base_url=live_url, locale="nb-NO")
    page = context.new_page()
    sign_in(page, MANAGER)
    waiting = begin_draft(page)
    page.goto(f"{waiting}/send")
    page.get_by_role("button", name="Send til godkjenning").click()
    written = begin_draft(page)
    page.goto(f"{written}/prisledd/1")
    page.fill("#tier-1-up_to", "100")
    page.get_by_role("button", name="Lagre prisleddet").click()
    context.close()
    return f"{waiting} {written}"


@pytest.mark.parametrize("language", ["nb", "en"])
def test_every_page_is_accessible_fits_a_phone_and_keeps_to_the_policy(
    page: Page,
    draft: str,
    language: str,
    assert_accessible: Callable[[Page], None],
    assert_no_overflow: Callable[[Page], None],
    csp_errors: Callable[[Page], list[str]],
) -> None:
    waiting, written = draft.split()
    sign_in(page, MANAGER)
    paths = [
        LISTS,
        f"{LISTS}/2026-01-01?prisledd=xray-skeletal&antall=80000",
        f"{LISTS}/2026-01-01?antall=mange",
        f"{LISTS}/2024-01-01..2026-01-01",
        f"{LISTS}/kladd",
        waiting,
        f"{waiting}/simulering",
        f"{waiting}/send",
        written,
        f"{written}/prisledd/1",
        f"{written}/prisledd/6",
        f"{written}/prisledd/0?type=volume",
        f"{written}/simulering",
        f"{written}/send",
    ]
    for path in paths:
        page.goto(f"{path}{'&' if '?' in path else '?'}lang={language}")
        assert page.locator("html").get_attribute("lang") == language
        assert_accessible(page)
        assert_no_overflow(page)
    assert csp_errors(page) == []


@pytest.mark.parametrize("language", ["nb", "en"])
def test_the_approvers_page_is_accessible_and_fits_a_phone(
    page: Page,
    draft: str,
    language: str,
    assert_accessible: Callable[[Page], None],
    assert_no_overflow: Callable[[Page], None],
) -> None:
    waiting, _ = draft.split()
    sign_in(page, APPROVER)
    page.goto(f"{waiting}/godkjenning?lang={language}")
    assert_accessible(page)
    assert_no_overflow(page)
    page.get_by_role("button", name="Send tilbake" if language == "nb" else "Send back").click()
    expect(page.locator(".ds-error-summary")).to_be_focused()
    assert_accessible(page)


def test_a_price_is_changed_and_approved_by_hand_and_by_keyboard(browser: Browser, live_url: str) -> None:
    # Without scripts: every step is a plain form.
    context = browser.new_context(base_url=live_url, java_script_enabled=False, locale="nb-NO")
    page = context.new_page()
    sign_in(page, MANAGER)
    draft = begin_draft(page)
    page.get_by_role("link", name="Endre xray-skeletal").click()
    page.get_by_role("button", name="Legg til trinn").click()
    expect(page.locator("#tier-4-unit_price")).to_have_value("6,90")
    page.fill("#tier-3-up_to", "200 000")
    page.fill("#tier-3-unit_price", "6,95")
    page.fill("#tier-0-unit_price", "13,90")
    page.locator("#tier-0-unit_price").press("Enter")  # saves: the first button of the form is the one that saves
    expect(page.locator("#main")).to_contain_text("xray-skeletal er lagret")
    page.get_by_role("link", name="Send til godkjenning …").click()
    page.get_by_role("button", name="Send til godkjenning").click()
    expect(page.locator("#main")).to_contain_text("Venter på godkjenning")
    page.get_by_text(MANAGER).first.click()
    page.get_by_role("button", name="Logg ut").click()
    sign_in(page, APPROVER)
    page.goto(draft)
    page.get_by_role("link", name="Godkjenn eller send tilbake …").click()
    expect(page.locator(".tv-answer")).to_contain_text("mindre")
    page.get_by_role("button", name="Godkjenn").click()
    expect(page.locator("#main")).to_contain_text("Godkjent")
    page.goto(LISTS)
    expect(page.locator("#versions")).to_contain_text("Versjon fra 01.01.2027")
    context.close()


def test_a_workbook_is_downloaded_and_a_bad_file_refused(page: Page, tmp_path: Path, assert_accessible: Any) -> None:
    sign_in(page, MANAGER)
    begin_draft(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Last ned (XLSX)").click()
    assert download.value.suggested_filename.endswith(".xlsx")
    bad = tmp_path / "prisliste.xlsx"
    bad.write_bytes(b"no workbook")
    page.set_input_files("#fil", bad)
    page.get_by_role("button", name="Les inn filen").click()
    expect(page.locator("h1")).to_have_text("Regnearket ble ikke tatt inn")
    assert_accessible(page)
