"""The API of quarters, coverage, corrections and documents: the documents of the commands, conditional and once."""

from __future__ import annotations

import hashlib
import json
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.tokens import bearer

HEADERS = dict[str, str]


@pytest.fixture
def controller(example_app: Flask) -> HEADERS:
    """A finance controller's token in the example."""
    return bearer("finance_controller")


@pytest.fixture
def example(example_app: Flask) -> FlaskClient:
    """A client of the example."""
    return example_app.test_client()


def command(app: Flask, *arguments: str) -> Any:
    result = app.test_cli_runner().invoke(args=list(arguments))
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_quarters_are_listed_with_their_runs_as_the_command_lists_them(
    example_app: Flask, example: FlaskClient, controller: HEADERS
) -> None:
    listed = example.get("/api/v1/quarters", headers=controller).json
    assert listed["items"] == command(example_app, "quarter", "list", "--json")["items"]
    assert [(each["quarter"], each["state"]) for each in listed["items"][:3]] == [
        ("2026-Q4", "not_over"),
        ("2026-Q3", "open"),
        ("2026-Q2", "closed"),
    ]


def test_a_closed_quarter_shows_its_lines_its_hash_and_what_came_later(
    example_app: Flask, example: FlaskClient, controller: HEADERS
) -> None:
    answer = example.get("/api/v1/quarters/2025-Q4", headers=controller)
    assert answer.json == command(example_app, "quarter", "show", "2025-Q4", "--json")
    later = answer.json["later"]
    assert {each["cause"]: each["amount"] for each in later["causes"]} == {
        "late_usage": "0.00",
        "correction": later["difference"],
        "price": "0.00",
        "activation": "0.00",
    }
    assert later["usage"] == [
        {
            "cause": "correction",
            "trust": "akershus",
            "algorithm": "xray-skeletal",
            "month": "2025-11",
            "quantity": -14,
        }
    ]
    content = example.get("/api/v1/quarters/2025-Q4/runs/1", headers=controller)
    assert hashlib.sha256(content.data).hexdigest() == answer.json["sha256"]
    assert (
        example.get(
            "/api/v1/quarters/2025-Q4", headers=controller | {"If-None-Match": answer.headers["ETag"]}
        ).status_code
        == 304
    )


def test_a_quarter_is_closed_on_the_state_that_was_seen_and_once(example: FlaskClient, controller: HEADERS) -> None:
    address = "/api/v1/quarters/2026-Q3"
    seen = example.get(address, headers=controller).headers["ETag"]
    assert example.post(f"{address}/closings", json={}, headers=controller).status_code == 428
    stale = controller | {"If-Match": '"other"'}
    assert example.post(f"{address}/closings", json={}, headers=stale).status_code == 412
    headers = controller | {"If-Match": seen, "Idempotency-Key": "close-1"}
    closed = example.post(f"{address}/closings", json={}, headers=headers)
    assert (closed.status_code, closed.json["status"], closed.json["run"]) == (201, "closed", 1)
    again = example.post(f"{address}/closings", json={}, headers=headers)
    assert (again.status_code, again.json) == (201, closed.json)
    now = example.get(address, headers=controller)
    assert (now.json["state"], now.json["sha256"]) == ("closed", closed.json["sha256"])
    standing = example.post(f"{address}/closings", json={}, headers=controller | {"If-Match": now.headers["ETag"]})
    assert (standing.status_code, standing.json["status"]) == (200, "already_closed")
    opened = example.post(
        f"{address}/reopenings",
        json={"reason": "A file came late."},
        headers=controller | {"If-Match": now.headers["ETag"]},
    )
    assert (opened.status_code, opened.json["state"]) == (201, "reopened")
    assert opened.headers["ETag"] == example.get(address, headers=controller).headers["ETag"]


@pytest.mark.parametrize(
    ("quarter", "status", "code"),
    [
        pytest.param("2026-Q4", 409, "not_over", id="not over"),
        pytest.param("2023-Q4", 404, "not_found", id="outside the agreement"),
        pytest.param("2026-10", 404, "not_found", id="no quarter"),
    ],
)
def test_what_cannot_be_closed_is_refused(
    example: FlaskClient, controller: HEADERS, quarter: str, status: int, code: str
) -> None:
    address = f"/api/v1/quarters/{quarter}"
    seen = example.get(address, headers=controller).headers.get("ETag", '"x"')
    answer = example.post(f"{address}/closings", json={}, headers=controller | {"If-Match": seen})
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_within_one_trust_only_its_own_lines_and_no_total_of_all(example: FlaskClient, example_app: Flask) -> None:
    reader = bearer("trust_reader", "sykehuset-ostfold")
    quarter = example.get("/api/v1/quarters/2025-Q4", headers=reader)
    assert {line["trust"] for line in quarter.json["lines"]} == {"sykehuset-ostfold"}
    assert quarter.json["runs"][0]["total"] is None
    assert quarter.json["later"]["now"] is None
    assert "akershus" not in quarter.text
    assert "akershus" not in example.get("/api/v1/corrections", headers=reader).text
    assert "akershus" not in example.get("/api/v1/coverage?quarter=2025-Q4", headers=reader).text
    assert example.get("/api/v1/quarters/2025-Q4/runs/1", headers=reader).status_code == 404
    assert example.get("/api/v1/quarters/2025-Q4?trust=akershus", headers=reader).status_code == 404
    assert example.get("/api/v1/corrections/2", headers=bearer("trust_reader", "sykehuset-ostfold")).status_code == 404
    assert example.post("/api/v1/quarters/2026-Q3/closings", json={}, headers=reader).status_code == 403


def test_coverage_is_the_document_of_the_command(example_app: Flask, example: FlaskClient, controller: HEADERS) -> None:
    answer = example.get("/api/v1/coverage?quarter=2025-Q4", headers=controller)
    assert answer.json == command(example_app, "usage", "coverage", "2025-Q4", "--json")
    assert answer.json["counts"]["corrected_after_close"] == 1


def test_a_correction_carries_its_reason_and_evidence(example: FlaskClient, controller: HEADERS) -> None:
    filed = example.post(
        "/api/v1/documents?title=Log&trust=akershus",
        data={"file": (BytesIO(b"a;b\n"), "log.csv")},
        headers=controller,
    )
    assert filed.status_code == 201, filed.text
    cell = example.get("/api/v1/usage/akershus/xray-skeletal/2026-08-12", headers=controller)
    wanted = {
        "trust": "akershus",
        "algorithm": "xray-skeletal",
        "on": "2026-08-12",
        "change": -2,
        "reason": "Two were sent twice.",
        "reason_code": "counted_twice",
        "evidence": filed.json["id"],
    }
    made = example.post("/api/v1/corrections", json=wanted, headers=controller | {"If-Match": cell.headers["ETag"]})
    assert made.status_code == 201, made.text
    newest = example.get("/api/v1/corrections?limit=1", headers=controller).json["items"][0]
    assert {key: newest[key] for key in ("trust", "on", "change", "reason", "reason_code")} == {
        key: wanted[key] for key in ("trust", "on", "change", "reason", "reason_code")
    }
    assert newest["evidence"] == {"id": filed.json["id"], "version": 1, "title": "Log"}
    assert newest["after"] == newest["before"] - 2 == made.json["quantity"]
    assert example.get(f"/api/v1/corrections/{newest['id']}", headers=controller).json == newest
    content = example.get(f"/api/v1/documents/{filed.json['id']}/versions/1", headers=controller)
    assert (content.data, content.headers["Content-Disposition"]) == (b"a;b\n", "attachment; filename=log.csv")


def test_a_document_gets_a_version_on_the_state_that_was_seen(example: FlaskClient, controller: HEADERS) -> None:
    filed = example.post("/api/v1/documents?title=Log", data=b"one", content_type="text/plain", headers=controller)
    address = f"/api/v1/documents/{filed.json['id']}"
    seen = example.get(address, headers=controller).headers["ETag"]
    headers = controller | {"If-Match": seen}
    newer = example.post(f"{address}/versions", data=b"two", content_type="text/plain", headers=headers)
    assert [each["number"] for each in newer.json["versions"]] == [1, 2]
    assert example.post(f"{address}/versions", data=b"x", content_type="text/plain", headers=headers).status_code == 412
    page = example.post("/api/v1/documents?title=Page", data=b"<p>", content_type="text/html", headers=controller)
    assert page.status_code == 415
    foreign = bearer("trust_requester", "oslo")
    assert example.get(address, headers=foreign).status_code == 404
    assert (
        example.post("/api/v1/documents?title=x", data=b"x", content_type="text/plain", headers=foreign).status_code
        == 403
    )
