"""The wire shape of a price book: exact round trips, and every error with its place."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from contracts.schemas.price_book import (
    dump_activation,
    dump_agreement_term,
    dump_price_book,
    dump_version,
    load_activation,
    load_agreement_term,
    load_price_book,
    load_version,
)
from contracts.terms.price_book import InvalidInput, PriceBook
from contracts.terms.price_model import Conventions, FixedCharge, Overrides, UsageCharge
from contracts.terms.price_models import Package

DOCUMENT: dict[str, Any] = {
    "conventions": {
        "boundary": "exclusive",
        "zero_usage": "first_flat_fee",
        "price_decimals": 4,
        "rounding": "half_even",
        "minimum_applies": "before_discount",
    },
    "index_adjustments": [{"effective_from": "2025-01-01", "factor": "1.0310", "clause": "7.3"}],
    "versions": [
        {
            "valid_from": "2024-01-01",
            "clause": "Bilag 7",
            "charges": [
                {
                    "code": "analysis",
                    "kind": "usage",
                    "clause": "7.1",
                    "algorithms": ["ct-pe", "xray-chest"],
                    "model": "graduated",
                    "counter": {"scope": "agreement", "window": "calendar_year"},
                    "tiers": [
                        {"up_to": 200, "unit_price": "60.00", "flat_fee": "0.00"},
                        {"up_to": None, "unit_price": "45.125", "flat_fee": "10"},
                    ],
                    "ramp_up": {
                        "starts": "next_month",
                        "counts_towards_tiers": False,
                        "phases": [{"months": 3, "discount": "0.50"}, {"months": 1, "discount": "0"}],
                    },
                    "minimum": {"amount": "100.00", "per": "trust", "window": "quarter", "indexed": True},
                    "maximum": {"amount": "900", "per": "agreement", "window": "agreement", "indexed": False},
                    "conventions": {"boundary": "inclusive", "price_decimals": 2},
                },
                {
                    "code": "boxes",
                    "kind": "usage",
                    "clause": "",
                    "algorithms": "all",
                    "model": "package",
                    "counter": {"scope": "activation", "window": "month"},
                    "package_size": 100,
                    "package_price": "401.90",
                    "ramp_up": {
                        "starts": "go_live",
                        "counts_towards_tiers": True,
                        "phases": [{"units": 30, "discount": "1"}],
                    },
                },
                {
                    "code": "fee",
                    "kind": "fixed",
                    "clause": "8",
                    "algorithms": "all",
                    "amount": "1200.00",
                    "per": "trust",
                    "every": "quarter",
                    "proration": "days",
                },
                {
                    "code": "setup",
                    "kind": "one_off",
                    "clause": "9",
                    "algorithms": ["ct-pe"],
                    "amount": "5000",
                    "per": "activation",
                },
            ],
        }
    ],
}


def test_a_book_comes_back_as_it_was_written() -> None:
    book = load_price_book(DOCUMENT)
    assert dump_price_book(book) == DOCUMENT
    assert load_price_book(dump_price_book(book)) == book
    json.dumps(dump_price_book(book))


def test_what_is_read_is_what_stands_there() -> None:
    book = load_price_book(DOCUMENT)
    analysis, boxes, fee, _ = book.versions[0].charges
    assert book.conventions == Conventions("exclusive", "first_flat_fee", 4, "half_even", "before_discount")
    assert isinstance(analysis, UsageCharge)
    assert isinstance(boxes, UsageCharge)
    assert isinstance(fee, FixedCharge)
    assert analysis.conventions == Overrides(boundary="inclusive", price_decimals=2)
    assert analysis.conventions.over(book.conventions).rounding == "half_even"
    assert isinstance(boxes.model, Package)
    assert boxes.algorithms is None
    assert (fee.algorithms, fee.ramp_up) == (None, None)


def test_what_may_be_left_out_has_its_default() -> None:
    tiers = [{"up_to": None, "unit_price": "1"}]
    charge = {
        "code": "u",
        "kind": "usage",
        "clause": "7",
        "algorithms": "all",
        "model": "volume",
        "counter": {"scope": "trust", "window": "month"},
        "tiers": tiers,
        "ramp_up": {"phases": [{"months": 1, "discount": "0.5"}]},
        "minimum": None,
        "conventions": None,
    }
    fee = {"code": "f", "kind": "fixed", "clause": "8", "amount": "1", "per": "agreement", "every": "month"}
    book = load_price_book({"versions": [{"valid_from": "2024-01-01", "clause": "x", "charges": [charge, fee]}]})
    assert book.conventions == Conventions()
    dumped = dump_price_book(book)["versions"][0]["charges"]
    assert dumped[0]["tiers"] == [{"up_to": None, "unit_price": "1", "flat_fee": "0.00"}]
    assert dumped[0]["ramp_up"] == {
        "starts": "go_live",
        "counts_towards_tiers": True,
        "phases": [{"months": 1, "discount": "0.5"}],
    }
    assert not {"minimum", "maximum", "conventions", "package_size"} & dumped[0].keys()
    assert (dumped[1]["algorithms"], dumped[1]["proration"]) == ("all", "none")


CHARGE = "/price_book/versions/0/charges"


@pytest.mark.parametrize(
    ("place", "value", "pointer", "code"),
    [
        pytest.param((), 3, "#/price_book", "not_an_object", id="no object"),
        pytest.param(("versions",), {}, "#/price_book/versions", "not_a_list", id="no list"),
        pytest.param(
            ("versions", 0, "valid_from"), "2024-02-30", "#/price_book/versions/0/valid_from", "not_a_date", id="no day"
        ),
        pytest.param(
            ("versions", 0, "valid_from"), "20240101", "#/price_book/versions/0/valid_from", "not_a_date", id="compact"
        ),
        pytest.param(
            ("versions", 0, "valid_from"),
            "0001-01-01",
            "#/price_book/versions/0/valid_from",
            "out_of_range",
            id="year 1",
        ),
        pytest.param(("versions", 0, "charges", 0), "x", f"#{CHARGE}/0", "not_an_object", id="charge is text"),
        pytest.param(("versions", 0, "charges", 0, "kind"), "x", f"#{CHARGE}/0/kind", "invalid_choice", id="kind"),
        pytest.param(
            ("versions", 0, "charges", 0, "kind"), None, f"#{CHARGE}/0/kind", "invalid_choice", id="kind null"
        ),
        pytest.param(
            ("versions", 0, "charges", 0, "model"), "stairs", f"#{CHARGE}/0/model", "invalid_choice", id="model"
        ),
        pytest.param(("versions", 0, "charges", 0, "ramp"), {}, f"#{CHARGE}/0/ramp", "unknown_field", id="misspelt"),
        pytest.param(
            ("versions", 0, "charges", 2, "tiers"), [], f"#{CHARGE}/2/tiers", "unknown_field", id="fixed with tiers"
        ),
        pytest.param(("versions", 0, "charges", 0, "a/b~c"), 1, f"#{CHARGE}/0/a~1b~0c", "unknown_field", id="escaped"),
        pytest.param(
            ("versions", 0, "charges", 0, "tiers", 1, "unit_price"),
            45.1,
            f"#{CHARGE}/0/tiers/1/unit_price",
            "not_a_string",
            id="float",
        ),
        pytest.param(
            ("versions", 0, "charges", 0, "tiers", 1, "unit_price"),
            "1e3",
            f"#{CHARGE}/0/tiers/1/unit_price",
            "not_a_decimal",
            id="1e3",
        ),
        pytest.param(
            ("versions", 0, "charges", 0, "tiers", 1, "unit_price"),
            "1.0000001",
            f"#{CHARGE}/0/tiers/1/unit_price",
            "too_many_decimals",
            id="7 decimals",
        ),
        pytest.param(
            ("versions", 0, "charges", 0, "tiers", 0, "up_to"),
            "200",
            f"#{CHARGE}/0/tiers/0/up_to",
            "not_an_integer",
            id="text bound",
        ),
        pytest.param(
            ("versions", 0, "charges", 0, "tiers", 0, "up_to"),
            True,
            f"#{CHARGE}/0/tiers/0/up_to",
            "not_an_integer",
            id="true bound",
        ),
        pytest.param(
            ("versions", 0, "charges", 0, "tiers", 0, "up_to"),
            10**25,
            f"#{CHARGE}/0/tiers/0/up_to",
            "out_of_range",
            id="huge",
        ),
        pytest.param(("versions", 0, "charges", 0, "tiers"), None, f"#{CHARGE}/0/tiers", "missing", id="no tiers"),
        pytest.param(
            ("versions", 0, "charges", 1, "tiers"), [], f"#{CHARGE}/1/tiers", "unknown_field", id="package with tiers"
        ),
        pytest.param(
            ("versions", 0, "charges", 1, "package_size"), None, f"#{CHARGE}/1/package_size", "missing", id="no size"
        ),
        pytest.param(
            ("versions", 0, "charges", 0, "package_size"), 3, f"#{CHARGE}/0/package_size", "unknown_field", id="size"
        ),
        pytest.param(
            ("versions", 0, "charges", 0, "algorithms"), "ct-pe", f"#{CHARGE}/0/algorithms", "not_a_list", id="one"
        ),
        pytest.param(("versions", 0, "charges", 0, "code"), " ", f"#{CHARGE}/0/code", "empty", id="blank code"),
        pytest.param(
            ("versions", 0, "charges", 0, "clause"), 7, f"#{CHARGE}/0/clause", "not_a_string", id="clause number"
        ),
        pytest.param(
            ("versions", 0, "charges", 0, "minimum", "indexed"),
            1,
            f"#{CHARGE}/0/minimum/indexed",
            "not_a_boolean",
            id="1 for true",
        ),
        pytest.param(
            ("versions", 0, "charges", 3, "per"), "agreement", f"#{CHARGE}/3/per", "invalid_choice", id="one-off per"
        ),
        pytest.param(
            ("conventions", "price_decimals"), 7, "#/price_book/conventions/price_decimals", "invalid_choice", id="7"
        ),
        pytest.param(
            ("conventions", "price_decimals"),
            True,
            "#/price_book/conventions/price_decimals",
            "invalid_choice",
            id="true",
        ),
        pytest.param(
            ("index_adjustments", 0, "factor"),
            "1.00001",
            "#/price_book/index_adjustments/0/factor",
            "too_many_decimals",
            id="factor",
        ),
    ],
)
def test_an_error_has_its_place_and_code(place: tuple[Any, ...], value: object, pointer: str, code: str) -> None:
    document: Any = copy.deepcopy(DOCUMENT)
    if place:
        inner = document
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = value
    else:
        document = value
    with pytest.raises(InvalidInput) as refused:
        load_price_book(document)
    assert [(error.pointer, error.code) for error in refused.value.errors] == [(pointer, code)]
    assert refused.value.errors[0].detail.endswith(".")


@pytest.mark.parametrize("charge", [0, 1, 2, 3])
def test_a_field_that_is_missing_is_named(charge: int) -> None:
    optional = {"ramp_up", "minimum", "maximum", "conventions", "proration"} | ({"algorithms"} if charge > 1 else set())
    for field in DOCUMENT["versions"][0]["charges"][charge]:
        document = copy.deepcopy(DOCUMENT)
        del document["versions"][0]["charges"][charge][field]
        if field in optional:
            load_price_book(document)
            continue
        with pytest.raises(InvalidInput) as refused:
            load_price_book(document, "#")
        assert [error.pointer for error in refused.value.errors] == [f"#/versions/0/charges/{charge}/{field}"]


def test_all_errors_are_told_and_not_only_the_first() -> None:
    document = copy.deepcopy(DOCUMENT)
    document["conventions"]["rounding"] = "up"
    document["versions"][0]["charges"][0]["tiers"][0]["unit_price"] = 60
    document["versions"][0]["charges"][2]["amount"] = "1.001"
    with pytest.raises(InvalidInput) as refused:
        load_price_book(document)
    assert {error.pointer for error in refused.value.errors} == {
        "#/price_book/conventions/rounding",
        f"#{CHARGE}/0/tiers/0/unit_price",
        f"#{CHARGE}/2/amount",
    }


def test_parts_of_a_book_are_read_alone() -> None:
    version = DOCUMENT["versions"][0]
    assert dump_version(load_version(version)) == version
    activation = {
        "trust": "oslo",
        "algorithm": "ct-pe",
        "validation_from": None,
        "go_live": "2024-01-01",
        "end": "2025-01-01",
    }
    assert dump_activation(load_activation(activation)) == activation
    term = {"start": "2024-01-01", "end": "2028-01-01", "currency": "NOK"}
    assert dump_agreement_term(load_agreement_term(term)) == term


def test_every_shared_book_survives_a_round_trip(sample_data: Path) -> None:
    cases = json.loads((sample_data / "pricing" / "agreements.json").read_text())
    for case in cases:
        book: PriceBook = load_price_book(case["request"]["price_book"])
        dumped = dump_price_book(book)
        assert load_price_book(dumped) == book
        assert dump_price_book(load_price_book(dumped)) == dumped
