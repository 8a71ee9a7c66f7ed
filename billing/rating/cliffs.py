"""Cliffs: zones in which using more costs less in all.

They come with volume pricing, where the tier reached prices every examination, and with flat fees that fall. A zone is
found from the rating's own totals: inside a tier the total never falls, so the cheapest volume beyond a tier is the first
one of a later tier, and the first volume that costs more than that is found by halving.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.rating.captions import tier_intervals
from billing.rating.volume_trial import CounterTrial
from contracts.terms.price_book import Finding, IndexAdjustment, PriceBookVersion
from contracts.terms.price_model import Conventions, UsageCharge


@dataclass(frozen=True, slots=True)
class Cliff:
    """Hold a zone: every volume from ``first`` to ``last`` costs more than ``cheaper`` examinations do.

    ``saving`` is what ``cheaper`` costs less than ``last``, in kroner: the most that is to be had.
    """

    first: int
    last: int
    cheaper: int
    saving: Decimal


def cliffs(
    charge: UsageCharge, conventions: Conventions, adjustments: Sequence[IndexAdjustment] = ()
) -> tuple[Cliff, ...]:
    """Find the zones of a charge at an index level, one per tier at most, in the order of volume.

    A model in which a further examination costs nothing or more, and no fee is given back, has none.
    """
    if not charge.model.MORE_MAY_COST_LESS:
        return ()
    trial = CounterTrial(charge, conventions, adjustments)
    intervals = [
        (first, last) for first, last in tier_intervals(charge, trial.boundary) if last is None or last >= first
    ]
    found: list[Cliff] = []
    for i, (first, last) in enumerate(intervals[:-1]):
        assert last is not None
        cheaper = min((start for start, _ in intervals[i + 1 :]), key=lambda start: (trial.total(start), start))
        beyond = trial.total(cheaper)
        if trial.total(last) > beyond:
            found.append(Cliff(_first_above(trial, first, last, beyond), last, cheaper, trial.total(last) - beyond))
    return tuple(found)


def cliff_findings(
    version: PriceBookVersion, conventions: Conventions, adjustments: Sequence[IndexAdjustment] = ()
) -> list[Finding]:
    """Warn of every cliff in a version, at the place of the tier it lies in. The version's own check must hold."""
    findings = []
    for i, charge in enumerate(version.charges):
        if not isinstance(charge, UsageCharge):
            continue
        intervals = tier_intervals(charge, charge.conventions.over(conventions).boundary)
        for cliff in cliffs(charge, conventions, adjustments):
            tier = next(number for number, (_, last) in enumerate(intervals) if last == cliff.last)
            detail = (
                f"{cliff.first} to {cliff.last} examinations cost more than {cliff.cheaper} do, "
                f"up to {cliff.saving} kr more."
            )
            findings.append(Finding(f"#/charges/{i}/tiers/{tier}", "cliff", detail, "warning"))
    return findings


def _first_above(trial: CounterTrial, low: int, high: int, beyond: Decimal) -> int:
    """Return the first volume from ``low`` to ``high`` that costs more than ``beyond``; ``high`` does."""
    while low < high:
        middle = (low + high) // 2
        if trial.total(middle) > beyond:
            high = middle
        else:
            low = middle + 1
    return low
