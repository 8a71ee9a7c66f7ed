"""A proposed order of activations: each starts within its own months, so that their discounts do not end all at once.

The search takes the cost of expected volumes, rated with each activation alone beside what runs; pools couple activations a
little, so what the proposal comes to is then rated with all of them together, beside all of them at once. The horizon ends
twelve months after the last ramp's end, or with the agreement.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy.orm import Session

from billing.charges.basis import Terms
from billing.forecasting.daily_rates import Plan, forecast
from billing.forecasting.ordering import RISE_MONTHS, Aim, Startable, propose_order
from billing.projection.projection import Scenario
from billing.projection.simulation import prepare, prepared
from billing.rating.lines import Line
from billing.rating.rate import CompiledTerms, Difference, compile_terms, marginal, rate_compiled
from billing.rating.request import PriceRequest
from contracts.errors import Finding, InvalidInput
from contracts.people.access import Actor
from contracts.terms.agreement import OptionHolder
from contracts.terms.money import kroner, round_half_up
from contracts.terms.period import Period, add_months, first_of_month
from contracts.terms.price_book import Activation, covers
from contracts.terms.price_model import RampUp

AFTER_THE_RAMP: Final = 12
# A phase that ends by a count of examinations is taken to last this long.
USUAL_PHASE_MONTHS: Final = 3
# A plan of the next algorithm of every trust: how far ahead it begins, over how many months, and whose volume it takes.
AHEAD: Final = 3
USUAL_WINDOW: Final = 12
COUNTED_MONTHS: Final = 3
GIVEN_UP: Final = frozenset({"declined", "withdrawn", "lapsed", "ended"})


@dataclass(frozen=True, slots=True)
class Start:
    """An activation of the proposal with its first day in production."""

    trust: str
    algorithm: str
    go_live: date


@dataclass(frozen=True, slots=True)
class CostMonth:
    """What a month costs with everything rated together: at full price, and with a ramp-up's discount."""

    month: Period
    ordinary: Decimal
    discounted: Decimal

    @property
    def total(self) -> Decimal:
        """Give both together."""
        return self.ordinary + self.discounted


@dataclass(frozen=True, slots=True)
class Rise:
    """The largest rise of cost from one month to another at most three months later; of equals the earliest."""

    amount: Decimal
    since: Period
    until: Period


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed order over ``horizon``: the starts, the largest rise of cost over three months with it and all at once.

    ``rise``, ``rise_at_once`` and ``gap`` add up each activation's own cost, as the search does: ``gap`` is how much lower a
    better order's largest rise could be at most, 0.00 where none is better; ``rise_before`` is what runs makes by itself, which
    no order lowers. ``at_once`` and ``staggered`` are rated together.
    """

    horizon: Period
    starts: tuple[Start, ...]
    rise: Decimal
    rise_at_once: Decimal
    rise_before: Decimal
    gap: Decimal
    delay: int
    at_once: tuple[CostMonth, ...]
    staggered: tuple[CostMonth, ...]

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


def rollout(
    terms: Terms,
    holders: Sequence[OptionHolder],
    algorithms: Sequence[str],
    today: date,
    *,
    bound: tuple[Plan, ...] = (),
    months: int = USUAL_WINDOW,
) -> Scenario:
    """Plan the next algorithm of every trust: the one most widely run that it does not run, at the volume others have of it.

    What is ``bound`` runs already here.
    Each starts within ``months`` months, the first of them three months ahead; a trust whose option is given up has none. The
    volume is the mean of the last three months with counts, over those who run it; an algorithm that nobody counted is left
    out.
    """
    running = {(row.trust, row.algorithm) for row in terms.activations if row.end is None or row.end > today}
    running |= {(plan.activation.trust, plan.activation.algorithm) for plan in bound}
    spread = sorted(algorithms, key=lambda code: -sum(algorithm == code for _, algorithm in running))
    volumes = {code: _usual_volume(terms, code, running) for code in spread}
    first = add_months(first_of_month(today), AHEAD)
    plans = []
    for holder in holders:
        trust = holder.party.code
        own = (code for code in spread if (trust, code) not in running and volumes[code])
        code = next(own, None)
        if code is not None and holder.state not in GIVEN_UP:
            plans.append(Plan(Activation(trust, code, first), volumes[code], 0))
    last = add_months(first, months - 1)
    until = min(add_months(last, AFTER_THE_RAMP), Period.month(terms.agreement.term.end - timedelta(days=1)).end)
    known_until = terms.data_until or today
    return Scenario(
        Period(first_of_month(today), max(until, add_months(first_of_month(today), 1))),
        min(known_until + timedelta(days=1), today),
        tuple(plans),
        windows=((first, last),) * len(plans),
    )


def _usual_volume(terms: Terms, code: str, running: Collection[tuple[str, str]]) -> int:
    """Give what those who run an algorithm count of it in a month, each as much as in its last three months with counts."""
    per_trust: dict[str, dict[date, int]] = {}
    for entry in terms.usage:
        if entry.algorithm == code and (entry.trust, code) in running:
            by_month = per_trust.setdefault(entry.trust, {})
            month = first_of_month(entry.on)
            by_month[month] = by_month.get(month, 0) + entry.quantity
    counted = [by_month[month] for by_month in per_trust.values() for month in sorted(by_month)[-COUNTED_MONTHS:]]
    return round_half_up(sum(counted), len(counted)) if counted else 0


def propose(terms: Terms, scenario: Scenario, bound: tuple[Plan, ...] = ()) -> Proposal:
    """Propose when each planned activation starts; those without a window start as planned.

    ``terms`` are those known, with what the scenario assumes of index and end; ``bound`` are the plans that run beside them. The proposal keeps the largest rise of cost
    over any three months down, then the sum of delays.
    """
    windows = [
        (first_of_month(plan.activation.go_live),) * 2 if window is None else window
        for plan, window in zip(scenario.plans, scenario.windows or (None,) * len(scenario.plans), strict=True)
    ]
    horizon = _horizon(terms, scenario, windows)
    ground = _Ground.of(terms, scenario, horizon, bound)
    base = _by_month(ground.lines, horizon)
    courses = _courses(ground, scenario.plans, windows)
    activations = [Startable(tuple(each)) for each in courses]
    order = propose_order(base, activations, Aim())
    at_once = [course[0] for course in courses]
    earliest = [_moved(plan, window[0]) for plan, window in zip(scenario.plans, windows, strict=True)]
    proposed = [
        _moved(plan, add_months(window[0], start))
        for plan, window, start in zip(scenario.plans, windows, order.starts, strict=True)
    ]
    return Proposal(
        horizon,
        tuple(Start(plan.activation.trust, plan.activation.algorithm, plan.activation.go_live) for plan in proposed),
        kroner(order.worst),
        kroner(_largest_rise(_added(base, at_once))),
        kroner(_largest_rise(base)),
        kroner(order.gap),
        order.delay,
        ground.together(earliest),
        ground.together(proposed),
    )


def proposed(
    session: Session, *, agreement_id: int, scenario: Scenario, actor: Actor, known_at: datetime | None = None
) -> Proposal:
    """Propose the order of a scenario's activations for a reader of all trusts; `simulation.prepare` tells what it raises."""
    ready = prepare(session, agreement_id=agreement_id, scenario=scenario, actor=actor, known_at=known_at)
    return propose(ready.base, scenario, ready.bound)


def largest_rise(months: Sequence[CostMonth]) -> Rise | None:
    """Find the largest rise over at most three months; None where the cost never rises."""
    found = None
    for at, later in enumerate(months):
        for earlier in months[max(0, at - RISE_MONTHS) : at]:
            amount = later.total - earlier.total
            if amount > 0 and (found is None or amount > found.amount):
                found = Rise(amount, earlier.month, later.month)
    return found


def highest(months: Sequence[CostMonth]) -> CostMonth | None:
    """Give the dearest month, of equals the earliest."""
    return max(months, key=lambda month: month.total, default=None)


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


@dataclass(frozen=True, slots=True)
class _Ground:
    """What runs over a horizon, compiled and rated once, and what plans change of it."""

    request: PriceRequest
    compiled: CompiledTerms
    lines: tuple[Line, ...]
    horizon: Period
    coming: Period
    growth: Decimal

    @classmethod
    def of(cls, terms: Terms, scenario: Scenario, horizon: Period, bound: tuple[Plan, ...]) -> _Ground:
        """Forecast what runs and is bound, and rate it."""
        alone = replace(scenario, period=horizon, plans=(), windows=(), usage=None)
        usage = tuple(prepared(terms, terms, alone, bound).base_volumes.expected_usage())
        term = terms.agreement.term.period
        common, coming = horizon.overlap(term), Period(scenario.as_of, max(horizon.end, scenario.as_of)).overlap(term)
        if common is None or coming is None:
            detail = "the activations are to start outside the agreement's term"
            raise InvalidInput((Finding("#/activations", "outside_term", detail),))
        request = replace(terms, usage=usage).to_request(common)
        compiled = compile_terms(request.agreement, request.price_book, request.activations)
        lines = rate_compiled(compiled, request.usage, common).lines
        return cls(request, compiled, lines, horizon, coming, scenario.annual_growth)

    def changed(self, plans: Sequence[Plan]) -> Difference:
        """Rate what plans change."""
        planned = forecast(None, (), plans, self.coming, self.growth)
        return marginal(
            self.compiled,
            self.request.usage,
            (*self.request.usage, *planned),
            self.request.period,
            (*self.request.activations, *(plan.activation for plan in plans)),
        )

    def together(self, plans: Sequence[Plan]) -> tuple[CostMonth, ...]:
        """Give what each month costs with plans, all rated together."""
        change = self.changed(plans)
        # No two lines are alike, so those that the plans touch are told from the others by themselves.
        touched = frozenset(change.without)
        lines = (*(line for line in self.lines if line not in touched), *change.with_)
        ordinary = _by_month([line for line in lines if not line.discount_rate_e4], self.horizon)
        discounted = _by_month([line for line in lines if line.discount_rate_e4], self.horizon)
        return tuple(
            CostMonth(month, kroner(one), kroner(other))
            for month, one, other in zip(self.horizon.months(), ordinary, discounted, strict=True)
        )


def _courses(
    ground: _Ground, plans: Sequence[Plan], windows: Sequence[tuple[date, date]]
) -> list[list[tuple[int, ...]]]:
    """Give what each plan adds to each month, for each month it may start in."""
    courses = []
    for plan, window in zip(plans, windows, strict=True):
        own = []
        for month in Period(window[0], add_months(window[1], 1)).months():
            change = ground.changed([_moved(plan, month.start)])
            cost, nothing = _by_month(change.with_, ground.horizon), _by_month(change.without, ground.horizon)
            own.append(tuple(mine - theirs for mine, theirs in zip(cost, nothing, strict=True)))
        courses.append(own)
    return courses


def _moved(plan: Plan, month: date) -> Plan:
    return replace(plan, activation=replace(plan.activation, go_live=_go_live(plan, month)))


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
