"""The example's budgets: approved each November for the year after it, and one of them revised when a trust began with more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from contracts.options import funding
from contracts.people.access import Actor

Happening = tuple[datetime, Callable[[datetime], object]]

_OSLO: Final = ZoneInfo("Europe/Oslo")
_THOUSAND: Final = Decimal("1000.00")
# By trust and cost centre: thousands of kroner for 2025, 2026 and 2027.
BUDGETS: Final[dict[tuple[str, str], tuple[int, int, int]]] = {
    ("akershus", "4450"): (600, 1200, 1350),
    ("nord-norge", "4490"): (0, 150, 400),
    ("oslo", "4480"): (0, 450, 850),
    ("sykehuset-i-vestfold", "4420"): (300, 500, 600),
    ("sykehuset-innlandet", "4460"): (100, 520, 600),
    ("sykehuset-ostfold", "4440"): (200, 470, 620),
    ("vestre-viken", "4410"): (1450, 1250, 1150),
    ("vestre-viken", "5210"): (0, 400, 380),
}
# Oslo began in spring: its budget rises through the year, in thousands.
OSLO_2026: Final = (20, 20, 20, 25, 30, 35, 30, 40, 50, 60, 60, 60)
_APPROVED: Final = {2025: date(2024, 11, 19), 2026: date(2025, 11, 18), 2027: date(2026, 9, 29)}
_REVISED_ON: Final = date(2026, 6, 16)


def example_budgets(session: Session, controller: Actor) -> Iterator[Happening]:
    """Give the approvals of budgets, each with its instant."""
    for place, year in enumerate(_APPROVED):
        for (trust, cost_centre), thousands in BUDGETS.items():
            if thousands[place]:
                months = OSLO_2026 if (trust, year) == ("oslo", 2026) else None
                yield _approved(
                    session, controller, trust, cost_centre, year, thousands[place], _APPROVED[year], months
                )
    yield _approved(session, controller, "nord-norge", "4490", 2026, 200, _REVISED_ON)


def _approved(
    session: Session,
    controller: Actor,
    trust: str,
    cost_centre: str,
    year: int,
    thousands: int,
    on: date,
    months: tuple[int, ...] | None = None,
) -> Happening:
    record = partial(
        funding.set_budget,
        session,
        trust=trust,
        cost_centre=cost_centre,
        year=year,
        amount=thousands * _THOUSAND,
        approved_on=on,
        reference=f"Styresak {on:%d/%Y} (eksempel)",
        actor=controller,
        months=None if months is None else [part * _THOUSAND for part in months],
    )
    return datetime.combine(on, time(12), tzinfo=_OSLO), lambda now: record(now=now)
