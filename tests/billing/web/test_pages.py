"""The pages by their answers: who sees what, in which language, and what an address that is not understood gets."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from billing.charges import basis, charging
from billing.example.vendor import vendor_invoice
from billing.invoices import invoices
from contracts import agreements
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from contracts.schemas.agreement import dump_agreement, load_agreement
from contracts.terms.period import Period
from contracts.web import formatting
from tests import examples

CONTROLLER = "ingrid.solbakken@eksempel.no"
READER = "randi.haugerud@eksempel.no"
AUDITOR = "marit.lindqvist@eksempel.no"
ADMIN = "eirik.nesheim@eksempel.no"

WHAT_IF = "/prognoser/hva-om?hf=oslo&alg=ct-pe&maaned=2026-11&antall=300&tilvenning=6"
PAGES = [
    "/",
    "/avtaler/ra-2024-ki",
    "/kostnader?periode=2026-Q3",
    "/kostnader?periode=2026&hf=oslo",
    "/prognoser/hva-om",
    "/prognoser/hva-om?hf=sykehuset-telemark",
    WHAT_IF,
    "/avstemming",
    "/avstemming/faktura/1",
    "/hf/oslo",
    "/hf/sykehuset-telemark",
]


@pytest.fixture
def as_person(example_app: Flask) -> Callable[[str], FlaskClient]:
    def sign_in(email: str) -> FlaskClient:
        client = example_app.test_client()
        assert client.post("/logg-inn", data={"person": email}).status_code == 302
        return client

    return sign_in


@pytest.fixture
def controller(as_person: Callable[[str], FlaskClient]) -> FlaskClient:
    return as_person(CONTROLLER)


@pytest.fixture
def reader(as_person: Callable[[str], FlaskClient]) -> FlaskClient:
    return as_person(READER)


def shown(client: FlaskClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, f"{address}: {answer.status_code}"
    return answer.text


def lines_of(quarter: str) -> dict[str, list[str]]:
    """Give the ids of a quarter's lines by trust."""
    found: dict[str, list[str]] = {}
    with db.read() as session:
        terms = basis.gather(session, agreement_id=agreements.find_agreement(session).id)
        for line in terms.rate(Period.parse(quarter)).lines:
            found.setdefault(line.trust or "", []).append(line.id)
    return found


def figures(page: str) -> list[str]:
    """Give the digits of every figure in a table's numeric column and every key figure, in the page's order."""
    cells = re.findall(r'<(?:td|th scope="row") class="tv-num">(.*?)</t[dh]>', page, re.S)
    cells += re.findall(r'<dd class="tv-key-figure__value">(.*?)</dd>', page, re.S)
    return [re.sub(r"\D", "", re.sub(r"<[^>]+>", "", cell)) for cell in cells]


@pytest.mark.parametrize("address", PAGES)
def test_a_page_says_the_same_amounts_in_both_languages(controller: FlaskClient, address: str) -> None:
    norwegian = shown(controller, address)
    controller.set_cookie("lang", "en")
    english = shown(controller, address)
    assert '<html lang="nb"' in norwegian
    assert '<html lang="en"' in english
    assert figures(norwegian) == figures(english)
    assert "kvartal" not in english


@pytest.mark.parametrize("address", PAGES)
def test_a_parameter_that_a_page_does_not_know_is_refused_by_name(controller: FlaskClient, address: str) -> None:
    page = shown(controller, f"{address}{'&' if '?' in address else '?'}filter=1", 400)
    assert "filter" in page


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("/kostnader?periode=2026-13", "2026-13"),
        ("/kostnader?periode=2026-Q3&periode=2026-Q2", "periode"),
        ("/?kjent=yesterday", "yesterday"),
        ("/kostnader?kjent=2026-02-30", "2026-02-30"),
    ],
)
def test_an_address_that_is_not_understood_says_what(controller: FlaskClient, address: str, named: str) -> None:
    assert named in shown(controller, address, 400)


@pytest.mark.parametrize(
    "address",
    ["/avtaler/nope", "/hf/nope", "/forklaring/0000", "/avstemming/faktura/99", "/avstemming/faktura/99/original", "/?agreement=nope"],
)  # fmt: skip
def test_what_does_not_exist_is_not_found(controller: FlaskClient, address: str) -> None:
    shown(controller, address, 404)


@pytest.mark.parametrize("address", [*PAGES, "/forklaring/0000"])
def test_nobody_sees_a_page_without_signing_in(example_app: Flask, address: str) -> None:
    answer = example_app.test_client().get(address)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/logg-inn")


def test_a_page_without_its_period_leads_to_the_newest_quarter_by_its_own_address(controller: FlaskClient) -> None:
    assert controller.get("/kostnader").headers["Location"] == "/kostnader?periode=2026-Q3"
    assert controller.get("/avtaler").headers["Location"] == "/avtaler/ra-2024-ki"


def test_every_amount_of_a_quarter_leads_to_its_explanation_and_they_sum_to_the_total(controller: FlaskClient) -> None:
    page = shown(controller, "/kostnader?periode=2026-Q3")
    linked = set(re.findall(r"/forklaring/([0-9a-f]{16})\?periode=2026-Q3", page))
    assert linked == {line_id for ids in lines_of("2026-Q3").values() for line_id in ids}
    with db.read() as session:
        total = charging.expected_charges(
            session,
            agreement_id=agreements.find_agreement(session).id,
            period=Period.parse("2026-Q3"),
            actor=COMMAND_LINE,
        ).total
    assert formatting.amount(total, "nb") in page


def test_the_page_and_the_json_of_an_explanation_say_the_same(controller: FlaskClient) -> None:
    line_id = lines_of("2026-Q3")["oslo"][0]
    page = shown(controller, f"/forklaring/{line_id}?periode=2026-Q3")
    document = controller.get(f"/forklaring/{line_id}.json?periode=2026-Q3").json
    assert document is not None
    assert document["id"] == line_id
    assert formatting.amount(Decimal(document["total"]), "nb") in page
    assert formatting.amount(Decimal(document["line"]["net"]), "nb") in page
    assert sum(Decimal(line["net"]) for line in document["lines"]) == Decimal(document["total"])
    assert document["line"]["clause"] in page


def test_the_dashboard_adds_up_to_the_charges_of_the_year(controller: FlaskClient) -> None:
    with db.read() as session:
        total = charging.expected_charges(
            session,
            agreement_id=agreements.find_agreement(session).id,
            period=Period.parse("2026-Q1"),
            actor=COMMAND_LINE,
        ).total
    assert formatting.amount(total, "nb") in shown(controller, "/")
    with db.read() as session:
        year = [
            charging.expected_charges(
                session,
                agreement_id=agreements.find_agreement(session).id,
                period=Period.parse(f"2026-Q{number}"),
                actor=COMMAND_LINE,
            ).total
            for number in (1, 2)  # of the third a count lacks
        ]
    assert formatting.amount(sum(year, Decimal(0)), "nb") in shown(controller, "/")


# --- Within one trust -----------------------------------------------------------------------------------------------

OTHERS = ["Oslo", "Akershus", "Innlandet", "Østfold", "Vestfold", "Nord-Norge"]


@pytest.mark.parametrize("address", ["/", "/kostnader?periode=2026-Q3", "/hf/vestre-viken", "/avtaler/ra-2024-ki"])
def test_a_reader_within_a_trust_meets_no_other_trust_by_name(reader: FlaskClient, address: str) -> None:
    page = shown(reader, address)
    assert "Vestre Viken" in page
    assert [name for name in OTHERS if name in page] == []


def test_a_reader_within_a_trust_sees_the_others_together(reader: FlaskClient) -> None:
    page = shown(reader, "/")
    assert "De andre helseforetakene samlet" in page
    assert "Alle helseforetak samlet" in page


@pytest.mark.parametrize(
    "address",
    [
        "/hf/oslo",
        "/kostnader?periode=2026-Q3&hf=oslo",
        "/prognoser/hva-om?hf=oslo",
        "/avstemming",
        "/avstemming/faktura/1",
        "/avstemming/faktura/1/original",
    ],
)
def test_what_another_trust_has_is_not_found_within_a_trust(reader: FlaskClient, address: str) -> None:
    shown(reader, address, 404)


def test_another_trusts_line_is_not_found_within_a_trust(reader: FlaskClient) -> None:
    ids = lines_of("2026-Q3")
    shown(reader, f"/forklaring/{ids['vestre-viken'][0]}")
    shown(reader, f"/forklaring/{ids['oslo'][0]}", 404)
    shown(reader, f"/forklaring/{ids['oslo'][0]}.json", 404)


def test_a_what_if_within_a_trust_names_nobody_else(reader: FlaskClient) -> None:
    page = shown(reader, "/prognoser/hva-om?alg=ct-pulmonary-metastases&maaned=2027-01&antall=200")
    assert [name for name in OTHERS if name in page] == []
    assert "De andre samlet" in page


def test_an_administrator_reads_no_amounts(as_person: Callable[[str], FlaskClient]) -> None:
    admin = as_person(ADMIN)
    assert " kr" not in shown(admin, "/")
    assert "/kostnader" not in shown(admin, "/")
    shown(admin, "/kostnader", 403)
    shown(admin, "/forklaring/0000", 403)


# --- What if --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("alg=&maaned=2027-01&antall=10", "alg"),
        ("alg=xray-skeletal&maaned=2027-01&antall=10", "alg"),
        ("alg=nope&maaned=2027-01&antall=10", "alg"),
        ("alg=ct-pe&maaned=2028-01&antall=10", "maaned"),
        ("alg=ct-pe&maaned=2027-Q1&antall=10", "maaned"),
        ("alg=ct-pe&maaned=&antall=10", "maaned"),
        ("alg=ct-pe&maaned=2027-01&antall=", "antall"),
        ("alg=ct-pe&maaned=2027-01&antall=0", "antall"),
        ("alg=ct-pe&maaned=2027-01&antall=1,5", "antall"),
        ("alg=ct-pe&maaned=2027-01&antall=9999999", "antall"),
        ("alg=ct-pe&maaned=2027-01&antall=10&tilvenning=-1", "tilvenning"),
    ],
)
def test_a_wrong_assumption_is_an_error_at_its_field(controller: FlaskClient, query: str, field: str) -> None:
    page = shown(controller, f"/prognoser/hva-om?hf=oslo&{query}", 422)
    assert f'href="#{field}"' in page
    assert f'id="{field}-error"' in page
    assert "<title>Feil:" in page


def test_a_trust_that_is_not_on_the_list_is_an_error(controller: FlaskClient) -> None:
    assert "lukkede liste" in shown(controller, "/prognoser/hva-om?hf=nope", 422)


def test_a_number_may_be_written_in_groups(controller: FlaskClient) -> None:
    shown(controller, "/prognoser/hva-om?hf=oslo&alg=ct-pe&maaned=2027-01&antall=1%20200")


def test_only_algorithms_that_do_not_run_at_the_trust_are_offered(controller: FlaskClient) -> None:
    page = shown(controller, "/prognoser/hva-om?hf=oslo")
    assert 'value="ct-pe"' in page
    assert 'value="xray-skeletal"' not in page


def test_the_parts_of_a_what_if_sum_to_the_framework(controller: FlaskClient) -> None:
    page = shown(controller, WHAT_IF)
    foot = re.search(r'id="month-table".*?<tfoot>(.*?)</tfoot>', page, re.S)
    assert foot is not None
    cells = [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", foot[1], re.S)]
    own, others, framework = (
        Decimal(cell.replace(formatting.NBSP, "").replace(formatting.MINUS, "-").replace(",", "."))
        for cell in cells[-3:]
    )
    assert own > 0
    assert own + others == framework


# --- Invoices -------------------------------------------------------------------------------------------------------


def upload(client: FlaskClient, content: bytes, name: str = "faktura.xml") -> tuple[int, str, str]:
    answer = client.post("/avstemming", data={"fil": (io.BytesIO(content), name)}, content_type="multipart/form-data")
    return answer.status_code, answer.headers.get("Location", ""), answer.text


def invoice_bytes() -> bytes:
    """The example's invoice once more, under another number."""
    with db.read() as session:
        agreement_id = agreements.find_agreement(session).id
        terms = basis.gather(session, agreement_id=agreement_id)
        return vendor_invoice(
            terms, agreements.option_holders(session, agreement_id), agreements.marketplace(session, agreement_id)
        )


def latest_difference() -> Decimal:
    """What the example's latest invoice bills too much."""
    with db.read() as session:
        agreement_id = agreements.find_agreement(session).id
        newest = invoices.list_invoices(session, agreement_id=agreement_id, actor=COMMAND_LINE)[0]
        return invoices.compare(session, agreement_id=agreement_id, invoice_id=newest.id, actor=COMMAND_LINE).difference


def recorded_invoices() -> list[int]:
    with db.read() as session:
        agreement_id = agreements.find_agreement(session).id
        listed = invoices.list_invoices(session, agreement_id=agreement_id, actor=COMMAND_LINE)
        return sorted(each.id for each in listed)


def test_an_uploaded_invoice_is_read_compared_and_given_back_byte_for_byte(controller: FlaskClient) -> None:
    content = invoice_bytes().replace(b">20261042<", b">20261099<")
    status, location, _ = upload(controller, content)
    assert status == 303
    page = shown(controller, location)
    assert "20261099" in page
    assert formatting.money(latest_difference(), "nb") in page
    original = controller.get(f"{location}/original")
    assert original.data == content
    assert original.headers["Content-Disposition"].startswith("attachment")


def test_the_same_document_is_never_kept_twice(controller: FlaskClient) -> None:
    newest = recorded_invoices()[-1]
    status, location, _ = upload(controller, invoice_bytes())
    assert (status, location) == (303, f"/avstemming/faktura/{newest}")
    assert "mottatt før" in shown(controller, location)
    shown(controller, f"/avstemming/faktura/{newest + 1}", 404)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Fila er tom"),
        (b"not xml", "ikke gyldig XML"),
        (
            b'<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY b "c">]>\n<a>&b;</a>',
            "Linje 2: Dokumentet har en dokumenttype",
        ),
        (b"<html/>", "verken en EHF-faktura"),
        (b"<Invoice xmlns='urn:oasis:names:specification:ubl:schema:xsd:Invoice-2'><a>", "ikke komplett"),
    ],
    ids=["empty", "not xml", "doctype", "another root", "cut off"],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_sentence_and_nothing_is_kept(
    controller: FlaskClient, content: bytes, said: str
) -> None:
    status, _, page = upload(controller, content)
    assert status == 422
    assert said in page
    assert "Ingenting er lagret." in page
    assert 'id="fil-error"' in page
    shown(controller, f"/avstemming/faktura/{recorded_invoices()[-1] + 1}", 404)


def test_an_upload_without_a_file_is_an_error(controller: FlaskClient) -> None:
    answer = controller.post("/avstemming", data={}, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert "Velg en fil først." in answer.text


def test_only_who_may_receive_invoices_sees_the_form_and_may_use_it(as_person: Callable[[str], FlaskClient]) -> None:
    auditor = as_person(AUDITOR)
    assert "Last opp en faktura" not in shown(auditor, "/avstemming")
    assert upload(auditor, b"<a/>")[0] == 403


@pytest.mark.parametrize(
    ("change", "said", "listed"),
    [
        ((b"NOK", b"EUR"), "Vi trekker aldri fra beløp i en annen valuta.", "Ikke sammenlignbar"),
        ((b"InvoicePeriod", b"OtherPeriod"), "oppgir ingen periode", "mangler"),
    ],
    ids=["another currency", "no period"],
)
def test_what_cannot_be_compared_is_not_and_says_why(
    controller: FlaskClient, change: tuple[bytes, bytes], said: str, listed: str
) -> None:
    status, location, _ = upload(controller, invoice_bytes().replace(*change))
    assert status == 303
    page = shown(controller, location)
    assert said in page
    assert "Ikke sammenlignbar" in page
    assert listed in shown(controller, "/avstemming")


# --- As known, several agreements, and none ---------------------------------------------------------------------------


def test_a_page_can_be_asked_as_it_was_known_and_its_links_keep_the_moment(controller: FlaskClient) -> None:
    page = shown(controller, "/?kjent=2026-08-20")
    assert "Kjent 20.08.2026" in page
    assert "/kostnader?kjent=2026-08-20&amp;periode=2026-Q3" in page
    assert "Kjent 15.10.2026" in shown(controller, "/")


def test_a_moment_with_an_offset_is_read_though_the_plus_of_an_address_is_a_space(controller: FlaskClient) -> None:
    page = shown(controller, "/?kjent=2026-08-20T12:00:00+02:00")
    assert re.search(r"Kjent\s+(<[^>]+>)*20\.08\.2026\s+kl\.\s+12[.:]00", page)


@pytest.mark.parametrize("address", ["/", "/avtaler", "/kostnader", "/prognoser/hva-om", "/avstemming", "/hf/oslo"])
def test_without_an_agreement_every_page_says_what_comes_first(
    sign_in_as: Callable[..., FlaskClient], address: str
) -> None:
    page = shown(sign_in_as("finance_controller"), address)
    assert "En kontraktsforvalter gjør dette." in page
    page = shown(sign_in_as("contract_manager"), address)
    assert 'type="file"' in page
    assert "flask" not in page


def test_the_first_agreement_comes_in_by_its_file_whole_or_not_at_all(sign_in_as: Callable[..., FlaskClient]) -> None:
    def send(client: FlaskClient, content: bytes) -> Any:
        return client.post("/avtaler", data={"file": (io.BytesIO(content), "avtale.json")})

    manager, document = sign_in_as("contract_manager"), examples.agreement()
    assert send(sign_in_as("finance_controller"), json.dumps(document).encode()).status_code == 403
    for content, told in (
        (b"", "Velg en fil."),
        (b"{", "line 1"),
        (json.dumps(document | {"currency": "NOK"}).encode(), "/currency"),
    ):
        refused = send(manager, content)
        assert (refused.status_code, told in refused.text) == (422, True), told
    with db.read() as session:
        assert agreements.list_agreements(session) == []
    taken = send(manager, json.dumps(document).encode())
    assert (taken.status_code, taken.headers["Location"]) == (303, "/avtaler/ra-test/frister")


def test_with_two_agreements_a_page_asks_which_and_keeps_the_answer(
    example_app: Flask, controller: FlaskClient
) -> None:
    with db.write() as session:
        document = dump_agreement(
            agreements.export_agreement(session, agreement_id=agreements.find_agreement(session).id)
        )
        document |= {"code": "ra-2", "name": "Den andre avtalen", "activations": []}
        from datetime import UTC, datetime

        agreements.import_agreement(
            session, document=load_agreement(document), actor=COMMAND_LINE, now=datetime(2026, 10, 15, tzinfo=UTC)
        )
    choice = shown(controller, "/kostnader?periode=2026-Q3")
    assert "/kostnader?periode=2026-Q3&amp;agreement=ra-2024-ki" in choice
    page = shown(controller, "/kostnader?periode=2026-Q3&agreement=ra-2024-ki")
    assert "agreement=ra-2024-ki" in page
    assert re.search(r"/forklaring/[0-9a-f]{16}\?agreement=ra-2024-ki&amp;periode=2026-Q3", page)
    assert "Ingen kostnader i denne perioden" in shown(controller, "/kostnader?periode=2026-Q3&agreement=ra-2")
    assert "Ikke noe forbruk" in shown(controller, "/?agreement=ra-2")
    assert "Den andre avtalen" in shown(controller, "/avtaler/ra-2")


def test_an_empty_kjent_is_now_and_is_not_led_on(controller: FlaskClient) -> None:
    assert not re.search(r'href="[^"]*kjent=', shown(controller, "/avtaler/ra-2024-ki/prislister?kjent="))
    assert shown(controller, "/opsjoner?kjent=")
