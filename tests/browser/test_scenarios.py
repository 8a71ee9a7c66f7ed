"""Scenarios in a real browser: both languages, wide and narrow, and the way from a template to a comparison."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from billing.example.scenarios import IN_JUNE
from billing.models import Scenario
from contracts.extensions import db
from tests.browser.walking import CONTROLLER, READER, sign_in, walk

pytestmark = pytest.mark.browser

REQUESTER = "amir.rostad@eksempel.no"


@pytest.fixture(scope="module")
def live_app(example_copy: Flask) -> Flask:
    return example_copy


@pytest.fixture(scope="module")
def codes(example_copy: Flask) -> list[str]:
    with example_copy.app_context(), db.read() as session:
        found = session.query(Scenario).order_by(Scenario.id).all()
        assert found[0].recorded_at == IN_JUNE
        return [each.code for each in found]


@pytest.mark.parametrize("language", ["nb", "en"])
def test_every_page_is_accessible_and_fits_a_phone(
    page: Page,
    codes: list[str],
    assert_accessible: Callable[[Page], None],
    assert_no_overflow: Callable[[Page], None],
    language: str,
) -> None:
    stops = [
        (CONTROLLER, "/prognoser"),
        (CONTROLLER, "/prognoser/ny?mal=alle"),
        (CONTROLLER, "/prognoser/ny?fra=2026-13&rader=2&alg1=ct-pe&utkast=99"),
        (CONTROLLER, f"/prognoser/{codes[0]}@1?kontroll=ja"),
        (CONTROLLER, f"/prognoser/{codes[2]}@1"),
        (CONTROLLER, f"/prognoser/sammenlign?s={codes[0]}@1,{codes[1]}@1,{codes[2]}@1"),
        (CONTROLLER, "/prognoser/sammenlign"),
        (REQUESTER, f"/prognoser/{codes[3]}@1"),
        (READER, "/prognoser"),
        (READER, "/prognoser/ny?mal=en"),
    ]
    walk(page, stops, language, assert_accessible, assert_no_overflow)


def test_a_controller_goes_from_a_template_to_a_permalink_a_new_revision_and_a_comparison(
    page: Page, assert_accessible: Callable[[Page], None]
) -> None:
    sign_in(page, CONTROLLER)
    page.get_by_role("link", name="Prognoser", exact=True).first.click()
    page.get_by_role("link", name="Vi aktiverer én algoritme").click()
    before = page.locator("#result").inner_text()
    page.fill("#antall1", "900")
    expect(page.locator("#result")).not_to_have_text(before)
    page.wait_for_function("text => document.querySelector('#result').innerText !== text", arg=before)
    page.fill("#navn", "Mye bruk")
    page.get_by_role("button", name="Lagre og simuler").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Mye bruk")
    address = page.url
    assert address.endswith("@1")
    expect(page.get_by_text("900 i måneden")).to_be_visible()
    page.get_by_role("link", name="Simuler på nytt og sammenlign").click()
    expect(page.get_by_text("Svaret er gjenskapt")).to_be_visible()
    assert_accessible(page)

    page.get_by_role("link", name="Ny revisjon").click()
    page.fill("#antall1", "100")
    page.get_by_role("button", name="Lagre den nye revisjonen").click()
    expect(page.get_by_text("100 i måneden")).to_be_visible()
    assert page.url.endswith("@2")
    code = address.rsplit("/", 1)[1].split("@")[0]
    page.goto(f"/prognoser/sammenlign?s={code}@1,{code}@2")
    table = page.locator("table", has=page.locator("#difference-table"))
    expect(table).to_contain_text("Aktivering 1")
    expect(table).not_to_contain_text("Frø")


def test_without_scripts_the_builder_computes_by_its_button(page: Page, live_url: str) -> None:
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(base_url=live_url, java_script_enabled=False, locale="nb-NO")
    plain = context.new_page()
    sign_in(plain, CONTROLLER)
    plain.goto("/prognoser/ny?mal=en")
    plain.fill("#antall1", "x")
    plain.get_by_role("button", name="Beregn").click()
    expect(plain.locator("#antall1-error")).to_have_text("Skriv et helt tall fra 1 til 1000000.")
    plain.fill("#antall1", "50")
    plain.get_by_role("button", name="Beregn").click()
    expect(plain.locator("#expected-cost")).to_be_visible()
    context.close()


def test_a_what_if_answers_while_one_types_and_goes_on_as_a_scenario(
    page: Page, assert_accessible: Callable[[Page], None], assert_no_overflow: Callable[[Page], None]
) -> None:
    sign_in(page, CONTROLLER)
    page.goto("/prognoser/hva-om?hf=oslo&alg=ct-pe&maaned=2026-11&antall=300&tilvenning=6")
    total = page.locator("#month-table").locator("xpath=ancestor::table").locator("tfoot td").last
    before = total.inner_text()
    page.fill("#antall", "600")
    expect(total).not_to_have_text(before)
    page.fill("#antall", "mange")
    expect(page.locator("#answer")).to_contain_text("Svaret kommer når feltene er riktige.")
    page.fill("#antall", "300")
    expect(total).to_have_text(before)
    page.get_by_role("link", name="Vis hvor usikkert det er").click()
    expect(page.locator("#added-fan")).to_be_visible()
    assert_accessible(page)
    assert_no_overflow(page)
    page.get_by_role("link", name="Lagre som scenario").click()
    expect(page.locator("#antall1")).to_have_value("300")
    expect(page.locator("#expected-cost")).to_be_visible()


def test_within_a_trust_nothing_is_simulated_for_all(page: Page) -> None:
    sign_in(page, READER)
    page.goto("/prognoser/hva-om?alg=ct-pulmonary-metastases&maaned=2027-01&antall=200&usikkerhet=ja")
    expect(page.locator("#month-table")).to_be_attached()
    expect(page.locator("#added-fan")).to_have_count(0)
    expect(page.get_by_role("link", name="Vis hvor usikkert det er")).to_have_count(0)
