"""An activation in a real browser: drafted, refused, documented, sent, approved on a phone, ordered, validated, live."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from billing.charges import basis, charging
from billing.projection.projection import Scenario, project
from billing.usage import metering
from contracts import agreements, audit, clock
from contracts.cases import CaseId, find_case, list_cases
from contracts.extensions import db
from contracts.options import catalogue, dossier, funding
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.terms import workflow
from contracts.terms.period import Period
from tests.browser.conftest import WIDE, on_the_example, serving
from tests.browser.walking import sign_in

pytestmark = pytest.mark.browser

REQUESTER = "amir.rostad@eksempel.no"
APPROVER = "solveig.brekke@eksempel.no"
MANAGER = "jonas.myrvold@eksempel.no"
READER = "randi.haugerud@eksempel.no"
TRUST, ALGORITHM = "akershus", "ct-pulmonary-metastases"
AUDITOR = Actor("reader", "Reader", (Grant("auditor"),))
CENTRE = "4712 Onkologisk radiologi"
PHONE = {"width": 360, "height": 800}
DUE = [item for item, by in workflow.DOSSIER_ITEMS["activation"].items() if by == "submit"]
Check = Callable[[Page], None]


@pytest.fixture
def live_app(example_database: Path, tmp_path: Path) -> Iterator[Flask]:
    """Give an app on a copy of the example whose product has let its certificate expire, with money set aside."""
    with on_the_example(example_database, tmp_path) as made:
        with db.write() as session:
            now = datetime.now(UTC)
            for year in (2026, 2027, 2028):
                funding.set_budget(
                    session,
                    trust=TRUST,
                    cost_centre=CENTRE,
                    year=year,
                    amount=Decimal(900_000),
                    approved_on=date(2026, 9, 1),
                    reference="Styresak 40/2026",
                    actor=COMMAND_LINE,
                    now=now,
                )
            certify(session, date(2026, 9, 30))
        yield made


@pytest.fixture
def live_url(live_app: Flask) -> Iterator[str]:
    with serving(live_app) as address:
        yield address


def certify(session: Any, until: date) -> None:
    """Record the product's certificate as one that lasts until a day."""
    catalogue.record_certificate(
        session,
        algorithm=ALGORITHM,
        number="EKS-MDR-23051",
        notified_body="Eksempel Kontrollorgan 9999",
        ce_class="IIb",
        valid_from=date(2023, 8, 14),
        expires_on=until,
        actor=COMMAND_LINE,
        now=datetime.now(UTC),
    )


def file_and_accept(page: Page, case: str, item: str, filer: str, accepter: str) -> None:
    """File a document as one person and accept it as another; the first is signed in before and after."""
    address = f"/opsjoner/{case}/dokument/{item}"
    page.goto(address)
    page.locator('input[name="fil"]').set_input_files(
        {"name": f"{item}.pdf", "mimeType": "application/pdf", "buffer": f"%PDF-1.7 {item}".encode()}
    )
    for name, value in (("cost_centre", CENTRE), ("year", "2027"), ("sub_processors", "Ingen"), ("place", "Norge")):
        if page.locator(f"#{name}").count():
            page.locator(f"#{name}").fill(value)
    page.get_by_role("button", name="Legg inn", exact=True).click()
    expect(page.get_by_text("Dokumentet er lagt inn.")).to_be_visible()
    page.goto(address)
    expect(page.get_by_text("Du la det inn, så en annen godtar det.")).to_be_visible()
    sign_in(page, accepter)
    page.goto(address)
    page.get_by_role("button", name="Godta", exact=True).click()
    expect(page.get_by_text("Dokumentet er godtatt.")).to_be_visible()
    sign_in(page, filer)


def file_the_rest(session: Any, case_id: str, items: list[str]) -> None:
    """File and accept the items that the browser need not show once more, as the requester and the manager do."""
    people = {one.email: access.actor_of_person(session, one) for one in access.example_people(session)}
    actor, accepter, now = people[REQUESTER], people[MANAGER], datetime.now(UTC)
    agreement_id = agreements.find_agreement(session).id
    for item in items:
        case = find_case(session, agreement_id=agreement_id, case_id=CaseId.parse(case_id))
        facts = dict.fromkeys(workflow.ITEM_FACTS.get(item, ()), "Norge")
        content = f"{item} of {case_id}".encode()
        made = dossier.offer(
            session, case=case, item=item, filename="paper.txt", content=content, facts=facts, actor=actor, now=now
        )
        assert made.entry_id is not None
        dossier.judge(session, case=case, item=item, seen=made.entry_id, status="accepted", actor=accepter, now=now)


def take(page: Page, case: str, event: str, button: str, day: str | None = None) -> None:
    page.goto(f"/opsjoner/{case}/steg/{event}")
    if day is not None:
        page.locator("#dag").fill(day)
    page.get_by_role("button", name=button, exact=True).click()


def test_from_a_draft_to_the_first_month_of_the_ramp_up(
    page: Page, live_app: Flask, assert_accessible: Check, assert_no_overflow: Check
) -> None:
    sign_in(page, REQUESTER)
    page.get_by_role("link", name="Opsjoner", exact=True).click()
    assert_accessible(page)
    page.get_by_role("link", name="Ny aktivering").click()
    page.locator("#alg").select_option(ALGORITHM)
    page.locator("#hf").select_option(TRUST)
    page.locator("#dag").fill("2026-11-02")
    page.locator("#antall").fill("120")
    page.locator("#bruk").fill("Oppfølging av kjent kreft")
    page.get_by_role("button", name="Vis kostnaden").click()
    expect(page.get_by_role("heading", name="Kostnadsanslag")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Opprett utkast").click()
    expect(page.get_by_text("Utkastet er opprettet.")).to_be_visible()
    case = page.url.rsplit("/", 1)[-1].replace("%3A", ":")
    assert_accessible(page)

    # Everything is filed but the DPIA, and the certificate has expired: both are told together.
    by_hand = ("decision_and_funding", "dpia")
    with live_app.app_context(), db.write() as session:
        file_the_rest(session, case, [item for item in DUE if item not in by_hand])
    file_and_accept(page, case, "decision_and_funding", REQUESTER, MANAGER)
    take(page, case, "submit", "Send til godkjenning")
    main = page.locator("main")
    expect(main.get_by_text("Ingen sertifikater er gyldige 02.11.2026").first).to_be_visible()
    expect(main.get_by_text("(DPIA)» har ikke noe godtatt dokument").first).to_be_visible()
    assert_accessible(page)
    with live_app.app_context(), db.write() as session:
        certify(session, date(2028, 8, 13))
    file_and_accept(page, case, "dpia", REQUESTER, MANAGER)
    page.goto(f"/opsjoner/{case}/steg/submit")
    expect(main.get_by_text("Høyst (P90)")).to_be_visible()
    assert_accessible(page)
    assert_no_overflow(page)
    page.get_by_role("button", name="Send til godkjenning", exact=True).click()
    expect(page.get_by_text("Sendt til godkjenning: utført.")).to_be_visible()
    # Who asked does not decide, and who may not is told who may.
    expect(main.get_by_text("Det gjøres av en godkjenner").first).to_be_visible()

    page.set_viewport_size(PHONE)
    sign_in(page, APPROVER)
    page.goto(f"/godkjenning/{case}")
    page.get_by_role("button", name="Godkjenn", exact=True).click()
    expect(page.get_by_text("Godkjent. Kontraktsforvalteren tar neste steg.")).to_be_visible()
    page.goto(f"/opsjoner/{case}")
    assert_no_overflow(page)
    assert_accessible(page)

    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    sign_in(page, MANAGER)
    file_and_accept(page, case, "call_off_form", MANAGER, REQUESTER)
    take(page, case, "order", "Bestill hos leverandøren")
    expect(page.get_by_text("Bestilt: utført.")).to_be_visible()
    with page.expect_download() as told:
        page.get_by_role("link", name="bestilling-akershus").click()
    assert Path(told.value.path()).read_bytes().startswith(b"%PDF-")
    page.locator("#bekreftelse").set_input_files(
        {"name": "ordrebekreftelse.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 yes"}
    )
    page.get_by_role("button", name="Registrer bekreftelsen").click()
    expect(page.get_by_text("Leverandørens bekreftelse er registrert.")).to_be_visible()
    take(page, case, "start_validation", "Start valideringen", "2026-10-15")
    expect(page.get_by_text("Valideringen begynte: utført.")).to_be_visible()
    with live_app.app_context(), db.write() as session:
        file_the_rest(session, case, ["integration", "validation_report", "training"])
    take(page, case, "go_live", "Sett i drift", "2026-11-02")
    expect(page.get_by_text("Satt i drift: utført.")).to_be_visible()
    assert_accessible(page)

    with live_app.app_context(), db.read() as session:
        found = agreements.find_agreement(session)
        live = next(one for one in list_cases(session, agreement_id=found.id) if str(one.id) == case)
        assert live.state == "live"
        assert live.activation is not None
        assert (live.activation.validation_from, live.activation.go_live_on) == (date(2026, 10, 15), date(2026, 11, 2))
        gathered = basis.gather(session, agreement_id=found.id)
        assert any(
            (one.trust, one.algorithm, one.go_live) == (TRUST, ALGORITHM, date(2026, 11, 2))
            for one in gathered.activations
        )
        assert not audit.verify(session).breaks
        assert access.names_of(session, {live.recorded_by})[live.recorded_by] == "Amir Rostad"
    with live_app.app_context(), db.write() as session:
        the_first_month_is_charged_and_projected_with_its_discount(session, found.id)


def the_first_month_is_charged_and_projected_with_its_discount(session: Any, agreement_id: int) -> None:
    """Count forty examinations on a day of November and read them back as charged and as projected."""
    november, examinations = Period.parse("2026-11"), 40
    clock.set_example_today(session, day=date(2026, 12, 1), actor=COMMAND_LINE, now=datetime.now(UTC))
    asked = Scenario(november, date(2026, 12, 1))
    before = project(session, agreement_id=agreement_id, scenario=asked, actor=AUDITOR).course.months[0]
    counted = metering.import_usage(
        session,
        agreement_id=agreement_id,
        filename="november.csv",
        content=f"trust,algorithm,date,quantity\n{TRUST},{ALGORITHM},2026-11-03,{examinations}\n".encode(),
        actor=COMMAND_LINE,
        now=datetime(2026, 12, 1, 9, tzinfo=UTC),
    )
    assert counted.status == "imported", counted.errors
    charges = charging.expected_charges(session, agreement_id=agreement_id, period=november, trust=TRUST, actor=AUDITOR)
    lines = [one for one in charges.lines if one.algorithm == ALGORITHM and one.quantity is not None]
    assert [(one.quantity, one.phase) for one in lines] == [(examinations, 1)]
    discount = Decimal(lines[0].discount_ore) / 100
    assert discount > 0
    after = project(session, agreement_id=agreement_id, scenario=asked, actor=AUDITOR).course.months[0]
    assert after.discount - before.discount == discount
    assert after.cost > before.cost


def test_a_refused_step_changes_nothing_and_a_stale_page_is_not_taken(page: Page, live_app: Flask) -> None:
    sign_in(page, MANAGER)
    page.goto("/opsjoner/option:sorlandet/steg/withdraw")
    other = page.context.new_page()
    other.goto("/opsjoner/option:sorlandet/dokument/decision_and_funding")
    other.locator('input[name="fil"]').set_input_files(
        {"name": "vedtak.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 x"}
    )
    other.get_by_role("button", name="Legg inn", exact=True).click()
    expect(other.get_by_text("Dokumentet er lagt inn.")).to_be_visible()
    page.get_by_role("button", name="Trekk opsjonen", exact=True).click()
    expect(page.get_by_text("Saken ble endret etter at du åpnet den.").first).to_be_visible()
    with live_app.app_context(), db.read() as session:
        found = agreements.find_agreement(session)
        states = {str(one.id): one.state for one in list_cases(session, agreement_id=found.id)}
    assert states["option:sorlandet"] == "under_review"


def test_a_reader_of_one_trust_sees_its_own_cases_and_no_buttons(page: Page) -> None:
    sign_in(page, READER)
    page.goto("/opsjoner")
    expect(page.get_by_role("table", name="Opsjoner per helseforetak").locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Vestre Viken HF").click()
    expect(page.get_by_text("Rollene dine tillater ikke dette.").first).to_be_visible()
    assert page.goto("/opsjoner/option:oslo").status == 404  # type: ignore[union-attr]
    assert page.goto("/opsjoner/option:vestre-viken/steg/end").status == 403  # type: ignore[union-attr]


@pytest.mark.parametrize("language", ["nb", "en"])
def test_the_pages_are_accessible_and_fit_a_phone(
    page: Page, language: str, assert_accessible: Check, assert_no_overflow: Check
) -> None:
    sign_in(page, MANAGER, language)
    for address in ("/opsjoner", "/opsjoner/option:sorlandet", "/opsjoner/ny", "/hjelp/arbeidsflyt"):
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        page.goto(address)
        assert_accessible(page)
        assert_no_overflow(page)
        page.set_viewport_size(PHONE)
        assert_accessible(page)
        assert_no_overflow(page)
