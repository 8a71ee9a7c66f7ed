"""The catalogue, gains, stand-ins and the limit through the API."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from contracts.extensions import db
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Grant
from tests import desk
from tests.desk import ALGORITHM, NOW, START, TRUST
from tests.tokens import bearer

OWNER = "owner@example.org"


@pytest.fixture
def asked(app: Flask, client: FlaskClient) -> Any:
    """Ask the API as somebody with a role."""
    desk.open_desk(akershus="exercised")
    with db.write() as session:
        access.add_person(
            session,
            email=OWNER,
            name="Owner",
            password=None,
            grants=(Grant("trust_reader", TRUST),),
            actor=COMMAND_LINE,
            now=NOW,
        )
        session.commit()
    roles = ("contract_manager", "approver", "trust_requester", "trust_reader", "finance_controller", "admin")
    tokens = {role: bearer(role, TRUST if role.startswith("trust_") else None) for role in roles}

    def ask(role: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return client.open(f"/api/v1{path}", method=method, json=body, headers=tokens[role] | headers)

    return ask


def test_what_is_recorded_of_a_product_is_given_with_it(asked: Any) -> None:
    path = f"/algorithms/{ALGORITHM}"
    empty = asked("trust_reader", "GET", path).json
    assert (empty["references"], empty["description"], empty["total_score"]) == ([], None, None)
    reference = {"kind": "clinical", "authors": "A", "year": 2024, "title": "T", "journal": "J"}
    made = asked("contract_manager", "POST", f"{path}/references", reference)
    assert (made.status_code, made.json["independent"]) == (201, None)
    assert asked("finance_controller", "POST", f"{path}/references", reference).status_code == 403
    score = {"criterion": "risk", "score": 4, "reason": "Because"}
    assert asked("contract_manager", "POST", f"{path}/scores", score).status_code == 201
    version = {"version": "1.0", "released_on": "2026-01-01"}
    assert asked("contract_manager", "POST", f"{path}/versions", version).status_code == 201
    assert asked("contract_manager", "POST", f"{path}/versions", version).status_code == 409
    use = {"intended_use": "To flag", "organ": "Lung", "function": "Flagging"}
    assert asked("contract_manager", "POST", f"{path}/descriptions", use).status_code == 201
    full = asked("trust_reader", "GET", path).json
    assert [one["title"] for one in full["references"]] == ["T"]
    assert full["scores"] == [score]
    assert full["versions"] == [version | {"note": ""}]
    assert full["description"] == use | {"limitations": ""}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [({"year": 1900}, "#/year"), ({"kind": "rumour"}, "#/kind"), ({"title": ""}, "#/title"), ({"doi": 7}, "#/doi")],
)
def test_a_reference_that_cannot_be_is_refused_by_its_place(asked: Any, change: Any, pointer: str) -> None:
    body = {"kind": "clinical", "authors": "A", "year": 2024, "title": "T", "journal": "J"} | change
    refused = asked("contract_manager", "POST", f"/algorithms/{ALGORITHM}/references", body)
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json["errors"]] == [pointer]


def test_an_unknown_product_is_not_found(asked: Any) -> None:
    assert asked("trust_reader", "GET", "/algorithms/nothing").status_code == 404


def test_gains_are_described_listed_and_taken_out(asked: Any) -> None:
    plan = {"trust": TRUST, "algorithm": ALGORITHM, "starts_on": START.isoformat(), "monthly_quantity": 500}
    path = asked("trust_requester", "POST", "/activations", plan).headers["Location"].removeprefix("/api/v1")
    gain = {
        "kind": "minutes",
        "description": "Faster",
        "per_examination": "1.5",
        "value": "12.00",
        "source": "Study",
        "owner": OWNER,
    }
    made = asked("trust_requester", "POST", f"{path}/gains", gain)
    assert made.status_code == 201
    listed = asked("trust_reader", "GET", f"{path}/gains").json["items"]
    assert listed == [gain | {"id": made.json["id"], "owner": f"person:{OWNER}", "observed": []}]
    observation = {"from": "2026-11-01", "to": "2026-12-01", "per_examination": "1"}
    observed = asked("trust_reader", "POST", f"{path}/gains/{made.json['id']}/observations", observation)
    assert observed.status_code == 403, "a program is not the owner"
    taken = asked("trust_requester", "POST", f"{path}/gains/{made.json['id']}/withdrawal")
    assert (taken.status_code, taken.json["items"]) == (201, [])
    assert asked("trust_requester", "POST", f"{path}/gains/{made.json['id']}/withdrawal").status_code == 404


def test_only_a_person_is_stood_in_for(asked: Any) -> None:
    body = {"deputy": OWNER, "from": "2026-10-20", "to": "2026-11-01"}
    assert asked("approver", "POST", "/approvals/delegations", body).status_code == 403
    assert asked("trust_reader", "POST", "/approvals/delegations", body).status_code == 403
    assert asked("approver", "GET", "/approvals/delegations").json["items"] == []
    assert asked("approver", "POST", "/approvals/delegations/7/withdrawal").status_code == 404


def test_the_limit_is_set_by_whoever_saw_it(asked: Any) -> None:
    path = "/approvals/limit"
    assert asked("approver", "GET", path).status_code == 403
    shown = asked("admin", "GET", path)
    assert shown.json == {"amount": "1000000.00"}
    body = {"amount": "250000.00"}
    assert asked("admin", "PUT", path, body).status_code == 428
    etag = {"If-Match": shown.headers["ETag"]}
    assert asked("admin", "PUT", path, body, **etag).json == body
    assert asked("admin", "PUT", path, body, **etag).status_code == 412
    etag = {"If-Match": asked("admin", "GET", path).headers["ETag"]}
    assert asked("admin", "PUT", path, {"amount": "-1.00"}, **etag).status_code == 422


def test_a_certificate_recorded_here_stands_in_the_product(asked: Any) -> None:
    body = {
        "number": "NB-1",
        "notified_body": "0123",
        "ce_class": "IIa",
        "valid_from": "2024-01-01",
        "expires_on": date(2027, 5, 31).isoformat(),
    }
    assert asked("contract_manager", "POST", f"/algorithms/{ALGORITHM}/certificates", body).status_code == 201
    (held,) = asked("trust_reader", "GET", f"/algorithms/{ALGORITHM}").json["certificates"]
    assert held["expires_on"] == "2027-05-31"
