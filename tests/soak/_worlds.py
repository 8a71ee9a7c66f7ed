"""Worlds whose usage comes about in another way than the simulation supposes: day by day, from referrals, staff and chance.

Each activation has a level that wanders from week to week (a random walk, where the simulation has factors that return), each
hospital has quiet and busy spells of some weeks, each algorithm is used more as its world grows, there is a weekday pattern,
a July with closed clinics, days of stronger or weaker referral for the whole hospital, and now and then a lasting step when a
machine comes or goes. A day's count is a Poisson number around all that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from contracts.terms.working_days import public_holidays

TRUSTS = ("akershus", "innlandet", "oslo", "vestre-viken")
ALGORITHMS = ("ct-pe", "mr-ms", "xr-chest")
HISTORY_FROM = date(2024, 1, 1)
HISTORY_TO = date(2026, 1, 1)
END = date(2028, 1, 1)
WEEKDAYS = np.array([1.05, 1.1, 1.05, 1.0, 0.9, 0.25, 0.2])


@dataclass(frozen=True, slots=True)
class World:
    """Hold what came to pass: daily counts (activations × days) over the history and the future."""

    keys: tuple[tuple[str, str], ...]
    days: tuple[date, ...]
    counts: NDArray[np.int64]


def world(seed: int) -> World:
    """Make the world of a seed."""
    random = np.random.default_rng([seed, 20_261_124])
    days = tuple(HISTORY_FROM + timedelta(days=offset) for offset in range((END - HISTORY_FROM).days))
    number = len(days)
    weeks = -(-number // 7)
    keys = tuple((trust, algorithm) for trust in TRUSTS for algorithm in ALGORITHMS)
    growth = random.normal(0.02, 0.05)
    calendar = np.array([0.2 if day in public_holidays(day.year) else WEEKDAYS[day.weekday()] for day in days])
    july = np.array([0.75 if day.month == 7 else 1.0 for day in days])
    years = np.arange(number) / 365.25
    hospital = {trust: _spells(random, weeks, 0.07, 0.8)[np.arange(number) // 7] for trust in TRUSTS}
    weather = {trust: random.gamma(60, 1 / 60, number) for trust in TRUSTS}
    trend = {algorithm: random.normal(growth, 0.03) for algorithm in ALGORITHMS}
    counts = np.zeros((len(keys), number), dtype=np.int64)
    for row, (trust, algorithm) in enumerate(keys):
        level = random.uniform(4, 45)
        walk = np.cumsum(random.normal(0, 0.012, weeks))[np.arange(number) // 7]
        if random.random() < 0.15:
            walk = walk + np.where(np.arange(number) >= random.integers(number), random.choice([-0.2, 0.15]), 0)
        expected = level * np.exp(walk + hospital[trust] + trend[algorithm] * years) * calendar * july * weather[trust]
        counts[row] = random.poisson(expected)
    return World(keys, days, counts)


def _spells(random: np.random.Generator, weeks: int, size: float, lasting: float) -> NDArray[np.float64]:
    """Let a hospital's business rise and fall over weeks, in jumps of uneven size."""
    course, state = np.zeros(weeks), 0.0
    for week in range(weeks):
        state = lasting * state + size * float(random.laplace(0, 0.45))
        course[week] = state
    return course
