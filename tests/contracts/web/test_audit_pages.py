"""The trail's pages and its API: who reads them, filters, files, and a chain that holds or not."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient

from contracts import audit
from contracts.extensions import db
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Grant
from tests.recorded import record_agreement
from tests.soak.audit import disarm
from tests.tokens import bearer

EARLY = datetime(2026, 10, 14, 21, 59, 59, tzinfo=UTC)  # 23:59:59 in Oslo
LATE = datetime(2026, 10, 14, 22, 0, 0, tzinfo=UTC)  # midnight in Oslo


@pytest.fixture
def trail(app: Flask) -> FlaskClient:
    """A client of an auditor, and two acts on either side of a midnight in Oslo."""
    record_agreement()
    with db.write() as session:
        for email, grant in (
            ("auditor@example.org", Grant("auditor")),
            ("narrow@example.org", Grant("approver", "akershus")),
            ("admin@example.org", Grant("admin")),
        ):
            access.add_person(
                session,
                email=email,
                name=email.partition("@")[0],
                password=None,
                grants=[grant],
                actor=COMMAND_LINE,
                now=EARLY,
                example=True,
            )
        for subject, now in (("thing:early", EARLY), ("thing:late", LATE)):
            data = {"from": "draft", "to": "submitted", "why": "=1+1", "amount": "10.00"}
            audit.record(session, "thing.change", subject, data, "person:x@y", now)
    client = app.test_client()
    enter(client, "auditor@example.org")
    return client


def enter(client: FlaskClient, email: str) -> None:
    client.post("/logg-ut")
    assert client.post("/logg-inn", data={"person": email}).status_code == 302
    client.get("/jobber?lang=en")


def read(client: FlaskClient, query: str = "") -> str:
    answer = client.get(f"/admin/logg?{query}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        pytest.param("&objekt=thing", {"early", "late"}, id="kind"),
        pytest.param("&objekt=thing:late", {"late"}, id="one-thing"),
        pytest.param("&objekt=thing&fra=2026-10-15", {"late"}, id="from-the-day-in-oslo"),
        pytest.param("&objekt=thing&til=2026-10-14", {"early"}, id="to-the-end-of-the-day-in-oslo"),
        pytest.param("&hvem=person:x@y", {"early", "late"}, id="who"),
        pytest.param("&objekt=thing&hvem=command-line", set(), id="somebody-else"),
        pytest.param("&objekt=thing&handling=thing.change", {"early", "late"}, id="act"),
        pytest.param("&objekt=thing&handling=person.add", set(), id="another-act"),
    ],
)
def test_the_filters_leave_what_matches(trail: FlaskClient, query: str, shown: set[str]) -> None:
    listed = read(trail, query).split('id="log"')[-1].split('id="chain"')[0]
    assert {name for name in ("early", "late") if f"thing:{name}<" in listed} == shown
    file = trail.get(f"/admin/logg.csv?{query}").get_data(as_text=True)
    assert {name for name in ("early", "late") if f"thing:{name}," in file} == shown


def test_the_workbook_holds_the_same_rows_and_no_formula(trail: FlaskClient) -> None:
    answer = trail.get("/admin/logg.xlsx?objekt=thing")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets[0]
    rows = list(
        csv.reader(trail.get("/admin/logg.csv?objekt=thing").get_data(as_text=True).lstrip("\ufeff").splitlines())
    )
    assert [[str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)] == rows
    assert len(rows) == 3
    assert {cell.data_type for row in sheet.iter_rows(min_row=2, min_col=2) for cell in row} == {"s"}


def test_a_day_that_is_none_is_told_at_its_field(trail: FlaskClient) -> None:
    answer = trail.get("/admin/logg?fra=yesterday")
    assert answer.status_code == 422
    assert "Write the day as year-month-day." in answer.get_data(as_text=True)


def test_an_act_shows_before_and_after_and_its_seal(trail: FlaskClient) -> None:
    with db.read() as session:
        event = audit.list_events(session, audit.Filter(subject="thing:early"))[0]
    page = trail.get(f"/admin/logg/{event.id}").get_data(as_text=True)
    for told in ("draft", "submitted", "The act is as it was recorded", "10.00"):
        assert told in page
    assert trail.get("/admin/logg/99999").status_code == 404
    assert trail.get(f"/admin/logg/{2**64}").status_code == 404


def test_the_check_tells_whether_the_chain_holds_and_the_act_that_was_changed(trail: FlaskClient) -> None:
    checked = trail.post("/admin/logg/kontroll", follow_redirects=True).get_data(as_text=True)
    assert "The chain holds" in checked
    with db.write() as session:
        disarm(session)
        event = audit.list_events(session, audit.Filter(subject="thing:early"))[0]
        event.subject = "thing:other"
    checked = trail.post("/admin/logg/kontroll", follow_redirects=True).get_data(as_text=True)
    assert "The chain is broken in 1 place" in checked
    page = trail.get(f"/admin/logg/{event.id}").get_data(as_text=True)
    assert "The act is not as it was recorded" in page


@pytest.mark.parametrize("email", ["narrow@example.org", "admin@example.org"])
def test_who_does_not_read_all_trusts_reads_no_trail(trail: FlaskClient, email: str) -> None:
    enter(trail, email)
    for path in ("/admin/logg", "/admin/logg/1", "/admin/logg.csv", "/admin/logg.xlsx"):
        assert trail.get(path).status_code == 403
    assert trail.post("/admin/logg/kontroll").status_code == 403
    assert 'href="/admin/logg"' not in trail.get("/jobber").get_data(as_text=True)


def test_the_api_gives_all_events_once_page_by_page(trail: FlaskClient, app: Flask) -> None:
    client, headers = app.test_client(), bearer("auditor")
    seen: list[int] = []
    after = ""
    while True:
        document: Any = client.get(f"/api/v1/audit-events?limit=2{after}", headers=headers).json
        seen += [item["id"] for item in document["items"]]
        if document["next"] is None:
            break
        after = f"&after={document['next']}"
    with db.read() as session:
        assert seen == [event.id for event in audit.list_events(session, audit.Filter())]
    found: Any = client.get("/api/v1/audit-events?subject=thing&from=2026-10-15T00:00:00%2B02:00", headers=headers).json
    assert [item["subject"] for item in found["items"]] == ["thing:late"]
    assert client.get("/api/v1/audit-events?from=yesterday", headers=headers).status_code == 422
    assert client.get("/api/v1/audit-events", headers=bearer("approver", "akershus")).status_code == 403
    assert client.get("/api/v1/audit-events", headers=bearer("admin")).status_code == 403
