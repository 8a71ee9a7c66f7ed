"""Amounts on no trust are shared to the øre, by the key that is nearest, whatever order they come in."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rating.sharing import Amount, Portion, allocate, share
from contracts.terms.period import Period

TRUSTS = ("akershus", "nord-norge", "oslo", "vestre-viken")
MONTHS = tuple(Period.month(date(2026, month, 1)) for month in (7, 8, 9))
JULY, AUGUST, _SEPTEMBER = MONTHS
QUARTER = Period.quarter(date(2026, 7, 1))

ore = st.integers(-(10**9), 10**9)
amounts = st.lists(
    st.builds(
        Amount,
        trust=st.none() | st.sampled_from(TRUSTS),
        algorithm=st.none() | st.sampled_from(("ct-pe", "xray-chest")),
        charge=st.none() | st.sampled_from(("analysis", "platform")),
        period=st.sampled_from((*MONTHS, QUARTER)),
        net_ore=ore,
    ),
    max_size=12,
)


@given(amounts, amounts)
def test_portions_sum_to_the_amounts_to_the_ore_as_a_whole_and_by_what_they_are_of(
    given_amounts: list[Amount], before: list[Amount]
) -> None:
    portions = allocate(given_amounts, TRUSTS, allocate(before, TRUSTS))
    sums: dict[tuple[str | None, str | None, Period], int] = defaultdict(int)
    for amount in given_amounts:
        sums[amount.algorithm, amount.charge, amount.period] += amount.net_ore
    for portion in portions:
        sums[portion.algorithm, portion.charge, portion.period] -= portion.net_ore
    assert set(sums.values()) <= {0}
    assert all(portion.net_ore for portion in portions if portion.key != "own")


@given(amounts, st.randoms(use_true_random=False))
def test_the_order_of_amounts_and_trusts_changes_nothing(given_amounts: list[Amount], rng: random.Random) -> None:
    def sums(listed: list[Amount], trusts: list[str]) -> dict[tuple[str, str | None, str | None, Period], int]:
        found: dict[tuple[str, str | None, str | None, Period], int] = defaultdict(int)
        for each in allocate(listed, trusts):
            found[each.trust, each.algorithm, each.charge, each.period] += each.net_ore
        return {place: ore for place, ore in found.items() if ore}

    mixed, trusts = given_amounts[:], list(TRUSTS)
    rng.shuffle(mixed)
    rng.shuffle(trusts)
    assert sums(given_amounts, list(TRUSTS)) == sums(mixed, trusts)


@given(ore, st.lists(st.integers(-(10**8), 10**8), min_size=1, max_size=9))
def test_a_share_lies_within_an_ore_of_its_exact_part(whole: int, weights: list[int]) -> None:
    parts = share(whole, weights)
    assert sum(parts) == whole
    exact = weights if sum(weights) else [1] * len(weights)
    for part, weight in zip(parts, exact, strict=True):
        assert abs(part - Fraction(whole * weight, sum(exact))) < 1


def own(trust: str, net_ore: int, period: Period = JULY, charge: str = "analysis", algorithm: str = "ct-pe") -> Amount:
    return Amount(trust, algorithm, charge, period, net_ore)


@pytest.mark.parametrize(
    ("amount", "others", "expected"),
    [
        pytest.param(
            Amount(None, None, "analysis", JULY, 900),
            [own("oslo", 200), own("akershus", 100), own("akershus", 5000, charge="other")],
            ("charge", {"akershus": 300, "oslo": 600}),
            id="of-the-same-charge-and-period-first",
        ),
        pytest.param(
            Amount(None, None, "platform", JULY, 900),
            [own("oslo", 200), own("akershus", 100), own("nord-norge", 999, AUGUST)],
            ("period", {"akershus": 300, "oslo": 600}),
            id="then-of-the-same-period",
        ),
        pytest.param(
            Amount(None, None, "platform", JULY, 10),
            [own("nord-norge", 999, AUGUST)],
            ("all", {"nord-norge": 10}),
            id="then-of-any-period",
        ),
        pytest.param(
            Amount(None, None, "platform", JULY, 10),
            [],
            ("equal", {"akershus": 3, "nord-norge": 3, "oslo": 2, "vestre-viken": 2}),
            id="else-equally-the-first-by-code-take-what-is-left-over",
        ),
        pytest.param(
            Amount(None, None, "platform", JULY, -10),
            [own("oslo", 100), own("akershus", -400)],
            ("period", {"oslo": -10}),
            id="who-is-credited-more-than-it-pays-bears-no-share",
        ),
    ],
)
def test_an_amount_is_shared_by_the_nearest_key(
    amount: Amount, others: list[Amount], expected: tuple[str, dict[str, int]]
) -> None:
    shared = [each for each in allocate([*others, amount], TRUSTS) if each.key != "own"]
    assert {each.key for each in shared} == {expected[0]}
    assert {each.trust: each.net_ore for each in shared} == expected[1]


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [("ct-pe", {"akershus": 100}), ("xray-chest", {"akershus": 50, "oslo": 50}), (None, {"akershus": 50, "oslo": 50})],
)
def test_the_reference_goes_before_the_own_lines_and_its_algorithm_before_the_rest(
    algorithm: str | None, expected: dict[str, int]
) -> None:
    reference = [
        Portion("akershus", "ct-pe", None, JULY, 500, "own"),
        Portion("oslo", "mr-ms-followup", None, AUGUST, 500, "own"),
        Portion("oslo", "ct-pe", None, Period.month(date(2025, 1, 1)), 9999, "own"),
    ]
    amount = Amount(None, algorithm, None, QUARTER, 100)
    shared = [each for each in allocate([own("nord-norge", 1), amount], TRUSTS, reference) if each.key != "own"]
    assert {each.trust: each.net_ore for each in shared} == expected


def test_an_amount_that_nobody_can_bear_is_refused() -> None:
    with pytest.raises(ValueError, match="nobody"):
        allocate([Amount(None, None, None, JULY, 1)], ())
