"""A version as a workbook: there and back without losing a digit, and every bad cell told with its place."""

from __future__ import annotations

import io
from datetime import date, datetime
from decimal import Decimal
from typing import Any, get_args

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils import get_column_letter

from contracts.prices.sheet import SHEETS, InvalidSheet, SheetError, read_sheet, write_sheet
from contracts.schemas.price_book import load_version
from contracts.terms import price_model
from contracts.terms.period import WINDOW_KINDS
from contracts.terms.price_book import PriceBookVersion
from contracts.terms.price_model import (
    Charge,
    Counter,
    FixedCharge,
    Limit,
    OneOffCharge,
    Overrides,
    RampPhase,
    RampUp,
    UsageCharge,
)
from contracts.terms.price_models import Graduated, Package, Tier, Volume
from tests import examples

SLUGS = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,5})?", fullmatch=True).filter(lambda code: code != "all")
# The last column of charges moves with every price model that has columns of its own.
LAST_OF_CHARGES = f"{get_column_letter(len(SHEETS['charges']))}2"
CLAUSES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), max_size=30)
SCOPES = st.sampled_from(get_args(price_model.Scope))
WINDOWS = st.sampled_from(WINDOW_KINDS)


def written(places: int) -> st.SearchStrategy[Decimal]:
    """Draw decimals with 0 to `places` decimals, in the form somebody wrote them in."""
    return st.integers(0, places).flatmap(lambda n: st.decimals(min_value=0, max_value=10**9, places=n))


MONEY, PRICES, RATES = written(2), written(6), st.decimals(min_value=0, max_value=1, places=4)
TIERS = st.lists(st.builds(Tier, st.none() | st.integers(1, 10**20), PRICES, MONEY), max_size=5).map(tuple)
MODELS = st.builds(Graduated, TIERS) | st.builds(Volume, TIERS) | st.builds(Package, st.integers(1, 10**6), MONEY)
PHASES = st.builds(lambda n, rate: RampPhase(rate, months=n), st.integers(1, 48), RATES) | st.builds(
    lambda n, rate: RampPhase(rate, units=n), st.integers(1, 10**6), RATES
)
RAMPS = st.none() | st.builds(
    RampUp, st.lists(PHASES, max_size=3).map(tuple), st.sampled_from(get_args(price_model.RampStart)), st.booleans()
)
LIMITS = st.none() | st.builds(Limit, MONEY, SCOPES, WINDOWS, st.booleans())
OVERRIDES = st.builds(
    Overrides,
    st.none() | st.sampled_from(get_args(price_model.Boundary)),
    st.none() | st.sampled_from(get_args(price_model.ZeroUsage)),
    st.none() | st.integers(2, 6),
    st.none() | st.sampled_from(get_args(price_model.Rounding)),
    st.none() | st.sampled_from(get_args(price_model.MinimumApplies)),
)
ALGORITHMS = st.none() | st.lists(SLUGS, min_size=1, max_size=4).map(tuple)
CHARGES: st.SearchStrategy[Charge] = st.one_of(
    st.builds(
        UsageCharge,
        SLUGS,
        CLAUSES,
        ALGORITHMS,
        MODELS,
        st.builds(Counter, SCOPES, WINDOWS),
        RAMPS,
        LIMITS,
        LIMITS,
        OVERRIDES,
    ),
    st.builds(
        FixedCharge,
        SLUGS,
        CLAUSES,
        MONEY,
        SCOPES,
        st.sampled_from(get_args(price_model.Every)),
        st.sampled_from(get_args(price_model.Proration)),
        ALGORITHMS,
        RAMPS,
        OVERRIDES,
    ),
    st.builds(OneOffCharge, SLUGS, CLAUSES, MONEY, st.sampled_from(["trust", "activation"]), ALGORITHMS, OVERRIDES),
)
VERSIONS = st.builds(
    PriceBookVersion,
    st.dates(date(1900, 1, 1), date(2999, 12, 31)),
    CLAUSES,
    st.lists(CHARGES, max_size=5, unique_by=lambda charge: charge.code).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(VERSIONS)
def test_what_is_written_is_read_back_to_the_digit(version: PriceBookVersion) -> None:
    read = read_sheet(write_sheet(version))
    assert read == version
    assert repr(read) == repr(version)  # equal decimals may still be written differently


def book() -> Any:
    return openpyxl.load_workbook(io.BytesIO(write_sheet(load_version(examples.price_book()["versions"][0]))))


def saved(workbook: Any) -> bytes:
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def with_cell(sheet: str, cell: str, value: Any) -> bytes:
    workbook = book()
    workbook[sheet][cell] = value
    return saved(workbook)


def errors_of(content: bytes) -> list[tuple[str, int | None, str | None, str]]:
    with pytest.raises(InvalidSheet) as refused:
        read_sheet(content)
    return [(error.sheet, error.row, error.column, error.code) for error in refused.value.errors]


@pytest.mark.parametrize(
    ("value", "price"),
    [(60, "60"), (14.4, "14.4"), ("14,40", "14.40"), ("14.40", "14.40"), (0.29, "0.29"), ("1 234,5", "1234.5")],
    ids=str,
)
def test_a_price_typed_into_a_cell_is_the_decimal_that_was_typed(value: Any, price: str) -> None:
    version = read_sheet(with_cell("tiers", "C2", value))
    charge = version.charges[0]
    assert isinstance(charge, UsageCharge)
    assert isinstance(charge.model, Graduated)
    assert format(charge.model.tiers[0].unit_price, "f") == price


@pytest.mark.parametrize(
    "value", [datetime.fromisoformat("2027-01-01"), "2027-01-01", "01.01.2027"], ids=["a date cell", "ISO", "Norwegian"]
)
def test_a_date_is_read_in_the_three_forms_it_comes_in(value: Any) -> None:
    assert read_sheet(with_cell("version", "A2", value)).valid_from == date(2027, 1, 1)


@pytest.mark.parametrize(
    ("sheet", "cell", "value", "expected"),
    [
        ("tiers", "C2", 1 / 3, ("tiers", 2, "unit_price", "binary_number")),
        ("tiers", "C2", "sixty", ("tiers", 2, "unit_price", "not_a_decimal")),
        ("tiers", "C3", "1,234", ("tiers", 3, "unit_price", "ambiguous_number")),
        ("tiers", "C3", 45.1234567, ("tiers", 3, "unit_price", "too_many_decimals")),
        ("tiers", "D2", "0.001", ("tiers", 2, "flat_fee", "too_many_decimals")),
        ("tiers", "C2", "=30*2", ("tiers", 2, "unit_price", "formula")),
        ("tiers", "C2", None, ("tiers", 2, "unit_price", "missing")),
        ("tiers", "C2", True, ("tiers", 2, "unit_price", "not_a_decimal")),
        ("tiers", "B2", 200.5, ("tiers", 2, "up_to", "not_an_integer")),
        ("tiers", "A2", "other", ("tiers", 2, "charge", "unknown_charge")),
        ("tiers", "C1", "price", ("tiers", 1, "price", "unknown_column")),
        ("phases", "D2", "0.55555", ("phases", 2, "discount", "too_many_decimals")),
        ("charges", "B2", "weekly", ("charges", 2, "kind", "invalid_choice")),
        ("charges", "F2", "country", ("charges", 2, "scope", "invalid_choice")),
        ("charges", LAST_OF_CHARGES, "perhaps", ("charges", 2, "ramp_counts_towards_tiers", "not_a_boolean")),
        ("charges", "A3", "analysis", ("charges", 3, "code", "charge_code_duplicate")),
        ("version", "A2", "first of May", ("version", 2, "valid_from", "not_a_date")),
        ("version", "A3", "2027-01-01", ("version", 3, None, "one_version")),
        ("limits", "A2", "analysis", ("limits", 2, "limit", "invalid_choice")),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_bad_cell_is_told_with_its_place(
    sheet: str, cell: str, value: Any, expected: tuple[str, int, str | None, str]
) -> None:
    assert expected in errors_of(with_cell(sheet, cell, value))


def test_all_errors_are_told_in_the_order_of_the_sheets() -> None:
    workbook = book()
    workbook["tiers"]["C2"] = "sixty"
    workbook["tiers"]["C3"] = "forty"
    workbook["charges"][LAST_OF_CHARGES] = "perhaps"
    assert [error[:3] for error in errors_of(saved(workbook))] == [
        ("charges", 2, "ramp_counts_towards_tiers"),
        ("tiers", 2, "unit_price"),
        ("tiers", 3, "unit_price"),
    ]


def test_a_sheet_that_is_missing_or_unknown_is_told() -> None:
    workbook = book()
    del workbook["charges"]
    workbook.create_sheet("notes")
    assert {error[3] for error in errors_of(saved(workbook))} >= {"missing_sheet", "unknown_sheet"}


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"PK\x03\x04broken"], ids=["empty", "CSV", "half a zip"])
def test_what_is_no_workbook_is_refused(content: bytes) -> None:
    assert errors_of(content) == [("file", None, None, "not_a_workbook")]


def test_an_error_says_where_in_words() -> None:
    assert str(InvalidSheet((SheetError("tiers", 2, "up_to", "x", "Not so."),))) == "tiers 2 up_to: Not so."
