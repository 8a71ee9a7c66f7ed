"""What an activation is expected to cost to the agreement's current end, as the figures that a submission freezes.

What is expected is what the plan costs in the one rating of it (`billing.projection.plan_costs`), own trust and others; the amount
that nine of ten outcomes stay within is drawn from the same world, with the activation and without it on the same draws.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from sqlalchemy.orm import Session

from billing.forecasting.daily_rates import Plan
from billing.projection.plan_costs import plan_cost
from billing.projection.simulation import simulate_scenario
from contracts.options import steps as options
from contracts.people.access import Actor, Grant
from contracts.terms.cost_figures import CostFigures, MonthCost
from contracts.terms.price_book import Activation

DRAWS: Final = 1000
# The estimate reads what every trust used, whoever asks for it; what it gives is the sum.
_READER: Final = Actor("estimate", "Estimate", (Grant("auditor"),))


def register() -> None:
    """Let submissions ask for these figures."""
    options.register_estimate(estimate)


def estimate(
    session: Session,
    agreement_id: int,
    trust: str,
    algorithm: str,
    starts_on: date,
    ends_on: date | None,
    monthly_quantity: int,
    today: date,
) -> CostFigures:
    """Compute the figures of a plan, in kroner excluding VAT, from the month it starts in to the agreement's current end.

    The same knowledge gives the same figures. Raises `InvalidInput` as `project` does.
    """
    plan = Plan(Activation(trust, algorithm, starts_on, end=ends_on), monthly_quantity)
    cost = plan_cost(session, agreement_id=agreement_id, plan=plan, today=today, actor=_READER)
    scenario = replace(cost.projection.scenario, draws=DRAWS, noise=None)
    reads = cost.told(trust)
    told = cost.own if reads.whole is None else reads.whole
    drawn = simulate_scenario(session, agreement_id=agreement_id, scenario=scenario, actor=_READER).marginal
    return CostFigures(
        first=starts_on,
        until=cost.projection.agreement.term.end,
        expected=cost.whole.total,
        p90=max(cost.whole.total, drawn.total.p90),
        first_year=cost.whole.first_year,
        ramp_end=cost.ramp_end,
        others=cost.others.total,
        by_month=tuple(
            MonthCost(
                whole.month.start,
                whole.cost,
                whole.cost - own.cost,
                seen.cost - own.cost if own.month in reads.months else None,
            )
            for whole, own, seen in zip(cost.whole.months, cost.own.months, told.months, strict=True)
        ),
        basis=f"rated as counted before {scenario.as_of.isoformat()}; simulation of {DRAWS} draws, seed {scenario.seed}",
        as_of=scenario.as_of,
    )
