"""The API of reconciliations: the command's document, conditional writes, each act once, and who may not."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.reconciled import FIRST, OSTFOLD, beside, invoice, line, record_quarters, seen, take_in
from tests.tokens import bearer

HEADERS = dict[str, str]
BASE = "/api/v1/reconciliations"
Q3 = f"{BASE}/2026-Q3"


@pytest.fixture
def controller(example_app: Flask) -> HEADERS:
    """A finance controller's token in the example."""
    return bearer("finance_controller")


@pytest.fixture
def example(example_app: Flask) -> FlaskClient:
    """A client of the example."""
    return example_app.test_client()


def matching(example: FlaskClient, headers: HEADERS, address: str = Q3) -> HEADERS:
    """Give the headers of a write on the state that stands."""
    return headers | {"If-Match": example.get(address, headers=headers).headers["ETag"]}


def post(example: FlaskClient, headers: HEADERS, path: str, body: Any = None, of: str = Q3) -> TestResponse:
    return example.post(path, headers=matching(example, headers, of), json=body)


def everything(example: FlaskClient, headers: HEADERS, path: str, **query: Any) -> list[dict[str, Any]]:
    """Follow a listing to its end."""
    items: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        asked = query | ({"after": after} if after else {})
        answer = example.get(path, headers=headers, query_string=asked)
        assert answer.status_code == 200, answer.text
        items += answer.json["items"]
        after = answer.json["next"]
        if after is None:
            return items


def test_a_reconciliation_is_the_document_of_the_command(
    example_app: Flask, example: FlaskClient, controller: HEADERS
) -> None:
    answer = example.get(Q3, headers=controller)
    result = example_app.test_cli_runner().invoke(args=["reconcile", "2026-Q3", "--dry-run", "--json"])
    assert result.exit_code == 4
    assert answer.json == json.loads(result.stdout)
    again = example.get(Q3, headers=controller | {"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_quarters_are_listed_with_their_last_runs(example: FlaskClient, controller: HEADERS) -> None:
    items = example.get(BASE, headers=controller).json["items"]
    states = {each["quarter"]: each["state"] for each in items}
    assert states["2026-Q3"] == "waiting_for_usage"
    assert states["2026-Q2"] == "settled"
    second = next(each for each in items if each["quarter"] == "2026-Q2")
    assert second["run"] == example.get(f"{BASE}/2026-Q2", headers=controller).json["run"]


def test_the_lines_sum_to_the_difference_page_by_page(example: FlaskClient, controller: HEADERS) -> None:
    whole = example.get(Q3, headers=controller).json
    lines = everything(example, controller, f"{Q3}/lines", limit=25)
    assert len(lines) > 75
    assert len({each["id"] for each in lines}) == len(lines)
    assert sum(Decimal(each["difference"]) for each in lines) == Decimal(whole["difference"])
    differing = everything(example, controller, f"{Q3}/lines", differences="true", order="amount")
    amounts = [abs(Decimal(each["difference"])) for each in differing]
    assert amounts == sorted(amounts, reverse=True)
    assert sum(Decimal(each["difference"]) for each in differing) == Decimal(whole["difference"])


def test_the_findings_are_those_of_the_documents_and_filter_by_code(example: FlaskClient, controller: HEADERS) -> None:
    whole = example.get(Q3, headers=controller).json
    found = everything(example, controller, f"{Q3}/findings", limit=5)
    assert found == [each for document in whole["invoices"] for each in document["findings"]] + whole["not_invoiced"]
    ramp = everything(example, controller, f"{Q3}/findings", code="RAMP_MISSING")
    assert {each["code"] for each in ramp} == {"RAMP_MISSING"}
    assert len(ramp) < len(found)


@pytest.mark.parametrize("name", ["lines", "findings"])
def test_a_listing_is_a_table_by_its_suffix(example: FlaskClient, controller: HEADERS, name: str) -> None:
    answer = example.get(f"{Q3}/{name}.csv", headers=controller)
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row["id"] for row in rows] == [
        each["id"] for each in everything(example, controller, f"{Q3}/{name}", limit=500)
    ]
    assert example.get(f"{Q3}/{name}.xlsx", headers=controller).data.startswith(b"PK")


def test_a_run_is_frozen_on_the_state_that_was_seen_and_once(example: FlaskClient, controller: HEADERS) -> None:
    assert example.post(f"{Q3}/runs", headers=controller).status_code == 428
    assert example.post(f"{Q3}/runs", headers=controller | {"If-Match": '"old"'}).status_code == 412
    headers = matching(example, controller) | {"Idempotency-Key": "run-1"}
    first = example.post(f"{Q3}/runs", headers=headers)
    again = example.post(f"{Q3}/runs", headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json == first.json
    same = post(example, controller, f"{Q3}/runs")
    assert (same.status_code, same.json["run"]["number"]) == (200, 1)
    frozen = example.get(f"{Q3}/runs/1", headers=controller)
    assert frozen.headers["ETag"] == f'"{first.json["run"]["sha256"]}"'
    assert example.get(Q3, headers=controller, query_string={"run": 2}).status_code == 404


def test_a_decision_names_findings_and_accepting_needs_a_comment(example: FlaskClient, controller: HEADERS) -> None:
    key = everything(example, controller, f"{Q3}/findings", code="QTY_DIFF")[0]["id"]
    path = f"{Q3}/findings/decisions"
    refused = post(example, controller, path, {"findings": [key], "decision": "accepted"})
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "#/comment")
    unknown = post(example, controller, path, {"findings": ["0" * 20], "decision": "noted"})
    assert unknown.json["errors"][0]["pointer"] == "#/findings/0"
    done = post(example, controller, path, {"findings": [key], "decision": "noted", "comment": ""})
    assert done.status_code == 201
    stands = everything(example, controller, f"{Q3}/findings", code="QTY_DIFF")[0]
    assert stands["treatment"] == "noted"


def test_a_placing_changes_what_a_line_is_about(app: Flask, client: FlaskClient) -> None:
    agreement_id = record_quarters()
    controller, first = bearer("finance_controller"), f"{BASE}/{FIRST}"
    take_in(agreement_id, beside(invoice(agreement_id), line("Oppgradering", "500.00")))
    found = everything(client, controller, f"{first}/lines", code="UNKNOWN_ITEM")[0]
    sha256 = client.get(first, headers=controller).json["invoices"][0]["sha256"]
    body = {"document": sha256, "lines": [found["invoice_lines"][0]["line"]], "trust": OSTFOLD}
    assert post(client, controller, f"{first}/placings", body | {"trust": "nope"}, of=first).status_code == 422
    assert post(client, controller, f"{first}/placings", body, of=first).status_code == 201
    placed = [
        each
        for each in everything(client, controller, f"{first}/lines", differences="true")
        if found["invoice_lines"][0] in each["invoice_lines"]
    ]
    assert [each["trusts"] for each in placed] == [[OSTFOLD]]


def test_a_dispute_is_opened_and_taken_through_its_steps(example: FlaskClient, controller: HEADERS) -> None:
    keys = [
        each["id"]
        for each in everything(example, controller, f"{Q3}/findings")
        if each["code"] in ("QTY_DUP", "LINE_DUP")
    ]
    body = {"findings": keys, "wanted": "credit_part", "hold": "part", "reply_by": "2026-10-29"}
    assert post(example, controller, f"{Q3}/disputes", body | {"hold": "all"}).status_code == 422
    opened = post(example, controller, f"{Q3}/disputes", body)
    assert (opened.status_code, opened.json["state"]) == (201, "drafted")
    one = f"{Q3}/disputes/{opened.json['number']}"
    assert example.get(one, headers=controller).headers["ETag"] == opened.headers["ETag"]
    assert [each["number"] for each in example.get(f"{Q3}/disputes", headers=controller).json["items"]] == [
        opened.json["number"]
    ]
    assert example.get(f"{one}/letter", headers=controller).data.startswith(b"%PDF-")
    assert example.get(f"{one}/evidence", headers=controller).mimetype == "text/csv"
    early = post(example, controller, f"{one}/steps", {"step": "agreed", "on": "2026-10-15"}, of=one)
    assert (early.status_code, early.json["code"]) == (409, "cannot_follow")
    stale = example.post(
        f"{one}/steps", headers=controller | {"If-Match": '"old"'}, json={"step": "sent", "on": "2026-10-15"}
    )
    assert stale.status_code == 412
    for step, state in (("sent", "sent"), ("agreed", "agreed")):
        taken = post(example, controller, f"{one}/steps", {"step": step, "on": "2026-10-15"}, of=one)
        assert (taken.status_code, taken.json["state"]) == (201, state)
    assert taken.json["agreed"] == opened.json["amount"]
    assert example.get(f"{BASE}/2026-Q2/disputes/{opened.json['number']}", headers=controller).status_code == 404


def test_a_quarter_is_attested_by_one_and_approved_by_another(app: Flask, client: FlaskClient) -> None:
    agreement_id = record_quarters(closed=[])
    controller = bearer("finance_controller")
    first, quarter = f"{BASE}/{FIRST}", f"/api/v1/quarters/{FIRST}"
    take_in(agreement_id, beside(invoice(agreement_id), line("Oppgradering", "500.00")))
    attest = {"kind": "attest", "statement": "Checked."}

    def sign(headers: HEADERS, body: Any) -> TestResponse:
        return post(client, headers, f"{first}/sign-offs", body, of=first)

    refused = sign(controller, attest)
    assert (refused.status_code, refused.json["code"]) == (409, "not_closed")
    assert post(client, controller, f"{quarter}/closings", {"accept_missing": True}, of=quarter).status_code == 201
    assert post(client, controller, f"{first}/runs", of=first).status_code == 201
    keys = [each["id"] for each in everything(client, controller, f"{first}/findings")]
    decisions = f"{first}/findings/decisions"
    assert sign(controller, attest).json["code"] == "undecided_findings"
    assert post(client, controller, decisions, {"findings": keys, "decision": "noted"}, of=first).status_code == 201
    assert sign(controller, attest).json["code"] == "sample_unchecked"
    sample = [each.key for each in seen(agreement_id).sample]
    assert post(client, controller, decisions, {"findings": sample, "decision": "checked"}, of=first).status_code == 201
    attested = sign(controller, attest)
    assert (attested.status_code, attested.json["state"]) == (201, "attested")
    assert sign(controller, {"kind": "approve", "statement": "Pay."}).status_code == 403
    approver = bearer("approver")
    approved = sign(approver, {"kind": "approve", "statement": "Pay."})
    assert (approved.status_code, approved.json["state"]) == (201, "approved")
    signed = client.get(f"{first}/sign-offs", headers=approver).json["items"]
    assert [each["kind"] for each in signed] == ["attest", "approve"]
    assert len({each["by"] for each in signed}) == 2
    assert client.get(f"{first}/protocol", headers=approver).data.startswith(b"%PDF-")
    again = post(client, controller, f"{first}/reopenings", {"reason": "A credit note came late."}, of=first)
    assert (again.status_code, again.json["run"]) == (201, None)


def test_a_tolerance_needs_two_people(example: FlaskClient, example_app: Flask) -> None:
    manager, approver = bearer("contract_manager"), bearer("approver")
    path = f"{BASE}/tolerances"
    body = {"valid_from": "2027-01-01", "line": "0.05", "invoice": "10.00", "tax": "1.00", "reason": "Agreed."}
    assert example.post(path, headers=approver, json=body).status_code == 403
    assert example.post(path, headers=manager, json=body | {"line": "-1.00"}).status_code == 422
    drafted = example.post(path, headers=manager, json=body)
    assert (drafted.status_code, drafted.json["state"]) == (201, "drafted")
    one = f"{path}/{drafted.json['id']}"
    assert post(example, manager, f"{one}/decisions", {"decision": "approved"}, of=one).status_code == 403
    decided = post(example, approver, f"{one}/decisions", {"decision": "approved"}, of=one)
    assert (decided.status_code, decided.json["state"]) == (201, "approved")
    assert [each["state"] for each in example.get(path, headers=manager).json["items"]] == ["approved"]


PATHS = [
    "",
    "/2026-Q3",
    "/2026-Q3/lines",
    "/2026-Q3/findings",
    "/2026-Q3/lines.csv",
    "/2026-Q2/runs/1",
    "/2026-Q2/disputes",
    "/2026-Q2/disputes/ra-2024-ki-2026-Q2-01",
    "/2026-Q2/disputes/ra-2024-ki-2026-Q2-01/letter",
    "/2026-Q2/disputes/ra-2024-ki-2026-Q2-01/evidence",
    "/2026-Q2/sign-offs",
    "/2026-Q2/protocol",
    "/tolerances",
]
NOT_THERE = ["/2026-09", "/2026-Q3/runs/9", "/2026-Q3/disputes/none", "/tolerances/9"]


def test_within_one_trust_there_is_no_reconciliation(example: FlaskClient, example_app: Flask) -> None:
    trust, auditor = bearer("trust_reader", "oslo"), bearer("auditor")
    assert {path: example.get(f"{BASE}{path}", headers=trust).status_code for path in PATHS} == dict.fromkeys(
        PATHS, 404
    )
    read = {path: example.get(f"{BASE}{path}", headers=auditor).status_code for path in PATHS}
    assert read == dict.fromkeys(PATHS, 200)


def test_what_does_not_exist_is_not_found(example: FlaskClient, controller: HEADERS) -> None:
    found = {path: example.get(f"{BASE}{path}", headers=controller).status_code for path in NOT_THERE}
    assert found == dict.fromkeys(NOT_THERE, 404)
