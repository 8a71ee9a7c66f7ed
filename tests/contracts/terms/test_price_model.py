"""The words of a price book and what stands where nothing is written."""

from __future__ import annotations

from decimal import Decimal

import pytest

from contracts.terms.price_book import AgreementTerm, covers
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
    kind_of,
)
from contracts.terms.price_models import Boundary, Graduated, Package, PriceModel, Tier, Volume, last_units
from tests.billing.rating.notation import day

OPEN = (Tier(None, Decimal(60)),)
USAGE = UsageCharge("u", "7.1", None, Graduated(OPEN), Counter("agreement", "month"))


def test_what_is_not_written_is_the_default_of_the_law() -> None:
    assert Conventions() == Conventions("inclusive", "no_charge", 2, "half_up", "after_discount")
    assert RampUp(()) == RampUp((), "go_live", counts_towards_tiers=True)
    assert Limit(Decimal(1), "trust", "month") == Limit(Decimal(1), "trust", "month", indexed=False)
    assert FixedCharge("f", "8", Decimal(1), "trust", "month").proration == "none"
    assert Tier(None, Decimal(1)).flat_fee == 0
    assert AgreementTerm(day("2024-01-01"), day("2025-01-01")).currency == "NOK"


@pytest.mark.parametrize(
    ("charge", "kind"),
    [
        (USAGE, "usage"),
        (FixedCharge("f", "8", Decimal(1), "trust", "month"), "fixed"),
        (OneOffCharge("o", "9", Decimal(1), "trust"), "one_off"),
    ],
    ids=["usage", "fixed", "one_off"],
)
def test_the_kind_of_a_charge(charge: Charge, kind: str) -> None:
    assert kind_of(charge) == kind


@pytest.mark.parametrize(
    ("model", "name"),
    [(Graduated(OPEN), "graduated"), (Volume(OPEN), "volume"), (Package(10, Decimal(5)), "package")],
    ids=["graduated", "volume", "package"],
)
def test_the_name_of_a_model(model: PriceModel, name: str) -> None:
    assert name == model.NAME


BOOK = Conventions("exclusive", "first_flat_fee", 4, "half_even", "before_discount")


@pytest.mark.parametrize(
    ("overrides", "read"),
    [
        (Overrides(), BOOK),
        (
            Overrides(boundary="inclusive"),
            Conventions("inclusive", "first_flat_fee", 4, "half_even", "before_discount"),
        ),
        (Overrides(zero_usage="no_charge"), Conventions("exclusive", "no_charge", 4, "half_even", "before_discount")),
        (Overrides(price_decimals=2), Conventions("exclusive", "first_flat_fee", 2, "half_even", "before_discount")),
        (Overrides(rounding="half_up"), Conventions("exclusive", "first_flat_fee", 4, "half_up", "before_discount")),
        (Overrides(minimum_applies="after_discount"), Conventions("exclusive", "first_flat_fee", 4, "half_even")),
    ],
    ids=["none", "boundary", "zero_usage", "price_decimals", "rounding", "minimum_applies"],
)
def test_a_charge_differs_from_its_book_in_what_it_names_alone(overrides: Overrides, read: Conventions) -> None:
    assert overrides.over(BOOK) == read


@pytest.mark.parametrize(
    ("boundary", "lasts"), [("inclusive", (1, 100, None)), ("exclusive", (0, 99, None))], ids=["inclusive", "exclusive"]
)
def test_the_last_unit_of_each_tier(boundary: Boundary, lasts: tuple[int | None, ...]) -> None:
    assert last_units((Tier(1, Decimal(9)), Tier(100, Decimal(60)), Tier(None, Decimal(45))), boundary) == lasts


def test_a_ramp_is_by_units_where_a_phase_is() -> None:
    half = Decimal("0.5")
    assert RampUp((RampPhase(half, units=9),)).by_units
    assert not RampUp((RampPhase(half, months=9),)).by_units


@pytest.mark.parametrize(
    ("algorithms", "covered"),
    [(None, True), (("ct-pe",), True), (("xray", "ct-pe"), True), (("xray",), False)],
    ids=["all", "one", "two", "another"],
)
def test_what_a_charge_covers(algorithms: tuple[str, ...] | None, covered: bool) -> None:
    assert covers(OneOffCharge("o", "9", Decimal(1), "trust", algorithms), "ct-pe") == covered
