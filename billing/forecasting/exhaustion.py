"""When a ceiling is used up: a day in every draw, or never."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from billing.forecasting.simulate import Simulation
from contracts.terms.period import Period
from contracts.terms.working_days import working_days

_NEVER = date.max.toordinal()


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """Hold the day by which 10, 50 and 90 % of draws have used an amount up, and the share of draws that never do.

    None is later than every day of the simulation.
    """

    p10: date | None
    p50: date | None
    p90: date | None
    never: Decimal


def exhaustion(simulation: Simulation, left_ore: int) -> Exhaustion:
    """Find when what is left of a ceiling (øre, at the first month's start) is used up.

    A month's cost is taken to fall evenly on its working days. With nothing left it is the simulation's first day.
    """
    days = exhaustion_days(simulation, left_ore)
    p10, p50, p90 = (_day(int(each)) for each in np.quantile(days, (0.1, 0.5, 0.9), method="inverted_cdf"))
    never = Decimal(int((days == _NEVER).sum())) / len(days)
    return Exhaustion(p10, p50, p90, never)


def exhaustion_days(simulation: Simulation, left_ore: int) -> NDArray[np.int64]:
    """Return each draw's day as an ordinal; what never happens is `date.max`."""
    spent = simulation.cumulative
    reached = spent >= left_ore
    first = reached.argmax(axis=0)
    found = np.full(simulation.draws, _NEVER, dtype=np.int64)
    if left_ore <= 0:
        return np.full(simulation.draws, simulation.months[0].start.toordinal(), dtype=np.int64)
    for number, month in enumerate(simulation.months):
        draws = np.nonzero((first == number) & reached[number])[0]
        if not len(draws):
            continue
        ordinals = np.array([day.toordinal() for day in _days(month)], dtype=np.int64)
        cost = simulation.cost[number, draws]
        before = spent[number, draws] - cost
        # The first day after which the month's even share has made up what was left.
        place = -(-(left_ore - before) * len(ordinals) // cost) - 1
        found[draws] = ordinals[np.clip(place, 0, len(ordinals) - 1)]
    return found


def spread_over_days(simulation: Simulation, draw: int) -> Sequence[tuple[date, int]]:
    """Give one draw's cost so far after each working day, in øre, each rounded down."""
    course = []
    before = 0
    for number, month in enumerate(simulation.months):
        days, cost = _days(month), int(simulation.cost[number, draw])
        course += [(day, before + cost * (place + 1) // len(days)) for place, day in enumerate(days)]
        before += cost
    return course


def _days(month: Period) -> list[date]:
    return working_days(month) or [month.end - timedelta(days=1)]


def _day(ordinal: int) -> date | None:
    return None if ordinal == _NEVER else date.fromordinal(ordinal)
