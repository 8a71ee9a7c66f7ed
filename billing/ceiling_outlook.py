"""The ceiling: what counts against the agreement's maximum value now, and when it is used up, as dates with a probability.

All figures exclude VAT and mean what `options.md` says: *invoiced* is what was approved for payment, by the quarter of service;
*accrued* is what is expected up to the usage cut-off and not invoiced yet; *committed* is the mean cost of what runs, from the
day after the cut-off to the agreement's current end; *open* is what submitted activations reserve. The forecast goes beyond
that: it is what was used plus what a scenario assumes, and is never added to what is committed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy.orm import Session

from billing.approved_quarters import approved_by_quarter
from billing.charging import ZERO, Terms, gather
from billing.projection import Scenario
from billing.rating.simulate_ceiling import Exhaustion, exhaustion
from billing.simulation import Prepared, mean_cost, prepared
from contracts import ceiling
from contracts.terms import money
from contracts.terms.period import Period, add_months, first_of_month

# The draws that the committed mean is taken over; the seed is always the same, so the same knowledge posts the same amount.
COMMITTED_DRAWS: Final = 500


@dataclass(frozen=True, slots=True)
class CeilingFigures:
    """What counts against the maximum value now, by source; ``cut_off`` is the last day with usage (None: there is none).

    ``invoiced`` and ``accrued`` are by quarter, ``committed`` from the day after the cut-off to the agreement's current end.
    """

    maximum: Decimal | None
    opening: Decimal
    invoiced: dict[str, Decimal]
    accrued: dict[str, Decimal]
    committed: Decimal
    open: Decimal
    cut_off: date | None

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


def ceiling_figures(
    session: Session, *, agreement_id: int, today: date, known_at: datetime | None = None
) -> CeilingFigures:
    """Compute what counts against the ceiling as known; the committed part is a mean over 500 draws, the same each time."""
    terms = gather(session, agreement_id=agreement_id, known_at=known_at)
    return figures_of(session, terms, today, known_at)


def figures_of(session: Session, terms: Terms, today: date, known_at: datetime | None = None) -> CeilingFigures:
    """Compute the figures under terms that are gathered already."""
    agreement = terms.agreement
    standing = ceiling.standing(session, agreement.id, known_at)
    invoiced = approved_by_quarter(session, agreement.id, known_at)
    cut_off = max((entry.on for entry in terms.usage), default=None)
    accrued: dict[str, Decimal] = {}
    committed = ZERO
    first_open = _month_after(cut_off) if cut_off is not None else first_of_month(max(today, agreement.term.start))
    if first_open > agreement.term.start:
        for label, amount in _due_by_quarter(terms, Period(agreement.term.start, first_open)).items():
            if label not in invoiced and amount:
                accrued[label] = amount
    if first_open < agreement.term.end:
        committed = mean_cost(_as_it_runs(terms, first_open), Period(first_open, _whole_months(agreement.term.end)))
    return CeilingFigures(standing.maximum, standing.opening, invoiced, accrued, committed, standing.open, cut_off)


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
    start = terms.agreement.term.start
    if until <= start:
        return ZERO
    spent = ZERO
    for label, amount in _due_by_quarter(terms, Period(start, until)).items():
        whole = Period.parse(label).end <= until
        spent += figures.invoiced[label] if whole and label in figures.invoiced else amount
    return spent


def _due_by_quarter(terms: Terms, period: Period) -> dict[str, Decimal]:
    due: dict[str, Decimal] = {}
    for line in terms.rate(period).lines:
        label = Period.quarter(line.period.start).label()
        due[label] = due.get(label, ZERO) + line.net
    return due


def _as_it_runs(terms: Terms, first: date) -> Prepared:
    """Prepare what runs now to go on as it does, with noise from history and nothing new."""
    scenario = Scenario(
        Period(first, _whole_months(terms.agreement.term.end)), first, noise=None, draws=COMMITTED_DRAWS
    )
    return prepared(terms, terms, scenario)


def _month_after(day: date) -> date:
    """Give the first day of the month after a day's; counts up to a month's last day are whole months."""
    following = day + timedelta(days=1)
    return following if following.day == 1 else add_months(first_of_month(day), 1)


def _whole_months(end: date) -> date:
    return end if end.day == 1 else add_months(first_of_month(end), 1)
