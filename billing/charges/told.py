"""What a reader within one trust may be told of the others.

A reader within one trust gets that trust's figures, the pool, and the others together where at least two others are in it.
Whoever may ask for every period may subtract, so a sum is not judged as a whole but by the smallest parts that it is made of:

- The others' amounts are told by cell, one charge in one pricing period: a cell is in the sum where at least two others pay
  something in it (`others_told`). A year less its months is a sum of such cells again.
- The pool's position is told at the end of a pricing period where, since the last position that is told, at least two others
  have fed it or none has (`pool_told`). Two positions told differ by the volume of at least two others.
- Both are told as they are known now only. The same figure before and after one trust's correction would show the correction,
  so a reader within one trust who asks as of an earlier moment gets the own figures of that moment and nothing of the others.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime

from billing.charges.basis import Terms
from billing.rating.compile import pricing_periods
from billing.rating.rate import Line, Rating
from contracts.terms.period import Period
from contracts.terms.price_book import PriceBook, covers
from contracts.terms.price_model import Charge, UsageCharge

# One other alone could be told from a sum (by whoever knows the own part of it).
LEAST_OTHERS = 2

# The smallest part of a sum that can be asked for: a charge in a pricing period.
Cell = tuple[Period, str]


def cells_told(lines: Iterable[Line], scope: str) -> frozenset[Cell]:
    """Give the cells in which at least two trusts other than ``scope`` pay something that is not 0.00."""
    paid: dict[Cell, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in lines:
        if line.trust not in (None, scope):
            paid[line.period, line.charge][line.trust] += line.net_ore
    return frozenset(cell for cell, sums in paid.items() if sum(map(bool, sums.values())) >= LEAST_OTHERS)


def others_told(lines: Iterable[Line], scope: str, cells: frozenset[Cell] | None = None) -> tuple[Line, ...]:
    """Keep the other trusts' lines that a reader within ``scope`` may be told the sum of.

    ``cells`` are those that may be told, those of the lines themselves where they are not given. What stands on the
    agreement and on no trust is not in it: a minimum less the amounts it fills up to would tell their sum.
    """
    listed = list(lines)
    told = cells_told(listed, scope) if cells is None else cells
    return tuple(line for line in listed if line.trust not in (None, scope) and (line.period, line.charge) in told)


def months_alone(lines: tuple[Line, ...], base: tuple[Line, ...], scope: str) -> frozenset[Period]:
    """Give the months in which one other trust alone has lines of a charge that a plan touches: with it ``lines``, without ``base``.

    A charge is touched where ``scope``'s own lines of it are others with the plan than without.
    """
    touched = {line.charge for line in set(lines) ^ set(base) if line.trust == scope}
    told = cells_told(lines, scope) & cells_told(base, scope)
    return frozenset(
        Period.month(line.period.start)
        for line in (*lines, *base)
        if line.charge in touched and line.trust not in (None, scope) and (line.period, line.charge) not in told
    )


def plan_told(lines: tuple[Line, ...], base: tuple[Line, ...], scope: str) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """Keep of the lines with a plan, and of those without, what a reader within its trust may be told the difference of.

    The own lines, and the others' outside `months_alone` in the cells that are told on both sides: one that is told on one side
    alone would be told by what it is left out of.
    """
    cells, alone = cells_told(lines, scope) & cells_told(base, scope), months_alone(lines, base, scope)

    def kept(side: tuple[Line, ...]) -> tuple[Line, ...]:
        others = (line for line in others_told(side, scope, cells) if Period.month(line.period.start) not in alone)
        return (*(line for line in side if line.trust == scope), *others)

    return kept(lines), kept(base)


def pool_told(
    terms: Terms,
    charge: str,
    window: Period,
    moments: Iterable[date],
    scope: str | None,
    known_at: datetime | None,
    rating: Rating | None = None,
) -> bool:
    """Tell whether a reader may be told where the common counter of ``charge`` stood at all of ``moments``.

    Moments are ends of pricing periods in ``window``, or its first day (when the counter stands at nothing); within one
    trust each must lie where at least two others fed the counter since the last one told, or none did. ``rating`` is that
    of the window up to the last moment, where the caller has it.
    """
    if scope is None:
        return True
    if known_at is not None:
        return False
    asked = sorted(moments)
    if asked[-1] <= window.start:
        return True
    period = Period(window.start, asked[-1])
    feeders = _feeders(terms, rating or terms.rate(period), charge, period, scope)
    for moment in asked:
        waiting: set[str] = set()
        for start in sorted(feeders):
            if start >= moment:
                break
            waiting |= feeders[start]
            if len(waiting) >= LEAST_OTHERS:
                waiting = set()
        if waiting:
            return False
    return True


def _feeders(terms: Terms, rating: Rating, code: str, period: Period, scope: str) -> dict[date, set[str]]:
    """Give the other trusts that fed a common counter, by the first day of the pricing period they did it in."""
    units: dict[tuple[date, str], int] = defaultdict(int)
    for line in rating.lines:
        if line.charge == code and line.kind == "usage" and line.why is None and line.trust not in (None, scope):
            units[line.period.start, line.trust] += line.quantity or 0
    # A trust's share of a package may be 0.00 and then has no line: its units are those of the days behind it.
    left_out = {(each.trust, each.algorithm, each.on) for each in rating.excluded}
    starts = [each.start for each in pricing_periods(terms.agreement.term, terms.price_book)]
    for entry in terms.to_request(period).usage:
        if entry.trust == scope or not period.contains(entry.on):
            continue
        charge = _charge_on(terms.price_book, code, entry.on)
        if (
            isinstance(charge, UsageCharge)
            and not charge.model.LINES_HAVE_UNITS
            and covers(charge, entry.algorithm)
            and (entry.trust, entry.algorithm, entry.on) not in left_out
        ):
            units[starts[bisect_right(starts, entry.on) - 1], entry.trust] += entry.quantity
    fed: dict[date, set[str]] = defaultdict(set)
    for (start, trust), quantity in units.items():
        if quantity:
            fed[start].add(trust)
    return fed


def _charge_on(book: PriceBook, code: str, day: date) -> Charge | None:
    version = book.version_on(day)
    return None if version is None else next((charge for charge in version.charges if charge.code == code), None)
