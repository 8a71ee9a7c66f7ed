"""What makes a price request invalid: each error alone, with its place, its code and its sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from billing.rating.rate import compile_terms, marginal, rate_compiled
from billing.rating.request import agreement_errors
from contracts.terms.period import Period
from contracts.terms.price_book import Activation, AgreementTerm, InvalidInput, Usage
from tests.billing.rating.notation import CT, MR, TERM, active, book, day, ramp, rated, usage_charge, used

PRICES = book(usage_charge("*@1"))


def refused(call: Callable[[], object]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as raised:
        call()
    return [(error.pointer, error.code) for error in raised.value.errors]


@pytest.mark.parametrize(
    ("end", "code"),
    [
        pytest.param("2023-12-31", "end_before_start", id="the day before"),
        pytest.param("2024-01-01", "end_before_start", id="no day"),
        pytest.param("2024-01-02", None, id="one day"),
        pytest.param("2124-12-31", None, id="a century"),
        pytest.param("2125-01-01", "agreement_too_long", id="the year after it"),
    ],
)
def test_an_agreement_has_days_and_at_most_a_century_of_them(end: str, code: str | None) -> None:
    findings = list(agreement_errors(AgreementTerm(TERM.start, day(end))))
    assert [(finding.pointer, finding.code) for finding in findings] == ([("#/agreement/end", code)] if code else [])


def test_the_term_of_an_agreement_that_ends_before_it_starts_is_refused_before_it_is_cut() -> None:
    term = AgreementTerm(TERM.start, day("2023-01-01"))
    assert refused(lambda: rated(PRICES, [], [], term=term)) == [("#/agreement/end", "end_before_start")]
    usage = [used("a", "2024-01-05", 1)]
    assert refused(lambda: rated(PRICES, [], usage, term=term))[1:] == [("#/usage/0", "usage_outside_agreement")]


@pytest.mark.parametrize(
    ("activation", "errors"),
    [
        pytest.param(
            active("a", validation_from="2024-01-02"), [("validation_from", "validation_after_go_live")], id="1"
        ),
        pytest.param(active("a", validation_from="2024-01-01"), [], id="validation ends on the day it begins"),
        pytest.param(active("a", validation_from="2023-12-01"), [], id="validation before go-live"),
        pytest.param(active("a", end="2023-12-31"), [("end", "end_before_go_live")], id="ends before go-live"),
        pytest.param(active("a", end="2024-01-01"), [], id="never live"),
    ],
)
def test_the_dates_of_an_activation_are_in_order(activation: Activation, errors: list[tuple[str, str]]) -> None:
    def compiled() -> object:
        return compile_terms(TERM, PRICES, [active("z"), activation])

    if errors:
        assert refused(compiled) == [(f"#/activations/1/{place}", code) for place, code in errors]
    else:
        assert compiled()


@pytest.mark.parametrize(
    ("activations", "errors"),
    [
        pytest.param([active("a"), active("a", go_live="2024-05-01")], ["#/activations/1"], id="the first never ends"),
        pytest.param(
            [active("a", go_live="2024-05-01"), active("a")], ["#/activations/0"], id="the later one is told of"
        ),
        pytest.param(
            [active("a", end="2024-05-02"), active("a", go_live="2024-05-01")], ["#/activations/1"], id="a day"
        ),
        pytest.param([active("a", end="2024-05-01"), active("a", go_live="2024-05-01")], [], id="one after another"),
        pytest.param([active("a"), active("b"), active("a", MR)], [], id="other trusts and algorithms"),
        pytest.param([active("a"), active("a")], ["#/activations/1"], id="the same twice"),
        pytest.param([active("a"), active("a", end="2024-05-01")], ["#/activations/1"], id="the same day twice"),
    ],
)
def test_activations_of_a_trust_and_algorithm_never_overlap(activations: list[Activation], errors: list[str]) -> None:
    if errors:
        assert refused(lambda: compile_terms(TERM, PRICES, activations)) == [
            (pointer, "activation_overlap") for pointer in errors
        ]
    else:
        assert compile_terms(TERM, PRICES, activations)


def test_the_sentence_of_an_overlap_names_the_algorithm_the_trust_and_the_activation_before() -> None:
    activations = [active("z"), active("oslo"), active("oslo", go_live="2024-05-01")]
    with pytest.raises(InvalidInput, match=f"#/activations/2: {CT} at oslo is already active by activation 1."):
        compile_terms(TERM, PRICES, activations)


@pytest.mark.parametrize(
    ("start", "end", "errors"),
    [
        ("2024-01-02", "2024-02-01", ["#/period/from"]),
        ("2024-01-01", "2024-01-31", ["#/period/to"]),
        ("2023-12-01", "2026-02-01", ["#/period/from", "#/period/to"]),
    ],
)
def test_a_period_stands_on_bounds_and_its_errors_are_told_with_those_of_the_usage(
    start: str, end: str, errors: list[str]
) -> None:
    period = Period(day(start), day(end))
    compiled = compile_terms(TERM, PRICES, [active("a")])
    usage = [used("a", "2024-01-05", 1), used("nowhere", "2024-01-05", 1)]
    expected = [(pointer, "period_not_on_bound") for pointer in errors]
    assert refused(lambda: rate_compiled(compiled, usage, period)) == [
        *expected,
        ("#/usage/1", "usage_without_activation"),
    ]
    assert refused(lambda: marginal(compiled, usage, usage, period)) == expected


def test_a_what_if_refuses_activations_that_overlap() -> None:
    compiled = compile_terms(TERM, PRICES, [active("a")])
    more = [active("a"), active("a", go_live="2024-05-01")]
    assert refused(lambda: marginal(compiled, [], [], TERM.period, more)) == [("#/activations/1", "activation_overlap")]


LIVE = (
    active("a", go_live="2023-10-01"),
    active("b", go_live="2024-03-01", validation_from="2024-02-01", end="2024-05-10"),
)


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        pytest.param(used("a", "2023-12-31", 1), "usage_outside_agreement", id="before the agreement, activation live"),
        pytest.param(used("a", "2026-01-01", 1), "usage_outside_agreement", id="on the day the agreement ends"),
        pytest.param(used("a", "2026-01-02", 1), "usage_outside_agreement", id="after the agreement"),
        pytest.param(used("b", "2023-12-31", 1), "usage_outside_agreement", id="looked at first"),
        pytest.param(used("b", "2024-01-31", 1), "usage_without_activation", id="before validation"),
        pytest.param(used("b", "2024-05-10", 1), "usage_without_activation", id="on the day the activation ends"),
        pytest.param(used("b", "2024-05-11", 1), "usage_without_activation", id="after the activation"),
        pytest.param(used("c", "2024-05-10", 1), "usage_without_activation", id="no such trust"),
        pytest.param(used("a", "2024-05-10", 1, MR), "usage_without_activation", id="no such algorithm"),
        pytest.param(used("a", "2024-05-10", -1), "usage_below_zero", id="below zero"),
        pytest.param(used("a", "2024-01-01", 1), None, id="the first day of the agreement"),
        pytest.param(used("a", "2025-12-31", 1), None, id="the last day of the agreement"),
        pytest.param(used("b", "2024-02-01", 1), None, id="the first day of validation"),
        pytest.param(used("b", "2024-05-09", 1), None, id="the last day of the activation"),
        pytest.param(used("a", "2024-05-10", 0), None, id="nothing used"),
    ],
)
def test_usage_has_an_activation_on_its_day(entry: Usage, code: str | None) -> None:
    if code is None:
        assert sum(line.quantity or 0 for line in rated(PRICES, [*LIVE], [entry]).lines) in (0, entry.quantity)
    else:
        assert refused(lambda: rated(PRICES, [*LIVE], [entry])) == [("#/usage/0", code)]


def test_an_activation_that_is_never_live_takes_no_usage() -> None:
    activations = [active("a", end="2024-01-01"), active("b", end="2023-12-01", go_live="2023-11-01")]
    usage = [used("a", "2024-01-01", 1), used("b", "2024-01-01", 1)]
    assert [code for _, code in refused(lambda: rated(PRICES, activations, usage))] == ["usage_without_activation"] * 2


def test_a_day_below_zero_is_told_at_its_last_negative_entry() -> None:
    usage = [used("a", "2024-01-05", quantity) for quantity in (1, -3, 0, 1)]
    with pytest.raises(InvalidInput) as raised:
        rated(PRICES, [*LIVE], usage)
    assert [(error.pointer, error.detail) for error in raised.value.errors] == [
        ("#/usage/1", f"The usage of {CT} at a on 2024-01-05 sums to -1, below zero.")
    ]


def test_a_day_may_be_corrected_to_zero_and_days_do_not_make_up_for_one_another() -> None:
    usage = [used("a", "2024-01-05", 2), used("a", "2024-01-05", -2), used("a", "2024-01-06", 4)]
    assert rated(PRICES, [*LIVE], usage).total == 4
    assert refused(lambda: rated(PRICES, [*LIVE], [*usage, used("a", "2024-01-05", -1)])) == [
        ("#/usage/3", "usage_below_zero")
    ]


def test_a_ramp_by_units_may_be_as_long_as_it_likes() -> None:
    charge = usage_charge("*@1", ramp_up=ramp("200000u@0.50", "9999999u@0.25"))
    rating = rated(book(charge), [active("a")], [used("a", "2024-01-05", 200_004)])
    assert [(line.phase, line.quantity) for line in rating.lines] == [(1, 200_000), (2, 4)]


def test_validation_runs_up_to_go_live_and_is_told_of_by_trust_algorithm_and_day() -> None:
    activations = [
        replace(active(trust, algorithm, go_live="2024-03-01"), validation_from=day("2024-01-01"))
        for trust in ("b", "a")
        for algorithm in (MR, CT)
    ]
    usage = [
        used(trust, on, 2, algorithm)
        for on in ("2024-02-29", "2024-02-03", "2024-03-01")
        for trust in ("b", "a")
        for algorithm in (MR, CT)
    ]
    rating = rated(PRICES, activations, usage)
    assert rating.total == 8
    assert [(each.trust, each.algorithm, each.on, each.quantity, each.reason) for each in rating.excluded] == [
        (trust, algorithm, day(on), 2, "validation")
        for trust in ("a", "b")
        for algorithm in (CT, MR)
        for on in ("2024-02-03", "2024-02-29")
    ]
