"""The door: who gets in, where they land, and what the example's door never does in production."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from contracts.extensions import db
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Grant
from tests.conftest import make_app

PASSWORD = "steg for steg for steg"


def add(email: str, *, example: bool = False) -> None:
    with db.write() as session:
        access.add_person(
            session,
            email=email,
            name="Kari",
            password=None if example else PASSWORD,
            grants=[Grant("auditor")],
            actor=COMMAND_LINE,
            now=datetime.now(UTC),
            example=example,
        )


def test_a_page_sends_a_stranger_to_the_door_and_back(app: Flask) -> None:
    add("kari@example.org")
    client = app.test_client()
    sent = client.get("/kostnader?periode=2026-Q3")
    assert (sent.status_code, sent.location) == (302, "/logg-inn?next=/kostnader?periode%3D2026-Q3")
    form = {"email": "kari@example.org", "password": PASSWORD, "next": "/kostnader?periode=2026-Q3"}
    entered = client.post("/logg-inn", data=form)
    assert (entered.status_code, entered.location) == (302, "/kostnader?periode=2026-Q3")


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_the_door_leads_nowhere_else(app: Flask, target: str) -> None:
    add("kari@example.org")
    entered = app.test_client().post(
        "/logg-inn", data={"email": "kari@example.org", "password": PASSWORD, "next": target}
    )
    assert entered.location == "/"


def test_a_wrong_password_is_told_on_the_form_without_saying_which_part_was_wrong(app: Flask) -> None:
    add("kari@example.org")
    client = app.test_client()
    known = client.post("/logg-inn", data={"email": "kari@example.org", "password": "x"})
    unknown = client.post("/logg-inn", data={"email": "ola@example.org", "password": "x"})
    assert known.status_code == unknown.status_code == 422
    strip = re.compile(r"(kari|ola)@example.org|value=\"[^\"]*\"")
    assert strip.sub("", known.text) == strip.sub("", unknown.text)


def test_signing_out_ends_the_session(app: Flask) -> None:
    add("kari@example.org", example=True)
    client = app.test_client()
    client.post("/logg-inn", data={"person": "kari@example.org"})
    assert client.get("/").status_code == 200
    client.post("/logg-ut")
    assert client.get("/").status_code == 302


def test_a_form_without_its_token_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    app = make_app(sqlite_url, tmp_path, WTF_CSRF_ENABLED=True)
    with app.app_context():
        add("kari@example.org", example=True)
    client = app.test_client()
    assert client.post("/logg-inn", data={"person": "kari@example.org"}).status_code == 400
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/logg-inn").text)
    assert token is not None
    entered = client.post("/logg-inn", data={"person": "kari@example.org", "csrf_token": token[1]})
    assert entered.status_code == 302


def test_production_has_no_example_door_and_knows_no_example_people(sqlite_url: str, tmp_path: Path) -> None:
    production = make_app(sqlite_url, tmp_path, EXAMPLE_MODE=False, SECRET_KEY="x" * 32)
    with production.app_context():
        add("kari@example.org", example=True)
    client = production.test_client()
    assert "kari@example.org" not in client.get("/logg-inn").text
    assert client.post("/logg-inn", data={"person": "kari@example.org"}).status_code == 422


def test_production_refuses_to_start_without_a_secret_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRINNVIS_INSTANCE", str(tmp_path))
    monkeypatch.setenv("TRINNVIS_MODE", "production")
    monkeypatch.delenv("TRINNVIS_SECRET_KEY", raising=False)
    with pytest.raises(SystemExit, match="TRINNVIS_SECRET_KEY"):
        create_app()
    monkeypatch.setenv("TRINNVIS_SECRET_KEY", "x" * 32)
    assert create_app().config["SESSION_COOKIE_SECURE"] is True


def test_the_key_of_an_example_is_kept_for_its_owner_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRINNVIS_INSTANCE", str(tmp_path))
    monkeypatch.delenv("TRINNVIS_SECRET_KEY", raising=False)
    first, second = create_app(), create_app()
    assert first.config["SECRET_KEY"] == second.config["SECRET_KEY"]
    assert (tmp_path / "secret-key").stat().st_mode & 0o777 == 0o600


def test_the_examples_today_is_set_by_its_readers(app: Flask) -> None:
    add("kari@example.org", example=True)
    client = app.test_client()
    client.post("/logg-inn", data={"person": "kari@example.org"})
    assert re.search(r"15\.\s+oktober\s+2026", client.get("/").text)
    client.post("/eksempel/dato", data={"today": "2026-12-24", "next": "/"})
    assert re.search(r"24\.\s+desember\s+2026", client.get("/").text)


def test_a_copied_cookie_opens_nothing_after_sign_out(database: Flask) -> None:
    add("kari@example.org", example=True)
    client, thief = database.test_client(), database.test_client()
    client.post("/logg-inn", data={"person": "kari@example.org"})
    stolen = client.get_cookie("session")
    assert stolen is not None
    thief.set_cookie("session", stolen.value)
    assert thief.get("/").status_code == 200
    assert client.post("/logg-ut").status_code == 302
    assert thief.get("/").status_code == 302
    assert thief.post("/logg-ut").status_code == 401


def test_each_sign_in_has_a_session_of_its_own_and_ends_the_one_before_it(app: Flask) -> None:
    add("kari@example.org", example=True)
    client, other, thief = app.test_client(), app.test_client(), app.test_client()
    for each in (client, other):
        each.post("/logg-inn", data={"person": "kari@example.org"})
    former = client.get_cookie("session")
    assert former is not None
    client.post("/logg-inn", data={"person": "kari@example.org"})
    thief.set_cookie("session", former.value)
    assert [each.get("/").status_code for each in (client, other, thief)] == [200, 200, 302]


@pytest.mark.parametrize(
    ("unused", "status"),
    [
        pytest.param(timedelta(hours=7, minutes=59), 200, id="used today"),
        pytest.param(timedelta(hours=8, minutes=1), 302, id="unused for more than eight hours"),
        pytest.param(None, 302, id="never seen"),
    ],
)
def test_a_session_unused_for_eight_hours_is_over(app: Flask, unused: timedelta | None, status: int) -> None:
    add("kari@example.org", example=True)
    client = app.test_client()
    client.post("/logg-inn", data={"person": "kari@example.org"})
    with client.session_transaction() as cookie:
        if unused is None:
            del cookie["seen"]
        else:
            cookie["seen"] = int((datetime.now(UTC) - unused).timestamp())
    assert client.get("/").status_code == status
    if status == 200:
        with client.session_transaction() as cookie:
            assert datetime.now(UTC).timestamp() - cookie["seen"] < 60


def test_a_cookie_that_names_a_person_and_no_session_signs_nobody_in(app: Flask) -> None:
    add("kari@example.org", example=True)
    client = app.test_client()
    client.post("/logg-inn", data={"person": "kari@example.org"})
    with client.session_transaction() as cookie:
        cookie["_user_id"] = "1"
    assert client.get("/").status_code == 302
