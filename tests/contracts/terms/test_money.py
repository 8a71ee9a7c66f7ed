"""Amounts are read as written or refused, and rounded half away from zero or to even."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.terms.money import (
    format_amount,
    format_rate,
    format_unit_price,
    kroner,
    ore,
    parse_amount,
    rate,
    round_half_even,
    round_half_up,
    scaled,
    unit_price,
)


@pytest.mark.parametrize(
    ("text", "places"), [("0", 2), ("60", 2), ("60.0", 2), ("60.00", 2), ("-0.01", 2), ("1.123456", 6), ("0.0250", 4)]
)
def test_an_amount_keeps_the_form_it_was_written_in(text: str, places: int) -> None:
    assert f"{parse_amount(text, places):f}" == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "1,5",
        "1e2",
        "NaN",
        "Infinity",
        "-Infinity",
        "+1",
        "--1",
        "1.",
        ".5",
        "1_000",
        "٣",
        "0x1",
        "1\n",
        "9" * 13,
    ],
)
def test_what_is_not_a_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="plain decimal"):
        parse_amount(text, 2)


@pytest.mark.parametrize(("text", "places"), [("1.005", 2), ("1.000", 2), ("0.12345", 4), ("1.1234567", 6)])
def test_more_decimals_are_refused_and_not_rounded(text: str, places: int) -> None:
    with pytest.raises(ValueError, match=f"more than {places} decimals"):
        parse_amount(text, places)


@pytest.mark.parametrize(
    ("value", "places", "whole"),
    [("1.5", 2, 150), ("-0.07", 2, -7), ("1E+2", 2, 10_000), ("0.100", 1, 1), ("0", 6, 0), ("12.3", 6, 12_300_000)],
)
def test_scaling_is_exact(value: str, places: int, whole: int) -> None:
    assert scaled(Decimal(value), places) == whole


def test_scaling_refuses_what_is_not_whole_or_finite() -> None:
    with pytest.raises(ValueError, match="more than 2 decimals"):
        ore(Decimal("0.001"))
    with pytest.raises(ValueError, match="finite"):
        ore(Decimal("NaN"))


@given(st.integers(-(10**50), 10**50))
@example(10**100 - 1)
def test_ore_and_kroner_are_each_others_inverse(whole: int) -> None:
    assert ore(kroner(whole)) == whole
    assert kroner(whole).as_tuple().exponent == -2


def test_inside_integers_come_out_as_decimals() -> None:
    assert (kroner(123450), unit_price(60_125_000), rate(5_000)) == (
        Decimal("1234.5"),
        Decimal("60.125"),
        Decimal("0.5"),
    )


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_both_roundings_are_those_of_decimal(numerator: int, denominator: int) -> None:
    context = Context(prec=60)
    exact = context.divide(Decimal(numerator), Decimal(denominator))
    # A quotient whose decimals never end is no tie, so sixty digits decide it.
    assert round_half_up(numerator, denominator) == exact.quantize(Decimal(1), ROUND_HALF_UP)
    assert round_half_even(numerator, denominator) == exact.quantize(Decimal(1), ROUND_HALF_EVEN)


@pytest.mark.parametrize(
    ("numerator", "up", "even"),
    [(1, 1, 0), (3, 2, 2), (5, 3, 2), (-1, -1, 0), (-3, -2, -2), (-5, -3, -2), (0, 0, 0)],
    ids=lambda value: str(value),
)
def test_a_half_of_either_sign(numerator: int, up: int, even: int) -> None:
    assert round_half_up(numerator, 2) == up
    assert round_half_even(numerator, 2) == even


@pytest.mark.parametrize(
    ("amount", "text"), [("1234.5", "1234.50"), ("0", "0.00"), ("-0.1", "-0.10"), ("1E+3", "1000.00")]
)
def test_an_amount_has_two_decimals(amount: str, text: str) -> None:
    assert format_amount(Decimal(amount)) == text


@pytest.mark.parametrize(
    ("price", "text"),
    [("60", "60.00"), ("60.500000", "60.50"), ("4.1250", "4.125"), ("0.000001", "0.000001"), ("100", "100.00")],
)
def test_a_unit_price_has_at_least_two_decimals_and_no_more_than_needed(price: str, text: str) -> None:
    assert format_unit_price(Decimal(price)) == text


@pytest.mark.parametrize(
    ("value", "text"), [("0", "0"), ("0.0000", "0"), ("0.50", "0.5"), ("1", "1"), ("10", "10"), ("0.1250", "0.125")]
)
def test_a_rate_has_no_trailing_zeros(value: str, text: str) -> None:
    assert format_rate(Decimal(value)) == text
