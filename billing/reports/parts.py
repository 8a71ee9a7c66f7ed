"""What the front page and a trust's page have in common: parts of a cost, and where the counters stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from billing.charges.basis import Terms
from billing.charges.charging import Charges, Standing
from billing.charges.costs import Cost
from billing.rating.captions import tier_intervals
from billing.rating.price_list import charge_on
from contracts.terms.period import Period, previous_day
from contracts.terms.price_model import Charge


@dataclass(frozen=True, slots=True)
class Part:
    """The cost of a quarter, a month, a trust or an algorithm: what it is of, and how many algorithms run there.

    ``under_way`` is a period whose counts are not all in: what it has cost so far, which compares with no whole one.
    """

    key: str
    cost: Cost
    algorithms: int = 0
    under_way: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a counter stands, and how many examinations still fit below the next tier.

    ``tier`` is the tier it stands in: what is left to say where the count itself would tell one other trust's volume.
    """

    standing: Standing
    charge: Charge | None
    tier: int | None

    @property
    def told(self) -> bool:
        """Tell whether the reader may be told the count."""
        return self.standing.position is not None

    @property
    def units_left(self) -> int | None:
        """Count the units that are left before the next tier; ``None`` in the last one, and where the count is not told."""
        following, count = self.standing.next_tier_at, self.standing.position
        return None if following is None or count is None else following - count - 1


def places(terms: Terms, charges: Charges) -> tuple[Place, ...]:
    """Say where each counter stands at the end of the charges' period, as far as the reader may be told."""
    last = previous_day(charges.period.end)
    places = []
    for each in charges.positions:
        charge = charge_on(terms.price_book, each.charge, last)
        places.append(Place(each, charge, None if charge is None else _tier_below(terms, charge, each.next_tier_at)))
    return tuple(places)


def _tier_below(terms: Terms, charge: Charge, next_tier_at: int | None) -> int | None:
    """Give the number of the tier that ends before ``next_tier_at``, the last one before ``None``; none without tiers."""
    lasts = (last for _, last in tier_intervals(charge, charge.conventions.over(terms.price_book.conventions).boundary))
    wanted = None if next_tier_at is None else next_tier_at - 1
    return next((number for number, last in enumerate(lasts, start=1) if last == wanted), None)


def year_to(day: date) -> Period:
    """Give the calendar year of a day, up to and with it."""
    return Period(date(day.year, 1, 1), day + timedelta(days=1))
