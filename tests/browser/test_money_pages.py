"""Cost centres, allocation, accruals and payments in a real browser: both languages, wide and narrow, and one journey."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.walking import CONTROLLER, READER, open_from_more, sign_in, walk

pytestmark = pytest.mark.browser

AUDITOR = "marit.lindqvist@eksempel.no"
PAGES = [
    (CONTROLLER, "/koststeder"),
    (CONTROLLER, "/koststeder/1"),
    (CONTROLLER, "/fordeling?periode=2026-Q3"),
    (CONTROLLER, "/fordeling?faktura=1"),
    (CONTROLLER, "/avsetninger?maaned=2026-10"),
    (CONTROLLER, "/avsetninger/bilag/1"),
    (CONTROLLER, "/avsetninger/mal"),
    (CONTROLLER, "/betalinger"),
    (CONTROLLER, "/betalinger/1/tilbake"),
    (CONTROLLER, "/betalinger/rentesatser"),
    (AUDITOR, "/betalinger?dato=2026-08-25"),
    (READER, "/koststeder"),
    (READER, "/betalinger"),
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


def test_a_controller_registers_a_payment_and_books_the_next_accruals(
    page: Page, assert_accessible: Callable[[Page], None]
) -> None:
    sign_in(page, CONTROLLER)
    open_from_more(page, "Betalinger")
    page.get_by_role("button", name="Registrer").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Betalinger")
    assert page.url.endswith("/betalinger"), "the browser keeps an empty form"

    option = page.locator("#invoice_id option", has_text="20261042")
    page.select_option("#invoice_id", option.get_attribute("value"))
    page.fill("#paid_on", "2026-10-14")
    page.fill("#amount", "1 000 000")
    page.get_by_role("button", name="Registrer").click()
    expect(page.locator(".ds-alert")).to_contain_text("Betalingen er registrert.")
    row = page.locator("table", has_text="Betaling nr.").locator("tbody tr").first
    expect(row).to_contain_text("20261042")

    page.set_input_files(
        "#fil",
        {"name": "x.csv", "mimeType": "text/csv", "buffer": b"invoice,date,amount,reference\n9,2026-10-14,1.00,\n"},
    )
    page.get_by_role("button", name="Les inn").click()
    expect(page.locator("body")).to_contain_text("Linje 2, kolonne invoice: Det er ikke registrert noen faktura")
    assert_accessible(page)

    page.goto("/avsetninger?maaned=2026-10")
    expect(page.locator("table", has_text="oktober 2026").first).to_be_visible()
    page.get_by_role("button", name="Bokfør bilaget").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Bilag 2")
    with page.expect_download() as download:
        page.get_by_role("link", name="Fil til regnskapssystemet").click()
    assert download.value.suggested_filename == "ra-2024-ki-avsetning-2.csv"
    page.goto("/avsetninger?maaned=2026-10")
    expect(page.locator("body")).to_contain_text("Ingenting er endret siden siste bilag.")
