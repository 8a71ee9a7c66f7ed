"""Captions from the intervals that rating uses."""

from __future__ import annotations

import pytest

from billing.rating.captions import Cliff, cliffs, tier_interval, tier_intervals
from contracts.terms.price_model import Conventions, Package, Volume
from tests.billing.rating.notation import active, book, nok, rated, tiers, usage_charge, used


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


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        pytest.param("100@60, *@45", (Cliff(76, 100, nok("1 455,00")),), id="76 units cost more than 101"),
        pytest.param("100@60, *@60", (), id="no cliff without a drop"),
        pytest.param("100@60, *@59.50", (), id="a drop smaller than a unit"),
        pytest.param("100@0+5000, *@45", (Cliff(1, 100, nok("455,00")),), id="a flat fee"),
        pytest.param("100@10+50, *@9+20", (Cliff(88, 100, nok("121,00")),), id="a fee and a price in both tiers"),
        pytest.param("1@100, *@10", (Cliff(1, 1, nok("80,00")),), id="a tier of one unit"),
        pytest.param("2@3, *@2", (), id="one more costs the same"),
        pytest.param("1000@0.125, *@0.124", (Cliff(993, 1000, nok("0,88")),), id="prices below an øre as written"),
        pytest.param("10@10, 20@9, *@1", (Cliff(10, 10, nok("1,00")), Cliff(11, 20, nok("159,00"))), id="two of them"),
    ],
)
def test_zones_in_which_more_costs_less(model: str, expected: tuple[Cliff, ...]) -> None:
    charge = usage_charge(Volume(tiers(model)))
    assert cliffs(charge, "inclusive") == expected
    assert cliffs(usage_charge(model), "inclusive") == ()

    def cost(units: int) -> object:
        return rated(book(charge), [active("a")], [used("a", "2024-01-05", units)]).total

    for cliff in expected:
        beyond = cost(cliff.last + 1)
        assert cost(cliff.first) > beyond  # type: ignore[operator]
        assert cost(cliff.last) == beyond + cliff.saving  # type: ignore[operator]


def test_a_first_tier_without_units_is_no_zone() -> None:
    charge = usage_charge(Volume(tiers("1@60+5000, *@45")))
    assert cliffs(charge, "exclusive") == ()
    assert cliffs(charge, "inclusive") == (Cliff(1, 1, nok("4 970,00")),)
