"""The figures of a calendar year: what it costs, what is budgeted for it, and why it costs something else than the one before."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

from billing.figures.figure import Figure, Meaning, means
from contracts.terms.period import Period

# Where a cost is booked nowhere.
NOWHERE: Final = "none"

YEAR: Final = Meaning(
    "year",
    ("year",),
    "amount",
    sign="positive: to pay",
    cut_off="the first month that is not counted",
    readers="everybody",
    nb="Det et kalenderår koster: det som er talt, prognosen for resten og det som er bundet, uten mva.",
    en="What a calendar year costs: what is counted, the forecast of the rest and what is committed, excluding VAT.",
)


@means(YEAR)
def year(whole: Period, cost: Decimal, scope: str | None = None) -> Figure:
    """Give what a year costs, used and expected; ``scope`` is the trust that it is told of alone."""
    return YEAR.of(cost, whole.label(), *(() if scope is None else (scope,)))


BUDGET: Final = Meaning(
    "budget",
    ("cost-centre", "year", "period"),
    "amount",
    sign="never negative",
    cut_off="the revision that stands",
    readers="everybody",
    nb="Budsjettet til et koststed for en måned eller hele året; tomt der ingenting er budsjettert.",
    en="The budget of a cost centre for a month or the whole year; empty where nothing is budgeted.",
)


@means(BUDGET)
def budget(trust: str, cost_centre: str | None, whole: Period, month: date | None, amount: Decimal | None) -> Figure:
    """Give the budget of a cost centre for a month of a year, or for the year where no month is named."""
    period = whole if month is None else Period.month(month)
    return BUDGET.of(amount, f"{trust}/{plain(cost_centre or NOWHERE)}", whole.label(), period.label())


def plain(code: str) -> str:
    """Write a code of somebody else's as a part of an id: letters and digits stay, all else as its number.

    >>> plain("47 11")
    '47.20.11'
    """
    return "".join(each if each.isascii() and each.isalnum() else f".{ord(each):x}." for each in code)


CHANGE: Final = Meaning(
    "change",
    ("before", "after"),
    "amount",
    sign="above zero: the later one costs more",
    cut_off="the day after the last count",
    readers="everybody",
    nb="Hvor mye mer et år koster enn et annet; summen av årsakene, på øret.",
    en="How much more one year costs than another; the sum of the reasons, to the øre.",
)


@means(CHANGE)
def change(before: Period, after: Period, amount: Decimal, scope: str | None = None) -> Figure:
    """Give how much more ``after`` costs than ``before``, with nothing assumed; ``scope`` is the trust that it is told of."""
    return CHANGE.of(amount, before.label(), after.label(), *(() if scope is None else (scope,)))
