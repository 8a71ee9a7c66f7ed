"""What every projection starts from: the first day that is not counted, and the plans that are bound beside what is counted.

The world that a plan is held against is one: what runs, as it goes on from the cut-off, and what is approved or live without a
count of its own, by its plan. What-if, draft, decision paper, scenario, budget and ceiling rate the same one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from billing.charges.basis import Terms
from billing.forecasting.daily_rates import Plan
from contracts import cases
from contracts.cases import CaseId
from contracts.terms.agreement import ActivationRow
from contracts.terms.period import Period
from contracts.terms.price_book import Activation
from contracts.terms.workflow import COMMITTED
from contracts.terms.working_days import working_days

# A trust and an algorithm.
Pair = tuple[str, str]
_RUNNING: Final = frozenset({"live", "suspended"})


def cut_off(last_counted: date | None, today: date) -> date:
    """Give the first day that is forecast: the one after the last count, ``today`` where there is no count.

    A month without a working day left is counted to its end.

    >>> cut_off(date(2026, 9, 29), date(2026, 10, 15)), cut_off(date(2026, 10, 30), date(2026, 11, 3))
    (datetime.date(2026, 9, 30), datetime.date(2026, 11, 1))
    """
    if last_counted is None:
        return today
    following = last_counted + timedelta(days=1)
    month_end = Period.month(last_counted).end
    return month_end if following < month_end and not working_days(Period(following, month_end)) else following


def bound_plans(
    session: Session, terms: Terms, as_of: date, *, without: Collection[Pair] = (), known_at: datetime | None = None
) -> tuple[Plan, ...]:
    """Give the plans of `bound_cases`; ``without`` leaves out what is looked at on its own."""
    bound = bound_cases(session, terms, as_of, known_at=known_at).values()
    return tuple(plan for plan in bound if (plan.activation.trust, plan.activation.algorithm) not in without)


def bound_cases(session: Session, terms: Terms, as_of: date, *, known_at: datetime | None = None) -> dict[CaseId, Plan]:
    """Give by case the plans of activations that are approved and not running, or live and not counted since they are.

    They start on their day, at the earliest on ``as_of``. Counts of a validation say nothing of what it will cost.
    """
    recorded = {(row.trust, row.algorithm): row for row in terms.activations if row.end is None or row.end > as_of}
    since = {pair: row.go_live for pair, row in recorded.items()}
    counted = {pair for entry in terms.usage if entry.on >= since.get(pair := (entry.trust, entry.algorithm), date.max)}
    plans = {}
    for case in cases.list_cases(session, agreement_id=terms.agreement.id, known_at=known_at):
        plan, algorithm = case.plan, case.algorithm
        if case.kind != "activation" or case.state not in COMMITTED or plan is None or algorithm is None:
            continue
        row = recorded.get((case.trust, algorithm))
        if (case.trust, algorithm) in counted or (row is None) == (case.state in _RUNNING):
            continue
        starts_on = max(plan.starts_on if row is None else row.go_live, as_of)
        ends_on = plan.ends_on if row is None else row.end
        if terms.agreement.term.period.contains(starts_on) and (ends_on is None or starts_on < ends_on):
            plans[case.id] = Plan(Activation(case.trust, algorithm, starts_on, end=ends_on), plan.monthly_quantity)
    return plans


def with_rows(terms: Terms, plans: tuple[Plan, ...]) -> Terms:
    """Give terms in which planned activations run; what is recorded as running already stays as it is recorded."""
    recorded = {
        (row.trust, row.algorithm)
        for row in terms.activations
        for plan in plans
        if row.end is None or row.end > plan.activation.go_live
    }
    coming = [
        planned_row(each)
        for each in (plan.activation for plan in plans)
        if (each.trust, each.algorithm) not in recorded
    ]
    return replace(terms, activations=(*terms.activations, *coming))


def planned_row(activation: Activation) -> ActivationRow:
    """Give a planned activation the shape of a recorded one."""
    return ActivationRow(
        id=0,
        trust=activation.trust,
        trust_name=activation.trust,
        algorithm=activation.algorithm,
        product=activation.algorithm,
        validation_from=activation.validation_from,
        go_live=activation.go_live,
        end=activation.end,
    )
