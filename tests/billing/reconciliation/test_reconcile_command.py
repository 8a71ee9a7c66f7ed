"""`flask reconcile`: its exit codes and the shape of its JSON, on both databases."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from tests import examples
from tests.reconciled import (
    DUE,
    FIRST,
    attest,
    beside,
    check_sample,
    credit_note,
    invoice,
    line,
    record_quarters,
    run,
    seen,
    summed,
    take_in,
)
from tests.recorded import record_agreement

FEE = line("Oppgradering av mottak", "500.00")


def command(app: Flask, *args: str) -> Result:
    return app.test_cli_runner().invoke(args=["reconcile", *args])


def answer(app: Flask, *args: str) -> tuple[int, dict[str, Any]]:
    result = command(app, *args, "--json")
    return result.exit_code, json.loads(result.stdout)


def test_the_answer_has_the_shape_that_was_promised_on_both_databases(database: Flask) -> None:
    agreement_id = record_quarters()
    due = invoice(agreement_id)
    take_in(agreement_id, beside(replace(due, lines=due.lines[:3]), FEE))
    code, told = answer(database, FIRST)
    assert code == 4
    money = {name: told[name] for name in ("expected", "invoiced", "difference", "explained", "unexplained")}
    assert money == {
        "expected": "13800.00",
        "invoiced": "13535.00",
        "difference": "-265.00",
        "explained": "-265.00",
        "unexplained": "0.00",
    }
    assert (told["quarter"], told["status"], told["state"]) == (FIRST, "differences", "in_progress")
    (document,) = told["invoices"]
    assert {name: document[name] for name in ("number", "kind", "expected", "invoiced", "difference")} == {
        "number": "10045",
        "kind": "invoice",
        "expected": "13035.00",
        "invoiced": "13535.00",
        "difference": "500.00",
    }
    (finding,) = document["findings"]
    assert (finding["code"], finding["amount"], finding["invoice_lines"]) == ("UNKNOWN_ITEM", "500.00", ["4"])
    (missing,) = told["not_invoiced"]
    assert (missing["code"], missing["amount"], missing["trust"], missing["algorithm"], missing["period"]) == (
        "MISSING_LINE",
        "-765.00",
        "vestre-viken",
        "xray-skeletal",
        "2024-01",
    )
    for each in (finding, missing):
        assert set(each) >= {
            "code", "amount", "trust", "algorithm", "period", "invoice_lines", "sentence", "clause",
        }  # fmt: skip
        assert set(each["sentence"]) == {"nb", "en"}
        assert all(each["sentence"].values())
    sums = sum(Decimal(each["difference"]) for each in told["invoices"])
    assert sums + sum(Decimal(each["amount"]) for each in told["not_invoiced"]) == Decimal(told["difference"])
    assert answer(database, FIRST) == (code, told)
    assert len(seen(agreement_id).runs) == 1


def test_where_nothing_differs_it_leaves_with_nought(reconciling: int, reconciling_app: Flask) -> None:
    app = reconciling_app
    take_in(reconciling, invoice(reconciling))
    code, told = answer(app, FIRST)
    assert (code, told["status"], told["invoices"][0]["findings"], told["not_invoiced"]) == (0, "equal", [], [])
    plain = command(app, FIRST)
    assert plain.exit_code == 0
    assert told["sha256"] in plain.stdout


def test_another_currency_is_not_comparable(reconciling: int, reconciling_app: Flask) -> None:
    take_in(reconciling, summed(invoice(reconciling, currency="EUR")))
    code, told = answer(reconciling_app, FIRST)
    assert (code, told["status"], told["invoiced"], told["expected"]) == (4, "not_comparable", "0.00", "13800.00")
    assert told["invoices"][0]["comparable"] is False


def test_a_dry_run_keeps_nothing(reconciling: int, reconciling_app: Flask) -> None:
    take_in(reconciling, invoice(reconciling))
    code, told = answer(reconciling_app, FIRST, "--dry-run")
    assert (code, told["run"], seen(reconciling).runs) == (0, None, ())


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        pytest.param(["2024-01"], 3, "#/quarter", id="no quarter"),
        pytest.param(["nothing"], 3, "#/quarter", id="no period"),
        pytest.param(["2031-Q1"], 1, "outside", id="a quarter outside the agreement"),
        pytest.param([FIRST, "--agreement", "ra-none"], 1, "ra-none", id="no such agreement"),
        pytest.param([], 2, "QUARTER", id="no argument"),
    ],
)
def test_a_callers_mistake_has_the_exit_code_of_its_kind(
    reconciling: int, reconciling_app: Flask, args: list[str], code: int, words: str
) -> None:
    result = command(reconciling_app, *args)
    assert (result.exit_code, result.stdout) == (code, "")
    assert words in result.stderr


def test_where_there_are_several_agreements_one_is_named(reconciling: int, reconciling_app: Flask) -> None:
    record_agreement(examples.agreement("ra-annen"))
    take_in(reconciling, invoice(reconciling))
    assert command(reconciling_app, FIRST).exit_code in (1, 5)
    assert command(reconciling_app, FIRST, "--agreement", "ra-test").exit_code == 0


def test_an_attested_quarter_is_shown_as_it_was_signed(reconciling: int, reconciling_app: Flask) -> None:
    take_in(reconciling, invoice(reconciling))
    run(reconciling)
    check_sample(reconciling)
    attest(reconciling)
    take_in(reconciling, credit_note(reconciling, line("Kreditering", "10.00")))
    code, told = answer(reconciling_app, FIRST)
    assert (code, told["state"], told["is_current"], told["invoiced"]) == (0, "attested", False, str(DUE))
