"""Numbers as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.terms.written import NotANumber, plain_double, plain_number


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("14", "14"),
        ("14.4", "14.4"),
        ("14,40", "14.40"),
        (" 1 234,50 ", "1234.50"),
        ("25\u00a0000", "25000"),
        ("4.125", "4.125"),
        ("4,1250", "4.1250"),
        ("\u22123,5", "-3.5"),
    ],
)
def test_a_number_comes_out_plain(text: str, plain: str) -> None:
    assert plain_number(text) == plain


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not_a_decimal"),
        ("fjorten", "not_a_decimal"),
        ("1.234,50", "not_a_decimal"),
        ("1,234.50", "not_a_decimal"),
        ("12 34", "not_a_decimal"),
        ("1e3", "not_a_decimal"),
        ("1,234", "ambiguous_number"),
    ],
)
def test_what_is_none_or_could_be_two_is_refused(text: str, code: str) -> None:
    with pytest.raises(NotANumber) as refused:
        plain_number(text)
    assert refused.value.code == code


@given(st.decimals(min_value=0, max_value=10**9, places=5))
def test_a_decimal_survives_a_spreadsheets_double(value: Decimal) -> None:
    assert Decimal(plain_double(float(value))) == value


@pytest.mark.parametrize("value", [0.1 + 0.2, 1 / 3, float("nan"), float("inf"), 2.0**53 + 2])
def test_a_double_that_nobody_wrote_is_refused(value: float) -> None:
    with pytest.raises(NotANumber):
        plain_double(value)
