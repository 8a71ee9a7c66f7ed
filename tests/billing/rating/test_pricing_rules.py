"""The rules of amounts (`billing/rating/pricing.md`): each example runs, each citation has a clause, each clause a citation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from billing.rating.rate import rate
from billing.schemas.answers import PriceAnswerSchema
from billing.schemas.price import load_price_request
from contracts.terms.price_book import InvalidInput
from tests.conftest import ROOT
from tests.examples import tiers

RULES = (ROOT / "billing" / "rating" / "pricing.md").read_text(encoding="utf-8")
CLAUSES = re.split(r"^#{2,3} §", RULES, flags=re.MULTILINE)[1:]
NUMBERS = [clause.split()[0] for clause in CLAUSES]
# A section that is only a heading over its clauses has no rule of its own.
LEAVES = [number for number in NUMBERS if not any(other.startswith(f"{number}.") for other in NUMBERS)]
CITED = re.compile(r"pricing\.md`{0,2}((?:(?:, | )?§[0-9]+(?:\.[0-9]+)?)+)?")
SOURCES = [path for half in ("contracts", "billing") for path in (ROOT / half).rglob("*.py")]

CHARGE = {
    "code": "c",
    "kind": "usage",
    "clause": "7",
    "algorithms": "all",
    "model": "graduated",
    "counter": {"scope": "agreement", "window": "calendar_year"},
}
CONVENTIONS = {
    "boundary": "inclusive",
    "zero_usage": "no_charge",
    "price_decimals": 2,
    "rounding": "half_up",
    "minimum_applies": "after_discount",
}


def examples() -> Iterator[Any]:
    for clause in CLAUSES:
        for number, block in enumerate(re.findall(r"```json example\n(.*?)```", clause, re.DOTALL), 1):
            yield pytest.param(json.loads(block), id=f"{clause.split()[0]} example {number}")


def to_request(example: dict[str, Any]) -> dict[str, Any]:
    """Write what an example leaves out, as the page says."""
    versions = example.get("versions") or [{"valid_from": "2024-01-01", "charges": example["charges"]}]
    activations = example.get("activations") or [{"trust": name, "go_live": "2024-01-01"} for name in ("a", "b")]
    return {
        "agreement": {"start": "2024-01-01", "end": "2028-01-01", "currency": "NOK"},
        "period": example.get("period", {"from": "2024-01-01", "to": "2024-02-01"}),
        "price_book": {
            "conventions": CONVENTIONS | example.get("conventions", {}),
            "index_adjustments": example.get("index_adjustments", []),
            "versions": [
                {"clause": "7", **version, "charges": [_charge(each) for each in version["charges"]]}
                for version in versions
            ],
        },
        "activations": [{"algorithm": "x", "validation_from": None, "end": None, **each} for each in activations],
        "usage": [
            {"trust": trust, "on": day, "quantity": quantity, "algorithm": rest[0] if rest else "x"}
            for trust, day, quantity, *rest in example.get("usage", [])
        ],
    }


def _charge(written: dict[str, Any]) -> dict[str, Any]:
    if written.get("kind", "usage") != "usage":
        return {key: CHARGE[key] for key in ("code", "clause")} | written
    charge = CHARGE | written
    return charge | {"tiers": tiers(charge["tiers"])} if isinstance(charge.get("tiers"), str) else charge


@pytest.mark.parametrize("example", list(examples()))
def test_an_example_of_the_rules_is_what_the_rating_answers(example: dict[str, Any]) -> None:
    document = to_request(example)
    if "errors" in example:
        with pytest.raises(InvalidInput) as refused:
            rate(load_price_request(document))
        assert [[error.pointer, error.code] for error in refused.value.errors] == example["errors"]
        return
    answer = PriceAnswerSchema().dump(rate(load_price_request(document)))
    if "lines" in example:
        remaining = list(answer["lines"])
        for expected in example["lines"]:
            found = next((line for line in remaining if expected.items() <= line.items()), None)
            assert found is not None, f"{expected} is not in {remaining}"
            remaining.remove(found)
        assert remaining == []
    assert answer["total"] == example["total"]
    assert answer["excluded"] == example.get("excluded", [])


@pytest.mark.parametrize("number", LEAVES)
def test_every_clause_has_an_example(number: str) -> None:
    (clause,) = (text for text in CLAUSES if text.split()[0] == number)
    assert "```json example" in clause


def citations() -> dict[str, list[str]]:
    """Give the places that cite each clause; the empty name is a citation of the page without a clause."""
    found: dict[str, list[str]] = {}
    for path in [*SOURCES, *(ROOT / "tests").rglob("*.py")]:
        if path == Path(__file__):
            continue
        for cited in CITED.finditer(path.read_text(encoding="utf-8")):
            for number in re.findall(r"[0-9.]+", (cited[1] or "").replace("§", " ")) or [""]:
                found.setdefault(number.rstrip("."), []).append(path.relative_to(ROOT).as_posix())
    return found


def test_every_citation_names_a_clause_that_exists() -> None:
    assert {number: places for number, places in citations().items() if number not in NUMBERS} == {}


def test_every_clause_is_cited_by_the_code_that_carries_it_out() -> None:
    cited = {number for number, places in citations().items() if not all(each.startswith("tests/") for each in places)}
    assert [number for number in LEAVES if number not in cited] == []
