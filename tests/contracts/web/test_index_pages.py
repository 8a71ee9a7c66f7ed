"""Pages of index adjustment and deadlines by their answers, in both languages and for each role."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import Markup

from contracts import clock
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from contracts.prices import indexation
from contracts.web.prices import index_clause_form
from tests.contracts.prices.test_indexation import CLAUSE
from tests.index_files import CSV

MANAGER = "jonas.myrvold@eksempel.no"
APPROVER = "solveig.brekke@eksempel.no"
READER = "randi.haugerud@eksempel.no"
ADMIN = "eirik.nesheim@eksempel.no"

INDEX = "/avtaler/ra-2024-ki/indeks"
OPEN = f"{INDEX}/krav/2"
PAGES = [
    INDEX,
    f"{INDEX}/klausul",
    f"{INDEX}/krav",
    f"{INDEX}/krav?fra=2026-01-01",
    f"{INDEX}/krav?fra=2024-01-01",
    f"{INDEX}/krav/1",
    OPEN,
    "/indeksverdier",
    "/indeksverdier?tabell=EKSEMPEL-KPI&serie=TOTAL&basis=2015&alle=1",
    "/avtaler/ra-2024-ki/frister",
]


@pytest.fixture
def as_person(example_app: Flask) -> Callable[[str], FlaskClient]:
    def sign_in(email: str) -> FlaskClient:
        client = example_app.test_client()
        assert client.post("/logg-inn", data={"person": email}).status_code == 302
        return client

    return sign_in


def shown(client: FlaskClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, f"{address}: {answer.status_code}"
    return text_of(answer.text)


def text_of(page: str) -> str:
    """Give what a reader reads, with ordinary spaces."""
    read = Markup(re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", " ", page, flags=re.S)).unescape()
    return re.sub(r"\s+", " ", read)


def prose_of(page: str) -> str:
    """Give what a reader reads without names that are the same in every language: addresses and a file's header."""
    return text_of(re.sub(r'<code>.*?</code>|<p class="tv-print-only">.*?</p>', "", page, flags=re.S))


def set_today(day: str) -> None:
    from datetime import UTC, datetime

    with db.write() as session:
        clock.set_example_today(session, day=date.fromisoformat(day), actor=COMMAND_LINE, now=datetime.now(UTC))


@pytest.mark.parametrize("address", PAGES)
def test_every_page_stands_in_both_languages(as_person: Callable[[str], FlaskClient], address: str) -> None:
    client = as_person(MANAGER)
    norwegian = client.get(address)
    client.set_cookie("lang", "en")
    english = client.get(address)
    assert (norwegian.status_code, english.status_code) == (200, 200)
    assert '<html lang="nb"' in norwegian.text
    assert '<html lang="en"' in english.text
    assert not re.search(r"\b(klausul|regulering|frist|krav|måned)\b", prose_of(english.text))
    assert not re.search(r"\b(request|deadline|month|clause)\b", prose_of(norwegian.text))


@pytest.mark.parametrize("address", PAGES)
def test_a_parameter_that_a_page_does_not_know_is_refused_by_name(
    as_person: Callable[[str], FlaskClient], address: str
) -> None:
    assert "sortering" in shown(as_person(MANAGER), f"{address}{'&' if '?' in address else '?'}sortering=1", 400)


@pytest.mark.parametrize(
    "address",
    ["/avtaler/nope/indeks", "/avtaler/nope/frister", f"{INDEX}/krav/99", "/indeksverdier?tabell=nope", "/indeksverdier?basis=20x5"],
)  # fmt: skip
def test_what_does_not_exist_is_not_found(as_person: Callable[[str], FlaskClient], address: str) -> None:
    shown(as_person(MANAGER), address, 404)


def test_the_examples_adjustment_is_shown_with_its_formula_and_both_factors(
    as_person: Callable[[str], FlaskClient],
) -> None:
    page = shown(as_person(READER), f"{INDEX}/krav/1")
    assert "1 + 0,85 × (136,4 ÷ 131,6 − 1) = 1,0310030395" in page
    assert "avrundet til fire desimaler (halve oppover): 1,0310." in page
    assert "28.11.2024 av Solveig Brekke" in page
    assert "september 2023 Basis 131,6 10.10.2024" in page


def test_the_front_of_the_register_leads_to_the_only_agreement(as_person: Callable[[str], FlaskClient]) -> None:
    answer = as_person(MANAGER).get("/frister")
    assert answer.headers["Location"] == "/avtaler/ra-2024-ki/frister"


def test_a_passed_deadline_is_red_and_stays(as_person: Callable[[str], FlaskClient], example_app: Flask) -> None:
    client = as_person(MANAGER)
    assert "77 dager igjen" in shown(client, "/avtaler/ra-2024-ki/frister")
    set_today("2026-12-31")
    assert "I dag" in shown(client, "/avtaler/ra-2024-ki/frister")
    set_today("2027-03-01")
    page = client.get("/avtaler/ra-2024-ki/frister").text
    assert re.search(r'data-color="danger"[^>]*>Gikk ut for 60 dager siden', page)


def test_a_trusts_reader_sees_no_other_trusts_window(as_person: Callable[[str], FlaskClient]) -> None:
    page = shown(as_person(READER), "/avtaler/ra-2024-ki/frister")
    assert "Sørlandet" not in page
    assert "Sykehuset Telemark" not in page


def test_the_preview_says_what_stands_in_the_way_and_offers_no_request(as_person: Callable[[str], FlaskClient]) -> None:
    page = shown(as_person(MANAGER), f"{INDEX}/krav?fra=2024-06-01")
    assert "Prisene kan reguleres tidligst fra 01.01.2025." in page
    assert "Det finnes ingen indeksverdi for september 2022." in page
    assert "Sett fram kravet" not in page
    assert "Et krav for 01.01.2027 er registrert og venter på godkjenning." in shown(
        as_person(MANAGER), f"{INDEX}/krav?fra=2027-01-01"
    )


def test_a_late_request_is_warned_of_and_recorded_as_lapsed(as_person: Callable[[str], FlaskClient]) -> None:
    client = as_person(MANAGER)
    page = shown(client, f"{INDEX}/krav?fra=2026-01-01")
    assert "Fristen var 01.11.2025. Et krav som settes fram nå, registreres som bortfalt" in page
    made = client.post(f"{INDEX}/krav", data={"fra": "2026-01-01"}, follow_redirects=True)
    assert "Kravet kom etter fristen, 01.11.2025, og er bortfalt." in text_of(made.text)
    decided = as_person(APPROVER).post(f"{INDEX}/krav/3", data={"event": "approve"})
    assert decided.status_code == 409


def test_a_request_that_is_made_already_is_told_on_the_page(as_person: Callable[[str], FlaskClient]) -> None:
    answer = as_person(MANAGER).post(f"{INDEX}/krav", data={"fra": "2027-01-01"})
    assert answer.status_code == 409
    assert "venter på godkjenning" in text_of(answer.text)
    assert as_person(MANAGER).post(f"{INDEX}/krav", data={"fra": "x"}).status_code == 422


def test_an_approver_approves_and_the_requester_is_told_who_can(as_person: Callable[[str], FlaskClient]) -> None:
    assert "Kan avgjøres av en annen godkjenner enn deg" in shown(as_person(MANAGER), OPEN)
    approver = as_person(APPROVER)
    assert "Godkjenn" in shown(approver, OPEN)
    done = approver.post(OPEN, data={"event": "approve"}, follow_redirects=True)
    assert "Faktoren står i prislisten." in text_of(done.text)
    assert "Godkjenn " not in shown(approver, OPEN)
    assert approver.post(OPEN, data={"event": "decline", "reason": "x"}).status_code == 409


def test_declining_without_a_reason_is_told_at_the_field(as_person: Callable[[str], FlaskClient]) -> None:
    answer = as_person(APPROVER).post(OPEN, data={"event": "decline"})
    assert answer.status_code == 422
    assert 'href="#reason"' in answer.text


def test_days_gone_by_are_changed_only_where_that_is_said(
    as_person: Callable[[str], FlaskClient], example_app: Flask
) -> None:
    set_today("2027-01-05")
    approver = as_person(APPROVER)
    assert "en godkjenning endrer prisene for dager som har vært" in shown(approver, OPEN)
    assert approver.post(OPEN, data={"event": "approve", "retroactive": "no"}).status_code == 422
    assert approver.post(OPEN, data={"event": "approve", "retroactive": "yes"}).status_code == 303


def test_the_clauses_form_gives_back_the_clause_it_shows() -> None:
    from contracts.schemas.indexation import load_clause

    assert load_clause(index_clause_form.to_document(index_clause_form.to_form(CLAUSE))) == CLAUSE
    typed = index_clause_form.to_form(CLAUSE) | {"share": "85,5 %", "floor": "−1"}
    read = load_clause(index_clause_form.to_document(typed))
    assert (str(read.share), str(read.floor)) == ("0.855", "-0.01")


def test_a_clause_is_changed_only_as_it_was_seen(as_person: Callable[[str], FlaskClient], example_app: Flask) -> None:
    client = as_person(MANAGER)
    page = client.get(f"{INDEX}/klausul").text
    seen = re.search(r'name="seen" value="(\d+)"', page)
    assert seen is not None
    form = index_clause_form.to_form(CLAUSE) | {"seen": seen[1], "share": "65"}
    assert client.post(f"{INDEX}/klausul", data=form).status_code == 303
    assert "Av endringen teller 65 %." in shown(client, INDEX)
    assert client.post(f"{INDEX}/klausul", data=form).status_code == 409
    approver = as_person(APPROVER)
    decided = {"proposal": "2", "event": "approve"}
    assert client.post(f"{INDEX}/klausul/avgjorelse", data=decided).status_code == 403
    assert approver.post(f"{INDEX}/klausul/avgjorelse", data=decided).status_code == 303
    assert "Foreslått i stedet" not in shown(approver, INDEX)
    assert client.get(f"{INDEX}/klausul").text.count('value="65"') == 1
    with db.read() as session:
        assert indexation.find_request(session, 1).clause.share == indexation.find_request(session, 2).clause.share


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"share": "x"}, "share"),
        ({"share": "101"}, "share"),
        ({"reading": ""}, "reading"),
        ({"first_effective": "1/1"}, "first_effective"),
        ({"base_month": "2024"}, "base_month"),
        ({"notice": ""}, "notice"),
    ],
    ids=str,
)
def test_an_error_in_the_clause_is_told_at_its_field(
    as_person: Callable[[str], FlaskClient], changes: dict[str, str], field: str
) -> None:
    form = index_clause_form.to_form(CLAUSE) | {"seen": "1"} | changes
    answer = as_person(MANAGER).post(f"{INDEX}/klausul", data=form)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text


def test_a_file_is_imported_and_its_errors_are_told_with_their_lines(as_person: Callable[[str], FlaskClient]) -> None:
    client = as_person(MANAGER)

    def send(content: bytes, **form: str) -> tuple[int, str]:
        data = {"retrieved_on": "2026-10-12", "file": (io.BytesIO(content), "kpi.csv"), **form}
        answer = client.post("/indeksverdier", data=data, follow_redirects=True)
        return answer.status_code, text_of(answer.text)

    status, page = send(CSV)
    assert (status, "4 verdier lest: 4 nye, 0 reviderte." in page) == (200, True)
    assert "ingenting ble gjort" in send(CSV)[1]
    status, page = send(CSV.replace(b"2024-08", b"2024-18"))
    assert (status, "Linje 3, kolonne month: Skriv en måned, som 2025-01." in page) == (422, True)
    assert send(b"")[0] == 422
    assert send(CSV, retrieved_on="")[0] == 422
    assert send(CSV, base_year="x")[0] == 422


@pytest.mark.parametrize(
    ("email", "address", "status"),
    [
        (READER, f"{INDEX}/klausul", 403),
        (READER, f"{INDEX}/krav", 403),
        (APPROVER, f"{INDEX}/krav", 403),
        (READER, "/indeksverdier", 200),
        (ADMIN, INDEX, 403),
        (ADMIN, "/avtaler/ra-2024-ki/frister", 403),
    ],
)
def test_who_may_open_what(as_person: Callable[[str], FlaskClient], email: str, address: str, status: int) -> None:
    shown(as_person(email), address, status)


def test_who_may_not_act_sees_no_way_to(as_person: Callable[[str], FlaskClient]) -> None:
    reader = as_person(READER)
    assert "Krev regulering" not in shown(reader, INDEX)
    assert "Importer en fil" not in shown(reader, "/indeksverdier")
    assert reader.post(OPEN, data={"event": "approve"}).status_code == 403
    assert reader.post("/indeksverdier").status_code == 403


def test_an_agreement_without_a_clause_says_so(app: Flask, sign_in_as: Callable[..., FlaskClient]) -> None:
    from tests.recorded import record_agreement

    record_agreement()
    manager = sign_in_as("contract_manager")
    assert "Ingen indeksklausul er registrert" in shown(manager, "/avtaler/ra-test/indeks")
    shown(manager, "/avtaler/ra-test/indeks/krav", 404)
    assert "Ingen indeksverdier er registrert ennå." in shown(manager, "/indeksverdier")
    assert manager.get("/frister").status_code == 302


def test_pages_are_read_as_of_an_earlier_moment(as_person: Callable[[str], FlaskClient]) -> None:
    client = as_person(APPROVER)
    with db.read() as session:
        first, second = (indexation.find_request(session, number) for number in (1, 2))
    assert first.recorded_at < second.recorded_at
    then = f"kjent={first.recorded_at.date().isoformat()}"
    page = client.get(f"{INDEX}?{then}").text
    assert f"/krav/1?{then}" in page
    assert "/krav/2" not in page
    assert client.get(f"{OPEN}?{then}").status_code == 404
    assert 'name="event"' in client.get(OPEN).text
    asked = second.recorded_at.isoformat().replace("+", "%2B")
    assert 'name="event"' not in client.get(f"{OPEN}?kjent={asked}").text
    assert client.get("/frister?" + then).location == f"/avtaler/ra-2024-ki/frister?{then}"
    assert f"/indeks?{then}" in client.get(f"/avtaler/ra-2024-ki/frister?{then}").text
    assert "EKSEMPEL-KPI" in client.get("/indeksverdier").text
    assert "EKSEMPEL-KPI" not in client.get("/indeksverdier?kjent=1999-01-01").text


@pytest.mark.parametrize(
    "address", [f"{INDEX}?kjent=i%20fjor", "/frister?kjent=0", f"{INDEX}/klausul?kjent=2024-06-01"]
)
def test_what_is_no_moment_or_no_page_of_the_past_is_refused(
    as_person: Callable[[str], FlaskClient], address: str
) -> None:
    answer = as_person(MANAGER).get(address, follow_redirects=True)
    assert answer.status_code == 400
