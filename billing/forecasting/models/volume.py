"""Volume on arrays: all units of the window at the tier reached, earlier ones repriced when it changes."""

from __future__ import annotations

import numpy as np

from billing.forecasting.draws import Floats, Volumes, Whole
from billing.forecasting.layout import Places
from billing.forecasting.models import Arrays, Moved, at_tier
from billing.forecasting.state import Priced, State, Tally, emit


class _Volume(Arrays):
    def price(self, state: State, moved: Moved, tally: Tally) -> tuple[Floats, Floats]:
        """Bring the counters to the tier they reach, and reprice what was at another."""
        standing = moved.step.standing
        state.former = state.tier[standing].copy()
        tier = np.where(moved.added > 0, (moved.after > moved.bounds).sum(axis=0), state.former)
        state.tier[standing] = tier
        _reprice(state, moved.step.counters, state.former, tier, tally)
        price = at_tier(moved.unit, np.maximum(tier, 0))
        return price * moved.added, price

    def remember(self, state: State, moved: Moved, units: Volumes, rates: Floats) -> None:
        """Keep the units by what they were priced at, for the window's later repricing."""
        step = moved.step
        key = (step.tariff_key, step.row_key)
        earlier = state.priced.get(key)
        if earlier is not None:
            earlier.units += units
            return
        assert step.priced_owners is not None
        state.priced[key] = Priced(
            np.array(units), step.counters, step.counter_of, moved.unit, rates, step.priced_owners
        )

    def fees(self, state: State, moved: Moved) -> Floats:
        """Return the fee of the tier reached, less that of the former one."""
        tier, former = state.tier[moved.step.standing], state.former
        fee = at_tier(moved.amounts, np.maximum(tier, 0))
        fee = fee - np.where(former >= 0, at_tier(moved.amounts, np.maximum(former, 0)), 0)
        fee *= moved.added > 0
        return fee


def _reprice(state: State, counters: Places, former: Whole, tier: Whole, tally: Tally) -> None:
    """Bring what was priced at another tier in this window to the tier reached (pricing.md §4.5)."""
    changed = (former != tier) & (former >= 0)
    if not changed.any():
        return
    by_counter = np.full(len(state.position), -1)
    by_counter[counters] = np.arange(len(counters))
    for earlier in state.priced.values():
        local = by_counter[earlier.counters]
        known = local >= 0
        difference = np.zeros((len(local), former.shape[1]))
        now, then = tier[local[known]], former[local[known]]
        unit = earlier.unit[:, known]
        difference[known] = (at_tier(unit, np.maximum(now, 0)) - at_tier(unit, np.maximum(then, 0))) * changed[
            local[known]
        ]
        if not difference.any():
            continue
        gross = earlier.units * difference[earlier.row_counter]
        emit(state, earlier.owners, gross * (1 - earlier.rates), gross, tally)


ARRAYS = _Volume()
