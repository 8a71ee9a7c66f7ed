"""The order in which ties are settled, and the one in which lines and positions stand."""

from __future__ import annotations

from itertools import product

import pytest

from billing.rating.rate import Rating
from contracts.terms.price_model import FixedCharge, RampUp
from tests.billing.rating.notation import CT, MR, active, book, limit, nok, ramp, rated, usage_charge, used

NAMES = ("akershus", "bergen", "fonna", "helgeland", "oslo", "sorlandet", "stavanger", "vestre-viken")


def in_february(rating: Rating, tier: int) -> list[tuple[str | None, str | None, int | None, int | None]]:
    return [
        (line.trust, line.algorithm, line.phase, line.quantity)
        for line in rating.lines
        if line.period.start.month == 2 and line.tier == tier
    ]


@pytest.mark.parametrize("ramp_up", [ramp("1m@0.50"), ramp("1u@0.50")], ids=["months", "units"])
def test_a_tie_inside_an_activation_goes_to_the_ramp_phase_before_ordinary_units(ramp_up: RampUp) -> None:
    charge = usage_charge("2@60, *@45", ramp_up=ramp_up)
    # The ramp of the first activation is over when the second one starts its own in the same month.
    activations = [active("a", go_live="2024-01-01", end="2024-02-10"), active("a", go_live="2024-02-12")]
    usage = [used("a", "2024-01-05", 1), used("a", "2024-02-05", 1), used("a", "2024-02-15", 1)]
    rating = rated(book(charge), activations, usage, end="2024-03-01")
    assert (in_february(rating, 1), in_february(rating, 2)) == ([("a", CT, 1, 1)], [("a", CT, None, 1)])


def test_a_tie_goes_to_the_earlier_algorithm_before_the_earlier_phase() -> None:
    charge = usage_charge("1@60, *@45", ramp_up=ramp("1m@0.50"))
    activations = [active("a", CT), active("a", MR, go_live="2024-02-01")]
    usage = [used("a", "2024-02-05", 1, algorithm) for algorithm in (MR, CT)]
    rating = rated(book(charge), activations, usage, end="2024-03-01")
    assert (in_february(rating, 1), in_february(rating, 2)) == ([("a", CT, None, 1)], [("a", MR, 1, 1)])


def test_lines_stand_in_the_order_of_their_periods_and_inside_one_by_charge() -> None:
    charges = (usage_charge("*@1", code="b"), usage_charge("*@1", code="a"))
    usage = [used("oslo", f"2024-0{month}-05", 1) for month in (3, 1, 2)]
    rating = rated(book(*charges), [active("oslo")], usage)
    assert [(line.period.start.month, line.charge) for line in rating.lines] == list(product((1, 2, 3), "ab"))


def test_positions_stand_in_the_order_of_trusts_and_algorithms() -> None:
    keys = list(product(NAMES, (CT, MR)))
    activations = [active(trust, algorithm) for trust, algorithm in reversed(keys)]
    charges = (
        usage_charge("*@1", "activation"),
        usage_charge("*@1", "trust", code="by_trust"),
        usage_charge("*@1", "activation", code="capped", maximum=limit("900")),  # one limit over all of its counters
    )
    rating = rated(book(*charges), activations, [])
    found = [(each.charge, each.trust, each.algorithm) for each in rating.positions]
    assert found == [
        *(("analysis", *key) for key in keys),
        *(("by_trust", name, None) for name in NAMES),
        *(("capped", *key) for key in keys),
    ]


def test_amounts_of_keys_stand_in_the_order_of_trusts_and_algorithms() -> None:
    keys = list(product(NAMES, (CT, MR)))
    activations = [active(trust, algorithm) for trust, algorithm in reversed(keys)]
    charges = (
        usage_charge("*@1", minimum=limit("9", "activation", "month")),
        FixedCharge("fee", "8", nok("100"), "activation", "month"),
    )
    rating = rated(book(*charges), activations, [], end="2024-02-01")
    assert [(line.why, line.trust, line.algorithm) for line in rating.lines] == [
        (why, *key) for why in ("minimum", "fixed") for key in keys
    ]


def test_the_lines_of_a_maximum_stand_in_the_order_of_trusts_whoever_was_billed_first() -> None:
    charge = usage_charge("*@10", maximum=limit("50", "trust", "quarter"))
    usage = [used("b", "2024-01-05", 1), used("a", "2024-02-05", 9), used("b", "2024-02-05", 9)]
    rating = rated(book(charge), [active("a"), active("b")], usage, end="2024-03-01")
    assert [(line.trust, line.net) for line in rating.lines if line.why == "maximum"] == [("a", -40), ("b", -50)]
