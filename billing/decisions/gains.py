"""A case's expected gains beside its cost (`gain:A`): net per year, and from which volume the gains cover the cost.

Both need every gain's amount and value; where one is unknown nothing is added up. The year compared is a whole one at ordinary
prices, because a discount that ends says nothing of the years after it, and the cost at any volume is rated. A case that is sent
is compared as it was known then, so that page and decision paper say the same in whatever state it has come to since.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from billing.forecasting.daily_rates import Plan
from billing.projection.ordinary_year import ordinary_year
from contracts.cases import Case
from contracts.errors import InvalidInput
from contracts.options import gains
from contracts.options.gains import Gain
from contracts.options.steps import LARGEST_QUANTITY
from contracts.terms.period import Period
from contracts.terms.price_book import Activation

MONTHS: Final = 12
# How far beyond the planned volume a break-even is looked for.
FURTHEST: Final = 100


@dataclass(frozen=True, slots=True)
class Balance:
    """Gains and cost of a year, kroner excluding VAT; ``None`` where something that it rests on is unknown.

    ``scope`` is the trust within which it is told: the cost then has of the others' part only what may be told.
    ``year`` is the year that was rated. ``break_even`` is the examinations a year from which the gains cover the cost, ``None``
    also where none do.
    """

    examinations: int
    year: Period | None
    year_cost: Decimal | None
    gain_per_year: Decimal | None
    net_per_year: Decimal | None
    break_even: int | None
    scope: str | None = None

    @property
    def per_examination(self) -> Decimal | None:
        """Give the year's cost per examination, rounded half up to øre; ``None`` where unknown."""
        if self.year_cost is None or not self.examinations:
            return None
        return (self.year_cost / self.examinations).quantize(Decimal("0.01"), ROUND_HALF_UP)


def balance(session: Session, case: Case, listed: tuple[Gain, ...], today: date, scope: str | None = None) -> Balance:
    """Hold a case's gains against what a whole ordinary year of its plan costs, by its newest submission or as known now.

    ``scope`` is that of the reader, the case's trust or None for one of all trusts.
    """
    quantity = 0 if case.plan is None else case.plan.monthly_quantity
    volume = quantity * MONTHS
    worth = gains.worth_of(listed)
    gained = None if worth is None else (worth * volume).quantize(Decimal("0.01"), ROUND_HALF_UP)
    if case.plan is None or case.algorithm is None:
        return Balance(volume, None, None, gained, None, None, scope)
    plan = Plan(Activation(case.trust, case.algorithm, case.plan.starts_on, end=case.plan.ends_on), quantity)
    sent = None if case.submission is None or case.state == "draft" else case.submission.at
    try:
        year = ordinary_year(session, agreement_id=case.agreement_id, plan=plan, today=today, known_at=sent)
        costs = partial(year.cost, scope=scope)
        cost = costs(quantity)
        net = None if gained is None else gained - cost
        enough = None if worth is None or worth <= 0 else _break_even(costs, worth, max(quantity, 1))
    except InvalidInput:  # A day of that year has no price.
        return Balance(volume, None, None, gained, None, None, scope)
    return Balance(volume, year.period, cost, gained, net, enough, scope)


def _break_even(cost: Callable[[int], Decimal], worth: Decimal, planned: int) -> int | None:
    """Look for the volume a month from which the gains cover the cost, and give it by the year.

    Below the planned volume where they cover the cost there, else above it, up to a hundred times as much; where prices fall
    and rise again, the crossing that halving meets.
    """

    def covered(monthly: int) -> bool:
        return worth * monthly * MONTHS >= cost(monthly)

    low, high = 0, planned
    while not covered(high):
        low, high = high, high * 2
        if high > min(planned * FURTHEST, LARGEST_QUANTITY):
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if covered(middle) else (middle, high)
    return high * MONTHS
