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
    (CONTROLLER, "/prognoser/pukkel"),
    (CONTROLLER, "/prognoser/pukkel?beregn=1"),
    (CONTROLLER, "/prognoser/pukkel?beregn=1&hf1=akershus&alg1=xray-chest&antall1=x&tidligst1=2027-01&senest1=2026-12"),
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
    expect(page.locator("#burn-down-section")).to_contain_text("I 1 av 10 simuleringer")
    expect(page.locator("#proof")).to_contain_text("Verken det som er brukt og bundet")
    page.locator("#take-over button").click()
    expect(page.locator("#belop-error")).to_contain_text("Skriv et beløp")
    assert_accessible(page)
    page.fill("#belop", "900 000,50")
    page.fill("#grunnlag", "Overtakelsesprotokoll 12.03.2026")
    page.locator("#take-over button").click()
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
    for address in (RAMME, "/prognoser/pukkel"):
        response = page.goto(address)
        assert response is not None
        assert response.status == 404, address


def test_an_order_is_proposed_and_goes_on_as_a_scenario(page: Page) -> None:
    sign_in(page, CONTROLLER)
    page.goto("/prognoser")
    page.get_by_role("link", name="Pukkelkostnad").click()
    # What is offered is a plan that can be asked about as it stands.
    expect(page.locator("#hf1")).not_to_have_value("")
    for row in range(3, 10):
        page.select_option(f"#hf{row}", "")
    page.fill("#senest1", "2027-02")
    page.get_by_role("button", name="Foreslå rekkefølge").click()
    expect(page.locator("#answer")).to_contain_text("Dyreste måned er")
    assert page.locator("#order tbody tr").count() == 2
    expect(page.locator("#order")).to_contain_text("Regelen: minst mulig største økning")
    heights = page.evaluate(
        "[...document.querySelectorAll('#answer figure script[type=\"application/json\"]')]"
        ".map(one => JSON.parse(one.textContent).layout.yaxis.range.join())"
    )
    assert len(heights) == 2
    assert heights[0] == heights[1], "both panels are on the same scale"
    page.get_by_role("link", name="Gå videre med den som scenario").click()
    assert "/prognoser/ny?" in page.url
    expect(page.locator("#hf2")).not_to_have_value("")


def test_what_is_wrong_with_a_plan_is_said_at_its_field(page: Page) -> None:
    sign_in(page, CONTROLLER)
    runs = "hf1=vestre-viken&alg1=xray-skeletal&antall1=100&tidligst1=2027-01&senest1=2027-03"
    page.goto(f"/prognoser/pukkel?beregn=1&{runs}")
    expect(page.locator("#alg1-error")).to_contain_text("algoritmen", ignore_case=True)
    page.goto("/prognoser/pukkel?beregn=1&hf1=akershus&alg1=&antall1=0&tidligst1=2030-01&senest1=x")
    for name in ("alg1", "antall1", "tidligst1", "senest1"):
        expect(page.locator(f"#{name}-error")).to_be_visible()
