"""The API of what it costs: the same documents as the commands, on the worked example and on the example agreement."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from billing.example.vendor import FILENAME
from contracts.extensions import db
from contracts.models import Document
from tests import examples
from tests.recorded import record_agreement, record_usage
from tests.tokens import bearer

QUARTER = "2026-Q3"


@pytest.fixture
def controller(example_app: Flask) -> dict[str, str]:
    """A finance controller's token in the example."""
    return bearer("finance_controller")


@pytest.fixture
def example(example_app: Flask) -> FlaskClient:
    """A client of the example."""
    return example_app.test_client()


def command(app: Flask, *arguments: str, exit_code: int = 0) -> Any:
    result = app.test_cli_runner().invoke(args=list(arguments))
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


def worked_example() -> dict[str, Any]:
    usage = [("vestre-viken", "2024-01-10", 100), ("sykehuset-ostfold", "2024-01-20", 201)]
    live = [("vestre-viken", "2024-01-01"), ("sykehuset-ostfold", "2023-09-01")]
    return {
        "agreement": {"start": "2024-01-01", "end": "2028-01-01", "currency": "NOK"},
        "period": {"from": "2024-01-01", "to": "2024-07-01"},
        "price_book": examples.price_book(),
        "activations": [
            {"trust": trust, "algorithm": "xray-skeletal", "validation_from": None, "go_live": day, "end": None}
            for trust, day in live
        ],
        "usage": [
            {"trust": trust, "algorithm": "xray-skeletal", "on": day, "quantity": quantity}
            for trust, day, quantity in usage
        ],
    }


def test_the_worked_example_costs_what_was_computed_by_hand(app: Flask, client: FlaskClient) -> None:
    answer = client.post("/api/v1/price", json=worked_example(), headers=bearer("service"))
    assert answer.status_code == 200
    assert answer.json["total"] == "13800.00"
    shares = {(line["trust"], line["tier"]): line["quantity"] for line in answer.json["lines"]}
    assert shares == {
        ("sykehuset-ostfold", 1): 134,
        ("vestre-viken", 1): 66,
        ("sykehuset-ostfold", 2): 67,
        ("vestre-viken", 2): 34,
    }


def test_an_array_of_requests_gives_answers_in_the_same_order(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    wrong = worked_example() | {"usage": [{"trust": "oslo", "algorithm": "x", "on": "2024-01-01", "quantity": 1.5}]}
    requests = [worked_example(), wrong, worked_example(), 7]
    answer = client.post("/api/v1/price", json=requests, headers=bearer("service"))
    assert answer.status_code == 200
    assert [set(one) == {"error"} for one in answer.json] == [False, True, False, True]
    assert answer.json[1]["error"]["errors"][0]["pointer"] == "#/usage/0/quantity"
    assert answer.json[1]["error"] == client.post("/api/v1/price", json=wrong, headers=bearer("service")).json
    file = tmp_path / "requests.json"
    file.write_text(json.dumps(requests))
    assert command(app, "price", str(file), exit_code=3) == answer.json


def test_an_amount_as_a_number_is_refused_at_its_place(app: Flask, client: FlaskClient) -> None:
    request = worked_example()
    request["price_book"]["versions"][0]["charges"][0]["tiers"][0]["unit_price"] = 60.5
    answer = client.post("/api/v1/price", json=request, headers=bearer("service"))
    assert [(error["pointer"], error["code"]) for error in answer.json["errors"]] == [
        ("#/price_book/versions/0/charges/0/tiers/0/unit_price", "not_a_string")
    ]


def test_charges_are_the_document_of_the_command(
    example_app: Flask, example: FlaskClient, controller: dict[str, str]
) -> None:
    answer = example.get(f"/api/v1/charges?quarter={QUARTER}", headers=controller)
    assert answer.json == command(example_app, "charges", QUARTER, "--json")
    assert sum(Decimal(line["net"]) for line in answer.json["lines"]) == Decimal(answer.json["total"])
    ids = [line["id"] for line in answer.json["lines"]]
    assert len(set(ids)) == len(ids) > 20


def test_a_trusts_charges_are_its_lines_of_all(example: FlaskClient, controller: dict[str, str]) -> None:
    everything = example.get(f"/api/v1/charges?quarter={QUARTER}", headers=controller).json["lines"]
    asked = example.get(f"/api/v1/charges?quarter={QUARTER}&trust=vestre-viken", headers=controller).json
    own = example.get(f"/api/v1/charges?quarter={QUARTER}", headers=bearer("trust_reader", "vestre-viken")).json
    assert asked == own
    assert asked["lines"] == [line for line in everything if line["trust"] == "vestre-viken"]


@pytest.mark.parametrize("quarter", ["2026-Q5", "2026-07", "2026", "Q3", "0001-Q1", "2026-Q3 ", "2026-Q3\n"])
def test_a_quarter_is_written_as_one(example: FlaskClient, controller: dict[str, str], quarter: str) -> None:
    answer = example.get("/api/v1/charges", query_string={"quarter": quarter}, headers=controller)
    assert (answer.status_code, answer.json["errors"][0]["code"]) == (422, "not_a_quarter")


def test_charges_before_and_after_a_correction_can_both_be_asked_for(app: Flask, client: FlaskClient) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    headers = bearer("finance_controller")

    def total(known_at: str = "") -> str:
        query = {"quarter": "2024-Q1"} | ({"known_at": known_at} if known_at else {})
        answer: str = client.get("/api/v1/charges", query_string=query, headers=headers).json["total"]
        return answer

    first, before = total(), datetime.now(UTC).isoformat()
    (cell, *_) = client.get("/api/v1/usage", headers=headers).json["items"]
    corrected = client.post(
        "/api/v1/corrections",
        json={key: cell[key] for key in ("trust", "algorithm", "on")} | {"change": 10, "reason": "Ten were forgotten."},
        headers=headers | {"If-Match": cell["etag"]},
    )
    assert corrected.status_code == 201
    assert total() != first
    assert total(before) == first


def test_every_charge_of_a_quarter_is_explained_by_lines_that_sum_to_it(
    example: FlaskClient, controller: dict[str, str]
) -> None:
    lines = example.get(f"/api/v1/charges?quarter={QUARTER}", headers=controller).json["lines"]
    for line in lines[::7]:
        answer = example.get(f"/api/v1/charges/{line['id']}/explanation?quarter={QUARTER}", headers=controller)
        assert answer.status_code == 200
        assert answer.json["line"] == line
        assert sum(Decimal(each["net"]) for each in answer.json["lines"]) == Decimal(answer.json["total"])
    assert example.get(f"/api/v1/charges/{lines[0]['id']}/explanation", headers=controller).json["line"] == lines[0]


SCENARIO = {"from": "2026-10", "to": "2028-01", "as_of": "2026-10-01", "draws": 1}


def free_place(example: FlaskClient, headers: dict[str, str]) -> dict[str, Any]:
    """Find a trust and an algorithm that is not active there."""
    trusts = example.get("/api/v1/trusts", headers=headers).json["items"]
    algorithms = example.get("/api/v1/algorithms", headers=headers).json["items"]
    items = example.get("/api/v1/options?limit=500", headers=headers).json["items"]
    taken = {(item["trust"], item["algorithm"]) for item in items}
    trust, algorithm = next(
        (trust["code"], algorithm["code"])
        for trust in trusts
        for algorithm in algorithms
        if (trust["code"], algorithm["code"]) not in taken
    )
    return {
        "trust": trust,
        "algorithm": algorithm,
        "go_live": "2027-03-01",
        "monthly_volume": 300,
        "adoption_months": 6,
    }


def test_a_projection_is_the_document_of_the_command_and_its_parts_add_up(
    example_app: Flask, example: FlaskClient, controller: dict[str, str], tmp_path: Path
) -> None:
    scenario = SCENARIO | {"activations": [free_place(example, controller)]}
    answer = example.post("/api/v1/projections", json=scenario, headers=controller)
    assert answer.status_code == 200
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps(scenario))
    assert command(example_app, "project", str(file)) == answer.json
    projection = answer.json
    months = [Decimal(month["mean"]) for month in projection["months"]]
    assert len(months) == 15
    assert sum(months) == Decimal(projection["total"]["mean"])
    assert Decimal(projection["total"]["mean"]) - Decimal(projection["without"]["total"]["mean"]) == Decimal(
        projection["marginal"]["total"]["mean"]
    )
    assert Decimal(projection["marginal"]["total"]["mean"]) > 0
    assert sum(Decimal(row["total"]["mean"]) for row in projection["by_trust"]) == sum(months)


def test_explicit_usage_costs_what_rating_it_costs(app: Flask, client: FlaskClient) -> None:
    record_agreement()
    headers = bearer("service")
    usage = worked_example()["usage"]
    scenario = {"from": "2024-01", "to": "2024-07", "as_of": "2024-01-01", "usage": usage}
    answer = client.post("/api/v1/projections", json=scenario, headers=headers)
    assert answer.json["total"]["p50"] == "13800.00"
    assert answer.json["months"][0]["mean"] == "13800.00"
    monthly = [{"trust": "vestre-viken", "algorithm": "xray-skeletal", "month": "2024-02", "quantity": 21}]
    spread = client.post("/api/v1/projections", json=scenario | {"usage": monthly}, headers=headers)
    assert spread.json["total"]["mean"] == "630.00"  # 21 × 60.00, half off


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        pytest.param({"draws": 0}, "#/draws", "out_of_range", id="no-draws"),
        pytest.param({"draws": 100_001}, "#/draws", "out_of_range", id="too-many-draws"),
        pytest.param({"growth": {"annual": "0.02", "spread": "1.1"}}, "#/growth/spread", "out_of_range", id="growth"),
        pytest.param({"index": {"annual": "0.02", "spread": "-0.01"}}, "#/index/spread", "out_of_range", id="index"),
        pytest.param({"noise": {"rho": "1"}}, "#/noise/rho", "out_of_range", id="noise"),
        pytest.param(
            {
                "activations": [
                    {
                        "trust": "oslo",
                        "algorithm": "ct-pe",
                        "monthly_volume": 1,
                        "go_live_between": ["2027-05", "2027-01"],
                    }
                ]
            },
            "#/activations/0/go_live_between",
            "window",
            id="window-backwards",
        ),
        pytest.param({"to": "2026-10"}, "#/to", "end_before_start", id="no-months"),
        pytest.param({"to": "2099-01"}, "#/to", "too_long", id="too-many-months"),
        pytest.param({"from": "2026-13"}, "#/from", "not_a_month", id="month-13"),
        pytest.param({"colour": "red"}, "#/colour", "unknown_field", id="unknown-member"),
        pytest.param({"growth": {"annual": 0.02}}, "#/growth/annual", "not_a_string", id="binary-float"),
        pytest.param(
            {"activations": [{"trust": "oslo", "algorithm": "ct-pe", "monthly_volume": 1}]},
            "#/activations/0/go_live",
            "missing",
            id="no-go-live",
        ),
        pytest.param(
            {"activations": [{"trust": "mars", "algorithm": "ct-pe", "monthly_volume": 1, "go_live": "2027-01-01"}]},
            "#/activations/0/trust",
            "not_an_option_holder",
            id="unknown-trust",
        ),
        pytest.param(
            {"usage": [{"trust": "mars", "algorithm": "ct-pe", "on": "2026-10-05", "quantity": 1}]},
            "#/usage/0",
            "usage_without_activation",
            id="usage-nowhere",
        ),
        pytest.param(
            {"usage": [{"trust": "vestre-viken", "algorithm": "xray-skeletal", "month": "2026-09", "quantity": 1}]},
            "#/usage/0",
            "outside_scenario",
            id="usage-before",
        ),
        pytest.param(
            {"usage": [{"trust": "vestre-viken", "algorithm": "xray-skeletal", "quantity": 1}]},
            "#/usage/0",
            "day_or_month",
            id="usage-without-a-day",
        ),
    ],
)
def test_what_a_projection_cannot_answer_is_refused_at_its_place(
    example: FlaskClient, controller: dict[str, str], change: dict[str, Any], pointer: str, code: str
) -> None:
    answer = example.post("/api/v1/projections", json=SCENARIO | change, headers=controller)
    assert answer.status_code == 422
    assert [(error["pointer"], error["code"]) for error in answer.json["errors"]] == [(pointer, code)]


def example_invoice() -> bytes:
    with db.read() as session:
        return bytes(session.query(Document).filter(Document.filename == FILENAME).one().content)


def latest_invoice(example: FlaskClient, controller: dict[str, str]) -> dict[str, Any]:
    newest: dict[str, Any] = example.get("/api/v1/invoices", headers=controller).json["items"][0]
    return newest


def test_an_invoice_is_received_once_read_and_compared(
    example_app: Flask, example: FlaskClient, controller: dict[str, str]
) -> None:
    listed = latest_invoice(example, controller)
    content = example_invoice()
    again = example.post("/api/v1/invoices", data=content, content_type="application/xml", headers=controller)
    assert (again.status_code, again.json["status"], again.json["id"]) == (200, "already_imported", listed["id"])
    another = content.replace(listed["number"].encode(), b"20269999")
    form = {"file": (BytesIO(another), "../q3.xml")}
    fresh = example.post("/api/v1/invoices", data=form, headers=controller)
    assert (fresh.status_code, fresh.json["number"], fresh.json["file"]) == (201, "20269999", "q3.xml")
    found = example.get(fresh.headers["Location"], headers=controller).json
    assert found["lines"] == len(found["items"]) == fresh.json["lines"]
    assert found["payable"] == {"amount": fresh.json["payable"], "currency": "NOK"}
    pages = [example.get("/api/v1/invoices?limit=1", headers=controller).json]
    pages.append(example.get(f"/api/v1/invoices?limit=1&after={pages[0]['next']}", headers=controller).json)
    assert [page["items"][0]["id"] for page in pages] == [fresh.json["id"], listed["id"]]
    assert pages[1]["next"] is not None


def test_a_comparisons_groups_add_up_to_its_difference(example: FlaskClient, controller: dict[str, str]) -> None:
    listed = latest_invoice(example, controller)
    comparison = example.get(f"/api/v1/invoices/{listed['id']}/comparison", headers=controller).json
    difference = sum(Decimal(group["difference"]["amount"]) for group in comparison["groups"])
    assert comparison["status"] == "differences"
    assert difference == Decimal(comparison["difference"]["amount"])
    assert Decimal(comparison["invoiced"]["amount"]) - Decimal(comparison["expected"]["amount"]) == difference
    charges = example.get(f"/api/v1/charges?quarter={QUARTER}", headers=controller).json
    assert comparison["expected"]["amount"] == charges["total"]


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        pytest.param(b"<?xml version='1.0'?>\n<!DOCTYPE x>\n<x/>", "doctype", 2, id="doctype"),
        pytest.param(b"<Invoice>\n<", None, None, id="cut-off"),
        pytest.param(b"not xml", None, None, id="no-xml"),
    ],
)
def test_what_is_no_invoice_is_refused_with_code_and_line(
    example: FlaskClient, controller: dict[str, str], content: bytes, code: str | None, line: int | None
) -> None:
    before = example.get("/api/v1/invoices", headers=controller).json["items"]
    answer = example.post("/api/v1/invoices", data=content, content_type="application/xml", headers=controller)
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert answer.json["code"] == answer.json["errors"][0]["code"] == (code or answer.json["code"])
    assert answer.json["result"]["status"] == "refused"
    assert line is None or answer.json["line"] == line
    assert example.get("/api/v1/invoices", headers=controller).json["items"] == before


@pytest.mark.parametrize("number", ["0", "999", "9223372036854775807", "9223372036854775808", "x"])
def test_an_invoice_that_is_not_there_is_not_found(
    example: FlaskClient, controller: dict[str, str], number: str
) -> None:
    assert example.get(f"/api/v1/invoices/{number}", headers=controller).status_code == 404


def test_a_usage_file_is_the_document_of_the_command(
    example_app: Flask, example: FlaskClient, controller: dict[str, str], tmp_path: Path
) -> None:
    content = "trust,algorithm,date,quantity\nvestre-viken,xray-skeletal,2026-10-01,12\n"
    checked = example.post(
        "/api/v1/usage-imports?dry_run=true", data=content, content_type="text/csv", headers=controller
    )
    assert (checked.status_code, checked.json["status"], checked.json["import"]) == (200, "checked", None)
    taken = example.post("/api/v1/usage-imports", data=content, content_type="text/csv", headers=controller)
    assert (taken.status_code, taken.json["status"]) == (201, "imported")
    file = tmp_path / "october.csv"
    file.write_text(content)
    again = command(example_app, "usage", "import", str(file), "--json")
    assert again == taken.json | {"status": "already_imported"}


def test_a_refused_usage_file_names_every_place(
    example_app: Flask, example: FlaskClient, controller: dict[str, str], tmp_path: Path
) -> None:
    content = (
        "trust,algorithm,date,quantity\n"
        "mars,xray-skeletal,2026-10-01,12\n"
        "vestre-viken,xray-skeletal,2026-10-02,1.5\n"
        "vestre-viken,xray-skeletal,2026-10-03,-1\n"
    )
    answer = example.post("/api/v1/usage-imports", data=content, content_type="text/csv", headers=controller)
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert [(error["pointer"], error["row"], error["column"]) for error in answer.json["errors"]] == [
        ("#/line/2/trust", 2, "trust"),
        ("#/line/3/quantity", 3, "quantity"),
        ("#/line/4/quantity", 4, "quantity"),
    ]
    file = tmp_path / "october.csv"
    file.write_text(content)
    assert command(example_app, "usage", "import", str(file), "--json", exit_code=3) == answer.json["result"]


def test_usage_is_listed_by_pages_that_put_together_are_all_of_it(
    example: FlaskClient, controller: dict[str, str]
) -> None:
    query = {"from": "2026-07-01", "to": "2026-07-08", "algorithm": "xray-skeletal"}

    def all_cells(limit: int) -> list[dict[str, Any]]:
        cells, after = [], {}
        while True:
            page = example.get("/api/v1/usage", query_string=query | after | {"limit": limit}, headers=controller).json
            cells += page["items"]
            if page["next"] is None:
                return cells
            after = {"after": page["next"]}

    cells = all_cells(500)
    assert all_cells(7) == cells
    assert {cell["on"] for cell in cells} <= {f"2026-07-0{day}" for day in range(1, 8)}
    assert [(cell["on"], cell["trust"]) for cell in cells] == sorted((cell["on"], cell["trust"]) for cell in cells)
    one = cells[0]
    found = example.get(f"/api/v1/usage/{one['trust']}/{one['algorithm']}/{one['on']}", headers=controller)
    assert found.headers["ETag"] == one["etag"]
    assert sum(entry["quantity"] for entry in found.json["entries"]) == found.json["quantity"] == one["quantity"]


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"change": 0}, "#/change", "no_change"),
        ({"change": "2"}, "#/change", "not_an_integer"),
        ({"change": 10**30}, "#/change", "out_of_range"),
        ({"reason": " "}, "#/reason", "empty"),
        ({"reason": "x" * 201}, "#/reason", "too_long"),
        ({"on": "01.07.2026"}, "#/on", "not_a_date"),
        ({"quantity": 2}, "#/quantity", "unknown_field"),
    ],
)
def test_a_correction_is_read_strictly(
    example: FlaskClient, controller: dict[str, str], change: dict[str, Any], pointer: str, code: str
) -> None:
    correction = {"trust": "vestre-viken", "algorithm": "xray-skeletal", "on": "2026-07-01", "change": 1, "reason": "r"}
    answer = example.post("/api/v1/corrections", json=correction | change, headers=controller | {"If-Match": "*"})
    assert answer.status_code == 422
    assert [(error["pointer"], error["code"]) for error in answer.json["errors"]] == [(pointer, code)]


@pytest.mark.parametrize(
    "place",
    ["vestre-viken/no-such/2026-07-01", "vestre-viken/xray-skeletal/2019-01-01", "vestre-viken/xray-skeletal/x"],
)
def test_a_cell_that_cannot_be_is_not_found(example: FlaskClient, controller: dict[str, str], place: str) -> None:
    assert example.get(f"/api/v1/usage/{place}", headers=controller).status_code == 404
