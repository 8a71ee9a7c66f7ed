"""Simulation: a scenario's cost as a distribution, with its planned activations and without, draw by draw.

Volumes are drawn around the forecast and every draw goes through the tier engine (`rating.simulate`), with and without the
plans under the same numbers, so that their difference is the plans' alone. With one draw and no spread it is the rating of the
expected volumes, to the øre. The same scenario under the same knowledge gives the same figures, on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from sqlalchemy.orm import Session

from billing.charges.basis import Terms
from billing.forecasting.counts import monthly_counts
from billing.forecasting.daily_rates import Plan, daily_rates
from billing.forecasting.simulate import Fan, Simulation, Spread, VolumePlan, simulate
from billing.forecasting.spread import Estimate, estimate_spread
from billing.forecasting.volumes import given_plan, volume_plan
from billing.projection.bound import Pair, bound_plans, with_rows
from billing.projection.projection import (
    FIRST_YEAR_MONTHS,
    Scenario,
    gather_in,
    given_usage,
    plan_findings,
    with_assumed_terms,
)
from billing.rating.rate import compile_terms
from contracts.agreements import AgreementSummary
from contracts.errors import Finding, invalid
from contracts.people.access import Actor
from contracts.terms.period import Period, add_months, first_of_month
from contracts.terms.price_book import Activation, Usage

MOST_DRAWS: Final = 100_000

OnDraws = Callable[[Simulation], None]


@dataclass(frozen=True, slots=True)
class Course:
    """The months of a simulation as they are told: fans by month, list price and discount on average."""

    simulation: Simulation

    @property
    def total(self) -> Fan:
        """Give the fan of all months together."""
        return self.simulation.total()

    @property
    def first_year(self) -> Fan:
        """Give the fan of the first twelve months together."""
        return Fan.of(self.simulation.cost[:FIRST_YEAR_MONTHS].sum(axis=0))

    @property
    def peak(self) -> Period | None:
        """Give the month that is dearest on average, the earliest of equals; None where there are no months."""
        means = [fan.mean for fan in self.simulation.fans()]
        return self.simulation.months[means.index(max(means))] if means else None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A scenario made ready: the terms and volumes with its plans and without, and how far they may be off.

    ``bound`` are the plans that are in both.
    """

    scenario: Scenario
    terms: Terms
    base: Terms
    volumes: VolumePlan
    base_volumes: VolumePlan
    spread: Spread
    estimate: Estimate | None
    data_until: date | None
    bound: tuple[Plan, ...] = ()

    @property
    def version(self) -> date | None:
        """Give the day from which the price version in force at the scenario's start is valid."""
        day = min(self.scenario.period.start, self.base.agreement.term.end)
        found = self.base.price_book.version_on(day)
        return None if found is None else found.valid_from

    def run(
        self,
        period: Period | None = None,
        *,
        plans: bool = True,
        on_draws: OnDraws | None = None,
        threads: int = 1,
    ) -> Simulation:
        """Simulate the scenario's period, or another one of whole months, with the plans or without."""
        terms, volumes = (self.terms, self.volumes) if plans else (self.base, self.base_volumes)
        agreement = terms.agreement.term
        compiled = compile_terms(agreement, terms.price_book, tuple(row.to_term() for row in terms.activations))
        return simulate(
            compiled,
            volumes,
            self.spread,
            period or self.scenario.period,
            draws=self.scenario.draws,
            seed=self.scenario.seed,
            threads=threads,
            on_chunk=on_draws,
        )


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a scenario costs: with its plans, without them, and the difference on the same draws."""

    prepared: Prepared
    with_plans: Course
    without: Course
    marginal: Course

    @property
    def agreement(self) -> AgreementSummary:
        """Give the agreement's terms as known, without what the scenario assumes of them."""
        return self.prepared.base.agreement

    @property
    def scenario(self) -> Scenario:
        """Give the scenario."""
        return self.prepared.scenario


def prepare(
    session: Session, *, agreement_id: int, scenario: Scenario, actor: Actor, known_at: datetime | None = None
) -> Prepared:
    """Gather what a scenario is simulated from.

    Raises `InvalidInput` for trusts and algorithms that the agreement does not list, an activation that exists already, explicit
    usage without an activation on its day, and a number of draws outside 1 to 100 000.
    """
    actor.require("read")
    terms = gather_in(session, scenario.base, agreement_id=agreement_id, actor=actor, known_at=known_at)
    findings = list(plan_findings(session, terms, scenario, known_at))
    if not 1 <= scenario.draws <= MOST_DRAWS:
        findings.append(Finding("#/draws", "out_of_range", f"from 1 to {MOST_DRAWS} draws"))
    invalid(findings)
    bound: tuple[Plan, ...] = ()
    if scenario.usage is None:
        bound = bound_plans(session, terms, scenario.as_of, without=scenario.pairs, known_at=known_at)
    return prepared(with_assumed_terms(session, terms, scenario, known_at), terms, scenario, bound)


def prepared(assumed: Terms, known: Terms, scenario: Scenario, bound: tuple[Plan, ...] = ()) -> Prepared:
    """Make a scenario ready under terms that are gathered already; ``assumed`` are the known ones and what it assumes.

    ``bound`` are plans beside what runs, with the scenario's own and without them.
    """
    activations = tuple(row.to_term() for row in assumed.activations)
    planned = tuple(plan.activation for plan in scenario.plans)
    assumed = with_rows(assumed, bound)
    with_plans = with_rows(assumed, scenario.plans)
    known_until = scenario.as_of if scenario.usage is None else scenario.period.start
    recorded = _covered(assumed, min(known_until, scenario.period.end))
    until = max((entry.on for entry in recorded), default=None)
    if scenario.usage is not None:
        given = given_usage(scenario, (*activations, *planned))
        volumes = base_volumes = given_plan(scenario.period.start, recorded, given)
        if planned:
            own = {(each.trust, each.algorithm) for each in planned}
            rest = [entry for entry in given if (entry.trust, entry.algorithm) not in own]
            base_volumes = given_plan(scenario.period.start, recorded, rest)
        return Prepared(
            scenario, with_plans, assumed, volumes, base_volumes, _prices_only(assumed, known, scenario), None, until
        )
    # What was counted before the agreement began moves no counter, but tells what is to be expected.
    before = [entry for entry in assumed.usage if entry.on < scenario.as_of]
    rates = daily_rates(before, activations, scenario.as_of)
    estimate = _estimated(assumed, before, activations, scenario)
    coming = Period(scenario.as_of, _horizon(assumed, scenario))
    term = assumed.agreement.term
    volumes = volume_plan(term, recorded, rates, activations, (*bound, *scenario.plans), coming, scenario.annual_growth)
    base_volumes = volume_plan(term, recorded, rates, activations, bound, coming, scenario.annual_growth)
    plans = {(plan.activation.trust, plan.activation.algorithm) for plan in (*bound, *scenario.plans)}
    prices = _prices_only(assumed, known, scenario)
    spread = _spread(prices, scenario, frozenset(plans | rates.hardly_counted()), estimate)
    return Prepared(scenario, with_plans, assumed, volumes, base_volumes, spread, estimate, until, bound)


def _horizon(terms: Terms, scenario: Scenario) -> date:
    """Give the day up to which volumes are planned: the agreement's end, where that is later than the scenario's."""
    return max(scenario.period.end, first_of_month(terms.agreement.term.end), add_months(scenario.as_of, 1))


def _covered(terms: Terms, until: date) -> list[Usage]:
    """Keep the recorded usage before a day on which an activation runs, as the rating takes it."""
    earliest = terms.agreement.term.start
    if until <= earliest:
        return []
    period = Period(earliest, min(until, terms.agreement.term.end))
    return [entry for entry in terms.to_request(period).usage if entry.on < until]


def _spread(known: Spread, scenario: Scenario, planned: frozenset[Pair], estimate: Estimate | None) -> Spread:
    """Give how far the volumes may be off: as the scenario says, or as estimated; `planned` is what is hardly counted yet."""
    noise = scenario.noise
    if noise is not None:
        found = Spread(noise.trust, noise.algorithm, noise.common, noise.rho)
    else:
        assert estimate is not None
        found = estimate.spread
    return replace(found, growth=scenario.growth_spread, index=known.index, assumed=known.assumed, planned=planned)


def _prices_only(assumed: Terms, known: Terms, scenario: Scenario) -> Spread:
    decided = {each.effective_from for each in known.price_book.index_adjustments}
    coming = {each.effective_from for each in assumed.price_book.index_adjustments} - decided
    return Spread(index=scenario.index_spread, assumed=frozenset(coming))


def _estimated(
    terms: Terms, recorded: list[Usage], activations: tuple[Activation, ...], scenario: Scenario
) -> Estimate | None:
    """Estimate from the forecasts of earlier months, where the scenario leaves the noise to history."""
    if scenario.noise is not None or scenario.usage is not None:
        return None
    until = min(scenario.as_of, terms.agreement.term.end)
    return estimate_spread(monthly_counts(recorded, activations, until))


def simulate_scenario(
    session: Session,
    *,
    agreement_id: int,
    scenario: Scenario,
    actor: Actor,
    known_at: datetime | None = None,
    on_draws: OnDraws | None = None,
    threads: int = 1,
) -> Simulated:
    """Simulate a scenario with its plans and without; `prepare` tells what it raises.

    ``on_draws`` is given the draws so far after each 500 of those with the plans; what it raises ends the run.
    """
    ready = prepare(session, agreement_id=agreement_id, scenario=scenario, actor=actor, known_at=known_at)
    return simulated(ready, on_draws=on_draws, threads=threads)


def simulated(ready: Prepared, *, on_draws: OnDraws | None = None, threads: int = 1) -> Simulated:
    """Run a scenario that is ready."""
    with_plans = ready.run(on_draws=on_draws, threads=threads)
    without = ready.run(plans=False, threads=threads) if ready.scenario.plans else with_plans
    return Simulated(ready, Course(with_plans), Course(without), Course(with_plans.minus(without)))
