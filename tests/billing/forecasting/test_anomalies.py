"""Steps in daily counts: told soon, told once, and not told of chance, weekends or holidays."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from billing.forecasting.steps import LEARNING_DAYS, find_steps
from contracts.terms.working_days import public_holidays
from tests.soak.projection import daily_counts

FIRST = date(2024, 1, 1)


def test_a_step_is_told_within_a_month_with_its_size_and_not_again() -> None:
    counts = daily_counts(np.random.default_rng(3), 900, 400, step=0.3, at=250)
    (found,) = find_steps(FIRST, counts, public_holidays)
    assert 250 <= (found.found_on - FIRST).days < 281
    assert abs((found.since - FIRST).days - 250) <= 14
    assert float(found.change) == pytest.approx(0.3, abs=0.12)
    assert found.after > found.before


def test_a_department_that_falls_silent_is_told_within_days() -> None:
    counts = daily_counts(np.random.default_rng(4), 600, 300)
    counts[200:] = [0] * 100
    found = find_steps(FIRST, counts, public_holidays)
    assert 200 <= (found[0].found_on - FIRST).days <= 214
    assert found[0].change < 0


def test_a_weekday_pattern_and_public_holidays_are_no_steps() -> None:
    days = [FIRST + timedelta(days=number) for number in range(500)]
    counts = [2 if day.weekday() > 4 or day in public_holidays(day.year) else 40 for day in days]
    assert find_steps(FIRST, counts, public_holidays) == []


def test_counts_that_scatter_more_need_a_larger_step() -> None:
    random = np.random.default_rng(8)
    wild = [int(count) for count in random.poisson(20 * random.gamma(1.5, 1 / 1.5, 700))]
    assert len(find_steps(FIRST, wild, public_holidays)) <= 1


def test_nothing_is_told_while_the_level_is_learnt() -> None:
    counts = [10] * 20 + [30] * (LEARNING_DAYS - 20)
    assert find_steps(FIRST, counts, public_holidays) == []
    assert find_steps(FIRST, [], public_holidays) == []
    assert find_steps(FIRST, [0] * 200, public_holidays) == []


def test_the_first_days_after_the_learning_are_looked_at() -> None:
    counts = [20] * LEARNING_DAYS + [60] * 10
    assert [step.found_on for step in find_steps(FIRST, counts, public_holidays)] == [
        FIRST + timedelta(days=LEARNING_DAYS + 6)
    ]
