"""The price list as readers meet it: a caption says exactly the units that the rating prices there."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rating.price_list import factors_in_force, price_list, ramps_on
from billing.rating.rate import rate
from billing.rating.request import PriceRequest
from contracts.agreements import ActivationRow
from contracts.terms.period import Period
from contracts.terms.price_book import (
    Activation,
    AgreementTerm,
    IndexAdjustment,
    PriceBook,
    PriceBookVersion,
    Usage,
)
from contracts.terms.price_model import Conventions, Counter, RampPhase, RampUp, UsageCharge
from contracts.terms.price_models import Boundary, Graduated, Tier, Volume

TERM = AgreementTerm(date(2024, 1, 1), date(2026, 1, 1))
JANUARY = Period(date(2024, 1, 1), date(2024, 2, 1))


def book_of(model: Graduated | Volume, boundary: Boundary = "inclusive", ramp_up: RampUp | None = None) -> PriceBook:
    charge = UsageCharge("analysis", "7.1", None, model, Counter("agreement", "calendar_year"), ramp_up)
    adjustments = (IndexAdjustment(date(2025, 1, 1), Decimal("1.031"), "7.3"),)
    return PriceBook(
        Conventions(boundary=boundary), adjustments, (PriceBookVersion(date(2024, 1, 1), "Bilag 7", (charge,)),)
    )


def tiers(*bounds: int) -> tuple[Tier, ...]:
    prices = [Decimal(100 - number) for number in range(len(bounds) + 1)]
    return tuple(Tier(bound, price) for bound, price in zip((*bounds, None), prices, strict=True))


def price_of_unit(book: PriceBook, number: int) -> Decimal:
    """Rate `number` units and give the price of the last of them."""
    lines = rate(
        PriceRequest(
            TERM,
            JANUARY,
            book,
            (Activation("oslo", "ct-pe", date(2024, 1, 1)),),
            (Usage("oslo", "ct-pe", date(2024, 1, 10), number),),
        )
    ).lines
    last = max(lines, key=lambda line: line.tier or 0)
    assert last.unit_price is not None
    return last.unit_price


@pytest.mark.parametrize("boundary", ["inclusive", "exclusive"])
@given(bounds=st.lists(st.integers(2, 5000), min_size=1, max_size=4, unique=True).map(sorted), pick=st.data())
def test_the_first_and_last_unit_of_a_caption_cost_its_price_in_the_rating(
    bounds: list[int], boundary: Boundary, pick: st.DataObject
) -> None:
    book = book_of(Graduated(tiers(*bounds)), boundary)
    rows = price_list(book)[0].charges[0].tiers
    tier = pick.draw(st.sampled_from(rows))
    first, last = tier.first, tier.last or tier.first + 6
    assert price_of_unit(book, first) == tier.unit_prices[0]
    assert price_of_unit(book, last) == tier.unit_prices[0]
    if tier.last is not None:
        assert price_of_unit(book, tier.last + 1) == rows[tier.number].unit_prices[0]


@pytest.mark.parametrize(
    ("bounds", "boundary", "expected"),
    [
        ((100, 250), "inclusive", [(1, 100), (101, 250), (251, None)]),
        ((100, 250), "exclusive", [(1, 99), (100, 249), (250, None)]),
        ((1, 250), "exclusive", [(1, 0), (1, 249), (250, None)]),
        ((), "inclusive", [(1, None)]),
    ],
    ids=["inclusive", "exclusive", "no unit in the first tier", "one open tier"],
)
def test_the_units_of_the_tiers_meet_without_gap_or_overlap(
    bounds: tuple[int, ...], boundary: Boundary, expected: list[tuple[int, int | None]]
) -> None:
    rows = price_list(book_of(Graduated(tiers(*bounds)), boundary))[0].charges[0].tiers
    assert [(tier.first, tier.last) for tier in rows] == expected


def test_a_level_is_the_price_that_the_rating_uses_from_its_day() -> None:
    book = book_of(Graduated((Tier(None, Decimal("14.00")),)))
    version = price_list(book)[0]
    assert [level.since for level in version.levels] == [date(2024, 1, 1), date(2025, 1, 1)]
    # 14.00 × 1.031 = 14.434, rounded to the two decimals of the convention.
    assert version.charges[0].tiers[0].unit_prices == (Decimal("14.00"), Decimal("14.43"))


def test_an_index_before_its_day_touches_nothing() -> None:
    book = book_of(Graduated(tiers()))
    assert factors_in_force(book, date(2024, 12, 31)) == ()
    assert [each.factor for each in factors_in_force(book, date(2025, 1, 1))] == [Decimal("1.031")]


RAMP = RampUp((RampPhase(Decimal("0.50"), months=3), RampPhase(Decimal("0.25"), months=3)))


@pytest.mark.parametrize(
    ("day", "state", "discount", "until", "following"),
    [
        (date(2024, 1, 9), "planned", "0", None, "0"),
        (date(2024, 1, 10), "validation", "0", None, "0"),
        (date(2024, 1, 30), "validation", "0", None, "0"),
        (date(2024, 1, 31), "ramp_up", "0.50", date(2024, 4, 30), "0.25"),
        (date(2024, 4, 29), "ramp_up", "0.50", date(2024, 4, 30), "0.25"),
        (date(2024, 4, 30), "ramp_up", "0.25", date(2024, 7, 31), "0"),
        (date(2024, 7, 30), "ramp_up", "0.25", date(2024, 7, 31), "0"),
        (date(2024, 7, 31), "ordinary", "0", None, "0"),
        (date(2025, 3, 1), "ended", "0", None, "0"),
    ],
)
def test_an_activation_stands_where_its_dates_say(
    day: date, state: str, discount: str, until: date | None, following: str
) -> None:
    book = book_of(Graduated(tiers()), ramp_up=RAMP)
    row = ActivationRow(1, "oslo", "Oslo", "ct-pe", "P", date(2024, 1, 10), date(2024, 1, 31), date(2025, 3, 1))
    (ramp,) = ramps_on(book, [row], day)
    assert (ramp.state, ramp.discount, ramp.until, ramp.next_discount) == (
        state,
        Decimal(discount),
        until,
        Decimal(following),
    )
