"""Try a price version on real usage: what the last twelve months would have cost under it.

The definition, so that nobody reads more into it than it says. Two whole ratings of the same usage by the same activations
over the same months: one with the version it is compared with as the only one, at the index level of a given day, one with
the new version as the only one, at the level it is written at. Each stands from before the agreement's first day, so that
tiers fill as they would have filled and ramps run as they ran; nothing else differs. The months are the last twelve whole
ones with usage in them. A simulation therefore says nothing of how many examinations there will be, and nothing of a change
in the middle of a counting window.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from billing.charges.basis import Terms
from billing.rating.charge_terms import Level
from billing.rating.price_list import factors_in_force, level_of
from billing.rating.rate import Line
from contracts.terms import money
from contracts.terms.period import Period, add_months, first_of_month, previous_day
from contracts.terms.price_book import IndexAdjustment, PriceBook, PriceBookVersion
from contracts.terms.price_model import (
    Charge,
    FixedCharge,
    Limit,
    OneOffCharge,
    UsageCharge,
)

MONTHS = 12
ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Priced:
    """Hold a version and the index adjustments that touch its prices on the day in question."""

    version: PriceBookVersion
    adjustments: tuple[IndexAdjustment, ...] = ()


@dataclass(frozen=True, slots=True)
class TrialRow:
    """Hold what one charge costs one trust (None: the agreement itself) in the months of a trial, old and new."""

    charge: str
    trust: str | None
    old: Decimal
    new: Decimal

    @property
    def change(self) -> Decimal:
        """Return new less old."""
        return self.new - self.old

    @property
    def share(self) -> Decimal | None:
        """Return the change as a share of the old cost, None where that is zero."""
        return self.change / self.old if self.old else None


@dataclass(frozen=True, slots=True)
class Trial:
    """Hold a simulation: the lines of both ratings over ``period``; all sums here are sums of those lines."""

    period: Period
    examinations: int
    old_lines: tuple[Line, ...]
    new_lines: tuple[Line, ...]

    @property
    def old(self) -> Decimal:
        """Return what the months cost under the version compared with."""
        return sum((line.net for line in self.old_lines), ZERO)

    @property
    def new(self) -> Decimal:
        """Return what they cost under the new one."""
        return sum((line.net for line in self.new_lines), ZERO)

    @property
    def change(self) -> Decimal:
        """Return new less old."""
        return self.new - self.old

    @property
    def share(self) -> Decimal | None:
        """Return the change as a share of the old cost, None where that is zero."""
        return self.change / self.old if self.old else None

    def rows(self) -> tuple[TrialRow, ...]:
        """Return old and new per charge and trust, by code, the agreement's own amounts first."""
        return self._rows(lambda line: (line.charge, line.trust))

    def by_trust(self) -> tuple[TrialRow, ...]:
        """Return old and new per trust."""
        return self._rows(lambda line: ("", line.trust))

    def of_charge_and_tier(self, charge: str, tier: int | None) -> tuple[Decimal, Decimal]:
        """Return old and new of the lines of one charge in one tier; None is all that stands in no tier."""

        def net(lines: Sequence[Line]) -> Decimal:
            return sum((line.net for line in lines if (line.charge, line.tier) == (charge, tier)), ZERO)

        return net(self.old_lines), net(self.new_lines)

    def within(self, trust: str | None) -> Trial:
        """Return what a reader kept to one trust may see of it; None sees all."""
        if trust is None:
            return self
        return replace(
            self,
            old_lines=tuple(line for line in self.old_lines if line.trust == trust),
            new_lines=tuple(line for line in self.new_lines if line.trust == trust),
            examinations=sum(line.quantity or 0 for line in self.old_lines if _counts(line) and line.trust == trust),
        )

    def _rows(self, key: Callable[[Line], tuple[str, str | None]]) -> tuple[TrialRow, ...]:
        sums: dict[tuple[str, str | None], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
        for side, lines in enumerate((self.old_lines, self.new_lines)):
            for line in lines:
                sums[key(line)][side] += line.net
        ordered = sorted(sums.items(), key=lambda item: (item[0][0], item[0][1] or ""))
        return tuple(TrialRow(charge, trust, old, new) for (charge, trust), (old, new) in ordered)


def trial_period(terms: Terms) -> Period | None:
    """Return the last twelve whole months of the agreement with usage in them, fewer where there are fewer; None without."""
    term = terms.agreement.term
    until = terms.data_until
    if until is None:
        return None
    following = until + timedelta(days=1)
    end = following if following.day == 1 else first_of_month(until)
    start = max(add_months(end, -MONTHS), term.start)
    end = min(end, term.end)
    return Period(start, end) if start < end else None


def try_version(terms: Terms, *, old: Priced | None, new: Priced) -> Trial | None:
    """Rate the last twelve months under two versions; None where no whole month has usage.

    ``old`` None compares with nothing at all: the first version of a book. Raises InvalidInput where the check of a version
    refuses it.
    """
    period = trial_period(terms)
    if period is None:
        return None
    old_lines = () if old is None else _lines(terms, old, period)
    new_lines = _lines(terms, new, period)
    counted = old_lines or new_lines
    return Trial(period, sum(line.quantity or 0 for line in counted if _counts(line)), old_lines, new_lines)


def replaced_by(book: PriceBook, valid_from: date) -> Priced | None:
    """Return what a version from ``valid_from`` takes the place of: the version before it, at its last day's level."""
    before = previous_day(valid_from)
    version = book.version_on(before)
    return None if version is None else Priced(version, factors_in_force(book, before))


def charges_at(book: PriceBook, day: date) -> tuple[Charge, ...]:
    """Return the charges valid on a day with their prices as they stand that day, for a new version to start from.

    A version stands at its own level (pricing.md §4.8): one copied from prices that an index has raised must be written
    with the raised ones, or the index would be lost.
    """
    version = book.version_on(day)
    if version is None:
        return ()
    adjustments = factors_in_force(book, day)
    if not adjustments:
        return version.charges
    return tuple(
        _at(charge, level_of(charge.conventions.over(book.conventions), adjustments)) for charge in version.charges
    )


def _lines(terms: Terms, priced: Priced, period: Period) -> tuple[Line, ...]:
    start = terms.agreement.term.start
    version = replace(priced.version, valid_from=start - timedelta(days=1))
    adjustments = tuple(replace(adjustment, effective_from=start) for adjustment in priced.adjustments)
    book = PriceBook(terms.price_book.conventions, adjustments, (version,))
    return replace(terms, price_book=book).rate(period).lines


def _counts(line: Line) -> bool:
    return line.kind == "usage" and line.why in (None, "outside")


def _at(charge: Charge, level: Level) -> Charge:
    def amount(value: Decimal) -> Decimal:
        return money.kroner(level.amount(value))

    def limit(value: Limit | None) -> Limit | None:
        return replace(value, amount=amount(value.amount)) if value is not None and value.indexed else value

    def unit_price(value: Decimal) -> Decimal:
        return Decimal(money.format_unit_price(money.unit_price(level.unit_price(value))))

    match charge:
        case FixedCharge() | OneOffCharge():
            return replace(charge, amount=amount(charge.amount))
        case UsageCharge():
            return replace(
                charge,
                model=charge.model.repriced(unit_price, amount),
                minimum=limit(charge.minimum),
                maximum=limit(charge.maximum),
            )
