"""What a batch of a simulation has come to: its counters, what was priced in their windows, the money so far."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from billing.forecasting.draws import Floats, Whole
from billing.forecasting.layout import Batch, Layout, Owners, Places, Tariff
from contracts.terms.period import Period

Flags = NDArray[np.bool_]


@dataclass(slots=True)
class Tally:
    """Sum money in øre over pricing periods: whole, at list price, per trust and per algorithm, the last of each on none."""

    net: Floats
    gross: Floats
    trusts: Floats
    algorithms: Floats

    @classmethod
    def empty(cls, layout: Layout, draws: int) -> Tally:
        """Return a tally of nothing."""
        return cls(
            np.zeros(draws),
            np.zeros(draws),
            np.zeros((len(layout.trusts) + 1, draws)),
            np.zeros((len(layout.algorithms) + 1, draws)),
        )

    def add(self, owners: Owners, net: Floats, gross: Floats) -> None:
        """Add rows of money that stand on their owners."""
        self.net += net.sum(axis=0)
        self.gross += gross.sum(axis=0)
        if owners.trusts is not None:
            self.trusts[owners.trusts.labels] += owners.trusts.sums(net)
        if owners.algorithms is not None:
            self.algorithms[owners.algorithms.labels] += owners.algorithms.sums(net)


@dataclass(slots=True)
class Priced:
    """Remember the units of a volume charge that were priced alike in a window, for repricing them."""

    units: Floats
    counters: Places
    row_counter: Places  # the counter of each row, as a number within `counters`
    unit: Floats
    rates: Floats
    owners: Owners


@dataclass(slots=True)
class State:
    """Hold what a batch has come to."""

    window: Period | None
    position: Floats
    had: Flags
    opened: Flags
    tier: Whole
    former: Whole  # the tiers that the counters of the step at hand stood in before it
    own_count: Floats
    sums: list[Floats]
    limit_window: list[Period | None]
    priced: dict[tuple[object, ...], Priced] = field(default_factory=dict)
    # What a graduated charge's units of the window cost so far at one tariff: the next period starts from there.
    reached: tuple[Tariff, Places, Floats] | None = None

    @classmethod
    def empty(cls, batch: Batch, draws: int) -> State:
        """Return the state before the first period."""
        counters = len(batch.counters)
        return cls(
            None,
            np.zeros((counters, draws)),
            np.zeros((counters, draws), dtype=bool),
            np.zeros((batch.tiers, counters, draws), dtype=bool),
            np.full((counters, draws), -1, dtype=np.int64),
            np.empty((0, draws), dtype=np.int64),
            np.zeros((len(batch.activations), draws)),
            # own net, own gross, all net, all gross
            [np.zeros((4, len(keys), draws)) for keys in batch.limit_keys],
            [None] * len(batch.limit_keys),
        )

    def widened(self, draws: int) -> State:
        """Return a copy with a column for each draw."""

        def wide(values: Floats) -> Floats:
            return np.repeat(values, draws, axis=-1)

        return State(
            self.window,
            wide(self.position),
            np.repeat(self.had, draws, axis=-1),
            np.repeat(self.opened, draws, axis=-1),
            np.repeat(self.tier, draws, axis=-1),
            np.empty((0, draws), dtype=np.int64),
            wide(self.own_count),
            [wide(each) for each in self.sums],
            list(self.limit_window),
            {key: replace(each, units=wide(each.units)) for key, each in self.priced.items()},
        )


def emit(state: State, owners: Owners, net: Floats, gross: Floats, tally: Tally, *, is_maximum: bool = False) -> None:
    """Add lines to the tally and to the sums of every limit (pricing.md §4.10)."""
    tally.add(owners, net, gross)
    for sums, grouping in zip(state.sums, owners.limits, strict=True):
        if grouping is None:
            continue
        added_net, added_gross = grouping.sums(net), grouping.sums(gross)
        if not is_maximum:
            sums[0, grouping.labels] += added_net
            sums[1, grouping.labels] += added_gross
        sums[2, grouping.labels] += added_net
        sums[3, grouping.labels] += added_gross
