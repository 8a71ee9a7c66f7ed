"""The price models on arrays: what the units of counters cost, one column per draw.

Each file holds one way to price; the terms of a price model say by `ARRAYS` which one takes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module

import numpy as np

from billing.forecasting.draws import Floats, Volumes
from billing.forecasting.layout import Places, Prices, Step
from billing.forecasting.state import Flags, State, Tally


@dataclass(frozen=True, slots=True)
class Moved:
    """Hold how far one pricing period moves the counters of a step, and the prices they meet, counter by counter."""

    step: Step
    prices: Prices
    unit: Floats
    bounds: Floats
    added: Floats
    before: Floats
    after: Floats

    @classmethod
    def of(cls, state: State, step: Step, prices: Prices, added: Floats) -> Moved:
        """Move the counters of a step on by the units added."""
        before = state.position[step.standing].copy()  # which is about to move on
        after = before + added
        state.position[step.standing] = after
        of_counter = step.group_of_counter
        return cls(step, prices, prices.unit[:, of_counter], step.tariff.bounds[:, of_counter], added, before, after)

    @property
    def amounts(self) -> Floats:
        """Return the amounts of each counter's group."""
        found: Floats = self.prices.amounts[:, self.step.group_of_counter]
        return found

    def each(self, amount: Floats) -> Floats:
        """Return what one unit bears of an amount, as if all bore the same."""
        share: Floats = amount / np.maximum(self.added, 1)
        return share


@dataclass(frozen=True, slots=True)
class Crossed:
    """Hold counters and draws that cross a tier: one line each, with its rows (those beyond its own are not `inside`)."""

    counters: Places
    draws: Places
    rows: Places
    inside: Flags
    units: Floats
    gross: Floats


class Arrays:
    """Price what counters are moved by; a model's file holds one instance, `ARRAYS`."""

    def price(self, state: State, moved: Moved, tally: Tally) -> tuple[Floats, Floats]:
        """Return each counter's amount before discounts, and what a unit bears of it."""
        raise NotImplementedError

    def remember(self, state: State, moved: Moved, units: Volumes, rates: Floats) -> None:
        """Keep the rows' units where a later period may price them anew."""

    def fees(self, state: State, moved: Moved) -> Floats | None:
        """Return each counter's flat fees, None where it has none."""
        return None

    def crossed(self, moved: Moved, units: Volumes, amount: Floats) -> Crossed | None:
        """Price, in whole units, the rows whose units no average prices closely enough; None where there are none."""
        return None


@cache
def arrays_of(name: str) -> Arrays:
    """Return the way to price that a file of this folder holds."""
    found = import_module(f"{__name__}.{name}").ARRAYS
    assert isinstance(found, Arrays)
    return found


def at_tier(by_tier: Floats, tier: Places) -> Floats:
    """Pick the price of each counter's tier."""
    found = np.broadcast_to(by_tier[0], tier.shape)
    for number in range(1, len(by_tier)):
        found = np.where(tier == number, by_tier[number], found)
    return found
