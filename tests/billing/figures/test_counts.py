"""How far the counts are in, by tables."""

from datetime import date

import pytest

from billing.figures.counts import SeriesMonth, counted_through, is_whole, standing
from contracts.terms.period import Period

JULY, AUGUST, SEPTEMBER = (Period.month(date(2026, month, 1)) for month in (7, 8, 9))
OVER = (JULY, AUGUST, SEPTEMBER)


def due(month: Period, settled: bool = True, trust: str = "akershus") -> SeriesMonth:
    return SeriesMonth(trust, "ct-pe", month, settled)


@pytest.mark.parametrize(
    ("series", "day"),
    [
        pytest.param([due(month) for month in OVER], date(2026, 9, 30), id="all in"),
        pytest.param([due(JULY), due(AUGUST, False), due(SEPTEMBER)], date(2026, 7, 31), id="a hole stops it"),
        pytest.param([due(JULY, False), due(AUGUST)], None, id="the first month lacks"),
        pytest.param(
            [*(due(month) for month in OVER), due(SEPTEMBER, False, "innlandet")], date(2026, 8, 31), id="one of two series"
        ),
        pytest.param([due(SEPTEMBER)], date(2026, 9, 30), id="nothing was due before"),
        pytest.param([], date(2026, 9, 30), id="nothing is due at all"),
    ],
)  # fmt: skip
def test_the_counts_are_in_to_the_last_month_that_lacks_nothing(series: list[SeriesMonth], day: date | None) -> None:
    assert counted_through(series, OVER).value == day


@pytest.mark.parametrize(
    ("through", "word"),
    [
        (date(2026, 9, 30), "whole"),
        (date(2026, 9, 29), "under_way"),
        (date(2026, 12, 31), "whole"),
        (None, "under_way"),
    ],
)
def test_a_period_is_whole_when_the_counts_reach_its_last_day(through: date | None, word: str) -> None:
    quarter = Period.parse("2026-Q3")
    assert (standing(quarter, through).id, standing(quarter, through).value) == ("period:2026-Q3", word)
    assert is_whole(quarter, through) is (word == "whole")
