"""Sharing whole things, and finding tiers by number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rating.tiers import NO_BOUND, next_tier_at, shares, tier_at


@pytest.mark.parametrize(
    ("whole", "weights", "expected"),
    [
        pytest.param(200, [201, 100], [134, 66], id="the worked example"),
        pytest.param(1, [1, 1, 1], [1, 0, 0], id="a tie goes to the first"),
        pytest.param(2, [1, 1, 1], [1, 1, 0], id="two ties go to the first two"),
        pytest.param(-1, [1, 1], [-1, 0], id="one øre less, to the first"),
        pytest.param(-2, [1, 1, 1], [-1, -1, 0], id="a negative amount is shared as its size"),
        pytest.param(1, [1, 2], [0, 1], id="the larger remainder before the earlier slice"),
        pytest.param(7, [7], [7], id="one takes all"),
        pytest.param(0, [3, 4], [0, 0], id="nothing to share"),
    ],
)
def test_shares_by_largest_remainder(whole: int, weights: list[int], expected: list[int]) -> None:
    assert shares(whole, weights) == expected


@given(st.integers(-(10**9), 10**9), st.lists(st.integers(1, 10**6), min_size=1, max_size=12))
def test_shares_sum_to_the_whole_and_are_within_one_of_the_exact_share(whole: int, weights: list[int]) -> None:
    parts = shares(whole, weights)
    assert sum(parts) == whole
    total = sum(weights)
    assert all(abs(part * total - whole * weight) < total for part, weight in zip(parts, weights, strict=True))


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=12), st.data())
def test_no_slice_gets_more_of_a_tier_than_it_has_units(weights: list[int], data: st.DataObject) -> None:
    room = data.draw(st.integers(0, sum(weights)))
    assert all(part <= weight for part, weight in zip(shares(room, weights), weights, strict=True))


@pytest.mark.parametrize(
    ("unit", "tier", "next_at"),
    [(1, 0, 101), (99, 0, 101), (100, 0, 101), (101, 1, 201), (200, 1, 201), (201, 2, None)],
)
def test_the_tier_of_a_unit_and_where_the_next_one_begins(unit: int, tier: int, next_at: int | None) -> None:
    assert tier_at((100, 200, NO_BOUND), unit) == tier
    assert next_tier_at((100, 200, NO_BOUND), unit) == next_at


def test_a_counter_at_zero_stands_in_the_tier_its_first_unit_falls_in() -> None:
    assert next_tier_at((100, NO_BOUND), 0) == 101
    assert next_tier_at((0, 9, NO_BOUND), 0) == 10
