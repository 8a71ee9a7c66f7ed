"""Steps in a series of daily counts: a level that has changed for good, found within a month.

Every day the counts of the last 7 to 31 days are held against what the same weekdays had before them (public holidays count as
Sundays), for up to a year back. Chance is measured on that past itself: counts that scatter more than chance alone would need
a larger step. A step is told on the first day on which the deviation is too large to be chance, and the level is then learnt
anew from where the step began.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from math import log, sqrt

# Windows in days, each with the standard deviations that chance exceeds, in all of them together, about once in a hundred
# months of a series. The longest finds what is there to be found within a month, the shorter ones tell a large step sooner.
WINDOWS = ((7, 4.9), (14, 4.4), (21, 3.9), (31, 3.35))
LEARNING_DAYS = 56
MEMORY_DAYS = 364
_SUNDAY = 6
_KINDS = 7


@dataclass(frozen=True, slots=True)
class StepFound:
    """Hold a step: the day it is told, the day it is taken to have begun, and the daily level before and after it.

    `change` is after over before, less one, with four decimals.
    """

    found_on: date
    since: date
    before: Decimal
    after: Decimal
    change: Decimal


def find_steps(first: date, counts: Sequence[int], holidays: Callable[[int], frozenset[date]]) -> list[StepFound]:
    """Find the steps of a series of daily counts, one for every day from `first` on, days without any included.

    The first 56 days after the start, and after a step, only teach the level. `holidays` gives a year's public holidays.
    """
    kinds = [_kind(first + timedelta(days=number), holidays) for number in range(len(counts))]
    past = _Past(counts, kinds)
    found: list[StepFound] = []
    learnt_from = 0
    for today in range(len(counts)):
        best: tuple[float, int, float, int] | None = None
        for width, enough in WINDOWS:
            begin = today + 1 - width
            if begin - learnt_from < LEARNING_DAYS:
                break
            deviation, expected, seen = past.deviation(max(learnt_from, begin - MEMORY_DAYS), begin, today + 1)
            if abs(deviation) > enough and (best is None or abs(deviation) > abs(best[0])):
                best = (deviation, begin, expected, seen)
        if best is not None:
            _, begin, expected, seen = best
            days = today + 1 - begin
            change = Decimal(str(round(seen / expected - 1, 4))) if expected else Decimal(0)
            found.append(
                StepFound(
                    first + timedelta(days=today),
                    first + timedelta(days=begin),
                    Decimal(str(round(expected / days, 2))),
                    Decimal(str(round(seen / days, 2))),
                    change,
                )
            )
            learnt_from = begin
    return found


def _kind(day: date, holidays: Callable[[int], frozenset[date]]) -> int:
    return _SUNDAY if day in holidays(day.year) else day.weekday()


class _Past:
    """Keep running sums of days, counts and their squares by kind of day."""

    def __init__(self, counts: Sequence[int], kinds: Sequence[int]) -> None:
        self._days = [[0] * (len(counts) + 1) for _ in range(_KINDS)]
        self._sums = [[0] * (len(counts) + 1) for _ in range(_KINDS)]
        self._squares = [[0] * (len(counts) + 1) for _ in range(_KINDS)]
        for number, (count, kind) in enumerate(zip(counts, kinds, strict=True)):
            for other in range(_KINDS):
                own = other == kind
                self._days[other][number + 1] = self._days[other][number] + own
                self._sums[other][number + 1] = self._sums[other][number] + own * count
                self._squares[other][number + 1] = self._squares[other][number] + own * count * count

    def deviation(self, learnt_from: int, begin: int, end: int) -> tuple[float, float, int]:
        """Return how many standard deviations a window is off its past, what was expected in it and what was seen."""
        expected = doubt = scatter = 0.0
        seen = freedom = 0
        for kind in range(_KINDS):
            days = self._days[kind][begin] - self._days[kind][learnt_from]
            total = self._sums[kind][begin] - self._sums[kind][learnt_from]
            coming = self._days[kind][end] - self._days[kind][begin]
            seen += self._sums[kind][end] - self._sums[kind][begin]
            if not days:
                continue
            mean = total / days
            expected += coming * mean
            doubt += coming * coming * mean / days
            if total and days > 1:
                squares = self._squares[kind][begin] - self._squares[kind][learnt_from]
                scatter += (squares - total * mean) / mean
                freedom += days - 1
        if expected <= 0:
            return 0.0, expected, seen
        beyond_chance = max(scatter / freedom, 1.0) if freedom else 1.0
        unlikely = 2 * ((seen * log(seen / expected) if seen else 0.0) - (seen - expected))
        signed = sqrt(max(unlikely, 0.0)) * (1 if seen > expected else -1)
        return signed / sqrt(beyond_chance * (1 + doubt / expected)), expected, seen
