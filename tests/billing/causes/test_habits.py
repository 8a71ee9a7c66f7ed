"""Vendors of many habits, the small version of the long proof: what is named does not depend on how lines are cut."""

from __future__ import annotations

import pytest

from tests.habits.cuts import CUTS
from tests.habits.judging import clean, pairs, singles


def test_a_bill_without_a_mistake_has_no_finding_in_any_habit() -> None:
    table = clean(900, 3)
    assert set(table.documents) == set(CUTS)
    assert table.misses == []


def test_mistakes_are_named_in_every_habit() -> None:
    table = singles(910, 2, every=4)
    assert sum(table.documents.values()) > 100
    assert table.found == table.documents, table.misses
    assert table.share() >= 0.95, table.misses


def test_of_two_mistakes_both_are_named_and_nothing_else() -> None:
    table = pairs(9_000, 12)
    assert table.share() >= 0.75, table.misses


@pytest.mark.parametrize("cut", ["net_price", "document_allowance", "gross_first"])
def test_a_discount_that_stands_elsewhere_is_no_difference(cut: str) -> None:
    assert clean(920, 4, [cut]).misses == []
