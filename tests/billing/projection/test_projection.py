"""A what-if is rated with and without the activation, because pooled tiers move everybody's prices."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from flask import Flask

from billing.charges import basis
from billing.forecasting.daily_rates import Plan
from billing.projection import projection
from billing.projection.projection import Scenario
from billing.schemas.projections import dump_projection
from contracts import agreements
from contracts.errors import InvalidInput
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from contracts.terms.money import format_rate
from contracts.terms.period import Period
from contracts.terms.price_book import Activation, IndexAdjustment, Usage
from tests import examples
from tests.oracle.evaluator import evaluate
from tests.recorded import record_agreement, record_usage

COUNTS = b"trust,algorithm,month,quantity\n" + b"".join(
    f"{trust},xray-skeletal,2024-{month:02},{quantity}\n".encode()
    for month in (1, 2, 3)
    for trust, quantity in (("vestre-viken", 210), ("sykehuset-ostfold", 126))
)
PLAN = Plan(Activation("akershus", "xray-skeletal", date(2024, 7, 1)), monthly_volume=60)


def run(agreement_id: int, scenario: Scenario) -> projection.Projection:
    with db.read() as session:
        return projection.project(session, agreement_id=agreement_id, scenario=scenario, actor=COMMAND_LINE)


def recorded(counts: bytes = COUNTS) -> int:
    agreement_id = record_agreement()
    assert record_usage(agreement_id, counts).status == "imported"
    return agreement_id


def test_without_change_the_coming_months_cost_what_their_working_days_at_the_mean_rate_cost(app: Flask) -> None:
    agreement_id = recorded()
    scenario = Scenario(Period(date(2024, 4, 1), date(2024, 6, 1)), as_of=date(2024, 4, 1))
    # Q1 2024 has 62 working days (28 and 29 March are holidays), April 21, May 19.
    april_vv, may_vv = round(630 / 62 * 21), round(630 / 62 * 19)
    april_so, may_so = round(378 / 62 * 21), round(378 / 62 * 19)
    explicit = Scenario(
        scenario.period,
        as_of=scenario.as_of,
        usage=(
            Usage("vestre-viken", "xray-skeletal", date(2024, 4, 2), april_vv),
            Usage("sykehuset-ostfold", "xray-skeletal", date(2024, 4, 2), april_so),
            Usage("vestre-viken", "xray-skeletal", date(2024, 5, 2), may_vv),
            Usage("sykehuset-ostfold", "xray-skeletal", date(2024, 5, 2), may_so),
        ),
    )
    assert run(agreement_id, scenario).course.total == run(agreement_id, explicit).course.total
    assert run(agreement_id, scenario).marginal.total == 0


def test_the_projection_of_given_quantities_is_their_rating_to_the_ore(app: Flask) -> None:
    agreement_id = recorded()
    usage = (
        Usage("vestre-viken", "xray-skeletal", date(2025, 3, 3), 333),
        Usage("sykehuset-ostfold", "xray-skeletal", date(2025, 6, 3), 77),
        Usage("akershus", "xray-skeletal", date(2025, 3, 10), 41),
    )
    plan = Plan(Activation("akershus", "xray-skeletal", date(2025, 2, 15)), monthly_volume=0)
    scenario = Scenario(Period.parse("2025"), as_of=date(2025, 1, 1), plans=(plan,), usage=usage)
    document = examples.agreement()
    request = {
        "agreement": document["agreement"],
        "period": {"from": "2025-01-01", "to": "2026-01-01"},
        "price_book": document["price_book"],
        "activations": [
            *document["activations"],
            {
                "trust": "akershus",
                "algorithm": "xray-skeletal",
                "validation_from": None,
                "go_live": "2025-02-15",
                "end": None,
            },
        ],
        "usage": [
            {"trust": entry.trust, "algorithm": entry.algorithm, "on": entry.on.isoformat(), "quantity": entry.quantity}
            for entry in usage
        ],
    }
    assert run(agreement_id, scenario).course.total == Decimal(evaluate(request)["total"])


def test_an_activation_costs_its_trust_and_makes_the_others_cheaper_where_tiers_are_pooled(app: Flask) -> None:
    agreement_id = recorded()
    result = run(agreement_id, Scenario(Period(date(2025, 1, 1), date(2026, 1, 1)), date(2024, 4, 1), (PLAN,)))
    assert result.marginal.total == result.course.total - result.without.total
    own = result.marginal_by_trust["akershus"].total
    others = sum(course.total for trust, course in result.marginal_by_trust.items() if trust != "akershus")
    assert own > 0 > others, "more pooled units move the others into the cheaper tier sooner"
    assert own + others == result.marginal.total


def test_the_end_of_the_ramp_is_a_step_in_the_trusts_cost(app: Flask) -> None:
    agreement_id = recorded()
    result = run(agreement_id, Scenario(Period(date(2024, 7, 1), date(2024, 11, 1)), date(2024, 4, 1), (PLAN,)))
    months = result.marginal_by_trust["akershus"].months
    assert [month.discount > 0 for month in months[:4]] == [True, True, True, False]
    assert [result.examinations[month.month] for month in months[:4]] == [60, 60, 60, 60]


def test_adoption_grows_in_equal_steps_to_the_full_volume(app: Flask) -> None:
    agreement_id = recorded()
    plan = Plan(PLAN.activation, monthly_volume=60, adoption_months=3)
    result = run(agreement_id, Scenario(Period(date(2024, 7, 1), date(2024, 11, 1)), date(2024, 4, 1), (plan,)))
    assert list(result.examinations.values()) == [20, 40, 60, 60]


def test_months_after_the_agreements_end_cost_nothing_and_are_marked(app: Flask) -> None:
    agreement_id = recorded()
    result = run(agreement_id, Scenario(Period(date(2027, 11, 1), date(2028, 3, 1)), date(2024, 4, 1), (PLAN,)))
    assert [(month.after_end, month.cost > 0) for month in result.course.months] == [
        (False, True),
        (False, True),
        (True, False),
        (True, False),
    ]


@pytest.mark.parametrize(
    ("annual", "used"),
    [
        pytest.param("0.03", "0.0300", id="as written"),
        pytest.param("0.03335", "0.0334", id="half is up"),
        pytest.param("0.033349", "0.0333", id="less than half is down"),
        pytest.param("-0.03335", "-0.0333", id="half of a fall is up too"),
        pytest.param("0.00004", "0.0000", id="nothing is left"),
    ],
)
def test_an_assumed_index_has_four_decimals_and_starts_on_each_january_first(
    app: Flask, annual: str, used: str
) -> None:
    agreement_id = recorded()
    usage = tuple(Usage("vestre-viken", "xray-skeletal", date(year, 1, 5), 100) for year in (2026, 2027))
    with db.read() as session:
        terms = basis.gather(session, agreement_id=agreement_id)
    assert [each.effective_from.year for each in terms.price_book.index_adjustments] == [2025]
    period = Period(date(2026, 1, 1), date(2028, 1, 1))
    scenario = Scenario(period, date(2024, 4, 1), annual_index=Decimal(annual), usage=usage)
    result = run(agreement_id, scenario)
    book = terms.price_book
    assumed = tuple(IndexAdjustment(date(year, 1, 1), 1 + Decimal(used), "assumption") for year in (2026, 2027))
    book = replace(book, index_adjustments=(*book.index_adjustments, *assumed))
    assert (
        result.course.total == replace(terms, price_book=book, usage=(*terms.usage, *usage)).rate(period).total > 10_000
    )
    index = dump_projection(result)["assumptions"]["index"]
    assert index == {"annual": format_rate(Decimal(used)), "spread": "0", "starts": "each_january_first"}


@pytest.mark.parametrize(
    ("activation", "pointer"),
    [
        (Activation("oslo", "xray-skeletal", date(2024, 7, 1)), "#/activations/0/trust"),
        (Activation("akershus", "ct-x", date(2024, 7, 1)), "#/activations/0/algorithm"),
        (Activation("vestre-viken", "xray-skeletal", date(2024, 7, 1)), "#/activations/0"),
    ],
    ids=["trust not on the list", "unknown algorithm", "active already"],
)
def test_an_impossible_activation_is_told_with_its_place(app: Flask, activation: Activation, pointer: str) -> None:
    agreement_id = recorded()
    scenario = Scenario(Period.parse("2025"), date(2024, 4, 1), (Plan(activation, 10),))
    with pytest.raises(InvalidInput) as refused:
        run(agreement_id, scenario)
    assert [error.pointer for error in refused.value.errors] == [pointer]


@pytest.mark.parametrize("seed", range(8))
def test_a_what_if_has_the_lines_of_two_full_ratings(example_app: Flask, seed: int) -> None:
    chance = random.Random(seed)
    with db.read() as session:
        agreement = agreements.find_agreement(session)
        terms = basis.gather(session, agreement_id=agreement.id)
        trusts = [holder.party.code for holder in agreements.option_holders(session, agreement.id)]
        algorithms = [algorithm.code for algorithm in agreements.marketplace(session, agreement.id)]
    active = {(row.trust, row.algorithm) for row in terms.activations}
    free = sorted({(trust, algorithm) for trust in trusts for algorithm in algorithms} - active)
    rows, usage = list(terms.activations), list(terms.usage)
    for trust, algorithm in chance.sample(free, chance.randint(0, 3)):
        go_live = date(2026, chance.randint(1, 9), chance.randint(1, 28))
        end = None if chance.random() < 0.7 else date(2026, 11, chance.randint(1, 28))
        rows.append(
            replace(rows[0], id=0, trust=trust, algorithm=algorithm, validation_from=None, go_live=go_live, end=end)
        )
        usage += [Usage(trust, algorithm, date(2026, 10, day), chance.randint(0, 4000)) for day in range(1, 29, 9)]
    planned = replace(terms, activations=tuple(rows), usage=tuple(usage))
    period = chance.choice([Period.parse("2026"), Period.parse("2026-Q4"), Period(date(2026, 9, 1), date(2027, 9, 1))])
    with_plans, without = projection.lines_with_and_without(planned, terms, period)
    assert without == terms.rate(period).lines
    assert Counter(with_plans) == Counter(planned.rate(period).lines)
    assert with_plans


def test_a_what_if_outside_the_term_has_no_lines(example_app: Flask) -> None:
    with db.read() as session:
        terms = basis.gather(session, agreement_id=agreements.find_agreement(session).id)
    assert projection.lines_with_and_without(terms, terms, Period.parse("2040")) == ((), ())
