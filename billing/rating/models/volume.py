"""Volume: all units of the window at the tier reached, earlier ones repriced when that is a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from billing.rating.charge_terms import Level, Run, UsageTerms
from billing.rating.lines import Line
from billing.rating.run import Counter, PricedSlice, Share, Slice
from billing.rating.slice_lines import ORE_IN_MICRO, RATE, price_units
from billing.rating.tier_terms import TierTerms
from billing.rating.tiers import tier_at
from contracts.terms.price_models import Volume


def compile_model(model: Volume, level: Level) -> VolumeTerms:
    """Return tiers read as volume at an index level."""
    return VolumeTerms.of(model, level)


@dataclass(frozen=True, slots=True)
class VolumeTerms(TierTerms):
    """Price all units of the window at the tier reached (pricing.md §4.5)."""

    ARRAYS = "volume"
    REPRICES = True

    def price(self, run: Run, terms: UsageTerms, counter: Counter, slices: list[Slice], units: int) -> None:
        """Price the slices at the tier reached and reprice the window's earlier slices where that tier is a new one."""
        counter.position += units
        tier = tier_at(self.last_units, counter.position)
        former = counter.tier
        counter.tier = tier
        price_units(run, terms, slices, tier, self.prices[tier], None)
        fee = self.amounts[tier]
        if former is not None:
            fee -= self.amounts[former]
            if former != tier:
                _reprice(run, terms, counter.priced, former, tier)
        if fee:
            run.shares.append(Share(fee, slices, "flat_fee", discounted=False))
        counter.priced += [PricedSlice(*priced, self.prices, run.period) for priced in slices]


def _reprice(run: Run, terms: UsageTerms, priced: Sequence[PricedSlice], former: int, tier: int) -> None:
    for earlier in priced:
        difference = earlier.prices[tier] - earlier.prices[former]
        if not difference:
            continue
        quantity = earlier.units if difference > 0 else -earlier.units
        gross = terms.round(quantity * abs(difference), ORE_IN_MICRO)
        run.lines.append(
            Line(
                charge=terms.code,
                kind="usage",
                clause=terms.clause,
                trust=earlier.trust,
                algorithm=earlier.algorithm,
                period=run.period,
                tier=tier + 1,
                phase=earlier.phase,
                quantity=quantity,
                unit_price_micro=abs(difference),
                gross_ore=gross,
                discount_rate_e4=earlier.discount_rate,
                discount_ore=terms.round(gross * earlier.discount_rate, RATE),
                why="adjustment",
                reprices=earlier.period,
            )
        )
