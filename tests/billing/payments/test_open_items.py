"""Open items roll forward without a gap, and late interest is cut where a rate or the open amount changes."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.payments.open_items import Movement, Rate, late, roll_forward
from contracts.terms.period import add_months

TODAY = date(2026, 10, 15)
days = st.dates(date(2024, 1, 1), date(2026, 12, 31))
movements = st.lists(
    st.builds(
        Movement,
        vendor=st.sampled_from(("123456785", "987654325")),
        on=days,
        kind=st.sampled_from(("invoiced", "credited", "paid")),
        ore=st.integers(-(10**12), 10**12),
    ),
    max_size=30,
)
# Example values of three half-years; the one between them is missing on purpose.
RATES = (
    Rate(date(2025, 1, 1), Decimal("12.50"), Decimal("470.00"), "FOR-2024-12-19-3279"),
    Rate(date(2026, 1, 1), Decimal("12.00"), Decimal("480.00"), "example"),
    Rate(date(2026, 7, 1), Decimal("11.75"), Decimal("490.00"), "example"),
)


@given(movements, days)
def test_opening_and_invoiced_less_credited_less_paid_is_closing_and_the_next_opening(
    given_movements: list[Movement], until: date
) -> None:
    rolls = roll_forward(given_movements, until)
    for roll in rolls:
        assert roll.opening + roll.invoiced - roll.credited - roll.paid == roll.closing
    for vendor, own in itertools.groupby(rolls, key=lambda roll: roll.vendor):
        listed = list(own)
        assert listed[0].opening == 0
        assert listed[-1].quarter.contains(until)
        for before, after in itertools.pairwise(listed):
            assert after.opening == before.closing
            assert after.quarter.start == add_months(before.quarter.start, 3)
        signs = {"invoiced": 1, "credited": -1, "paid": -1}
        owed = sum(
            signs[each.kind] * each.ore for each in given_movements if each.vendor == vendor and each.on <= until
        )
        assert listed[-1].closing == Decimal(owed).scaleb(-2)
    assert {roll.vendor for roll in rolls} == {each.vendor for each in given_movements if each.on <= until}


@given(movements, days)
def test_a_later_day_changes_no_quarter_that_is_over(given_movements: list[Movement], until: date) -> None:
    now, later = roll_forward(given_movements, until), roll_forward(given_movements, until + timedelta(days=400))
    over = [roll for roll in now if roll.quarter.end <= until]
    assert over == [roll for roll in later if roll in over]


@pytest.mark.parametrize(
    ("due_on", "owed", "until", "stretches", "compensation"),
    [
        pytest.param(date(2025, 3, 1), [(date(2025, 2, 1), 100_00)], date(2025, 3, 1), [], None, id="on-the-due-date"),
        pytest.param(
            date(2025, 3, 1), [(date(2025, 2, 1), 36_500_00)], date(2025, 3, 2), [(1, "12.50", "12.50")], "470.00",
            id="one-day-late",
        ),
        pytest.param(
            date(2026, 6, 28), [(date(2026, 6, 1), 36_500_00)], date(2026, 7, 4),
            [(2, "12.00", "24.00"), (4, "11.75", "47.00")], "480.00",
            id="split-over-the-half-years",
        ),
        pytest.param(
            date(2025, 6, 28), [(date(2025, 6, 1), 36_500_00)], date(2025, 7, 2),
            [(2, "12.50", "25.00"), (2, None, None)], "470.00",
            id="a-half-year-without-a-rate-is-told-not-guessed",
        ),
        pytest.param(
            date(2026, 2, 1), [(date(2026, 1, 1), 36_500_00), (date(2026, 2, 11), 3_650_00), (date(2026, 2, 21), 0)],
            date(2026, 3, 31), [(9, "12.00", "108.00"), (10, "12.00", "12.00")], "480.00",
            id="part-paid-then-paid",
        ),
        pytest.param(
            date(2026, 2, 1), [(date(2026, 1, 1), 100_00), (date(2026, 1, 20), 0)], date(2026, 3, 31), [], None,
            id="paid-in-time",
        ),
        pytest.param(
            date(2026, 2, 1), [(date(2026, 1, 1), -100_00)], date(2026, 3, 31), [], None, id="owed-to-us",
        ),
    ],
)  # fmt: skip
def test_late_interest_by_hand(
    due_on: date,
    owed: list[tuple[date, int]],
    until: date,
    stretches: list[tuple[int, str | None, str | None]],
    compensation: str | None,
) -> None:
    found = late(due_on, owed, until, RATES)
    told = [
        (each.period.days, each.percent and str(each.percent), each.interest and str(each.interest))
        for each in found.stretches
    ]
    assert told == stretches
    assert found.compensation == (None if compensation is None else Decimal(compensation))
    assert found.complete == all(percent is not None for _days, percent, _interest in stretches)
    assert found.interest == sum((Decimal(each) for _days, _percent, each in stretches if each), Decimal(0))


@given(st.integers(1, 10**10), days, st.integers(0, 500))
def test_interest_is_within_half_an_ore_of_each_stretch_of_the_exact_sum(
    ore: int, due_on: date, late_days: int
) -> None:
    until = due_on + timedelta(days=late_days)
    found = late(due_on, [(due_on, ore)], until, RATES)
    exact = Decimal(0)
    for day in range(1, late_days + 1):
        on = due_on + timedelta(days=day)
        rate = next((each for each in RATES if each.period.contains(on)), None)
        exact += Decimal(ore) / 100 * (rate.percent if rate else 0) / 100 / 365
    assert abs(found.interest - exact) <= Decimal("0.005") * len(found.stretches) + Decimal("1e-9")
    assert found.days == late_days
