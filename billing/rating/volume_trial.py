"""Try a volume: what so many examinations of one counter cost, and what the next one would cost.

The amounts are the rating's own: the examinations are rated in a request with one activation on one day, and every figure
here is a sum of its lines or a difference between two such sums. The trial shows the charge's price model alone, at one
index level: ramp-up, minimum and maximum are left out, since they depend on who uses when and not on how much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from billing.rating.captions import tier_intervals
from billing.rating.lines import Line, Rating
from billing.rating.rate import CompiledTerms, compile_terms, rate_compiled
from contracts.terms.period import Period
from contracts.terms.price_book import Activation, AgreementTerm, IndexAdjustment, PriceBook, PriceBookVersion, Usage
from contracts.terms.price_model import Conventions, Counter, RampPhase, RampUp, UsageCharge

# More than all examinations of a country in a year; a larger number is a slip of the pen.
LARGEST_VOLUME = 100_000_000
ZERO = Decimal("0.00")

_FIRST = date(2024, 1, 1)
_SECOND = date(2024, 2, 1)
_TERM = AgreementTerm(_FIRST, date(2024, 3, 1))
_OWN, _OTHER, _ALGORITHM = "own", "other", "algorithm"


@dataclass(frozen=True, slots=True)
class TriedTier:
    """Hold what a volume costs in one tier: how many examinations at which price; ``flat_fee`` is due once."""

    number: int
    first: int
    last: int | None
    quantity: int
    unit_price: Decimal | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class TriedVolume:
    """Hold a volume's cost by tier, its flat fees (or packages) and total, and what one examination more would cost."""

    model: str
    units: int
    tiers: tuple[TriedTier, ...]
    flat_fees: Decimal
    total: Decimal
    next_one: Decimal

    @property
    def average(self) -> Decimal | None:
        """Return the cost of one examination on average, in whole øre rounded half up; None where there is none."""
        return None if not self.units else (self.total / self.units).quantize(ZERO, rounding=ROUND_HALF_UP)


class CounterTrial:
    """Rate volumes of one charge's counter, from position 0, at one index level; compiled once."""

    def __init__(
        self, charge: UsageCharge, conventions: Conventions, adjustments: Sequence[IndexAdjustment] = ()
    ) -> None:
        plain = replace(
            charge,
            algorithms=None,
            counter=Counter("agreement", "agreement"),
            ramp_up=None,
            minimum=None,
            maximum=None,
        )
        self.charge = charge
        self.boundary = charge.conventions.over(conventions).boundary
        self._compiled = _compiled(plain, conventions, adjustments, [Activation(_OWN, _ALGORITHM, _FIRST)])
        self._totals: dict[int, Decimal] = {}

    def total(self, units: int) -> Decimal:
        """Return what a number of examinations costs in all."""
        known = self._totals.get(units)
        if known is None:
            known = self._totals[units] = self._rating(units).total
        return known

    def tried(self, units: int) -> TriedVolume:
        """Return what a number of examinations costs, tier by tier."""
        lines = self._rating(units).lines
        intervals = tier_intervals(self.charge, self.boundary)
        tiers = tuple(
            _tier(number, first, last, [line for line in lines if line.tier == number])
            for number, (first, last) in enumerate(intervals, start=1)
        )
        return TriedVolume(
            model=self.charge.model.NAME,
            units=units,
            tiers=tiers,
            flat_fees=sum((line.net for line in lines if line.tier is None), ZERO),
            total=self.total(units),
            next_one=self.total(units + 1) - self.total(units),
        )

    def _rating(self, units: int) -> Rating:
        usage = [Usage(_OWN, _ALGORITHM, _FIRST, units)] if units else []
        return rate_compiled(self._compiled, usage, _TERM.period)


def volumes_at_bounds(charge: UsageCharge, conventions: Conventions) -> tuple[int, ...]:
    """Return the volumes worth looking at: the last unit of every tier, the one before it and the one after."""
    boundary = charge.conventions.over(conventions).boundary
    lasts = [last for _, last in tier_intervals(charge, boundary) if last is not None]
    return tuple(sorted({units for last in lasts for units in (last - 1, last, last + 1) if units > 0}))


@dataclass(frozen=True, slots=True)
class PoolEffect:
    """Hold what another trust's discounted examinations do to one's own price where all count in one pool.

    When they take the places ``first`` to ``last`` of the window, ``own`` examinations cost ``after`` instead of ``alone``.
    """

    first: int
    last: int
    own: int
    alone: Decimal
    after: Decimal

    @property
    def change(self) -> Decimal:
        """Return after less alone: negative where the others make it cheaper."""
        return self.after - self.alone


def pool_effects(
    charge: UsageCharge, conventions: Conventions, own: int, adjustments: Sequence[IndexAdjustment] = ()
) -> tuple[PoolEffect, ...]:
    """Rate ``own`` examinations after another trust's discounted ones have filled the pool up to each tier's bound.

    Empty where the pool is not shared by all trusts, where discounted examinations do not count in it, or without tiers.
    """
    ramp = charge.ramp_up
    if charge.counter.scope != "agreement" or ramp is None or not ramp.counts_towards_tiers or not own:
        return ()
    boundary = charge.conventions.over(conventions).boundary
    bounds = [last for _, last in tier_intervals(charge, boundary) if last]
    discounted = replace(
        charge,
        algorithms=None,
        counter=Counter("agreement", "agreement"),
        ramp_up=RampUp((RampPhase(Decimal(1), months=1),)),
        minimum=None,
        maximum=None,
    )
    # The others go live with the first month and are discounted in it; one's own go-live lies long before.
    activations = [Activation(_OTHER, _ALGORITHM, _FIRST), Activation(_OWN, _ALGORITHM, date(2020, 1, 1))]
    compiled = _compiled(discounted, conventions, adjustments, activations)

    def own_cost(filled: int) -> Decimal:
        usage = [Usage(_OTHER, _ALGORITHM, _FIRST, filled)] if filled else []
        usage.append(Usage(_OWN, _ALGORITHM, _SECOND, own))
        rating = rate_compiled(compiled, usage, Period(_SECOND, _TERM.end))
        return sum((line.net for line in rating.lines if line.trust == _OWN), ZERO)

    alone = own_cost(0)
    return tuple(PoolEffect(1, bound, own, alone, own_cost(bound)) for bound in bounds)


def _compiled(
    charge: UsageCharge,
    conventions: Conventions,
    adjustments: Sequence[IndexAdjustment],
    activations: Sequence[Activation],
) -> CompiledTerms:
    """Compile a book of this one charge that stands before the trial's first day, at the level of the adjustments."""
    version = PriceBookVersion(_FIRST - timedelta(days=1), charge.clause, (charge,))
    at_once = tuple(replace(adjustment, effective_from=_FIRST) for adjustment in adjustments)
    return compile_terms(_TERM, PriceBook(conventions, at_once, (version,)), activations)


def _tier(number: int, first: int, last: int | None, lines: Sequence[Line]) -> TriedTier:
    return TriedTier(
        number=number,
        first=first,
        last=last,
        quantity=sum(line.quantity or 0 for line in lines),
        unit_price=lines[0].unit_price if lines else None,
        amount=sum((line.net for line in lines), ZERO),
    )
