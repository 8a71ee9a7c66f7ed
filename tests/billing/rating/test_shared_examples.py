"""The worked examples that come with the price law: amounts of other engines, and random agreements with their lines."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from billing.rating.rate import rate
from billing.schemas.answers import PriceAnswerSchema
from billing.schemas.price import load_price_request


def answers(folder: Path, name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    path = folder / "pricing" / name
    if not path.is_file():
        pytest.skip(f"{name} is absent")
    return [
        (case, PriceAnswerSchema().dump(rate(load_price_request(case["request"]))))
        for case in json.loads(path.read_text())
    ]


def test_all_57_amounts_of_other_engines_are_met(sample_data: Path) -> None:
    cases = answers(sample_data, "engines.json")
    assert len(cases) == 57
    assert {case["id"]: answer["total"] for case, answer in cases} == {
        case["id"]: case["expected_total"] for case, _ in cases
    }


def test_all_55_random_agreements_have_the_same_total_and_lines(sample_data: Path) -> None:
    cases = answers(sample_data, "agreements.json")
    assert len(cases) == 55
    for case, answer in cases:
        expected = case["expected_lines"]
        keys = expected[0].keys()
        got = Counter(json.dumps({key: line[key] for key in keys}, sort_keys=True) for line in answer["lines"])
        assert got == Counter(json.dumps(line, sort_keys=True) for line in expected), case["id"]
        assert answer["total"] == case["expected_total"], case["id"]
