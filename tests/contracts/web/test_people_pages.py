"""The pages of people: added with a password told once, roles given and taken, refusals told at their fields."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from contracts.extensions import db
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Grant
from tests.recorded import record_agreement

NOW = datetime(2026, 10, 15, 8, tzinfo=UTC)
NEW = {"navn": "Liv  Ås", "epost": "Liv@Example.org", "rolle": "auditor"}


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    """A client of the only administrator, among the people of an example."""
    record_agreement()
    for name, role in (("admin", "admin"), ("auditor", "auditor")):
        with db.write() as session:
            access.add_person(
                session,
                email=f"{name}@example.org",
                name=name,
                password=None,
                grants=[Grant(role)],
                actor=COMMAND_LINE,
                now=NOW,
                example=True,
            )
    client = app.test_client()
    enter(client, "admin@example.org")
    return client


def enter(client: FlaskClient, email: str) -> None:
    client.post("/logg-ut")
    assert client.post("/logg-inn", data={"person": email}).status_code == 302
    client.get("/jobber?lang=en")


def test_who_is_added_signs_in_with_the_password_that_is_told_once(admin: FlaskClient, app: Flask) -> None:
    page = admin.post("/admin/brukere", data=NEW).get_data(as_text=True)
    told = re.search(r"<dd[^>]*>\s*([A-Za-z0-9_-]{16})\s*</dd>", page)
    assert told is not None
    for path in ("/admin/brukere", "/admin/brukere/3"):
        assert told[1] not in admin.get(path).get_data(as_text=True)
    other = app.test_client()
    right = other.post("/logg-inn", data={"email": "liv@example.org", "password": told[1]})
    assert right.status_code == 302
    assert "Liv Ås" in other.get("/jobber").get_data(as_text=True)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"navn": " \n "}, "navn", id="no-name"),
        pytest.param({"epost": "liv"}, "epost", id="no-address"),
        pytest.param({"epost": "auditor@example.org"}, "epost", id="known-address"),
        pytest.param({"rolle": ""}, "rolle", id="no-role"),
        pytest.param({"rolle": "trust_reader"}, "hf", id="trust-missing"),
        pytest.param({"hf": "nowhere"}, "hf", id="unknown-trust"),
    ],
)
def test_what_cannot_be_is_told_at_its_field_and_adds_nobody(
    admin: FlaskClient, change: dict[str, str], field: str
) -> None:
    answer = admin.post("/admin/brukere", data=NEW | change)
    assert (answer.status_code, f'id="{field}-error"' in answer.get_data(as_text=True)) == (422, True)
    assert admin.get("/admin/brukere/3").status_code == 404


def test_a_role_given_counts_and_one_taken_back_does_not(admin: FlaskClient) -> None:
    given = admin.post("/admin/brukere/2/roller", data={"rolle": "approver"}, follow_redirects=True)
    assert "The role is given from now on." in given.get_data(as_text=True)
    again = admin.post("/admin/brukere/2/roller", data={"rolle": "approver"})
    assert (again.status_code, "This role is held already." in again.get_data(as_text=True)) == (422, True)
    for grant_id in (2, 3):
        admin.post(f"/admin/brukere/2/roller/{grant_id}/ta-tilbake")
    assert "No role" in admin.get("/admin/brukere").get_data(as_text=True)
    admin.post("/logg-ut")
    assert "No role" in admin.get("/logg-inn").get_data(as_text=True)
    enter(admin, "auditor@example.org")
    assert admin.get("/admin/logg").status_code == 403


def test_the_only_administrator_keeps_the_role_and_gives_none_to_themselves(admin: FlaskClient) -> None:
    kept = admin.post("/admin/brukere/1/roller/1/ta-tilbake", follow_redirects=True).get_data(as_text=True)
    assert "This is the last administrator who can sign in." in kept
    own = admin.post("/admin/brukere/1/roller", data={"rolle": "approver"})
    assert (own.status_code, "Nobody gives a role to themselves." in own.get_data(as_text=True)) == (422, True)


def test_who_is_no_administrator_sees_and_changes_nobody(admin: FlaskClient) -> None:
    enter(admin, "auditor@example.org")
    assert [admin.get(path).status_code for path in ("/admin/brukere", "/admin/brukere/1")] == [403, 403]
    for path in ("/admin/brukere", "/admin/brukere/1/roller", "/admin/brukere/1/roller/1/ta-tilbake"):
        assert admin.post(path, data=NEW).status_code == 403
