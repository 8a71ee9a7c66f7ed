"""How far the counts are in, and whether a period is whole or under way.

What is due is a matter of months: a month's count is due once the month is over. So the counts are in to the end of a month,
never to the day of the newest row, which says nothing of the rows that lack.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from billing.figures.figure import Figure, Meaning, means
from contracts.terms.period import Period, previous_day

Standing = Literal["whole", "under_way"]


@dataclass(frozen=True, slots=True)
class SeriesMonth:
    """One trust, algorithm and month of which a count is due: whether it is complete, or accepted as missing."""

    trust: str
    algorithm: str
    month: Period
    settled: bool


COUNTED_THROUGH: Final = Meaning(
    "counted-through",
    (),
    "day",
    sign="a day",
    cut_off="the months that are over today",
    readers="everybody",
    nb="Siste dag som alle tellinger er inne til og med: hver serie i drift er komplett i hver måned fram til da, eller godtatt uten.",
    en="The last day up to which every count is in: each series in operation is complete in every month until then, or accepted without.",
)


@means(COUNTED_THROUGH)
def counted_through(due: Iterable[SeriesMonth], over: Iterable[Period]) -> Figure:
    """Give the last day of the last month up to which every series that is due is settled; None where the first is not.

    ``over`` are the months that are over, oldest first; a month of which nothing is due is in.
    """
    lacking = {each.month.start for each in due if not each.settled}
    through: date | None = None
    for month in over:
        if month.start in lacking:
            break
        through = previous_day(month.end)
    return COUNTED_THROUGH.of(through)


PERIOD: Final = Meaning(
    "period",
    ("period",),
    "word",
    sign="whole or under_way",
    cut_off="counted-through",
    readers="everybody",
    nb="En periode er hel når tellingene er inne til dens siste dag; ellers er den under veis og vises som «så langt».",
    en="A period is whole when the counts are in to its last day; otherwise it is under way and shown as “so far”.",
)


@means(PERIOD)
def standing(period: Period, through: date | None) -> Figure:
    """Tell whether a period is whole or under way, by the day the counts are in to."""
    word: Standing = "whole" if through is not None and through >= previous_day(period.end) else "under_way"
    return PERIOD.of(word, period.label())


def is_whole(period: Period, through: date | None) -> bool:
    """Tell whether a period is whole: what may stand beside another whole one."""
    return standing(period, through).value == "whole"
