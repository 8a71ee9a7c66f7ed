"""Try a volume: the rating's own amounts, at every bound and one beside it, in both readings."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.rating.captions import tier_intervals
from billing.rating.cliffs import Cliff, cliff_findings, cliffs
from billing.rating.volume_trial import CounterTrial, PoolEffect, pool_effects, volumes_at_bounds
from contracts.terms.price_book import IndexAdjustment, PriceBookVersion
from contracts.terms.price_model import Conventions, UsageCharge
from contracts.terms.price_models import Package, Tier, Volume, read_as
from tests.billing.rating.notation import TERM, active, book, day, limit, nok, ramp, rated, tiers, usage_charge, used

BOOK = Conventions()
THREE = "25000@14.40, 75000@11.30, *@8.50"


def volume(notation: str, **more: Any) -> UsageCharge:
    return usage_charge(Volume(tiers(notation)), **more)


def read_otherwise(charge: UsageCharge, reading: str) -> UsageCharge:
    return replace(charge, model=read_as(charge.model, reading))


def test_a_volume_by_tier() -> None:
    tried = CounterTrial(usage_charge(THREE), BOOK).tried(80_000)
    assert [(tier.number, tier.first, tier.last, tier.quantity, tier.amount) for tier in tried.tiers] == [
        (1, 1, 25_000, 25_000, nok("360 000,00")),
        (2, 25_001, 75_000, 50_000, nok("565 000,00")),
        (3, 75_001, None, 5_000, nok("42 500,00")),
    ]
    assert (tried.total, tried.next_one, tried.average) == (nok("967 500,00"), nok("8,50"), nok("12,09"))
    assert tried.total == sum(tier.amount for tier in tried.tiers) + tried.flat_fees


def test_the_two_readings_of_the_same_tiers() -> None:
    charge = usage_charge("100@60, *@45")
    graduated, whole = (
        CounterTrial(read_otherwise(charge, model), BOOK).tried(101) for model in ("graduated", "volume")
    )
    assert (graduated.total, graduated.next_one) == (nok("6 045,00"), nok("45,00"))
    assert (whole.total, whole.next_one) == (nok("4 545,00"), nok("45,00"))
    assert CounterTrial(read_otherwise(charge, "volume"), BOOK).tried(100).next_one == nok("-1 455,00")
    package = usage_charge(Package(10, nok("5")))
    assert read_otherwise(package, "volume") == package


def test_ramp_minimum_and_maximum_are_left_out_and_the_index_is_not() -> None:
    charge = usage_charge("100@60, *@45", ramp_up=ramp("3m@0.50"), minimum=limit("9000"), maximum=limit("1"))
    assert CounterTrial(charge, BOOK).total(10) == nok("600,00")
    raised = [
        IndexAdjustment(day("2025-01-01"), Decimal("1.031"), "7.3"),
        IndexAdjustment(day("2025-06-01"), Decimal("1.1"), ""),
    ]
    assert CounterTrial(charge, BOOK, raised).total(1) == nok("68,05")  # 60 × 1.031 × 1.1 = 68.046, half up


def test_flat_fees_and_packages_stand_beside_the_tiers() -> None:
    tried = CounterTrial(usage_charge("100@60+500, *@45+200"), BOOK).tried(101)
    assert (tried.flat_fees, tried.total) == (nok("700,00"), nok("6 745,00"))
    packages = CounterTrial(usage_charge(Package(100, nok("990"))), BOOK)
    assert [packages.tried(units).total for units in (0, 1, 100, 101)] == [0, 990, 990, 1980]
    assert packages.tried(100).next_one == nok("990,00")
    assert packages.tried(100).tiers == ()


@pytest.mark.parametrize("model", ["graduated", "volume"])
@pytest.mark.parametrize("boundary", ["inclusive", "exclusive"])
def test_at_every_bound_and_beside_it_the_caption_is_the_tier_that_prices(boundary: Any, model: str) -> None:
    conventions = Conventions(boundary=boundary)
    charge = read_otherwise(usage_charge(THREE), model)
    looked_at = volumes_at_bounds(charge, conventions)
    shift = 0 if boundary == "inclusive" else -1
    assert looked_at == tuple(n + shift for n in (24_999, 25_000, 25_001, 74_999, 75_000, 75_001))
    trial = CounterTrial(charge, conventions)
    for units in looked_at:
        tried = trial.tried(units)
        reached = max(tier.number for tier in tried.tiers if tier.quantity)
        first, last = tier_intervals(charge, boundary)[reached - 1]
        assert first <= units <= (last or units)
        # The same volume rated month by month under the whole book ends in the same tier at the same total.
        usage = [used("a", "2024-01-05", units - 1), used("a", "2024-02-05", 1)]
        rating = rated(book(charge, conventions=conventions), [active("a", go_live="2023-01-01")], usage)
        assert rating.total == tried.total
        assert tried.next_one == trial.total(units + 1) - tried.total


@st.composite
def charges(draw: st.DrawFn) -> UsageCharge:
    bounds = sorted(draw(st.sets(st.integers(1, 60), max_size=4)))
    prices = draw(st.lists(st.integers(0, 40), min_size=len(bounds) + 1, max_size=len(bounds) + 1))
    fees = draw(st.lists(st.sampled_from([0, 0, 0, 50, 300]), min_size=len(prices), max_size=len(prices)))
    made = [
        Tier(bound, Decimal(price) / 4, Decimal(fee))
        for bound, price, fee in zip([*bounds, None], prices, fees, strict=True)
    ]
    return usage_charge(Volume(tuple(made)))


@settings(max_examples=80, deadline=None)
@given(charges(), st.sampled_from(["inclusive", "exclusive"]))
def test_cliffs_are_what_looking_at_every_volume_finds(charge: UsageCharge, boundary: Any) -> None:
    conventions = Conventions(boundary=boundary)
    trial = CounterTrial(charge, conventions)
    most = 130
    totals = [trial.total(units) for units in range(1, most + 1)]
    dearer = {n for n in range(1, 62) if min(totals[n:]) < totals[n - 1]}
    found = cliffs(charge, conventions)
    assert {n for cliff in found for n in range(cliff.first, cliff.last + 1)} == dearer
    for cliff in found:
        assert trial.total(cliff.last) - trial.total(cliff.cheaper) == cliff.saving > 0
        assert trial.total(cliff.cheaper) == min(totals[cliff.last :])


def test_a_zone_that_only_the_tier_after_the_next_makes_dear_is_found() -> None:
    assert cliffs(volume("10@10, 20@11, *@1"), BOOK) == (
        Cliff(3, 10, 21, nok("79,00")),
        Cliff(11, 20, 21, nok("199,00")),
    )
    assert cliffs(usage_charge("10@10, 20@11, *@1"), BOOK) == ()


def test_a_cliff_is_a_warning_at_its_tier() -> None:
    version = PriceBookVersion(TERM.start, "Bilag 7", (usage_charge("100@60, *@45"), volume("100@60, *@45", code="b")))
    (finding,) = cliff_findings(version, BOOK)
    assert (finding.pointer, finding.code, finding.severity) == ("#/charges/1/tiers/0", "cliff", "warning")
    assert finding.detail == "76 to 100 examinations cost more than 101 do, up to 1455.00 kr more."


def test_another_trusts_discounted_examinations_fill_the_pool() -> None:
    pooled = usage_charge(THREE, ramp_up=ramp("3m@0.50"))
    assert pool_effects(pooled, BOOK, 1000) == (
        PoolEffect(1, 25_000, 1000, nok("14 400,00"), nok("11 300,00")),
        PoolEffect(1, 75_000, 1000, nok("14 400,00"), nok("8 500,00")),
    )
    assert pool_effects(pooled, BOOK, 1000)[0].change == nok("-3 100,00")


@pytest.mark.parametrize(
    "charge",
    [
        pytest.param(usage_charge(THREE), id="no ramp"),
        pytest.param(usage_charge(THREE, ramp_up=ramp("3m@0.50", counts=False)), id="outside the tiers"),
        pytest.param(usage_charge(THREE, scope="trust", ramp_up=ramp("3m@0.50")), id="each trust by itself"),
        pytest.param(usage_charge("*@14", ramp_up=ramp("3m@0.50")), id="one tier"),
    ],
)
def test_where_nothing_is_shared_nobody_fills_anything(charge: UsageCharge) -> None:
    assert pool_effects(charge, BOOK, 1000) == ()
