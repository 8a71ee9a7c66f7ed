"""A proposed order of activations: each starts within its own months, so that their discounts do not end all at once.

Costs are those of expected volumes, rated with each activation alone beside what runs (pools couple activations a little; the
proposal is then simulated as a whole). The horizon ends twelve months after the last ramp's end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from billing.charging import Terms
from billing.projection import Scenario, lines_with_and_without, planned_row
from billing.rating.forecast import Plan
from billing.rating.lines import Line
from billing.rating.ordering import RISE_MONTHS, Aim, Startable, propose_order
from billing.simulation import prepared
from contracts.terms.money import kroner
from contracts.terms.period import Period, add_months, first_of_month
from contracts.terms.price_book import covers
from contracts.terms.price_model import RampUp

AFTER_THE_RAMP: Final = 12
# A phase that ends by a count of examinations is taken to last this long.
USUAL_PHASE_MONTHS: Final = 3


@dataclass(frozen=True, slots=True)
class Start:
    """An activation of the proposal with its first day in production."""

    trust: str
    algorithm: str
    go_live: date


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed order over ``horizon``: the starts, the largest rise of cost over three months with it and all at once.

    ``gap`` is how much lower a better order's largest rise could be at most, 0.00 where none is better.
    """

    horizon: Period
    starts: tuple[Start, ...]
    rise: Decimal
    rise_at_once: Decimal
    gap: Decimal
    delay: int
    months: tuple[tuple[Period, Decimal, Decimal], ...]

    def applied(self, scenario: Scenario) -> Scenario:
        """Give the scenario with its activations started as proposed."""
        moved = {(each.trust, each.algorithm): each.go_live for each in self.starts}
        return replace(
            scenario,
            plans=tuple(
                replace(
                    plan,
                    activation=replace(
                        plan.activation,
                        go_live=moved[plan.activation.trust, plan.activation.algorithm],
                    ),
                )
                for plan in scenario.plans
            ),
            windows=(),
        )


def propose(terms: Terms, scenario: Scenario) -> Proposal:
    """Propose when each planned activation starts; those without a window start as planned.

    ``terms`` are those known, with what the scenario assumes of index and end. The proposal keeps the largest rise of cost
    over any three months down, then the sum of delays.
    """
    windows = [
        (first_of_month(plan.activation.go_live),) * 2 if window is None else window
        for plan, window in zip(scenario.plans, scenario.windows or (None,) * len(scenario.plans), strict=True)
    ]
    horizon = _horizon(terms, scenario, windows)
    base, courses = _courses(terms, scenario, windows, horizon)
    activations = [Startable(tuple(each)) for each in courses]
    order = propose_order(base, activations, Aim())
    chosen = [course[start] for course, start in zip(courses, order.starts, strict=True)]
    at_once = [course[0] for course in courses]
    return Proposal(
        horizon,
        tuple(
            Start(plan.activation.trust, plan.activation.algorithm, _go_live(plan, add_months(window[0], start)))
            for plan, window, start in zip(scenario.plans, windows, order.starts, strict=True)
        ),
        kroner(order.worst),
        kroner(_largest_rise(_added(base, at_once))),
        kroner(order.gap),
        order.delay,
        tuple(
            (month, kroner(one), kroner(other))
            for month, one, other in zip(horizon.months(), _added(base, at_once), _added(base, chosen), strict=True)
        ),
    )


def _horizon(terms: Terms, scenario: Scenario, windows: Sequence[tuple[date, date]]) -> Period:
    first = min([scenario.period.start, *(window[0] for window in windows)])
    last = max(
        [add_months(window[1], _ramp_months(terms, plan)) for plan, window in zip(scenario.plans, windows, strict=True)]
        or [scenario.period.start]
    )
    end = add_months(last, AFTER_THE_RAMP)
    return Period(first, min(end, max(terms.agreement.term.end, add_months(first, 1))))


def _ramp_months(terms: Terms, plan: Plan) -> int:
    version = terms.price_book.version_on(plan.activation.go_live)
    months = 0
    for charge in () if version is None else version.charges:
        ramp: RampUp | None = getattr(charge, "ramp_up", None)
        if ramp is not None and covers(charge, plan.activation.algorithm):
            months = max(months, sum(phase.months or USUAL_PHASE_MONTHS for phase in ramp.phases))
    return months


def _courses(
    terms: Terms, scenario: Scenario, windows: Sequence[tuple[date, date]], horizon: Period
) -> tuple[list[int], list[list[tuple[int, ...]]]]:
    alone = replace(scenario, period=horizon, plans=(), windows=(), usage=None)
    ready = prepared(terms, terms, alone)
    usage = tuple(ready.base_volumes.expected_usage())
    base_terms = replace(terms, usage=usage)
    courses: list[list[tuple[int, ...]]] = []
    without: list[int] = []
    for plan, window in zip(scenario.plans, windows, strict=True):
        own = []
        for month in Period(window[0], add_months(window[1], 1)).months():
            moved = replace(plan, activation=replace(plan.activation, go_live=_go_live(plan, month.start)))
            one = prepared(terms, terms, replace(alone, plans=(moved,)))
            with_plan = replace(
                terms,
                activations=(*terms.activations, planned_row(moved.activation)),
                usage=tuple(one.volumes.expected_usage()),
            )
            lines, base = lines_with_and_without(with_plan, base_terms, horizon)
            cost, nothing = _by_month(lines, horizon), _by_month(base, horizon)
            without = without or nothing
            own.append(tuple(mine - theirs for mine, theirs in zip(cost, nothing, strict=True)))
        courses.append(own)
    return without, courses


def _go_live(plan: Plan, month: date) -> date:
    """Keep the day of the month that was planned, in another month."""
    return month.replace(day=min(plan.activation.go_live.day, 28))


def _by_month(lines: Sequence[Line], horizon: Period) -> list[int]:
    place = {month.start: number for number, month in enumerate(horizon.months())}
    cost = [0] * len(place)
    for line in lines:
        cost[place[first_of_month(line.period.start)]] += line.net_ore
    return cost


def _added(base: Sequence[int], courses: Sequence[Sequence[int]]) -> list[int]:
    return [sum(each) for each in zip(base, *courses, strict=True)]


def _largest_rise(cost: Sequence[int]) -> int:
    rises = (cost[at] - cost[at - gap] for gap in range(1, RISE_MONTHS + 1) for at in range(gap, len(cost)))
    return max(rises, default=0)
