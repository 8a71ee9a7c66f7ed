"""What a price book's check refuses and warns of."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from contracts.terms.price_book import (
    Activation,
    AgreementTerm,
    IndexAdjustment,
    PriceBook,
    PriceBookVersion,
    check,
    errors_of,
)
from contracts.terms.price_model import (
    Charge,
    Conventions,
    Counter,
    FixedCharge,
    Limit,
    OneOffCharge,
    Overrides,
    RampPhase,
    RampUp,
    UsageCharge,
)
from contracts.terms.price_models import Graduated, Package, Tier, Volume

TERM = AgreementTerm(date(2024, 1, 1), date(2028, 1, 1))
MID = date(2024, 5, 10)
QUARTER = date(2024, 4, 1)
YEAR = date(2025, 1, 1)


def tier(up_to: int | None, price: str = "60", fee: str = "0") -> Tier:
    return Tier(up_to, Decimal(price), Decimal(fee))


USAGE = UsageCharge("u", "7.1", None, Graduated((tier(100), tier(None, "45"))), Counter("agreement", "calendar_year"))
VOLUME = replace(USAGE, model=Volume((tier(100), tier(None, "45"))))
FIXED = FixedCharge("f", "8", Decimal("100"), "trust", "quarter")
ONE_OFF = OneOffCharge("o", "9", Decimal("100"), "trust")


def book(*charges: Charge, later: tuple[date, tuple[Charge, ...]] | None = None, **more: Any) -> PriceBook:
    versions = [PriceBookVersion(TERM.start, "Bilag 7", charges)]
    if later is not None:
        versions.append(PriceBookVersion(later[0], "Endring 1", later[1]))
    return PriceBook(versions=tuple(versions), **more)


def found(price_book: PriceBook, severity: str = "error") -> list[tuple[str, str]]:
    findings = [finding for finding in check(price_book, TERM) if finding.severity == severity]
    assert all(finding.detail.endswith(".") for finding in findings)
    return [(finding.pointer.removeprefix("#/price_book/versions/"), finding.code) for finding in findings]


def ramp(*phases: RampPhase, **more: Any) -> RampUp:
    return RampUp(phases, **more)


HALF = Decimal("0.5")


def test_a_sound_book_has_no_findings() -> None:
    assert check(book(USAGE, FIXED, ONE_OFF, later=(MID, (USAGE, FIXED, ONE_OFF))), TERM) == []


@pytest.mark.parametrize(
    ("charge", "place", "code"),
    [
        pytest.param(replace(USAGE, code=""), "code", "empty", id="no code"),
        pytest.param(replace(USAGE, algorithms=()), "algorithms", "algorithms_empty", id="no algorithm"),
        pytest.param(replace(USAGE, algorithms=("a", "a")), "algorithms", "algorithm_duplicate", id="algorithm twice"),
        pytest.param(replace(USAGE, model=Graduated(())), "tiers", "tiers_empty", id="no tiers"),
        pytest.param(
            replace(USAGE, model=Graduated((tier(9), tier(9), tier(None)))),
            "tiers/1/up_to",
            "tiers_not_rising",
            id="flat",
        ),
        pytest.param(
            replace(USAGE, model=Volume((tier(9), tier(8), tier(None)))),
            "tiers/1/up_to",
            "tiers_not_rising",
            id="falling",
        ),
        pytest.param(
            replace(USAGE, model=Volume((tier(0), tier(None)))), "tiers/0/up_to", "tiers_not_rising", id="zero"
        ),
        pytest.param(replace(USAGE, model=Graduated((tier(9),))), "tiers/0/up_to", "tier_last_not_open", id="closed"),
        pytest.param(
            replace(USAGE, model=Graduated((tier(None), tier(None)))),
            "tiers/0/up_to",
            "tier_open_not_last",
            id="open first",
        ),
        pytest.param(
            replace(USAGE, model=Graduated((tier(None, "-1"),))),
            "tiers/0/unit_price",
            "negative_amount",
            id="price < 0",
        ),
        pytest.param(
            replace(USAGE, model=Graduated((tier(None, "1", "-1"),))),
            "tiers/0/flat_fee",
            "negative_amount",
            id="fee < 0",
        ),
        pytest.param(
            replace(USAGE, model=Graduated((tier(None, "1.1234567"),))),
            "tiers/0/unit_price",
            "too_many_decimals",
            id="7",
        ),
        pytest.param(replace(USAGE, model=Package(0, HALF)), "package_size", "out_of_range", id="package of none"),
        pytest.param(
            replace(USAGE, model=Package(1, Decimal("0.005"))), "package_price", "too_many_decimals", id="package price"
        ),
        pytest.param(
            replace(USAGE, model=Package(1, HALF), ramp_up=ramp(RampPhase(HALF, 1), counts_towards_tiers=False)),
            "ramp_up/counts_towards_tiers",
            "ramp_outside_package",
            id="package outside tiers",
        ),
        pytest.param(replace(USAGE, ramp_up=ramp()), "ramp_up/phases", "phases_empty", id="no phases"),
        pytest.param(
            replace(USAGE, ramp_up=ramp(RampPhase(HALF, 1), RampPhase(HALF, units=1))),
            "ramp_up/phases/0",
            "phases_mixed",
            id="months and units",
        ),
        pytest.param(replace(USAGE, ramp_up=ramp(RampPhase(HALF))), "ramp_up/phases/0", "phase_length", id="no length"),
        pytest.param(
            replace(USAGE, ramp_up=ramp(RampPhase(HALF, 0))), "ramp_up/phases/0/months", "out_of_range", id="no months"
        ),
        pytest.param(
            replace(USAGE, ramp_up=ramp(RampPhase(HALF, units=0))),
            "ramp_up/phases/0/units",
            "out_of_range",
            id="no units",
        ),
        pytest.param(
            replace(USAGE, ramp_up=ramp(RampPhase(Decimal("1.1"), 1))),
            "ramp_up/phases/0/discount",
            "out_of_range",
            id="discount > 1",
        ),
        pytest.param(
            replace(USAGE, ramp_up=ramp(RampPhase(Decimal("0.12345"), 1))),
            "ramp_up/phases/0/discount",
            "too_many_decimals",
            id="discount of 5 decimals",
        ),
        pytest.param(
            replace(USAGE, minimum=Limit(Decimal(-1), "trust", "month")),
            "minimum/amount",
            "negative_amount",
            id="minimum",
        ),
        pytest.param(
            replace(USAGE, maximum=Limit(Decimal("0.001"), "trust", "month")),
            "maximum/amount",
            "too_many_decimals",
            id="maximum",
        ),
        pytest.param(
            replace(USAGE, conventions=Overrides(price_decimals=7)),
            "conventions/price_decimals",
            "out_of_range",
            id="7 price decimals",
        ),
        pytest.param(replace(FIXED, amount=Decimal("-0.01")), "amount", "negative_amount", id="fixed < 0"),
        pytest.param(
            replace(FIXED, ramp_up=ramp(RampPhase(HALF, units=1))), "ramp_up", "ramp_by_units", id="fixed ramp by units"
        ),
        pytest.param(
            replace(FIXED, per="agreement", ramp_up=ramp(RampPhase(HALF, 1))),
            "ramp_up",
            "ramp_per_agreement",
            id="fixed ramp per agreement",
        ),
        pytest.param(replace(ONE_OFF, amount=Decimal("-1")), "amount", "negative_amount", id="one-off < 0"),
    ],
)
def test_one_charge_that_cannot_be_read_in_one_way_is_refused(charge: Charge, place: str, code: str) -> None:
    assert (f"0/charges/0/{place}", code) in found(book(charge))


def test_the_ends_of_the_discount_range_are_allowed() -> None:
    phases = (RampPhase(Decimal(0), 1), RampPhase(Decimal(1), 1))
    assert found(book(replace(USAGE, ramp_up=ramp(*phases)))) == []


def test_the_book_itself() -> None:
    assert found(PriceBook()) == [("#/price_book/versions", "no_version")]
    twice = PriceBook(versions=(PriceBookVersion(MID, "a", ()), PriceBookVersion(MID, "b", ())))
    assert found(twice) == [("1/valid_from", "version_same_day")]
    assert found(book(USAGE, USAGE)) == [("0/charges/1/code", "charge_code_duplicate")]
    conventions = Conventions(price_decimals=1)
    assert found(book(conventions=conventions)) == [("#/price_book/conventions/price_decimals", "out_of_range")]
    index = tuple(IndexAdjustment(MID, Decimal(factor), "7.3") for factor in ("0", "1.00001", "1.0312"))
    assert found(book(index_adjustments=index)) == [
        ("#/price_book/index_adjustments/0/factor", "out_of_range"),
        ("#/price_book/index_adjustments/1/factor", "too_many_decimals"),
    ]


def test_a_time_without_a_version_is_warned_of() -> None:
    late = PriceBook(versions=(PriceBookVersion(MID, "a", (USAGE,)),))
    assert found(late, "warning") == [("#/price_book/versions", "version_gap")]
    assert errors_of(check(late, TERM)) == ()


QUARTERLY = Counter("agreement", "quarter")
LIMITED = replace(USAGE, minimum=Limit(Decimal(1), "trust", "quarter"), maximum=Limit(Decimal(9), "trust", "quarter"))


@pytest.mark.parametrize(
    ("before", "after", "places", "allowed_from"),
    [
        pytest.param(
            USAGE, replace(USAGE, counter=Counter("trust", "calendar_year")), ["counter/scope"], YEAR, id="scope"
        ),
        pytest.param(USAGE, replace(USAGE, counter=QUARTERLY), ["counter/window"], YEAR, id="window, shorter"),
        pytest.param(replace(USAGE, counter=QUARTERLY), USAGE, ["counter/window"], YEAR, id="window, longer"),
        pytest.param(USAGE, VOLUME, ["model"], YEAR, id="model"),
        pytest.param(
            VOLUME, replace(VOLUME, model=Volume((tier(99), tier(None)))), ["tiers"], YEAR, id="volume bounds"
        ),
        pytest.param(
            VOLUME, replace(VOLUME, conventions=Overrides(boundary="exclusive")), ["tiers"], YEAR, id="volume boundary"
        ),
        pytest.param(
            LIMITED,
            replace(LIMITED, minimum=Limit(Decimal(1), "agreement", "quarter")),
            ["minimum/per"],
            QUARTER,
            id="minimum per",
        ),
        pytest.param(
            LIMITED,
            replace(LIMITED, maximum=Limit(Decimal(9), "trust", "month")),
            ["maximum/window"],
            QUARTER,
            id="maximum window",
        ),
        pytest.param(FIXED, replace(FIXED, per="agreement"), ["per"], QUARTER, id="fixed per"),
        pytest.param(FIXED, replace(FIXED, every="month"), ["every"], QUARTER, id="fixed every"),
    ],
)
def test_readings_change_only_where_a_window_starts(
    before: Charge, after: Charge, places: list[str], allowed_from: date
) -> None:
    places_found = found(book(before, later=(MID, (after,))))
    assert places_found == [(f"1/charges/0/{place}", "change_inside_window") for place in places]
    assert found(book(before, later=(allowed_from, (after,)))) == []
    # The versions' order in the document does not matter, their days do.
    price_book = book(before, later=(MID, (after,)))
    turned = replace(price_book, versions=price_book.versions[::-1])
    assert [code for _, code in found(turned)] == [code for _, code in places_found]


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(replace(USAGE, model=Graduated((tier(50), tier(None)))), id="bounds of a graduated charge"),
        pytest.param(replace(USAGE, algorithms=("a",)), id="algorithms"),
        pytest.param(replace(USAGE, minimum=Limit(Decimal(1), "trust", "month")), id="a minimum comes in"),
    ],
)
def test_other_things_change_on_any_day(after: Charge) -> None:
    assert found(book(USAGE, later=(MID, (after,)))) == []
    assert found(book(VOLUME, later=(MID, (replace(VOLUME, model=Volume((tier(100, "1"), tier(None)))),)))) == []


@pytest.mark.parametrize(
    ("charge", "codes"),
    [
        pytest.param(LIMITED, ["charge_leaves_inside_window"] * 2, id="minimum and maximum"),
        pytest.param(FIXED, ["charge_leaves_inside_window"], id="interval"),
        pytest.param(USAGE, [], id="a usage charge without limits"),
        pytest.param(ONE_OFF, [], id="one-off"),
    ],
)
def test_a_charge_with_a_limit_or_an_interval_leaves_only_where_its_window_starts(
    charge: Charge, codes: list[str]
) -> None:
    assert [code for _, code in found(book(charge, later=(MID, ())))] == codes
    assert found(book(charge, later=(QUARTER, ()))) == []


def test_a_charge_that_returns_is_compared_with_what_it_was() -> None:
    new = replace(USAGE, counter=Counter("trust", "calendar_year"))

    def returning(on: date) -> PriceBook:
        return PriceBook(
            versions=(
                PriceBookVersion(TERM.start, "a", (USAGE,)),
                PriceBookVersion(MID, "b", ()),
                PriceBookVersion(on, "c", (new,)),
            )
        )

    assert found(returning(date(2024, 8, 1))) == [("2/charges/0/counter/scope", "change_inside_window")]
    assert found(returning(date(2025, 8, 1))) == []


def test_a_code_keeps_its_kind() -> None:
    assert found(book(USAGE, later=(YEAR, (replace(FIXED, code="u"),)))) == [
        ("1/charges/0/kind", "charge_kind_changed")
    ]
    assert found(book(ONE_OFF, later=(YEAR, (replace(ONE_OFF, per="activation"),)))) == [
        ("1/charges/0/per", "change_inside_window")
    ]


def test_versions_that_are_never_in_force_are_not_compared() -> None:
    old = PriceBookVersion(date(2023, 5, 5), "old", (replace(FIXED, every="month"),))
    now = PriceBookVersion(TERM.start, "now", (FIXED,))
    never = PriceBookVersion(TERM.end, "never", ())
    assert found(PriceBook(versions=(old, now, never))) == []


def test_a_late_start_without_proration_is_warned_of() -> None:
    activations = [Activation("oslo", "a", date(2024, 4, 1)), Activation("akershus", "a", date(2024, 4, 2))]
    for charge, count in ((FIXED, 1), (replace(FIXED, proration="days"), 0), (replace(FIXED, algorithms=("b",)), 0)):
        findings = check(book(charge), TERM, activations)
        assert [(finding.pointer, finding.code, finding.severity) for finding in findings] == [
            ("#/price_book/versions/0/charges/0/proration", "full_interval", "warning")
        ] * count


@pytest.mark.parametrize(("on", "clause"), [(date(2023, 12, 31), None), (TERM.start, "Bilag 7"), (MID, "Endring 1")])
def test_the_version_on_a_day(on: date, clause: str | None) -> None:
    version = book(USAGE, later=(MID, ())).version_on(on)
    assert (version and version.clause) == clause
