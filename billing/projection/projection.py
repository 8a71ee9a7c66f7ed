"""Projection: what it will cost. One deterministic course so far: the expected usage through the one rating function.

A what-if needs two ratings, with and without the activation, because pooled tiers make one trust's volume move the others'
prices: rating the new volume alone would be wrong. Terms are compiled once and the course without is rated in full, once; of
the course with, only what the plans touch is rated (`rate.marginal`), and all other lines are those of the course without.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from sqlalchemy.orm import Session

from billing.charges.basis import Terms, gather
from billing.charges.told import cells_told, others_told
from billing.forecasting.daily_rates import DailyRates, Plan, daily_rates, forecast
from billing.projection.bound import bound_plans, with_rows
from billing.rating.rate import Line, compile_terms, marginal, rate_compiled
from contracts import agreements
from contracts.errors import Finding, NotFound, invalid
from contracts.people.access import Actor
from contracts.prices import drafts as price_drafts
from contracts.terms.money import RATE_DECIMALS, ZERO, kroner
from contracts.terms.period import Period, first_of_month
from contracts.terms.price_book import Activation, IndexAdjustment, PriceBook, Usage
from contracts.terms.price_model import Charge, UsageCharge
from contracts.terms.price_models import read_as
from contracts.terms.working_days import spread, working_days

FIRST_YEAR_MONTHS = 12


@dataclass(frozen=True, slots=True)
class MonthlyUsage:
    """A month's examinations of one activation; spread over its working days as monthly counts are."""

    trust: str
    algorithm: str
    month: Period
    quantity: int


@dataclass(frozen=True, slots=True)
class Noise:
    """How far volumes wander, as relative standard deviations; ``rho`` is what is left of a month's deviation in the next."""

    trust: Decimal = Decimal(0)
    algorithm: Decimal = Decimal(0)
    common: Decimal = Decimal(0)
    rho: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Base:
    """What a scenario reads otherwise than it is agreed and known; None follows the agreement.

    ``price_draft`` is a draft of the price book, as if it had been approved. The rest are other readings of every usage charge:
    units counted per trust or pooled over the agreement, tiers in another of the price models' readings, and whether
    units in the ramp-up count towards the tiers.
    """

    price_draft: int | None = None
    scope: Literal["agreement", "trust"] | None = None
    model: str | None = None
    ramp_units: bool | None = None

    @property
    def as_agreed(self) -> bool:
        """Tell whether nothing is read otherwise."""
        return self == Base()

    def read(self, book: PriceBook) -> PriceBook:
        """Give a price book in this reading."""
        versions = (
            replace(version, charges=tuple(self._charge(charge) for charge in version.charges))
            for version in book.versions
        )
        return replace(book, versions=tuple(versions))

    def _charge(self, charge: Charge) -> Charge:
        if not isinstance(charge, UsageCharge):
            return charge
        counter, model, ramp = charge.counter, charge.model, charge.ramp_up
        if self.scope is not None and counter.scope != "activation":
            counter = replace(counter, scope=self.scope)
        if self.model is not None:
            model = read_as(model, self.model)
        if self.ramp_units is not None and ramp is not None:
            ramp = replace(ramp, counts_towards_tiers=self.ramp_units)
        return replace(charge, counter=counter, model=model, ramp_up=ramp)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is assumed: the months ``period``, usage known before ``as_of``, growth, index and planned activations.

    ``usage`` given explicitly is all there is from the period's start on and nothing is forecast; recorded usage before
    the period still moves the counters. ``annual_index`` is a share (``0.03``); its adjustments start on each 1 January
    after ``as_of``'s year and after that of the last approved one, by `index_factor`.

    ``draws`` and the spreads are for the simulation (`billing.projection.simulation`); ``noise`` None estimates them from history.
    ``windows`` are, plan by plan, the first and last month in which it may start (None: as planned).
    """

    period: Period
    as_of: date
    plans: tuple[Plan, ...] = ()
    annual_growth: Decimal = Decimal(0)
    annual_index: Decimal = Decimal(0)
    usage: tuple[Usage | MonthlyUsage, ...] | None = None
    all_extensions: bool = False
    seed: int = 0
    draws: int = 1
    growth_spread: Decimal = Decimal(0)
    index_spread: Decimal = Decimal(0)
    noise: Noise | None = Noise()
    windows: tuple[tuple[date, date] | None, ...] = ()
    base: Base = Base()

    @property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """Give the trusts and algorithms that it plans."""
        return frozenset((plan.activation.trust, plan.activation.algorithm) for plan in self.plans)

    @property
    def known_until(self) -> date:
        """Give the first day whose recorded usage does not count."""
        return self.as_of if self.usage is None else self.period.start

    @property
    def index_factor(self) -> Decimal:
        """The factor assumed for each year, with four decimals like an approved one, rounded half up."""
        return (1 + self.annual_index).quantize(Decimal(1).scaleb(-RATE_DECIMALS), ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Month:
    """A month's cost in kroner excluding VAT: at list price, what the ramp takes off, and what is paid.

    ``after_end`` marks a month after the agreement's end, which costs nothing.
    """

    month: Period
    list_price: Decimal
    discount: Decimal
    cost: Decimal
    after_end: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """A course of cost over the scenario's months."""

    months: tuple[Month, ...]

    @property
    def total(self) -> Decimal:
        """The cost of all months."""
        return sum((month.cost for month in self.months), ZERO)

    @property
    def first_year(self) -> Decimal:
        """The cost of the first twelve months."""
        return sum((month.cost for month in self.months[:FIRST_YEAR_MONTHS]), ZERO)

    @property
    def peak(self) -> Month | None:
        """The dearest month, the earliest of equals; ``None`` where there are no months."""
        return max(self.months, key=lambda month: month.cost, default=None)

    def minus(self, other: Course) -> Course:
        """Give the difference month by month."""
        return Course(
            tuple(
                Month(
                    ours.month,
                    ours.list_price - theirs.list_price,
                    ours.discount - theirs.discount,
                    ours.cost - theirs.cost,
                    ours.after_end,
                )
                for ours, theirs in zip(self.months, other.months, strict=True)
            )
        )


@dataclass(frozen=True, slots=True)
class Told:
    """What a reader within one trust is told of a projection: the own cost, and of the others' the cells that may be told.

    ``own`` and ``others`` sum to the total of ``course``; ``others`` is ``None`` where nothing of it may be told.
    """

    course: Course
    without: Course
    own: Decimal
    others: Decimal | None

    @property
    def marginal(self) -> Course:
        """With minus without."""
        return self.course.minus(self.without)


@dataclass(frozen=True, slots=True)
class Projection:
    """A scenario's cost with its planned activations and without, and the difference split over who bears it.

    ``marginal_by_trust`` sums to ``marginal`` together with what stands on no trust. ``lines`` and ``base`` are the lines
    with and without the planned activations.
    """

    agreement: agreements.AgreementSummary
    scenario: Scenario
    course: Course
    without: Course
    by_trust: dict[str, Decimal]
    by_algorithm: dict[str, Decimal]
    marginal_by_trust: dict[str, Course]
    examinations: dict[Period, int]
    price_version: date | None
    data_until: date | None
    lines: tuple[Line, ...]
    base: tuple[Line, ...]
    price_book: PriceBook

    @property
    def marginal(self) -> Course:
        """With minus without."""
        return self.course.minus(self.without)

    def within(self, scope: str) -> Told:
        """Give what a reader within ``scope`` may be told of it."""
        # A cell that is told with the activations and not without them would be told by what it is left out of.
        cells = cells_told(self.lines, scope) & cells_told(self.base, scope)
        own = tuple(line for line in self.lines if line.trust == scope)
        own_base = tuple(line for line in self.base if line.trust == scope)
        others = others_told(self.lines, scope, cells)
        others_base = others_told(self.base, scope, cells)
        period, end = self.scenario.period, self.agreement.term.end
        return Told(
            course=_course((*own, *others), period, end),
            without=_course((*own_base, *others_base), period, end),
            own=sum((line.net for line in own), ZERO),
            others=sum((line.net for line in others), ZERO) if others else None,
        )


def project(
    session: Session, *, agreement_id: int, scenario: Scenario, actor: Actor, known_at: datetime | None = None
) -> Projection:
    """Rate a scenario with and without its planned activations, as known at ``known_at`` (None: now).

    Raises `InvalidInput` for a trust or algorithm that the agreement does not list, an activation that exists already,
    or explicit usage without an activation on its day.
    """
    actor.require("read")
    terms = gather_in(session, scenario.base, agreement_id=agreement_id, actor=actor, known_at=known_at)
    invalid(plan_findings(session, terms, scenario, known_at))
    terms = with_assumed_terms(session, terms, scenario, known_at)
    if scenario.usage is not None:
        base_terms = _as_given(terms, scenario)
        scenario_terms = with_rows(base_terms, scenario.plans)
    else:
        bound = bound_plans(session, terms, scenario.as_of, without=scenario.pairs, known_at=known_at)
        base_terms = going_on(terms, scenario, bound)
        scenario_terms = planned_beside(base_terms, scenario)
    lines, base = lines_with_and_without(scenario_terms, base_terms, scenario.period)
    end = terms.agreement.term.end
    course, without = _course(lines, scenario.period, end), _course(base, scenario.period, end)
    examinations: dict[Period, int] = defaultdict(int)
    for entry in scenario_terms.usage:
        if (entry.trust, entry.algorithm) in scenario.pairs and scenario.known_until <= entry.on < end:
            examinations[Period.month(entry.on)] += entry.quantity
    version = terms.price_book.version_on(min(scenario.period.start, end))
    return Projection(
        agreement=terms.agreement,
        scenario=scenario,
        course=course,
        without=without,
        by_trust=_sums(lines, "trust"),
        by_algorithm=_sums(lines, "algorithm"),
        marginal_by_trust=_marginal_by_trust(lines, base, scenario.period, end),
        examinations=dict(examinations),
        price_version=None if version is None else version.valid_from,
        data_until=max((entry.on for entry in _recorded(terms, scenario)), default=None),
        lines=lines,
        base=base,
        price_book=terms.price_book,
    )


def lines_with_and_without(with_plans: Terms, base: Terms, period: Period) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """Give the lines of ``period`` under ``with_plans`` and under ``base``, which differ in activations and usage alone.

    The lines are those of two full ratings, in another order on the first side; ``base`` alone is rated in full. The period
    is clipped to the term; no lines where they do not meet. Raises `InvalidInput` as `rate` does.
    """
    common = period.overlap(base.agreement.term.period)
    if common is None:
        return (), ()
    request, planned = base.to_request(common), with_plans.to_request(common)
    compiled = compile_terms(request.agreement, request.price_book, request.activations)
    without = rate_compiled(compiled, request.usage, common).lines
    difference = marginal(compiled, request.usage, planned.usage, common, planned.activations)
    # No two lines are alike: a line's charge, key, period, phase, tier and reason tell it from every other one.
    touched = frozenset(difference.without)
    untouched = tuple(line for line in without if line not in touched)
    return (*untouched, *difference.with_), without


def going_on(terms: Terms, scenario: Scenario, bound: tuple[Plan, ...]) -> Terms:
    """Give the terms with what is known before the scenario's day, and what runs and is bound forecast from it on.

    The months between what is known and the scenario's first one are forecast too: they move the counters.
    """
    running = tuple(row.to_term() for row in terms.activations)
    recorded = _recorded(terms, scenario)
    rates = daily_rates(recorded, running, scenario.as_of)
    return replace(with_rows(terms, bound), usage=(*recorded, *_forecast(scenario, rates, running, bound)))


def planned_beside(base: Terms, scenario: Scenario) -> Terms:
    """Give terms that go on with a scenario's plans beside them: the plans' own volumes change nothing of the others'."""
    return with_rows(replace(base, usage=(*base.usage, *_forecast(scenario, None, (), scenario.plans))), scenario.plans)


def _as_given(terms: Terms, scenario: Scenario) -> Terms:
    planned = tuple(plan.activation for plan in scenario.plans)
    given = given_usage(scenario, (*(row.to_term() for row in terms.activations), *planned))
    return replace(terms, usage=(*_recorded(terms, scenario), *given))


def _recorded(terms: Terms, scenario: Scenario) -> list[Usage]:
    return [entry for entry in terms.usage if entry.on < min(scenario.known_until, scenario.period.end)]


def _forecast(
    scenario: Scenario,
    rates: DailyRates | None,
    running: tuple[Activation, ...],
    plans: tuple[Plan, ...],
) -> list[Usage]:
    if scenario.as_of >= scenario.period.end:
        return []
    return forecast(rates, running, plans, Period(scenario.as_of, scenario.period.end), scenario.annual_growth)


def given_usage(scenario: Scenario, activations: tuple[Activation, ...]) -> list[Usage]:
    """Give the scenario's own quantities by day, or refuse those that no activation runs for."""
    running: dict[tuple[str, str], list[Activation]] = defaultdict(list)
    for activation in activations:
        running[activation.trust, activation.algorithm].append(activation)
    days_given, findings = [], []
    for number, entry in enumerate(scenario.usage or ()):
        month = entry.month if isinstance(entry, MonthlyUsage) else Period(entry.on, entry.on + timedelta(days=1))
        days = working_days(month) if isinstance(entry, MonthlyUsage) else [entry.on]
        days = [
            day
            for day in days
            if any(
                one.begins <= day and (one.end is None or day < one.end)
                for one in running[entry.trust, entry.algorithm]
            )
        ]
        if month.start < scenario.period.start or month.end > scenario.period.end:
            detail = f"{month.label()} is outside the scenario"
            findings.append(Finding(f"#/usage/{number}", "outside_scenario", detail))
        elif not days:
            detail = f"'{entry.algorithm}' is not active at '{entry.trust}' in {month.label()}"
            findings.append(Finding(f"#/usage/{number}", "usage_without_activation", detail))
        else:
            shares = spread(entry.quantity, days)
            days_given += [Usage(entry.trust, entry.algorithm, day, share) for day, share in shares.items()]
    invalid(findings)
    return days_given


def gather_in(
    session: Session, base: Base, *, agreement_id: int, actor: Actor, known_at: datetime | None = None
) -> Terms:
    """Gather what amounts are computed from, in another reading.

    Raises `InvalidInput` for a draft of prices that there is not, or that the reader may not know of.
    """
    terms = gather(session, agreement_id=agreement_id, known_at=known_at)
    book = terms.price_book
    if base.price_draft is not None:
        try:
            draft = price_drafts.find_draft(session, draft_id=base.price_draft, actor=actor, known_at=known_at)
        except NotFound:
            draft = None
        if draft is None or draft.agreement_id != agreement_id:
            detail = f"there is no draft {base.price_draft}"
            invalid([Finding("#/base/price_draft", "unknown_draft", detail)])
        else:
            book = price_drafts.book_with(book, draft.newest.content)
    return replace(terms, price_book=base.read(book))


def with_assumed_terms(session: Session, terms: Terms, scenario: Scenario, known_at: datetime | None = None) -> Terms:
    end = terms.agreement.term.end
    if scenario.all_extensions:
        agreed = agreements.extensions(session, terms.agreement.id, known_at)
        end = max([end, *(extension.end for extension in agreed)])
    book = terms.price_book
    factor = scenario.index_factor
    if factor != 1:
        decided = max((adjustment.effective_from.year for adjustment in book.index_adjustments), default=0)
        years = range(max(scenario.as_of.year, decided) + 1, scenario.period.end.year + 1)
        assumed = tuple(IndexAdjustment(date(year, 1, 1), factor, "assumption") for year in years)
        book = replace(book, index_adjustments=(*book.index_adjustments, *assumed))
    term = replace(terms.agreement.term, end=end)
    return replace(terms, agreement=replace(terms.agreement, term=term), price_book=book)


def plan_findings(
    session: Session, terms: Terms, scenario: Scenario, known_at: datetime | None = None
) -> list[Finding]:
    holders = {holder.party.code for holder in agreements.option_holders(session, terms.agreement.id, known_at)}
    products = {algorithm.code for algorithm in agreements.marketplace(session, terms.agreement.id, known_at)}
    findings = []
    for number, plan in enumerate(scenario.plans):
        wanted, place = plan.activation, f"#/activations/{number}"
        if wanted.trust not in holders:
            detail = f"'{wanted.trust}' is not on the agreement's closed list of option holders"
            findings.append(Finding(f"{place}/trust", "not_an_option_holder", detail))
        if wanted.algorithm not in products:
            detail = f"'{wanted.algorithm}' is not on the agreement's list of algorithms"
            findings.append(Finding(f"{place}/algorithm", "unknown_algorithm", detail))
        if any(
            (row.trust, row.algorithm) == (wanted.trust, wanted.algorithm)
            and (row.end is None or row.end > wanted.go_live)
            for row in terms.activations
        ):
            detail = f"'{wanted.algorithm}' is active at '{wanted.trust}' already"
            findings.append(Finding(f"{place}", "active_already", detail))
    return findings


def _course(lines: Iterable[Line], period: Period, end: date) -> Course:
    sums = {month.start: [0, 0] for month in period.months()}
    for line in lines:
        month = sums[first_of_month(line.period.start)]
        month[0] += line.gross_ore
        month[1] += line.discount_ore
    return Course(
        tuple(
            Month(
                Period.month(start), kroner(gross), kroner(discount), kroner(gross - discount), after_end=start >= end
            )
            for start, (gross, discount) in sums.items()
        )
    )


def _marginal_by_trust(lines: tuple[Line, ...], base: tuple[Line, ...], period: Period, end: date) -> dict[str, Course]:
    ours, theirs = _by_trust(lines), _by_trust(base)
    return {
        trust: _course(ours.get(trust, ()), period, end).minus(_course(theirs.get(trust, ()), period, end))
        for trust in sorted({*ours, *theirs})
    }


def _by_trust(lines: tuple[Line, ...]) -> dict[str, list[Line]]:
    own: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line.trust is not None:
            own[line.trust].append(line)
    return own


def _sums(lines: Iterable[Line], key: str) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for line in lines:
        name = getattr(line, key)
        if name is not None:
            sums[name] += line.net
    return dict(sorted(sums.items()))
