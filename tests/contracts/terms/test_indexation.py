"""From months and a clause to a factor: shares, limits, ties, the two readings, base years, and the notice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.terms.indexation import (
    IndexClause,
    Obstacle,
    calculate,
    check_clause,
    choose_base_year,
    comparison,
    effective_dates,
    not_before,
    notice_deadline,
    shown,
)
from contracts.terms.money import scaled
from contracts.terms.period import add_months

CLAUSE = IndexClause(
    index_name="KPI",
    table="03013",
    series="TOTAL",
    reading="twelve_month",
    base_month=None,
    comparison_month=9,
    average_months=1,
    share=Decimal("1"),
    floor=None,
    cap=None,
    limits_on="price_change",
    symmetric=True,
    first_effective=date(2025, 1, 1),
    notice=2,
    notice_unit="months",
    clause="7.3",
)
NEW_YEAR = date(2025, 1, 1)


def month(text: str) -> date:
    year, number = text.split("-")
    return date(int(year), int(number), 1)


def clause(**changes: Any) -> IndexClause:
    numbers = {name: Decimal(value) for name, value in changes.items() if name in ("share", "floor", "cap")}
    return replace(CLAUSE, **changes | numbers)


def factor(agreed: IndexClause, base: str, current: str) -> tuple[str, str | None]:
    compared = comparison(agreed, NEW_YEAR)
    done = calculate(agreed, compared, {compared.base[0]: Decimal(base), compared.current[0]: Decimal(current)})
    return f"{done.factor}", done.limited


@pytest.mark.parametrize(
    ("agreed", "base", "current", "expected", "limited"),
    [
        pytest.param(clause(), "100.0", "103.8", "1.0380", None, id="whole-change"),
        pytest.param(clause(share="0.85"), "100.0", "104.0", "1.0340", None, id="85-percent"),
        pytest.param(clause(share="0.65"), "100.0", "104.0", "1.0260", None, id="65-percent"),
        pytest.param(clause(share="0.85"), "131.6", "136.4", "1.0310", None, id="the-example"),
        pytest.param(clause(cap="0.03"), "100.0", "103.8", "1.0300", "cap", id="cap"),
        pytest.param(clause(cap="0.03"), "100.0", "103.0", "1.0300", None, id="at-the-cap-nothing-is-held"),
        pytest.param(clause(floor="0.01"), "100.0", "100.4", "1.0100", "floor", id="floor"),
        pytest.param(clause(floor="0"), "100.0", "99.0", "1.0000", "floor", id="floor-of-zero"),
        pytest.param(clause(), "100.0", "99.0", "0.9900", None, id="symmetric-prices-fall"),
        pytest.param(clause(symmetric=False), "100.0", "99.0", "1.0000", "not_below_zero", id="prices-never-fall"),
        pytest.param(clause(floor="-0.02"), "100.0", "90.0", "0.9800", "floor", id="floor-below-zero"),
        pytest.param(clause(share="0.5", cap="0.03"), "100.0", "105.0", "1.0250", None, id="limit-on-price-change"),
        pytest.param(
            clause(share="0.5", cap="0.03", limits_on="index_change"),
            "100.0",
            "105.0",
            "1.0150",
            "cap",
            id="limit-on-index-change",
        ),
        pytest.param(clause(), "200.00", "200.01", "1.0001", None, id="tie-half-up"),
        pytest.param(clause(), "10000", "10000.4999", "1.0000", None, id="just-below-the-tie"),
        pytest.param(clause(), "10000", "10000.5000", "1.0001", None, id="at-the-tie"),
        pytest.param(clause(), "10000", "10001.5", "1.0002", None, id="tie-does-not-go-to-even-by-chance"),
        pytest.param(clause(), "10000", "10002.5", "1.0003", None, id="tie-does-not-go-to-even"),
        pytest.param(clause(), "10000", "9999.5", "1.0000", None, id="tie-below-one"),
    ],
)
def test_the_factor_is_one_plus_the_held_share_of_the_change_half_up_to_four_decimals(
    agreed: IndexClause, base: str, current: str, expected: str, limited: str | None
) -> None:
    assert factor(agreed, base, current) == (expected, limited)


@given(
    base=st.integers(500, 3000),
    current=st.integers(500, 3000),
    share=st.sampled_from(["0.65", "0.85", "1"]),
)
def test_the_factor_is_nearest_to_the_exact_one_and_ties_go_up(base: int, current: int, share: str) -> None:
    agreed = clause(share=share)
    compared = comparison(agreed, NEW_YEAR)
    values = {compared.base[0]: Decimal(base) / 10, compared.current[0]: Decimal(current) / 10}
    done = calculate(agreed, compared, values)
    assert done.exact_factor == 1 + Fraction(Decimal(share)) * (Fraction(current, base) - 1)
    distance = Fraction(done.factor) - done.exact_factor
    assert -Fraction(1, 20_000) < distance <= Fraction(1, 20_000)
    assert scaled(done.factor, 4) >= 0


def test_the_exact_factor_is_shown_with_ten_decimals() -> None:
    compared = comparison(CLAUSE, NEW_YEAR)
    done = calculate(CLAUSE, compared, {compared.base[0]: Decimal("3"), compared.current[0]: Decimal("4")})
    assert done.exact_factor == Fraction(4, 3)
    assert shown(done.exact_factor) == Decimal("1.3333333333")
    assert shown(Fraction(2, 3)) == Decimal("0.6666666667")


@pytest.mark.parametrize(
    ("agreed", "effective_from", "last", "base", "current"),
    [
        pytest.param(clause(), "2025-01-01", None, ["2023-09"], ["2024-09"], id="a-year-before"),
        pytest.param(
            clause(comparison_month=1),
            "2025-01-01",
            None,
            ["2023-01"],
            ["2024-01"],
            id="the-month-of-effect-is-not-over",
        ),
        pytest.param(
            clause(comparison_month=1), "2025-02-01", None, ["2024-01"], ["2025-01"], id="over-when-it-begins"
        ),
        pytest.param(clause(comparison_month=1), "2025-01-15", None, ["2023-01"], ["2024-01"], id="nor-in-its-middle"),
        pytest.param(
            clause(average_months=3),
            "2025-01-01",
            None,
            ["2023-07", "2023-08", "2023-09"],
            ["2024-07", "2024-08", "2024-09"],
            id="average-of-three-months",
        ),
        pytest.param(
            clause(base_month=month("2022-03")), "2025-01-01", None, ["2022-03"], ["2024-09"], id="fixed-base-at-first"
        ),
        pytest.param(
            clause(base_month=month("2022-03")),
            "2027-01-01",
            "2024-09",
            ["2024-09"],
            ["2026-09"],
            id="then-from-where-the-last-ended",
        ),
        pytest.param(clause(), "2027-01-01", "2024-09", ["2025-09"], ["2026-09"], id="a-year-without-request-is-lost"),
    ],
)
def test_the_compared_months_follow_the_clause(
    agreed: IndexClause, effective_from: str, last: str | None, base: list[str], current: list[str]
) -> None:
    compared = comparison(agreed, date.fromisoformat(effective_from), None if last is None else month(last))
    assert [f"{one:%Y-%m}" for one in compared.base] == base
    assert [f"{one:%Y-%m}" for one in compared.current] == current


@pytest.mark.parametrize(
    ("comparison_month", "effective_from", "years"),
    [(12, "2025-03-01", (2023, 2024)), (9, "2025-01-01", (2022, 2023)), (12, "2025-01-01", (2023, 2024))],
)
def test_the_annual_reading_compares_whole_calendar_years(
    comparison_month: int, effective_from: str, years: tuple[int, int]
) -> None:
    agreed = clause(reading="annual", comparison_month=comparison_month)
    compared = comparison(agreed, date.fromisoformat(effective_from))
    assert compared.base == tuple(date(years[0], number, 1) for number in range(1, 13))
    assert compared.current == tuple(date(years[1], number, 1) for number in range(1, 13))


def test_the_two_readings_of_one_year_differ() -> None:
    # The level jumps in December: the twelve-month change sees all of it, the annual change a twelfth.
    values = {date(year, number, 1): Decimal("100.0") for year in (2023, 2024) for number in range(1, 13)}
    values[date(2024, 12, 1)] = Decimal("112.0")
    twelve_month = clause(comparison_month=12)
    annual = clause(comparison_month=12, reading="annual")
    factors = [calculate(agreed, comparison(agreed, NEW_YEAR), values).factor for agreed in (twelve_month, annual)]
    assert factors == [Decimal("1.1200"), Decimal("1.0100")]


def test_an_average_of_months_is_the_mean_of_their_values() -> None:
    agreed = clause(average_months=2)
    compared = comparison(agreed, NEW_YEAR)
    values = dict(zip(compared.months, map(Decimal, ["100.0", "101.0", "103.0", "104.0"]), strict=True))
    done = calculate(agreed, compared, values)
    assert (done.base_value, done.current_value) == (Fraction("100.5"), Fraction("103.5"))


NEEDED = comparison(CLAUSE, NEW_YEAR)


@pytest.mark.parametrize(
    ("available", "expected"),
    [
        pytest.param({2015: ["2023-09", "2024-09"]}, 2015, id="one-base-year"),
        pytest.param({2015: ["2023-09", "2024-09"], 2025: ["2023-09", "2024-09"]}, 2025, id="newest-of-two"),
        pytest.param({2015: ["2023-09", "2024-09"], 2025: ["2024-09"]}, 2015, id="the-one-that-is-whole"),
        pytest.param({2015: ["2023-09"], 2025: ["2024-09"]}, "base_years_differ", id="never-across"),
        pytest.param({2015: ["2023-09"]}, "values_missing", id="missing"),
        pytest.param({}, "values_missing", id="none-at-all"),
    ],
)
def test_a_ratio_is_taken_inside_one_base_year_only(available: dict[int, list[str]], expected: int | str) -> None:
    chosen = choose_base_year({year: [month(one) for one in months] for year, months in available.items()}, NEEDED)
    assert (chosen.code if isinstance(chosen, Obstacle) else chosen) == expected


def test_the_refusal_names_the_months_and_the_base_years() -> None:
    refused = choose_base_year({2015: [month("2023-09")], 2025: [month("2024-09")]}, NEEDED)
    assert isinstance(refused, Obstacle)
    assert dict(refused.params) == {"base": "2023-09", "current": "2024-09", "base_years": "2015=100 / 2025=100"}


def test_a_base_after_the_compared_month_compares_nothing() -> None:
    assert not_before(comparison(clause(base_month=month("2024-09")), NEW_YEAR)) is not None
    assert not_before(comparison(clause(base_month=month("2024-08")), NEW_YEAR)) is None


@pytest.mark.parametrize(
    ("notice", "unit", "effective_from", "deadline"),
    [
        (2, "months", "2025-01-01", "2024-11-01"),
        (6, "months", "2025-08-31", "2025-02-28"),
        (0, "months", "2025-01-01", "2025-01-01"),
        (30, "days", "2025-01-01", "2024-12-02"),
    ],
)
def test_the_notice_is_counted_back_from_the_effect(notice: int, unit: Any, effective_from: str, deadline: str) -> None:
    agreed = clause(notice=notice, notice_unit=unit)
    assert notice_deadline(agreed, date.fromisoformat(effective_from)) == date.fromisoformat(deadline)


def test_prices_may_be_adjusted_once_a_year_from_the_first_date_to_the_end() -> None:
    assert effective_dates(CLAUSE, date(2028, 1, 1)) == (date(2025, 1, 1), date(2026, 1, 1), date(2027, 1, 1))
    assert effective_dates(CLAUSE, date(2025, 1, 1)) == ()


@given(first=st.dates(date(2020, 1, 1), date(2030, 1, 1)), notice=st.integers(0, 24))
def test_a_request_on_the_deadline_is_at_least_the_notice_ahead(first: date, notice: int) -> None:
    agreed = clause(first_effective=first, notice=notice)
    assert add_months(notice_deadline(agreed, first), notice) <= first


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"share": "0"}, "share"),
        ({"share": "1.0001"}, "share"),
        ({"comparison_month": 13}, "comparison_month"),
        ({"average_months": 0}, "average_months"),
        ({"floor": "0.04", "cap": "0.03"}, "floor"),
        ({"floor": "-1"}, "floor"),
        ({"symmetric": False, "cap": "-0.01"}, "cap"),
        ({"reading": "annual", "average_months": 3}, "average_months"),
        ({"base_month": date(2024, 1, 2)}, "base_month"),
        ({"notice": -1}, "notice"),
    ],
    ids=lambda value: str(value),
)
def test_a_clause_that_cannot_be_meant_is_refused_at_its_place(changes: dict[str, Any], place: str) -> None:
    assert [finding.pointer for finding in check_clause(clause(**changes))] == [f"#/{place}"]


def test_a_clause_that_can_be_meant_is_not_refused() -> None:
    assert check_clause(clause(floor="0", cap="0.05", share="0.65", base_month=month("2023-10"))) == ()
