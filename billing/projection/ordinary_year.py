"""A whole year of a plan at ordinary prices: after its ramp-up, at its full volume, over a whole year of the counters.

Prices fall within a counter's year, so some months of it times twelve say nothing of the year. The first whole year after the
ramp-up is rated with the plan and without it, as if the agreement went on on its terms where it ends before; so is any other
volume, because the cost follows tiers and is not a price times a quantity.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from billing.charges.basis import Terms, gather
from billing.charges.told import plan_told
from billing.forecasting.daily_rates import Plan
from billing.projection.bound import bound_plans, cut_off
from billing.projection.projection import Scenario, going_on, planned_beside
from billing.rating.ramp_up import Ramp
from billing.rating.rate import CompiledTerms, compile_terms, marginal, rate_compiled
from contracts.terms.money import kroner
from contracts.terms.period import Period, WindowKind, add_months, first_of_month, whole_window
from contracts.terms.price_book import Activation, PriceBook, covers
from contracts.terms.price_model import UsageCharge


@dataclass(frozen=True, slots=True)
class OrdinaryYear:
    """The world of a year without the plan, compiled once, and the plan that is rated in it."""

    period: Period
    scenario: Scenario
    base: Terms
    compiled: CompiledTerms

    def cost(self, monthly_quantity: int, scope: str | None = None) -> Decimal:
        """Rate what the year costs all trusts more with the plan at a volume a month than without it, in kroner.

        For a reader within ``scope``, the plan's trust, of the others what may be told.
        """
        (plan,) = self.scenario.plans
        scenario = replace(self.scenario, plans=(replace(plan, monthly_volume=monthly_quantity),))
        without = self.base.to_request(self.period)
        planned = planned_beside(self.base, scenario).to_request(self.period)
        found = marginal(self.compiled, without.usage, planned.usage, self.period, planned.activations)
        with_, before = found.with_, found.without
        if scope is not None:
            # Who may be told from a sum is a matter of all who pay in it, touched or not.
            base = rate_compiled(self.compiled, without.usage, self.period).lines
            touched = frozenset(before)
            with_, before = plan_told((*(line for line in base if line not in touched), *with_), base, scope)
        return kroner(sum(line.net_ore for line in with_) - sum(line.net_ore for line in before))


def ordinary_year(
    session: Session, *, agreement_id: int, plan: Plan, today: date, known_at: datetime | None = None
) -> OrdinaryYear:
    """Prepare the first whole year of a plan after its ramp-up, as known."""
    known = gather(session, agreement_id=agreement_id, known_at=known_at)
    wanted = plan.activation
    # Where it runs already it is compared as it was planned, not with itself.
    others = (row for row in known.activations if (row.trust, row.algorithm) != (wanted.trust, wanted.algorithm))
    terms = replace(known, activations=tuple(others))
    as_of = cut_off(terms.data_until, today)
    period = _first_year(terms, plan, max(ramp_end(terms.price_book, wanted, plan.monthly_volume), as_of))
    scenario = Scenario(period, as_of, (plan,))
    bound = bound_plans(session, terms, as_of, without=scenario.pairs, known_at=known_at)
    term = replace(terms.agreement.term, end=max(terms.agreement.term.end, period.end))
    base = going_on(replace(terms, agreement=replace(terms.agreement, term=term)), scenario, bound)
    request = base.to_request(period)
    return OrdinaryYear(
        period, scenario, base, compile_terms(request.agreement, request.price_book, request.activations)
    )


def ramp_end(book: PriceBook, activation: Activation, monthly_volume: int) -> date:
    """Give the first day after every ramp-up of an activation; one by units is over when its volume has reached them."""
    ends = [activation.go_live]
    for charge in _usage_charges(book, activation.algorithm, activation.go_live):
        ramp = Ramp.of(charge.ramp_up)
        if ramp is not None and not ramp.by_units:
            ends += ramp.ends(activation.go_live)
        elif ramp is not None and monthly_volume:
            ends.append(add_months(activation.go_live, -(-ramp.lengths[-1] // monthly_volume)))
    return max(ends)


def _first_year(terms: Terms, plan: Plan, first: date) -> Period:
    """Give the first whole year from a day on: the agreement's own where a counter runs by it, else the calendar's."""
    charges = _usage_charges(terms.price_book, plan.activation.algorithm, first)
    own = any(charge.counter.window == "agreement_year" for charge in charges)
    kind: WindowKind = "agreement_year" if own else "calendar_year"
    year = whole_window(kind, first, terms.agreement.term.period)
    if year.start == first:
        return year
    start = year.end if year.end == first_of_month(year.end) else first_of_month(add_months(year.end, 1))
    return Period(start, add_months(start, 12))


def _usage_charges(book: PriceBook, algorithm: str, day: date) -> list[UsageCharge]:
    version = book.version_on(day)
    return [
        charge
        for charge in (() if version is None else version.charges)
        if isinstance(charge, UsageCharge) and covers(charge, algorithm)
    ]
