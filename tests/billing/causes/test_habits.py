"""Vendors of many habits, the small version of the long proof: what is named does not depend on how lines are cut."""

from __future__ import annotations

import pytest

from tests.habits.cuts import CUTS, ZERO
from tests.habits.judging import clean, explained, pairs, singles
from tests.habits.mistakes import catalogue, known_agreement, made


def test_a_bill_without_a_mistake_has_no_finding_in_any_habit() -> None:
    table = clean(900, 3)
    assert set(table.documents) == set(CUTS)
    assert table.misses == []


@pytest.mark.slow
def test_mistakes_are_named_in_every_habit() -> None:
    table = singles(910, 2, every=8)
    assert sum(table.documents.values()) > 50
    assert table.found == table.documents, table.misses
    assert table.share() >= 0.95, table.misses


@pytest.mark.slow
def test_of_two_mistakes_both_are_named_and_nothing_else() -> None:
    table = pairs(9_000, 12)
    assert table.share() >= 0.75, table.misses


def test_a_line_that_is_missing_where_the_discount_stands_below_the_lines_keeps_the_sums() -> None:
    known = known_agreement(601)
    mistake = next(m for m in catalogue(known, "MINIMUM_WRONG", "document_allowance") if m.name == "no minimum")
    explanation = explained(known, made(known, "document_allowance", mistake), "ids")
    missing = sum((finding.amount for finding in explanation.not_invoiced), ZERO)
    assert missing < 0
    assert sum((finding.amount for finding in explanation.findings), ZERO) == explanation.difference


@pytest.mark.parametrize("cut", ["net_price", "document_allowance", "gross_first"])
def test_a_discount_that_stands_elsewhere_is_no_difference(cut: str) -> None:
    assert clean(920, 4, [cut]).misses == []
