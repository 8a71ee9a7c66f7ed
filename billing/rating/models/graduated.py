"""Graduated: the units of a period fill the tiers from where the counter stands."""

from __future__ import annotations

from dataclasses import dataclass

from billing.rating.charge_terms import Level, Run, UsageTerms
from billing.rating.run import Counter, Share, Slice
from billing.rating.slice_lines import price_units
from billing.rating.tier_terms import TierTerms
from billing.rating.tiers import shares, tier_at
from contracts.terms.price_models import Graduated


def compile_model(model: Graduated, level: Level) -> GraduatedTerms:
    """Return graduated tiers at an index level."""
    return GraduatedTerms.of(model, level)


@dataclass(frozen=True, slots=True)
class GraduatedTerms(TierTerms):
    """Price each unit at the tier its position falls in (pricing.md §4.4)."""

    ARRAYS = "graduated"

    def price(self, run: Run, terms: UsageTerms, counter: Counter, slices: list[Slice], units: int) -> None:
        """Fill the tiers from the counter's position, sharing each tier's room over the slices in whole units."""
        position = counter.position
        counter.position = position + units
        tier = tier_at(self.last_units, position + 1)
        fees = self._opened(counter, tier)
        if counter.position <= self.last_units[tier]:
            price_units(run, terms, slices, tier, self.prices[tier], None)
        else:
            fees += self._fill(run, terms, counter, slices, position, tier)
        if fees:
            run.shares.append(Share(fees, slices, "flat_fee", discounted=False))

    def _fill(
        self, run: Run, terms: UsageTerms, counter: Counter, slices: list[Slice], position: int, tier: int
    ) -> int:
        unplaced = [units for *_, units in slices]
        left = sum(unplaced)
        fees = 0
        while left:
            room = min(self.last_units[tier] - position, left)
            placed = shares(room, unplaced)
            parts = [
                (trust, algorithm, phase, rate, part)
                for (trust, algorithm, phase, rate, _), part in zip(slices, placed, strict=True)
                if part
            ]
            price_units(run, terms, parts, tier, self.prices[tier], None)
            fees += self._opened(counter, tier)
            unplaced = [before - part for before, part in zip(unplaced, placed, strict=True)]
            position += room
            left -= room
            tier += 1
        return fees

    def _opened(self, counter: Counter, tier: int) -> int:
        if tier in counter.opened:
            return 0
        counter.opened.add(tier)
        return self.amounts[tier]
