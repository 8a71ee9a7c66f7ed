"""Lines of a rating added up: what a quarter, a trust or an algorithm costs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from billing.rating.lines import Line
from contracts.terms.money import ZERO
from contracts.terms.period import Period


@dataclass(frozen=True, slots=True)
class Cost:
    """Lines added up: what is paid at full price and in a ramp-up, what the ramp took off, and how many examinations."""

    full: Decimal = ZERO
    discounted: Decimal = ZERO
    discount: Decimal = ZERO
    examinations: int = 0

    @classmethod
    def of(cls, lines: Iterable[Line]) -> Cost:
        """Add lines up; a line in a phase with a discount counts as discounted."""
        full = discounted = discount = ZERO
        examinations = 0
        for line in lines:
            if line.discount_rate_e4:
                discounted += line.net
            else:
                full += line.net
            discount += line.discount
            if line.kind == "usage" and line.why in (None, "outside"):
                examinations += line.quantity or 0
        return cls(full, discounted, discount, examinations)

    @property
    def total(self) -> Decimal:
        """Give what is paid, in kroner excluding VAT."""
        return self.full + self.discounted

    @property
    def gross(self) -> Decimal:
        """Give what it would cost without the ramp's discount."""
        return self.total + self.discount

    @property
    def per_examination(self) -> Decimal | None:
        """Give the cost per examination, fixed amounts included; ``None`` where there is no examination."""
        return self.total / self.examinations if self.examinations else None

    def share_of(self, whole: Cost) -> Decimal | None:
        """Give this cost's share of another's, ``None`` where that is nothing."""
        return self.total / whole.total if whole.total else None


def within(lines: Iterable[Line], period: Period) -> list[Line]:
    """Keep the lines whose pricing period begins in ``period``."""
    return [line for line in lines if period.contains(line.period.start)]


def grouped(lines: Iterable[Line], key: Callable[[Line], str]) -> list[tuple[str, list[Line]]]:
    """Group lines by a key, in its order; what has none stands last."""
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        found[key(line)].append(line)
    return sorted(found.items(), key=lambda entry: (not entry[0], entry[0]))
