"""The import wizard by its pages: what is asked, what is refused, what is shown before anything counts."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from billing.jobs import run_next
from billing.models import UsageEntry, UsageImport, UsageReversal, UsageSource, UsageUpload, UsageUploadPart
from billing.usage import uploads as usage_uploads
from contracts.extensions import db

CONTROLLER = "ingrid.solbakken@eksempel.no"
REQUESTER = "amir.rostad@eksempel.no"
READER = "randi.haugerud@eksempel.no"
WIZARD = "/volum/import/ny"
NATIONAL = "01019000083"
PLAIN = "trust,algorithm,date,quantity\nakershus,xray-skeletal,2026-10-01,12\nakershus,xray-skeletal,2026-10-02,9\n"
RIS = "Sykehus;Undersøkelse;Dato;Antall\nAHUS;RTG;01.10.2026;1.234,00\nAHUS;RTG;02.10.2026;12\n"
AMBIGUOUS = "Sykehus;Undersøkelse;Dato;Antall\nakershus;xray-skeletal;02/10/2026;1.234\n"
EVENTS = (
    "event_id,trust,algorithm,time,status\n"
    "a-1,akershus,xray-skeletal,2026-10-01T08:00:00+02:00,completed\n"
    "a-2,akershus,xray-skeletal,2026-10-01T09:00:00+02:00,failed\n"
    "a-3,akershus,xray-skeletal,2026-10-01T10:00:00+02:00,validation\n"
)
RIS_COLUMNS = {
    "type": "daily",
    "skille": "semicolon",
    "koding": "utf-8",
    "kol_trust": "Sykehus",
    "kol_algorithm": "Undersøkelse",
    "kol_date": "Dato",
    "kol_quantity": "Antall",
}


@pytest.fixture
def app(example_app: Flask) -> Flask:
    example_app.config["USAGE_PATIENCE_SECONDS"] = 0
    return example_app


@pytest.fixture
def controller(app: Flask) -> FlaskClient:
    return signed_in(app, CONTROLLER)


def signed_in(app: Flask, email: str) -> FlaskClient:
    client = app.test_client()
    assert client.post("/logg-inn", data={"person": email}).status_code == 302
    return client


def send(client: FlaskClient, text: str | bytes, name: str = "oktober.csv", query: str = "") -> str:
    content = text.encode() if isinstance(text, str) else text
    answer = client.post(f"{WIZARD}{query}", data={"fil": (io.BytesIO(content), name)})
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def upload_of(location: str) -> int:
    return int(location.split("/ny/")[1].split("/")[0])


def checked(app: Flask, client: FlaskClient, text: str | bytes, name: str = "oktober.csv") -> int:
    """Send a file with a plain header and have it checked."""
    upload = upload_of(send(client, text, name))
    assert client.post(f"{WIZARD}/{upload}/rett-fram").status_code == 303
    assert run_next(app) is not None
    return upload


def count(row: type) -> int:
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(row)) or 0


def test_a_plain_file_goes_through_all_five_steps_and_can_be_taken_back(app: Flask, controller: FlaskClient) -> None:
    location = send(controller, PLAIN)
    upload, before = upload_of(location), count(UsageImport)
    assert "Fila har en enkel overskrift" in controller.get(location).text
    assert controller.post(f"{WIZARD}/{upload}/rett-fram").status_code == 303
    assert "Den venter på tur" in controller.get(f"{WIZARD}/{upload}/kontroll").text
    run_next(app)
    assert "Fila er i orden" in controller.get(f"{WIZARD}/{upload}/kontroll").text
    assert "Virkning etter kvartal" in controller.get(f"{WIZARD}/{upload}/bekreft").text
    assert count(UsageImport) == before
    answer = controller.post(f"{WIZARD}/{upload}/bekreft", data={"kontroll": "1"})
    run_next(app)
    receipt = str(controller.get(answer.location).location)
    assert "Akershus" in controller.get(receipt).text
    assert (count(UsageUploadPart), count(UsageImport)) == (0, before + 1)
    assert "Virkning etter kvartal" in controller.get(f"{receipt}/tilbake").text
    assert controller.post(f"{receipt}/tilbake", data={"begrunnelse": " "}).status_code == 422
    assert controller.post(f"{receipt}/tilbake", data={"begrunnelse": "Feil fil."}).status_code == 303
    assert "Feil fil." in controller.get(receipt).text
    assert count(UsageReversal) == 1
    assert controller.get(f"{receipt}/tilbake").location == receipt


def test_what_a_check_says_a_file_costs_is_what_taking_it_back_gives_back(app: Flask, controller: FlaskClient) -> None:
    upload = checked(app, controller, PLAIN)
    with db.read() as session:
        outcome = usage_uploads.outcome_of(session.get(UsageUpload, upload).outcome)  # type: ignore[union-attr]
    assert [quarter for quarter, _ in outcome.effect] == ["2026-Q4"]
    controller.post(f"{WIZARD}/{upload}/bekreft", data={"kontroll": "1"})
    run_next(app)
    receipt = str(controller.get(f"{WIZARD}/{upload}/kontroll").location)
    amount = outcome.effect[0][1].replace(".", ",")
    assert f"−{amount}" in controller.get(f"{receipt}/tilbake").text.replace("\u00a0", " ")


@pytest.mark.parametrize("name", ["daily", "monthly", "events"])
def test_a_template_is_read_without_questions(app: Flask, controller: FlaskClient, name: str) -> None:
    content = controller.get(f"/volum/import/ny/mal-{name}.csv").data
    assert "Fila har en enkel overskrift" in controller.get(send(controller, content)).text
    assert controller.get("/volum/import/ny/mal-hourly.csv").status_code == 404


def test_numbers_that_can_be_read_in_two_ways_are_asked_about_in_either_language(
    app: Flask, controller: FlaskClient
) -> None:
    upload = upload_of(send(controller, AMBIGUOUS))
    for language, told in (("nb", "«1.234» leses som 1 234"), ("en", "“1.234” is read as 1,234")):
        controller.get(f"/logg-inn?lang={language}")
        page = controller.get(f"{WIZARD}/{upload}/format", query_string=RIS_COLUMNS).text
        assert told in page.replace("\u00a0", " ").replace("\u202f", " ")
        assert "checked" not in page
    answer = controller.post(f"{WIZARD}/{upload}/format", query_string=RIS_COLUMNS, data={})
    assert answer.status_code == 422
    assert 'href="#tall"' in answer.text
    assert 'href="#datoer"' in answer.text
    assert run_next(app) is None


def test_unknown_codes_are_mapped_and_a_saved_source_offers_the_same_reading_again(
    app: Flask, controller: FlaskClient
) -> None:
    upload = upload_of(send(controller, RIS))
    form = {"tall": "comma_decimal", "datoer": "day_dots", "navn": "RIS"}
    controller.post(f"{WIZARD}/{upload}/format", query_string=RIS_COLUMNS, data=form)
    run_next(app)
    page = controller.get(f"{WIZARD}/{upload}/kontroll").text
    assert "«AHUS» i «Helseforetak»" in page
    assert "«RTG» i «Algoritme»" in page
    assert "Sykehus" in page
    controller.post(f"{WIZARD}/{upload}/koder", data={"trust-0": "akershus", "algorithm-0": "xray-skeletal"})
    run_next(app)
    assert "Fila er i orden" in controller.get(f"{WIZARD}/{upload}/kontroll").text
    assert count(UsageSource) == 2
    other = send(controller, RIS.replace("1.234,00", "1.235,00"), "november.csv", "?kilde=RIS")
    asked = controller.get(other, follow_redirects=True)
    assert asked.request.path.endswith("/format")
    assert asked.text.count("checked") == 2
    controller.post(f"{asked.request.path}?{asked.request.query_string.decode()}", data=form)
    run_next(app)
    assert "Fila er i orden" in controller.get(asked.request.path.replace("format", "kontroll")).text


def test_a_mapped_code_must_be_one_of_the_agreements(app: Flask, controller: FlaskClient) -> None:
    upload = checked(app, controller, PLAIN.replace("akershus", "AHUS"))
    controller.post(f"{WIZARD}/{upload}/koder", data={"trust-0": "mars", "trust-7": "oslo"}, follow_redirects=True)
    assert run_next(app) is None


def test_a_national_number_is_refused_with_column_and_row_and_its_file_is_gone(
    app: Flask, controller: FlaskClient
) -> None:
    rows = [f"AHUS;RTG;{day:02}.10.2026;12;ok" for day in range(1, 15)]
    text = "\n".join(["Sykehus;Undersøkelse;Dato;Antall;Merknad", *rows, f"AHUS;RTG;15.10.2026;3;{NATIONAL}"]) + "\n"
    upload = upload_of(send(controller, text))
    controller.post(f"{WIZARD}/{upload}/format", query_string=RIS_COLUMNS, data={"datoer": "day_dots"})
    run_next(app)
    page = controller.get(f"{WIZARD}/{upload}/kontroll").text
    assert "Fila er avvist og kastet" in page
    assert "Rad 16, kolonne «Merknad»" in page
    for address in ("kontroll", "feil.csv"):
        assert NATIONAL not in controller.get(f"{WIZARD}/{upload}/{address}").text
    assert count(UsageUploadPart) == 0
    with app.extensions["trinnvis_engine"].connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert NATIONAL.encode() not in Path(app.config["DATABASE_URL"].removeprefix("sqlite:///")).read_bytes()
    answer = controller.post(f"{WIZARD}/{upload}/koder", data={"trust-0": "akershus", "algorithm-0": "xray-skeletal"})
    assert answer.location.endswith(f"{WIZARD}?etter={upload}")
    assert "Leses på samme måte som oktober.csv" in controller.get(answer.location).text
    other = controller.get(send(controller, text.replace(NATIONAL, "ok"), "rettet.csv", f"?etter={upload}"))
    assert other.location.split("?")[0].endswith("/format")
    controller.post(other.location, data={"datoer": "day_dots"})
    run_next(app)
    assert "Fila er i orden" in controller.get(other.location.split("?")[0].replace("format", "kontroll")).text


def test_a_column_of_national_numbers_is_refused_before_the_file_waits_anywhere(
    app: Flask, controller: FlaskClient
) -> None:
    content = f"Pasient;Antall\n{NATIONAL};1\n{NATIONAL};2\n".encode()
    answer = controller.post(WIZARD, data={"fil": (io.BytesIO(content), "pasienter.csv")})
    assert answer.status_code == 422
    assert "Rad 2, kolonne «Pasient»" in answer.text
    assert NATIONAL not in answer.text
    assert count(UsageUploadPart) == 0


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (b"", "tom.csv", "Fila er tom."),
        (b"\xd0\xcf\x11\xe0 old", "gammel.xls", "eldre Excel"),
        (b"PK\x03\x04 no workbook", "bok.xlsx", "ikke en lesbar Excel-fil"),
        (b"\n\n", "linjer.csv", "fila er tom"),
    ],
    ids=["empty", "old excel", "broken workbook", "only line ends"],
)
def test_a_file_that_cannot_be_read_is_refused_at_once_and_says_why(
    app: Flask, controller: FlaskClient, content: bytes, name: str, told: str
) -> None:
    answer = controller.post(WIZARD, data={"fil": (io.BytesIO(content), name)})
    assert answer.status_code == 422
    assert told in answer.text
    assert count(UsageUploadPart) == 0


def test_parquet_says_what_to_do_where_it_is_not_installed(
    app: Flask, controller: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "duckdb", None)
    answer = controller.post(WIZARD, data={"fil": (io.BytesIO(b"PAR1 and more"), "volum.parquet")})
    assert answer.status_code == 422
    assert "Lagre fila som CSV eller XLSX" in answer.text


def test_no_file_is_told_at_its_field(controller: FlaskClient) -> None:
    answer = controller.post(WIZARD, data={})
    assert answer.status_code == 422
    assert 'href="#fil"' in answer.text


def test_a_workbook_with_a_plain_header_is_taken_in(app: Flask, controller: FlaskClient) -> None:
    book = openpyxl.Workbook()
    for row in [("trust", "algorithm", "date", "quantity"), ("akershus", "xray-skeletal", datetime(2026, 10, 3), 7)]:  # noqa: DTZ001 - as a cell has it
        book.active.append(row)  # type: ignore[union-attr]
    out = io.BytesIO()
    book.save(out)
    upload = checked(app, controller, out.getvalue(), "oktober.xlsx")
    assert "Fila er i orden" in controller.get(f"{WIZARD}/{upload}/kontroll").text


def test_events_that_are_not_billable_are_counted_by_their_reason(app: Flask, controller: FlaskClient) -> None:
    upload = checked(app, controller, EVENTS)
    page = controller.get(f"{WIZARD}/{upload}/bekreft").text
    assert "Mislykkede kjøringer" in page
    assert "Valideringskjøringer" in page
    assert "Gjentatte kjøringer" not in page
    controller.post(f"{WIZARD}/{upload}/bekreft", data={"kontroll": "1"})
    run_next(app)
    receipt = controller.get(f"{WIZARD}/{upload}/kontroll", follow_redirects=True)
    assert "Mislykkede kjøringer" in receipt.text


def test_at_most_fifty_errors_are_shown_and_all_are_in_the_file(app: Flask, controller: FlaskClient) -> None:
    rows = "".join(f"mars,xray-skeletal,2026-10-01,{number}\n" for number in range(60))
    upload = checked(app, controller, "trust,algorithm,date,quantity\n" + rows)
    page = controller.get(f"{WIZARD}/{upload}/kontroll").text
    assert page.count("det finnes ikke noe helseforetak «mars»") == 50
    lines = controller.get(f"{WIZARD}/{upload}/feil.csv").text.splitlines()
    assert lines[0] == "\ufeffrad,kolonne,kode,feil"
    assert len(lines) == 61
    book = openpyxl.load_workbook(io.BytesIO(controller.get(f"{WIZARD}/{upload}/feil.xlsx").data))
    assert book.worksheets[0].max_row == 61
    assert controller.get(f"{WIZARD}/{upload}/feil.pdf").status_code == 404


def test_the_same_bytes_lead_to_the_receipt_and_wait_nowhere(app: Flask, controller: FlaskClient) -> None:
    upload = checked(app, controller, PLAIN)
    controller.post(f"{WIZARD}/{upload}/bekreft", data={"kontroll": "1"})
    run_next(app)
    receipt = controller.get(f"{WIZARD}/{upload}/kontroll").location
    before = count(UsageEntry)
    assert send(controller, PLAIN, "annet-navn.csv") == receipt
    assert (count(UsageUploadPart), count(UsageEntry)) == (0, before)


def test_a_confirmation_of_an_older_check_takes_nothing_in(app: Flask, controller: FlaskClient) -> None:
    upload = checked(app, controller, PLAIN)
    controller.post(f"{WIZARD}/{upload}/rett-fram")
    run_next(app)
    before = count(UsageImport)
    answer = controller.post(f"{WIZARD}/{upload}/bekreft", data={"kontroll": "1"}, follow_redirects=True)
    assert "Fila er kontrollert på nytt i mellomtiden" in answer.text
    assert (run_next(app), count(UsageImport)) == (None, before)


def test_confirming_twice_hands_one_job_in(app: Flask, controller: FlaskClient) -> None:
    upload, before = checked(app, controller, PLAIN), count(UsageImport)
    for _ in range(2):
        assert controller.post(f"{WIZARD}/{upload}/bekreft", data={"kontroll": "1"}).status_code == 303
    assert run_next(app) is not None
    assert (run_next(app), count(UsageImport)) == (None, before + 1)


def test_an_import_whose_worker_died_after_the_write_is_found_again_and_not_done_twice(
    app: Flask, controller: FlaskClient
) -> None:
    upload, before = checked(app, controller, PLAIN), count(UsageImport)
    controller.post(f"{WIZARD}/{upload}/bekreft", data={"kontroll": "1"})
    run_next(app)
    from billing.work.usage_imports import take_in
    from contracts.work.jobs import Progress

    class Nobody:
        """A progress that must not be told anything."""

    progress: Progress = Nobody()  # type: ignore[assignment]
    again = take_in(progress, {"upload": upload, "attempt": 1})
    assert (again["status"], count(UsageImport)) == ("imported", before + 1)


def test_cancelling_a_check_leaves_the_file_to_be_checked_again_or_thrown_away(
    app: Flask, controller: FlaskClient
) -> None:
    upload = upload_of(send(controller, PLAIN))
    controller.post(f"{WIZARD}/{upload}/rett-fram")
    with db.read() as session:
        job = session.get(UsageUpload, upload).job_id  # type: ignore[union-attr]
    controller.post(f"/jobber/{job}/avbryt")
    assert "Kontroller fila en gang til" in controller.get(f"{WIZARD}/{upload}/kontroll").text
    controller.post(f"{WIZARD}/{upload}/kontroll")
    run_next(app)
    assert "Fila er i orden" in controller.get(f"{WIZARD}/{upload}/kontroll").text
    assert "Fila er kastet" in controller.post(f"{WIZARD}/{upload}/kast", follow_redirects=True).text
    assert count(UsageUploadPart) == 0
    assert "Dine filer som venter" not in controller.get(WIZARD).text


def test_a_file_that_nobody_takes_further_is_thrown_away_after_a_day_and_forgotten_after_a_week(
    app: Flask, controller: FlaskClient
) -> None:
    upload = upload_of(send(controller, PLAIN))
    now = datetime.now(UTC)
    for age, parts, uploads in ((timedelta(hours=23), 1, 1), (timedelta(hours=25), 0, 1), (timedelta(days=8), 0, 0)):
        with db.write() as session:
            usage_uploads.forget(session, now=now + age)
        assert (count(UsageUploadPart), count(UsageUpload)) == (parts, uploads)
    assert controller.get(f"{WIZARD}/{upload}/kontroll").status_code == 404


def test_nobody_else_knows_of_a_file_that_waits(app: Flask, controller: FlaskClient) -> None:
    upload = checked(app, controller, PLAIN)
    other = signed_in(app, REQUESTER)
    for address in ("kolonner", "format", "kontroll", "bekreft", "feil.csv"):
        assert other.get(f"{WIZARD}/{upload}/{address}").status_code == 404, address
    for address in ("kast", "koder", "kontroll", "bekreft", "rett-fram", "format"):
        assert other.post(f"{WIZARD}/{upload}/{address}", data={"kontroll": "1"}).status_code == 404, address
    assert signed_in(app, READER).get(WIZARD).status_code == 403
    assert controller.get(f"{WIZARD}/99999999999999999999/kontroll").status_code == 404


def test_a_requester_brings_in_their_own_trusts_usage_only_and_may_map_to_it_only(app: Flask) -> None:
    requester = signed_in(app, REQUESTER)
    upload = checked(app, requester, PLAIN.replace("akershus", "oslo"))
    assert "du kan bare importere forbruk for «akershus»" in requester.get(f"{WIZARD}/{upload}/kontroll").text
    upload = checked(app, requester, PLAIN.replace("akershus", "VÅRT"))
    page = requester.get(f"{WIZARD}/{upload}/kontroll").text
    assert "«VÅRT» i «Helseforetak»" in page
    assert 'value="akershus"' in page
    assert 'value="oslo"' not in page
    requester.post(f"{WIZARD}/{upload}/koder", data={"trust-0": "oslo"})
    assert run_next(app) is None


def test_a_receipt_within_one_trust_shows_that_trusts_months_only(app: Flask, controller: FlaskClient) -> None:
    upload = checked(app, controller, PLAIN)
    controller.post(f"{WIZARD}/{upload}/bekreft", data={"kontroll": "1"})
    run_next(app)
    receipt = str(controller.get(f"{WIZARD}/{upload}/kontroll").location)
    reader = signed_in(app, READER)
    assert reader.get(receipt).status_code == 404
    page = reader.get("/volum/import/18").text
    assert "Akershus" not in page
    assert "Rader" not in page
    assert reader.get("/volum/import/99999999999999999999").status_code == 404


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_the_coverage_pages_rows_are_its_file_and_a_spreadsheet_fetches_them_with_a_token(
    app: Flask, controller: FlaskClient, suffix: str
) -> None:
    from tests.tokens import bearer

    address = f"/volum/dekning.{suffix}?kvartal=2026-Q3"
    content = controller.get(address).data
    assert controller.get(address).data == content
    identity, _, secret = bearer("auditor")["Authorization"].removeprefix("Bearer ").partition(".")
    outside = app.test_client()
    assert outside.get(address, auth=(identity, secret)).data.splitlines()[1:] or suffix == "xlsx"
    refused = outside.get(address, auth=(identity, "wrong"))
    assert (refused.status_code, "WWW-Authenticate" in refused.headers) == (401, True)
    assert outside.get("/volum/dekning?kvartal=2026-Q3", auth=(identity, secret)).status_code == 302
    assert outside.post("/volum/dekning.csv", auth=(identity, secret)).status_code in (401, 405)
    rows = (
        len(content.decode().splitlines())
        if suffix == "csv"
        else openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].max_row
    )
    page = controller.get("/volum/dekning?kvartal=2026-Q3").text
    table = page.split('aria-labelledby="cell-table"')[1].split("</table>")[0]
    assert rows == table.count("<tr>")
