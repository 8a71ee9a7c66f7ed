"""A charge of one version at one index level, in integers, ready to be multiplied (pricing.md §4.8).

Terms are compiled once for every (version, set of index factors in force) and used for all pricing periods at that level.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import prod
from typing import ClassVar, Literal

from billing.rating.ramp_up import Ramp
from billing.rating.run import Counter, RunOf, Slice
from contracts.terms.money import MICRO, UNIT_PRICE_DECIMALS, ore, round_half_even, round_half_up, scaled
from contracts.terms.period import WindowKind
from contracts.terms.price_model import (
    Conventions,
    FixedCharge,
    Limit,
    OneOffCharge,
    Rounding,
    Scope,
    UsageCharge,
)

Round = Callable[[int, int], int]

ROUNDINGS: dict[Rounding, Round] = {"half_up": round_half_up, "half_even": round_half_even}


@dataclass(frozen=True, slots=True)
class Level:
    """Hold the conventions of a charge and the product of the index factors in force."""

    conventions: Conventions
    factor: Fraction
    touched: bool  # an index of factor 1 still rounds a unit price to the contract's decimals

    @classmethod
    def of(cls, conventions: Conventions, factors: Sequence[Decimal]) -> Level:
        """Return the level that prices stand at under these index factors, all multiplied; none leaves them as written."""
        return cls(conventions, prod(map(Fraction, factors), start=Fraction(1)), bool(factors))

    @property
    def round(self) -> Round:
        """Return the contract's rounding to øre."""
        return ROUNDINGS[self.conventions.rounding]

    def unit_price(self, price: Decimal) -> int:
        """Return a unit price in 10⁻⁶ kr, rounded half up to `price_decimals` where an index has touched it."""
        micro = scaled(price, UNIT_PRICE_DECIMALS)
        if not self.touched:
            return micro
        step: int = MICRO // 10**self.conventions.price_decimals
        return step * round_half_up(micro * self.factor.numerator, self.factor.denominator * step)

    def amount(self, amount: Decimal) -> int:
        """Return an amount in øre, rounded by the contract's rounding."""
        return self.round(ore(amount) * self.factor.numerator, self.factor.denominator)


@dataclass(frozen=True, slots=True)
class ModelTerms:
    """Price one counter's units of one pricing period: what every price model offers the pipeline.

    `prices` are those of a unit by tier in 10⁻⁶ kr; `amounts`, in øre, are flat fees by tier or what else the model bills as
    money. `ARRAYS` names the file of `billing.forecasting.models` that takes such terms through a simulation.
    """

    prices: tuple[int, ...]
    amounts: tuple[int, ...]

    ARRAYS: ClassVar[str]
    REPRICES: ClassVar[bool] = False

    def price(self, run: Run, terms: UsageTerms, counter: Counter, slices: list[Slice], units: int) -> None:
        """Add the lines of a counter's units, and the amounts still to be shared, to a run."""
        raise NotImplementedError

    @property
    def bounds(self) -> tuple[int, ...]:
        """Return the whole numbers at which its price turns."""
        raise NotImplementedError

    @property
    def tier_ends(self) -> tuple[int, ...]:
        """Return the number of each tier's last unit, none where it has no tiers."""
        return ()

    @property
    def has_fees(self) -> bool:
        """Say whether any tier has a flat fee."""
        return False

    @property
    def first_unit_price(self) -> int:
        """Return the first tier's price in 10⁻⁶ kr, 0 where a unit has no price of its own."""
        return 0

    @property
    def first_flat_fee(self) -> int:
        """Return the first tier's flat fee in øre, 0 where there is none."""
        return 0

    def next_tier_at(self, position: int) -> int | None:
        """Return the number of the next tier's first unit, None where there is none."""
        return None


@dataclass(frozen=True, slots=True)
class LimitTerms:
    """Hold a minimum or maximum in øre at its level."""

    amount: int
    per: Scope
    window: WindowKind

    @classmethod
    def of(cls, limit: Limit | None, level: Level) -> LimitTerms | None:
        """Return a limit at a level, None where there is none."""
        if limit is None:
            return None
        return cls(level.amount(limit.amount) if limit.indexed else ore(limit.amount), limit.per, limit.window)


@dataclass(frozen=True, slots=True)
class UsageTerms:
    """Hold a usage charge ready for rating."""

    kind: ClassVar[Literal["usage"]] = "usage"
    code: str
    clause: str
    algorithms: frozenset[str] | None
    scope: Scope
    window: WindowKind
    model: ModelTerms
    ramp: Ramp | None
    round: Round
    pays_for_silence: bool
    minimum: LimitTerms | None
    maximum: LimitTerms | None
    limits_gross: bool

    @classmethod
    def of(cls, charge: UsageCharge, level: Level, model: ModelTerms) -> UsageTerms:
        """Return a usage charge at a level."""
        return cls(
            code=charge.code,
            clause=charge.clause,
            algorithms=None if charge.algorithms is None else frozenset(charge.algorithms),
            scope=charge.counter.scope,
            window=charge.counter.window,
            model=model,
            ramp=Ramp.of(charge.ramp_up),
            round=level.round,
            pays_for_silence=level.conventions.zero_usage == "first_flat_fee",
            minimum=LimitTerms.of(charge.minimum, level),
            maximum=LimitTerms.of(charge.maximum, level),
            limits_gross=level.conventions.minimum_applies == "before_discount",
        )


@dataclass(frozen=True, slots=True)
class FixedTerms:
    """Hold a fixed charge; its amount stays exact (øre × factor) because it is rounded once, after the days."""

    kind: ClassVar[Literal["fixed"]] = "fixed"
    code: str
    clause: str
    algorithms: frozenset[str] | None
    per: Scope
    every: WindowKind
    prorated: bool
    amount: Fraction
    ramp: Ramp | None
    round: Round

    @classmethod
    def of(cls, charge: FixedCharge, level: Level) -> FixedTerms:
        """Return a fixed charge at a level."""
        return cls(
            code=charge.code,
            clause=charge.clause,
            algorithms=None if charge.algorithms is None else frozenset(charge.algorithms),
            per=charge.per,
            every=charge.every,
            prorated=charge.proration == "days",
            amount=ore(charge.amount) * level.factor,
            ramp=Ramp.of(charge.ramp_up),
            round=level.round,
        )


@dataclass(frozen=True, slots=True)
class OneOffTerms:
    """Hold a one-off charge, in øre."""

    kind: ClassVar[Literal["one_off"]] = "one_off"
    code: str
    clause: str
    algorithms: frozenset[str] | None
    per: Scope
    amount: int

    @classmethod
    def of(cls, charge: OneOffCharge, level: Level) -> OneOffTerms:
        """Return a one-off charge at a level."""
        return cls(
            code=charge.code,
            clause=charge.clause,
            algorithms=None if charge.algorithms is None else frozenset(charge.algorithms),
            per=charge.per,
            amount=level.amount(charge.amount),
        )


Terms = UsageTerms | FixedTerms | OneOffTerms
Run = RunOf[Terms]
