"""The allowance: the first units of a window free, then a price. Amounts worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rating.captions import tier_intervals
from billing.rating.volume_trial import CounterTrial
from contracts.terms.price_model import Conventions
from contracts.terms.price_models import Allowance, Graduated
from tests.billing.rating.notation import active, book, briefs, nok, ramp, rated, tiers, usage_charge, used, versions

FREE = Allowance(100, nok("45,50"))


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        pytest.param("calendar_year", [("2024-01", 1, 60), ("2024-02", 1, 40), ("2024-02", 2, 50)], id="goes on"),
        pytest.param("month", [("2024-01", 1, 60), ("2024-02", 1, 90)], id="starts over every month"),
    ],
)
def test_the_first_units_of_every_window_are_free(window: str, expected: list[Any]) -> None:
    rating = rated(
        book(usage_charge(FREE, window=window)),
        [active("a")],
        [used("a", "2024-01-10", 60), used("a", "2024-02-10", 90)],
    )
    assert [(month, tier, quantity) for _, month, tier, _, quantity, _, _ in briefs(rating)] == expected
    paid = sum(quantity for _, tier, quantity in expected if tier == 2)
    assert rating.total == paid * nok("45,50")


def test_a_pool_shares_the_free_units_in_whole_units() -> None:
    rating = rated(
        book(usage_charge(FREE)),
        [active("a"), active("b")],
        [used("a", "2024-01-10", 50), used("b", "2024-01-20", 100)],
    )
    assert briefs(rating) == [
        ("a", "2024-01", 1, None, 33, nok("0"), None),
        ("a", "2024-01", 2, None, 17, nok("773,50"), None),
        ("b", "2024-01", 1, None, 67, nok("0"), None),
        ("b", "2024-01", 2, None, 33, nok("1 501,50"), None),
    ]


def test_the_index_raises_the_price_and_a_ramp_takes_its_discount_off() -> None:
    charge = usage_charge(Allowance(10, nok("40")), ramp_up=ramp("2m@0.50"))
    rating = rated(book(charge, index={"2024-02-01": "1.0333"}), [active("a")], [used("a", "2024-02-10", 15)])
    # 40 × 1.0333 = 41.33; 5 × 41.33 = 206.65, half of it 103.33, half up
    assert rating.total == nok("103,32")


@pytest.mark.parametrize("boundary", ["inclusive", "exclusive"])
def test_exactly_so_many_are_free_whatever_the_boundary(boundary: Any) -> None:
    charge = usage_charge(FREE)
    assert tier_intervals(charge, boundary) == ((1, 100), (101, None))
    trial = CounterTrial(charge, Conventions(boundary=boundary))
    assert [trial.total(units) for units in (0, 1, 100, 101, 102)] == [0, 0, 0, nok("45,50"), nok("91,00")]


def test_a_new_version_may_change_the_free_units_inside_a_window() -> None:
    fewer = usage_charge(Allowance(70, nok("45,50")))
    rating = rated(
        versions(d2024_01_01=(usage_charge(FREE),), d2024_02_01=(fewer,)),
        [active("a")],
        [used("a", "2024-01-10", 80), used("a", "2024-02-10", 10)],
    )
    assert rating.total == nok("455,00")


@given(st.integers(1, 60), st.lists(st.integers(0, 90), min_size=1, max_size=6), st.integers(0, 15_000))
def test_it_costs_what_two_graduated_tiers_cost(free: int, months: list[int], ore: int) -> None:
    price = Decimal(ore) / 100
    usage = [used("a", f"2024-{month:02}-05", units) for month, units in enumerate(months, 1)]
    totals = {
        rated(book(usage_charge(model)), [active("a")], usage).total
        for model in (Allowance(free, price), Graduated(tiers(f"{free}@0, *@{price}")))
    }
    assert totals == {max(sum(months) - free, 0) * price}
