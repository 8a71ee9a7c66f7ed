"""Index adjustment and deadlines in a real browser: a request made by one, approved by another; wide, narrow, both languages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.conftest import Look
from tests.browser.walking import sign_in

pytestmark = pytest.mark.browser

MANAGER = "jonas.myrvold@eksempel.no"
APPROVER = "torbjorn.aasen@eksempel.no"
INDEX = "/avtaler/ra-2024-ki/indeks"
PAGES = [
    (MANAGER, INDEX),
    (MANAGER, f"{INDEX}/klausul"),
    (MANAGER, f"{INDEX}/krav?fra=2026-01-01"),
    (MANAGER, f"{INDEX}/krav?fra=2024-06-01"),
    (MANAGER, f"{INDEX}/krav?fra=x"),
    (MANAGER, "/indeksverdier"),
    (MANAGER, "/avtaler/ra-2024-ki/frister"),
    (APPROVER, f"{INDEX}/krav/1"),
    (APPROVER, f"{INDEX}/krav/2"),
]


@pytest.fixture(scope="module")
def live_app(example_copy: Flask) -> Flask:
    return example_copy


@pytest.mark.parametrize("language", ["nb", "en"])
@pytest.mark.parametrize(("email", "address"), PAGES, ids=[address for _, address in PAGES])
def test_every_page_is_accessible_and_fits_a_phone(
    look: Look,
    assert_accessible: Callable[[Page], None],
    assert_no_overflow: Callable[[Page], None],
    email: str,
    address: str,
    language: str,
) -> None:
    page = look(email, address, language)
    expect(page.locator("html")).to_have_attribute("lang", language)
    assert_accessible(page)
    assert_no_overflow(page)


def test_a_request_goes_from_one_person_to_another_and_into_the_book(page: Page) -> None:
    sign_in(page, APPROVER)
    page.goto(f"{INDEX}/krav/2")
    page.get_by_label("Begrunnelse").fill("Skal regnes på nytt.")
    page.get_by_role("button", name="Avslå").click()
    expect(page.get_by_role("status")).to_contain_text("Kravet er avslått.")
    sign_in(page, MANAGER)
    page.goto(INDEX)
    page.get_by_role("link", name="Krev regulering").click()
    page.get_by_label("Prisene reguleres fra").fill("2027-01-01")
    page.get_by_role("button", name="Beregn").click()
    expect(page.get_by_text("1 + 0,85 × (143,5 ÷ 139,9 − 1) = 1,0218727663")).to_be_visible()
    page.get_by_role("button", name="Sett fram kravet").click()
    expect(page.get_by_role("status")).to_contain_text("En annen enn du godkjenner det.")
    expect(page.get_by_role("button", name="Godkjenn")).to_have_count(0)
    made = page.url
    sign_in(page, APPROVER)
    page.goto(made)
    page.get_by_role("button", name="Godkjenn").click()
    expect(page.get_by_role("status")).to_contain_text("Faktoren står i prislisten.")
    page.goto("/avtaler/ra-2024-ki/frister")
    expect(page.get_by_role("table")).not_to_contain_text("indeksregulering")
