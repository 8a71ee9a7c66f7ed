"""Orders that are proposed, held against looking at every order there is."""

from __future__ import annotations

import itertools
import random

import pytest

from billing.forecasting.ordering import Aim, Order, Startable, all_at_once, propose_order


def course(start: int, months: int, full: int, ramp: tuple[tuple[int, float], ...]) -> tuple[int, ...]:
    """Write the cost of an activation with a ramp, month by month."""
    discounts = [discount for length, discount in ramp for _ in range(length)]
    return tuple(
        0 if month < start else round(full * (1 - (discounts[month - start] if month - start < len(discounts) else 0)))
        for month in range(months)
    )


def random_case(seed: int, most: int = 4, starts: int = 5) -> tuple[list[int], list[Startable]]:
    rng = random.Random(seed)
    months = rng.randint(14, 30)
    base = [rng.randint(50, 60) * 1000 for _ in range(months)]
    activations = []
    for _ in range(rng.randint(1, most)):
        earliest, full = rng.randint(0, 4), rng.randint(5, 60) * 1000
        ramp = ((rng.randint(1, 3), rng.choice([0.5, 0.6, 1.0])), (rng.randint(1, 3), rng.choice([0.25, 0.3])))
        activations.append(
            Startable(tuple(course(earliest + late, months, full, ramp) for late in range(rng.randint(1, starts))))
        )
    return base, activations


def worst_by_hand(base: list[int], activations: list[Startable], starts: tuple[int, ...], aim: Aim) -> int:
    total = [
        own + sum(one.courses[start][month] for one, start in zip(activations, starts, strict=True))
        for month, own in enumerate(base)
    ]
    if aim.years is not None:
        return max(0, *(sum(total[first:end]) - budget for first, end, budget in aim.years))
    return max(
        0,
        *(
            total[later] - total[month]
            for month in range(len(total))
            for later in range(month + 1, min(month + 4, len(total)))
        ),
    )


def exhaustive(base: list[int], activations: list[Startable], aim: Aim) -> tuple[int, int, tuple[int, ...]]:
    return min(
        (worst_by_hand(base, activations, starts, aim), sum(starts), starts)
        for starts in itertools.product(*(range(len(one.courses)) for one in activations))
    )


def found(order: Order) -> tuple[int, int, tuple[int, ...]]:
    return order.worst, order.delay, order.starts


@pytest.mark.parametrize("first", range(0, 100, 25))
def test_a_proposed_order_is_the_best_of_all_orders(first: int) -> None:
    for seed in range(first, first + 25):
        base, activations = random_case(seed)
        aim = Aim(((0, 7, 480_000), (7, len(base), 600_000))) if seed % 4 == 0 else Aim()
        best = exhaustive(base, activations, aim)
        order = propose_order(base, activations, aim)
        assert found(order) == best, seed
        assert order.proven
        assert order.gap == 0


@pytest.mark.parametrize("seed", range(20))
def test_the_bounded_search_finds_as_good_an_order_as_all_there_are(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    base, activations = random_case(seed)
    monkeypatch.setattr("billing.forecasting.ordering.SMALL", 0)
    order = propose_order(base, activations)
    best = exhaustive(base, activations, Aim())
    assert (order.worst, order.delay) == best[:2]
    assert order.proven


def test_where_the_search_ends_early_the_gap_is_told_and_holds() -> None:
    base, activations = random_case(0, most=4)
    activations = activations * 4
    short = propose_order(base, activations, steps=10)
    assert not short.proven
    assert 0 <= short.bound <= short.worst
    long = propose_order(base, activations, steps=3000)
    assert short.bound <= long.worst <= short.worst


def test_staggering_lowers_the_hump_against_all_at_once() -> None:
    months = 30
    ramp = ((3, 0.6), (3, 0.3))
    activations = [Startable(tuple(course(1 + late, months, 100_000, ramp) for late in range(10))) for _ in range(6)]
    together = all_at_once([0] * months, activations)
    order = propose_order([0] * months, activations, steps=2000)
    assert order.worst <= together.worst / 2


def test_an_activation_without_a_start_or_with_a_short_course_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one start"):
        propose_order([1, 2], [Startable(())])
    with pytest.raises(ValueError, match="at least one start"):
        propose_order([1, 2], [Startable(((1,),))])


def test_nothing_to_order_is_in_order() -> None:
    assert propose_order([5, 9], []) == Order((), 4, 0, 4, proven=True)
