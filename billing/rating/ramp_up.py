"""Ramps: which phase of its start an activation is in, by day or by its own count of units (pricing.md §3.5)."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from itertools import accumulate

from contracts.terms.money import RATE_DECIMALS, scaled
from contracts.terms.period import add_months, first_of_month
from contracts.terms.price_model import RampUp


@dataclass(frozen=True, slots=True)
class Ramp:
    """Hold a ramp ready for rating: the discounts in ten-thousandths and the length up to each phase's end.

    `lengths` are months or units, counted from the start of the ramp.
    """

    discounts: tuple[int, ...]
    lengths: tuple[int, ...]
    by_units: bool
    from_next_month: bool
    leaves_tiers: bool

    @classmethod
    def of(cls, ramp_up: RampUp | None) -> Ramp | None:
        """Return the ramp of a charge, None where it has none."""
        if ramp_up is None:
            return None
        return cls(
            discounts=tuple(scaled(phase.discount, RATE_DECIMALS) for phase in ramp_up.phases),
            lengths=tuple(accumulate(phase.months or phase.units or 0 for phase in ramp_up.phases)),
            by_units=ramp_up.by_units,
            from_next_month=ramp_up.starts == "next_month",
            leaves_tiers=not ramp_up.counts_towards_tiers,
        )

    def ends(self, go_live: date) -> tuple[date, ...]:
        """Return the day after each month phase, always counted from the ramp's start.

        Days from go-live to a later start belong to phase 1.
        """
        start = go_live
        if self.from_next_month and go_live.day != 1:
            start = add_months(first_of_month(go_live), 1)
        return tuple(add_months(start, months) for months in self.lengths)

    def discount(self, phase: int | None) -> int:
        """Return the discount of a phase number in ten-thousandths, 0 after the ramp."""
        return 0 if phase is None else self.discounts[phase - 1]

    def split(self, before: int, units: int) -> list[tuple[int | None, int]]:
        """Split the next `units` of an activation that had `before` into (phase, units), for a ramp by units."""
        parts: list[tuple[int | None, int]] = []
        for phase, length in enumerate(self.lengths, start=1):
            placed = min(length - before, units)
            if placed > 0:
                parts.append((phase, placed))
                before += placed
                units -= placed
        if units:
            parts.append((None, units))
        return parts


def phase_on(ends: tuple[date, ...], day: date) -> int | None:
    """Return the number of the month phase a day lies in, None after the last one."""
    phase = bisect_right(ends, day)
    return phase + 1 if phase < len(ends) else None
