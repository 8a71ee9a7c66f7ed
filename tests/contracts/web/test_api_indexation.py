"""Index adjustment and deadlines through the API: shapes, who may what, what must match, what is done once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from contracts.schemas.indexation import IndexClauseSchema, load_clause
from contracts.web.prices.indexation_api import CLAUSE as CLAUSE_DOCUMENT
from tests.contracts.prices.test_index_values import import_file
from tests.contracts.prices.test_indexation import CLAUSE, MANAGER, NEW_YEAR, agree, agreement_without_adjustments, ask
from tests.index_files import CSV, as_file, json_stat

Headers = dict[str, str]
TokenFor = Callable[..., Headers]
CLAUSE_PATH = "/api/v1/agreements/ra-test/index-clause"
# The example's today, 15.10.2026, is too late for New Year 2025 and in time for New Year 2027.
VALUES = CSV + b"03013,TOTAL,2015,2026-09,143.5\n"


@pytest.fixture
def ready(app: Flask) -> int:
    agreement_id = agreement_without_adjustments()
    import_file(VALUES)
    agree(agreement_id)
    return agreement_id


def post(client: FlaskClient, path: str, headers: Headers, document: Any, **more: str) -> Any:
    return client.post(
        path, json=document, headers=headers | {name.replace("_", "-"): value for name, value in more.items()}
    )


def decide(client: FlaskClient, headers: Headers, number: int, document: Any) -> Any:
    etag = client.get(f"/api/v1/index-requests/{number}", headers=headers).headers["ETag"]
    return post(client, f"/api/v1/index-requests/{number}/transitions", headers, document, If_Match=etag)


def test_a_clause_written_reads_back_equal() -> None:
    assert load_clause(json.loads(json.dumps(IndexClauseSchema().dump(CLAUSE)))) == CLAUSE
    assert IndexClauseSchema().dump(load_clause(CLAUSE_DOCUMENT)) == CLAUSE_DOCUMENT


def test_a_clause_is_put_only_onto_the_state_that_was_seen(
    app: Flask, client: FlaskClient, token_for: TokenFor
) -> None:
    agreement_without_adjustments()
    manager = token_for("contract_manager")
    seen = client.get(CLAUSE_PATH, headers=manager)
    assert seen.json == {"agreement": "ra-test", "clause": None, "proposed": None}
    assert client.put(CLAUSE_PATH, json=CLAUSE_DOCUMENT, headers=manager).status_code == 428
    put = client.put(CLAUSE_PATH, json=CLAUSE_DOCUMENT, headers=manager | {"If-Match": seen.headers["ETag"]})
    assert (put.status_code, put.json["clause"], put.json["proposed"]["clause"]) == (200, None, CLAUSE_DOCUMENT)
    stale = client.put(CLAUSE_PATH, json=CLAUSE_DOCUMENT, headers=manager | {"If-Match": seen.headers["ETag"]})
    assert stale.status_code == 412
    assert client.get(CLAUSE_PATH, headers=manager).headers["ETag"] == put.headers["ETag"]
    body = {"proposal": put.json["proposed"]["id"], "event": "approve"}
    decisions = f"{CLAUSE_PATH}/decisions"
    assert post(client, decisions, manager, body, Idempotency_Key="a").status_code == 403
    done = post(client, decisions, token_for("approver"), body, Idempotency_Key="b")
    assert (done.status_code, done.json["clause"], done.json["proposed"]) == (201, CLAUSE_DOCUMENT, None)


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"reading": "monthly"}, "#/reading", "invalid_choice"),
        ({"base_month": "2024M01"}, "#/base_month", "not_a_month"),
        ({"share": 0.85}, "#/share", "not_a_string"),
        ({"share": "1.5"}, "#/share", "out_of_range"),
        ({"cap": "0.00001"}, "#/cap", "too_many_decimals"),
        ({"index_name": "x" * 201}, "#/index_name", "too_long"),
        ({"sharee": "1"}, "#/sharee", "unknown_field"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_each_error_of_a_clause_has_its_place(
    app: Flask, client: FlaskClient, token_for: TokenFor, changes: dict[str, Any], pointer: str, code: str
) -> None:
    agreement_without_adjustments()
    manager = token_for("contract_manager")
    etag = client.get(CLAUSE_PATH, headers=manager).headers["ETag"]
    answer = client.put(CLAUSE_PATH, json=CLAUSE_DOCUMENT | changes, headers=manager | {"If-Match": etag})
    assert answer.status_code == 422
    assert [(error["pointer"], error["code"]) for error in answer.json["errors"]] == [(pointer, code)]


@pytest.mark.parametrize(
    ("content", "media_type"), [(CSV, "text/csv"), (as_file(json_stat()), "application/json")], ids=["csv", "json-stat"]
)
def test_a_file_of_values_comes_in_once(
    app: Flask, client: FlaskClient, token_for: TokenFor, content: bytes, media_type: str
) -> None:
    manager = token_for("contract_manager")
    first = client.post("/api/v1/index-values", data=content, content_type=media_type, headers=manager)
    again = client.post("/api/v1/index-values", data=content, content_type=media_type, headers=manager)
    assert (first.status_code, first.json["status"]) == (201, "imported")
    assert (again.status_code, again.json["status"], again.json["id"]) == (200, "already_imported", first.json["id"])
    page = client.get("/api/v1/index-values?series=TOTAL&limit=2", headers=manager).json
    assert page["items"][0] == {
        "table": "03013",
        "series": "TOTAL",
        "base_year": 2015,
        "month": "2023-09",
        "value": "131.6",
        "retrieved_on": "2026-10-15",
        "revisions": 0,
    }
    following = client.get(f"/api/v1/index-values?series=TOTAL&after={page['next']}", headers=manager).json
    assert following["items"][0]["month"] == "2024-09"
    assert following["next"] is None


def test_a_bad_file_of_values_is_refused_with_its_places(app: Flask, client: FlaskClient, token_for: TokenFor) -> None:
    content = CSV.replace(b"2024-08", b"2024-13")
    answer = client.post(
        "/api/v1/index-values", data=content, content_type="text/csv", headers=token_for("contract_manager")
    )
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "#/line/3/month"


def test_a_request_is_made_once_and_approved_by_another(ready: int, client: FlaskClient, token_for: TokenFor) -> None:
    manager, approver = token_for("contract_manager"), token_for("approver")
    body = {"effective_from": "2027-01-01"}
    made = post(client, "/api/v1/index-requests", manager, body, Idempotency_Key="a")
    assert (made.status_code, made.json["state"], made.json["deadline_on"]) == (201, "requested", "2026-11-01")
    assert post(client, "/api/v1/index-requests", manager, body, Idempotency_Key="a").json == made.json
    assert post(client, "/api/v1/index-requests", manager, body).status_code == 409
    number = made.json["id"]
    assert made.headers["Location"] == f"/api/v1/index-requests/{number}"
    assert (made.json["exact_factor"], made.json["factor"]) == ("1.0218727663", "1.0219")
    assert made.json["used"][0] == {
        "side": "base",
        "month": "2025-09",
        "value": "139.9",
        "retrieved_on": "2026-10-12",
    }
    assert (
        post(client, f"/api/v1/index-requests/{number}/transitions", approver, {"event": "approve"}).status_code == 428
    )
    done = decide(client, approver, number, {"event": "approve", "reason": "Checked"})
    assert (done.status_code, done.json["state"], done.json["reason"]) == (201, "approved", "Checked")
    book = client.get("/api/v1/agreements/ra-test", headers=manager).json["price_book"]
    assert book["index_adjustments"] == [{"effective_from": "2027-01-01", "factor": "1.0219", "clause": "7.3"}]
    assert decide(client, approver, number, {"event": "decline", "reason": "No"}).status_code == 409


def test_a_decision_on_a_state_seen_before_is_refused(ready: int, client: FlaskClient, token_for: TokenFor) -> None:
    approver = token_for("approver")
    number = post(
        client, "/api/v1/index-requests", token_for("contract_manager"), {"effective_from": "2027-01-01"}
    ).json["id"]
    etag = client.get(f"/api/v1/index-requests/{number}", headers=approver).headers["ETag"]
    path = f"/api/v1/index-requests/{number}/transitions"
    assert post(client, path, approver, {"event": "approve"}, If_Match=etag).status_code == 201
    assert post(client, path, approver, {"event": "approve"}, If_Match=etag).status_code == 412


def test_a_late_request_is_recorded_as_lapsed_and_conflicts_when_decided(
    ready: int, client: FlaskClient, token_for: TokenFor
) -> None:
    made = post(client, "/api/v1/index-requests", token_for("contract_manager"), {"effective_from": "2025-01-01"})
    assert (made.status_code, made.json["state"]) == (201, "lapsed")
    refused = decide(client, token_for("approver"), made.json["id"], {"event": "approve"})
    assert (refused.status_code, refused.json["code"]) == (409, "index_lapsed")


def test_an_approval_for_days_gone_by_must_say_so(ready: int, client: FlaskClient, token_for: TokenFor) -> None:
    request = ask(ready, NEW_YEAR, date(2024, 10, 24), MANAGER)
    approver = token_for("approver")
    refused = decide(client, approver, request.id, {"event": "approve"})
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "#/retroactive")
    assert decide(client, approver, request.id, {"event": "approve", "retroactive": True}).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [
        ("PUT", CLAUSE_PATH, "approver"),
        ("POST", "/api/v1/index-values", "finance_controller"),
        ("POST", "/api/v1/index-requests", "approver"),
        ("POST", "/api/v1/index-requests/1/transitions", "admin"),
        ("GET", "/api/v1/index-requests", "admin"),
        ("GET", "/api/v1/deadlines", "admin"),
    ],
)
def test_a_role_that_may_not_is_denied(
    ready: int, client: FlaskClient, token_for: TokenFor, method: str, path: str, role: str
) -> None:
    assert client.open(path, method=method, headers=token_for(role)).status_code == 403


def test_who_may_not_approve_is_told_so_and_may_ask_to_go_over_only_where_something_refuses(
    ready: int, client: FlaskClient, token_for: TokenFor
) -> None:
    request, manager = ask(ready, date(2027, 1, 1), date(2026, 10, 15)), token_for("contract_manager")
    assert decide(client, manager, request.id, {"event": "approve"}).status_code == 403
    weighed = client.get(f"/api/v1/index-requests/{request.id}/effect", headers=manager).json
    assert (weighed["effect"]["expected"], weighed["refusals"], weighed["needed"]) == ("0.00", [], 1)
    asked = decide(client, manager, request.id, {"event": "ask_override", "reason": "Because."})
    assert (asked.status_code, asked.json["code"]) == (409, "nothing_to_override")


@pytest.mark.parametrize("number", ["2", "0", "9" * 30])
def test_an_unknown_request_is_not_found(ready: int, client: FlaskClient, token_for: TokenFor, number: str) -> None:
    assert client.get(f"/api/v1/index-requests/{number}", headers=token_for("auditor")).status_code == 404


def test_deadlines_are_listed_by_date_and_a_trust_sees_its_own(example_app: Flask) -> None:
    from tests.tokens import bearer

    client = example_app.test_client()
    everything = client.get("/api/v1/deadlines", headers=bearer("auditor")).json
    assert everything["next"] is None
    dates = [item["due_on"] for item in everything["items"]]
    assert dates == sorted(dates)
    options = [item["params"]["trust"] for item in everything["items"] if item["source"] == "option"]
    assert {"sorlandet", "sykehuset-telemark"} == set(options)
    own = client.get("/api/v1/deadlines", headers=bearer("trust_reader", "sorlandet")).json["items"]
    assert [item["params"]["trust"] for item in own if item["source"] == "option"] == ["sorlandet"]
    first = client.get("/api/v1/deadlines?limit=1", headers=bearer("auditor")).json
    rest = client.get(f"/api/v1/deadlines?after={first['next']}", headers=bearer("auditor")).json
    assert first["items"] + rest["items"] == everything["items"]
