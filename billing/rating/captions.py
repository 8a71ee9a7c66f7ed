"""What a tier covers, for captions: from the same intervals that rating uses.

Sentences and words are the web layer's; here are only the numbers in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from billing.rating.charge_terms import Level
from billing.rating.models import GraduatedTerms, VolumeTerms, compile_model
from billing.rating.tiers import NO_BOUND
from contracts.terms import money
from contracts.terms.price_model import Boundary, Conventions, UsageCharge, Volume


def tier_interval(charge: UsageCharge, tier: int, boundary: Boundary) -> tuple[int, int | None]:
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


def tier_intervals(charge: UsageCharge, boundary: Boundary) -> tuple[tuple[int, int | None], ...]:
    """Return the interval of every tier of a charge, none for packages."""
    return tuple(tier_interval(charge, i, boundary) for i in range(1, len(_last_units(charge, boundary)) + 1))


def _last_units(charge: UsageCharge, boundary: Boundary) -> tuple[int, ...]:
    model = compile_model(charge.model, _written(boundary))
    return model.last_units if isinstance(model, GraduatedTerms | VolumeTerms) else ()


def _written(boundary: Boundary) -> Level:
    return Level(Conventions(boundary=boundary), Fraction(1), touched=False)


@dataclass(frozen=True, slots=True)
class Cliff:
    """Hold a zone in which more costs less: every volume from `first` to `last` costs more than `last` + 1 units.

    `saving` is what one unit more than `last` saves, in kroner.
    """

    first: int
    last: int
    saving: Decimal


def cliffs(charge: UsageCharge, boundary: Boundary) -> tuple[Cliff, ...]:
    """Find the zones of a volume charge, at its written prices, in which more volume costs less in all.

    Graduated charges and packages have none: each further unit costs nothing or more.
    """
    if not isinstance(charge.model, Volume):
        return ()
    model = compile_model(charge.model, _written(boundary))
    assert isinstance(model, VolumeTerms)
    found = []
    first_of_tier = 1
    for tier, last in enumerate(model.last_units[:-1]):
        price, fee = model.prices[tier], _micro(model.flat_fees[tier])
        beyond = (last + 1) * model.prices[tier + 1] + _micro(model.flat_fees[tier + 1])
        saving = last * price + fee - beyond
        if last >= first_of_tier and saving > 0:
            # The first volume of the tier that costs more than what stands beyond its bound.
            dearer = first_of_tier if price == 0 else max((beyond - fee) // price + 1, first_of_tier)
            found.append(Cliff(dearer, last, money.kroner(money.round_half_up(saving, _MICRO_IN_ORE))))
        first_of_tier = last + 1
    return tuple(found)


_MICRO_IN_ORE = 10_000


def _micro(ore: int) -> int:
    return ore * _MICRO_IN_ORE
