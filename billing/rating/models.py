"""The price models, ready for rating: how a counter's units of one pricing period become lines.

A new model is one class here with a branch in `compile_model`; the README of `billing` lists the other places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from billing.rating.charge_terms import Level, ModelTerms, UsageTerms
from billing.rating.lines import Line, Why
from billing.rating.run import Counter, PricedSlice, Run, Share, Slice
from billing.rating.tiers import NO_BOUND, next_tier_at, shares, tier_at
from contracts.terms.price_model import Graduated, Package, PriceModel, Tier, Volume, last_units

# One øre in 10⁻⁶ kr: what a quantity × unit price is rounded by.
_ORE_IN_MICRO = 10_000
_RATE = 10_000


def compile_model(model: PriceModel, level: Level) -> ModelTerms:
    """Return a price model at an index level, in integers."""
    match model:
        case Graduated(tiers):
            return GraduatedTerms(*_tier_terms(tiers, level))
        case Volume(tiers):
            return VolumeTerms(*_tier_terms(tiers, level))
        case Package(size, price):
            return PackageTerms(size, level.amount(price))


def _tier_terms(tiers: tuple[Tier, ...], level: Level) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    lasts = last_units(tiers, level.conventions.boundary)
    return (
        tuple(NO_BOUND if last is None else last for last in lasts),
        tuple(level.unit_price(tier.unit_price) for tier in tiers),
        tuple(level.amount(tier.flat_fee) for tier in tiers),
    )


def price_units(run: Run, terms: UsageTerms, slices: list[Slice], tier: int, price: int, why: Why | None) -> None:
    """Add one line per slice at the price of a tier (its index), each rounded by itself (pricing.md §4.9)."""
    period = run.period
    code, clause, rounded = terms.code, terms.clause, terms.round
    for trust, algorithm, phase, rate, units in slices:
        gross = rounded(units * price, _ORE_IN_MICRO)
        discount = rounded(gross * rate, _RATE) if rate else 0
        run.lines.append(
            Line(
                code,
                "usage",
                clause,
                trust,
                algorithm,
                period,
                tier + 1,
                phase,
                units,
                price,
                gross,
                rate,
                discount,
                why,
                None,
            )
        )


@dataclass(frozen=True, slots=True)
class GraduatedTerms:
    """Price each unit at the tier its position falls in (pricing.md §4.4)."""

    last_units: tuple[int, ...]
    prices: tuple[int, ...]
    flat_fees: tuple[int, ...]

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
        return self.flat_fees[tier]

    @property
    def first_unit_price(self) -> int:
        """Return the first tier's price in 10⁻⁶ kr."""
        return self.prices[0]

    @property
    def first_flat_fee(self) -> int:
        """Return the first tier's flat fee in øre."""
        return self.flat_fees[0]

    def next_tier_at(self, position: int) -> int | None:
        """Return the number of the next tier's first unit, None in the last tier."""
        return next_tier_at(self.last_units, position)


@dataclass(frozen=True, slots=True)
class VolumeTerms:
    """Price all units of the window at the tier reached (pricing.md §4.5)."""

    last_units: tuple[int, ...]
    prices: tuple[int, ...]
    flat_fees: tuple[int, ...]

    def price(self, run: Run, terms: UsageTerms, counter: Counter, slices: list[Slice], units: int) -> None:
        """Price the slices at the tier reached and reprice the window's earlier slices where that tier is a new one."""
        counter.position += units
        tier = tier_at(self.last_units, counter.position)
        former = counter.tier
        counter.tier = tier
        price_units(run, terms, slices, tier, self.prices[tier], None)
        fee = self.flat_fees[tier]
        if former is not None:
            fee -= self.flat_fees[former]
            if former != tier:
                _reprice(run, terms, counter.priced, former, tier)
        if fee:
            run.shares.append(Share(fee, slices, "flat_fee", discounted=False))
        counter.priced += [PricedSlice(*priced, self.prices, run.period) for priced in slices]

    @property
    def first_unit_price(self) -> int:
        """Return the first tier's price in 10⁻⁶ kr."""
        return self.prices[0]

    @property
    def first_flat_fee(self) -> int:
        """Return the first tier's flat fee in øre."""
        return self.flat_fees[0]

    def next_tier_at(self, position: int) -> int | None:
        """Return the number of the next tier's first unit, None in the last tier."""
        return next_tier_at(self.last_units, position)


def _reprice(run: Run, terms: UsageTerms, priced: Sequence[PricedSlice], former: int, tier: int) -> None:
    for earlier in priced:
        difference = earlier.prices[tier] - earlier.prices[former]
        if not difference:
            continue
        quantity = earlier.units if difference > 0 else -earlier.units
        gross = terms.round(quantity * abs(difference), _ORE_IN_MICRO)
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
                discount_ore=terms.round(gross * earlier.discount_rate, _RATE),
                why="adjustment",
                reprices=earlier.period,
            )
        )


@dataclass(frozen=True, slots=True)
class PackageTerms:
    """Price whole packages; a started package counts whole (pricing.md §4.6)."""

    size: int
    package_price: int

    def price(self, run: Run, terms: UsageTerms, counter: Counter, slices: list[Slice], units: int) -> None:
        """Price the packages that the period's units start, to be shared over its slices."""
        before = -(-counter.position // self.size)
        counter.position += units
        packages = -(-counter.position // self.size) - before
        if packages:
            run.shares.append(Share(packages * self.package_price, slices, "package", discounted=True))

    @property
    def first_unit_price(self) -> int:
        """Return 0: no unit of a package has a price of its own."""
        return 0

    @property
    def first_flat_fee(self) -> int:
        """Return 0: a package has no flat fee."""
        return 0

    def next_tier_at(self, position: int) -> int | None:
        """Return None: packages have no tiers."""
        return None


def share_amounts(run: Run, terms: UsageTerms) -> None:
    """Share flat fees and packages over their counters' slices by units; a share of 0.00 makes no line (§4.7)."""
    for share in run.shares:
        for (trust, algorithm, phase, rate, _), part in zip(
            share.slices, shares(share.amount, [units for *_, units in share.slices]), strict=True
        ):
            if not part:
                continue
            discount_rate = rate if share.discounted else 0
            discount = terms.round(part * discount_rate, _RATE)
            run.lines.append(
                Line(
                    charge=terms.code,
                    kind="usage",
                    clause=terms.clause,
                    trust=trust,
                    algorithm=algorithm,
                    period=run.period,
                    tier=None,
                    phase=phase,
                    quantity=None,
                    unit_price_micro=None,
                    gross_ore=part,
                    discount_rate_e4=discount_rate,
                    discount_ore=discount,
                    why=share.why,
                )
            )
    run.shares.clear()
