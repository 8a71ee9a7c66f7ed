"""The figures of the maximum value: what is committed, what is left of it, and when it is used up."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final, Literal

from billing.figures.figure import Figure, Meaning, means

Likelihood = Literal["p10", "p50", "p90"]

COMMITTED: Final = Meaning(
    "committed",
    (),
    "amount",
    sign="above zero: it uses the maximum value",
    cut_off="the ledger's: what was posted last",
    readers="all trusts",
    nb="Det som er bundet til avtalens slutt: det som er i drift som ventet, manglende tellinger også, og det godkjente som planlagt.",
    en="What is bound to the agreement's end: what runs as forecast, counts that lack too, and what is approved as planned.",
)


@means(COMMITTED)
def committed(amount: Decimal) -> Figure:
    """Give what is committed."""
    return COMMITTED.of(amount)


HEADROOM: Final = Meaning(
    "headroom",
    (),
    "amount",
    sign="below zero: more is bound than the maximum value",
    cut_off="the ledger's: what was posted last",
    readers="all trusts",
    nb="Det som er igjen av maksimalverdien etter det som er overtatt, fakturert, påløpt, bundet og satt av til det som venter på godkjenning.",
    en="What is left of the maximum value after what is taken over, invoiced, accrued, committed and reserved for what waits for approval.",
)


@means(HEADROOM)
def headroom(left: Decimal | None) -> Figure:
    """Give what is left; not known where no maximum value is."""
    return HEADROOM.of(left)


EXHAUSTION: Final = Meaning(
    "exhaustion",
    ("likelihood",),
    "day",
    sign="a day",
    cut_off="the first month that is simulated: after the counts",
    readers="all trusts",
    nb="Dagen maksimalverdien er brukt opp: innen den i 1 (p10), 5 (p50) og 9 (p90) av 10 simuleringer; tom der den ikke blir brukt opp.",
    en="The day on which the maximum value is used up: by it in 1 (p10), 5 (p50) and 9 (p90) of 10 simulations; empty where it is not.",
)


@means(EXHAUSTION)
def exhaustion(likelihood: Likelihood, day: date | None) -> Figure:
    """Give the day by which the maximum value is used up with a likelihood; None where it is not before the agreement ends."""
    return EXHAUSTION.of(day, likelihood)
