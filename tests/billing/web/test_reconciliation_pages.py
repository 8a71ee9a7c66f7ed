"""The pages of the reconciliation by their answers: sums that add up, who may do what, what is refused and why."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient

from billing.reconciliation.lines import by_cause, lines_of
from billing.reconciliation.report import Report, report
from billing.web import charts
from billing.web.reconciliation import words as reconciliation_words
from contracts import agreements
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from contracts.web import formatting

CONTROLLER = "ingrid.solbakken@eksempel.no"
MANAGER = "jonas.myrvold@eksempel.no"
APPROVER = "solveig.brekke@eksempel.no"
OTHER_APPROVER = "torbjorn.aasen@eksempel.no"
AUDITOR = "marit.lindqvist@eksempel.no"
READER = "randi.haugerud@eksempel.no"
TODAY = date(2026, 10, 15)
Q3 = "/avstemming/2026-Q3"
PAGES = [
    "/avstemming",
    Q3,
    f"{Q3}?vis=alle&sorter=line",
    f"{Q3}?kode=TIER_SCOPE&hf=akershus",
    f"{Q3}/treff",
    f"{Q3}/attestasjon",
    f"{Q3}/anvisning",
    "/avstemming/2026-Q2",
    "/avstemming/2026-Q2?run=1",
    "/avstemming/2026-Q2/reklamasjon/ra-2024-ki-2026-Q2-01",
    "/avstemming/2026-Q4",
    "/avstemming/2025-Q3",
    "/avstemming/toleranser",
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


def shown(client: FlaskClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, f"{address}: {answer.status_code}"
    return answer.text


def words(page: str) -> str:
    """Give a page's text without tags, blanks made one."""
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", page))


def known(quarter: str = "2026-Q3") -> Report:
    with db.read() as session:
        agreement_id = agreements.find_agreement(session).id
        return report(session, agreement_id=agreement_id, quarter=quarter, actor=COMMAND_LINE, today=TODAY)


def figures(page: str) -> list[str]:
    cells = re.findall(r'<(?:td|th scope="row") class="tv-num">(.*?)</t[dh]>', page, re.S)
    cells += re.findall(r'<dd class="tv-key-figure__value">(.*?)</dd>', page, re.S)
    return [re.sub(r"\D", "", re.sub(r"<[^>]+>", "", cell)) for cell in cells]


# --- The quarter ----------------------------------------------------------------------------------------------------


def test_every_page_says_the_same_amounts_in_both_languages(controller: FlaskClient) -> None:
    norwegian = {address: shown(controller, address) for address in PAGES}
    controller.set_cookie("lang", "en")
    for address, page in norwegian.items():
        english = shown(controller, address)
        assert figures(page) == figures(english), address
        assert "Kvartal" not in english


def test_the_sums_on_the_page_add_up(controller: FlaskClient) -> None:
    page = shown(controller, Q3)
    frozen = known().frozen
    equation = words(re.search(r'<p class="tv-equation">(.*?)</p>', page, re.S).group(1))  # type: ignore[union-attr]
    told = [Decimal(each.replace("\xa0", "").replace(",", ".")) for each in re.findall(r"[\d\xa0]+,\d\d", equation)]
    assert told == [frozen.invoiced, frozen.expected, frozen.difference, frozen.difference, Decimal("0.00")]
    assert told[0] - told[1] == told[2] == told[3] + told[4]
    assert sum(amount for _code, amount, _count in by_cause(known())) == frozen.difference


def test_the_rows_that_differ_sum_to_the_difference_and_come_largest_first(controller: FlaskClient) -> None:
    rows = [row for row in lines_of(known()) if row.differs]
    page = shown(controller, Q3)
    table = page[page.index('id="line-table"') :]
    told = re.findall(r"<strong>([−\d\xa0]+,\d\d)</strong>", table)
    amounts = [abs(Decimal(each.replace("\xa0", "").replace(",", ".").replace("−", "-"))) for each in told]
    assert len(told) == len(rows)
    assert amounts == sorted(amounts, reverse=True)
    assert sum(row.difference for row in rows) == known().frozen.difference
    assert formatting.amount(known().frozen.difference, "nb") in table


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("vis=alle", lambda row: True),
        ("kode=RAMP_MISSING", lambda row: "RAMP_MISSING" in row.codes),
        ("hf=oslo", lambda row: row.differs and "oslo" in row.trusts),
        ("kode=VAT", lambda row: False),
    ],
    ids=["all lines", "one cause", "one trust", "nothing like it"],
)
def test_the_list_shows_what_is_chosen(controller: FlaskClient, query: str, kept: Callable[..., bool]) -> None:
    page = shown(controller, f"{Q3}?{query}")
    wanted = {row.key for row in lines_of(known()) if kept(row)}
    assert set(re.findall(rf"{Q3}/linje/([0-9a-f]+)", page)) == wanted


def test_a_choice_that_does_not_exist_is_refused_by_name(controller: FlaskClient) -> None:
    for query in ("vis=noe", "sorter=navn", "kode=NOE", "fra=x", "filter=1"):
        assert query.split("=")[0] in shown(controller, f"{Q3}?{query}", 400)


NOT_THERE = [
    "/avstemming/2026-09",
    "/avstemming/noe",
    "/avstemming/1999-Q1",
    f"{Q3}?run=7",
    f"{Q3}/linje/0123456789abcdef",
    "/avstemming/2026-Q1/reklamasjon/ra-2024-ki-2026-Q2-01",
    f"{Q3}/protokoll.pdf",
    f"{Q3}/kjoring/1",
]


def test_what_does_not_exist_is_not_found(controller: FlaskClient) -> None:
    for address in NOT_THERE:
        shown(controller, address, 404)


def test_a_reader_within_one_trust_finds_no_reconciliation(as_person: Callable[[str], FlaskClient]) -> None:
    reader = as_person(READER)
    for address in (*PAGES, f"{Q3}/linjer.csv", f"{Q3}/funn.xlsx", "/avstemming/2026-Q2/protokoll.pdf"):
        shown(reader, address, 404)


def test_an_auditor_reads_everything_and_is_offered_nothing_to_do(as_person: Callable[[str], FlaskClient]) -> None:
    auditor = as_person(AUDITOR)
    for address in (Q3, f"{Q3}/treff", f"{Q3}/attestasjon", "/avstemming/2026-Q2", PAGES[9], PAGES[-1]):
        assert 'method="post"' not in shown(auditor, address).split("<main", 1)[1]
    assert auditor.post(f"{Q3}/kjor").status_code == 403


def test_a_quarter_without_invoices_says_what_should_come(controller: FlaskClient) -> None:
    page = words(shown(controller, "/avstemming/2025-Q3"))
    assert "Ingen faktura er mottatt for dette kvartalet" in page
    assert formatting.amount(known("2025-Q3").frozen.expected, "nb") in page
    assert "Linjer Vis" not in page


# --- A row ----------------------------------------------------------------------------------------------------------


def test_a_row_shows_both_computations_what_is_behind_and_leads_to_the_neighbours(controller: FlaskClient) -> None:
    rows = sorted((row for row in lines_of(known()) if row.differs), key=lambda row: -abs(row.difference))
    place = next(index for index, row in enumerate(rows) if row.codes == ("QTY_DUP",))
    row = rows[place]
    page = shown(controller, f"{Q3}/linje/{row.key}")
    assert f'data-walk-previous href="{Q3}/linje/{rows[place - 1].key}"' in page
    assert f'data-walk-next href="{Q3}/linje/{rows[place + 1].key}"' in page
    for due in row.due:
        assert f"/forklaring/{due.id}?periode=2026-Q3" in page
    for amount in (row.invoiced, row.expected, row.difference):
        assert formatting.amount(amount or 0, "nb") in page
    text = words(page)
    assert "825 undersøkelser er talt to ganger" in text
    assert "forbruk-2026-09.csv" in text
    assert f"{formatting.quantity(row.own_quantity or 0, 'nb')} fakturerbare undersøkelser" in text
    assert "2.\xa0kvartal 2026: forventet" in text


def test_every_row_opens_and_its_pairs_sum_to_its_amounts(controller: FlaskClient) -> None:
    for row in [row for row in lines_of(known()) if row.differs][2:5]:
        page = shown(controller, f"{Q3}/linje/{row.key}")
        foot = re.search(r'id="both-table".*?<tfoot>(.*?)</tfoot>', page, re.S)
        assert foot is not None
        assert formatting.amount(row.difference, "nb") in foot.group(1)
        body = re.search(r'id="both-table".*?<tbody>(.*?)</tbody>', page, re.S)
        assert body is not None
        last = re.findall(r'<td class="tv-num(?: tv-not-same)?">([−\d\xa0]+,\d\d)</td></tr>', body.group(1))
        told = [Decimal(each.replace("\xa0", "").replace(",", ".").replace("−", "-")) for each in last]
        assert sum(told) == row.difference


def test_a_decision_needs_a_reason_to_accept_and_leads_on_to_the_next_row(controller: FlaskClient) -> None:
    rows = sorted((row for row in lines_of(known()) if row.differs), key=lambda row: -abs(row.difference))
    address = f"{Q3}/linje/{rows[0].key}"
    refused = controller.post(address, data={f"f-{rows[0].found[0].key}": "1", "avgjorelse": "accepted"})
    assert refused.status_code == 422
    assert "Å godta en differanse krever en begrunnelse." in refused.text
    assert controller.post(address, data={f"f-{rows[0].found[0].key}": "1"}).status_code == 422
    done = controller.post(
        address, data={f"f-{rows[0].found[0].key}": "1", "avgjorelse": "accepted", "kommentar": "Avtalt på møte."}
    )
    assert (done.status_code, done.location) == (303, f"{Q3}/linje/{rows[1].key}")
    page = words(shown(controller, address))
    assert "Godtatt som fakturert" in page
    assert "Avtalt på møte." in page


def test_several_are_decided_at_once_and_a_sample_is_checked(controller: FlaskClient) -> None:
    rows = [row for row in lines_of(known()) if row.codes == ("TIER_SCOPE",)][:3]
    query = "&".join(f"r-{row.key}=1" for row in rows)
    page = shown(controller, f"{Q3}/avgjorelse?{query}")
    keys = re.findall(r'name="(f-[0-9a-f]{20})"', page)
    assert keys == [f"f-{each.key}" for row in rows for each in row.found]
    done = controller.post(f"{Q3}/avgjorelse?{query}", data=dict.fromkeys(keys, "1") | {"avgjorelse": "noted"})
    assert done.status_code == 303
    assert {each.treatment.state for each in known().found if f"f-{each.key}" in keys} == {"noted"}
    sample = known().sample[0]
    assert controller.post(f"{Q3}/stikkprove/{sample.key}").status_code == 303
    assert known().sample[0].treatment.state == "checked"
    assert controller.post(f"{Q3}/stikkprove/sample-0").status_code == 404


def test_a_line_is_placed_by_a_person_and_a_wrong_place_is_refused(controller: FlaskClient) -> None:
    row = next(row for row in lines_of(known()) if row.codes == ("FIXED_FEE",))
    query = f"dokument={row.sha256[:16]}&linje={row.billed[0].id}"  # type: ignore[index]
    shown(controller, f"{Q3}/treff?{query}")
    form = {"sha256": row.sha256 or "", "linje": row.billed[0].id, "svar": "plasser", "hf": "oslo"}
    assert controller.post(f"{Q3}/treff?{query}", data=form | {"hf": "nope"}).status_code == 422
    assert controller.post(f"{Q3}/treff?{query}", data=form).status_code == 303
    after = next(row for row in lines_of(known()) if any(line.text.startswith("Oppgradering") for line in row.billed))
    assert after.trusts == ("oslo",)
    shown(controller, f"{Q3}/treff?dokument=0&linje=1", 404)


# --- Runs and signatures --------------------------------------------------------------------------------------------


def test_a_run_is_frozen_once_and_the_same_knowledge_gives_the_same_hash(controller: FlaskClient) -> None:
    assert controller.post(f"{Q3}/kjor").status_code == 303
    first = known().runs
    page = words(controller.post(f"{Q3}/kjor", follow_redirects=True).text)
    assert "Ingenting er endret: kjøring 1 står" in page
    assert known().runs == first
    content = controller.get(f"{Q3}/kjoring/1").data
    assert hashlib.sha256(content).hexdigest() == first[0].sha256


def test_an_earlier_run_opens_as_it_was(controller: FlaskClient) -> None:
    page = words(shown(controller, "/avstemming/2026-Q2?run=1"))
    assert "Avstemming av 2.\xa0kvartal 2026, kjøring 1" in page
    assert "Vist slik det var i kjøring 1" in page
    runs = known("2026-Q2").runs
    assert formatting.amount(runs[0].difference, "nb") in page
    assert runs[0].difference != runs[1].difference


def test_an_open_quarter_says_what_forbids_attesting_and_refuses_it(controller: FlaskClient) -> None:
    page = words(shown(controller, f"{Q3}/attestasjon"))
    assert "Kvartalets kostnader er ikke lukket." in page
    assert "Det finnes differanser som ingen har avgjort." in page
    refused = controller.post(f"{Q3}/attestasjon", data={"erklaering": "Kontrollert."})
    assert refused.status_code == 409
    assert "Kvartalets kostnader er ikke lukket." in refused.text


def settle(controller: FlaskClient, quarter: str = "2026-Q3") -> None:
    """Close the quarter and decide about everything but the signatures."""
    assert controller.post(f"/kvartaler/{quarter}/lukk", data={"mangler": "ja"}).status_code == 303
    assert controller.post(f"/avstemming/{quarter}/kjor").status_code == 303
    open_now = known(quarter)
    keys = [f"f-{each.key}" for each in open_now.found if each.treatment.is_open]
    answer = controller.post(
        f"/avstemming/{quarter}/avgjorelse", data=dict.fromkeys(keys, "1") | {"avgjorelse": "noted"}
    )
    assert answer.status_code == 303
    for each in open_now.sample:
        assert controller.post(f"/avstemming/{quarter}/stikkprove/{each.key}").status_code == 303


def test_one_person_attests_another_approves_and_the_protocol_is_filed(
    controller: FlaskClient, as_person: Callable[[str], FlaskClient]
) -> None:
    settle(controller)
    assert known().state == "ready_to_attest"
    assert controller.post(f"{Q3}/attestasjon", data={"erklaering": " "}).status_code == 422
    assert controller.post(f"{Q3}/attestasjon", data={"erklaering": "Kontrollert."}).status_code == 303
    assert controller.post(f"{Q3}/anvisning", data={"erklaering": "Anvist."}).status_code == 403
    assert "En annen enn den som attesterte" in words(shown(controller, Q3))
    assert controller.post(f"{Q3}/kjor").status_code == 303
    approver = as_person(APPROVER)
    assert "Anvis 3.\xa0kvartal 2026" in words(shown(approver, f"{Q3}/anvisning"))
    assert approver.post(f"{Q3}/anvisning", data={"erklaering": "Anvist."}).status_code == 303
    protocol = controller.get(f"{Q3}/protokoll.pdf")
    assert protocol.data.startswith(b"%PDF-")
    assert known().facts.approved
    assert controller.post(f"{Q3}/apne", data={"begrunnelse": ""}).status_code == 422
    assert controller.post(f"{Q3}/apne", data={"begrunnelse": "Ny kreditnota."}).status_code == 303
    assert "Ny kreditnota." in words(shown(controller, Q3))


# --- Disputes -------------------------------------------------------------------------------------------------------


def dispute_form(keys: list[str], **changes: str) -> dict[str, str]:
    return dict.fromkeys(keys, "1") | {
        "onske": "credit_part",
        "tilbakehold": "part",
        "sprak": "nb",
        "svarfrist": "2026-10-29",
        "melding": "",
        **changes,
    }


def test_chosen_rows_become_a_dispute_with_letter_and_evidence(controller: FlaskClient) -> None:
    rows = [row for row in lines_of(known()) if row.codes in (("QTY_DUP",), ("NOT_ACTIVE",))]
    query = "&".join(f"r-{row.key}=1" for row in rows)
    keys = [f"f-{each.key}" for row in rows for each in row.found]
    address = f"{Q3}/reklamasjon/ny?{query}"
    page = shown(controller, address)
    assert all(key in page for key in keys)
    preview = controller.post(address, data=dispute_form(keys, svar="vis"))
    assert preview.data.startswith(b"%PDF-")
    assert known().disputes == ()
    opened = controller.post(address, data=dispute_form(keys))
    assert opened.status_code == 303
    number = known().disputes[0].number
    assert opened.location == f"{Q3}/reklamasjon/{number}"
    assert controller.get(f"{opened.location}/brev.pdf").data.startswith(b"%PDF-")
    evidence = list(csv.DictReader(io.StringIO(controller.get(f"{opened.location}/bevis.csv").text)))
    assert {each["code"] for each in evidence if each["code"]} == {"QTY_DUP", "NOT_ACTIVE"}
    amount = sum((row.difference for row in rows), Decimal(0))
    assert known().figures.disputed.amount == amount
    assert formatting.money(amount, "nb") in shown(controller, Q3)
    # What is disputed is no longer offered.
    assert "Ingen differanse er valgt" in shown(controller, address)


def test_a_dispute_that_lacks_something_says_what_and_keeps_what_was_written(controller: FlaskClient) -> None:
    row = next(row for row in lines_of(known()) if row.codes == ("QTY_DUP",))
    keys = [f"f-{each.key}" for each in row.found]
    form = dispute_form(keys, onske="", tilbakehold="noe", sprak="de", svarfrist="2026-10-01", melding="Se vedlegg.")
    answer = controller.post(f"{Q3}/reklamasjon/ny?r-{row.key}=1", data=form)
    assert answer.status_code == 422
    for said in (
        "Velg hva dere ber om.",
        "Velg hva som holdes tilbake.",
        "Velg språk for brevet.",
        "Dagen er passert: velg en som ikke er det.",
        "Se vedlegg.",
    ):
        assert said in answer.text
    no_day = controller.post(f"{Q3}/reklamasjon/ny?r-{row.key}=1", data=dispute_form(keys, svarfrist="snart"))
    assert "Skriv dagen som en dato." in no_day.text
    assert known().disputes == ()


def test_a_dispute_takes_its_steps_in_order_and_says_what_is_missing(controller: FlaskClient) -> None:
    row = next(row for row in lines_of(known()) if row.codes == ("QTY_DUP",))
    keys = [f"f-{each.key}" for each in row.found]
    controller.post(f"{Q3}/reklamasjon/ny?r-{row.key}=1", data=dispute_form(keys))
    address = f"{Q3}/reklamasjon/{known().disputes[0].number}"
    step = {"dato": "2026-10-15", "kommentar": ""}
    assert controller.post(address, data=step | {"steg": "agreed"}).status_code == 409
    assert controller.post(address, data=step | {"steg": "sent"}).status_code == 303
    declined = controller.post(address, data=step | {"steg": "declined"})
    assert "Si i én setning hvorfor." in declined.text
    partly = controller.post(address, data=step | {"steg": "partly_agreed", "belop": "0"})
    assert "Skriv kreditten som er avtalt, over 0,00." in partly.text
    assert controller.post(address, data=step | {"steg": "partly_agreed", "belop": "1 000,50"}).status_code == 303
    assert known().disputes[0].agreed_amount == Decimal("1000.50")
    early = controller.post(address, data=step | {"steg": "credit_accepted"})
    assert "Ingen kreditnota som viser til fakturaen, er mottatt." in early.text
    assert "Delvis avtalt, kreditnota ventes" in words(shown(controller, address))


# --- Tolerances -----------------------------------------------------------------------------------------------------


def test_a_tolerance_is_drafted_by_one_and_approved_by_another(as_person: Callable[[str], FlaskClient]) -> None:
    manager, approver = as_person(MANAGER), as_person(APPROVER)
    form = {
        "fra": "2027-01-01",
        "linje": "0,05",
        "faktura": "10",
        "mva": "1,00",
        "punkt": "9.4",
        "begrunnelse": "Møte.",
    }
    address = "/avstemming/toleranser"
    assert manager.post(address, data=form | {"linje": "mye"}).status_code == 422
    assert manager.post(address, data=form | {"fra": ""}).status_code == 422
    assert manager.post(address, data=form | {"faktura": "5000"}).status_code == 422
    assert manager.post(address, data=form).status_code == 303
    assert manager.post(f"{address}/1", data={"svar": "godkjenn"}).status_code == 403
    assert approver.post(f"{address}/1", data={"svar": "avsla"}).status_code == 422
    assert approver.post(f"{address}/1", data={"svar": "godkjenn"}).status_code == 303
    assert "Godkjent" in words(shown(manager, address))


# --- Files ----------------------------------------------------------------------------------------------------------


def test_the_files_hold_every_line_and_finding_and_sum_to_the_difference(controller: FlaskClient) -> None:
    difference = known().frozen.difference
    for name, column, count in (
        ("linjer", "difference", len(lines_of(known()))),
        ("funn", "amount", len(known().found)),
    ):
        rows = list(csv.DictReader(io.StringIO(controller.get(f"{Q3}/{name}.csv").data.decode("utf-8-sig"))))
        assert len(rows) == count
        assert sum(Decimal(row[column]) for row in rows) == difference
        book = openpyxl.load_workbook(io.BytesIO(controller.get(f"{Q3}/{name}.xlsx").data))
        assert book.worksheets[0].max_row == count + 1


# --- Words and charts -----------------------------------------------------------------------------------------------


def test_a_waterfall_that_does_not_add_up_is_refused() -> None:
    with pytest.raises(ValueError, match="do not lead"):
        charts.waterfall(
            "w",
            "t",
            charts.Step("a", Decimal(10)),
            [charts.Step("b", Decimal(2))],
            charts.Step("c", Decimal(13)),
            [],
            "en",
            caption="c",
        )


def test_the_waterfall_and_its_table_are_the_same_amounts(example_app: Flask) -> None:
    with example_app.test_request_context():
        figure = charts.waterfall(
            "w",
            "t",
            charts.Step("From", Decimal("100.00")),
            [charts.Step("Up", Decimal("7.50")), charts.Step("Down", Decimal("-9.00"))],
            charts.Step("To", Decimal("98.50")),
            [],
            "en",
            caption="c",
        )
    assert figure.figure is not None
    heights = {
        name: (height, base)
        for trace in figure.figure["data"]
        for name, height, base in zip(trace["x"], trace["y"], trace["base"], strict=True)
        if height is not None
    }
    assert heights == {"Up": (7.5, 0.0), "Down": (-9.0, 7.5), "To": (-1.5, 0.0)}
    assert [row[1] for row in figure.table.rows] == ["100.00", "7.50", "−9.00"]
    assert figure.table.foot[1] == "98.50"


def test_every_code_state_and_step_has_its_words() -> None:
    from typing import get_args

    from billing.causes import ResponseStatus
    from billing.causes.matching import STAGES
    from billing.figures.course import STATES, Task, TaskStatus
    from billing.reconciliation.dispute_terms import DisputeState

    assert set(reconciliation_words.STATES) == set(reconciliation_words.NEXT) == set(STATES)
    assert set(reconciliation_words.TASKS) == set(get_args(Task))
    assert set(reconciliation_words.STATUSES) == set(get_args(TaskStatus))
    assert set(reconciliation_words.STAGES) == set(STAGES)
    assert set(reconciliation_words.DISPUTE_STATES) == set(get_args(DisputeState))
    assert set(reconciliation_words.RESPONSES) == set(get_args(ResponseStatus))
