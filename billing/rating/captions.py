"""What a tier covers, for captions and sentences: the very intervals that rating uses.

Every page, sheet and finding that names the units of a tier asks here, so that none can be off by one against an amount.
Sentences and words are the web layer's; here are only the numbers in them.
"""

from __future__ import annotations

from billing.rating.charge_terms import Level
from billing.rating.models import compile_model
from billing.rating.tiers import NO_BOUND
from contracts.terms.price_model import Charge, Conventions, UsageCharge
from contracts.terms.price_models import Boundary


def tier_interval(charge: Charge, tier: int, boundary: Boundary) -> tuple[int, int | None]:
    """Return the numbers of a tier's first and last unit; the last is None in the open tier.

    Tiers count from 1. Where the bound 1 is exclusive no unit falls in the first tier and its last unit is 0. Raises
    ValueError where the charge has no such tier.
    """
    lasts = _last_units(charge, boundary)
    if not 1 <= tier <= len(lasts):
        raise ValueError(f"{charge.code} has no tier {tier}")
    first = 1 if tier == 1 else lasts[tier - 2] + 1
    last = lasts[tier - 1]
    return first, None if last == NO_BOUND else last


def tier_intervals(charge: Charge, boundary: Boundary) -> tuple[tuple[int, int | None], ...]:
    """Return the first and last unit of every tier, as `tier_interval` does; empty for a charge without tiers."""
    return tuple(tier_interval(charge, i, boundary) for i in range(1, len(_last_units(charge, boundary)) + 1))


def _last_units(charge: Charge, boundary: Boundary) -> tuple[int, ...]:
    if not isinstance(charge, UsageCharge):
        return ()
    return compile_model(charge.model, Level.of(Conventions(boundary=boundary), ())).tier_ends
