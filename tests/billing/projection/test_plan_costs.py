"""What a plan costs is one figure: what-if, draft, scenario, budget and the guard of the budget tell the same."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from billing.ceiling.budgets import budget_course
from billing.charges.basis import gather
from billing.decisions import activation_costs
from billing.forecasting.daily_rates import Plan
from billing.projection import starting_order
from billing.projection.bound import bound_plans
from billing.projection.plan_costs import plan_cost
from billing.projection.projection import Scenario, project
from billing.projection.simulation import simulate_scenario
from billing.projection.what_if import what_if
from billing.projection.year_drivers import year_drivers
from contracts import agreements
from contracts.cases import CaseId, find_case
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.options import funding
from contracts.options import steps as options
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.terms.period import Period
from contracts.terms.price_book import Activation
from tests import desk
from tests.desk import APPROVER, Desk

TODAY = date(2026, 10, 15)
ZERO = Decimal("0.00")
# Pooled tiers make the others pay less; a plan under a counter of its own trust moves nobody.
PLANS = [
    pytest.param("oslo", "xray-chest", date(2027, 2, 1), 1800, True, id="pooled"),
    pytest.param("sykehuset-ostfold", "mr-ms-followup", date(2027, 3, 1), 140, True, id="pooled-and-small"),
    pytest.param("sykehuset-ostfold", "ct-lung-nodules", date(2027, 1, 4), 210, False, id="per-trust"),
]


def agreement_of(session: Session) -> int:
    return agreements.list_agreements(session)[0].id


@pytest.mark.parametrize(("trust", "algorithm", "starts_on", "quantity", "pooled"), PLANS)
def test_what_if_draft_and_scenario_tell_one_cost_own_others_and_in_sum(
    example_app: Flask, trust: str, algorithm: str, starts_on: date, quantity: int, pooled: bool
) -> None:
    with db.read() as session:
        agreement_id = agreement_of(session)
        asked = what_if(
            session,
            agreement_id=agreement_id,
            trust=trust,
            algorithm=algorithm,
            go_live=starts_on,
            monthly_volume=quantity,
            adoption_months=0,
            today=TODAY,
            actor=COMMAND_LINE,
        )
        draft = activation_costs.estimate(session, agreement_id, trust, algorithm, starts_on, None, quantity, TODAY)
        scenario = Scenario(
            Period(starts_on.replace(day=1), date(2028, 1, 1)),
            asked.projection.scenario.as_of,
            (Plan(Activation(trust, algorithm, starts_on), quantity),),
        )
        projected = project(session, agreement_id=agreement_id, scenario=scenario, actor=COMMAND_LINE)
        # With no randomness the simulation is the rating of the expected volumes.
        drawn = simulate_scenario(session, agreement_id=agreement_id, scenario=scenario, actor=COMMAND_LINE)
    assert asked.others is not None
    assert (draft.own, draft.others) == (asked.own.total, asked.others.total)
    assert draft.expected == draft.own + draft.others == projected.marginal.total == drawn.marginal.total.mean
    assert [month.amount for month in draft.by_month] == [month.cost for month in projected.marginal.months]
    assert (asked.others.total < 0) == pooled, "the others' volumes stand in the world that the plan is held against"
    assert draft.as_of == date(2026, 10, 1)


def submitted(at: Desk, trust: str, algorithm: str, starts_on: date, quantity: int) -> CaseId:
    """Send a plan of the example to approval with the figures that the product itself computes."""
    requester = desk.person("requester", "trust_requester", trust=trust)
    case_id = at.draft(
        trust=trust, algorithm=algorithm, starts_on=starts_on, monthly_quantity=quantity, actor=requester
    )
    at.certify(algorithm, number=f"NB-{algorithm}")
    at.file(case_id, actor=requester)
    at.act(case_id, "submit", requester, figures=options.estimated(at.session, at.case(case_id), TODAY))
    return case_id


def test_after_its_approval_the_budget_page_has_left_what_the_cover_of_the_plan_said(example_app: Flask) -> None:
    with db.write() as session:
        at = Desk(session, agreement_of(session))
        for year in (2026, 2027):
            funding.set_budget(
                session,
                trust="sykehuset-i-vestfold",
                cost_centre=desk.COST_CENTRE,
                year=year,
                amount=Decimal("140000.00"),
                approved_on=date(2026, 1, 10),
                reference="Board 3/2026",
                actor=desk.CONTROLLER,
                now=at.now,
            )

        def left(trust: str) -> Decimal | None:
            found = budget_course(session, agreement_id=at.agreement_id, year=2027, actor=COMMAND_LINE, today=TODAY)
            (centre,) = [one for one in found.centres if (one.trust, one.cost_centre) == (trust, desk.COST_CENTRE)]
            return centre.year.left

        told = []
        for algorithm, quantity in (("ct-pe", 150), ("mr-ms-followup", 60)):
            case_id = submitted(at, "sykehuset-i-vestfold", algorithm, date(2027, 2, 1), quantity)
            case = at.case(case_id)
            assert case.submission is not None
            assert case.submission.figures is not None
            (cover,) = options.covers(session, case, case.submission.figures, TODAY)
            # The guard that decides says the same: what it warns of is what does not reach.
            choice = options.choice(session, case, "approve", APPROVER, at=at.now)
            warned = [one.numbers["cover"] for one in choice.warnings if one.code == "funding_below_cost"]
            assert warned == ([str(cover.left)] if cover.left < 0 else [])
            at.act(case_id, "approve", APPROVER)
            assert left("sykehuset-i-vestfold") == cover.left
            assert options.covers(session, at.case(case_id), case.submission.figures, TODAY) == (cover,)
            told.append(cover)
        assert told[0].bound == ZERO
        assert told[1].bound == told[0].cost, "the plan approved before is bound"
        assert told[0].left > 0 > told[1].left, "each alone would fit the whole budget; together they do not"
        assert told[1].cost < Decimal("140000.00")
        session.rollback()


def test_a_plan_is_rated_in_the_world_in_which_the_approved_ones_run(example_app: Flask) -> None:
    with db.write() as session:
        at = Desk(session, agreement_of(session))
        plan = Plan(Activation("sykehuset-i-vestfold", "ct-pe", date(2027, 1, 1)), 400)

        def cost() -> Decimal:
            found = plan_cost(session, agreement_id=at.agreement_id, plan=plan, today=TODAY, actor=COMMAND_LINE)
            assert found.own.total + found.others.total == found.whole.total
            return found.whole.total

        def next_year() -> int:
            found = year_drivers(
                session, agreement_id=at.agreement_id, year=2027, as_of=date(2026, 10, 1), actor=COMMAND_LINE
            )
            return found.drivers.next_ore

        def ordered() -> Decimal:
            months = Period(date(2026, 10, 1), date(2028, 1, 1))
            scenario = Scenario(months, date(2026, 10, 1), (plan,), windows=((date(2027, 1, 1), date(2027, 3, 1)),))
            found = starting_order.proposed(
                session, agreement_id=at.agreement_id, scenario=scenario, actor=COMMAND_LINE
            )
            return sum((month.total for month in found.at_once), ZERO)

        alone, year_alone, order_alone = cost(), next_year(), ordered()
        for year in (2026, 2027):
            funding.set_budget(
                session, trust="oslo", cost_centre=desk.COST_CENTRE, year=year, amount=Decimal("900000.00"),
                approved_on=date(2026, 1, 10), reference="3/2026", actor=desk.CONTROLLER, now=at.now,
            )  # fmt: skip
        case_id = submitted(at, "oslo", "ct-pe", date(2027, 1, 4), 500)
        assert cost() == alone, "what waits for approval is not bound"
        at.act(case_id, "approve", APPROVER)
        assert cost() != alone, "the pooled counter stands higher once the other plan is approved"
        # The approved plan itself is looked at without itself beside it.
        case = find_case(session, agreement_id=at.agreement_id, case_id=case_id)
        assert case.submission is not None
        frozen = case.submission.figures
        assert options.estimated(session, case, TODAY) == frozen
        assert frozen is not None
        in_2027 = sum((month.amount for month in frozen.by_month if month.month.year == 2027), ZERO)
        assert next_year() - year_alone == 100 * in_2027, "the year to come has it too"
        assert ordered() > order_alone
        terms = gather(session, agreement_id=at.agreement_id)
        bound = bound_plans(session, terms, TODAY)
        holders = agreements.option_holders(session, at.agreement_id)
        offered = starting_order.rollout(terms, holders, ["ct-pe"], TODAY, bound=bound).pairs
        assert offered == starting_order.rollout(terms, holders, ["ct-pe"], TODAY).pairs - {("oslo", "ct-pe")} != set()
        session.rollback()


def test_a_reader_within_a_trust_asks_for_that_trust_only(example_app: Flask) -> None:
    reader = Actor("person:l", "L", (Grant("trust_reader", "akershus"),))
    plan = Plan(Activation("oslo", "xray-chest", date(2027, 2, 1)), 60)
    with db.read() as session, pytest.raises(NotFound):
        plan_cost(session, agreement_id=agreement_of(session), plan=plan, today=TODAY, actor=reader)
