"""The reconciliation in a real browser: both languages, wide and narrow, and a quarter from the invoice to the protocol."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from billing.ehf.document import Document
from billing.ehf.write import to_bytes
from contracts import agreements
from contracts.extensions import db
from tests.browser.walking import CONTROLLER, sign_in, walk
from tests.reconciled import credit_note, invoice, line, with_lines

pytestmark = pytest.mark.browser

APPROVER = "solveig.brekke@eksempel.no"
AUDITOR = "marit.lindqvist@eksempel.no"
MANAGER = "jonas.myrvold@eksempel.no"
# A closed quarter of the example that no invoice has come for.
QUARTER = "2025-Q3"
HOME = f"/avstemming/{QUARTER}"
DISPUTE = "/avstemming/2026-Q2/reklamasjon/ra-2024-ki-2026-Q2-01"
PAGES = [
    (CONTROLLER, "/avstemming"),
    (CONTROLLER, "/avstemming/2026-Q3"),
    (CONTROLLER, "/avstemming/2026-Q3?vis=alle"),
    (CONTROLLER, "/avstemming/2026-Q3?kode=VAT"),
    (CONTROLLER, "/avstemming/2026-Q3?filter=1"),
    (CONTROLLER, "/avstemming/2026-Q2?run=1"),
    (CONTROLLER, "/avstemming/2025-Q2"),
    (CONTROLLER, "/avstemming/2026-Q3/treff"),
    (CONTROLLER, "/avstemming/2026-Q3/avgjorelse"),
    (CONTROLLER, "/avstemming/2026-Q3/attestasjon"),
    (CONTROLLER, "/avstemming/2026-Q2/anvisning"),
    (CONTROLLER, DISPUTE),
    (MANAGER, "/avstemming/toleranser"),
    (AUDITOR, "/avstemming/2026-Q2"),
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


def test_a_row_and_the_forms_that_follow_from_it_are_accessible(
    page: Page, assert_accessible: Callable[[Page], None], assert_no_overflow: Callable[[Page], None]
) -> None:
    sign_in(page, CONTROLLER)
    page.goto("/avstemming/2026-Q3")
    page.locator("[data-walk-row]").first.click()
    for address in (
        page.url,
        page.get_by_role("link", name="Si at linjene gjelder noe annet").get_attribute("href"),
        page.get_by_role("link", name="Reklamer i stedet").get_attribute("href"),
    ):
        page.goto(address or "")
        assert_accessible(page)
        assert_no_overflow(page)
    page.get_by_label("Svarfrist").fill("2026-01-01")
    page.get_by_role("button", name="Skriv brevet og åpne reklamasjonen").click()
    expect(page.locator(".ds-error-summary")).to_be_focused()
    assert_accessible(page)


def test_the_differences_are_walked_by_keyboard_and_the_shortcuts_can_be_turned_off(page: Page) -> None:
    sign_in(page, CONTROLLER)
    page.goto("/avstemming/2026-Q3")
    rows = page.locator("[data-walk-row]")
    page.keyboard.press("j")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 av 23")).to_be_visible()
    page.keyboard.press("j")
    expect(page.get_by_text("2 av 23")).to_be_visible()
    page.locator("#kommentar").press("k")
    expect(page.get_by_text("2 av 23")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("k")
    expect(page.get_by_text("1 av 23")).to_be_visible()
    page.locator("[data-walk-switch]").uncheck()
    page.keyboard.press("j")
    expect(page.get_by_text("1 av 23")).to_be_visible()
    page.reload()
    expect(page.locator("[data-walk-switch]")).not_to_be_checked()
    page.get_by_role("link", name="Neste avvik").click()
    expect(page.get_by_text("2 av 23")).to_be_visible()


def vendor_s_invoice(app: Flask) -> tuple[Document, Decimal]:
    """Give the right invoice of the quarter with three faults, and what they bill too much."""
    with app.app_context():
        with db.read() as session:
            agreement_id = agreements.find_agreement(session).id
        right = invoice(
            agreement_id, QUARTER, number="20251042", issue_date=date(2025, 10, 8), due_date=date(2025, 11, 7)
        )
        counted = next(each for each in right.lines if (each.quantity or 0) > 1 and not each.allowances)
        assert counted.quantity is not None
        assert counted.net is not None
        assert counted.price.amount is not None
        more = 100 * counted.price.amount
        wrong = [
            replace(each, quantity=counted.quantity + 100, net=counted.net + more) if each is counted else each
            for each in right.lines
        ]
        twice = next(each for each in reversed(right.lines) if each is not counted and each.net)
        fee = line("Oppgradering av mottaksserver", "12500.00", period="2025-08")
        assert twice.net is not None
        return with_lines(right, *wrong, twice, fee), more + twice.net + Decimal("12500.00")


def vendor_s_credit(app: Flask, amount: Decimal) -> Document:
    """Give the credit note that takes the whole of it off."""
    with app.app_context():
        with db.read() as session:
            agreement_id = agreements.find_agreement(session).id
        credit = line("Kreditert etter reklamasjon", format(amount, "f"), period="2025-08")
        return credit_note(agreement_id, credit, names=["20251042"], number="20251099", period=None)


def upload(page: Page, folder: Path, document: Document) -> None:
    path = folder / f"{document.number}.xml"
    path.write_bytes(to_bytes(document))
    page.goto("/avstemming")
    page.get_by_label("EHF-dokument").set_input_files(path)
    page.get_by_role("button", name="Les og sammenlign").click()
    expect(page.get_by_text(f"Dokumentet {document.number} er lest")).to_be_visible()
    page.get_by_role("link", name="Avstemming av 3. kvartal 2025").click()


def take_step(page: Page, what: str) -> None:
    page.get_by_label(what, exact=True).check()
    page.get_by_role("button", name="Registrer").click()
    expect(page.get_by_text("Steget er registrert.")).to_be_visible()


def frozen_hash(page: Page, message: str) -> str:
    expect(page.get_by_text(message)).to_be_visible()
    found = re.search(r"[0-9a-f]{16}", page.locator(".tv-alert").first.inner_text())
    assert found is not None
    return found.group()


def test_a_quarter_goes_from_the_invoice_to_the_signed_protocol(
    page: Page,
    live_app: Flask,
    tmp_path: Path,
    assert_accessible: Callable[[Page], None],
    assert_no_overflow: Callable[[Page], None],
) -> None:
    document, too_much = vendor_s_invoice(live_app)
    sign_in(page, CONTROLLER)
    upload(page, tmp_path, document)
    page.get_by_role("button", name="Kjør avstemmingen").click()
    frozen_hash(page, "Kjøring 1 er frosset")

    # Three differences, walked by keyboard, chosen and disputed.
    expect(page.locator("[data-walk-row]")).to_have_count(3)
    for place in range(3):
        page.keyboard.press("j")
        expect(page.locator("[data-walk-row]").nth(place)).to_be_focused()
    for box in page.locator("#lines tbody input[type=checkbox]").all():
        box.check()
    page.get_by_role("button", name="Reklamer på de valgte").click()
    page.get_by_role("button", name="Skriv brevet og åpne reklamasjonen").click()
    expect(page.get_by_text("er skrevet. Send brevet")).to_be_visible()
    dispute = page.url
    with page.expect_download() as letter:
        page.get_by_role("link", name="Brevet (PDF)").click()
    assert "ra-2024-ki-2025-Q3-01.csv" in PdfReader(letter.value.path()).attachments
    take_step(page, "Brevet er sendt")
    take_step(page, "Leverandøren godtar alt")
    assert_accessible(page)

    # The credit note comes back to the same lines.
    upload(page, tmp_path, vendor_s_credit(live_app, too_much))
    page.goto(dispute)
    take_step(page, "Kreditten er godtatt")
    page.goto(HOME)
    page.get_by_role("button", name="Kjør på nytt").click()
    first = frozen_hash(page, "Kjøring 2 er frosset")
    page.get_by_role("button", name="Kjør på nytt").click()
    assert frozen_hash(page, "Ingenting er endret: kjøring 2 står") == first
    expect(page.get_by_text("Fakturert og forventet er likt")).to_be_visible()
    while page.get_by_role("button", name="Jeg har kontrollert den").count():
        page.get_by_role("button", name="Jeg har kontrollert den").first.click()
        expect(page.get_by_text("Linja er merket som kontrollert.")).to_be_visible()

    # One attests, another approves, on a phone.
    page.get_by_role("link", name="Attester kvartalet").click()
    assert_accessible(page)
    page.get_by_role("button", name="Attester", exact=True).click()
    expect(page.get_by_text("Kvartalet er attestert. En annen anviser.")).to_be_visible()
    page.context.clear_cookies()
    sign_in(page, APPROVER)
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(HOME)
    page.get_by_role("link", name="Anvis", exact=True).click()
    assert_no_overflow(page)
    page.set_viewport_size({"width": 360, "height": 800})
    page.get_by_role("button", name="Anvis", exact=True).click()
    expect(page.get_by_text("Kvartalet er anvist, og protokollen er arkivert.")).to_be_visible()
    with page.expect_download() as protocol:
        page.get_by_role("link", name="Åpne protokollen (PDF)").click()
    paper = PdfReader(protocol.value.path())
    assert sorted(paper.attachments) == ["ra-2024-ki-2025-Q3-linjer.csv", "ra-2024-ki-2025-Q3-tall.csv"]
    assert first[:12] in "".join(each.extract_text() for each in paper.pages).replace("\n", "")
