"""Lines made of a counter's slices: units at a price, and amounts of money shared by units."""

from __future__ import annotations

from billing.rating.charge_terms import Run, UsageTerms
from billing.rating.lines import Line, Why
from billing.rating.run import Slice
from billing.rating.tiers import shares

# One øre in 10⁻⁶ kr: what a quantity × unit price is rounded by.
ORE_IN_MICRO = 10_000
RATE = 10_000


def price_units(run: Run, terms: UsageTerms, slices: list[Slice], tier: int, price: int, why: Why | None) -> None:
    """Add one line per slice at the price of a tier (its index), each rounded by itself (pricing.md §4.9)."""
    period = run.period
    code, clause, rounded = terms.code, terms.clause, terms.round
    for trust, algorithm, phase, rate, units in slices:
        gross = rounded(units * price, ORE_IN_MICRO)
        discount = rounded(gross * rate, RATE) if rate else 0
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


def share_amounts(run: Run, terms: UsageTerms) -> None:
    """Share flat fees and packages over their counters' slices by units; a share of 0.00 makes no line (§4.7)."""
    for share in run.shares:
        for (trust, algorithm, phase, rate, _), part in zip(
            share.slices, shares(share.amount, [units for *_, units in share.slices]), strict=True
        ):
            if not part:
                continue
            discount_rate = rate if share.discounted else 0
            discount = terms.round(part * discount_rate, RATE)
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
