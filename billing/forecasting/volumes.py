"""The volumes a simulation starts from: what is known, and the forecast of every activation by month."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from billing.forecasting.daily_rates import DailyRates, Plan, expected_volumes
from billing.forecasting.simulate import Cell, VolumePlan
from contracts.terms.period import Period
from contracts.terms.price_book import Activation, AgreementTerm, Usage


def volume_plan(
    term: AgreementTerm,
    known: Iterable[Usage],
    rates: DailyRates | None,
    activations: Iterable[Activation],
    plans: Iterable[Plan],
    period: Period,
    annual_growth: Decimal = Decimal(0),
) -> VolumePlan:
    """Plan the volumes of `period`: running activations at their rates per working day, planned ones by their plans.

    What falls after the agreement's end is left out. A month of one trust and algorithm is one cell, also where one
    activation of it follows another; `known` is taken as it is.
    """
    within = period.overlap(term.period)
    gathered: dict[tuple[str, str, date], tuple[Decimal, set[date]]] = {}
    for activation, volume, days in (
        expected_volumes(rates, activations, plans, within, annual_growth) if within is not None else ()
    ):
        key = (activation.trust, activation.algorithm, days[0].replace(day=1))
        so_far, own = gathered.setdefault(key, (Decimal(0), set()))
        gathered[key] = (so_far + volume, own | set(days))
    cells = tuple(
        Cell(trust, algorithm, tuple(sorted(days)), volume)
        for (trust, algorithm, _), (volume, days) in gathered.items()
    )
    return VolumePlan((within or period).start.replace(day=1), tuple(known), cells)


def given_plan(start: date, known: Iterable[Usage], given: Iterable[Usage]) -> VolumePlan:
    """Plan explicit quantities: nothing is forecast and the volumes have no spread."""
    return VolumePlan(start.replace(day=1), (*known, *given))
