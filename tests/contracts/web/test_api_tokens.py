"""Tokens over the API: made, turned over and revoked by an administrator alone; a secret is answered once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from contracts import audit
from contracts.extensions import db
from contracts.models import IdempotencyKey
from contracts.people import access
from tests.recorded import record_agreement
from tests.tokens import bearer

TOKENS = "/api/v1/tokens"
NEW: dict[str, Any] = {"name": "ERP", "role": "service", "acts": ["invoice.receive"], "days": 30}


@pytest.fixture
def admin(database: Flask) -> tuple[FlaskClient, dict[str, str]]:
    """A client, and the header of an administrator."""
    record_agreement()
    return database.test_client(), bearer("admin")


def opens(client: FlaskClient, made: Any) -> bool:
    headers = {"Authorization": f"Bearer {made['id']}.{made['secret']}"}
    return client.get("/api/v1/agreements", headers=headers).status_code != 401


def test_a_token_is_made_listed_turned_over_and_revoked(admin: tuple[FlaskClient, dict[str, str]]) -> None:
    client, headers = admin
    made = client.post(TOKENS, json=NEW, headers=headers)
    first: Any = made.json
    assert made.status_code == 201
    assert (first["role"], first["trust"], first["acts"], first["state"]) == (
        "service",
        None,
        ["invoice.receive"],
        "active",
    )
    assert opens(client, first)
    listed: Any = client.get(TOKENS, headers=headers).json
    assert first["id"] in [one["id"] for one in listed["items"]]
    assert all("secret" not in one for one in listed["items"])
    address = f"{TOKENS}/{first['id']}"
    etag = client.get(address, headers=headers).headers["ETag"]
    turned = client.post(f"{address}/rotations", json={}, headers=headers | {"If-Match": etag})
    second: Any = turned.json
    assert (turned.status_code, opens(client, first), opens(client, second)) == (201, False, True)
    etag = client.get(address, headers=headers).headers["ETag"]
    ended = client.post(f"{address}/revocations", headers=headers | {"If-Match": etag})
    gone: Any = ended.json
    assert (ended.status_code, gone["state"], opens(client, second)) == (201, "revoked", False)
    with db.read() as session:
        done = [one.action for one in audit.list_events(session, audit.Filter(subject=f"token:{first['id']}"))]
    assert done == ["token.revoke", "token.rotate", "token.create"]


def test_a_former_secret_opens_on_for_the_days_asked_for(admin: tuple[FlaskClient, dict[str, str]]) -> None:
    client, headers = admin
    made = client.post(TOKENS, json=NEW, headers=headers)
    address = f"{TOKENS}/{made.json['id']}/rotations"  # type: ignore[index]
    turned = client.post(address, json={"former_days": 7}, headers=headers | {"If-Match": made.headers["ETag"]})
    assert (turned.status_code, opens(client, made.json), opens(client, turned.json)) == (201, True, True)


def test_a_repeated_request_makes_no_second_token_and_tells_no_secret(
    admin: tuple[FlaskClient, dict[str, str]],
) -> None:
    client, headers = admin
    keyed = headers | {"Idempotency-Key": "k-1"}
    first: Any = client.post(TOKENS, json=NEW, headers=keyed).json
    again = client.post(TOKENS, json=NEW, headers=keyed)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (again.status_code, again.json) == (201, first | {"secret": None})
    with db.read() as session:
        kept = session.scalars(select(IdempotencyKey.body)).all()
        names = [one.name for one in access.list_tokens(session, actor=access.COMMAND_LINE, now=_now())]
    assert names.count("ERP") == 1
    assert [first["secret"].encode() in (body or b"") for body in kept] == [False]


@pytest.mark.parametrize("step", ["rotations", "revocations"])
def test_a_step_names_the_state_it_changes(admin: tuple[FlaskClient, dict[str, str]], step: str) -> None:
    client, headers = admin
    made = client.post(TOKENS, json=NEW, headers=headers)
    address = f"{TOKENS}/{made.json['id']}"  # type: ignore[index]
    assert client.post(f"{address}/{step}", json={}, headers=headers).status_code == 428
    stale = headers | {"If-Match": made.headers["ETag"]}
    assert client.post(f"{address}/rotations", json={}, headers=stale).status_code == 201
    assert client.post(f"{address}/{step}", json={}, headers=stale).status_code == 412
    present = headers | {"If-Match": client.get(address, headers=headers).headers["ETag"]}
    assert client.post(f"{address}/revocations", headers=present).status_code == 201
    present = headers | {"If-Match": client.get(address, headers=headers).headers["ETag"]}
    refused = client.post(f"{address}/{step}", json={}, headers=present)
    assert (refused.status_code, refused.json["code"]) == (409, "revoked")  # type: ignore[index]


@pytest.mark.each_case_on_both
@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        pytest.param({"name": " "}, "#/name", id="no-name"),
        pytest.param({"name": "two\nlines"}, "#/name", id="unprintable"),
        pytest.param({"role": "owner"}, "#/role", id="unknown-role"),
        pytest.param({"role": "trust_reader", "acts": None}, "#/trust", id="trust-missing"),
        pytest.param({"trust": "nowhere"}, "#/trust", id="unknown-trust"),
        pytest.param({"acts": ["people.manage"]}, "#/acts/0", id="act-not-granted"),
        pytest.param({"acts": []}, "#/acts", id="no-acts"),
        pytest.param({"days": 0}, "#/days", id="no-life"),
        pytest.param({"days": 366}, "#/days", id="too-long"),
        pytest.param({"secret": "mine"}, "#/secret", id="own-secret"),
    ],
)
def test_what_cannot_be_is_told_at_its_place(
    admin: tuple[FlaskClient, dict[str, str]], change: dict[str, Any], pointer: str
) -> None:
    client, headers = admin
    answer = client.post(TOKENS, json=NEW | change, headers=headers)
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json["errors"]]  # type: ignore[index]


def test_only_an_administrator_asks(app: Flask) -> None:
    client = app.test_client()
    for role in sorted(set(access.ROLES) - access.TRUST_ROLES - {"admin"}):
        headers = bearer(role)
        assert client.get(TOKENS, headers=headers).status_code == 403
        assert client.post(TOKENS, json=NEW, headers=headers).status_code == 403
    assert client.get(f"{TOKENS}/nothing", headers=bearer("admin")).status_code == 404


def _now() -> datetime:
    return datetime.now(UTC)
