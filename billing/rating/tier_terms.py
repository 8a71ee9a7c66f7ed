"""Tiers at an index level, in integers: what every model that has tiers is rated by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from billing.rating.charge_terms import Level, ModelTerms
from billing.rating.tiers import NO_BOUND, next_tier_at
from contracts.terms.price_models import PriceModel


@dataclass(frozen=True, slots=True)
class TierTerms(ModelTerms):
    """Hold tiers: `last_units` are the numbers of their last units, `prices` and `amounts` their prices and flat fees."""

    last_units: tuple[int, ...]

    @classmethod
    def of(cls, model: PriceModel, level: Level) -> Self:
        """Return the tiers of a model at a level."""
        return cls(
            prices=tuple(map(level.unit_price, model.unit_prices)),
            amounts=tuple(map(level.amount, model.amounts)),
            last_units=tuple(
                NO_BOUND if last is None else last for last in model.last_units(level.conventions.boundary)
            ),
        )

    @property
    def bounds(self) -> tuple[int, ...]:
        """Return the numbers of the last units of all tiers but the open one."""
        return tuple(last for last in self.last_units if last != NO_BOUND)

    @property
    def tier_ends(self) -> tuple[int, ...]:
        """Return the number of each tier's last unit, NO_BOUND for the open one."""
        return self.last_units

    @property
    def has_fees(self) -> bool:
        """Say whether any tier has a flat fee."""
        return any(self.amounts)

    @property
    def first_unit_price(self) -> int:
        """Return the first tier's price in 10⁻⁶ kr."""
        return self.prices[0]

    @property
    def first_flat_fee(self) -> int:
        """Return the first tier's flat fee in øre."""
        return self.amounts[0]

    def next_tier_at(self, position: int) -> int | None:
        """Return the number of the next tier's first unit, None in the last tier."""
        return next_tier_at(self.last_units, position)
