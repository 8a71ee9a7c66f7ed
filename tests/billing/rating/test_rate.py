"""Each rule of the price law, by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from billing.rating.rate import PIPELINE, Excluded, Position, compile_terms, marginal, rate_compiled
from contracts.terms.period import Period
from contracts.terms.price_book import AgreementTerm, IndexAdjustment, InvalidInput
from contracts.terms.price_model import Conventions, FixedCharge, OneOffCharge, Overrides
from contracts.terms.price_models import Package, Volume
from tests.billing.rating.notation import (
    CT,
    MR,
    TERM,
    active,
    book,
    brief,
    briefs,
    day,
    limit,
    nok,
    ramp,
    rated,
    tiers,
    usage_charge,
    used,
    versions,
)

VV, OST = "vestre-viken", "sykehuset-ostfold"
JANUARY = Period(day("2024-01-01"), day("2024-02-01"))


def test_the_worked_example_is_13_800_with_its_four_shares() -> None:
    analysis = usage_charge("200@60, *@45", ramp_up=ramp("3m@0.50"))
    rating = rated(
        book(analysis),
        [active(VV), active(OST, go_live="2023-09-01")],
        [used(VV, "2024-01-10", 100), used(OST, "2024-01-20", 201)],
        end="2024-07-01",
    )
    assert rating.total == nok("13 800,00")
    assert briefs(rating) == sorted(
        [
            (OST, "2024-01", 1, None, 134, nok("8 040,00"), None),
            (OST, "2024-01", 2, None, 67, nok("3 015,00"), None),
            (VV, "2024-01", 1, 1, 66, nok("1 980,00"), None),
            (VV, "2024-01", 2, 1, 34, nok("765,00"), None),
        ],
        key=repr,
    )
    assert rating.positions == (
        Position("analysis", "agreement", None, None, Period(day("2024-01-01"), day("2025-01-01")), 301, None),
    )


@pytest.mark.parametrize(
    ("boundary", "quantity", "total"),
    [
        pytest.param("inclusive", 99, "5 940", id="inclusive, below"),
        pytest.param("inclusive", 100, "6 000", id="inclusive, unit 100 is still in tier 1"),
        pytest.param("inclusive", 101, "6 045", id="inclusive, unit 101 opens tier 2"),
        pytest.param("exclusive", 98, "5 880", id="exclusive, below"),
        pytest.param("exclusive", 99, "5 940", id="exclusive, unit 99 is still in tier 1"),
        pytest.param("exclusive", 100, "5 985", id="exclusive, unit 100 opens tier 2"),
        pytest.param("exclusive", 101, "6 030", id="exclusive, above"),
    ],
)
@pytest.mark.parametrize("before", [0, 40])
def test_the_bound_of_a_tier_to_the_unit(boundary: str, quantity: int, total: str, before: int) -> None:
    conventions = Conventions(boundary=boundary)  # type: ignore[arg-type]
    usage = [used(VV, "2024-01-05", before), used(VV, "2024-02-05", quantity - before)]
    rating = rated(book(usage_charge("100@60, *@45"), conventions=conventions), [active(VV)], usage)
    assert rating.total == nok(total)


@pytest.mark.parametrize(
    ("quantity", "total"),
    [pytest.param(99, "5 940", id="-1"), pytest.param(100, "6 000", id="0"), pytest.param(101, "4 545", id="+1")],
)
def test_all_units_of_a_volume_charge_have_the_price_of_the_tier_reached(quantity: int, total: str) -> None:
    charge = usage_charge(Volume(tiers("100@60, *@45")))
    assert rated(book(charge), [active(VV)], [used(VV, "2024-01-05", quantity)]).total == nok(total)


def test_a_volume_charge_reprices_earlier_slices_when_its_tier_changes() -> None:
    charge = usage_charge(Volume(tiers("100@60+10, *@45+30")), ramp_up=ramp("1m@0.50"))
    rating = rated(book(charge), [active(VV)], [used(VV, "2024-01-05", 80), used(VV, "2024-02-05", 40)])
    assert [brief(line) for line in rating.lines] == [
        (VV, "2024-01", 1, 1, 80, nok("2 400,00"), None),
        (VV, "2024-01", None, 1, None, nok("10,00"), "flat_fee"),
        (VV, "2024-02", 2, None, 40, nok("1 800,00"), None),
        (VV, "2024-02", 2, 1, -80, nok("-600,00"), "adjustment"),
        (VV, "2024-02", None, None, None, nok("20,00"), "flat_fee"),
    ]
    assert [line.reprices for line in rating.lines] == [None, None, None, JANUARY, None]
    assert rating.lines[3].unit_price == nok("15")


def test_a_price_that_rises_with_the_tier_is_adjusted_upwards() -> None:
    charge = usage_charge(Volume(tiers("100@45, *@60")))
    rating = rated(book(charge), [active(VV)], [used(VV, "2024-01-05", 80), used(VV, "2024-02-05", 40)])
    assert (VV, "2024-02", 2, None, 80, nok("1 200,00"), "adjustment") in briefs(rating)


def test_adjustments_use_the_prices_and_index_the_slice_was_billed_at() -> None:
    old = usage_charge(Volume(tiers("100@60, *@45")), "agreement", "agreement")
    new = usage_charge(Volume(tiers("100@70, *@50")), "agreement", "agreement", algorithms=(MR,))
    price_book = replace(
        versions(d2024_01_01=(old,), d2024_03_01=(new,)),
        index_adjustments=(IndexAdjustment(day("2024-02-01"), Decimal("1.1"), "7.3"),),
    )
    activations = [active(VV), active(VV, MR)]
    usage = [used(VV, "2024-01-05", 10), used(VV, "2024-02-05", 20), used(VV, "2024-03-05", 100, MR)]
    march = [line for line in rated(price_book, activations, usage).lines if line.period.start == day("2024-03-01")]
    # CT is no longer covered, and is repriced all the same: 10 × 15.00 and 20 × (66.00 − 49.50).
    assert [(line.algorithm, line.quantity, line.unit_price) for line in march] == [
        (MR, 100, nok("50")),
        (CT, -10, nok("15")),
        (CT, -20, nok("16.50")),
    ]


@pytest.mark.parametrize(
    ("before", "quantity", "packages"),
    [
        pytest.param(0, 1, 1, id="a started package counts whole"),
        pytest.param(0, 100, 1, id="a full package"),
        pytest.param(0, 101, 2, id="one unit more"),
        pytest.param(30, 70, 0, id="the package was begun in the month before"),
        pytest.param(30, 71, 1, id="a second one begins"),
    ],
)
def test_packages_count_whole(before: int, quantity: int, packages: int) -> None:
    charge = usage_charge(Package(100, nok("500")))
    usage = [used(VV, "2024-01-05", before), used(VV, "2024-02-05", quantity)]
    rating = rated(book(charge), [active(VV)], usage, start="2024-02-01")
    assert rating.total == 500 * packages


def test_a_package_is_shared_by_units_and_discounted_per_slice() -> None:
    charge = usage_charge(Package(100, nok("100,01")), ramp_up=ramp("1m@0.50"))
    rating = rated(
        book(charge),
        [active("a"), active("b", go_live="2023-01-01")],
        [used("a", "2024-01-05", 1), used("b", "2024-01-05", 1)],
    )
    # 10 001 øre over two equal weights: the left-over øre to the first trust; half of 50.01 is 25.005, up to 25.01.
    assert briefs(rating) == [
        ("a", "2024-01", None, 1, None, nok("25,00"), "package"),
        ("b", "2024-01", None, None, None, nok("50,00"), "package"),
    ]


def test_flat_fees_fall_due_once_per_counter_window_and_tier_and_are_added_before_they_are_shared() -> None:
    charge = usage_charge("10@1+0.01, *@1+0.02", window="quarter")
    usage = [used("a", "2024-01-05", 10), used("b", "2024-01-05", 10), used("a", "2024-02-05", 5)]
    rating = rated(book(charge), [active("a"), active("b")], usage)
    fees = [(*brief(line)[:2], line.net) for line in rating.lines if line.why == "flat_fee"]
    assert fees == [("a", "2024-01", nok("0,02")), ("b", "2024-01", nok("0,01"))]


def test_flat_fees_carry_no_ramp_discount_but_the_slices_phase() -> None:
    charge = usage_charge("*@10+100", ramp_up=ramp("3m@0.50"))
    rating = rated(book(charge), [active(VV)], [used(VV, "2024-01-05", 2)])
    assert (VV, "2024-01", None, 1, None, nok("100,00"), "flat_fee") in briefs(rating)


@pytest.mark.parametrize(
    ("scope", "first_quarter"),
    [
        pytest.param("agreement", [(None, None)], id="pooled: on the agreement"),
        pytest.param("trust", [(VV, None)], id="per trust: no algorithm"),
        pytest.param("activation", [(VV, CT), (VV, MR)], id="per activation"),
    ],
)
def test_silence_costs_the_first_flat_fee_in_the_windows_last_month(scope: str, first_quarter: list[object]) -> None:
    charge = usage_charge("10@1+100, *@1+7", scope, "quarter")
    conventions = Conventions(zero_usage="first_flat_fee")
    # Østfold goes live only in the second quarter, and uses something then.
    activations = [active(VV), active(VV, MR), active(OST, go_live="2024-05-01")]
    rating = rated(book(charge, conventions=conventions), activations, [used(OST, "2024-05-05", 1)], end="2024-04-01")
    assert [(line.trust, line.algorithm) for line in rating.lines] == first_quarter
    assert {(line.why, line.net, line.period.start) for line in rating.lines} == {
        ("zero_usage", nok("100"), day("2024-03-01"))
    }


def test_units_outside_the_counter_break_the_silence() -> None:
    charge = usage_charge("10@1+100, *@1", "activation", "quarter", ramp_up=ramp("3m@0.50", counts=False))
    conventions = Conventions(zero_usage="first_flat_fee")
    rating = rated(book(charge, conventions=conventions), [active(VV)], [used(VV, "2024-01-05", 1)], end="2024-04-01")
    assert [line.why for line in rating.lines] == ["outside"]


def test_ramp_units_that_do_not_count_stand_outside_the_counter() -> None:
    charge = usage_charge("10@60, *@45", ramp_up=ramp("1m@0.50", counts=False))
    usage = [used(VV, "2024-01-05", 50), used(VV, "2024-02-05", 11)]
    rating = rated(book(charge), [active(VV)], usage, end="2024-03-01")
    assert [brief(line) for line in rating.lines] == [
        (VV, "2024-01", 1, 1, 50, nok("1 500,00"), "outside"),
        (VV, "2024-02", 1, None, 10, nok("600,00"), None),
        (VV, "2024-02", 2, None, 1, nok("45,00"), None),
    ]
    assert rating.positions[0].position == 11


def test_a_phase_without_a_discount_counts_whatever_the_ramp_says() -> None:
    charge = usage_charge("10@60, *@45", ramp_up=ramp("1m@0", "1m@0.5", counts=False))
    rating = rated(book(charge), [active(VV)], [used(VV, "2024-01-05", 11), used(VV, "2024-02-05", 1)])
    assert [line.why for line in rating.lines] == [None, None, "outside"]


@pytest.mark.parametrize(
    ("go_live", "starts", "on", "phase"),
    [
        pytest.param("2024-01-31", "go_live", "2024-02-28", 1, id="31 Jan + 1 month: 28 Feb is in"),
        pytest.param("2024-01-31", "go_live", "2024-02-29", 2, id="31 Jan + 1 month is 29 Feb: out"),
        pytest.param("2024-01-31", "go_live", "2024-03-30", 2, id="counted from the start: 30 Mar is in"),
        pytest.param("2024-01-31", "go_live", "2024-03-31", None, id="counted from the start: 31 Mar is out"),
        pytest.param("2024-01-15", "next_month", "2024-01-20", 1, id="before the ramp starts it is phase 1"),
        pytest.param("2024-01-15", "next_month", "2024-02-29", 1, id="next month: phase 1 is February"),
        pytest.param("2024-01-15", "next_month", "2024-03-01", 2, id="next month: phase 2 is March"),
        pytest.param("2024-02-01", "next_month", "2024-02-29", 1, id="a first of the month is its own next month"),
        pytest.param("2024-02-01", "next_month", "2024-03-01", 2, id="and ends a month later"),
    ],
)
def test_the_month_phases_of_a_ramp(go_live: str, starts: str, on: str, phase: int | None) -> None:
    charge = usage_charge("*@10", ramp_up=ramp("1m@0.5", "1m@0.25", starts=starts))
    rating = rated(book(charge), [active(VV, go_live=go_live)], [used(VV, on, 1)])
    assert [line.phase for line in rating.lines] == [phase]


def test_unit_phases_count_the_activations_own_units() -> None:
    charge = usage_charge("*@10", ramp_up=ramp("10u@0.5", "5u@0.2"))
    usage = [used("a", "2024-01-05", 8), used("b", "2024-01-05", 100), used("a", "2024-02-05", 9)]
    rating = rated(book(charge), [active("a"), active("b")], usage)
    assert [(line.phase, line.quantity) for line in rating.lines if line.trust == "a"] == [
        (1, 8),
        (1, 2),
        (2, 5),
        (None, 2),
    ]
    assert [(line.phase, line.quantity) for line in rating.lines if line.trust == "b"] == [(1, 10), (2, 5), (None, 85)]


@pytest.mark.parametrize(("length", "first"), [("10u", 10), ("1m", 20)])
def test_a_reactivation_starts_its_ramp_anew_and_continues_its_counter(length: str, first: int) -> None:
    charge = usage_charge("30@10, *@5", "activation", ramp_up=ramp(f"{length}@0.5"))
    activations = [active(VV, end="2024-02-01"), active(VV, go_live="2024-03-01")]
    rating = rated(book(charge), activations, [used(VV, "2024-01-05", 20), used(VV, "2024-03-05", 20)])
    assert sum(line.quantity or 0 for line in rating.lines if line.phase == 1) == 2 * first
    assert sum(line.quantity or 0 for line in rating.lines if line.tier == 2) == 10


def test_two_activations_of_a_key_are_one_slice_in_a_month() -> None:
    charge = usage_charge("*@10", ramp_up=ramp("1m@0.5"))
    activations = [active(VV, go_live="2024-03-01", end="2024-03-10"), active(VV, go_live="2024-03-20")]
    rating = rated(book(charge), activations, [used(VV, "2024-03-05", 1), used(VV, "2024-03-25", 2)])
    assert [(line.phase, line.quantity) for line in rating.lines] == [(1, 3)]


def test_validation_usage_is_excluded_per_day_inside_the_period() -> None:
    activation = active(VV, go_live="2024-03-01", validation_from="2024-01-15")
    usage = [used(VV, "2024-01-20", 3), used(VV, "2024-02-20", 4), used(VV, "2024-02-20", 1), used(VV, "2024-03-01", 1)]
    rating = rated(book(usage_charge("*@10")), [activation], usage, start="2024-02-01")
    assert rating.excluded == (Excluded(VV, CT, day("2024-02-20"), 5),)
    assert rating.total == 10


def test_an_index_touches_versions_older_than_it_and_is_rounded_to_the_contracts_decimals() -> None:
    charge = usage_charge("*@10.005+100", window="month")
    price_book = book(charge, index={"2024-02-01": "1.0333", "2024-03-01": "1.01", "2024-01-01": "9"})
    usage = [used(VV, f"2024-0{month}-05", 1) for month in (1, 2, 3)]
    lines = rated(price_book, [active(VV)], usage).lines
    assert [line.unit_price for line in lines if line.tier] == [nok("10,005"), nok("10,34"), nok("10,44")]
    assert [line.net for line in lines if line.why] == [nok("100"), nok("103,33"), nok("104,36")]


def test_an_index_of_one_still_rounds_the_price_it_touches() -> None:
    rating = rated(book(usage_charge("*@10.005"), index={"2024-02-01": "1"}), [active(VV)], [used(VV, "2024-02-05", 1)])
    assert rating.lines[0].unit_price == nok("10,01")


@pytest.mark.parametrize(("rounding", "gross"), [("half_up", "0,13"), ("half_even", "0,12")])
def test_the_contracts_rounding_decides_a_half(rounding: str, gross: str) -> None:
    charge = usage_charge("*@0.125", conventions=Overrides(rounding=rounding))  # type: ignore[arg-type]
    assert rated(book(charge), [active(VV)], [used(VV, "2024-01-05", 1)]).total == nok(gross)


def test_a_version_or_an_index_inside_a_month_cuts_it() -> None:
    price_book = replace(
        versions(d2024_01_01=(usage_charge("*@10"),), d2024_01_11=(usage_charge("*@20"),)),
        index_adjustments=(IndexAdjustment(day("2024-01-21"), Decimal("1.1"), "7.3"),),
    )
    usage = [used(VV, f"2024-01-{on}", 1) for on in (10, 11, 20, 21)]
    lines = rated(price_book, [active(VV)], usage, end="2024-02-01").lines
    assert [(line.period.start.day, line.quantity, line.net) for line in lines] == [
        (1, 1, 10),
        (11, 2, 40),
        (21, 1, 22),
    ]


def test_units_count_only_while_the_charge_is_in_the_book() -> None:
    charge = usage_charge("10@10, *@1")
    price_book = versions(d2024_01_01=(charge,), d2024_02_01=(), d2024_03_01=(charge,))
    usage = [used(VV, f"2024-0{month}-05", 6) for month in (1, 2, 3)]
    lines = rated(price_book, [active(VV)], usage).lines
    assert [(line.tier, line.quantity) for line in lines] == [(1, 6), (1, 4), (2, 2)]


@pytest.mark.parametrize(
    ("per", "lines"),
    [
        pytest.param("agreement", [(None, None, "-50,00")], id="agreement"),
        pytest.param("trust", [(VV, None, "-50,00")], id="trust"),
        pytest.param("activation", [], id="no activation reaches it"),
    ],
)
def test_a_maximum_brings_the_running_total_down(per: str, lines: list[object]) -> None:
    charge = usage_charge("*@10", maximum=limit("100", per))
    usage = [used(VV, "2024-01-05", 9), used(VV, "2024-01-05", 6, MR)]
    rating = rated(book(charge), [active(VV), active(VV, MR)], usage)
    assert [(line.trust, line.algorithm, line.net) for line in rating.lines if line.why == "maximum"] == [
        (trust, algorithm, nok(amount)) for trust, algorithm, amount in lines
    ]


def test_a_maximum_gives_back_when_a_repricing_lowers_the_sum() -> None:
    charge = usage_charge(Volume(tiers("10@10, *@1")), window="quarter", maximum=limit("80"))
    rating = rated(book(charge), [active(VV)], [used(VV, "2024-01-05", 9), used(VV, "2024-02-05", 2)])
    assert [line.net for line in rating.lines if line.why == "maximum"] == [nok("-10"), nok("10")]
    assert rating.total == 11


def test_a_minimum_tops_up_every_live_key_in_the_windows_last_month() -> None:
    charge = usage_charge("*@10", minimum=limit("100", "trust"))
    activations = [
        active("a"),
        active("b"),
        active("c", go_live="2024-04-01"),
        active("d", go_live="2023-01-01", end="2024-01-02"),
    ]
    rating = rated(book(charge), activations, [used("a", "2024-01-05", 4)], end="2024-04-01")
    assert [brief(line) for line in rating.lines if line.why] == [
        (trust, "2024-03", None, None, None, nok(amount), "minimum")
        for trust, amount in (("a", "60"), ("b", "100"), ("d", "100"))
    ]


@pytest.mark.parametrize(("applies", "topped"), [("after_discount", "60,00"), ("before_discount", "20,00")])
def test_a_minimum_compares_itself_with_net_or_gross(applies: str, topped: str) -> None:
    charge = usage_charge("*@10", minimum=limit("100"), ramp_up=ramp("3m@0.5"))
    conventions = Conventions(minimum_applies=applies)  # type: ignore[arg-type]
    rating = rated(book(charge, conventions=conventions), [active(VV)], [used(VV, "2024-01-05", 8)], end="2024-04-01")
    assert [line.net for line in rating.lines if line.why == "minimum"] == [nok(topped)]


def test_a_minimum_is_not_scaled_to_a_clipped_window_and_follows_the_index_only_when_told() -> None:
    term = AgreementTerm(day("2024-02-15"), day("2024-08-15"))
    for indexed, second in ((False, "100"), (True, "110")):
        charge = usage_charge("*@10", minimum=limit("100", indexed=indexed))
        rating = rated(
            book(charge, index={"2024-04-01": "1.1"}), [], [], start="2024-02-15", end="2024-08-15", term=term
        )
        assert [line.net for line in rating.lines] == [nok("100"), nok(second), nok(second)]


def fixed(amount: str, per: str = "trust", every: str = "month", **more: object) -> FixedCharge:
    return FixedCharge("fee", "8", nok(amount), per, every, **more)  # type: ignore[arg-type]


def test_a_fixed_charge_is_due_once_per_interval_on_the_first_live_day() -> None:
    activations = [active(VV, go_live="2024-01-15", end="2024-01-20"), active(VV, go_live="2024-05-10")]
    rating = rated(book(fixed("900", every="quarter")), activations, [], end="2024-07-01")
    assert [brief(line) for line in rating.lines] == [
        (VV, "2024-01", None, None, 1, nok("900"), "fixed"),
        (VV, "2024-05", None, None, 1, nok("900"), "fixed"),
    ]


def test_proration_counts_live_days_without_gaps_over_the_whole_interval() -> None:
    activations = [active(VV, go_live="2024-01-11", end="2024-01-21"), active(VV, MR, go_live="2024-01-30")]
    rating = rated(book(fixed("3 100", proration="days")), activations, [], end="2024-02-01")
    # 10 days of CT and 2 of MR, of 31.
    assert [line.net for line in rating.lines] == [nok("1 200,00")]
    assert rating.lines[0].unit_price == nok("1 200")


def test_a_day_is_live_by_the_version_that_is_valid_on_it() -> None:
    both, one = fixed("3 100", proration="days"), fixed("3 100", proration="days", algorithms=(MR,))
    price_book = versions(d2024_01_01=(both,), d2024_01_11=(one,))
    activations = [active(VV), active(VV, MR, go_live="2024-01-22")]
    # CT carries the first ten days; from the 11th on only MR counts, which lives from the 22nd.
    assert rated(price_book, activations, [], end="2024-02-01").total == nok("2 000,00")


def test_a_clipped_interval_is_prorated_by_its_whole_length() -> None:
    term = AgreementTerm(day("2024-01-16"), day("2024-02-01"))
    charge = fixed("3 100", "agreement", proration="days")
    price_book = versions(d2024_01_16=(charge,))
    rating = rated(price_book, [], [], start="2024-01-16", end="2024-02-01", term=term)
    assert rating.total == nok("1 600,00")


def test_a_prorated_amount_is_rounded_once_after_index_and_days() -> None:
    charge = fixed("10,00", proration="days")
    rating = rated(
        book(charge, index={"2024-04-01": "1.0005"}), [active(VV, go_live="2024-04-16")], [], end="2024-05-01"
    )
    # 10.005 × 15/30 = 5.0025; rounded to 10.01 first it would have been 5.01.
    assert rating.total == nok("5,00")


def test_a_fixed_charges_ramp_is_that_of_the_due_date() -> None:
    charge = fixed("1000", ramp_up=ramp("1m@0.5"))
    activations = [active(VV, go_live="2024-01-15"), active(VV, MR, go_live="2024-03-01")]
    rating = rated(book(charge), activations, [], end="2024-04-01")
    # The trust's first activation ramps; the later one starts nothing anew.
    assert [(line.phase, line.net) for line in rating.lines] == [(1, 500), (1, 500), (None, 1000)]


def test_an_activations_fixed_ramp_starts_anew_with_a_reactivation() -> None:
    charge = fixed("1000", "activation", ramp_up=ramp("1m@0.5"))
    activations = [active(VV, go_live="2024-01-01", end="2024-03-01"), active(VV, go_live="2024-04-10")]
    rating = rated(book(charge), activations, [], end="2024-05-01")
    assert [(line.period.start.month, line.net) for line in rating.lines] == [(1, 500), (2, 1000), (4, 500)]


def test_a_one_off_is_due_on_the_keys_first_go_live_inside_the_agreement() -> None:
    charge = OneOffCharge("setup", "9", nok("5 000"), "activation")
    activations = [
        active("a", go_live="2024-02-10", end="2024-03-01"),
        active("a", go_live="2024-05-01"),
        active("b", go_live="2023-12-31"),
        active("b", MR, go_live="2024-03-01"),
    ]
    rating = rated(book(charge), activations, [])
    assert [brief(line) for line in rating.lines] == [
        ("a", "2024-02", None, None, 1, nok("5000"), "one_off"),
        ("b", "2024-03", None, None, 1, nok("5000"), "one_off"),
    ]
    per_trust = rated(book(replace(charge, per="trust")), activations, [])
    assert [line.trust for line in per_trust.lines] == ["a"]


def test_amounts_of_nothing_make_no_line_and_units_always_do() -> None:
    charges = (fixed("0"), OneOffCharge("setup", "9", nok("0"), "trust"), usage_charge("*@0"))
    rating = rated(book(*charges), [active(VV)], [used(VV, "2024-01-05", 3)])
    assert [(line.quantity, line.gross) for line in rating.lines] == [(3, nok("0,00"))]


def test_a_full_discount_keeps_its_line() -> None:
    rating = rated(book(fixed("10", ramp_up=ramp("1m@1"))), [active(VV)], [], end="2024-02-01")
    assert [(line.gross, line.discount, line.net) for line in rating.lines] == [(10, 10, 0)]


def test_positions_name_the_next_tiers_first_unit_and_live_keys_without_units() -> None:
    charge = usage_charge("100@60, 200@50, *@45", "trust", "quarter")
    activations = [active("a"), active("b"), active("c", go_live="2024-06-30"), active("d", end="2024-04-01")]
    usage = [used("a", "2024-04-05", 100), used("a", "2024-05-05", 999)]
    rating = rated(book(charge), activations, usage, start="2024-04-01", end="2024-05-01")
    window = Period(day("2024-04-01"), day("2024-07-01"))
    assert rating.positions == (
        Position("analysis", "trust", "a", None, window, 100, 101),
        Position("analysis", "trust", "b", None, window, 0, 101),
        Position("analysis", "trust", "c", None, window, 0, 101),
    )


def test_a_line_is_known_by_what_it_is_and_not_by_its_amounts() -> None:
    usage = [used(VV, "2024-01-05", 3), used(OST, "2024-01-05", 3)]
    cheap = rated(book(usage_charge("*@1")), [active(VV), active(OST)], usage)
    dear = rated(book(usage_charge("*@2")), [active(VV), active(OST)], usage)
    assert [line.id for line in cheap.lines] == [line.id for line in dear.lines]
    assert len({line.id for line in cheap.lines}) == 2
    # The id is stored with what people decide about a line: it must never come out differently.
    assert {line.trust: line.id for line in cheap.lines}[VV] == "61c88b71d1624c74"


def test_the_order_of_the_input_changes_nothing() -> None:
    charges = (usage_charge("10@60+5, *@45+3"), usage_charge("*@1", code="b"), fixed("10"))
    activations = [active(trust, algorithm) for trust in ("a", "b", "c") for algorithm in (CT, MR)]
    usage = [used(trust, f"2024-0{m}-05", 7, algorithm) for trust in "abc" for m in (1, 2) for algorithm in (CT, MR)]
    one = rated(book(*charges), activations, usage)
    other = rated(book(*charges[::-1]), activations[::-1], usage[::-1])
    assert one == other


def test_the_pipeline_is_in_the_order_of_the_law() -> None:
    assert [step.clause for step in PIPELINE] == [
        "§4.2 slices, §4.3 counters",
        "§4.3 outside",
        "§4.4 graduated, §4.5 volume, §4.6 package; §4.9 lines",
        "§4.7 sharing money",
        "§2.2 silence",
        "§3.7 fixed",
        "§3.8 one-off",
        "§4.10 sums",
        "§4.10 maximum",
        "§4.10 minimum",
    ]


def test_every_error_is_told_with_its_place() -> None:
    activations = [
        active(VV, go_live="2024-03-01", end="2024-05-01"),
        active(VV, go_live="2024-04-01"),
        active(OST, go_live="2024-03-01", end="2024-02-01"),
    ]
    usage = [
        used(VV, "2023-12-31", 1),
        used(VV, "2026-01-01", 1),
        used(VV, "2024-02-29", 1),
        used("nowhere", "2024-03-01", 1),
        used(VV, "2024-03-01", 2),
        used(VV, "2024-03-01", -3),
    ]
    with pytest.raises(InvalidInput) as refused:
        rated(book(usage_charge("10@1, 10@1, *@1")), activations, usage, start="2024-01-02")
    assert [(error.pointer, error.code) for error in refused.value.errors] == [
        ("#/price_book/versions/0/charges/0/tiers/1/up_to", "tiers_not_rising"),
        ("#/activations/2/end", "end_before_go_live"),
        ("#/activations/1", "activation_overlap"),
        ("#/period/from", "period_not_on_bound"),
        ("#/usage/0", "usage_outside_agreement"),
        ("#/usage/1", "usage_outside_agreement"),
        ("#/usage/2", "usage_without_activation"),
        ("#/usage/3", "usage_without_activation"),
        ("#/usage/5", "usage_below_zero"),
    ]


def test_an_activation_may_begin_on_the_day_the_one_before_it_ends() -> None:
    activations = [active(VV, end="2024-02-01"), active(VV, go_live="2024-02-10", validation_from="2024-02-01")]
    assert rated(book(usage_charge("*@1")), activations, []).total == 0


def test_a_what_if_rates_only_the_groups_it_touches_and_is_exact() -> None:
    charges = (
        usage_charge("10@60+100, *@45", algorithms=(CT,), code="ct", maximum=limit("700")),
        usage_charge("10@60+100, *@45", algorithms=(MR,), code="mr"),
        fixed("50", per="trust"),
    )
    activations = [active("a"), active("a", MR), active("b", MR)]
    usage = [used("a", "2024-01-05", 7), used("a", "2024-01-05", 9, MR), used("b", "2024-02-05", 9, MR)]
    compiled = compile_terms(TERM, book(*charges), activations)
    more, new = [*usage, used("b", "2024-02-07", 8)], active("b", go_live="2024-02-01")
    difference = marginal(compiled, usage, more, TERM.period, [*activations, new])
    full_with = rate_compiled(compile_terms(TERM, book(*charges), [*activations, new]), more, TERM.period)
    full_without = rate_compiled(compiled, usage, TERM.period)
    assert difference.total == full_with.total - full_without.total
    assert sum(difference.by_trust().values()) == difference.total
    # The pooled CT counter and the fee of trust b: neither MR's counter nor the fee of trust a.
    assert difference.groups == 2
    assert {line.charge for line in difference.with_} == {"ct", "fee"}


def test_a_what_if_reports_errors_where_they_stand_in_the_whole_usage() -> None:
    compiled = compile_terms(TERM, book(usage_charge("*@1", "activation")), [active("a"), active("b")])
    usage = [used("a", "2024-01-05", 1), used("b", "2024-01-05", 1)]
    with pytest.raises(InvalidInput) as refused:
        marginal(compiled, usage, [*usage, used("b", "2024-01-06", -1)], TERM.period)
    assert [(error.pointer, error.code) for error in refused.value.errors] == [("#/usage/2", "usage_below_zero")]
