"""The pages of usage and quarters in a real browser: both languages, wide and narrow, with data, empty and in error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.walking import CONTROLLER, READER, sign_in, walk

pytestmark = pytest.mark.browser

PAGES = [
    (CONTROLLER, "/volum"),
    (CONTROLLER, "/volum/dekning?kvartal=2025-Q4"),
    (CONTROLLER, "/volum/dekning?kvartal=2026-Q4&hf=oslo"),
    (CONTROLLER, "/volum/dekning?kvartal=2026-10"),
    (CONTROLLER, "/volum/korreksjoner"),
    (CONTROLLER, "/volum/korreksjoner/2"),
    (CONTROLLER, "/volum/korreksjoner/ny"),
    (CONTROLLER, "/kvartaler"),
    (CONTROLLER, "/kvartaler/2025-Q4"),
    (CONTROLLER, "/kvartaler/2026-Q3"),
    (CONTROLLER, "/kvartaler/2026-Q4"),
    (CONTROLLER, "/kvartaler/1999-Q1"),
    (CONTROLLER, "/kostnader?periode=2025-Q4"),
    (READER, "/volum"),
    (READER, "/volum/korreksjoner"),
    (READER, "/kvartaler/2025-Q4"),
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


def test_a_count_is_corrected_with_its_evidence_and_the_closed_quarter_says_so(
    page: Page, assert_accessible: Callable[[Page], None], tmp_path: Path
) -> None:
    sign_in(page, CONTROLLER)
    page.goto("/volum")
    page.get_by_role("link", name="Korriger en telling").click()
    page.get_by_role("button", name="Registrer korreksjonen").click()
    expect(page.locator(".ds-error-summary")).to_be_focused()
    assert page.title().startswith("Feil:")
    expect(page.locator(".ds-error-summary li")).to_have_count(7)
    assert_accessible(page)
    proof = tmp_path / "logg.csv"
    proof.write_text("tid;antall\n2026-05-05;3\n")
    page.locator("#alg").select_option("akershus/xray-skeletal")
    page.locator("#dato").fill("2026-05-05")
    page.locator("#endring").fill("−3")
    page.locator("#kode").select_option("counted_twice")
    page.locator("#begrunnelse").fill("Tre ble sendt to ganger.")
    page.locator("#tittel").fill("Logg 5. mai 2026")
    page.locator("#bilag").set_input_files(proof)
    page.get_by_role("button", name="Registrer korreksjonen").click()
    expect(page.get_by_text("Korreksjonen er registrert")).to_be_visible()
    expect(page.get_by_text("Denne kom etter at kjøring 1")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Logg 5. mai 2026").click()
    assert Path(download.value.path()).read_bytes() == proof.read_bytes()
    page.goto("/kvartaler/2026-Q2")
    expect(page.get_by_role("table", name="Det som kom senere, etter type")).to_contain_text("Korreksjoner")
    page.goto("/volum/dekning?kvartal=2026-Q2&hf=akershus")
    expect(page.get_by_role("table", name="Hver celle")).to_contain_text("Rettet etter lukking")


def test_a_quarter_is_closed_opened_again_with_a_reason_and_closed_once_more(page: Page) -> None:
    sign_in(page, CONTROLLER)
    page.goto("/kvartaler/2026-Q3")
    page.get_by_role("button", name="Lukk kvartalet").click()
    expect(page.get_by_text("3. kvartal 2026 er lukket: kjøring 1.")).to_be_visible()
    expect(page.get_by_text("Det som er kjent nå, gir nøyaktig de samme kostnadene.")).to_be_visible()
    page.get_by_role("button", name="Åpne igjen").click()
    expect(page.locator("#begrunnelse-error")).to_have_text("Si i én setning hvorfor.")
    page.locator("#begrunnelse").fill("Akershus sendte september på nytt.")
    page.get_by_role("button", name="Åpne igjen").click()
    expect(page.get_by_text("Kjøring 1 kan fortsatt leses.")).to_be_visible()
    page.get_by_role("button", name="Lukk kvartalet").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("3. kvartal 2026, kjøring 2")
    runs = page.get_by_role("table", name="Kjøringer")
    expect(runs).to_contain_text("Akershus sendte september på nytt.")
    with page.expect_download() as download:
        runs.get_by_role("link", name="last ned det fryste dokumentet").first.click()
    assert download.value.suggested_filename == "ra-2024-ki-2026-Q3-1.json"
    page.goto("/kostnader?periode=2026-Q3")
    expect(page.get_by_text("Lukket, kjøring 2")).to_be_visible()


def test_a_reader_within_one_trust_is_offered_nothing_to_do(page: Page) -> None:
    sign_in(page, READER)
    for address in ("/volum", "/volum/korreksjoner", "/kvartaler/2025-Q4", "/kvartaler/2026-Q2"):
        page.goto(address)
        expect(page.locator("main form")).to_have_count(0)
        expect(page.get_by_role("link", name="Korriger en telling")).to_have_count(0)
    page.goto("/volum/korreksjoner/2")
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("Korreksjon")
