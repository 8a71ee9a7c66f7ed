"""A proposed order: its courses are ratings to the øre, its plan without a file is the next algorithm of every trust."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from billing.charges.basis import gather
from billing.projection import starting_order
from billing.projection.projection import Scenario, project
from billing.projection.starting_order import CostMonth, Proposal, highest, largest_rise
from billing.schemas.projections import load_scenario
from contracts import agreements
from contracts.errors import InvalidInput
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from contracts.terms.period import Period, add_months
from tests import examples
from tests.recorded import AUTUMN, record_agreement, record_usage

COUNTS = b"trust,algorithm,month,quantity\n" + b"".join(
    f"{trust},xray-skeletal,2024-{month:02},{quantity + 7 * month % 40}\n".encode()
    for month in range(1, 10)
    for trust, quantity in (("vestre-viken", 210), ("sykehuset-ostfold", 126))
)
TODAY = date(2024, 10, 1)


def recorded() -> int:
    document = examples.agreement()
    document["price_book"]["versions"][0]["charges"][0]["algorithms"] = "all"
    agreement_id = record_agreement(document)
    assert record_usage(agreement_id, COUNTS, now=AUTUMN).status == "imported"
    return agreement_id


def planned(*activations: dict[str, Any]) -> Scenario:
    return load_scenario(
        {"from": "2024-10", "to": "2026-12", "as_of": "2024-10-01", "draws": 1, "activations": list(activations)}
    )


def between(
    trust: str, volume: int, first: str = "2025-01", last: str = "2025-06", algorithm: str = "xray-skeletal"
) -> dict[str, Any]:
    return {"trust": trust, "algorithm": algorithm, "go_live_between": [first, last], "monthly_volume": volume}


def proposed(agreement_id: int, scenario: Scenario) -> Proposal:
    with db.read() as session:
        return starting_order.proposed(session, agreement_id=agreement_id, scenario=scenario, actor=COMMAND_LINE)


def rated(agreement_id: int, scenario: Scenario, period: Period) -> list[Decimal]:
    with db.read() as session:
        told = project(
            session,
            agreement_id=agreement_id,
            scenario=replace(scenario, period=period, windows=()),
            actor=COMMAND_LINE,
        )
    return [month.cost for month in told.course.months]


@pytest.mark.parametrize(
    "activations",
    [
        pytest.param([between("akershus", 300)], id="one"),
        pytest.param([between("akershus", 300), between("nord-norge", 280)], id="two in one pool"),
        pytest.param(
            [
                between("akershus", 300),
                between("nord-norge", 280, "2025-03", "2025-03"),
                between("vestre-viken", 90, algorithm="ct-pe"),
            ],
            id="one that may not move, one of another kind",
        ),
    ],
)
def test_both_courses_are_the_rating_of_the_scenario_so_started(app: Flask, activations: list[dict[str, Any]]) -> None:
    agreement_id = recorded()
    scenario = planned(*activations)
    proposal = proposed(agreement_id, scenario)
    assert [month.month for month in proposal.at_once] == list(proposal.horizon.months())
    assert [month.total for month in proposal.at_once] == rated(agreement_id, scenario, proposal.horizon)
    assert [month.total for month in proposal.staggered] == rated(
        agreement_id, proposal.applied(scenario), proposal.horizon
    )
    assert any(month.discounted for month in proposal.staggered)


def test_the_search_adds_what_each_activation_costs_by_itself(app: Flask) -> None:
    agreement_id = recorded()
    plans = (between("akershus", 300, last="2025-03"), between("nord-norge", 280, last="2025-03"))
    proposal = proposed(agreement_id, planned(*plans))
    without = rated(agreement_id, planned(), proposal.horizon)
    courses = []
    for plan in plans:
        own = []
        for month in ("2025-01", "2025-02", "2025-03"):
            moved = planned(plan | {"go_live_between": [month, month]})
            own.append(
                [mine - base for mine, base in zip(rated(agreement_id, moved, proposal.horizon), without, strict=True)]
            )
        courses.append(own)

    def rise(one: int, other: int) -> Decimal:
        cost = [sum(each, Decimal(0)) for each in zip(without, courses[0][one], courses[1][other], strict=True)]
        return max(cost[at] - cost[at - gap] for gap in (1, 2, 3) for at in range(gap, len(cost)))

    every = {(one, other): rise(one, other) for one in range(3) for other in range(3)}
    best = min(every.values())
    assert (proposal.rise, proposal.gap) == (best, Decimal(0))
    assert proposal.rise_at_once == every[0, 0]
    assert proposal.delay == min(sum(starts) for starts, worst in every.items() if worst == best)


def months(*totals: int) -> list[CostMonth]:
    return [
        CostMonth(Period.month(add_months(date(2025, 1, 1), number)), Decimal(total), Decimal(0))
        for number, total in enumerate(totals)
    ]


@pytest.mark.parametrize(
    ("totals", "expected"),
    [
        pytest.param((10, 10, 9), None, id="never rises"),
        pytest.param((10, 12, 14, 16, 18), (6, "2025-01", "2025-04"), id="over three months"),
        pytest.param((10, 0, 0, 0, 9, 0), (9, "2025-02", "2025-05"), id="the earliest of equals"),
        pytest.param((1, 5, 2, 6), (5, "2025-01", "2025-04"), id="across a dip"),
    ],
)
def test_the_largest_rise_is_from_a_month_to_one_at_most_three_later(totals: tuple[int, ...], expected: Any) -> None:
    found = largest_rise(months(*totals))
    told = None if found is None else (found.amount, found.since.label(), found.until.label())
    assert told == expected


def test_the_highest_month_is_the_earliest_of_equals() -> None:
    top = highest(months(3, 7, 7))
    assert top is not None
    assert top.month.label() == "2025-02"
    assert highest([]) is None


def test_what_starts_outside_the_agreement_is_refused(app: Flask) -> None:
    agreement_id = recorded()
    with pytest.raises(InvalidInput):
        proposed(agreement_id, planned(between("nobody", 300)))


def test_the_usual_plan_is_what_most_others_run_at_the_volume_they_count(app: Flask) -> None:
    agreement_id = recorded()
    with db.read() as session:
        holders = agreements.option_holders(session, agreement_id)
        terms = gather(session, agreement_id=agreement_id)
        codes = [each.code for each in agreements.marketplace(session, agreement_id)]
        plan = starting_order.rollout(terms, holders, codes, TODAY)
    running = {"vestre-viken", "sykehuset-ostfold"}
    # The mean of July to September, over the two who run it.
    counted = [quantity + 7 * month % 40 for month in (7, 8, 9) for quantity in (210, 126)]
    assert {each.activation.trust for each in plan.plans} == {each.party.code for each in holders} - running
    assert {each.activation.algorithm for each in plan.plans} == {"xray-skeletal"}
    assert {each.monthly_volume for each in plan.plans} == {round(sum(counted) / len(counted))}
    assert set(plan.windows) == {(date(2025, 1, 1), date(2025, 12, 1))}
    assert plan.as_of == TODAY


def test_the_command_prints_by_how_much_the_largest_rise_falls(app: Flask, tmp_path: Any) -> None:
    recorded()
    file = tmp_path / "plan.json"
    document = {"from": "2024-10", "to": "2026-12", "as_of": "2024-10-01"}
    document["activations"] = [between("akershus", 300), between("nord-norge", 280)]  # type: ignore[assignment]
    file.write_text(json.dumps(document))
    ran = app.test_cli_runner().invoke(args=["forecast", "order", str(file), "--json"])
    assert ran.exit_code == 0, ran.output
    told = json.loads(ran.output)
    once, apart = (Decimal(told[name]["largest_rise"]["amount"]) for name in ("at_once", "staggered"))
    assert 0 < apart < once
    assert told["fall"] == format(round(1 - apart / once, 4).normalize(), "f")
    assert {start["trust"] for start in told["order"]} == {"akershus", "nord-norge"}
    spoken = app.test_cli_runner().invoke(args=["forecast", "order", str(file)])
    assert f"falls by {Decimal(told['fall']) * 100:.1f} %" in spoken.output
