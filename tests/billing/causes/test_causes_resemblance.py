"""Causes that resemble one another on the lines, and what tells them apart."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from billing.causes import Situation, explain
from billing.causes.billed import BilledDocument, BilledLine
from billing.causes.sentences import said
from billing.rating.lines import Line
from contracts.terms.period import Period
from contracts.terms.price_book import Activation, PriceBook, Usage
from contracts.terms.price_model import FixedCharge
from contracts.terms.price_models import Graduated, Volume
from tests.billing.rating.notation import (
    CT,
    TERM,
    active,
    book,
    day,
    limit,
    ramp,
    rated,
    tiers,
    usage_charge,
    used,
    versions,
)

from .test_causes import named
from .test_matching import billed

QUARTER = Period(day("2024-07-01"), day("2024-10-01"))
TIERS = tiers("100@60, *@45")
AS_VOLUME = book(usage_charge(Volume(TIERS), window="quarter"))
AS_GRADUATED = book(usage_charge(Graduated(TIERS), window="quarter"))
OSTFOLD = (active("ostfold"),)
# July and August have as many units, and September passes the tier's bound.
ALIKE = (used("ostfold", "2024-07-10", 40), used("ostfold", "2024-08-10", 40), used("ostfold", "2024-09-10", 50))


def lines_of(price_book: PriceBook, activations: tuple[Activation, ...], usage: tuple[Usage, ...]) -> tuple[Line, ...]:
    """Rate the quarter."""
    return rated(price_book, list(activations), list(usage), start="2024-07-01", end="2024-10-01").lines


def as_billed(lines: tuple[Line, ...]) -> tuple[BilledLine, ...]:
    """Bill lines as they are."""
    return tuple(billed(line, str(number), why=line.why) for number, line in enumerate(lines, start=1))


def causes(
    lines: tuple[BilledLine, ...], price_book: PriceBook, activations: tuple[Activation, ...], usage: tuple[Usage, ...]
) -> dict[str, Decimal]:
    """Explain an invoice of these lines and give what each code comes to."""
    document = BilledDocument("1", "invoice", "NOK", lines)
    return named(explain(Situation(document, QUARTER, TERM, price_book, activations, usage)))


def test_two_months_repriced_alike_are_no_line_billed_twice() -> None:
    lines = as_billed(lines_of(AS_VOLUME, OSTFOLD, ALIKE))
    assert sum(line.why == "adjustment" for line in lines) == 2
    assert set(causes(lines, AS_GRADUATED, OSTFOLD, ALIKE)) == {"TIER_MODE"}
    assert causes(lines, AS_VOLUME, OSTFOLD, ALIKE) == {}


def test_a_repricing_once_more_than_due_is_a_line_billed_twice() -> None:
    lines = as_billed(lines_of(AS_VOLUME, OSTFOLD, ALIKE))
    again = next(line for line in lines if line.why == "adjustment")
    assert causes((*lines, replace(again, id="99")), AS_VOLUME, OSTFOLD, ALIKE) == {"LINE_DUP": again.net}


def test_units_repriced_after_their_activations_end_are_billed_for_what_was_live() -> None:
    activations = (*OSTFOLD, active("innlandet", end="2024-08-01"))
    usage = (used("innlandet", "2024-07-10", 30), used("ostfold", "2024-07-10", 30), used("ostfold", "2024-09-10", 30))
    counted = (*usage, used("ostfold", "2024-09-12", 25))
    lines = as_billed(lines_of(AS_VOLUME, activations, counted))
    assert any(line.trust == "innlandet" and line.why == "adjustment" for line in lines)
    assert set(causes(lines, AS_VOLUME, activations, usage)) == {"QTY_DIFF"}


def test_a_dearer_price_with_the_agreed_discount_is_no_other_discount() -> None:
    price_book = book(usage_charge("300@60, *@45", ramp_up=ramp("6m@0.50")))
    activations = (active("ostfold", go_live="2024-06-01"),)
    lines = as_billed(lines_of(price_book, activations, ALIKE))
    # A discount of 44 % at 60 kr comes to the same as one of 50 % at 67.20.
    dearer = tuple(
        replace(
            line, price=Decimal("67.20"), allowance=line.allowance * Decimal("1.12"), net=line.net * Decimal("1.12")
        )
        for line in lines
    )
    assert set(causes(dearer, price_book, activations, ALIKE)) == {"PRICE_UNIT"}
    less = tuple(
        replace(line, allowance=line.allowance * Decimal("0.88"), net=line.net * Decimal("1.12")) for line in lines
    )
    assert set(causes(less, price_book, activations, ALIKE)) == {"RAMP_RATE"}


MINIMUM = usage_charge(Graduated(TIERS), window="quarter", minimum=limit("20 000,00", per="trust"))
FEE = FixedCharge("platform", "7.4", Decimal("5000.00"), "trust", "quarter")


@pytest.mark.parametrize(
    ("left_out", "code"),
    [
        pytest.param("minimum", "MINIMUM_WRONG", id="a minimum that was not applied"),
        pytest.param("fixed", "MISSING_LINE", id="a fee that was not billed"),
    ],
)
def test_what_is_lost_in_a_trusts_sum_is_named_after_what_it_was(left_out: str, code: str) -> None:
    due = lines_of(book(MINIMUM, FEE), OSTFOLD, ALIKE)
    amount = sum((line.net for line in due if line.why != left_out), Decimal("0.00"))
    whole = BilledLine("1", amount, quantity=Decimal(1), price=amount, trust="ostfold", period=QUARTER)
    gone = sum((line.net for line in due if line.why == left_out), Decimal("0.00"))
    assert causes((whole,), book(MINIMUM, FEE), OSTFOLD, ALIKE) == {code: -gone}


def test_a_trust_that_is_not_billed_at_all_lacks_its_lines_whatever_limits_them() -> None:
    capped = book(usage_charge(Graduated(TIERS), window="quarter", maximum=limit("1 000,00", per="trust")))
    activations = (*OSTFOLD, active("innlandet"))
    usage = (*ALIKE, *(replace(entry, trust="innlandet") for entry in ALIKE))
    lines = tuple(line for line in as_billed(lines_of(capped, activations, usage)) if line.trust == "ostfold")
    assert set(causes(lines, capped, activations, usage)) == {"MISSING_LINE"}


def test_lines_that_bill_the_same_thing_not_due_stand_in_one_group() -> None:
    stray = BilledLine("90", Decimal("60.00"), quantity=Decimal(1), price=Decimal("60.00"), trust="innlandet", algorithm=CT,
                       period=Period.month(QUARTER.start))  # fmt: skip
    lines = (*as_billed(lines_of(AS_GRADUATED, OSTFOLD, ALIKE)), stray, replace(stray, id="91"))
    found = causes(lines, AS_GRADUATED, OSTFOLD, ALIKE)
    assert found == {"LINE_DUP": Decimal("60.00"), "NOT_ACTIVE": Decimal("60.00")}


def test_a_fee_in_a_trusts_sum_is_said_with_its_own_clause_and_values() -> None:
    daily = replace(FEE, proration="days")
    price_book = book(usage_charge(Graduated(TIERS), window="quarter"), daily)
    activations = (active("ostfold", go_live="2024-07-16"),)
    usage = ALIKE[1:]
    due = lines_of(price_book, activations, usage)
    amount = sum((Decimal("5000.00") if line.why == "fixed" else line.net for line in due), Decimal("0.00"))
    whole = BilledLine("1", amount, quantity=Decimal(1), price=amount, trust="ostfold", period=QUARTER)
    document = BilledDocument("1", "invoice", "NOK", (whole,))
    (finding,) = explain(Situation(document, QUARTER, TERM, price_book, activations, usage)).findings
    assert said(finding, "nb") == "Fast beløp er fakturert for hele perioden; avtalt er fordelt på dager (punkt 7.4)."


def test_a_version_that_was_not_replaced_is_said_with_the_one_that_should_have_been_used() -> None:
    before, after = usage_charge("*@60"), usage_charge("*@75")
    price_book = versions(d2024_01_01=(before,), d2024_08_01=(after,))
    lines = as_billed(lines_of(book(before), OSTFOLD, ALIKE))
    document = BilledDocument("1", "invoice", "NOK", lines)
    findings = explain(Situation(document, QUARTER, TERM, price_book, OSTFOLD, ALIKE)).findings
    assert {finding.code for finding in findings} == {"PRICE_VERSION"}
    assert (findings[0].params["billed"], findings[0].params["expected"]) == (day("2024-01-01"), day("2024-08-01"))
