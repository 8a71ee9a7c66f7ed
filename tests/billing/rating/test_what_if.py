"""A what-if rates the groups it touches, reads the usage that feeds them, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from billing.rating.compile import compile_activations, compile_book
from billing.rating.rate import compile_terms, marginal, rate_compiled
from contracts.terms.price_book import Activation, AgreementTerm, PriceBook, Usage
from contracts.terms.price_model import FixedCharge
from tests.billing.rating.notation import CT, MR, TERM, active, book, day, limit, nok, usage_charge, used, versions

POOLED = usage_charge("10@60+100, *@45")
OWN = usage_charge("10@60+100, *@45", "activation", code="own")
OF_TRUST = usage_charge("10@60, *@45", "trust", code="trust", algorithms=(CT,))
TRUSTS = ("a", "b", "c")
ACTIVATIONS = tuple(active(trust, algorithm) for trust in TRUSTS for algorithm in (CT, MR))
USAGE = tuple(used(trust, f"2024-0{month}-05", 4, CT) for month in (1, 2, 3) for trust in TRUSTS)


@pytest.mark.parametrize(
    ("usage", "trusts"),
    [
        pytest.param(USAGE, "", id="the same entries"),
        pytest.param(tuple(replace(entry) for entry in USAGE), "", id="equal entries"),
        pytest.param(USAGE[::-1], "", id="another order"),
        pytest.param(
            (*USAGE, used("a", "2024-05-05", 3), used("a", "2024-05-05", -3)), "", id="a correction of nothing"
        ),
        pytest.param(
            (*USAGE[1:], used("a", "2024-01-05", 1), used("a", "2024-01-05", 3)), "", id="a day in two entries"
        ),
        pytest.param((*USAGE, used("a", "2024-05-05", 3)), "a", id="one more"),
        pytest.param(USAGE[:-1], "c", id="one less"),
        pytest.param(USAGE[1:], "a", id="the first one less"),
        pytest.param((replace(USAGE[0], quantity=9), *USAGE[1:]), "a", id="the first one changed, the others the same"),
        pytest.param((replace(USAGE[0], on=day("2024-01-06")), *USAGE[1:]), "a", id="another day"),
        pytest.param((replace(USAGE[0], trust="b"), *USAGE[1:]), "ab", id="another trust"),
        pytest.param((), "abc", id="nothing at all"),
    ],
)
def test_what_differs_is_found_by_days_and_not_by_entries(usage: tuple[Usage, ...], trusts: str) -> None:
    compiled = compile_terms(TERM, book(OWN), ACTIVATIONS)
    difference = marginal(compiled, USAGE, usage, TERM.period)
    assert difference.groups == len(trusts)
    full = [rate_compiled(compiled, each, TERM.period).total for each in (usage, USAGE)]
    assert difference.total == full[0] - full[1]
    assert {line.trust for line in (*difference.with_, *difference.without)} == set(trusts)


def test_usage_that_feeds_no_touched_group_is_not_read() -> None:
    compiled = compile_terms(TERM, book(OWN, OF_TRUST), ACTIVATIONS)
    # Nobody could rate these days, and nobody does: trust b is not asked about, and MR at a feeds no counter of CT at a.
    unread = [used("b", "2030-01-01", 1), used("b", "2024-01-05", -9, MR), used("a", "2030-01-01", 1, MR)]
    difference = marginal(compiled, unread, [*unread, used("a", "2024-01-05", 1)], TERM.period)
    assert (difference.total, difference.groups) == (nok("220"), 2)


def test_all_that_feeds_a_touched_counter_is_read() -> None:
    compiled = compile_terms(TERM, book(POOLED), ACTIVATIONS)
    before = [used("b", "2024-01-05", 10, MR)]
    difference = marginal(compiled, before, [*before, used("a", "2024-02-05", 1)], TERM.period)
    assert (difference.total, difference.groups) == (nok("45"), 1)


@pytest.mark.parametrize(
    ("after", "groups", "total"),
    [
        pytest.param(ACTIVATIONS, 0, "0", id="the same"),
        pytest.param(ACTIVATIONS[::-1], 0, "0", id="in another order"),
        pytest.param((*ACTIVATIONS, active("d")), 2, "500", id="one more"),
        pytest.param(ACTIVATIONS[:-1], 2, "0", id="one less"),
        pytest.param((*ACTIVATIONS[:-1], replace(ACTIVATIONS[-1], end=day("2025-01-01"))), 2, "0", id="one shorter"),
    ],
)
def test_an_activation_that_differs_touches_its_groups(after: tuple[Activation, ...], groups: int, total: str) -> None:
    fee = FixedCharge("fee", "8", nok("500"), "trust", "agreement_year")
    compiled = compile_terms(AgreementTerm(TERM.start, day("2025-01-01")), book(OWN, fee), ACTIVATIONS)
    difference = marginal(compiled, (), (), compiled.agreement.period, after)
    assert (difference.groups, difference.total) == (groups, nok(total))


def test_the_difference_by_trust_is_in_the_order_of_the_trusts_with_the_agreement_first() -> None:
    charges = (OWN, usage_charge("*@10", code="pool", minimum=limit("1 000")))
    compiled = compile_terms(TERM, book(*charges), ACTIVATIONS)
    more = [used(trust, "2024-01-05", 1) for trust in ("c", "b", "a")]
    by_trust = marginal(compiled, (), more, TERM.period).by_trust()
    assert list(by_trust.items()) == [(None, nok("-30"))] + [(trust, nok("170")) for trust in TRUSTS]


LATER = versions(d2024_01_01=(POOLED,), d2024_04_15=(replace(POOLED, clause="9"),))


@pytest.mark.parametrize(
    ("term", "other", "reused"),
    [
        pytest.param(TERM, book(OF_TRUST), True, id="cut at the same days"),
        pytest.param(TERM, LATER, False, id="a version inside a month"),
        pytest.param(TERM, book(POOLED, index={"2024-04-15": "1.1"}), False, id="an index inside a month"),
        pytest.param(AgreementTerm(TERM.start, day("2025-01-01")), book(POOLED), False, id="another term"),
    ],
)
def test_a_book_compiled_like_another_one_is_as_if_compiled_alone(
    term: AgreementTerm, other: PriceBook, reused: bool
) -> None:
    like = compile_book(TERM, book(POOLED))
    alone, alike = compile_book(term, other), compile_book(term, other, like)
    assert (alike.periods is like.periods, alike.windows is like.windows) == (reused, reused)
    assert (alike.agreement, alike.price_book, alike.starts) == (term, other, alone.starts)
    one, two = (rate_compiled(compile_activations(each, ACTIVATIONS), USAGE, term.period) for each in (alone, alike))
    assert one == two
    assert one.lines
