"""The price request and its answer, as they stand on the wire."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from billing.rating.rate import rate
from billing.schemas.answers import PriceAnswerSchema, UsageSchema
from billing.schemas.price import load_price_request, load_usage
from contracts.terms.price_book import InvalidInput

REQUEST: dict[str, Any] = json.loads("""
{"agreement": {"start": "2024-01-01", "end": "2028-01-01", "currency": "NOK"},
 "period": {"from": "2024-01-01", "to": "2024-07-01"},
 "price_book": {
   "conventions": {"boundary": "inclusive", "zero_usage": "no_charge", "price_decimals": 2, "rounding": "half_up",
                   "minimum_applies": "after_discount"},
   "index_adjustments": [{"effective_from": "2025-01-01", "factor": "1.031", "clause": "7.3"}],
   "versions": [{"valid_from": "2024-01-01", "clause": "Bilag 7", "charges": [
     {"code": "analysis", "kind": "usage", "clause": "7.1", "algorithms": ["xray-skeletal"], "model": "graduated",
      "counter": {"scope": "agreement", "window": "calendar_year"},
      "tiers": [{"up_to": 200, "unit_price": "60.00", "flat_fee": "0.00"},
                {"up_to": null, "unit_price": "45.00", "flat_fee": "0.00"}],
      "ramp_up": {"starts": "go_live", "counts_towards_tiers": true, "phases": [{"months": 3, "discount": "0.50"}]}}]}]},
 "activations": [
   {"trust": "vestre-viken", "algorithm": "xray-skeletal", "validation_from": null, "go_live": "2024-01-01", "end": null},
   {"trust": "sykehuset-ostfold", "algorithm": "xray-skeletal", "validation_from": null, "go_live": "2023-09-01",
    "end": null}],
 "usage": [{"trust": "vestre-viken", "algorithm": "xray-skeletal", "on": "2024-01-10", "quantity": 100},
           {"trust": "sykehuset-ostfold", "algorithm": "xray-skeletal", "on": "2024-01-20", "quantity": 201}]}
""")


def answer(request: dict[str, Any]) -> dict[str, Any]:
    return PriceAnswerSchema().dump(rate(load_price_request(request)))


def errors(request: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as refused:
        rate(load_price_request(request))
    return [(error.pointer, error.code) for error in refused.value.errors]


def test_the_answer_is_written_as_the_law_shows_it() -> None:
    document = answer(REQUEST)
    assert document["total"] == "13800.00"
    assert document["lines"][0] == {
        "charge": "analysis",
        "kind": "usage",
        "clause": "7.1",
        "trust": "sykehuset-ostfold",
        "algorithm": "xray-skeletal",
        "period": {"from": "2024-01-01", "to": "2024-02-01"},
        "tier": 1,
        "phase": None,
        "quantity": 134,
        "unit_price": "60.00",
        "gross": "8040.00",
        "discount_rate": "0",
        "discount": "0.00",
        "net": "8040.00",
        "why": None,
        "reprices": None,
    }
    assert [line["net"] for line in document["lines"]] == ["8040.00", "1980.00", "3015.00", "765.00"]
    assert document["lines"][1]["discount_rate"] == "0.5"
    assert document["excluded"] == []
    assert document["positions"] == [
        {
            "charge": "analysis",
            "scope": "agreement",
            "trust": None,
            "algorithm": None,
            "window": {"from": "2024-01-01", "to": "2025-01-01"},
            "position": 301,
            "next_tier_at": None,
        }
    ]
    assert list(document) == ["currency", "total", "lines", "excluded", "positions"]


def test_repriced_and_excluded_units_are_written() -> None:
    request = copy.deepcopy(REQUEST)
    charge = request["price_book"]["versions"][0]["charges"][0]
    charge["model"] = "volume"
    request["activations"][1] |= {"validation_from": "2024-02-01", "go_live": "2024-03-01"}
    request["usage"][1] |= {"on": "2024-02-05"}
    request["usage"].append({**request["usage"][1], "on": "2024-03-05"})
    document = answer(request)
    assert document["excluded"] == [
        {
            "trust": "sykehuset-ostfold",
            "algorithm": "xray-skeletal",
            "on": "2024-02-05",
            "quantity": 201,
            "reason": "validation",
        }
    ]
    adjustment = next(line for line in document["lines"] if line["why"] == "adjustment")
    assert (adjustment["quantity"], adjustment["unit_price"], adjustment["net"]) == (-100, "15.00", "-750.00")
    assert adjustment["reprices"] == {"from": "2024-01-01", "to": "2024-02-01"}


def test_usage_is_read_as_it_is_written() -> None:
    assert UsageSchema().dump(load_usage(REQUEST["usage"][0])) == REQUEST["usage"][0]


@pytest.mark.parametrize("document", [None, [], "x", 3])
def test_what_is_no_object_is_refused(document: object) -> None:
    assert errors(document) == [("#", "not_an_object")]


@pytest.mark.parametrize("section", list(REQUEST))
def test_every_section_is_needed(section: str) -> None:
    request = {name: value for name, value in REQUEST.items() if name != section}
    assert (f"#/{section}", "missing") in errors(request)


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ({"from": "2024-01-01"}, [("#/period/to", "missing")]),
        ({"from": "2024-02-01", "to": "2024-02-01"}, [("#/period/to", "end_before_start")]),
        ({"from": "2024-02-02", "to": "2024-03-01"}, [("#/period/from", "period_not_on_bound")]),
        ({"from": "2024-02-01", "to": "2024-03-02"}, [("#/period/to", "period_not_on_bound")]),
        ({"from": "2023-12-01", "to": "2024-03-01"}, [("#/period/from", "period_not_on_bound")]),
        ({"from": "2027-12-01", "to": "2028-02-01"}, [("#/period/to", "period_not_on_bound")]),
    ],
)
def test_a_period_that_cannot_be_rated(period: dict[str, str], expected: list[tuple[str, str]]) -> None:
    assert errors(REQUEST | {"period": period}) == expected


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"quantity": 1.0}, "#/usage/1/quantity", "not_an_integer"),
        ({"quantity": "1"}, "#/usage/1/quantity", "not_an_integer"),
        ({"quantity": True}, "#/usage/1/quantity", "not_an_integer"),
        ({"on": "2024-1-1"}, "#/usage/1/on", "not_a_date"),
        ({"trust": ""}, "#/usage/1/trust", "empty"),
        ({"month": "2024-01"}, "#/usage/1/month", "unknown_field"),
        ({"on": "2023-12-31"}, "#/usage/1", "usage_outside_agreement"),
        ({"on": "2028-01-01"}, "#/usage/1", "usage_outside_agreement"),
        ({"trust": "oslo"}, "#/usage/1", "usage_without_activation"),
        ({"quantity": -1}, "#/usage/1", "usage_below_zero"),
    ],
)
def test_usage_that_cannot_be_rated(change: dict[str, Any], pointer: str, code: str) -> None:
    request = copy.deepcopy(REQUEST)
    request["usage"][1] |= change
    assert errors(request) == [(pointer, code)]


def test_errors_of_shape_and_of_meaning_come_together() -> None:
    request = copy.deepcopy(REQUEST)
    request["usage"][0]["quantity"] = "100"
    request["usage"][1]["on"] = "2030-01-01"
    request["price_book"]["versions"][0]["charges"][0]["tiers"][0]["up_to"] = 0
    request["surplus"] = 1
    assert sorted(errors(request)) == [
        ("#/price_book/versions/0/charges/0/tiers/0/up_to", "tiers_not_rising"),
        ("#/surplus", "unknown_field"),
        ("#/usage/0/quantity", "not_an_integer"),
        ("#/usage/1", "usage_outside_agreement"),
    ]


def test_an_activation_that_cannot_be_read_does_not_make_its_usage_look_wrong() -> None:
    request = copy.deepcopy(REQUEST)
    request["activations"][0]["go_live"] = "soon"
    assert errors(request) == [("#/activations/0/go_live", "not_a_date")]


@pytest.mark.parametrize(
    ("agreement", "expected"),
    [
        ({"start": "2024-01-01", "end": "2024-01-01"}, "end_before_start"),
        ({"start": "1950-01-01", "end": "2060-01-01"}, "agreement_too_long"),
    ],
)
def test_an_agreement_nobody_can_mean(agreement: dict[str, str], expected: str) -> None:
    assert ("#/agreement/end", expected) in errors(REQUEST | {"agreement": agreement})
