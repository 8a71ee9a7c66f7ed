"""A case's expected gains beside its cost: net per year, and from which volume the gains cover the cost.

Both need every gain's amount and value; where one is unknown nothing is added up. The year compared is one at ordinary
prices, because a discount that ends says nothing of the years after it. The cost at another volume is rated like any other,
by the projection; it follows tiers and fixed amounts and is not a price times a quantity.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from sqlalchemy.orm import Session

from billing.forecasting.daily_rates import Plan
from billing.projection.projection import Scenario, project
from contracts import agreements
from contracts.cases import Case
from contracts.options import gains
from contracts.options.gains import Gain
from contracts.options.steps import LARGEST_QUANTITY
from contracts.people.access import Actor, Grant
from contracts.terms.cost_figures import CostFigures
from contracts.terms.money import ZERO
from contracts.terms.period import Period
from contracts.terms.price_book import Activation

MONTHS: Final = 12
FEWEST: Final = 3
# The balance reads what every trust uses, whoever asks for it; what it gives is the sum of one activation.
_READER: Final = Actor("estimate", "Estimate", (Grant("auditor"),))


@dataclass(frozen=True, slots=True)
class Balance:
    """Gains and cost of a year, kroner excluding VAT; ``None`` where something that it rests on is unknown.

    ``break_even`` is the examinations a year from which the gains cover the cost, ``None`` also where none do.
    """

    examinations: int
    year_cost: Decimal | None
    gain_per_year: Decimal | None
    net_per_year: Decimal | None
    break_even: int | None


def ordinary_months(figures: CostFigures) -> int:
    """Count the last months at ordinary prices, at most a year of them; 0 where fewer than three are left of the agreement."""
    ordinary = [month for month in figures.by_month if figures.ramp_end is None or month.month >= figures.ramp_end]
    return 0 if len(ordinary) < FEWEST else min(len(ordinary), MONTHS)


def year_cost(figures: CostFigures) -> Decimal | None:
    """Give the expected cost of a year at ordinary prices, from the last months of the plan; ``None`` without such months.

    Where the agreement ends before a year of them is over, a year is as many months like those that there are. Half up.
    """
    return _as_year([month.amount for month in figures.by_month], ordinary_months(figures))


def ordinary_price(figures: CostFigures, monthly_quantity: int) -> Decimal | None:
    """Give the expected cost per examination once the ramp-up is over, rounded half up to øre; ``None`` where unknown."""
    cost = year_cost(figures)
    if cost is None or monthly_quantity == 0:
        return None
    return (cost / (monthly_quantity * MONTHS)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _as_year(costs: list[Decimal], months: int) -> Decimal | None:
    if months == 0:
        return None
    return (sum(costs[-months:], ZERO) * MONTHS / months).quantize(Decimal("0.01"), ROUND_HALF_UP)


def balance(session: Session, case: Case, figures: CostFigures | None, listed: tuple[Gain, ...]) -> Balance:
    """Hold a case's gains against its cost."""
    quantity = 0 if case.plan is None else case.plan.monthly_quantity
    volume = quantity * MONTHS
    worth = gains.worth_of(listed)
    cost = None if figures is None else year_cost(figures)
    gained = None if worth is None else (worth * volume).quantize(Decimal("0.01"), ROUND_HALF_UP)
    net = None if gained is None or cost is None else gained - cost
    enough = None
    if net is not None and figures is not None and worth is not None and worth > 0:
        enough = _break_even(session, case, worth, max(quantity, 1), ordinary_months(figures))
    return Balance(volume, cost, gained, net, enough)


def _break_even(session: Session, case: Case, worth: Decimal, planned: int, months: int) -> int | None:
    """Look for the volume a month at which the gains come to cover the cost, and give it by the year.

    From one examination a month upwards by doubling, then by halving the last step: where prices fall and rise again, the
    first crossing that this meets. Ends without one above a hundred times what is planned.
    """
    low, high = 0, 1
    while _year_at(session, case, high, months) > worth * high * MONTHS:
        low, high = high, high * 2
        if high > min(planned * 100, LARGEST_QUANTITY):
            return None
    while high - low > 1:
        middle = (low + high) // 2
        if _year_at(session, case, middle, months) > worth * middle * MONTHS:
            low = middle
        else:
            high = middle
    return high * MONTHS


def _year_at(session: Session, case: Case, monthly_quantity: int, months: int) -> Decimal:
    """Rate the last months of the plan at another volume, and give a year like them."""
    assert case.plan is not None
    assert case.algorithm is not None
    end = agreements.agreement_summary(session, case.agreement_id).term.end
    first = Period.month(case.plan.starts_on).start
    plan = Plan(Activation(case.trust, case.algorithm, case.plan.starts_on, end=case.plan.ends_on), monthly_quantity, 0)
    told = project(
        session,
        agreement_id=case.agreement_id,
        scenario=Scenario(Period(first, max(end, Period.month(first).end)), first, (plan,)),
        actor=_READER,
    )
    cost = _as_year([month.cost for month in told.marginal.months], months)
    assert cost is not None
    return cost
