"""The catalogue in a real browser: evidence and its absence, comparison, and what a contract manager records."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.walking import sign_in

pytestmark = pytest.mark.browser

MANAGER = "jonas.myrvold@eksempel.no"
READER = "randi.haugerud@eksempel.no"
ADDRESSES = (
    "/katalog",
    "/katalog/mr-ms-followup",
    "/katalog/xray-chest",
    "/katalog/sammenlign",
    "/katalog/sammenlign?alg=ct-pe,mr-ms-followup,xray-skeletal,xray-chest",
    "/katalog?kjent=2024-01-05",
)


@pytest.fixture(scope="module")
def live_app(example_copy: Flask) -> Flask:
    return example_copy


@pytest.mark.parametrize("language", ["nb", "en"])
def test_the_pages_are_accessible_and_fit_a_phone(
    page: Page,
    language: str,
    assert_accessible: Callable[[Page], None],
    assert_no_overflow: Callable[[Page], None],
    csp_errors: Callable[[Page], list[str]],
) -> None:
    sign_in(page, MANAGER, language)
    for address in ADDRESSES:
        page.set_viewport_size({"width": 1360, "height": 900})
        page.goto(address)
        page.locator("main details").evaluate_all("all => all.forEach(each => { each.open = true })")
        assert_accessible(page)
        page.set_viewport_size({"width": 360, "height": 800})
        assert_accessible(page)
        assert_no_overflow(page)
        assert csp_errors(page) == [], address


def test_evidence_that_nobody_gave_is_said_not_to_be_given(page: Page) -> None:
    sign_in(page, MANAGER)
    page.goto("/katalog")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="Røntgen thorax")).first
    expect(row.get_by_text("Utløpt")).to_be_visible()
    assert row.get_by_text("Ingen oppgitt").count() == 3
    page.get_by_role("link", name="Røntgen thorax").click()
    expect(page.locator("#clinical").get_by_text("Ingen oppgitt.")).to_be_visible()
    expect(page.locator("#scores").get_by_text("ikke alle vurdert")).to_be_visible()
    page.goto("/katalog?kjent=2024-01-05")
    assert page.get_by_text("Ingen oppgitt").count() == 30, "nothing was recorded by then"


def test_up_to_four_are_put_beside_each_other(page: Page) -> None:
    sign_in(page, MANAGER)
    page.goto("/katalog/sammenlign")
    for product in ("Proppvarsel", "Lesjonsspor", "Bruddspor", "Thoraxspor"):
        page.get_by_role("link", name=f"ta med {product}", exact=True).click()
    assert page.locator("#compare-table").locator("xpath=..").get_by_role("columnheader").count() == 5
    expect(page.get_by_role("link", name="ta med")).to_have_count(0)
    page.get_by_role("link", name="ta ut Bruddspor").click()
    expect(page.get_by_role("link", name="ta med Bruddspor")).to_be_visible()
    five = "ct-pe,mr-ms-followup,xray-skeletal,xray-chest,ct-lung-nodules"
    assert page.request.get(f"/katalog/sammenlign?alg={five}").status == 400
    assert page.request.get("/katalog/sammenlign?alg=nothing").status == 404
    assert page.request.get("/katalog?farge=rod").status == 400


def test_what_would_it_cost_us_leads_to_a_question_about_this_product(page: Page) -> None:
    sign_in(page, MANAGER)
    page.goto("/katalog/mr-ms-followup")
    page.get_by_role("link", name="Hva vil det koste oss?").click()
    page.get_by_label("Hvilket helseforetak").select_option("sorlandet")
    page.get_by_role("button", name="Fortsett").click()
    expect(page.get_by_label("Algoritme")).to_have_value("mr-ms-followup")


def test_a_contract_manager_records_and_is_told_what_is_wrong(page: Page) -> None:
    sign_in(page, MANAGER)
    page.goto("/katalog/xray-chest")
    page.get_by_text("Et sertifikat", exact=True).click()
    form = page.locator("form").filter(has=page.get_by_label("Sertifikatnummer"))
    form.get_by_label("Sertifikatnummer").fill("EKS-MDR-26001")
    form.get_by_role("button", name="Registrer sertifikatet").click()
    expect(page.get_by_role("link", name="Skriv dagen som en dato.").first).to_be_visible()
    form.get_by_label("Teknisk kontrollorgan").fill("Eksempel 9999")
    form.get_by_label("Gyldig fra").fill("2026-10-01")
    form.get_by_label("Siste dag").fill("2031-09-30")
    form.get_by_role("button", name="Registrer sertifikatet").click()
    expect(page.get_by_text("Det er registrert i katalogen.")).to_be_visible()
    expect(page.locator("#certificates").get_by_text("30.09.2031")).to_be_visible()
    page.get_by_text("En referanse", exact=True).click()
    form = page.locator("form").filter(has=page.get_by_label("Forfattere"))
    form.get_by_label("Forfattere").fill("Prøve C")
    form.get_by_label("År").fill("2025")
    form.get_by_label("Tittel").fill("A trial (invented)")
    form.get_by_label("Tidsskrift").fill("Example Journal")
    form.get_by_label("Gjelder").select_option("clinical")
    form.get_by_role("button", name="Registrer referansen").click()
    expect(page.locator("#clinical").get_by_text("A trial (invented)")).to_be_visible()
    page.get_by_text("En vurdering", exact=True).click()
    form = page.locator("form").filter(has=page.get_by_label("Kriterium"))
    form.get_by_label("Kriterium").select_option("risk")
    form.get_by_label("Poeng").select_option("4")
    form.get_by_label("Hvorfor").fill("Bred pasientgruppe.")
    form.get_by_role("button", name="Registrer vurderingen").click()
    expect(page.locator("#scores").get_by_role("cell", name="19")).to_be_visible()


def test_a_reader_within_one_trust_learns_how_many_others_use_it_and_records_nothing(page: Page) -> None:
    sign_in(page, READER)
    page.goto("/katalog/mr-ms-followup")
    used = page.locator("#used")
    expect(used.get_by_text("Vestre Viken HF")).to_be_visible()
    expect(used.get_by_text("2 andre helseforetak")).to_be_visible()
    expect(page.get_by_text("Sykehuset Innlandet")).to_have_count(0)
    expect(page.locator("#record")).to_have_count(0)
