"""The import wizard in a real browser: decimal commas, an ambiguous column, two unknown codes, an identity number."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from billing.jobs import run_next
from contracts.work.worker import Worker
from tests.conftest import make_app

pytestmark = pytest.mark.browser

CONTROLLER = "ingrid.solbakken@eksempel.no"
NATIONAL = "01019000083"
HEADER = "Sykehus;Undersøkelse;Dato;Antall;Merknad\n"
ROWS = "".join(f"AHUS;RTG;{day:02}/10/2026;1.{day:03},00;ok\n" for day in range(1, 13))

WORDS = {
    "nb": {
        "import": "Importer volum",
        "step1": "Gå videre til tolkningen",
        "step2": "Gå videre til tall og datoer",
        "check": "Kontroller fila",
        "two_ways": "Verdiene kan leses på mer enn én måte",
        "right": "«1.001,00» leses som 1 001,00",
        "asked": "Si hvordan tallene skal leses.",
        "refused": "Fila er avvist og kastet",
        "place": "Rad 14, kolonne «Merknad»",
        "keep": "Behold disse kodene",
        "same_way": "Leses på samme måte som",
        "in_order": "Fila er i orden",
        "confirm": "Gå videre til bekreftelsen",
        "take_in": "Les inn fila",
        "done": "Fila er lest inn.",
        "take_back": "Trekk importen tilbake",
        "taken_back": "Importen er trukket tilbake",
        "again": "Nøyaktig denne fila er allerede lest inn",
    },
    "en": {
        "import": "Import usage",
        "step1": "Go on to the reading",
        "step2": "Go on to numbers and dates",
        "check": "Check the file",
        "two_ways": "The values can be read in more than one way",
        "right": "“1.001,00” is read as 1,001.00",
        "asked": "Say how the numbers are to be read.",
        "refused": "The file is refused and thrown away",
        "place": "Row 14, column “Merknad”",
        "keep": "Keep these codes",
        "same_way": "The file is read the same way",
        "in_order": "The file is in order",
        "confirm": "Go on to confirm",
        "take_in": "Take the file in",
        "done": "The file is taken in.",
        "take_back": "Take the import back",
        "taken_back": "The import is taken back",
        "again": "This very file is taken in already",
    },
}


@pytest.fixture(scope="module")
def live_app(example_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    folder = tmp_path_factory.mktemp("usage-import")
    path = folder / "example.db"
    shutil.copyfile(example_database, path)
    made = make_app(
        f"sqlite:///{path}",
        folder,
        WTF_CSRF_ENABLED=True,
        JOB_PROGRESS_SECONDS=0.05,
        USAGE_PATIENCE_SECONDS=20,  # so that the test never sees the page of a running job but where it wants to
    )
    worker = Worker(lambda who, stopping: run_next(made, who, stopping), poll=0.05)
    worker.start()
    yield made
    worker.stop()
    made.extensions["trinnvis_engine"].dispose()


class Look:
    """Looks at each step as everybody must be able to see it: with axe, and on a phone."""

    def __init__(self, accessible: Callable[[Page], None], fits: Callable[[Page], None]) -> None:
        self.accessible, self.fits = accessible, fits

    def __call__(self, page: Page) -> None:
        self.accessible(page)
        self.fits(page)


@pytest.fixture
def look(assert_accessible: Callable[[Page], None], assert_no_overflow: Callable[[Page], None]) -> Look:
    return Look(assert_accessible, assert_no_overflow)


def sign_in(page: Page, language: str) -> None:
    page.goto(f"/logg-inn?lang={language}")
    page.locator(f'button[value="{CONTROLLER}"]').click()
    expect(page.locator("nav.tv-nav")).to_be_visible()


def send(page: Page, words: dict[str, str], path: Path, text: str) -> None:
    path.write_text(text)
    page.locator("#fil").set_input_files(path)
    page.get_by_role("button", name=words["step1"]).click()


@pytest.mark.parametrize("language", ["nb", "en"])
def test_a_file_with_every_trouble_is_brought_in_step_by_step_and_taken_back(
    page: Page, look: Look, tmp_path: Path, language: str
) -> None:
    words = WORDS[language]
    sign_in(page, language)
    page.goto("/volum")
    page.get_by_role("link", name=words["import"]).first.click()
    look(page)
    page.get_by_role("button", name=words["step1"]).click()
    expect(page.locator(".ds-error-summary")).to_be_focused()
    look(page)

    name = f"oktober-{language}.csv"
    send(page, words, tmp_path / name, HEADER + ROWS + f"AHUS;RTG;13/10/2026;3,00;{NATIONAL}\n")
    look(page)
    page.get_by_role("button", name=words["step2"]).click()
    expect(page.get_by_text(words["right"])).to_be_visible()
    look(page)
    page.get_by_role("button", name=words["check"]).click()
    expect(page.locator("#tall-error")).to_have_text(words["asked"])
    look(page)
    page.locator("#tall-comma_decimal").check()
    page.locator("#datoer-day_slashes").check()
    page.get_by_role("button", name=words["check"]).click()
    expect(page.get_by_text(words["refused"])).to_be_visible()
    expect(page.get_by_role("alert").or_(page.locator(".tv-alert")).get_by_text(words["place"])).to_be_visible()
    assert NATIONAL not in page.content()
    look(page)
    page.locator("#trust-0").select_option("akershus")
    page.locator("#algorithm-0").select_option("xray-skeletal")
    page.get_by_role("button", name=words["keep"]).click()
    look(page)

    text = HEADER + ROWS.replace("12/10", f"{12 if language == 'nb' else 13}/10")
    send(page, words, tmp_path / name, text)
    expect(page.locator("#tall-comma_decimal")).to_be_checked()
    page.get_by_role("button", name=words["check"]).click()
    expect(page.get_by_text(words["in_order"])).to_be_visible()
    look(page)
    page.get_by_role("link", name=words["confirm"]).click()
    look(page)
    page.get_by_role("button", name=words["take_in"]).click()
    expect(page.get_by_text(words["done"])).to_be_visible()
    look(page)
    receipt = page.url
    page.goto("/volum/import/ny")
    send(page, words, tmp_path / f"another-{name}", text)
    expect(page.get_by_text(words["again"])).to_be_visible()
    assert page.url == receipt
    page.get_by_role("link", name=words["take_back"]).click()
    look(page)
    page.get_by_role("button", name=words["take_back"]).click()
    expect(page.locator("#begrunnelse-error")).to_be_visible()
    page.locator("#begrunnelse").fill("A trial.")
    page.get_by_role("button", name=words["take_back"]).click()
    expect(page.get_by_role("heading", name=words["taken_back"])).to_be_visible()
    look(page)


@pytest.mark.parametrize("language", ["nb", "en"])
def test_a_column_that_can_be_read_in_two_ways_stops_the_way_until_it_is_chosen(
    page: Page, look: Look, tmp_path: Path, language: str
) -> None:
    words = WORDS[language]
    sign_in(page, language)
    page.goto("/volum/import/ny")
    send(page, words, tmp_path / "tvetydig.csv", HEADER + "akershus;xray-skeletal;02/10/2026;1.234;\n")
    page.get_by_role("button", name=words["step2"]).click()
    expect(page.get_by_text(words["two_ways"])).to_have_count(2)
    expect(page.locator("input:checked")).to_have_count(0)
    look(page)


def test_a_check_goes_on_when_its_reader_is_gone(live_app: Flask, page: Page, look: Look, tmp_path: Path) -> None:
    words = WORDS["nb"]
    patience, live_app.config["USAGE_PATIENCE_SECONDS"] = live_app.config["USAGE_PATIENCE_SECONDS"], 0
    try:
        sign_in(page, "nb")
        page.goto("/volum/import/ny")
        send(page, words, tmp_path / "plain.csv", "trust,algorithm,date,quantity\noslo,xray-skeletal,2026-10-01,3\n")
        page.get_by_role("button", name=words["check"]).click()
        address = page.url
        page.goto("about:blank")
        page.goto("/volum/import/ny")
        expect(page.get_by_role("table", name="Dine filer som venter")).to_contain_text("plain.csv")
        page.goto(address)
        page.get_by_role("link", name="Se hva kontrollen fant").or_(
            page.get_by_text(words["in_order"])
        ).first.wait_for()
        page.goto(address)
        expect(page.get_by_text(words["in_order"])).to_be_visible()
    finally:
        live_app.config["USAGE_PATIENCE_SECONDS"] = patience
