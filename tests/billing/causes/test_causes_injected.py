"""Injected faults, the small version of the long proof: every code alone, pairs, and clean documents."""

from __future__ import annotations

from billing.causes import CODES
from tests.injector.faults import codes
from tests.soak.reconciliation import pairs, singles, unclean


def test_the_catalogue_of_faults_has_every_code_but_the_one_for_what_is_not_known() -> None:
    assert set(codes()) == set(CODES) - {"UNEXPLAINED"}


def test_faults_of_every_code_are_found_and_named() -> None:
    tally = singles(0, 2)
    assert tally.documents > 50
    assert tally.found == tally.documents, tally.misses
    assert tally.right / tally.documents >= 0.98, tally.misses
    assert tally.caught() <= 0.02, tally.misses


def test_of_two_faults_both_are_found_and_named() -> None:
    tally = pairs(10_000, 8)
    assert tally.found / tally.documents >= 0.95, tally.misses
    assert tally.right / tally.documents >= 0.85, tally.misses


def test_documents_without_a_fault_have_no_finding() -> None:
    assert unclean(20_000, 40) == []
