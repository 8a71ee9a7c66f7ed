"""Captions from the intervals that rating uses."""

from __future__ import annotations

import pytest

from billing.rating.captions import tier_interval, tier_intervals
from contracts.terms.price_model import Conventions, FixedCharge
from contracts.terms.price_models import Package
from tests.billing.rating.notation import active, book, nok, rated, usage_charge, used


@pytest.mark.parametrize(
    ("boundary", "intervals"),
    [
        ("inclusive", ((1, 10_000), (10_001, 50_000), (50_001, None))),
        ("exclusive", ((1, 9_999), (10_000, 49_999), (50_000, None))),
    ],
)
def test_the_interval_of_each_tier(boundary: str, intervals: tuple[tuple[int, int | None], ...]) -> None:
    charge = usage_charge("10000@60, 50000@45, *@30")
    assert tier_intervals(charge, boundary) == intervals  # type: ignore[arg-type]
    # The engine agrees at every bound: the last unit of a caption is priced in its tier and the next one is not.
    conventions = Conventions(boundary=boundary)  # type: ignore[arg-type]
    for tier, (first, last) in enumerate(intervals, start=1):
        for unit, expected in ((first, tier), (last, tier), (None if last is None else last + 1, tier + 1)):
            if unit is None:
                continue
            usage = [used("a", "2024-01-05", unit - 1), used("a", "2024-02-05", 1)]
            rating = rated(book(charge, conventions=conventions), [active("a")], usage, start="2024-02-01")
            assert [line.tier for line in rating.lines] == [expected], unit


def test_a_first_tier_without_units_says_so_and_an_unknown_tier_is_refused() -> None:
    charge = usage_charge("1@60, *@45")
    assert tier_intervals(charge, "exclusive") == ((1, 0), (1, None))
    for tier in (0, 3):
        with pytest.raises(ValueError, match="has no tier"):
            tier_interval(charge, tier, "exclusive")
    assert tier_intervals(usage_charge(Package(10, nok("5"))), "inclusive") == ()
    assert tier_intervals(FixedCharge("fee", "8", nok("500"), "trust", "quarter"), "inclusive") == ()
