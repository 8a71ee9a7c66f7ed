"""The commands by name, with their documents and exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from contracts.extensions import db
from contracts.models import Token
from tests import examples
from tests.conftest import make_app
from tests.recorded import record_agreement, record_usage

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    """Run a command of the app."""
    runner = app.test_cli_runner()
    return lambda *args, **options: runner.invoke(args=[str(arg) for arg in args], **options)


@pytest.fixture
def agreement_file(tmp_path: Path) -> Path:
    path = tmp_path / "agreement.json"
    path.write_text(json.dumps(examples.agreement()), encoding="utf-8")
    return path


@pytest.fixture
def usage_file(tmp_path: Path) -> Path:
    path = tmp_path / "usage.csv"
    path.write_bytes(examples.USAGE_CSV)
    return path


def price_request() -> dict[str, Any]:
    document = examples.agreement()
    return {
        "agreement": document["agreement"],
        "period": {"from": "2024-01-01", "to": "2024-07-01"},
        "price_book": document["price_book"],
        "activations": document["activations"],
        "usage": [
            {"trust": "vestre-viken", "algorithm": "xray-skeletal", "on": "2024-01-10", "quantity": 100},
            {"trust": "sykehuset-ostfold", "algorithm": "xray-skeletal", "on": "2024-01-20", "quantity": 201},
        ],
    }


def test_the_agreement_goes_in_and_comes_out_the_same(run: Run, agreement_file: Path) -> None:
    first = run("agreement", "import", agreement_file, "--json")
    assert (first.exit_code, json.loads(first.stdout)) == (0, {"agreement": "ra-test", "status": "imported"})
    assert json.loads(run("agreement", "import", agreement_file, "--json").stdout)["status"] == "already_imported"
    assert json.loads(run("agreement", "export").stdout) == examples.agreement()


def test_the_worked_price_request_gives_its_total(run: Run) -> None:
    answered = run("price", "-", input=json.dumps(price_request()))
    assert answered.exit_code == 0
    document = json.loads(answered.stdout)
    assert document["total"] == "13800.00"
    assert document["positions"][0]["position"] == 301
    assert run("price", "-", "--json", input=json.dumps(price_request())).stdout == answered.stdout


def test_an_array_of_requests_is_answered_in_order_and_a_bad_one_in_its_place(run: Run) -> None:
    bad = price_request()
    bad["usage"][1]["quantity"] = "201"
    answered = run("price", "-", input=json.dumps([price_request(), bad, price_request()]))
    first, second, third = json.loads(answered.stdout)
    assert answered.exit_code == 3
    assert first == third
    assert first["total"] == "13800.00"
    assert [error["pointer"] for error in second["error"]["errors"]] == ["#/usage/1/quantity"]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        pytest.param("{", "line 1, column 2", id="no JSON"),
        pytest.param(
            json.dumps(price_request()).replace('"60.00"', "60.5"),
            "#/price_book/versions/0/charges/0/tiers/0/unit_price: ",
            id="an amount that is a number",
        ),
        pytest.param(json.dumps({**price_request(), "extra": 1}), "#/extra: ", id="unknown field"),
        pytest.param(
            json.dumps({**price_request(), "period": {"from": "2024-01-10", "to": "2024-07-01"}}),
            "#/period/from: ",
            id="period inside a month",
        ),
    ],
)
def test_an_invalid_request_is_told_with_its_place(run: Run, document: str, told: str) -> None:
    refused = run("price", "-", input=document)
    assert refused.exit_code == 3
    assert told in refused.stderr
    assert refused.stdout == ""


def test_usage_goes_in_and_gives_charges(run: Run, agreement_file: Path, usage_file: Path) -> None:
    run("agreement", "import", agreement_file)
    imported = run("usage", "import", usage_file, "--json")
    assert imported.exit_code == 0
    document = json.loads(imported.stdout)
    assert {key: document[key] for key in ("status", "rows", "accepted", "duplicates", "not_billable", "errors")} == {
        "status": "imported",
        "rows": 2,
        "accepted": 2,
        "duplicates": 0,
        "not_billable": 0,
        "errors": [],
    }
    assert json.loads(run("usage", "import", usage_file, "--json").stdout)["status"] == "already_imported"
    charges = json.loads(run("charges", "2024-Q1", "--json").stdout)
    assert (charges["quarter"], charges["total"]) == ("2024-Q1", "13800.00")
    assert sum(Decimal(line["net"]) for line in charges["lines"]) == Decimal(charges["total"])
    assert len({line["id"] for line in charges["lines"]}) == len(charges["lines"]) == 4
    own = json.loads(run("charges", "2024-Q1", "--trust", "vestre-viken", "--json").stdout)
    assert own["total"] == "2745.00"


def test_a_refused_usage_file_names_row_and_column(run: Run, agreement_file: Path, tmp_path: Path) -> None:
    run("agreement", "import", agreement_file)
    bad = tmp_path / "bad.csv"
    bad.write_text("trust,algorithm,date,quantity\nvestre-viken,xray-skeletal,2024-01-10,-3\n")
    refused = run("usage", "import", bad)
    assert refused.exit_code == 3
    assert "row 2, column quantity: " in refused.stderr
    assert json.loads(run("charges", "2024-Q1", "--json").stdout)["lines"] == []


def test_an_unknown_trust_or_quarter_is_told(run: Run, agreement_file: Path) -> None:
    run("agreement", "import", agreement_file)
    assert run("charges", "2024-Q1", "--trust", "oslo").exit_code == 1
    refused = run("charges", "2024-Q5")
    assert (refused.exit_code, "2024-Q5" in refused.stderr) == (3, True)


def test_with_two_agreements_one_must_be_named(run: Run, app: Flask) -> None:
    record_agreement()
    second = examples.agreement("ra-second")
    record_usage(record_agreement(second))
    refused = run("charges", "2024-Q1")
    assert refused.exit_code == 5
    assert "ra-test, ra-second" in refused.stderr
    assert json.loads(run("charges", "2024-Q1", "--agreement", "ra-second", "--json").stdout)["total"] == "13800.00"
    assert json.loads(run("charges", "2024-Q1", "--agreement", "ra-test", "--json").stdout)["total"] == "0.00"


def test_a_projection_says_what_an_activation_costs(run: Run, app: Flask) -> None:
    record_usage(record_agreement())
    scenario = {
        "from": "2024-04",
        "to": "2024-10",
        "as_of": "2024-04-01",
        "draws": 1,
        "activations": [
            {
                "trust": "akershus",
                "algorithm": "xray-skeletal",
                "go_live": "2024-05-01",
                "go_live_between": None,
                "monthly_volume": 50,
                "adoption_months": 0,
                "end": None,
            }
        ],
    }
    answered = run("project", "-", input=json.dumps(scenario))
    assert answered.exit_code == 0, answered.stderr
    assert run("project", "-", "--json", input=json.dumps(scenario)).stdout == answered.stdout
    document = json.loads(answered.stdout)
    assert [month["month"] for month in document["months"]] == [f"2024-{month:02}" for month in range(4, 10)]
    assert Decimal(document["marginal"]["total"]["mean"]) == Decimal(document["total"]["mean"]) - Decimal(
        document["without"]["total"]["mean"]
    )


def test_a_scenario_without_a_day_takes_usage_as_known_before_today(
    run: Run, agreement_file: Path, usage_file: Path
) -> None:
    run("agreement", "import", agreement_file)
    run("usage", "import", usage_file)
    scenario = {"from": "2026-01", "to": "2026-03", "draws": 1, "activations": []}
    answered = run("project", "-", input=json.dumps(scenario))
    assert answered.exit_code == 0, answered.stderr
    as_of = json.loads(answered.stdout)["assumptions"]["as_of"]
    assert date.fromisoformat(as_of) > date(2024, 1, 1)
    again = run("project", "-", input=json.dumps({**scenario, "as_of": as_of}))
    assert again.stdout == answered.stdout


def test_a_tokens_secret_is_shown_once_and_kept_as_a_hash(run: Run, app: Flask) -> None:
    record_agreement()
    made = run("token", "create", "--name", "Excel", "--role", "trust_reader", "--trust", "akershus", "--json")
    document = json.loads(made.stdout)
    assert document["bearer"] == f"{document['id']}.{document['secret']}"
    with db.read() as session:
        kept = session.query(Token).one()
    assert document["secret"] not in (kept.secret_hash, kept.public_id)
    assert (kept.role, kept.trust.code if kept.trust else None) == ("trust_reader", "akershus")


@pytest.mark.parametrize(
    ("role", "told"), [("king", "none of"), ("trust_reader", "needs a trust"), ("auditor@oslo", "no trust 'oslo'")]
)
def test_an_impossible_role_is_told(run: Run, role: str, told: str) -> None:
    refused = run(
        "user", "add", "--email", "a@example.org", "--name", "A", "--role", role, "--password", "a long passphrase"
    )
    assert refused.exit_code == 3
    assert told in refused.stderr


def test_a_person_is_added_once(run: Run) -> None:
    args = (
        "user",
        "add",
        "--email",
        "a@example.org",
        "--name",
        "A",
        "--role",
        "auditor",
        "--password",
        "a long passphrase",
    )
    assert run(*args).exit_code == 0
    assert run(*args).exit_code == 5


def test_the_database_is_checked(run: Run) -> None:
    assert run("db", "check").exit_code == 0


def test_a_database_without_its_schema_is_told_in_one_sentence(tmp_path: Path) -> None:
    bare = make_app(f"sqlite:///{tmp_path / 'bare.db'}", tmp_path)
    with bare.app_context():
        refused = bare.test_cli_runner().invoke(args=["charges", "2026-Q3"])
    bare.extensions["trinnvis_engine"].dispose()
    assert refused.exit_code == 1
    assert "db upgrade" in refused.stderr


def test_wrong_usage_is_exit_code_two(run: Run) -> None:
    assert run("charges").exit_code == 2


def test_documents_of_other_programs_are_checked_with_their_totals(run: Run, sample_data: Path) -> None:
    index = json.loads((sample_data / "ehf" / "index.json").read_text())["documents"]
    files = [sample_data / "ehf" / entry["file"] for entry in index]
    checked = json.loads(run("invoice", "check", *files, "--json").stdout)
    assert len(checked) == len(index) == 15
    for told, known in zip(checked, index, strict=True):
        for ours, theirs in (
            ("file", "file"),
            ("number", "id"),
            ("currency", "currency"),
            ("line_sum", "line_sum"),
            ("tax_exclusive", "tax_exclusive"),
            ("payable", "payable"),
            ("lines", "lines"),
            ("buyer_reference", "buyer_reference"),
            ("order", "order"),
            ("contract", "contract"),
        ):
            assert told[ours] == known[theirs], (known["file"], ours)
        assert f"{told['tax']} {told['currency']}" in known["tax"]


def test_a_document_with_a_doctype_is_refused_with_its_line(run: Run, app: Flask, tmp_path: Path) -> None:
    record_agreement()
    file = tmp_path / "x.xml"
    file.write_text('<?xml version="1.0"?>\n<!DOCTYPE Invoice []>\n<Invoice/>')
    refused = run("invoice", "import", file)
    assert refused.exit_code == 3
    assert "document type" in refused.stderr.lower()
    assert "line 2" in refused.stderr
