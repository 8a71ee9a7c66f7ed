"""The API's ground: its description, how bodies and queries are read, pages, and the resources of what was agreed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from contracts.schemas.agreement import load_agreement
from tests import examples
from tests.conftest import make_app
from tests.recorded import record_agreement
from tests.tokens import bearer

PRICE = "/api/v1/price"


@pytest.fixture
def manager(app: Flask) -> dict[str, str]:
    """A contract manager's token."""
    return bearer("contract_manager")


@pytest.fixture
def description(client: FlaskClient) -> dict[str, Any]:
    """The API's description."""
    document: dict[str, Any] = client.get("/api/v1/openapi.json").json
    return document


def operations(description: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
        if method != "parameters"
    ]


def test_the_description_is_openapi_3_1_and_needs_no_token(client: FlaskClient) -> None:
    answer = client.get("/api/v1/openapi.json")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.json["openapi"].startswith("3.1.")
    assert client.get("/api/v1/openapi.json", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_every_route_is_described_and_nothing_else(app: Flask, description: dict[str, Any]) -> None:
    routes = {
        (
            method,
            re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule),
        )
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and rule.endpoint != "api-docs.openapi_json"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {tuple(name.split(" ")) for name, _ in operations(description)} == routes


def test_every_operation_has_a_summary_and_its_problems(description: dict[str, Any]) -> None:
    for name, operation in operations(description):
        assert operation.get("summary"), name
        assert {"401", "403"} <= set(operation["responses"]), name
        for status, response in operation["responses"].items():
            if status.startswith("4"):
                assert list(response["content"]) == ["application/problem+json"], (name, status)


def test_writes_are_described_with_their_headers(description: dict[str, Any]) -> None:
    paths = description["paths"]

    def headers(path: str) -> dict[str, bool]:
        parameters = paths[path]["post"]["parameters"]
        return {each["name"]: each.get("required", False) for each in parameters if each["in"] == "header"}

    once = {"Idempotency-Key": False}
    assert headers("/api/v1/invoices") == headers("/api/v1/usage-imports") == headers("/api/v1/agreements") == once
    assert headers("/api/v1/corrections") == once | {"If-Match": True}
    assert {"412", "428"} <= set(paths["/api/v1/corrections"]["post"]["responses"])


def test_every_pattern_is_one_that_javascript_reads_alike(description: dict[str, Any]) -> None:
    text = json.dumps(description)
    assert '"pattern"' in text
    assert not any(only_python in text for only_python in ("\\\\Z", "\\\\A", "(?P", "(?i"))


def test_nothing_of_the_description_points_elsewhere(description: dict[str, Any]) -> None:
    assert "http" not in json.dumps(description).replace('"type": "http"', "")


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        pytest.param(b"", "not_json", "line 1, column 1", id="empty"),
        pytest.param(b"{", "not_json", "line 1, column 2", id="cut-off"),
        pytest.param(b'{\n "a": NaN}', "not_json", "NaN is no JSON number", id="nan"),
        pytest.param(b'{"a": 1, "a": 2}', "not_json", "'a' stands twice", id="twice"),
        pytest.param(b'"\xff"', "not_utf8", "UTF-8", id="not-utf8"),
        pytest.param(b'["\\ud800"]', "not_json", "surrogate", id="half-a-character"),
        pytest.param(b'[{"a": "x\\u0000"}]', "not_text", "NUL", id="nul"),
        pytest.param(b"[" * 100_000, "too_deep", "deeply", id="deep"),
        pytest.param(b"[1" + b"0" * 5000 + b"]", "not_json", "digits", id="long-number"),
    ],
)
def test_a_body_that_is_no_json_is_a_bad_request(
    client: FlaskClient, manager: dict[str, str], body: bytes, code: str, said: str
) -> None:
    answer = client.post(PRICE, data=body, content_type="application/json", headers=manager)
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert answer.json["code"] == code
    assert said in answer.json["detail"]
    assert answer.json["errors"][0]["pointer"] == "#"


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_media_type_is_refused(client: FlaskClient, manager: dict[str, str], media_type: str) -> None:
    answer = client.post(PRICE, data=b"{}", content_type=media_type, headers=manager)
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")


def test_a_method_that_is_not_there_says_which_are(client: FlaskClient, manager: dict[str, str]) -> None:
    answer = client.delete(PRICE, headers=manager)
    assert (answer.status_code, answer.content_type) == (405, "application/problem+json")
    assert answer.headers["Allow"] == "OPTIONS, POST"


def test_an_address_that_is_not_there_is_a_problem(client: FlaskClient, manager: dict[str, str]) -> None:
    answer = client.get("/api/v1/nothing", headers=manager)
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("limit=0", "#/query/limit", "invalid"),
        ("limit=501", "#/query/limit", "invalid"),
        ("limit=many", "#/query/limit", "invalid"),
        ("limit=1&limit=2", "#/query/limit", "twice"),
        ("colour=red", "#/query/colour", "unknown_field"),
        ("after=nonsense", "#/query/after", "not_a_cursor"),
        ("after=WzEsMl0", "#/query/after", "not_a_cursor"),
        ("agreement=%00", "#/query/agreement", "not_a_code"),
    ],
)
def test_a_query_is_read_as_strictly_as_a_body(
    app: Flask, client: FlaskClient, manager: dict[str, str], query: str, pointer: str, code: str
) -> None:
    record_agreement()
    answer = client.get(f"/api/v1/trusts?{query}", headers=manager)
    assert answer.status_code == 422
    assert [(error["pointer"], error["code"]) for error in answer.json["errors"]] == [(pointer, code)]


@pytest.mark.parametrize(
    "known_at",
    ["yesterday", "2026-01-01", "2026-01-01T00:00:00", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-12:00"],
)
def test_an_instant_needs_its_time_zone_and_a_year_of_this_world(
    app: Flask, client: FlaskClient, manager: dict[str, str], known_at: str
) -> None:
    record_agreement()
    answer = client.get(f"/api/v1/agreements/ra-test?known_at={known_at}", headers=manager)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "#/query/known_at")


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 500])
def test_pages_put_together_are_the_listing(
    app: Flask, client: FlaskClient, manager: dict[str, str], limit: int
) -> None:
    record_agreement()
    codes, after = [], ""
    while True:
        page = client.get(f"/api/v1/trusts?limit={limit}{after}", headers=manager).json
        assert 1 <= len(page["items"]) <= limit
        codes += [trust["code"] for trust in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert codes == list(examples.TRUSTS)


def test_an_agreement_goes_in_and_comes_out_as_it_was(app: Flask, client: FlaskClient, manager: dict[str, str]) -> None:
    document = examples.agreement()
    taken = client.post("/api/v1/agreements", json=document, headers=manager)
    assert (taken.status_code, taken.json) == (201, {"agreement": "ra-test", "status": "imported"})
    given = client.get(taken.headers["Location"], headers=manager)
    assert load_agreement(given.json) == load_agreement(document)
    again = client.post("/api/v1/agreements", json=given.json, headers=manager)
    assert (again.status_code, again.json["status"]) == (200, "already_imported")
    other = client.post("/api/v1/agreements", json=document | {"name": "Another"}, headers=manager)
    assert (other.status_code, other.json["code"]) == (409, "agreement_exists")


def test_a_wrong_agreement_is_refused_with_every_place(
    app: Flask, client: FlaskClient, manager: dict[str, str]
) -> None:
    document = examples.agreement()
    document["buyer"]["organisation_number"] = "914637650"
    document["agreement"]["end"] = "31.12.2027"
    answer = client.post("/api/v1/agreements", json=document, headers=manager)
    assert answer.status_code == 422
    assert {"#/buyer/organisation_number", "#/agreement/end"} <= {error["pointer"] for error in answer.json["errors"]}
    assert client.get("/api/v1/agreements", headers=manager).json["items"] == []


def test_an_agreement_is_given_as_it_was_known(app: Flask, client: FlaskClient, manager: dict[str, str]) -> None:
    record_agreement()
    before = client.get("/api/v1/agreements/ra-test?known_at=2024-01-01T00:00:00Z", headers=manager)
    after = client.get("/api/v1/agreements/ra-test?known_at=2024-01-03T00:00:00Z", headers=manager)
    assert (before.status_code, after.status_code) == (404, 200)


def test_with_several_agreements_one_must_be_named(app: Flask, client: FlaskClient, manager: dict[str, str]) -> None:
    record_agreement()
    record_agreement(examples.agreement(code="ra-other", trusts=("nord-norge", "vestre-viken", "sykehuset-ostfold")))
    unnamed = client.get("/api/v1/trusts", headers=manager)
    named = client.get("/api/v1/trusts?agreement=ra-other", headers=manager)
    assert (unnamed.status_code, unnamed.json["code"]) == (409, "several_agreements")
    assert named.json["items"][0]["code"] == "nord-norge"
    assert client.get("/api/v1/trusts?agreement=ra-third", headers=manager).status_code == 404
    listed = client.get("/api/v1/agreements", headers=bearer("trust_reader", "akershus")).json["items"]
    assert [agreement["code"] for agreement in listed] == ["ra-test"]


def test_money_comes_with_its_currency(app: Flask, client: FlaskClient, manager: dict[str, str]) -> None:
    record_agreement()
    (summary,) = client.get("/api/v1/agreements", headers=manager).json["items"]
    assert summary["maximum_value"] == {"amount": "1200000.00", "currency": "NOK"}


def test_algorithms_and_options_are_listed(app: Flask, client: FlaskClient, manager: dict[str, str]) -> None:
    record_agreement()
    algorithms = client.get("/api/v1/algorithms", headers=manager).json["items"]
    options = client.get("/api/v1/options", headers=manager).json["items"]
    assert [algorithm["code"] for algorithm in algorithms] == ["xray-skeletal", "ct-pe"]
    assert [item["trust"] for item in options if item["kind"] == "option"] == list(examples.TRUSTS)
    assert {item["algorithm"] for item in options if item["kind"] == "activation"} == {"xray-skeletal"}
    assert set(options[0]) == {"id", "kind", "trust", "algorithm", "state", "deadline"}


def test_a_token_needs_no_csrf_token_and_a_page_does(sqlite_url: str, tmp_path: Path) -> None:
    guarded = make_app(sqlite_url, tmp_path, WTF_CSRF_ENABLED=True)
    with guarded.app_context():
        headers = bearer("contract_manager")
    client = guarded.test_client()
    assert client.post(PRICE, json=[], headers=headers).json == []
    assert client.post("/logg-inn", data={"email": "a@b.no"}).status_code == 400
    guarded.extensions["trinnvis_engine"].dispose()


def test_too_large_a_body_is_a_problem(app: Flask, client: FlaskClient, manager: dict[str, str]) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 100
    answer = client.post(PRICE, data=b"[" + b" " * 200 + b"]", content_type="application/json", headers=manager)
    assert (answer.status_code, answer.content_type) == (413, "application/problem+json")


def test_what_goes_wrong_with_us_tells_a_reference_and_nothing_else(
    app: Flask, manager: dict[str, str], monkeypatch: pytest.MonkeyPatch, sign_in_as: Callable[..., FlaskClient]
) -> None:
    monkeypatch.setattr("contracts.web.agreements.api.agreements.list_agreements", lambda _session: 1 / 0)
    app.testing = False
    answer = app.test_client().get("/api/v1/agreements", headers=manager)
    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
    assert set(answer.json) == {"type", "title", "status", "code", "detail", "reference"}
    assert "ZeroDivision" not in answer.text
