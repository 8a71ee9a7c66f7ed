"""Pages of the trail, of tokens, people and roles in a real browser, in both languages, wide and on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.conftest import Look
from tests.browser.walking import open_from_more, sign_in

pytestmark = pytest.mark.browser

ADMIN = "eirik.nesheim@eksempel.no"
CONTROLLER = "ingrid.solbakken@eksempel.no"


@pytest.fixture(scope="module")
def live_app(example_copy: Flask) -> Flask:
    return example_copy


@pytest.mark.parametrize("language", ["nb", "en"])
@pytest.mark.parametrize(
    ("email", "address"),
    [
        pytest.param(CONTROLLER, "/admin/logg", id="log"),
        pytest.param(CONTROLLER, "/admin/logg?objekt=ingenting", id="log-empty"),
        pytest.param(CONTROLLER, "/admin/logg?fra=x", id="log-wrong"),
        pytest.param(CONTROLLER, "/admin/logg/1", id="act"),
        pytest.param(CONTROLLER, "/admin/roller", id="roles"),
        pytest.param(ADMIN, "/admin/nokler", id="tokens"),
        pytest.param(ADMIN, "/admin/brukere", id="people"),
        pytest.param(ADMIN, "/admin/brukere/5", id="person"),
    ],
)
def test_a_page_is_accessible_and_fits_a_phone(
    look: Look,
    email: str,
    address: str,
    language: str,
    assert_accessible: Callable[[Page], None],
    assert_no_overflow: Callable[[Page], None],
) -> None:
    page = look(email, address, language)
    assert_accessible(page)
    assert_no_overflow(page)


def test_the_log_is_narrowed_opened_and_checked(page: Page) -> None:
    sign_in(page, CONTROLLER)
    open_from_more(page, "Logg")
    page.get_by_label("Gjelder").fill("agreement")
    page.get_by_role("button", name="Vis", exact=True).click()
    rows = page.locator("[aria-labelledby=log] tbody tr")
    assert rows.count() > 0
    assert all(text.startswith("agreement") for text in rows.locator("td:last-child").all_inner_texts())
    rows.first.get_by_role("link").click()
    expect(page.get_by_text("Handlingen er slik den ble registrert")).to_be_visible()
    page.get_by_role("link", name=re.compile("Alt om")).click()
    page.get_by_role("button", name="Kontroller kjeden").click()
    expect(page.get_by_text(re.compile("Kjeden holder"))).to_be_visible()


def test_a_key_is_made_opens_gets_another_secret_and_is_revoked(
    page: Page, live_app: Flask, assert_accessible: Callable[[Page], None]
) -> None:
    def status(bearer: str) -> int:
        headers = {"Authorization": f"Bearer {bearer}"}
        return live_app.test_client().get("/api/v1/agreements", headers=headers).status_code

    def shown() -> str:
        return page.locator(".tv-facts dd").nth(2).inner_text().strip()

    sign_in(page, ADMIN)
    open_from_more(page, "API-nøkler")
    page.get_by_label("Rolle").select_option("trust_reader")
    page.get_by_role("button", name="Lag nøkkelen").click()
    expect(page.locator("#navn-error")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Navnet på programmet").fill("Regneark")
    page.get_by_label("Rolle").select_option("auditor")
    page.get_by_label("Kan", exact=True).select_option("read")
    page.get_by_role("button", name="Lag nøkkelen").click()
    first = shown()
    assert_accessible(page)
    assert status(first) == 200
    page.goto("/admin/nokler")
    assert first not in page.content()
    page.locator("summary", has_text="Regneark").click()
    page.get_by_role("button", name="Gi den ny hemmelighet").first.click()
    second = shown()
    assert (status(first), status(second)) == (401, 200)
    page.locator("summary", has_text="Regneark").click()
    page.get_by_role("button", name="Trekk nøkkelen tilbake").first.click()
    expect(page.get_by_text("åpner ingenting fra nå av")).to_be_visible()
    assert status(second) == 401
