"""Every page in a real browser, in both languages, on a wide screen and a phone: with data, empty and in error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from billing.charges import basis
from contracts import agreements
from contracts.extensions import db
from contracts.terms.period import Period
from tests.browser.conftest import NARROW, Look
from tests.browser.walking import sign_in

pytestmark = pytest.mark.browser

CONTROLLER = "ingrid.solbakken@eksempel.no"
READER = "randi.haugerud@eksempel.no"
ADMIN = "eirik.nesheim@eksempel.no"
WHAT_IF = "/prognoser/hva-om?hf=oslo&alg=ct-pe&maaned=2026-11&antall=300&tilvenning=6"

PAGES = [
    (CONTROLLER, "/"),
    (CONTROLLER, "/avtaler/ra-2024-ki"),
    (CONTROLLER, "/kostnader?periode=2026-Q3"),
    (CONTROLLER, "/kostnader?periode=2023-Q1"),
    (CONTROLLER, "<tier>"),
    (CONTROLLER, "<fixed>"),
    (CONTROLLER, "/prognoser/hva-om"),
    (CONTROLLER, "/prognoser/drivere?indeks=3"),
    (CONTROLLER, "/prognoser/hva-om?hf=sorlandet"),
    (CONTROLLER, WHAT_IF),
    (CONTROLLER, "/prognoser/hva-om?hf=oslo&alg=&maaned=2026-13&antall=x"),
    (CONTROLLER, "/avstemming"),
    (CONTROLLER, "/avstemming/faktura/1"),
    (CONTROLLER, "/hf/oslo"),
    (CONTROLLER, "/hf/sykehuset-telemark"),
    (CONTROLLER, "/hf/nope"),
    (CONTROLLER, "/?ukjent=1"),
    (READER, "/"),
    (READER, "/kostnader?periode=2026-Q3"),
    (READER, "/avtaler/ra-2024-ki"),
    (ADMIN, "/"),
]


@pytest.fixture(scope="module")
def live_app(example_copy: Flask) -> Flask:
    return example_copy


@pytest.fixture(scope="module")
def line_pages(live_app: Flask) -> dict[str, str]:
    """The addresses of two explanations: of a line in a tier with a discount, and of a fixed amount."""
    with live_app.app_context(), db.read() as session:
        terms = basis.gather(session, agreement_id=agreements.find_agreement(session).id)
        lines = terms.rate(Period.parse("2026-Q2")).lines
    tier = next(line for line in lines if line.trust == "oslo" and line.discount_rate)
    fixed = next(line for line in lines if line.trust == "nord-norge" and line.why == "fixed")
    return {
        "<tier>": f"/forklaring/{tier.id}?periode=2026-Q2",
        "<fixed>": f"/forklaring/{fixed.id}?periode=2026-Q2",
    }


@pytest.mark.parametrize("language", ["nb", "en"])
@pytest.mark.parametrize(("email", "address"), PAGES)
def test_a_page_is_accessible_fits_a_phone_and_keeps_to_the_policy(
    look: Look,
    email: str,
    address: str,
    language: str,
    line_pages: dict[str, str],
    assert_accessible: Callable[[Page], None],
    assert_no_overflow: Callable[[Page], None],
    csp_errors: Callable[[Page], list[str]],
) -> None:
    page = look(email, line_pages.get(address, address), language)
    assert page.locator("html").get_attribute("lang") == language
    for details in page.locator("main details:not([open]) > summary").all():
        details.click()
    assert_accessible(page)
    assert_no_overflow(page)
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    assert_accessible(page)
    assert csp_errors(page) == []


def test_from_the_front_page_to_an_explained_amount_by_links_alone(page: Page) -> None:
    sign_in(page, CONTROLLER)
    page.get_by_role("link", name="Se kostnadene").first.click()
    page.locator('a[href*="/forklaring/"]').first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Hvorfor dette beløpet?")
    amount = page.get_by_role("heading", level=1).inner_text().split("?")[1].strip()
    expect(page.locator(".tv-answer")).to_contain_text(amount)
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Why this amount?")


def test_a_what_if_is_asked_step_by_step_and_has_an_address_of_its_own(page: Page) -> None:
    sign_in(page, CONTROLLER)
    page.get_by_role("link", name="Hva om vi aktiverer …?").click()
    page.get_by_label("Hvilket helseforetak?").select_option("oslo")
    page.get_by_role("button", name="Fortsett").click()
    page.get_by_label("Algoritme").select_option("ct-pe")
    page.get_by_label("Måned for idriftsetting").fill("2026-11")
    page.get_by_label("Forventede undersøkelser per måned").fill("300")
    page.get_by_role("button", name="Beregn").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Hva om Oslo universitetssykehus HF aktiverer Proppvarsel?"
    )
    figure = page.locator(".tv-key-figure__value").first.inner_text()
    page.goto(page.url)
    assert page.locator(".tv-key-figure__value").first.inner_text() == figure


def test_a_refused_upload_puts_the_focus_on_what_is_wrong(
    page: Page, tmp_path: Path, assert_accessible: Callable[[Page], None]
) -> None:
    sign_in(page, CONTROLLER)
    page.goto("/avstemming")
    broken = tmp_path / "faktura.xml"
    broken.write_text("<Invoice")
    page.get_by_label("EHF-dokument").set_input_files(broken)
    page.get_by_role("button", name="Les og sammenlign").click()
    expect(page.locator(".tv-error-summary")).to_be_focused()
    expect(page.locator("#fil-error")).to_contain_text("Ingenting er lagret.")
    assert page.title().startswith("Feil:")
    assert_accessible(page)
