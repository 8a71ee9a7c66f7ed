"""The calendar feed: a secret address per person that ends when they say so, with what they may see and no amounts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar, Event

from contracts import deadlines
from contracts.deadlines import Deadline
from contracts.extensions import db
from contracts.reminders import reminders
from contracts.web.reminders import mail
from tests.recorded import record_agreement

NOW = datetime(2026, 10, 15, 6, tzinfo=UTC)
TODAY = date(2026, 10, 15)


@pytest.fixture(autouse=True)
def listed(monkeypatch: pytest.MonkeyPatch) -> list[Deadline]:
    """The deadlines that the test says there are, and no others."""
    found = [deadline("1"), deadline("2", trust="akershus"), deadline("3", trust="nord-norge")]
    monkeypatch.setattr(deadlines, "_sources", {})
    deadlines.register("proof", lambda *_: list(found))
    return found


def deadline(key: str, due_on: date = date(2028, 2, 29), **params: str) -> Deadline:
    return Deadline(
        "proof", key, due_on, "2.2; nr, 1", "extension_unused", {"from": "2028-03-01", "to": "2029-03-01"} | params
    )


def make_link(client: FlaskClient) -> str:
    answer = client.post("/kalender")
    assert answer.status_code == 201
    (path,) = re.findall(r"(/kalender/[\w-]+\.ics)", answer.get_data(as_text=True))
    return str(path)


def fetch(app: Flask, path: str) -> list[Event]:
    answer = app.test_client().get(path)
    assert answer.status_code == 200
    assert answer.content_type == "text/calendar; charset=utf-8"
    return list(Calendar.from_ical(answer.get_data()).walk("VEVENT"))


def keys(events: list[Event]) -> list[str]:
    return sorted(str(event["uid"]) for event in events)


@pytest.fixture
def signed_in(app: Flask, sign_in_as: Callable[..., FlaskClient]) -> FlaskClient:
    record_agreement()
    return sign_in_as("contract_manager")


def test_whoever_has_the_address_reads_it_without_signing_in(app: Flask, signed_in: FlaskClient) -> None:
    events = fetch(app, make_link(signed_in))
    assert len(events) == 3
    first = events[0]
    assert first["dtstart"].dt == date(2028, 2, 29)
    assert first["dtend"].dt == date(2028, 3, 1)
    assert [alarm["trigger"].dt for alarm in first.walk("VALARM")] == [
        timedelta(hours=8) - timedelta(days=30),
        timedelta(hours=8) - timedelta(days=7),
    ]
    assert "forlengelsen" in first["summary"].lower()


def test_lines_are_as_long_as_the_format_allows_and_hold_no_amount(app: Flask, signed_in: FlaskClient) -> None:
    content = app.test_client().get(make_link(signed_in)).get_data()
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    assert content.endswith(b"END:VCALENDAR\r\n")
    assert not re.search(r"\bkr\b|NOK|\d{1,3} \d{3}", content.decode())


def test_a_reader_within_a_trust_gets_no_other_trusts_own(
    app: Flask, signed_in: FlaskClient, sign_in_as: Callable[..., FlaskClient]
) -> None:
    everything = keys(fetch(app, make_link(signed_in)))
    own = keys(fetch(app, make_link(sign_in_as("trust_reader", "akershus"))))
    assert len(own) == 2
    assert set(own) < set(everything)
    elsewhere = sign_in_as("trust_reader", "vestre-viken")
    assert len(fetch(app, make_link(elsewhere))) == 1


def test_a_new_link_or_none_ends_the_former(app: Flask, signed_in: FlaskClient) -> None:
    former = make_link(signed_in)
    later = make_link(signed_in)
    assert app.test_client().get(former).status_code == 404
    assert fetch(app, later)
    assert signed_in.post("/kalender/slutt").status_code == 303
    assert app.test_client().get(later).status_code == 404
    assert signed_in.post("/kalender/slutt").status_code == 409


@pytest.mark.parametrize(
    ("secret", "status"),
    [("", 404), ("x", 404), ("a" * 500, 404), ("' OR 1=1", 404), ("\x00", 400)],
    ids=["none", "x", "long", "sql", "nul"],
)
def test_nothing_else_opens_a_feed(app: Flask, signed_in: FlaskClient, secret: str, status: int) -> None:
    make_link(signed_in)
    signed_in.post("/kalender/slutt")
    assert app.test_client().get(f"/kalender/{secret}.ics").status_code == status


def test_a_name_stays_and_the_sequence_rises_when_a_deadline_says_something_new(
    app: Flask, signed_in: FlaskClient, listed: list[Deadline]
) -> None:
    path = make_link(signed_in)

    def sequence() -> tuple[str, int, date]:
        event = next(event for event in fetch(app, path) if "proof" not in str(event["uid"]))
        return str(event["uid"]), int(event["sequence"]), event["dtstart"].dt

    def notice() -> None:
        with db.write() as session:
            reminders.plan_all(session, today=TODAY, now=NOW, write=mail.compose)

    del listed[1:]
    first = sequence()
    notice()
    assert sequence() == first
    listed[0] = deadline("1", date(2029, 2, 28))
    moved = sequence()
    assert (moved[0], moved[1], moved[2]) == (first[0], first[1] + 1, date(2029, 2, 28))
    notice()
    notice()
    assert sequence() == moved
    listed[0] = deadline("1")
    assert sequence()[1] == first[1] + 2


def test_a_feed_that_did_not_change_is_not_sent_again(
    app: Flask, signed_in: FlaskClient, listed: list[Deadline]
) -> None:
    path = make_link(signed_in)
    client = app.test_client()
    etag = client.get(path).headers["ETag"]
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 304
    listed.pop()
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 200


def test_the_secret_is_kept_as_a_hash_and_stands_on_no_later_page(app: Flask, signed_in: FlaskClient) -> None:
    secret = make_link(signed_in).removeprefix("/kalender/").removesuffix(".ics")
    assert secret not in signed_in.get("/kalender").get_data(as_text=True)
    with app.extensions["trinnvis_engine"].connect() as connection:
        rows: list[Any] = list(connection.exec_driver_sql("SELECT * FROM calendar_links"))
    assert rows
    assert secret not in str(rows)


def test_english_readers_get_it_in_english(app: Flask, signed_in: FlaskClient) -> None:
    signed_in.get("/kalender?lang=en")
    assert "Last day to take up" in fetch(app, make_link(signed_in))[0]["summary"]


def test_the_log_does_not_hold_the_address(
    app: Flask, signed_in: FlaskClient, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    path = make_link(signed_in)
    with caplog.at_level("INFO"):
        fetch(app, path)
    logged = caplog.text + "".join(capfd.readouterr())
    assert "/kalender/…" in logged.encode().decode("unicode_escape") or "/kalender/…" in logged
    assert path not in logged
