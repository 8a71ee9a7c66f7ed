"""What an activation is expected to cost, as it was computed once and frozen with its submission.

The figures come from the half that rates; here they are only carried, compared with limits and added by year.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from contracts.terms.money import format_amount


@dataclass(frozen=True, slots=True)
class MonthCost:
    """The expected cost of one month, named by its first day; ``others`` is the part that falls on the other trusts."""

    month: date
    amount: Decimal
    others: Decimal = Decimal("0.00")

    @property
    def own(self) -> Decimal:
        """Give the part that falls on the activation's own trust."""
        return self.amount - self.others


@dataclass(frozen=True, slots=True)
class CostFigures:
    """Kroner excluding VAT of one activation over ``[first, until)``, with it less without it, for all trusts together.

    ``expected`` is the cost of the expected volumes, ``p90`` the amount that nine of ten outcomes stay within; ``until`` is
    the agreement's current end. ``ramp_end`` is the first day of ordinary prices, ``None`` without a ramp-up. ``others`` is
    the part of ``expected`` that falls on the other trusts (negative: they pay less). ``as_of`` is the first day that was
    not counted yet (``None``: not kept). Raises ValueError where P90 is below what is
    expected (the approval would then take more than the request had reserved) or the months do not add up to it.
    """

    first: date
    until: date
    expected: Decimal
    p90: Decimal
    first_year: Decimal
    ramp_end: date | None
    others: Decimal
    by_month: tuple[MonthCost, ...]
    basis: str
    as_of: date | None = None

    def __post_init__(self) -> None:
        if self.p90 < self.expected:
            raise ValueError(f"P90 {self.p90} is below what is expected, {self.expected}")
        if sum((month.amount for month in self.by_month), Decimal(0)) != self.expected:
            raise ValueError("the months do not add up to what is expected")

    @property
    def own(self) -> Decimal:
        """Give the part of ``expected`` that falls on the activation's own trust."""
        return self.expected - self.others

    @property
    def by_year(self) -> dict[int, Decimal]:
        """Give what each calendar year that it touches is expected to cost the activation's own trust."""
        years: dict[int, Decimal] = defaultdict(Decimal)
        for month in self.by_month:
            years[month.month.year] += month.own
        return {year: amount for year, amount in years.items() if amount}

    def to_written(self) -> dict[str, Any]:
        """Write the figures as plain JSON values, amounts as text."""
        return {
            "from": self.first.isoformat(),
            "to": self.until.isoformat(),
            "expected": format_amount(self.expected),
            "p90": format_amount(self.p90),
            "first_year": format_amount(self.first_year),
            "ramp_end": None if self.ramp_end is None else self.ramp_end.isoformat(),
            "others": format_amount(self.others),
            "by_month": [
                {
                    "month": f"{month.month:%Y-%m}",
                    "amount": format_amount(month.amount),
                    "others": format_amount(month.others),
                }
                for month in self.by_month
            ],
            "basis": self.basis,
            "as_of": None if self.as_of is None else self.as_of.isoformat(),
        }

    @classmethod
    def from_written(cls, written: dict[str, Any]) -> CostFigures:
        """Read what `to_written` wrote."""
        # What was frozen before the months told the others' part has it in the sum alone.
        ramp_end, as_of = written["ramp_end"], written.get("as_of")
        return cls(
            first=date.fromisoformat(written["from"]),
            until=date.fromisoformat(written["to"]),
            expected=Decimal(written["expected"]),
            p90=Decimal(written["p90"]),
            first_year=Decimal(written["first_year"]),
            ramp_end=None if ramp_end is None else date.fromisoformat(ramp_end),
            others=Decimal(written["others"]),
            by_month=tuple(
                MonthCost(
                    date.fromisoformat(f"{month['month']}-01"),
                    Decimal(month["amount"]),
                    Decimal(month.get("others", "0.00")),
                )
                for month in written["by_month"]
            ),
            basis=written["basis"],
            as_of=None if as_of is None else date.fromisoformat(as_of),
        )
