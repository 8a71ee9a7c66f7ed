"""What a planned activation costs (`plan:P`): the world with it and the same world without it, rated over the same months.

One function for all who ask: what-if, draft, decision paper, scenario, budget and ceiling. The months run from the one it starts
in to the agreement's current end; the cut-off is that of the counts, so that everybody else's volume is there as it is
expected. What falls on the own trust and what falls on the others sum to the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from billing.charges.told import months_alone
from billing.forecasting.daily_rates import Plan
from billing.projection.bound import cut_off
from billing.projection.projection import Course, Projection, Scenario, project
from billing.usage import metering
from contracts import agreements
from contracts.agreements import readable_trust
from contracts.people.access import Actor
from contracts.terms.period import Period


@dataclass(frozen=True, slots=True)
class ToldCost:
    """What a reader is told of what a plan adds for all trusts: ``whole``, in ``months``; None where it is in no month.

    In the other months, where one other trust alone could be told from the sum, ``whole`` is the own cost alone.
    """

    whole: Course | None
    months: frozenset[Period]


@dataclass(frozen=True, slots=True)
class PlanCost:
    """What a plan adds by month, kroner excluding VAT: to its own trust, to all others, and in sum (negative: it saves).

    What stands on no trust is among the others.
    """

    projection: Projection
    trust: str

    @property
    def whole(self) -> Course:
        """Give what it adds for all trusts together."""
        return self.projection.marginal

    @property
    def own(self) -> Course:
        """Give what it adds for its own trust."""
        found = self.projection.marginal_by_trust.get(self.trust)
        return self.whole.minus(self.whole) if found is None else found

    @property
    def others(self) -> Course:
        """Give what it adds for everybody else."""
        return self.whole.minus(self.own)

    def told(self, scope: str | None) -> ToldCost:
        """Give what a reader within one trust is told of it; ``scope`` None reads all of it."""
        months = frozenset(month.month for month in self.own.months)
        if scope is None:
            return ToldCost(self.whole, months)
        told = months - months_alone(self.projection.lines, self.projection.base, scope)
        if not any(month.month in told for month in self.own.months if not month.after_end):
            return ToldCost(None, frozenset())
        marginal = self.projection.within(scope).marginal
        pairs = zip(marginal.months, self.own.months, strict=True)
        return ToldCost(Course(tuple(whole if whole.month in told else own for whole, own in pairs)), told)

    @property
    def ramp_end(self) -> date | None:
        """Give the first day at ordinary prices, None without a discount."""
        return max((month.month.end for month in self.own.months if month.discount), default=None)


def plan_cost(
    session: Session,
    *,
    agreement_id: int,
    plan: Plan,
    today: date,
    actor: Actor,
    as_of: date | None = None,
    known_at: datetime | None = None,
) -> PlanCost:
    """Rate a plan to the agreement's current end; ``as_of`` reads fewer counts than are known (None: all of them).

    Its trust must lie in the actor's scope, else it is as unknown as one that does not exist. Raises `InvalidInput` as `project`
    does.
    """
    trust = plan.activation.trust
    readable_trust(session, agreement_id, actor, trust)
    scenario = plan_scenario(session, agreement_id, plan, today, as_of, known_at)
    projection = project(session, agreement_id=agreement_id, scenario=scenario, actor=actor, known_at=known_at)
    return PlanCost(projection, trust)


def plan_scenario(
    session: Session,
    agreement_id: int,
    plan: Plan,
    today: date,
    as_of: date | None = None,
    known_at: datetime | None = None,
) -> Scenario:
    """Give the scenario in which a plan is rated, from the month it starts in to the agreement's current end."""
    end = agreements.agreement_summary(session, agreement_id, known_at).term.end
    first = Period.month(plan.activation.go_live).start
    if as_of is None:
        as_of = cut_off(metering.last_day(session, agreement_id, known_at), today)
    return Scenario(Period(first, Period.month(max(end - timedelta(days=1), first)).end), as_of, (plan,))
