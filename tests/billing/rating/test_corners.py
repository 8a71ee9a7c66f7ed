"""The ends of the rules: shares of nothing, bounds of one unit, versions that come late, limits that leave."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.terms.price_model import Conventions, FixedCharge
from contracts.terms.price_models import Volume
from tests.billing.rating.notation import (
    CT,
    MR,
    active,
    book,
    briefs,
    limit,
    nok,
    rated,
    tiers,
    usage_charge,
    used,
    versions,
)


@pytest.mark.parametrize(
    ("units", "share"),
    [
        pytest.param((1, 1), ("a", "0,01"), id="the first one has it"),
        pytest.param((1, 2), ("b", "0,01"), id="the second one has it"),
    ],
)
def test_a_share_of_no_ore_makes_no_line(units: tuple[int, int], share: tuple[str, str]) -> None:
    usage = [used(trust, "2024-01-05", quantity) for trust, quantity in zip("ab", units, strict=True)]
    rating = rated(book(usage_charge("*@1+0.01")), [active("a"), active("b")], usage)
    fees = [(line.trust, line.net) for line in rating.lines if line.why == "flat_fee"]
    assert fees == [(share[0], nok(share[1]))]


def test_a_first_tier_without_room_opens_with_no_unit_and_costs_no_fee() -> None:
    charge = usage_charge("1@60+100, *@45+7")
    conventions = Conventions(boundary="exclusive")
    rating = rated(book(charge, conventions=conventions), [active("a")], [used("a", "2024-01-05", 3)])
    assert [(line.tier, line.net) for line in rating.lines] == [(2, nok("135")), (None, nok("7"))]


def test_the_fee_of_a_tier_is_due_with_its_first_unit_also_from_the_very_bound() -> None:
    usage = [used("a", "2024-01-05", 10), used("a", "2024-02-05", 1)]
    rating = rated(book(usage_charge("10@60+100, *@45+7")), [active("a")], usage)
    assert [(line.period.start.month, line.net) for line in rating.lines if line.why == "flat_fee"] == [
        (1, nok("100")),
        (2, nok("7")),
    ]


def test_a_slice_whose_prices_are_equal_is_passed_over_and_the_next_one_repriced() -> None:
    even, falling = Volume(tiers("10@5, *@5")), Volume(tiers("10@5, *@4"))
    price_book = versions(
        d2024_01_01=(usage_charge(even),),
        d2024_02_01=(usage_charge(falling),),
    )
    usage = [used("a", f"2024-0{month}-05", 4) for month in (1, 2, 3)]
    adjusted = [line for line in rated(price_book, [active("a")], usage).lines if line.why == "adjustment"]
    assert [(line.reprices and line.reprices.start.month, line.quantity, line.net) for line in adjusted] == [
        (2, -4, -4)
    ]


def test_a_difference_of_a_millionth_reprices_upwards() -> None:
    charge = usage_charge(Volume(tiers("10000@1, *@1.000001")))
    usage = [used("a", "2024-01-05", 10_000), used("a", "2024-02-05", 1)]
    adjusted = [line for line in rated(book(charge), [active("a")], usage).lines if line.why == "adjustment"]
    assert [(line.quantity, line.unit_price, line.net) for line in adjusted] == [(10_000, nok("0,000001"), nok("0,01"))]


def test_nothing_is_priced_before_the_first_version() -> None:
    fee = FixedCharge("fee", "8", nok("500"), "agreement", "month")
    price_book = versions(d2024_02_15=(usage_charge("*@10"), fee), d2024_05_01=(usage_charge("*@20"), fee))
    usage = [used("a", on, 1) for on in ("2024-01-05", "2024-02-14", "2024-02-15", "2024-05-01")]
    lines = [
        (line.charge, line.period.start.isoformat(), line.net)
        for line in rated(price_book, [active("a")], usage, end="2024-06-01").lines
    ]
    assert lines == [
        ("analysis", "2024-02-15", 10),
        ("fee", "2024-02-15", 500),
        ("fee", "2024-03-01", 500),
        ("fee", "2024-04-01", 500),
        ("analysis", "2024-05-01", 20),
        ("fee", "2024-05-01", 500),
    ]


def test_a_limit_holds_as_long_as_its_version_does() -> None:
    capped, free = usage_charge("*@10", maximum=limit("50", window="month")), usage_charge("*@10")
    again = replace(capped, clause="9")
    price_book = versions(d2024_01_01=(capped,), d2024_02_01=(free,), d2024_03_01=(again,), d2024_04_01=(free,))
    usage = [used("a", f"2024-0{month}-05", 9) for month in (1, 2, 3, 4)]
    maxima = [line for line in rated(price_book, [active("a")], usage).lines if line.why == "maximum"]
    assert [(line.period.start.month, line.net) for line in maxima] == [(1, -40), (3, -40)]


@pytest.mark.parametrize(
    ("minimum_per", "maximum_per", "stands_on"),
    [
        pytest.param("agreement", "trust", (None, None), id="no trust: not a trust's"),
        pytest.param("agreement", "activation", (None, None), id="no trust: not an activation's"),
        pytest.param("trust", "activation", ("a", None), id="no algorithm: not an activation's"),
    ],
)
def test_a_line_counts_for_no_key_that_it_does_not_name(
    minimum_per: str, maximum_per: str, stands_on: tuple[str | None, str | None]
) -> None:
    charge = usage_charge(
        "*@10", minimum=limit("1 000", minimum_per, "month"), maximum=limit("100", maximum_per, "quarter")
    )
    lines = rated(book(charge), [active("a")], [], end="2024-04-01").lines
    assert [(line.why, line.trust, line.algorithm, line.net) for line in lines] == [
        ("minimum", *stands_on, nok("1 000"))
    ] * 3


def test_a_line_counts_for_every_key_that_holds_it() -> None:
    charge = usage_charge(
        "*@10", minimum=limit("1 000", "trust", "month"), maximum=limit("1 500", "agreement", "quarter")
    )
    lines = rated(book(charge), [active("a")], [], end="2024-04-01").lines
    assert [(line.why, line.trust, line.net) for line in lines] == [
        ("minimum", "a", nok("1 000")),
        ("minimum", "a", nok("1 000")),
        ("maximum", None, nok("-500")),
        ("minimum", "a", nok("1 000")),
    ]


def test_each_payer_of_a_fixed_charge_is_looked_at_whatever_the_one_before_owes() -> None:
    fee = FixedCharge("fee", "8", nok("0,10"), "trust", "month", "days")
    price_book = versions(d2024_01_01=(fee,), d2025_01_01=(replace(fee, per="agreement"),))
    activations = [
        active("a", go_live="2024-01-31"),  # one day: less than an øre
        active("b", go_live="2024-03-01"),  # not yet live
        active("c", CT, end="2024-01-11"),
        active("c", MR, go_live="2024-02-01"),
    ]
    assert briefs(rated(price_book, activations, [], end="2024-03-01")) == [
        ("a", "2024-02", None, None, 1, nok("0,10"), "fixed"),
        ("c", "2024-01", None, None, 1, nok("0,03"), "fixed"),
        ("c", "2024-02", None, None, 1, nok("0,10"), "fixed"),
    ]


def test_a_payer_who_comes_later_into_an_interval_pays_for_it_too() -> None:
    fee = FixedCharge("fee", "8", nok("900"), "trust", "quarter")
    price_book = versions(d2024_01_01=(fee,), d2025_01_01=(replace(fee, per="agreement"),))
    rating = rated(price_book, [active("a"), active("b", go_live="2024-02-15")], [], end="2024-04-01")
    assert [(line.trust, line.period.start.month) for line in rating.lines] == [("a", 1), ("b", 2)]
