"""Adjusted by another factor than agreed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from math import prod

from billing.causes.changes import Change, OtherFactor
from billing.causes.declared import Cause, Hints, Response
from billing.causes.facts import Facts
from contracts.terms.price_model import UsageCharge

_NEAR_FACTOR = Decimal("0.1")
_LEAST_FACTOR = Decimal("0.75")
_MOST_FACTOR = Decimal("1.35")


def _changes(facts: Facts, hints: Hints) -> Iterator[Change]:
    in_force = [each for each in facts.book.index_adjustments if each.effective_from < facts.period.end]
    factors = [each.factor for each in in_force]
    found: list[tuple[date, Decimal]] = []
    for each in in_force:
        others = [*dict.fromkeys(factor for factor in factors if factor != each.factor)]
        day, agreed = each.effective_from, each.factor
        found.append((day, agreed * agreed))
        found += [(day, factor) for factor in others]
        if agreed:
            found.append((day, (1 / agreed).quantize(Decimal("0.0001"))))
        if len(factors) > 1:
            # The percentages added up where they should be multiplied.
            total = 1 + sum(factor - 1 for factor in factors)
            found.append((day, total / (prod(factors) / agreed)))
        seen = [*_read_off(facts, hints, day), *(factor for on, factor in hints.factors if on == day)]
        # A factor that is only read off is one that somebody may have taken for the agreed one.
        found += [(day, factor) for factor in seen if abs(factor - agreed) <= _NEAR_FACTOR]
    agreed_of = {each.effective_from: each.factor for each in in_force}
    for day, factor in found:
        # No index is another fault, and no index is a third of the price.
        if factor not in (1, agreed_of[day]) and _LEAST_FACTOR <= factor <= _MOST_FACTOR:
            yield OtherFactor(day, factor)


def _read_off(facts: Facts, hints: Hints, day: date) -> Iterator[Decimal]:
    """Read a factor off the prices seen: the roundest one that gives them all."""
    lows, highs = [], []
    charge = facts.charge_on(max(facts.period.start, day))
    tiers = charge.model.as_tiers() if isinstance(charge, UsageCharge) else ()
    version = facts.book.version_on(facts.period.start)
    others = prod(
        each.factor
        for each in facts.book.index_adjustments
        if each.effective_from != day
        and version is not None
        and version.valid_from < each.effective_from <= facts.period.start
    )
    places = charge.conventions.over(facts.book.conventions).price_decimals if charge is not None else 2
    half = Decimal(1).scaleb(-places) / 2
    for tier, price in hints.prices:
        if 1 <= tier <= len(tiers) and tiers[tier - 1].unit_price:
            written = tiers[tier - 1].unit_price * others
            lows.append((price - half) / written)
            highs.append((price + half) / written)
    spans = [(max(lows), min(highs))] if lows else []
    for low, high in spans:
        for decimals in (2, 3, 4):
            step = Decimal(1).scaleb(-decimals)
            first = (low / step).to_integral_value("ROUND_CEILING")
            last = (high / step).to_integral_value("ROUND_FLOOR")
            if first <= last:
                for number in range(int(first), min(int(last), int(first) + 4) + 1):
                    yield number * step
                if decimals > 2:
                    break


CAUSE = Cause(
    code="INDEX_WRONG",
    name=("Annen indeksfaktor", "Another index factor"),
    action="credit",
    severity="money",
    response=Response("CA", "PRI"),
    changes=_changes,
    told_apart_by=("indeksfaktoren og prisen før regulering", "the index factor and the price before it"),
    sentences=(
        (
            "Indeksregulert med faktor {billed:factor}; avtalt fra {effective_from:day} er {expected:factor}.",
            "Adjusted by the factor {billed:factor}; agreed from {effective_from:day} is {expected:factor}.",
        ),
        ("Indeksregulert med en annen faktor enn avtalt.", "Adjusted by another factor than agreed."),
    ),
)
