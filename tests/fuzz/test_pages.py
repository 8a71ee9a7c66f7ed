"""No page and no form answers with an error of ours, whatever stands in its address, parameters, fields and credentials."""

from __future__ import annotations

import base64
import os
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from contracts.extensions import db
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Grant
from tests import reconciled
from tests.conftest import app_on
from tests.fuzz.requests import Forms, addresses, filled

# `FUZZ_ROUNDS=n` walks every role n times on both databases; else each database is walked by one of the two that see most.
ROLES = ("finance_controller", "contract_manager", "approver", "admin")
ALONE = {"postgresql": "finance_controller", "sqlite": "contract_manager"}
ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "0"))


@pytest.fixture
def recorded_app(migrated_url: str, tmp_path: Path) -> Iterator[Flask]:
    """An app with two closed quarters in it, on each kind of database."""
    with app_on(migrated_url, tmp_path) as made:
        reconciled.record_quarters()
        yield made


@pytest.mark.slow
def test_no_page_breaks_under_hostile_addresses_and_fields(recorded_app: Flask) -> None:
    """Every address that answers GET, then the forms found on the pages that answered; 4xx is an answer, 5xx is ours."""
    recorded_app.testing = False  # an error of ours is answered as it would be, and counted here
    broken: list[str] = []
    pages: set[str] = set()
    for number, role in enumerate(ROLES * ROUNDS or (ALONE[db.engine.name],)):
        rng = random.Random(number)
        client = _signed_in(recorded_app, role, number)
        for path, parameters in addresses(recorded_app, rng):
            for query in ({}, parameters):
                answer = client.get(path, query_string=query)
                if answer.status_code >= 500:
                    broken.append(f"{role} GET {path!r} {query!r}")
        pages |= set(_links(client))
        for path in sorted(pages):
            answer = client.get(path)
            if answer.status_code >= 500:
                broken.append(f"{role} GET {path}")
            if answer.mimetype != "text/html":
                continue
            forms = Forms()
            forms.feed(answer.get_data(as_text=True))
            for form in forms.found:
                target, values = form.action or path, filled(form, rng)
                if target == "/logg-ut" or not target.startswith("/"):
                    continue
                sent = (
                    client.post(target, data=values)
                    if form.method == "post"
                    else client.get(target, query_string=values)
                )
                if sent.status_code >= 500:
                    broken.append(f"{role} {form.method} {target} {values!r}")
    assert not broken, "\n".join(sorted(set(broken)))


def _signed_in(app: Flask, role: str, number: int) -> FlaskClient:
    with db.write() as session:
        access.add_person(
            session,
            email=f"{role}-{number}@example.org",
            name=role,
            password=None,
            grants=[Grant(role, None)],
            actor=COMMAND_LINE,
            now=datetime.now(UTC),
            example=True,
        )
    client = app.test_client()
    assert client.post("/logg-inn", data={"person": f"{role}-{number}@example.org"}).status_code == 302
    return client


def _links(client: FlaskClient) -> Iterator[str]:
    """Give what the front page and the pages it links to offer, two steps deep."""
    seen = {"/"}
    for _step in range(2):
        for path in sorted(seen):
            answer = client.get(path)
            if answer.mimetype == "text/html":
                seen |= {
                    link.split("#")[0].split("?")[0]
                    for link in re.findall(r'href="([^"]+)"', answer.get_data(as_text=True))
                    if link.startswith("/") and not link.startswith(("/assets", "/logg-ut"))
                }
    yield from sorted(seen)


@pytest.mark.parametrize("secret", ["wrong", "", "a\x00b", "æ"])
def test_a_wrong_secret_of_a_spreadsheet_is_asked_for_again(client: FlaskClient, secret: str) -> None:
    credentials = base64.b64encode(f"abc:{secret}".encode()).decode()
    answer = client.get("/budsjett.csv", headers={"Authorization": f"Basic {credentials}"})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_a_nul_at_sign_in_is_no_error_of_ours(client: FlaskClient) -> None:
    assert client.post("/logg-inn", data={"email": "a\x00b", "password": "x"}).status_code == 400


def test_a_number_beyond_every_row_is_an_address_that_does_not_exist(database: Flask) -> None:
    client = database.test_client()
    assert client.get("/avstemming/faktura/9223372036854775808/original").status_code == 404
    # Asked with a method that the address does not know it is still no address.
    assert client.post("/api/v1/activations/12081576486382390355570296052776960/gains").status_code in (401, 404)
    assert client.post("/avstemming/faktura/9223372036854775808/original").status_code == 404
