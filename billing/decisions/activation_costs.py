"""What an activation is expected to cost to the agreement's current end, as the figures that a submission freezes.

The simulation draws the volumes with the activation and without it, on the same draws; the difference is the activation's,
for all trusts together: its mean by month, and the amount that nine of ten draws stay within. What falls on the other
trusts is read from the projection of the expected volumes.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from sqlalchemy.orm import Session

from billing.forecasting.daily_rates import Plan
from billing.projection.projection import Scenario, project
from billing.projection.simulation import simulate_scenario
from contracts import agreements
from contracts.options import steps as options
from contracts.people.access import Actor, Grant
from contracts.terms.cost_figures import CostFigures, MonthCost
from contracts.terms.money import ZERO
from contracts.terms.period import Period
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
) -> CostFigures:
    """Compute the figures of a plan, in kroner excluding VAT, from the month it starts in to the agreement's current end.

    The same knowledge gives the same figures. Raises `InvalidInput` as `project` does.
    """
    end = agreements.agreement_summary(session, agreement_id).term.end
    first = Period.month(starts_on).start
    period = Period(first, Period.month(max(end - timedelta(days=1), first)).end)
    plan = Plan(Activation(trust, algorithm, starts_on, end=ends_on), monthly_quantity, 0)
    scenario = Scenario(period, first, (plan,), draws=DRAWS, noise=None)
    drawn = simulate_scenario(session, agreement_id=agreement_id, scenario=scenario, actor=_READER).marginal
    months = tuple(
        MonthCost(month.start, fan.mean)
        for month, fan in zip(drawn.simulation.months, drawn.simulation.fans(), strict=True)
    )
    expected = sum((month.amount for month in months), ZERO)
    told = project(session, agreement_id=agreement_id, scenario=scenario, actor=_READER)
    discounted = [
        month.month.end
        for month in (told.marginal_by_trust[trust].months if trust in told.marginal_by_trust else ())
        if month.discount
    ]
    return CostFigures(
        first=starts_on,
        until=end,
        expected=expected,
        p90=max(expected, drawn.total.p90),
        first_year=sum((month.amount for month in months[:12]), ZERO),
        ramp_end=max(discounted, default=None),
        others=sum((course.total for other, course in told.marginal_by_trust.items() if other != trust), ZERO),
        by_month=months,
        basis=f"simulation of {DRAWS} draws, seed {scenario.seed}",
    )
