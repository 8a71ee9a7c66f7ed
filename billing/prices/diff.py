"""Versions compared: old and new price of every charge and tier, and what the difference came to on real usage.

Prices are those of the day they meet: the older version at the index level of the last day before the newer one, the newer
one as it is written. The effect of a row is what its lines come to in the newer rating less what they came to in the older
one (`billing.prices.trial`); the rows of a charge, and the charges, add up to the whole change. Where a bound has moved,
examinations have moved between tiers, and a tier's effect shows that too.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from billing.charges.basis import Terms
from billing.prices.trial import Priced, Trial, try_version
from billing.rating.price_list import ChargePrices, TierPrices, price_list
from contracts.terms.price_book import PriceBook
from contracts.terms.price_model import Charge, Conventions, UsageCharge
from contracts.terms.price_models import PriceModel

ZERO = Decimal("0.00")
What = Literal["unit_price", "flat_fee", "amount", "other"]


@dataclass(frozen=True, slots=True)
class PriceChange:
    """Hold one price of a charge in both versions; None where a version has no such price.

    ``tier`` is its number where the price is a tier's. ``effect`` is in kroner, None where there was no usage to try it on; a
    tier's effect stands on its unit price, flat fees and limits stand on the row ``other``.
    """

    what: What
    tier: int | None
    old_range: tuple[int, int | None] | None
    new_range: tuple[int, int | None] | None
    old: Decimal | None
    new: Decimal | None
    effect: Decimal | None

    @property
    def change(self) -> Decimal | None:
        """Return new less old, None where one is missing."""
        return None if self.old is None or self.new is None else self.new - self.old

    @property
    def share(self) -> Decimal | None:
        """Return the change as a share of the old price, None where that is zero or missing."""
        return None if self.change is None or not self.old else self.change / self.old

    @property
    def moved(self) -> bool:
        """Say whether the tier covers other examinations than before."""
        return self.old_range != self.new_range


@dataclass(frozen=True, slots=True)
class ChargeChange:
    """Hold one charge in both versions; ``terms_changed`` names what else of it differs, by field of the price book."""

    code: str
    old: Charge | None
    new: Charge | None
    prices: tuple[PriceChange, ...]
    terms_changed: tuple[str, ...]
    effect: Decimal | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Hold two versions compared; ``trial`` is None where there was no usage."""

    old: Priced | None
    new: Priced
    charges: tuple[ChargeChange, ...]
    trial: Trial | None

    @property
    def effect(self) -> Decimal | None:
        """Return the whole change in kroner: the sum of the charges' effects."""
        return None if self.trial is None else self.trial.change


def compare(terms: Terms, *, old: Priced | None, new: Priced, trust: str | None = None) -> Comparison:
    """Compare two versions of an agreement's book; the effect is that of ``trust`` where one is given.

    Raises InvalidInput where a version cannot be rated.
    """
    trial = try_version(terms, old=old, new=new)
    if trial is not None:
        trial = trial.within(trust)
    conventions = terms.price_book.conventions
    before = {} if old is None else _prices(old, conventions)
    after = _prices(new, conventions)
    codes = [*after, *(code for code in before if code not in after)]
    return Comparison(old, new, tuple(_charge(code, before.get(code), after.get(code), trial) for code in codes), trial)


def _prices(priced: Priced, conventions: Conventions) -> dict[str, ChargePrices]:
    """Return a version's charges priced at its level: the last one that the price list gives for it."""
    listed = price_list(PriceBook(conventions, priced.adjustments, (priced.version,)))[0]
    return {prices.charge.code: prices for prices in listed.charges}


def _charge(code: str, old: ChargePrices | None, new: ChargePrices | None, trial: Trial | None) -> ChargeChange:
    old_tiers = old.tiers if old else ()
    new_tiers = new.tiers if new else ()
    rows: list[PriceChange] = []
    for i in range(max(len(old_tiers), len(new_tiers))):
        one, other = _at(old_tiers, i), _at(new_tiers, i)
        rows.append(_tier_row("unit_price", i + 1, one, other, _effect(trial, code, i + 1)))
        if any(tier is not None and tier.flat_fees[-1] for tier in (one, other)):
            rows.append(_tier_row("flat_fee", i + 1, one, other, None))
    amounts = (_last(old.amounts) if old else None, _last(new.amounts) if new else None)
    beside = _effect(trial, code, None)
    if amounts != (None, None):
        rows.append(PriceChange("amount", None, None, None, *amounts, beside))
    elif beside:
        rows.append(PriceChange("other", None, None, None, None, None, beside))
    effects = [row.effect for row in rows if row.effect is not None]
    return ChargeChange(
        code,
        old.charge if old else None,
        new.charge if new else None,
        tuple(rows),
        _terms_changed(old.charge, new.charge) if old and new else (),
        None if trial is None else sum(effects, ZERO),
    )


def _tier_row(
    what: What, number: int, old: TierPrices | None, new: TierPrices | None, effect: Decimal | None
) -> PriceChange:
    def price(tier: TierPrices | None) -> Decimal | None:
        if tier is None:
            return None
        return tier.unit_prices[-1] if what == "unit_price" else tier.flat_fees[-1]

    def covers(tier: TierPrices | None) -> tuple[int, int | None] | None:
        return None if tier is None else (tier.first, tier.last)

    return PriceChange(what, number, covers(old), covers(new), price(old), price(new), effect)


def _effect(trial: Trial | None, code: str, tier: int | None) -> Decimal | None:
    if trial is None:
        return None
    old, new = trial.of_charge_and_tier(code, tier)
    return new - old


_TERMS = (
    "clause",
    "algorithms",
    "counter",
    "ramp_up",
    "minimum",
    "maximum",
    "per",
    "every",
    "proration",
    "conventions",
)


def _terms_changed(old: Charge, new: Charge) -> tuple[str, ...]:
    changed = [name for name in _TERMS if getattr(old, name, None) != getattr(new, name, None)]
    if type(old) is not type(new):
        return ("kind", *changed)
    if isinstance(old, UsageCharge) and isinstance(new, UsageCharge):
        return (*_model_changed(old.model, new.model), *changed)
    return tuple(changed)


def _model_changed(old: PriceModel, new: PriceModel) -> tuple[str, ...]:
    """Name what of a model no row of prices shows: the model itself, or whole numbers that are no bounds of tiers."""
    if type(old) is not type(new):
        return ("model",)
    if new.as_tiers():
        return ()
    numbers = (field.name for field in new.FIELDS if field.kind == "whole")
    return tuple(name for name in numbers if getattr(old, name) != getattr(new, name))


def _at(tiers: tuple[TierPrices, ...], i: int) -> TierPrices | None:
    return tiers[i] if i < len(tiers) else None


def _last(amounts: tuple[Decimal, ...]) -> Decimal | None:
    return amounts[-1] if amounts else None
