"""Approval in a real browser: from the front page to an answer on a phone, the three answers, stand-ins and the limit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, ViewportSize, expect

from billing.example.catalogue import CASE_ALGORITHM, CASE_TRUST
from contracts import agreements, ceiling
from contracts.cases import CaseId, find_case, list_cases
from contracts.extensions import db
from contracts.people import access
from tests.browser.conftest import on_the_example, serving
from tests.browser.walking import open_from_more, sign_in

pytestmark = pytest.mark.browser

APPROVER = "solveig.brekke@eksempel.no"
SECOND = "torbjorn.aasen@eksempel.no"
REQUESTER = "amir.rostad@eksempel.no"
READER = "randi.haugerud@eksempel.no"
MANAGER = "jonas.myrvold@eksempel.no"
CONTROLLER = "ingrid.solbakken@eksempel.no"
ADMIN = "eirik.nesheim@eksempel.no"
PHONE: ViewportSize = {"width": 360, "height": 800}


@pytest.fixture
def live_app(example_database: Path, tmp_path: Path) -> Iterator[Flask]:
    """Give an app on a copy of the example that this one test may change."""
    with on_the_example(example_database, tmp_path) as made:
        yield made


@pytest.fixture
def live_url(live_app: Flask) -> Iterator[str]:
    with serving(live_app) as address:
        yield address


@pytest.fixture
def case(live_app: Flask) -> str:
    with live_app.app_context(), db.read() as session:
        agreement = agreements.find_agreement(session)
        return next(
            str(one.id)
            for one in list_cases(session, agreement_id=agreement.id)
            if (one.trust, one.algorithm) == (CASE_TRUST, CASE_ALGORITHM)
        )


def test_an_approver_decides_on_a_phone_from_the_front_page(
    page: Page, case: str, assert_accessible: Callable[[Page], None], assert_no_overflow: Callable[[Page], None]
) -> None:
    page.set_viewport_size(PHONE)
    sign_in(page, APPROVER)
    page.get_by_role("link", name="Ta stilling til: Lesjonsspor ved Akershus").click()
    main = page.locator("main")
    for heading in ("Hva", "Konsekvens i kroner", "Innenfor ramme og budsjett?", "Uavklart", "Forberedt av"):
        expect(main.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    expect(main.get_by_text("Høyst (P90)")).to_be_visible()
    expect(main.get_by_text("Innenfor rammen:")).to_be_visible()
    assert_accessible(page)
    assert_no_overflow(page)
    page.get_by_role("button", name="Godkjenn").click()
    expect(page.get_by_text("Godkjent. Kontraktsforvalteren tar neste steg.")).to_be_visible()
    expect(page.get_by_text("Solveig Brekke").first).to_be_visible()
    page.goto("/godkjenning")
    expect(page.get_by_role("link", name="Lesjonsspor ved Akershus")).to_have_count(0)


@pytest.mark.parametrize(
    ("button", "state"),
    [("Send tilbake", "Sendt tilbake med kommentaren din."), ("Avslå", "Avslått med kommentaren din.")],
)
def test_sending_back_and_declining_need_a_comment(page: Page, case: str, button: str, state: str) -> None:
    sign_in(page, APPROVER)
    page.goto(f"/godkjenning/{case}")
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_role("link", name="Si i én setning hvorfor.")).to_be_visible()
    page.get_by_label("Kommentar").fill("Volumet må begrunnes.")
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_text(state)).to_be_visible()
    expect(page.get_by_role("cell", name="Volumet må begrunnes.")).to_be_visible()


def test_an_answer_to_what_was_changed_meanwhile_is_not_taken(page: Page, case: str) -> None:
    sign_in(page, APPROVER)
    page.goto(f"/godkjenning/{case}")
    other = page.context.new_page()
    other.goto(f"/godkjenning/{case}")
    other.get_by_label("Kommentar").fill("Tilbake.")
    other.get_by_role("button", name="Send tilbake").click()
    expect(other.get_by_text("Sendt tilbake med kommentaren din.")).to_be_visible()
    page.get_by_role("button", name="Godkjenn").click()
    expect(page.get_by_text("Saken ble endret etter at du åpnet den.").first).to_be_visible()


def test_two_approve_above_the_limit_that_the_administrator_sets(page: Page, case: str) -> None:
    sign_in(page, ADMIN)
    open_from_more(page, "Godkjenningsgrense")
    page.get_by_label("To personer fra").fill("mye")
    page.get_by_role("button", name="Sett grensen").click()
    expect(page.get_by_role("link", name="Skriv et beløp")).to_be_visible()
    page.get_by_label("To personer fra").fill("100 000")
    page.get_by_role("button", name="Sett grensen").click()
    expect(page.get_by_text("Grensen er satt.")).to_be_visible()
    sign_in(page, APPROVER)
    page.goto(f"/godkjenning/{case}")
    expect(page.get_by_text("To personer må godkjenne")).to_be_visible()
    page.get_by_role("button", name="Godkjenn").click()
    expect(page.get_by_text("Én person til må godkjenne før noe skjer.")).to_be_visible()
    expect(page.get_by_text("Du har allerede godkjent dette")).to_be_visible()
    expect(page.get_by_role("button", name="Godkjenn", exact=True)).to_have_count(0)
    sign_in(page, SECOND)
    page.goto(f"/godkjenning/{case}")
    page.get_by_role("button", name="Godkjenn").click()
    expect(page.get_by_text("Godkjent. Kontraktsforvalteren tar neste steg.")).to_be_visible()


def test_a_stand_in_decides_while_it_lasts(page: Page, case: str) -> None:
    sign_in(page, CONTROLLER)
    page.goto("/godkjenning")
    expect(page.get_by_text("Du avgjør ingenting")).to_be_visible()
    sign_in(page, APPROVER)
    page.goto("/godkjenning/vikarer")
    page.get_by_label("Vikarens e-postadresse").fill("ingen@eksempel.no")
    page.get_by_label("Første dag").fill("2026-10-10")
    page.get_by_label("Siste dag").fill("2026-10-20")
    page.get_by_role("button", name="Registrer vikaren").click()
    expect(page.get_by_role("link", name="Ingen er registrert med denne adressen.")).to_be_visible()
    page.get_by_label("Vikarens e-postadresse").fill(CONTROLLER)
    page.get_by_role("button", name="Registrer vikaren").click()
    expect(page.get_by_text("Vikaren er registrert.")).to_be_visible()
    sign_in(page, CONTROLLER)
    page.goto("/godkjenning")
    page.get_by_role("link", name="Lesjonsspor ved Akershus").click()
    expect(page.get_by_text("Du er vikar for Solveig Brekke til 20.10.2026.")).to_be_visible()
    page.get_by_role("button", name="Godkjenn", exact=True).click()
    expect(page.get_by_text("Godkjent. Kontraktsforvalteren tar neste steg.")).to_be_visible()
    expect(page.get_by_text("Ingrid Solbakken for Solveig Brekke")).to_be_visible()
    sign_in(page, APPROVER)
    page.goto("/godkjenning/vikarer")
    page.get_by_role("button", name="Ta tilbake").click()
    expect(page.get_by_text("Vikaren er tatt tilbake.")).to_be_visible()


def test_whoever_prepared_a_case_sees_it_but_does_not_decide(page: Page, case: str) -> None:
    sign_in(page, REQUESTER)
    page.goto(f"/godkjenning/{case}")
    expect(page.get_by_text("Rollene dine avgjør ikke denne saken.")).to_be_visible()
    expect(page.get_by_role("button", name="Godkjenn")).to_have_count(0)
    expect(page.get_by_text("Innenfor rammen:")).to_have_count(0)


def test_another_trusts_reader_finds_no_case_and_no_paper(page: Page, case: str) -> None:
    sign_in(page, READER)
    for address in (
        f"/godkjenning/{case}",
        f"/godkjenning/{case}/beslutningsgrunnlag.pdf",
        f"/godkjenning/{case}/dokument/dpia",
    ):
        answer = page.request.get(address)
        assert answer.status == 404, address


def test_the_decision_paper_and_the_documents_are_given_as_filed(page: Page, case: str) -> None:
    sign_in(page, APPROVER)
    first = page.request.get(f"/godkjenning/{case}/beslutningsgrunnlag.pdf")
    again = page.request.get(f"/godkjenning/{case}/beslutningsgrunnlag.pdf")
    assert (first.status, first.body()[:4]) == (200, b"%PDF")
    assert first.body() == again.body()
    assert page.request.get(f"/godkjenning/{case}/beslutningsgrunnlag.pdf?utgave=2").status == 404
    assert b"Eksempel" in page.request.get(f"/godkjenning/{case}/dokument/dpia").body()


@pytest.mark.parametrize("language", ["nb", "en"])
def test_every_page_of_approval_is_accessible_and_fits_a_phone(
    page: Page,
    case: str,
    language: str,
    assert_accessible: Callable[[Page], None],
    assert_no_overflow: Callable[[Page], None],
    csp_errors: Callable[[Page], list[str]],
) -> None:
    for email, addresses in (
        (APPROVER, ("/godkjenning", f"/godkjenning/{case}", "/godkjenning/vikarer", "/godkjenning/option:sorlandet")),
        (REQUESTER, (f"/godkjenning/{case}/gevinster",)),
        (ADMIN, ("/godkjenning/grense",)),
    ):
        sign_in(page, email, language)
        for address in addresses:
            page.set_viewport_size({"width": 1360, "height": 900})
            page.goto(address)
            assert page.locator("html").get_attribute("lang") == language
            assert_accessible(page)
            page.set_viewport_size(PHONE)
            assert_accessible(page)
            assert_no_overflow(page)
            assert csp_errors(page) == [], address


def test_gains_are_described_in_a_draft_and_stand_once_it_is_sent(page: Page, case: str) -> None:
    sign_in(page, APPROVER)
    page.goto(f"/godkjenning/{case}")
    page.get_by_label("Kommentar").fill("Beskriv gevinstene bedre.")
    page.get_by_role("button", name="Send tilbake").click()
    expect(page.get_by_text("Sendt tilbake med kommentaren din.")).to_be_visible()
    sign_in(page, REQUESTER)
    page.goto(f"/godkjenning/{case}/gevinster")
    page.get_by_label("Hva som oppnås").fill("Færre oversette lesjoner")
    page.get_by_label("Type").select_option("quality")
    page.get_by_label("Kilde").fill("Fagmiljøets vurdering")
    page.get_by_label("E-postadressen til den ansvarlige").fill(READER)
    page.get_by_role("button", name="Beskriv gevinsten").click()
    expect(page.get_by_role("link", name="Ingen som leser dette helseforetaket")).to_be_visible()
    page.get_by_label("E-postadressen til den ansvarlige").fill(REQUESTER)
    page.get_by_role("button", name="Beskriv gevinsten").click()
    expect(page.get_by_text("Gevinsten er beskrevet.")).to_be_visible()
    expect(
        page.get_by_text("Netto per år er ikke regnet ut, fordi beløpet i kroner ikke er kjent for: Færre")
    ).to_be_visible()
    page.get_by_role("button", name=re.compile("Ta ut.*Færre oversette lesjoner")).click()
    expect(page.get_by_text("Gevinsten er tatt ut.")).to_be_visible()


def test_a_request_to_go_beyond_the_ceiling_is_decided_with_a_comment(page: Page, live_app: Flask, case: str) -> None:
    with live_app.app_context(), db.write() as session:
        agreement = agreements.find_agreement(session)
        found = find_case(session, agreement_id=agreement.id, case_id=CaseId.parse(case))
        manager = access.find_actor(session, f"person:{MANAGER}")
        assert manager is not None
        ceiling.ask_override(
            session,
            case=found,
            request=Decimal("900000.00"),
            reason="Ingen annen vei.",
            actor=manager,
            now=datetime(2026, 10, 14, 9, tzinfo=UTC),
        )
        session.commit()
    sign_in(page, APPROVER)
    page.goto("/godkjenning")
    page.get_by_role("link", name="Gå ut over rammen").click()
    form = page.locator("#overrides form")
    form.get_by_role("button", name="Tillat", exact=True).click()
    expect(page.get_by_role("link", name="Si i én setning hvorfor.")).to_be_visible()
    form.get_by_label("Kommentar").fill("Styret er enig.")
    form.get_by_role("button", name="Tillat", exact=True).click()
    expect(page.get_by_text("Det er gitt lov til å gå ut over rammen for denne søknaden.")).to_be_visible()
    expect(page.locator("#overrides").get_by_text("Tillatt")).to_be_visible()
