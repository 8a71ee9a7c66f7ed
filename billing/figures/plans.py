"""The figures of planned activations and their cases: what they cost, whether the budget holds them, live, and what they gain."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final, Literal

from billing.figures.figure import Figure, Meaning, means
from contracts.terms.cost_figures import ToldFigures
from contracts.terms.workflow import Cover

Part = Literal["own", "others", "whole"]


def plan_key(trust: str, algorithm: str, starts_on: date, monthly_quantity: int, as_of: date) -> str:
    """Name a plan that is not frozen: what is planned, and the cut-off at which it is rated."""
    return f"{trust}/{algorithm}/{starts_on.isoformat()}/{monthly_quantity}/{as_of.isoformat()}"


def case_key(case: str) -> str:
    """Name a case, and its plan as it was frozen.

    >>> case_key("activation:31")
    'activation-31'
    """
    return case.replace(":", "-")


PLAN: Final = Meaning(
    "plan",
    ("plan", "part"),
    "amount",
    sign="above zero: it costs more with the plan",
    cut_off="the plan's own: the first day that was not counted; a case's when it was submitted",
    readers="everybody",
    nb="Hva en planlagt aktivering koster til avtalens slutt: beregnet med og uten den, for eget helseforetak, de andre og i alt.",
    en="What a planned activation costs to the agreement's end: rated with it and without it, own trust, the others and in all.",
)


@means(PLAN)
def plan(key: str, part: Part, own: Decimal, others: Decimal | None, partial_to: str | None = None) -> Figure:
    """Give a part of what a plan costs; the whole is the own and the others' together, None where the others' is not told.

    ``partial_to`` is the trust whose readers are told a part of the others' alone: what they read is a figure of its own.
    """
    if part == "own":
        return PLAN.of(own, key, part)
    told = others if others is None or part == "others" else own + others
    return PLAN.of(told, key, part, *(() if partial_to is None else (partial_to,)))


def told_plan(key: str, part: Part, figures: ToldFigures) -> Figure:
    """Give a part of a plan's cost from its figures, as its reader is told them."""
    return plan(key, part, figures.own, figures.others, figures.partial_to)


COVER: Final = Meaning(
    "cover",
    ("plan", "year"),
    "amount",
    sign="below zero: the budget does not hold it",
    cut_off="the budget page's",
    readers="everybody",
    nb="Hva som er igjen av kostnadsstedets budsjett for året etter det som er brukt, ventet og bundet, og etter planen.",
    en="What is left of the cost centre's budget for the year after what is used, forecast and committed, and after the plan.",
)


@means(COVER)
def cover(key: str, held: Cover) -> Figure:
    """Give what a plan leaves of a year's budget."""
    return COVER.of(held.left, key, str(held.year))


LIVE: Final = Meaning(
    "live",
    ("case",),
    "word",
    sign="the state that has come: live from the go-live day on, before it validating",
    cut_off="today",
    readers="everybody",
    nb="Tilstanden en sak har i dag: i drift fra og med første dag i drift, planlagt før den.",
    en="The state of a case today: in operation from its first day on, planned before it.",
)


@means(LIVE)
def live(key: str, standing: str) -> Figure:
    """Give the state that a case has come to today."""
    return LIVE.of(standing, key)


GAIN: Final = Meaning(
    "gain",
    ("case",),
    "amount",
    sign="above zero: the gains of a year are more than its cost",
    cut_off="the case's: as known when it was submitted, else now",
    readers="everybody",
    nb="Gevinstene av et helt ordinært år etter innfasingen, mindre det året koster.",
    en="The gains of a whole ordinary year after the ramp-up, less what that year costs.",
)


@means(GAIN)
def gain(key: str, net_per_year: Decimal | None, scope: str | None = None) -> Figure:
    """Give a case's net gain per year; not known where a gain or the cost is not.

    Within one trust (``scope``) it is a figure of its own: the cost has of the others' part only what may be told.
    """
    return GAIN.of(net_per_year, key, *(() if scope is None else (scope,)))
