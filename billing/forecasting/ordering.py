"""Propose an order in which planned activations start, so that discounts do not end all at once.

Every activation starts in one of its months and costs something in each month of the horizon from then on, as its start moves
its ramp; costs of activations are added up. An order is the better, first, the smaller its worst: the largest rise of cost
over any three months, or, with budgets, the largest excess over a year's budget; second, the fewer months its activations
start after their earliest in all.

A small case is searched through. A larger one is searched depth first with a bound under every partial order, for as many
steps as are given, from a start improved by moving one and two activations at a time; where the search ends before the last
partial order is shown to be no better, the gap to the bound is told.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]

RISE_MONTHS = 3
SMALL = 20_000
STEPS = 30_000


@dataclass(frozen=True, slots=True)
class Startable:
    """Hold one activation's cost in øre over the horizon's months for each month it may start in, earliest first."""

    courses: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Aim:
    """Say what is worst: None is the largest rise over three months, else the excess over each year's budget.

    `years` are (first month, month after the last, budget in øre), months as numbers within the horizon.
    """

    years: tuple[tuple[int, int, int], ...] | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """Hold a proposed order: the start of each activation as a number of months after its earliest.

    `worst` is in øre and never below 0, `delay` in months in all; `bound` is what no order's worst falls short of, and where
    `proven`, no order is better.
    """

    starts: tuple[int, ...]
    worst: int
    delay: int
    bound: int
    proven: bool

    @property
    def gap(self) -> int:
        """Return how much a better order's worst could be lower at most, in øre."""
        return self.worst - self.bound


def propose_order(
    base: Sequence[int], activations: Sequence[Startable], aim: Aim | None = None, steps: int = STEPS
) -> Order:
    """Propose an order over the horizon of `base`, the cost in øre of everything else by month.

    Of equal orders the one whose earlier activations start earlier is taken. Raises ValueError where a course is not as long
    as the horizon or an activation may not start at all.
    """
    if any(not one.courses or any(len(course) != len(base) for course in one.courses) for one in activations):
        raise ValueError("every activation has at least one start, each with a cost for every month of the horizon")
    search = _Search(base, activations, aim or Aim())
    if prod(len(one.courses) for one in activations) <= SMALL:
        return search.through()
    return search.bounded(steps)


def all_at_once(base: Sequence[int], activations: Sequence[Startable], aim: Aim | None = None) -> Order:
    """Return the order in which everything starts at its earliest."""
    search = _Search(base, activations, aim or Aim())
    starts = (0,) * len(activations)
    return Order(starts, search.worst(starts), 0, 0, proven=False)


class _Search:
    def __init__(self, base: Sequence[int], activations: Sequence[Startable], aim: Aim) -> None:
        self._measured = _measured(np.array(base, dtype=np.int64), aim)
        zero = _budgets(aim)
        self._limits = zero
        self._courses = [
            np.array([_measured(np.array(course, dtype=np.int64), aim) for course in one.courses])
            for one in activations
        ]

    def worst(self, starts: Sequence[int]) -> int:
        total = self._measured.copy()
        for courses, start in zip(self._courses, starts, strict=True):
            total += courses[start]
        return self._value(total)

    def _value(self, total: Whole) -> int:
        over = total - self._limits
        return max(int(over.max()), 0) if over.size else 0

    def through(self) -> Order:
        """Look at every order: all starts of the last activations at once, one combination of the others at a time."""
        best: tuple[int, int, tuple[int, ...]] | None = None
        for starts in itertools.product(*(range(len(courses)) for courses in self._courses[:-1])):
            total = self._measured.copy()
            for courses, start in zip(self._courses, starts, strict=False):
                total += courses[start]
            last = self._courses[-1] if self._courses else np.zeros((1, len(total)), dtype=np.int64)
            over = total + last - self._limits
            worsts = np.maximum(over.max(axis=1), 0) if over.shape[1] else np.zeros(len(last), dtype=np.int64)
            start = int(worsts.argmin())  # of equals the earliest, which is the one with the least delay
            found = (*starts, start) if self._courses else ()
            candidate = (int(worsts[start]), sum(found), found)
            if best is None or candidate < best:
                best = candidate
        assert best is not None
        return Order(best[2], best[0], best[1], best[0], proven=True)

    def bounded(self, steps: int) -> Order:
        """Search depth first, the activations with the largest costs first, and cut what cannot be better."""
        order = sorted(range(len(self._courses)), key=lambda i: -int(np.abs(self._courses[i]).max(initial=0)))
        least = [np.zeros_like(self._measured)]
        for i in reversed(order):
            least.append(least[-1] + self._courses[i].min(axis=0))
        least.reverse()
        starts = self._improved()
        best = (self.worst(starts), sum(starts), starts)
        root = self._value(self._measured + least[0])
        open_bound, left = best[0], steps
        stack: list[tuple[int, tuple[int, ...], Whole, int]] = [(0, (), self._measured, root)]
        while stack:
            depth, chosen, total, bound = stack.pop()
            if (bound, sum(chosen)) >= best[:2]:
                continue
            if left <= 0:
                open_bound = min(open_bound, bound)
                continue
            left -= 1
            if depth == len(order):
                found = [0] * len(order)
                for place, start in zip(order, chosen, strict=True):
                    found[place] = start
                candidate = (self._value(total), sum(chosen), tuple(found))
                best = min(best, candidate)
                continue
            children = total + self._courses[order[depth]]
            bounds = np.maximum((children + least[depth + 1] - self._limits).max(axis=1), 0)
            # The most promising is put on top, the earlier start of equals.
            for start in sorted(range(len(children)), key=lambda i: (-int(bounds[i]), -i)):
                stack.append((depth + 1, (*chosen, start), children[start], int(bounds[start])))
        return Order(best[2], best[0], best[1], min(open_bound, best[0]), proven=left > 0)

    def _improved(self) -> tuple[int, ...]:
        """Start from all at once and move one activation, then two at a time, while that is better."""
        starts = [0] * len(self._courses)
        best = (self.worst(starts), 0)
        for moved in itertools.chain(itertools.repeat(1, 6), itertools.repeat(2, 1)):
            before = best
            for rows in itertools.combinations(range(len(starts)), moved):
                best = self._move(starts, rows, best)
            if best == before and moved == 2:
                break
        return tuple(starts)

    def _move(self, starts: list[int], rows: tuple[int, ...], best: tuple[int, int]) -> tuple[int, int]:
        total = self._measured.copy()
        for row, courses in enumerate(self._courses):
            if row not in rows:
                total += courses[starts[row]]
        rest = sum(start for row, start in enumerate(starts) if row not in rows)
        for choice in itertools.product(*(range(len(self._courses[row])) for row in rows)):
            candidate = (
                self._value(total + sum(self._courses[row][start] for row, start in zip(rows, choice, strict=True))),
                rest + sum(choice),
            )
            if candidate < best:
                best = candidate
                for row, start in zip(rows, choice, strict=True):
                    starts[row] = start
        return best


def _measured(course: Whole, aim: Aim) -> Whole:
    """Return what is to be kept small of a course of cost: a sum of courses has the sum of these."""
    if aim.years is None:
        # Every rise from one month to one of the next three; the horizon's first month has nothing before it.
        return np.concatenate(
            [course[gap:] - course[:-gap] for gap in range(1, RISE_MONTHS + 1) if gap < len(course)] or [course[:0]]
        )
    return np.array([course[first:end].sum() for first, end, _ in aim.years], dtype=np.int64)


def _budgets(aim: Aim) -> Whole | int:
    return 0 if aim.years is None else np.array([budget for _, _, budget in aim.years], dtype=np.int64)


def orders(activations: Sequence[Startable]) -> Iterator[tuple[int, ...]]:
    """Yield every order there is."""
    yield from itertools.product(*(range(len(one.courses)) for one in activations))
