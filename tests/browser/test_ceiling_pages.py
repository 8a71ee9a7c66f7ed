"""The ceiling and the order of activations in a real browser: both languages, wide and narrow, and two journeys."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.walking import CONTROLLER, READER, sign_in, walk

pytestmark = pytest.mark.browser

MANAGER = "jonas.myrvold@eksempel.no"
RAMME = "/avtaler/ra-2024-ki/ramme"
PAGES = [
    (MANAGER, RAMME),
    (CONTROLLER, f"{RAMME}?kjent=2026-08-01"),
    (CONTROLLER, f"{RAMME}?fra=25"),
    (CONTROLLER, f"{RAMME}?kjent=2023-12-20"),
]


@pytest.fixture(scope="module")
def live_app(example_copy: Flask) -> Flask:
    return example_copy


@pytest.mark.parametrize("language", ["nb", "en"])
def test_every_page_is_accessible_and_fits_a_phone(
    page: Page,
    assert_accessible: Callable[[Page], None],
    assert_no_overflow: Callable[[Page], None],
    language: str,
) -> None:
    walk(page, PAGES, language, assert_accessible, assert_no_overflow)


def test_an_overrun_by_what_was_taken_over_is_proven_and_was_not_known_before(
    page: Page, assert_accessible: Callable[[Page], None]
) -> None:
    sign_in(page, MANAGER)
    page.goto("/avtaler/ra-2024-ki")
    page.get_by_role("link", name="Rammen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Rammen")
    expect(page.locator("#burn-down-section")).to_contain_text("I ingen av 500 simuleringer")
    expect(page.locator("#proof")).to_contain_text("Verken det som er brukt og bundet")
    page.get_by_role("button", name="Før inn").click()
    expect(page.locator("#belop-error")).to_contain_text("Skriv et beløp")
    assert_accessible(page)
    page.fill("#belop", "900 000,50")
    page.fill("#grunnlag", "Overtakelsesprotokoll 12.03.2026")
    page.get_by_role("button", name="Før inn").click()
    expect(page.locator("body")).to_contain_text("Det overtatte beløpet er ført.")
    expect(page.locator("#proof")).to_contain_text("(Overtatt, 900 000,50 kr mer, Jonas Myrvold)")
    expect(page.locator("main")).to_contain_text("Den maksimale verdien er overskredet")
    expect(page.locator("#levels")).not_to_contain_text("Ikke nådd")
    assert_accessible(page)
    page.fill("#kjent", "2026-10-15")
    page.get_by_role("button", name="Vis").click()
    expect(page.locator("#proof")).to_contain_text("Verken det som er brukt og bundet")
    expect(page.locator("main")).not_to_contain_text("Overtatt underveis?")


def test_a_reader_within_one_trust_does_not_see_what_all_of_them_use(page: Page) -> None:
    sign_in(page, READER)
    page.goto("/avtaler/ra-2024-ki")
    expect(page.get_by_role("link", name="Rammen")).to_have_count(0)
    response = page.goto(RAMME)
    assert response is not None
    assert response.status == 404
