"""Graduated tiers on arrays: the counters' units fill the tiers from where they stand."""

from __future__ import annotations

import numpy as np

from billing.forecasting.draws import Floats, Volumes, Whole
from billing.forecasting.layout import Places, Step, places
from billing.forecasting.models import Arrays, Crossed, Moved
from billing.forecasting.state import State, Tally

# A crossed tier is shared in whole units where a unit more or less on each row could move more than this share of what the
# counter's units cost in the period before discounts; elsewhere it is shared exactly in proportion. A tier crossed later in the
# period starts from shares that may be off already, so a period may be off by this share for each tier that it crosses.
NEGLIGIBLE = 0.00025


class _Graduated(Arrays):
    def price(self, state: State, moved: Moved, tally: Tally) -> tuple[Floats, Floats]:
        """Price the units from one position to another at the tiers they fall in."""
        step = moved.step
        reached = state.reached
        if reached is None or reached[0] is not step.tariff or reached[1].tobytes() != step.counters.tobytes():
            start = _up_to(moved.unit, moved.bounds, moved.before)
        else:
            start = reached[2]
        end = _up_to(moved.unit, moved.bounds, moved.after)
        state.reached = (step.tariff, step.counters, end)
        gross: Floats = end - start
        return gross, moved.each(gross)

    def fees(self, state: State, moved: Moved) -> Floats:
        """Return the flat fees of tiers that get their first unit."""
        standing, bounds = moved.step.standing, moved.bounds
        first, last = (moved.before >= bounds).sum(axis=0), (moved.after > bounds).sum(axis=0)
        due = np.zeros_like(moved.after)
        has_units = moved.after > moved.before
        for tier, fee in enumerate(moved.amounts):
            touched = has_units & (first <= tier) & (tier <= last)
            opened = state.opened[tier, standing]
            due += fee * (touched & ~opened)
            state.opened[tier, standing] = opened | touched
        return due

    def crossed(self, moved: Moved, units: Volumes, amount: Floats) -> Crossed | None:
        """Share the tiers that counters of several discounts cross in whole units, where these may matter."""
        if not moved.step.mixed:
            return None
        doubtful = _doubtful(moved.step, moved.unit, moved.bounds, moved.before, moved.after, amount)
        if not doubtful:
            return None
        return _share_crossed(moved.step, moved.unit, moved.bounds, moved.before, moved.after, units, doubtful)


ARRAYS = _Graduated()


def _up_to(unit: Floats, bounds: Floats, position: Floats) -> Floats:
    """Price all units up to a position, but for what no position changes."""
    value: Floats = position * unit[0]
    above = np.empty_like(value)
    for tier, bound in enumerate(bounds):
        np.maximum(position, bound, out=above)
        above *= unit[tier + 1] - unit[tier]
        value += above
    return value


def _doubtful(
    step: Step, unit: Floats, bounds: Floats, before: Floats, after: Floats, amount: Floats
) -> list[tuple[Places, Places]]:
    """Find the mixed counters and draws in which whole units of a crossed tier may matter."""
    astray = np.zeros((len(amount), 1))
    for counter, _, _, units in step.mixed:
        astray[counter] = units
    moved = np.zeros_like(amount)
    for tier, bound in enumerate(bounds):
        moved += ((before < bound) & (bound < after)) * np.abs(unit[tier + 1] - unit[tier])
    moved *= astray
    doubtful = moved > NEGLIGIBLE * amount
    found = [np.nonzero(doubtful[each[0]])[0] for each in step.mixed]
    return [(np.full(len(draws), number), draws) for number, draws in enumerate(found) if len(draws)]


def _share_crossed(
    step: Step,
    unit: Floats,
    bounds: Floats,
    before: Floats,
    after: Floats,
    units: Volumes,
    doubtful: list[tuple[Places, Places]],
) -> Crossed:
    """Price, in whole units, the rows of counters that cross a tier (pricing.md §4.4)."""
    number = np.concatenate([numbers for numbers, _ in doubtful])
    draws = np.concatenate([draws for _, draws in doubtful])
    counter = places(each[0] for each in step.mixed)[number]
    first, end = places(each[1] for each in step.mixed)[number], places(each[2] for each in step.mixed)[number]
    widest = int((end - first).max())
    rows = first[:, None] + np.arange(widest)
    inside = rows < end[:, None]
    rows = np.where(inside, rows, first[:, None])
    left = (units[rows, draws[:, None]] * inside).astype(np.int64)
    all_units = left
    position, last = before[counter, draws], after[counter, draws]
    shared = np.zeros(left.shape)
    for tier in range(len(unit)):
        top = last if tier == len(bounds) else np.minimum(bounds[tier, counter, 0], last)
        room = np.maximum(top - position, 0)
        if not room.any():
            continue
        position = position + room
        placed = left if (position == last).all() else _shares(room.astype(np.int64), left)
        price = unit[tier, counter, draws if unit.shape[2] > 1 else 0]
        shared += placed * price[:, None]
        left = left - placed
    return Crossed(counter, draws, rows, inside, all_units, shared)


def _shares(whole: Whole, weights: Whole) -> Whole:
    """Share whole numbers over rows of weights by largest remainder; ties go to the earlier weight."""
    given, rest = np.divmod(whole[:, None] * weights, np.maximum(weights.sum(axis=1), 1)[:, None])
    order = np.argsort(-rest, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(weights.shape[1])[None, :], axis=1)
    given += rank < (whole - given.sum(axis=1))[:, None]
    return given
