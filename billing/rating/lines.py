"""What a rating answers with: lines, what was left out, and where the counters stand.

The lines *are* the calculation: each is one quantity at one price with one discount, rounded as an EHF invoice line is, and
nothing else was computed. A line keeps its money in whole øre, its unit price in 10⁻⁶ kr and its discount in ten-thousandths;
the decimals are made when they are asked for.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from contracts.terms import money
from contracts.terms.period import Period
from contracts.terms.price_model import Scope

Kind = Literal["usage", "fixed", "one_off"]
Why = Literal[
    "adjustment", "outside", "flat_fee", "package", "zero_usage", "minimum", "maximum", "fixed", "one_off"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """Hold one line of a rating (pricing.md §4.9).

    `trust` and `algorithm` are None where the line stands on the agreement; `quantity` and the unit price are None where the
    line is an amount of money; `why` is None on a plain tier line; `reprices` is the pricing period an adjustment corrects.
    """

    charge: str
    kind: Kind
    clause: str
    trust: str | None
    algorithm: str | None
    period: Period
    tier: int | None
    phase: int | None
    quantity: int | None
    unit_price_micro: int | None
    gross_ore: int
    discount_rate_e4: int
    discount_ore: int
    why: Why | None = None
    reprices: Period | None = None

    @property
    def net_ore(self) -> int:
        """Return gross less discount, in øre."""
        return self.gross_ore - self.discount_ore

    @property
    def unit_price(self) -> Decimal | None:
        """Return the price of a unit in kroner, never negative, None on a line that is an amount."""
        return None if self.unit_price_micro is None else money.unit_price(self.unit_price_micro)

    @property
    def gross(self) -> Decimal:
        """Return quantity × unit price in kroner, rounded to øre."""
        return money.kroner(self.gross_ore)

    @property
    def discount_rate(self) -> Decimal:
        """Return the ramp's discount, 0 to 1."""
        return money.rate(self.discount_rate_e4)

    @property
    def discount(self) -> Decimal:
        """Return gross × discount rate in kroner, rounded to øre."""
        return money.kroner(self.discount_ore)

    @property
    def net(self) -> Decimal:
        """Return gross less discount in kroner."""
        return money.kroner(self.gross_ore - self.discount_ore)

    @property
    def id(self) -> str:
        """Return a short id made of what identifies the line, the same in every run and whatever the amounts."""
        identity = (
            self.charge,
            self.trust,
            self.algorithm,
            self.period.start.isoformat(),
            self.period.end.isoformat(),
            self.phase,
            self.tier,
            self.why,
            None if self.reprices is None else self.reprices.start.isoformat(),
            None if self.reprices is None else self.reprices.end.isoformat(),
        )
        return hashlib.sha256(repr(identity).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Excluded:
    """Hold the examinations of one activation and day that are not billable, and why."""

    trust: str
    algorithm: str
    on: date
    quantity: int
    reason: Literal["validation"] = "validation"


@dataclass(frozen=True, slots=True)
class Position:
    """Hold where a counter stands at the end of the rated period.

    `next_tier_at` is the number of the next tier's first unit, None in the last tier and for packages.
    """

    charge: str
    scope: Scope
    trust: str | None
    algorithm: str | None
    window: Period
    position: int
    next_tier_at: int | None


@dataclass(frozen=True, slots=True)
class Rating:
    """Hold the answer to a price request; its total is the sum of its rounded lines."""

    currency: str
    lines: tuple[Line, ...]
    excluded: tuple[Excluded, ...]
    positions: tuple[Position, ...]

    @property
    def total_ore(self) -> int:
        """Return the sum of the lines' net amounts in øre."""
        return sum(line.gross_ore - line.discount_ore for line in self.lines)

    @property
    def total(self) -> Decimal:
        """Return the sum of the lines' net amounts in kroner, excluding VAT."""
        return money.kroner(self.total_ore)
