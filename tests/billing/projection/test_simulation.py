"""A scenario's cost as a distribution: the rating where nothing is uncertain, the same bytes for the same inputs otherwise."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from billing import jobs
from billing.ceiling.burn_down import burn_down
from billing.ceiling.posts import post_figures
from billing.forecasting.daily_rates import Plan
from billing.projection import projection, simulation
from billing.projection.projection import MonthlyUsage, Noise, Scenario
from billing.projection.simulation import Simulated
from billing.scenarios.answer import Answer, answer
from billing.schemas.projections import load_scenario
from billing.schemas.simulations import dump_answer
from contracts import ceiling
from contracts.errors import InvalidInput
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from contracts.terms.period import Period, add_months
from contracts.terms.price_book import Activation
from tests import examples
from tests.recorded import record_agreement, record_usage

COUNTS = b"trust,algorithm,month,quantity\n" + b"".join(
    f"{trust},xray-skeletal,2024-{month:02},{quantity + 7 * month % 40}\n".encode()
    for month in range(1, 10)
    for trust, quantity in (("vestre-viken", 210), ("sykehuset-ostfold", 126))
)
TODAY = date(2024, 10, 1)
YEAR = Period(TODAY, date(2025, 10, 1))
PLAN = Plan(Activation("akershus", "xray-skeletal", date(2025, 2, 1)), monthly_volume=60)
NOISY = Noise(Decimal("0.06"), Decimal("0.06"), Decimal("0.02"), Decimal("0.5"))
SPREAD = Scenario(
    YEAR,
    TODAY,
    (PLAN,),
    annual_index=Decimal("0.03"),
    seed=42,
    draws=200,
    growth_spread=Decimal("0.03"),
    index_spread=Decimal("0.01"),
    noise=NOISY,
)


def recorded(document: dict[str, Any] | None = None) -> int:
    agreement_id = record_agreement(document)
    assert record_usage(agreement_id, COUNTS, now=datetime(2024, 10, 1, 5, tzinfo=UTC)).status == "imported"
    return agreement_id


def simulated(agreement_id: int, scenario: Scenario, threads: int = 1) -> Simulated:
    with db.read() as session:
        return simulation.simulate_scenario(
            session, agreement_id=agreement_id, scenario=scenario, actor=COMMAND_LINE, threads=threads
        )


def answered(agreement_id: int, scenario: Scenario, threads: int = 1) -> Answer:
    with db.read() as session:
        return answer(
            session,
            agreement_id=agreement_id,
            scenario=scenario,
            actor=COMMAND_LINE,
            today=TODAY,
            threads=threads,
        )


def rated(agreement_id: int, scenario: Scenario) -> projection.Projection:
    with db.read() as session:
        return projection.project(session, agreement_id=agreement_id, scenario=scenario, actor=COMMAND_LINE)


def in_ore(amount: Decimal) -> int:
    return int(amount * 100)


def assert_same(found: Simulated, expected: projection.Projection) -> None:
    """Hold every month of both courses, and the splits, against the rating's, to the øre."""
    for course, rating in ((found.with_plans, expected.course), (found.without, expected.without)):
        fans = course.simulation.fans()
        assert [fan.mean for fan in fans] == [month.cost for month in rating.months]
        assert all(fan.p10 == fan.p50 == fan.p90 == fan.mean for fan in fans)
        assert list(course.simulation.list_price) == [in_ore(month.list_price) for month in rating.months]
        assert list(course.simulation.discount) == [in_ore(month.discount) for month in rating.months]
        assert course.total.mean == rating.total
        assert course.first_year.mean == rating.first_year
    assert found.marginal.total.mean == expected.marginal.total
    trusts = {code: each.total.mean for code, each in found.with_plans.simulation.trusts.items() if each.draws.any()}
    assert trusts == {code: amount for code, amount in expected.by_trust.items() if amount}


@pytest.mark.parametrize(
    "assumed",
    [
        pytest.param({}, id="as it runs"),
        pytest.param({"annual_growth": Decimal("0.125")}, id="growth"),
        pytest.param({"annual_index": Decimal("0.03")}, id="index"),
        pytest.param({"plans": (PLAN,)}, id="a plan"),
        pytest.param({"plans": (replace(PLAN, adoption_months=6),)}, id="a plan taken up over six months"),
        pytest.param({"period": Period(date(2027, 6, 1), date(2028, 4, 1))}, id="beyond the agreement's end"),
    ],
)
def test_without_spread_the_simulation_of_a_forecast_is_its_rating(app: Flask, assumed: dict[str, Any]) -> None:
    agreement_id = recorded()
    scenario = replace(Scenario(YEAR, TODAY), **assumed)
    assert_same(simulated(agreement_id, scenario), rated(agreement_id, scenario))


MODELS: tuple[dict[str, Any], ...] = (
    {"model": "graduated", "tiers": examples.tiers("200@60.00, 900@45.00, *@30.00")},
    {"model": "volume", "tiers": examples.tiers("200@60.00, 900@45.00, *@30.00")},
)


@pytest.mark.parametrize("number", range(8))
def test_without_spread_the_simulation_of_given_volumes_is_their_rating(app: Flask, number: int) -> None:
    chance = random.Random(number)
    document = examples.agreement()
    charge = document["price_book"]["versions"][0]["charges"][0]
    charge |= MODELS[number % 2]
    charge["counter"] = {
        "scope": chance.choice(["agreement", "trust"]),
        "window": chance.choice(["calendar_year", "quarter"]),
    }
    charge["ramp_up"]["counts_towards_tiers"] = chance.random() < 0.5
    agreement_id = recorded(document)
    usage = tuple(
        MonthlyUsage(trust, "xray-skeletal", Period.month(add_months(YEAR.start, month)), chance.randrange(900))
        for month in range(12)
        for trust in ("vestre-viken", "sykehuset-ostfold", *(("akershus",) if month > 4 else ()))
    )
    scenario = Scenario(YEAR, TODAY, (replace(PLAN, monthly_volume=0),), usage=usage)
    found, expected = simulated(agreement_id, scenario), rated(agreement_id, scenario)
    assert expected.course.total > 0
    assert found.with_plans.total.mean == expected.course.total
    assert [fan.mean for fan in found.with_plans.simulation.fans()] == [each.cost for each in expected.course.months]


def test_the_same_seed_gives_the_same_bytes_with_one_thread_and_with_two(app: Flask) -> None:
    agreement_id = recorded()
    one, two = (json.dumps(dump_answer(answered(agreement_id, SPREAD, threads))) for threads in (1, 2))
    assert one == two
    other = json.dumps(dump_answer(answered(agreement_id, replace(SPREAD, seed=43))))
    assert other != one


def test_the_command_gives_the_same_bytes_under_another_hash_seed_and_locale(app: Flask, sqlite_url: str) -> None:
    recorded()
    document = {
        "from": "2024-10",
        "to": "2025-09",
        "as_of": "2024-10-01",
        "draws": 50,
        "seed": 42,
        "noise": {"trust": "0.06", "algorithm": "0.06", "rho": "0.5"},
        "activations": [
            {"trust": "akershus", "algorithm": "xray-skeletal", "go_live": "2025-02-01", "monthly_volume": 60}
        ],
    }

    def projected(**environment: str) -> bytes:
        return subprocess.run(
            [sys.executable, "-m", "flask", "project", "-", "--json"],
            input=json.dumps(document).encode(),
            env={**os.environ, "DATABASE_URL": sqlite_url, **environment},
            check=True,
            capture_output=True,
        ).stdout

    first = projected(PYTHONHASHSEED="1", LC_ALL="C")
    assert json.loads(first)["months"]
    assert first == projected(PYTHONHASHSEED="2", LC_ALL="C.UTF-8")


def test_a_plan_leaves_what_the_draws_cost_without_it_as_it_was(app: Flask) -> None:
    agreement_id = recorded()
    with_plan, alone = simulated(agreement_id, SPREAD), simulated(agreement_id, replace(SPREAD, plans=()))
    assert (with_plan.without.simulation.cost == alone.with_plans.simulation.cost).all()
    assert with_plan.marginal.total.mean > 0
    assert with_plan.with_plans.total.p10 < with_plan.with_plans.total.p50 < with_plan.with_plans.total.p90


@pytest.mark.parametrize("draws", [0, simulation.MOST_DRAWS + 1])
def test_too_few_or_too_many_draws_are_refused(app: Flask, draws: int) -> None:
    agreement_id = recorded()
    with pytest.raises(InvalidInput) as refused:
        simulated(agreement_id, replace(SPREAD, draws=draws))
    assert [(each.pointer, each.code) for each in refused.value.errors] == [("#/draws", "out_of_range")]


PLANNED = {"trust": "akershus", "algorithm": "xray-skeletal", "monthly_volume": 60}


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        pytest.param({"draws": 0}, "#/draws", "out_of_range", id="no draws"),
        pytest.param({"growth": {"spread": "1.5"}}, "#/growth/spread", "out_of_range", id="a spread above one"),
        pytest.param({"noise": {"rho": "1"}}, "#/noise/rho", "out_of_range", id="noise that never fades"),
        pytest.param(
            {"activations": [PLANNED | {"go_live": "2025-01-01", "go_live_between": ["2025-01", "2025-06"]}]},
            "#/activations/0/go_live",
            "either_or",
            id="a start and a window",
        ),
        pytest.param(
            {"activations": [PLANNED | {"go_live_between": ["2025-06", "2025-01"]}]},
            "#/activations/0/go_live_between",
            "window",
            id="a window that ends before it begins",
        ),
        pytest.param(
            {"activations": [PLANNED | {"go_live_between": ["2025-06"]}]},
            "#/activations/0/go_live_between",
            "two_months",
            id="half a window",
        ),
    ],
)
def test_a_scenario_document_is_refused_with_the_place_of_its_error(
    change: dict[str, Any], path: str, code: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        load_scenario({"from": "2024-10", "to": "2025-09"} | change, as_of=TODAY)
    assert (path, code) in [(each.pointer, each.code) for each in refused.value.errors]


def test_an_open_start_is_proposed_within_its_months_and_never_worse_than_all_at_once(app: Flask) -> None:
    agreement_id = recorded()
    document = {
        "from": "2024-10",
        "to": "2026-12",
        "as_of": "2024-10-01",
        "draws": 20,
        "noise": {},
        "activations": [
            {"trust": trust, "algorithm": "xray-skeletal", "go_live_between": ["2025-01", "2025-06"]}
            | {"monthly_volume": volume}
            for trust, volume in (("akershus", 300), ("nord-norge", 280))
        ],
    }
    found = answered(agreement_id, load_scenario(document))
    proposal = found.proposal
    assert proposal is not None
    assert {each.trust for each in proposal.starts} == {"akershus", "nord-norge"}
    assert all(date(2025, 1, 1) <= each.go_live < date(2025, 7, 1) for each in proposal.starts)
    assert proposal.rise < proposal.rise_at_once
    assert proposal.gap >= 0
    # The answer is that of the scenario started as proposed.
    assert [plan.activation.go_live for plan in found.simulated.scenario.plans] == [
        each.go_live for each in proposal.starts
    ]


def test_the_ceiling_counts_usage_to_the_cut_off_as_accrued_and_what_runs_after_it_as_committed(app: Flask) -> None:
    agreement_id = recorded()
    with db.read() as session:
        figures = burn_down(session, agreement_id=agreement_id, today=TODAY).figures
        again = burn_down(session, agreement_id=agreement_id, today=TODAY).figures
    past = rated(agreement_id, Scenario(Period(date(2024, 1, 1), TODAY), as_of=TODAY))
    assert figures == again
    assert figures.invoiced == {}
    assert sum(figures.accrued.values()) == past.course.total
    assert set(figures.accrued) == {"2024-Q1", "2024-Q2", "2024-Q3"}
    coming = rated(agreement_id, Scenario(Period(TODAY, date(2028, 1, 1)), as_of=TODAY)).course.total
    assert abs(figures.committed - coming) < coming * Decimal("0.05")
    assert figures.maximum is not None
    assert figures.headroom == figures.maximum - figures.used - figures.open


def test_exhaustion_dates_come_in_order_and_a_share_of_draws_never_gets_there(app: Flask) -> None:
    document = examples.agreement()
    document["estimated_value"], document["maximum_value"] = "300000.00", "400000.00"
    agreement_id = recorded(document)
    exhausted = answered(agreement_id, SPREAD).outlook.exhausted
    assert exhausted is not None
    dates = [day for day in (exhausted.p10, exhausted.p50, exhausted.p90) if day is not None]
    assert dates
    assert dates == sorted(dates)
    assert 0 <= exhausted.never < 1


def test_the_same_figures_again_post_nothing_and_new_usage_is_told_with_its_instant(app: Flask) -> None:
    agreement_id = recorded()
    first, second = datetime(2024, 10, 1, 6, tzinfo=UTC), datetime(2024, 11, 4, 6, tzinfo=UTC)

    def posted(now: datetime) -> ceiling.Standing:
        with db.write() as session:
            post_figures(session, agreement_id=agreement_id, recorded_by="scheduler", now=now, today=now.date())
        with db.read() as session:
            return ceiling.standing(session, agreement_id)

    before = posted(first)
    assert before.accrued > 0
    assert posted(first) == before
    october = b"trust,algorithm,month,quantity\nvestre-viken,xray-skeletal,2024-10,400\n"
    assert record_usage(agreement_id, october, datetime(2024, 11, 4, 5, tzinfo=UTC)).status == "imported"
    after = posted(second)
    assert after.accrued > before.accrued
    with db.read() as session:
        assert ceiling.standing(session, agreement_id, known_at=first) == before


def test_the_daily_task_posts_the_ledger_of_every_agreement(app: Flask) -> None:
    agreement_id = recorded()
    now = datetime(2024, 10, 1, 6, tzinfo=UTC)
    assert jobs.post_ceilings(now) == 1
    with db.read() as session:
        standing = ceiling.standing(session, agreement_id)
        figures = burn_down(session, agreement_id=agreement_id, today=now.date()).figures
    assert (standing.accrued, standing.committed) == (sum(figures.accrued.values()), figures.committed)
    assert standing.committed > 0


def test_the_daily_task_passes_over_an_agreement_without_usage(app: Flask) -> None:
    agreement_id = record_agreement()
    assert jobs.post_ceilings(datetime(2024, 1, 10, 6, tzinfo=UTC)) == 1
    with db.read() as session:
        standing = ceiling.standing(session, agreement_id)
    assert (standing.invoiced, standing.accrued) == (Decimal(0), Decimal(0))
