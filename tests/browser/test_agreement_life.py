"""The agreement's own life in a real browser: a change drafted and decided on a phone, reminders, the calendar link."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, Look
from tests.browser.walking import sign_in

pytestmark = pytest.mark.browser

MANAGER = "jonas.myrvold@eksempel.no"
APPROVER = "solveig.brekke@eksempel.no"
SECOND = "torbjorn.aasen@eksempel.no"
READER = "randi.haugerud@eksempel.no"
CHANGES = "/avtaler/ra-2024-ki/endringer"
PAGES = [
    (MANAGER, CHANGES),
    (MANAGER, f"{CHANGES}/ny?slag=change"),
    (MANAGER, f"{CHANGES}/ny?slag=termination"),
    (APPROVER, f"{CHANGES}/1"),
    (READER, CHANGES),
    (MANAGER, "/avtaler/ra-2024-ki/frister"),
    (MANAGER, "/avtaler/ra-2024-ki/frister/varsler"),
    (READER, "/avtaler/ra-2024-ki/frister/varsler"),
    (READER, "/kalender"),
]


@pytest.fixture(scope="module")
def live_app(example_copy: Flask) -> Flask:
    return example_copy


@pytest.mark.parametrize("language", ["nb", "en"])
@pytest.mark.parametrize(("email", "address"), PAGES)
def test_the_pages_are_accessible_and_fit_a_phone(
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
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    assert_accessible(page)
    assert_no_overflow(page)


def test_a_change_is_drafted_refused_by_its_ground_and_approved_by_somebody_else_on_a_phone(
    page: Page, assert_accessible: Callable[[Page], None], assert_no_overflow: Callable[[Page], None]
) -> None:
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    sign_in(page, MANAGER)
    page.goto(CHANGES)
    page.get_by_role("link", name="Foreslå en endring").click()
    page.get_by_label("Tittel").fill("Flere algoritmer")
    page.get_by_label(re.compile("Høyst 10 prosent")).check()
    page.get_by_label("Begrunnelse").fill("To nye behov.")
    page.get_by_label("Signert dato").fill("2026-10-14")
    page.get_by_label(re.compile("Verdi av endringen")).fill("1 325 000,01")
    page.get_by_role("button", name="Send til godkjenning").click()
    expect(page.locator(".tv-error-summary")).to_be_focused()
    expect(page.locator("#value_change-error")).to_contain_text("over 10 prosent")
    assert_accessible(page)
    page.get_by_label(re.compile("Verdi av endringen")).fill("1 325 000,00")
    page.get_by_role("button", name="Send til godkjenning").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Endring 2: Flere algoritmer")
    expect(page.get_by_role("button", name="Godkjenn")).to_have_count(0)
    address = page.url
    page.goto("/")
    page.context.clear_cookies()
    sign_in(page, APPROVER)
    page.goto(address)
    expect(page.get_by_text("10,00 %").first).to_be_visible()
    page.get_by_role("button", name="Godkjenn").click()
    # It is worth more than the limit: another approver is needed.
    expect(page.get_by_text("Godkjenningen din er registrert. Det trengs én til.")).to_be_visible()
    sign_in(page, SECOND)
    page.goto(address)
    page.get_by_role("button", name="Godkjenn").click()
    expect(page.get_by_text("Endringen er godkjent og gjelder.")).to_be_visible()
    assert_accessible(page)
    assert_no_overflow(page)


def test_a_longer_term_shows_its_cost_and_goes_over_only_with_a_reason_that_is_allowed(
    page: Page, assert_accessible: Callable[[Page], None], assert_no_overflow: Callable[[Page], None]
) -> None:
    sign_in(page, MANAGER)
    page.goto(f"{CHANGES}/ny?slag=change")
    page.get_by_label("Tittel").fill("Ny slutt")
    page.get_by_label(re.compile("Høyst 10 prosent")).check()
    page.get_by_label("Begrunnelse").fill("Tiden strekker ikke til.")
    page.get_by_label(re.compile("Verdi av endringen")).fill("0")
    page.get_by_label(re.compile("nye siste dag")).fill("2031-12-31")
    page.get_by_role("button", name="Send til godkjenning").click()
    expect(page.locator("#value_change-error")).to_contain_text("Den koster mer fram til avtalens slutt")
    page.get_by_label(re.compile("Avtalt endringsklausul")).check()
    page.get_by_label("Punkt").fill("2.3")
    page.get_by_label(re.compile("Verdi av endringen")).fill("")
    page.get_by_role("button", name="Send til godkjenning").click()
    effect = page.locator("section", has=page.get_by_role("heading", name="Hva det koster fram til avtalens slutt"))
    expect(effect.get_by_text("I 9 av 10 utfall koster det inntil").first).to_be_visible()
    expect(effect.get_by_text("lenger enn fire år").first).to_be_visible()
    expect(effect.get_by_role("table", name="Budsjetter")).to_be_visible()
    assert_accessible(page)
    assert_no_overflow(page)
    address = page.url
    page.get_by_label("Hvorfor det bør få gå over").fill("Styret har vedtatt det.")
    page.get_by_role("button", name="Be om å få gå over").click()
    for person, told in ((APPROVER, "Det trengs én til."), (SECOND, "Endringen er godkjent og gjelder.")):
        sign_in(page, person)
        page.goto(address)
        page.get_by_role("button", name="Godkjenn").click()
        expect(page.locator(".tv-error-summary")).to_contain_text("er igjen av maksimalverdien")
        page.get_by_label("Ja, jeg tillater det").check()
        page.get_by_role("button", name="Godkjenn").click()
        expect(page.get_by_text(told)).to_be_visible()
    assert_accessible(page)


def test_a_calendar_link_is_shown_once_and_opens_the_feed(
    page: Page, assert_accessible: Callable[[Page], None], assert_no_overflow: Callable[[Page], None]
) -> None:
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    sign_in(page, MANAGER)
    page.goto("/avtaler/ra-2024-ki/frister")
    page.get_by_role("link", name="Frister i kalenderen din").click()
    page.get_by_role("button", name="Lag en lenke").click()
    address = page.get_by_text(re.compile(r"/kalender/.+\.ics")).inner_text()
    assert_accessible(page)
    assert_no_overflow(page)
    answer = page.request.get(address)
    assert answer.status == 200
    assert "BEGIN:VEVENT" in answer.text()
    page.goto("/kalender")
    expect(page.get_by_text(re.compile(r"/kalender/.+\.ics"))).to_have_count(0)
    page.get_by_role("button", name="Avslutt lenken").click()
    expect(page.get_by_text("Kalenderlenken er avsluttet.")).to_be_visible()
    assert page.request.get(address).status == 404
