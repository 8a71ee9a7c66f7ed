"""Half-open periods, months from an anchor, and the windows of an agreement."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.terms.period import WINDOW_KINDS, Period, WindowKind, add_months, previous_day, whole_window, window

days = st.dates(date(1950, 1, 1), date(2100, 1, 1))


def period(text: str) -> Period:
    start, end = text.split("/")
    return Period(date.fromisoformat(start), date.fromisoformat(end))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-09", "2026-09-01/2026-10-01"),
        ("2026-12", "2026-12-01/2027-01-01"),
        ("2026-Q3", "2026-07-01/2026-10-01"),
        ("2026-Q1", "2026-01-01/2026-04-01"),
        ("2026", "2026-01-01/2027-01-01"),
    ],
)
def test_a_label_is_read_and_written(text: str, expected: str) -> None:
    assert Period.parse(text) == period(expected)
    assert Period.parse(text).label() == text


@pytest.mark.parametrize(
    "text", ["", "2026-13", "2026-00", "2026-Q0", "2026-Q5", "26-09", "2026-9", "2026-09-01", "2026-q3", "२०२६"]
)
def test_what_is_no_label_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Period.parse(text)


def test_another_period_is_labelled_by_its_bounds() -> None:
    assert period("2026-01-15/2026-02-01").label() == "2026-01-15/2026-02-01"


@pytest.mark.parametrize("end", ["2026-01-15", "2026-01-14"])
def test_a_period_ends_after_it_starts(end: str) -> None:
    with pytest.raises(ValueError, match="ends after"):
        period(f"2026-01-15/{end}")


def test_a_period_holds_its_start_and_not_its_end() -> None:
    september = Period.parse("2026-09")
    assert [september.contains(date(2026, *on)) for on in ((8, 31), (9, 1), (9, 30), (10, 1))] == [
        False,
        True,
        True,
        False,
    ]
    assert september.days == 30


@pytest.mark.parametrize(
    ("anchor", "months", "expected"),
    [
        ("2024-01-31", 1, "2024-02-29"),
        ("2023-01-31", 1, "2023-02-28"),
        ("2024-01-31", 2, "2024-03-31"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2024-12-15", 1, "2025-01-15"),
    ],
)
def test_months_are_counted_from_the_anchor(anchor: str, months: int, expected: str) -> None:
    assert add_months(date.fromisoformat(anchor), months) == date.fromisoformat(expected)


def test_months_of_a_period_are_clipped_to_it() -> None:
    assert period("2026-01-15/2026-03-02").months() == [
        period("2026-01-15/2026-02-01"),
        period("2026-02-01/2026-03-01"),
        period("2026-03-01/2026-03-02"),
    ]
    assert Period.parse("2026-Q3").months() == [Period.parse(f"2026-0{month}") for month in (7, 8, 9)]


@pytest.mark.parametrize(
    ("day", "before"), [("2024-03-01", "2024-02-29"), ("2025-01-01", "2024-12-31"), ("2024-03-15", "2024-03-14")]
)
def test_the_day_before(day: str, before: str) -> None:
    assert previous_day(date.fromisoformat(day)) == date.fromisoformat(before)


def test_the_overlap_of_two_periods() -> None:
    assert period("2026-01-15/2026-03-02").overlap(Period.parse("2026-02")) == Period.parse("2026-02")
    assert Period.parse("2026-01").overlap(Period.parse("2026-02")) is None


@pytest.mark.parametrize(
    ("kind", "on", "whole", "clipped"),
    [
        ("month", "2024-03-20", "2024-03-01/2024-04-01", "2024-03-15/2024-04-01"),
        ("quarter", "2024-03-20", "2024-01-01/2024-04-01", "2024-03-15/2024-04-01"),
        ("calendar_year", "2026-01-02", "2026-01-01/2027-01-01", "2026-01-01/2026-09-15"),
        ("agreement_year", "2025-03-14", "2024-03-15/2025-03-15", "2024-03-15/2025-03-15"),
        ("agreement_year", "2026-03-15", "2026-03-15/2027-03-15", "2026-03-15/2026-09-15"),
        ("agreement", "2025-01-01", "2024-03-15/2026-09-15", "2024-03-15/2026-09-15"),
    ],
)
def test_windows_are_clipped_to_the_agreement(kind: WindowKind, on: str, whole: str, clipped: str) -> None:
    term = period("2024-03-15/2026-09-15")
    assert whole_window(kind, date.fromisoformat(on), term) == period(whole)
    assert window(kind, date.fromisoformat(on), term) == period(clipped)


def test_agreement_years_from_a_leap_day_begin_at_the_end_of_february() -> None:
    term = period("2024-02-29/2030-01-01")
    assert whole_window("agreement_year", date(2025, 2, 28), term) == period("2025-02-28/2026-02-28")
    assert whole_window("agreement_year", date(2028, 2, 28), term) == period("2027-02-28/2028-02-29")


@given(st.sampled_from(WINDOW_KINDS), days, st.integers(1, 4_000), st.data())
def test_the_windows_of_a_kind_hold_each_day_once(
    kind: WindowKind, start: date, length: int, data: st.DataObject
) -> None:
    term = Period(start, date.fromordinal(start.toordinal() + length))
    on = date.fromordinal(start.toordinal() + data.draw(st.integers(0, length - 1)))
    found = window(kind, on, term)
    assert found.contains(on)
    assert window(kind, found.start, term) == found
    if found.end < term.end:
        assert window(kind, found.end, term).start == found.end
