"""Simulation and comparison: whole ratings of real usage, and rows that add up to their difference."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from flask import Flask

from billing.charges import basis
from billing.charges.basis import Terms
from billing.prices.diff import compare
from billing.prices.trial import Priced, charges_at, replaced_by, trial_period, try_version
from contracts.extensions import db
from contracts.terms.period import Period
from contracts.terms.price_book import PriceBookVersion
from contracts.terms.price_model import UsageCharge
from contracts.terms.price_models import Graduated, Tier
from tests.recorded import record_agreement, record_usage


@pytest.fixture
def terms(app: Flask) -> Terms:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    with db.read() as session:
        return basis.gather(session, agreement_id=agreement_id)


@pytest.fixture
def example(example_app: Flask) -> Terms:
    with db.read() as session:
        return basis.gather(session, agreement_id=1)


def at_prices(version: PriceBookVersion, first: str, second: str) -> PriceBookVersion:
    charge = version.charges[0]
    assert isinstance(charge, UsageCharge)
    model = Graduated((Tier(200, Decimal(first)), Tier(None, Decimal(second))))
    return replace(version, valid_from=date(2026, 1, 1), charges=(replace(charge, model=model),))


def test_the_months_are_the_last_twelve_whole_ones_with_usage(terms: Terms, example: Terms) -> None:
    assert trial_period(example) == Period(date(2025, 10, 1), date(2026, 10, 1))
    assert trial_period(replace(terms, usage=())) is None
    # The only usage ends on 20 January 2024, in the first month of the agreement: no month is whole.
    assert trial_period(terms) is None
    (last,) = [each for each in terms.usage if each.on == date(2024, 1, 20)]
    more = replace(terms, usage=(*terms.usage, replace(last, on=date(2024, 1, 31))))
    assert trial_period(more) == Period(date(2024, 1, 1), date(2024, 2, 1))


def test_a_version_tried_on_the_worked_example(terms: Terms) -> None:
    last = replace(terms.usage[-1], on=date(2024, 1, 31), quantity=0)
    counted = replace(terms, usage=(*terms.usage, last))
    version = terms.price_book.versions[0]
    trial = try_version(counted, old=Priced(version), new=Priced(at_prices(version, "50.00", "40.00")))
    assert trial is not None
    assert (trial.old, trial.examinations) == (Decimal("13800.00"), 301)
    # By hand, as in pricing.md §5: 134 × 50 + 67 × 40, and half of 66 × 50 + 34 × 40.
    assert trial.new == 134 * 50 + 67 * 40 + Decimal(66 * 50 + 34 * 40) / 2
    assert {(row.charge, row.trust): row.change for row in trial.rows()} == {
        ("analysis", "sykehuset-ostfold"): Decimal(9380 - 11055),
        ("analysis", "vestre-viken"): Decimal(2330 - 2745),
    }
    assert sum(row.change for row in trial.rows()) == sum(row.change for row in trial.by_trust()) == trial.change
    assert trial.within("vestre-viken").change == Decimal("-415.00")
    assert trial.within("vestre-viken").examinations == 100


def test_a_version_against_itself_changes_nothing(example: Terms) -> None:
    version = example.price_book.versions[-1]
    trial = try_version(example, old=Priced(version), new=Priced(version))
    assert trial is not None
    assert trial.change == 0
    assert trial.old > 0


def test_where_one_version_was_in_force_all_along_the_old_side_is_what_was_charged(example: Terms) -> None:
    only = replace(example, price_book=replace(example.price_book, versions=example.price_book.versions[:1]))
    trial = try_version(
        only, old=replaced_by(only.price_book, date(2027, 1, 1)), new=Priced(only.price_book.versions[0])
    )
    assert trial is not None
    # The index of 2025 stands on the whole of the last twelve months, so the rating of the book says the same.
    assert trial.old == only.rate(trial.period).total
    assert trial.new < trial.old


def test_a_new_version_starts_from_the_prices_as_they_stand(example: Terms) -> None:
    book = replace(example.price_book, versions=example.price_book.versions[:1])
    copied = charges_at(book, date(2025, 6, 1))
    skeletal = copied[0]
    assert isinstance(skeletal, UsageCharge)
    assert isinstance(skeletal.model, Graduated)
    # 14.00, 11.00 and 8.50 times 1.031, rounded half up to two decimals
    assert [str(tier.unit_price) for tier in skeletal.model.tiers] == ["14.43", "11.34", "8.76"]
    assert charges_at(book, date(2024, 6, 1)) == book.versions[0].charges
    assert charges_at(book, date(2023, 6, 1)) == ()
    new = PriceBookVersion(date(2027, 1, 1), "", copied)
    trial = try_version(replace(example, price_book=book), old=replaced_by(book, new.valid_from), new=Priced(new))
    assert trial is not None
    # Only a prorated fixed amount can differ: it is rounded once after the days, and the copy was rounded before.
    assert abs(trial.change) < 1


def test_the_first_version_of_a_book_replaces_nothing(example: Terms) -> None:
    first = example.price_book.versions[0]
    assert replaced_by(example.price_book, first.valid_from) is None
    trial = try_version(example, old=None, new=Priced(first))
    assert trial is not None
    assert (trial.old, trial.change) == (0, trial.new)
    assert trial.examinations > 0


def test_versions_compared_by_tier_with_effects_that_add_up(example: Terms) -> None:
    old, new = example.price_book.versions
    comparison = compare(example, old=replaced_by(example.price_book, new.valid_from), new=Priced(new))
    skeletal = next(charge for charge in comparison.charges if charge.code == "xray-skeletal")
    rows = [(row.tier, row.old_range, row.new_range, row.old, row.new, row.change) for row in skeletal.prices]
    assert rows == [
        (1, (1, 25_000), (1, 25_000), Decimal("14.43"), Decimal("14.40"), Decimal("-0.03")),
        (2, (25_001, 75_000), (25_001, 75_000), Decimal("11.34"), Decimal("11.30"), Decimal("-0.04")),
        (3, (75_001, None), (75_001, 150_000), Decimal("8.76"), Decimal("8.50"), Decimal("-0.26")),
        (4, None, (150_001, None), None, Decimal("6.90"), None),
    ]
    assert [row.moved for row in skeletal.prices] == [False, False, True, True]
    platform = next(charge for charge in comparison.charges if charge.code == "platform")
    assert [(row.what, row.old, row.new) for row in platform.prices] == [
        ("amount", Decimal("46395.00"), Decimal("46000.00"))
    ]
    assert comparison.trial is not None
    assert comparison.effect == comparison.trial.new - comparison.trial.old
    assert sum(charge.effect or 0 for charge in comparison.charges) == comparison.effect
    for charge in comparison.charges:
        assert sum(row.effect or 0 for row in charge.prices) == charge.effect
    own = compare(example, old=Priced(old), new=Priced(new), trust="akershus")
    assert own.trial is not None
    assert {line.trust for line in own.trial.new_lines} == {"akershus"}


def test_a_charge_that_comes_or_goes_or_changes_its_terms_is_named(terms: Terms) -> None:
    version = terms.price_book.versions[0]
    charge = version.charges[0]
    assert isinstance(charge, UsageCharge)
    changed = replace(charge, clause="7.9", counter=replace(charge.counter, scope="trust"))
    new = replace(version, valid_from=date(2026, 1, 1), charges=(changed, replace(charge, code="extra")))
    came = compare(terms, old=Priced(version), new=Priced(new))
    assert [(each.code, each.old is None, each.new is None, each.terms_changed) for each in came.charges] == [
        ("analysis", False, False, ("clause", "counter")),
        ("extra", True, False, ()),
    ]
    went = compare(terms, old=Priced(new), new=Priced(replace(version, valid_from=date(2026, 2, 1))))
    assert [(each.code, each.new is None) for each in went.charges] == [("analysis", False), ("extra", True)]
    assert came.effect is None
