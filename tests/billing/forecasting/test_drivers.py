"""Why the next year costs something else: each driver alone, and all of them summing to the øre on random agreements."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from billing.forecasting.drivers import DRIVERS, Drivers, Year, drivers
from billing.rating.lines import Line
from billing.rating.rate import compile_terms, rate_compiled
from billing.schemas.price import load_price_request
from contracts.terms.period import Period, add_months
from contracts.terms.price_book import Activation, AgreementTerm, PriceBook, Usage
from tests.billing.rating.notation import book, ramp, usage_charge
from tests.oracle.generator import random_request

TERM = AgreementTerm(date(2024, 1, 1), date(2026, 1, 1))
LAST, COMING = Period(date(2024, 1, 1), date(2025, 1, 1)), Period(date(2025, 1, 1), date(2026, 1, 1))


def explained(
    price_book: PriceBook, activations: list[Activation], usage: list[Usage], corrections: tuple[int, int] = (0, 0)
) -> Drivers:
    """Rate two years of an agreement, with and without index, and explain the step between them."""
    plain = replace(price_book, index_adjustments=())
    years = []
    for period, corrected in zip((LAST, COMING), corrections, strict=True):
        lines = [
            rate_compiled(compile_terms(TERM, each, activations), usage, period).lines for each in (price_book, plain)
        ]
        units: dict[tuple[str, str], int] = {}
        for entry in usage:
            if period.contains(entry.on):
                units[entry.trust, entry.algorithm] = units.get((entry.trust, entry.algorithm), 0) + entry.quantity
        years.append(Year(*lines, units, corrected))
    return drivers(*years)


def used(**quantities: tuple[int, int]) -> list[Usage]:
    """Write a=(last year's, next year's) examinations of trust a."""
    return [
        Usage(trust, "ct", date(2024 + year, 6, 3), quantity)
        for trust, both in quantities.items()
        for year, quantity in enumerate(both)
        if quantity
    ]


A, B = Activation("a", "ct", TERM.start), Activation("b", "ct", date(2025, 2, 1))
FLAT, TIERED = usage_charge("*@60"), usage_charge("100@60, *@40")


@pytest.mark.parametrize(
    ("price_book", "activations", "usage", "corrections", "expected"),
    [
        pytest.param(book(FLAT), [A], used(a=(10, 15)), (0, 0), {"volume": 30000}, id="more examinations"),
        pytest.param(
            book(FLAT), [A, B], used(a=(10, 10), b=(0, 4)), (0, 0), {"activations": 24000}, id="a new activation"
        ),
        pytest.param(
            book(usage_charge("*@60", ramp_up=ramp("12m@0.50"))),
            [A],
            used(a=(10, 10)),
            (0, 0),
            {"ramp_ends": 30000},
            id="a ramp that ends",
        ),
        pytest.param(
            book(TIERED), [A], used(a=(100, 200)), (0, 0), {"volume": 600000, "tiers": -200000}, id="a further tier"
        ),
        pytest.param(
            book(FLAT, index={"2025-01-01": "1.05"}), [A], used(a=(10, 10)), (0, 0), {"index": 3000}, id="an index"
        ),
        pytest.param(book(FLAT), [A], used(a=(10, 10)), (-500, 700), {"corrections": 1200}, id="corrections"),
    ],
)
def test_a_driver_alone_has_the_whole_difference(
    price_book: PriceBook,
    activations: list[Activation],
    usage: list[Usage],
    corrections: tuple[int, int],
    expected: dict[str, int],
) -> None:
    found = explained(price_book, activations, usage, corrections)
    assert {driver: amount for driver, amount in found.amounts_ore.items() if amount} == expected
    assert tuple(found.amounts_ore) == DRIVERS


def test_drivers_sum_to_the_difference_on_random_agreements() -> None:
    told = 0
    for seed in range(60):
        request = load_price_request(random_request(random.Random(seed)))
        term = request.agreement
        middle = add_months(term.start, 12)
        if middle >= term.end:
            continue
        halves = (Period(term.start, middle), Period(middle, term.end))
        years = []
        for period in halves:
            lines: list[tuple[Line, ...]] = []
            for each in (request.price_book, replace(request.price_book, index_adjustments=())):
                compiled = compile_terms(term, each, request.activations)
                rated = rate_compiled(compiled, request.usage, term.period).lines
                lines.append(tuple(line for line in rated if period.contains(line.period.start)))
            units: dict[tuple[str, str], int] = {}
            for entry in request.usage:
                if period.contains(entry.on):
                    units[entry.trust, entry.algorithm] = units.get((entry.trust, entry.algorithm), 0) + entry.quantity
            years.append(Year(lines[0], lines[1], units))
        found = drivers(*years)
        assert found.last_ore + sum(found.amounts_ore.values()) == found.next_ore == years[1].total_ore
        assert sum(found.amounts().values()) == Decimal(found.next_ore - found.last_ore) / 100
        told += 1
    assert told > 20
