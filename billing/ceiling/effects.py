"""What an act on a whole agreement costs to its end: the ceiling's own figures under the terms as they would be, and as they are.

Both sides are the burn-down of the same knowledge with the same draws, and the same course of months that budgets are held
against; only end and price book differ.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Session

from billing.ceiling.budgets import booked
from billing.ceiling.burn_down import BurnDown, course_of
from billing.charges.basis import Terms, gather
from billing.forecasting.simulate import Fan
from billing.projection.months import expected_course
from contracts import ceiling, effects
from contracts.options import funding
from contracts.terms.effect import CentreCover, Change, Effect
from contracts.terms.money import ZERO, kroner
from contracts.terms.period import Period, previous_day
from contracts.terms.workflow import Cover


def register() -> None:
    """Let acts on an agreement be weighed by these figures."""
    effects.register_measure(measure)


def measure(session: Session, agreement_id: int, change: Change, today: date) -> Effect:
    """Compute what a change costs to the end, in kroner excluding VAT. Raises `InvalidInput` where a price is missing."""
    terms = gather(session, agreement_id=agreement_id)
    changed = _changed(terms, change)
    standing = ceiling.standing(session, agreement_id)
    expected = p90 = ZERO
    covers: tuple[CentreCover, ...] = ()
    if changed != terms:
        without, with_it = (course_of(session, each, today) for each in (terms, changed))
        expected, p90 = _more(with_it, without)
        covers = tuple(_covers(session, terms, changed, today))
    return Effect(
        expected=expected,
        p90=max(expected, p90),
        used=standing.used,
        open=standing.open,
        maximum=standing.maximum if change.new_maximum is None else change.new_maximum,
        former=terms.agreement.term.period,
        term=changed.agreement.term.period,
        covers=covers,
    )


def _changed(terms: Terms, change: Change) -> Terms:
    agreement = terms.agreement
    if change.new_end is not None:
        agreement = replace(agreement, term=replace(agreement.term, end=change.new_end))
    return replace(terms, agreement=agreement, price_book=change.priced(terms.price_book))


def _more(with_it: BurnDown, without: BurnDown) -> tuple[Decimal, Decimal]:
    """Give the mean and the P90 of what one course costs more than another, draw by draw where both have draws."""
    counted = _counted(with_it) - _counted(without)
    ours, theirs = (None if each.simulation is None else each.simulation.totals for each in (with_it, without))
    if ours is None or theirs is None:
        only, sign = (ours, 1) if theirs is None else (theirs, -1)
        fan = None if only is None else Fan.of(only * sign)
    else:
        fan = Fan.of(ours - theirs)
    return (counted, counted) if fan is None else (counted + fan.mean, counted + fan.p90)


def _counted(course: BurnDown) -> Decimal:
    figures = course.figures
    return sum(figures.invoiced.values(), ZERO) + sum(figures.accrued.values(), ZERO)


def _covers(session: Session, terms: Terms, changed: Terms, today: date) -> list[CentreCover]:
    """Hold what each cost centre bears more, by year, against its budget; what bears less needs none."""
    last = max(previous_day(each.agreement.term.end) for each in (terms, changed))
    years = Period(date(today.year, 1, 1), date(max(last.year, today.year) + 1, 1, 1))
    before, after = (_by_year(session, each, years, today) for each in (terms, changed))
    budgets = {(one.trust, one.cost_centre, one.year): one.amount for one in funding.list_budgets(session)}
    found = []
    for key in sorted(after, key=lambda each: (each[2], each[0], each[1] or "")):
        trust, centre, year = key
        more = after[key] - before.get(key, 0)
        if more > 0:
            cover = Cover(year, budgets.get((trust, centre or "", year)), kroner(before.get(key, 0)), kroner(more))
            found.append(CentreCover(trust, centre, cover))
    return found


def _by_year(session: Session, terms: Terms, years: Period, today: date) -> dict[tuple[str, str | None, int], int]:
    course = expected_course(session, agreement_id=terms.agreement.id, period=years, today=today, terms=terms)
    sums: dict[tuple[str, str | None, int], int] = defaultdict(int)
    for (trust, centre), each in booked(session, course, None):
        sums[trust, centre, each.month.year] += each.actual_ore + each.forecast_ore + each.committed_ore
    return sums
