"""Terms are compiled into groups that cannot influence one another and days that are alike for every charge."""

from __future__ import annotations

from fractions import Fraction

import pytest

from billing.rating.charge_terms import Level
from billing.rating.compile import CompiledTerms, compile_activations, compile_book
from billing.rating.models import compile_model
from contracts.terms.price_book import AgreementTerm
from contracts.terms.price_model import Conventions, FixedCharge, OneOffCharge
from contracts.terms.price_models import Package
from tests.billing.rating.notation import CT, MR, active, book, day, limit, nok, ramp, rated, usage_charge, versions

QUARTER = AgreementTerm(day("2024-01-01"), day("2024-04-01"))
MONTHS = ("2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01")
ACTIVATIONS = (active("a"), active("a", MR), active("b"))


def groups(compiled: CompiledTerms) -> list[tuple[object, ...]]:
    return [
        (group.course.code, group.key, [(member.trust, member.algorithm) for member in group.members])
        for group in compiled.groups
    ]


POOL, OWN = usage_charge("*@1", code="pool"), usage_charge("*@1", "activation", code="own", algorithms=(CT,))
CAPPED = usage_charge("*@1", "activation", code="capped", maximum=limit("9", "trust"))
FEE = FixedCharge("fee", "8", nok("1"), "trust", "month", algorithms=(MR,))


def test_a_charge_falls_apart_by_the_widest_scope_it_counts_limits_or_bills_in() -> None:
    compiled = compile_activations(compile_book(QUARTER, book(POOL, OWN, CAPPED, FEE)), ACTIVATIONS)
    everything = [("a", CT), ("a", MR), ("b", CT)]
    assert groups(compiled) == [
        ("capped", ("a", None), everything[:2]),
        ("capped", ("b", None), everything[2:]),
        ("fee", ("a", None), [("a", MR)]),
        ("own", ("a", CT), [("a", CT)]),
        ("own", ("b", CT), [("b", CT)]),
        ("pool", (None, None), everything),
    ]


def test_only_the_groups_that_are_asked_for_are_built() -> None:
    compiled_book = compile_book(QUARTER, book(POOL, OWN, FEE))
    asked = frozenset({("own", ("b", CT)), ("fee", ("a", None))})
    compiled = compile_activations(compiled_book, ACTIVATIONS, asked)
    assert {(code, key) for code, key, _ in groups(compiled)} == asked


@pytest.mark.parametrize(
    ("charges", "cuts"),
    [
        pytest.param([usage_charge("*@1")], [], id="no ramp"),
        pytest.param([usage_charge("*@1", ramp_up=ramp("1m@0.5"))], ["2024-02-10"], id="a ramp by months"),
        pytest.param([usage_charge("*@1", ramp_up=ramp("1m@0.5", starts="next_month"))], [], id="from the first"),
        pytest.param([usage_charge("*@1", ramp_up=ramp("1u@0.5"))], [], id="a ramp by units"),
        pytest.param(
            [usage_charge("*@1", algorithms=(MR,), ramp_up=ramp("1m@0.5"))], [], id="another algorithm's ramp"
        ),
    ],
)
def test_days_are_cut_where_something_changes_for_a_charge_and_nowhere_else(
    charges: list[object], cuts: list[str]
) -> None:
    activations = [active("a", go_live="2024-01-10", validation_from="2024-01-05", end="2024-03-20")]
    compiled = compile_activations(compile_book(QUARTER, book(*charges)), activations)  # type: ignore[arg-type]
    timeline = compiled.timelines["a", CT]
    own = ["2024-01-05", "2024-01-10", "2024-03-20"]
    assert [each.isoformat() for each in timeline.bounds] == sorted([*MONTHS, *own, *cuts])
    assert compiled.segments == len(timeline.state) == len(timeline.bounds) - 1


def test_what_lies_outside_the_agreement_cuts_nothing() -> None:
    activations = [active("a", go_live="2023-12-10", end="2024-04-01"), active("b", go_live="2024-04-10")]
    charge = usage_charge("*@1", ramp_up=ramp("6m@0.5"))
    compiled = compile_activations(compile_book(QUARTER, book(charge)), activations)
    for timeline in compiled.timelines.values():
        assert [each.isoformat() for each in timeline.bounds] == [*MONTHS]


def test_a_package_has_no_unit_price_no_flat_fee_and_no_next_tier() -> None:
    terms = compile_model(Package(10, nok("5")), Level(Conventions(), Fraction(1), touched=False))
    assert (terms.first_unit_price, terms.first_flat_fee, terms.next_tier_at(0), terms.next_tier_at(99)) == (
        0,
        0,
        None,
        None,
    )


def test_a_trust_pays_a_one_off_once_also_where_a_later_version_names_another_algorithm() -> None:
    first, second = (OneOffCharge("setup", "9", nok("5 000"), "trust", (algorithm,)) for algorithm in (CT, MR))
    price_book = versions(d2024_01_01=(first,), d2024_06_01=(second,))
    activations = [active("a", go_live="2024-02-01"), active("a", MR, go_live="2024-07-01")]
    assert [(line.period.start.month, line.net) for line in rated(price_book, activations, []).lines] == [
        (2, nok("5000"))
    ]
