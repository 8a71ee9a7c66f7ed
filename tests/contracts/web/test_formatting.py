"""Numbers, money and dates as a reader in either language writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.web import formatting
from contracts.web.formatting import EN_DASH, MINUS, NBSP


def shown(text: str) -> str:
    """Write an underscore for each no-break space, so that a table can be read and a plain space is seen to be wrong."""
    return text.replace(NBSP, "_")


MONEY = [
    ("amount", "1234567.5", "1_234_567,50", "1,234,567.50"),
    ("amount", "0", "0,00", "0.00"),
    ("amount", "-99.5", "−99,50", "−99.50"),
    ("amount", "999.995", "1_000,00", "1,000.00"),
    ("amount", "-0.001", "0,00", "0.00"),
    ("money", "1234567.50", "1_234_567,50_kr", "NOK_1,234,567.50"),
    ("money", "-99.5", "−99,50_kr", "−NOK_99.50"),
    ("money_whole", "1234567.50", "1_234_568_kr", "NOK_1,234,568"),
    ("money_whole", "-0.5", "−1_kr", "−NOK_1"),
    ("money_large", "12345678", "12,3_mill._kr", "NOK_12.3_million"),
    ("money_large", "999999.49", "999_999_kr", "NOK_999,999"),
    ("money_large", "1000000", "1,0_mill._kr", "NOK_1.0_million"),
    ("money_large", "999949999", "999,9_mill._kr", "NOK_999.9_million"),
    ("money_large", "999950000", "1,0_mrd._kr", "NOK_1.0_billion"),
    ("money_large", "-2500000", "−2,5_mill._kr", "−NOK_2.5_million"),
    ("millions", "12345678", "12,3", "12.3"),
    ("price", "12.4375", "12,4375", "12.4375"),
    ("price", "60", "60,00", "60.00"),
    ("price", "1E+2", "100,00", "100.00"),
    ("price", "0.123456", "0,123456", "0.123456"),
    ("price", "45.500000", "45,50", "45.50"),
    ("quantity", "12480", "12_480", "12,480"),
    ("percent", "0.123", "12,3_%", "12.3%"),
    ("percent", "-0.05", "−5,0_%", "−5.0%"),
    ("percent_short", "0.5", "50_%", "50%"),
    ("percent_short", "0.125", "12,5_%", "12.5%"),
    ("factor", "1.0325", "1,0325", "1.0325"),
]


@pytest.mark.parametrize(("name", "value", "norwegian", "english"), MONEY, ids=lambda value: str(value))
def test_a_figure_is_written_as_readers_of_each_language_write_it(
    name: str, value: str, norwegian: str, english: str
) -> None:
    write = getattr(formatting, name)
    assert shown(write(Decimal(value), "nb")) == norwegian
    assert shown(write(Decimal(value), "en")) == english


DATES = [
    ("day", date(2026, 3, 7), "07.03.2026", "7_March 2026"),
    ("day", "2026-03-07", "07.03.2026", "7_March 2026"),
    ("day_long", date(2026, 3, 7), "7._mars 2026", "7_March 2026"),
    ("month", "2026-09", "september 2026", "September 2026"),
    ("month_short", "2026-01", "jan. 2026", "Jan 2026"),
    ("quarter", "2026-Q3", "3._kvartal 2026", "Q3_2026"),
    ("quarter", "2026-K3", "3._kvartal 2026", "Q3_2026"),
    ("quarter", date(2026, 12, 31), "4._kvartal 2026", "Q4_2026"),
    ("quarter_short", "2026-Q3", "K3_2026", "Q3_2026"),
    ("clock", datetime(2026, 7, 1, 12, 5, tzinfo=UTC), "kl._14.05", "14:05"),
    ("moment", datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "01.01.2027 kl._00.30", "1_January 2027 00:30"),
]


@pytest.mark.parametrize(("name", "value", "norwegian", "english"), DATES, ids=lambda value: str(value))
def test_a_date_is_written_as_readers_of_each_language_write_it(
    name: str, value: date | str, norwegian: str, english: str
) -> None:
    write = getattr(formatting, name)
    assert shown(write(value, "nb")) == norwegian
    assert shown(write(value, "en")) == english


TIERS = [
    (1, 10_000, "1–10_000", "1–10,000"),
    (10_001, 50_000, "10_001–50_000", "10,001–50,000"),
    (50_001, None, "over_50_000", "over_50,000"),
    (1, None, "fra_1", "from_1"),
    (1, 1, "1", "1"),
    (1, 0, "ingen", "none"),
]


@pytest.mark.parametrize(("first", "last", "norwegian", "english"), TIERS)
def test_a_tier_is_named_by_its_first_and_last_unit(first: int, last: int | None, norwegian: str, english: str) -> None:
    assert shown(formatting.tier_range(first, last, "nb")) == norwegian
    assert shown(formatting.tier_range(first, last, "en")) == english


def test_a_half_open_period_is_shown_with_its_last_day() -> None:
    assert formatting.period(date(2024, 1, 1), date(2028, 1, 1), "nb") == f"01.01.2024{EN_DASH}31.12.2027"
    assert shown(formatting.period(date(2024, 1, 1), date(2028, 1, 1), "en")) == "1_January 2024 – 31_December 2027"


def test_an_organisation_number_is_grouped_and_other_text_is_left_alone() -> None:
    assert shown(formatting.org_number("940155223")) == "940_155_223"
    assert formatting.org_number("NO940155223MVA") == "NO940155223MVA"


def test_a_float_and_a_moment_without_zone_are_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        formatting.money(0.1, "nb")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="zone"):
        formatting.moment(datetime(2026, 1, 1), "nb")  # noqa: DTZ001 - the missing zone is the point
    with pytest.raises(TypeError, match="moment"):
        formatting.day(datetime(2026, 1, 1, tzinfo=UTC), "nb")


@given(st.decimals(min_value=-(10**15), max_value=10**15, places=2, allow_nan=False))
def test_an_amount_read_back_is_the_amount_and_holds_no_plain_space(value: Decimal) -> None:
    for locale, point, group in (("nb", ",", NBSP), ("en", ".", ",")):
        text = formatting.amount(value, locale)
        assert " " not in text
        assert "-" not in text
        assert Decimal(text.replace(group, "").replace(point, ".").replace(MINUS, "-")) == value


@given(st.decimals(min_value=0, max_value=10**6, places=6, allow_nan=False))
def test_a_unit_price_keeps_every_stored_decimal(value: Decimal) -> None:
    assert Decimal(formatting.price(value, "nb").replace(NBSP, "").replace(",", ".")) == value
