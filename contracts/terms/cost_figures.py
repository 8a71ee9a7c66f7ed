"""What an activation is expected to cost, as it was computed once and frozen with its submission.

The figures come from the half that rates; here they are only carried, compared with limits and added by year. What a reader
within the activation's trust is told of the other trusts is frozen with them: who may be told from a sum is known then.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from contracts.terms.money import format_amount

FIRST_YEAR_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class MonthCost:
    """The expected cost of one month, named by its first day; ``others`` is the part that falls on the other trusts.

    ``others_told`` is what of it a reader within the activation's trust is told (None: nothing, one other could be told from it).
    """

    month: date
    amount: Decimal
    others: Decimal = Decimal("0.00")
    others_told: Decimal | None = None

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

    def told(self, scope: str | None) -> ToldFigures:
        """Give the figures as a reader within ``scope`` is told them, who is of the activation's trust; None reads all of them.

        In a month of which nothing may be told, the own part stands alone in the sums; the amount of nine in ten outcomes is
        told where every month is.
        """
        if scope is None:
            months = tuple(ToldMonth(each.month, each.own, each.others) for each in self.by_month)
            return self._told(months, self.others, self.p90, self.first_year, None)
        months = tuple(ToldMonth(each.month, each.own, each.others_told) for each in self.by_month)
        told = [each.others for each in months if each.others is not None]
        if len(told) == len(months):
            return self._told(months, self.others, self.p90, self.first_year, None)
        first_year = sum((each.own + (each.others or 0) for each in months[:FIRST_YEAR_MONTHS]), Decimal("0.00"))
        others = sum(told, Decimal("0.00")) if told else None
        return self._told(months, others, None, first_year, scope)

    def _told(
        self,
        months: tuple[ToldMonth, ...],
        others: Decimal | None,
        p90: Decimal | None,
        first_year: Decimal,
        partial_to: str | None,
    ) -> ToldFigures:
        return ToldFigures(
            first=self.first,
            until=self.until,
            own=self.own,
            others=others,
            p90=p90,
            first_year=first_year,
            ramp_end=self.ramp_end,
            by_month=months,
            basis=self.basis,
            as_of=self.as_of,
            partial_to=partial_to,
        )

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
                    "others_told": None if month.others_told is None else format_amount(month.others_told),
                }
                for month in self.by_month
            ],
            "basis": self.basis,
            "as_of": None if self.as_of is None else self.as_of.isoformat(),
        }

    @classmethod
    def from_written(cls, written: dict[str, Any]) -> CostFigures:
        """Read what `to_written` wrote."""
        # What was frozen before the months told the others' part has it in the sum alone, and tells it to nobody within a trust.
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
                    None if month.get("others_told") is None else Decimal(month["others_told"]),
                )
                for month in written["by_month"]
            ),
            basis=written["basis"],
            as_of=None if as_of is None else date.fromisoformat(as_of),
        )


@dataclass(frozen=True, slots=True)
class ToldMonth:
    """A month's expected cost as a reader is told it; ``others`` is None where nothing of the others may be told."""

    month: date
    own: Decimal
    others: Decimal | None

    @property
    def amount(self) -> Decimal | None:
        """Give the month's cost for all trusts, None where it may not be told."""
        return None if self.others is None else self.own + self.others


@dataclass(frozen=True, slots=True)
class ToldFigures:
    """Cost figures as a reader is told them. ``partial_to`` is the trust whose readers are told less than all, None otherwise.

    For such a reader ``others`` and ``first_year`` are of what is told (``others`` None where nothing is), and ``p90`` is None.
    """

    first: date
    until: date
    own: Decimal
    others: Decimal | None
    p90: Decimal | None
    first_year: Decimal
    ramp_end: date | None
    by_month: tuple[ToldMonth, ...]
    basis: str
    as_of: date | None
    partial_to: str | None

    @property
    def expected(self) -> Decimal | None:
        """Give the own part and what is told of the others', None where nothing is."""
        return None if self.others is None else self.own + self.others

    def to_written(self) -> dict[str, Any]:
        """Write the figures as plain JSON values, amounts as text; null is what this reader is not told."""

        def written(amount: Decimal | None) -> str | None:
            return None if amount is None else format_amount(amount)

        return {
            "from": self.first.isoformat(),
            "to": self.until.isoformat(),
            "expected": written(self.expected),
            "own": format_amount(self.own),
            "others": written(self.others),
            "p90": written(self.p90),
            "first_year": format_amount(self.first_year),
            "ramp_end": None if self.ramp_end is None else self.ramp_end.isoformat(),
            "by_month": [
                {
                    "month": f"{month.month:%Y-%m}",
                    "amount": written(month.amount),
                    "own": format_amount(month.own),
                    "others": written(month.others),
                }
                for month in self.by_month
            ],
            "basis": self.basis,
            "as_of": None if self.as_of is None else self.as_of.isoformat(),
        }
