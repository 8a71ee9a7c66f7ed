"""The ceiling: what counts against the agreement's maximum value now, and when it is used up, as dates with a probability.

All figures exclude VAT and mean what `billing/ceiling/README.md` says: *invoiced* is what was approved for payment, by the quarter of service;
*accrued* is what is expected up to the usage cut-off and not invoiced yet, where a count lacks by what was usual; *committed* is the mean cost of what runs, from the
day after the cut-off to the agreement's current end, and of what is approved; *open* is what submitted activations reserve. The forecast goes beyond
that: it is what was used plus what a scenario assumes, and is never added to what is committed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy.orm import Session

from billing.charges.basis import Terms, gather
from billing.forecasting.daily_rates import Plan
from billing.forecasting.exhaustion import Exhaustion, exhaustion
from billing.forecasting.simulate import Fan, Simulation, mean_of
from billing.payments.approved import approved_by_quarter
from billing.projection.bound import bound_cases
from billing.projection.projection import Scenario
from billing.projection.simulation import Prepared, prepared
from billing.quarters import coverage
from contracts import ceiling
from contracts.ceiling_history import LEVELS
from contracts.terms import money
from contracts.terms.money import ZERO
from contracts.terms.period import Period, add_months, first_of_month

# The draws that the committed mean is taken over; the seed is always the same, so the same knowledge posts the same amount.
COMMITTED_DRAWS: Final = 500
# The source of what is committed for all that runs; what the workflow posts has one for each activation.
RUNNING: Final = "running"


@dataclass(frozen=True, slots=True)
class CeilingFigures:
    """What counts against the maximum value now, by source; ``cut_off`` is the last day with usage (None: there is none).

    ``invoiced`` and ``accrued`` are by quarter. ``running`` is committed from the day after the cut-off to the agreement's
    current end for what runs and was counted; ``waiting`` by activation, as approved, for what was not counted yet.
    """

    maximum: Decimal | None
    opening: Decimal
    invoiced: dict[str, Decimal]
    accrued: dict[str, Decimal]
    running: Decimal
    waiting: dict[str, Decimal]
    open: Decimal
    cut_off: date | None

    @property
    def committed(self) -> Decimal:
        """Give what is committed in all."""
        return self.running + sum(self.waiting.values(), ZERO)

    @property
    def used(self) -> Decimal:
        """Give what is taken over, invoiced, accrued and committed."""
        return self.opening + sum(self.invoiced.values(), ZERO) + sum(self.accrued.values(), ZERO) + self.committed

    @property
    def headroom(self) -> Decimal | None:
        """Give what is left for new requests, None where no maximum is known."""
        return None if self.maximum is None else self.maximum - self.used - self.open


@dataclass(frozen=True, slots=True)
class Outlook:
    """When a scenario uses the ceiling up: the figures now, what is spent before the simulated months, and the dates.

    ``exhausted`` is None where no maximum is known.
    """

    figures: CeilingFigures
    simulated: Period
    spent_before: Decimal
    exhausted: Exhaustion | None


@dataclass(frozen=True, slots=True)
class LevelReached:
    """A level of the maximum value, in per cent and kroner: the month in which what was spent reached it, or the days ahead.

    ``days`` is None where it is spent already, or where there is nothing left of the agreement to simulate.
    """

    level: int
    amount: Decimal
    spent_in: Period | None
    days: Exhaustion | None


@dataclass(frozen=True, slots=True, eq=False)
class BurnDown:
    """How the maximum value is used up: by month what was spent, then what the draws come to, and the days of each level.

    ``spent`` is cumulative at the end of each month before the simulated ones, with what was taken over; a quarter approved for
    payment counts as invoiced, its difference from what was due in its last month. ``simulation`` goes on as it runs with what
    is approved and waits (``waiting``, by its source in the ledger), to the agreement's current end; None where the counts reach
    the end.
    """

    figures: CeilingFigures
    spent: tuple[tuple[Period, Decimal], ...]
    simulation: Simulation | None
    levels: tuple[LevelReached, ...]
    waiting: dict[str, Plan]

    @property
    def spent_before(self) -> Decimal:
        """Give what was spent before the simulated months."""
        return self.spent[-1][1] if self.spent else self.figures.opening

    def cumulative(self) -> list[Fan]:
        """Give the fan of what is spent at the end of each simulated month."""
        if self.simulation is None:
            return []
        before = money.ore(self.spent_before)
        return [Fan.of(month + before) for month in self.simulation.cumulative]


def burn_down(session: Session, *, agreement_id: int, today: date, known_at: datetime | None = None) -> BurnDown:
    """Find how the maximum value is used up under what runs and what is approved, as known; the same knowledge, the same draws."""
    return course_of(session, gather(session, agreement_id=agreement_id, known_at=known_at), today, known_at)


def course_of(session: Session, terms: Terms, today: date, known_at: datetime | None = None) -> BurnDown:
    """Find how the maximum value is used up under terms that are gathered already, be they in force or not."""
    terms = _as_counted(session, terms, today, known_at)
    first = _first_open(terms, today)
    ready = None
    waiting = _waiting(session, terms, first) if known_at is None else {}
    if first < terms.agreement.term.end:
        ready = _as_it_runs(_without(terms, waiting), first, tuple(waiting.values()))
    period = Period(first, _whole_months(terms.agreement.term.end)) if ready is not None else None
    running = None if ready is None or period is None else ready.run(period, plans=False)
    due = _due_by_month(terms, first)
    figures = _figures(session, terms, due, running, None if known_at is not None else set(waiting), known_at)
    simulation = running
    if ready is not None and period is not None and ready.scenario.plans:
        simulation = ready.run(period)
    spent = _spent_by_month(terms.agreement.term.start, first, due, figures)
    before = spent[-1][1] if spent else figures.opening
    levels = []
    for level in LEVELS if figures.maximum is not None else ():
        assert figures.maximum is not None
        amount = money.kroner(money.round_half_up(money.ore(figures.maximum) * level, 100))
        month = next((each for each, sum_ in spent if sum_ >= amount), None)
        days = None
        if before < amount and simulation is not None:
            month, days = None, exhaustion(simulation, money.ore(amount - before))
        levels.append(LevelReached(level, amount, month, days))
    return BurnDown(figures, tuple(spent), simulation, tuple(levels), waiting)


def figures_of(session: Session, terms: Terms, today: date, known_at: datetime | None = None) -> CeilingFigures:
    """Compute what counts against the ceiling under terms that are gathered already; what is committed is a mean of draws."""
    terms = _as_counted(session, terms, today, known_at)
    first = _first_open(terms, today)
    running = None
    waiting = _waiting(session, terms, first) if known_at is None else {}
    if first < terms.agreement.term.end:
        period = Period(first, _whole_months(terms.agreement.term.end))
        running = _as_it_runs(_without(terms, waiting), first).run(period, plans=False)
    due = _due_by_month(terms, first)
    return _figures(session, terms, due, running, None if known_at is not None else set(waiting), known_at)


def _figures(
    session: Session,
    terms: Terms,
    due: dict[date, Decimal],
    running: Simulation | None,
    waiting: set[str] | None,
    known_at: datetime | None,
) -> CeilingFigures:
    agreement = terms.agreement
    standing = ceiling.standing(session, agreement.id, known_at)
    invoiced = approved_by_quarter(session, agreement.id, known_at)
    accrued = {label: amount for label, amount in _by_quarter(due).items() if label not in invoiced and amount}
    committed = ceiling.committed_by_source(session, agreement.id, known_at)
    return CeilingFigures(
        maximum=standing.maximum,
        opening=standing.opening,
        invoiced=invoiced,
        accrued=accrued,
        running=ZERO if running is None else money.kroner(mean_of(running.totals)),
        # As known on an earlier day, what the workflow had told then; now, what is approved and not counted yet.
        waiting={
            source: amount
            for source, amount in committed.items()
            if source != RUNNING and (waiting is None or source in waiting)
        },
        open=standing.open,
        cut_off=terms.data_until,
    )


def outlook(session: Session, ready: Prepared, *, today: date, known_at: datetime | None = None) -> Outlook:
    """Find when a scenario uses up the ceiling, from the figures as known and the scenario's own draws.

    The scenario is simulated on to the agreement's current end, beyond its own last month, since a date after it is one too.
    """
    terms = ready.base
    figures = figures_of(session, terms, today, known_at)
    cut_off = _month_after(figures.cut_off) if figures.cut_off is not None else ready.scenario.period.start
    first = min(ready.scenario.period.start, max(cut_off, first_of_month(terms.agreement.term.start)))
    last = max(ready.scenario.period.end, _whole_months(terms.agreement.term.end))
    period = Period(first, last)
    spent = figures.opening + _spent(terms, figures, first)
    if figures.maximum is None:
        return Outlook(figures, period, spent, None)
    left = figures.maximum - spent
    return Outlook(figures, period, spent, exhaustion(ready.run(period), money.ore(left)))


def _spent(terms: Terms, figures: CeilingFigures, until: date) -> Decimal:
    """Sum what was invoiced, or else due, for the days before ``until``."""
    spent = ZERO
    for label, amount in _by_quarter(_due_by_month(terms, until)).items():
        whole = Period.parse(label).end <= until
        spent += figures.invoiced[label] if whole and label in figures.invoiced else amount
    return spent


def _due_by_month(terms: Terms, until: date) -> dict[date, Decimal]:
    """Sum what was due from the agreement's start up to ``until``, by the first day of the month."""
    start = terms.agreement.term.start
    due: dict[date, Decimal] = {}
    if until > start:
        for line in terms.rate(Period(start, until)).lines:
            first = first_of_month(line.period.start)
            due[first] = due.get(first, ZERO) + line.net
    return due


def _by_quarter(due: dict[date, Decimal]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for month, amount in due.items():
        label = Period.quarter(month).label()
        sums[label] = sums.get(label, ZERO) + amount
    return sums


def _spent_by_month(
    start: date, until: date, due: dict[date, Decimal], figures: CeilingFigures
) -> list[tuple[Period, Decimal]]:
    """Sum what was due by month up to ``until``; what was invoiced instead is told in its quarter's last month."""
    if until <= start:
        return []
    total, in_quarter = figures.opening, ZERO
    by_month: list[tuple[Period, Decimal]] = []
    for month in Period(first_of_month(start), until).months():
        total += due.get(month.start, ZERO)
        in_quarter += due.get(month.start, ZERO)
        quarter = Period.quarter(month.start)
        if month.end == min(quarter.end, until):
            total += figures.invoiced.get(quarter.label(), in_quarter) - in_quarter
            in_quarter = ZERO
        by_month.append((month, total))
    return by_month


def _waiting(session: Session, terms: Terms, first: date) -> dict[str, Plan]:
    """Give the bound plans by their source in the ledger: a forecast from history would say that they cost nothing."""
    return {str(case_id): plan for case_id, plan in bound_cases(session, terms, first).items()}


def _without(terms: Terms, waiting: dict[str, Plan]) -> Terms:
    """Leave what waits out of what runs: it is simulated as planned."""
    pairs = {(plan.activation.trust, plan.activation.algorithm) for plan in waiting.values()}
    return replace(
        terms, activations=tuple(row for row in terms.activations if (row.trust, row.algorithm) not in pairs)
    )


def _as_it_runs(terms: Terms, first: date, plans: tuple[Plan, ...] = ()) -> Prepared:
    """Prepare what runs now to go on as it does, with noise from history, and ``plans`` beside it."""
    scenario = Scenario(
        Period(first, _whole_months(terms.agreement.term.end)), first, plans, noise=None, draws=COMMITTED_DRAWS
    )
    return prepared(terms, terms, scenario)


def _as_counted(session: Session, terms: Terms, today: date, known_at: datetime | None) -> Terms:
    """Leave out what is counted of a month that is not over, and take what lacks of those that are over as expected.

    A part of a month's counts says nothing of the rest: taken as the whole it would lower what is used.
    """
    begun = first_of_month(today)
    counted = coverage.counted(session, agreement_id=terms.agreement.id, today=today, known_at=known_at)
    known = replace(terms, usage=tuple(entry for entry in terms.usage if entry.on < begun))
    first = _first_open(known, today)
    lacking = [cell for cell in counted.lacking if cell.month.start < first]
    return replace(known, usage=coverage.with_expected(known.usage, lacking, known.activations))


def _first_open(terms: Terms, today: date) -> date:
    """Give the first day of the first month without counts, of those that are over."""
    cut_off = max((entry.on for entry in terms.usage if entry.on < first_of_month(today)), default=None)
    if cut_off is None:
        return first_of_month(max(today, terms.agreement.term.start))
    return _month_after(cut_off)


def _month_after(day: date) -> date:
    """Give the first day of the month after a day's; counts up to a month's last day are whole months."""
    following = day + timedelta(days=1)
    return following if following.day == 1 else add_months(first_of_month(day), 1)


def _whole_months(end: date) -> date:
    return end if end.day == 1 else add_months(first_of_month(end), 1)
