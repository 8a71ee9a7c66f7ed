"""What an act on a whole agreement does to its cost, and what stands in the way of deciding on it.

An extension, an amendment, a price version and an index adjustment lengthen, widen or reprice everything that runs. Their
cost to the agreement's end is held against the ceiling by the guard that activations pass, against the budgets, and a longer
term against the four years that a framework may last (forskrift om offentlige anskaffelser § 26-1). Whoever goes over says why
and somebody else allows it. The figures come from the half that rates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from contracts.terms.money import ZERO, format_amount
from contracts.terms.period import Period, add_months
from contracts.terms.price_book import IndexAdjustment, PriceBook, PriceBookVersion
from contracts.terms.workflow import CeilingFacts, Cover, Decided, Refusal, above_ceiling

FOUR_YEARS: Final = 48
TERM_RULE: Final = "FOA § 26-1"


@dataclass(frozen=True, slots=True)
class Change:
    """What an act would change of what is rated; what is ``None`` stays. ``new_end`` is exclusive."""

    new_end: date | None = None
    new_maximum: Decimal | None = None
    version: PriceBookVersion | None = None
    adjustment: IndexAdjustment | None = None

    def priced(self, book: PriceBook) -> PriceBook:
        """Give a price book with what the act adds to it."""
        versions = book.versions if self.version is None else (*book.versions, self.version)
        adjustments = book.index_adjustments
        if self.adjustment is not None:
            adjustments = (*adjustments, self.adjustment)
        return replace(book, versions=versions, index_adjustments=adjustments)


@dataclass(frozen=True, slots=True)
class CentreCover:
    """Whether the budget of a trust's cost centre holds what an act adds in a year; no cost centre is named where it is None."""

    trust: str
    cost_centre: str | None
    cover: Cover

    @property
    def goes_over(self) -> bool:
        """Tell whether the budget held what is expected before, and does not after."""
        before = self.cover.left + self.cover.cost
        return self.cover.budget is not None and self.cover.left < 0 <= before


@dataclass(frozen=True, slots=True)
class Effect:
    """What an act costs to the agreement's end, with it less without it, in kroner excluding VAT, and what that meets.

    ``expected`` is the mean, ``p90`` what nine of ten outcomes stay within. ``used`` and ``open`` are the ceiling's figures as
    they stand, ``maximum`` and ``term`` what they will be; ``former`` is the term as it stands.
    """

    expected: Decimal
    p90: Decimal
    used: Decimal
    open: Decimal
    maximum: Decimal | None
    former: Period
    term: Period
    covers: tuple[CentreCover, ...] = ()

    @property
    def ceiling(self) -> CeilingFacts:
        """Give what the guard of the ceiling holds it against."""
        return CeilingFacts(self.maximum, self.used, self.open)

    @property
    def left(self) -> Decimal | None:
        """Give what is left of the maximum value after it, as expected; None where no maximum is known."""
        return None if self.ceiling.headroom is None else self.ceiling.headroom - self.expected

    def to_written(self) -> dict[str, Any]:
        """Write the figures as plain JSON values, amounts as text."""
        return {
            "expected": format_amount(self.expected),
            "p90": format_amount(self.p90),
            "used": format_amount(self.used),
            "open": format_amount(self.open),
            "maximum": None if self.maximum is None else format_amount(self.maximum),
            "from": self.term.start.isoformat(),
            "to": self.term.end.isoformat(),
        }


def refusals(effect: Effect | None) -> Iterator[Refusal]:
    """Find what an act goes over; a warning where a budget is missing or the maximum is not known.

    Without figures nothing can be held against anything, which is refused too. What saves or costs nothing goes over nothing,
    but a longer term is held against the four years whatever it costs.
    """
    if effect is None:
        yield Refusal("ceiling", "figures_missing", "the cost to the end cannot be computed: a price is missing")
        return
    if effect.p90 > 0:
        yield from above_ceiling(effect.ceiling, effect.p90)
    for one in effect.covers:
        yield from _not_covered(one)
    last = add_months(effect.term.start, FOUR_YEARS)
    if effect.term.end > max(last, effect.former.end):
        numbers = {"from": effect.term.start.isoformat(), "to": effect.term.end.isoformat(), "most": last.isoformat()}
        detail = f"the term would be {effect.term.start} to {effect.term.end}, more than four years"
        yield Refusal("term", "beyond_four_years", detail, TERM_RULE, numbers)


def _not_covered(one: CentreCover) -> Iterator[Refusal]:
    cover = one.cover
    numbers = {
        "trust": one.trust,
        "cost_centre": one.cost_centre or "",
        "year": str(cover.year),
        "cost": str(cover.cost),
        "funded": str(cover.budget or ZERO),
        "bound": str(cover.bound),
        "cover": str(cover.left),
    }
    place = f"'{one.trust}', cost centre {one.cost_centre or 'not named'}, {cover.year}"
    if cover.budget is None:
        detail = f"{place}: {cover.cost} more, and no budget is approved"
        yield Refusal("budget", "year_not_funded", detail, "", numbers, warning=True)
    elif cover.left < 0:
        detail = f"{place}: {cover.cost} more; of the budget {cover.budget}, {cover.bound} is used or promised already"
        yield Refusal("budget", "funding_below_cost", detail, "", numbers, warning=not one.goes_over)


def own_decision(acting: Iterable[str], authors: Iterable[str], given: Iterable[Decided]) -> Iterator[Refusal]:
    """Refuse whoever had a hand in an act, or decided on it already, in person or as somebody's deputy."""
    people = set(acting)
    if people & set(authors):
        yield Refusal(
            "segregation", "own_request", "who had a hand in this does not decide on it, nor a deputy of theirs"
        )
    if people & {person for one in given for person in (one.by, one.principal)}:
        detail = "this person has approved already, in person or through a deputy; it takes another one"
        yield Refusal("segregation", "approved_already", detail)
