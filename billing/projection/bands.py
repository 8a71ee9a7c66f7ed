"""Bands of cost as forecasts said them, and how often what came lay inside: what a band is worth.

A band holds eight of ten draws of what the first month, the first three months and the rest of the calendar year cost, of all
trusts and of each. It is frozen with its forecast and held against what the same activations cost when the counts are in. What
was activated later is a decision and no error of the forecast: it is told beside, not in the record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, Literal, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.charges.basis import Terms, gather
from billing.forecasting.simulate import Fan
from billing.models import ForecastVintage
from billing.projection.bound import cut_off
from billing.projection.months import ExpectedCourse
from billing.projection.projection import Scenario
from billing.projection.simulation import prepared
from contracts.models.base import recorded_by_then
from contracts.terms.money import format_amount, kroner
from contracts.terms.period import Period, add_months

Horizon = Literal["month", "quarter", "year_end"]
HORIZONS: Final[tuple[Horizon, ...]] = get_args(Horizon)
DRAWS: Final = 500
# With fewer outcomes a share says nothing: of five that lie inside eight of ten times, all do in one case of three.
ENOUGH: Final = 8


@dataclass(frozen=True, slots=True)
class Band:
    """What a forecast said that a period would cost: the tenth and the ninetieth percentile, and what it came to (None: not yet)."""

    horizon: Horizon
    period: Period
    low: Decimal
    high: Decimal
    came: Decimal | None

    @property
    def inside(self) -> bool | None:
        """Tell whether what came lies within, None where it has not come."""
        return None if self.came is None else self.low <= self.came <= self.high


@dataclass(frozen=True, slots=True)
class HorizonRecord:
    """How many of the forecasts that the truth has come for held it within their band of eight in ten."""

    horizon: Horizon
    inside: int
    of: int

    @property
    def share(self) -> Decimal | None:
        """Give the share inside, with four decimals; None where nothing has come."""
        return (Decimal(self.inside) / self.of).quantize(Decimal("0.0001"), ROUND_HALF_UP) if self.of else None

    @property
    def enough(self) -> bool:
        """Tell whether there are outcomes enough to say what a band is worth."""
        return self.of >= ENOUGH


def horizon_period(horizon: Horizon, first: date, end: date) -> Period | None:
    """Give the months of a horizon from a forecast's first month on, to the agreement's end at most; None where it is over."""
    until = {"month": add_months(first, 1), "quarter": add_months(first, 3), "year_end": date(first.year + 1, 1, 1)}
    last = min(until[horizon], end)
    return Period(first, last) if last > first and last.day == 1 else None


def said(course: ExpectedCourse, first: date) -> dict[str, list[list[str]]]:
    """Write the bands from a month on and the activations they are of, as a forecast is frozen."""
    terms = course.terms
    written = []
    for horizon in HORIZONS:
        period = horizon_period(horizon, first, terms.agreement.term.end)
        if period is None:
            continue
        scenario = Scenario(period, course.as_of, noise=None, draws=DRAWS)
        simulation = prepared(terms, terms, scenario, course.committed).run(period)
        fans = {"": simulation.total()}
        fans |= {trust: Fan.of(own.draws) for trust, own in simulation.trusts.items() if trust is not None}
        for trust, fan in sorted(fans.items()):
            ends = (f"{period.start:%Y-%m}", f"{add_months(period.end, -1):%Y-%m}")
            written.append([horizon, trust, *ends, format_amount(fan.p10), format_amount(fan.p90)])
    pairs = {
        (row.trust, row.algorithm)
        for row in terms.activations
        if row.go_live < course.as_of and (row.end is None or row.end > course.as_of)
    }
    pairs |= {(plan.activation.trust, plan.activation.algorithm) for plan in course.committed}
    return {"bands": written, "activations": [list(pair) for pair in sorted(pairs)]}


class Outcomes:
    """What came of frozen forecasts: the cost by month of the activations that each was of, up to the first month not counted whole."""

    def __init__(self, terms: Terms, opened: date, scope: str | None) -> None:
        self.scope = scope
        self._terms = terms
        self._open = opened
        self._rated: dict[frozenset[tuple[str, str]] | None, dict[date, int]] = {}

    def by_month(self, forecast: Mapping[str, Any]) -> dict[date, int]:
        """Give what the months cost of what the forecast was of, in øre; of everything where it does not say."""
        listed = forecast.get("activations")
        pairs = None if listed is None else frozenset((trust, algorithm) for trust, algorithm in listed)
        if pairs not in self._rated:
            self._rated[pairs] = self._rate(pairs)
        return self._rated[pairs]

    def bands(self, forecast: Mapping[str, Any]) -> tuple[Band, ...]:
        """Give the bands of a forecast for the reader, with what came."""
        found = []
        for horizon, trust, first, last, low, high in forecast.get("bands", ()):
            if trust != (self.scope or ""):
                continue
            period = Period(Period.parse(first).start, Period.parse(last).end)
            came = None
            if period.end <= self._open:
                costs = self.by_month(forecast)
                came = kroner(sum(costs.get(month.start, 0) for month in period.months()))
            found.append(Band(horizon, period, Decimal(low), Decimal(high), came))
        return tuple(found)

    def _rate(self, pairs: frozenset[tuple[str, str]] | None) -> dict[date, int]:
        terms = self._terms
        if pairs is not None:
            terms = replace(
                terms, activations=tuple(row for row in terms.activations if (row.trust, row.algorithm) in pairs)
            )
        costs: dict[date, int] = defaultdict(int)
        start = terms.agreement.term.start
        for line in terms.rate(Period(start, self._open)).lines if self._open > start else ():
            if self.scope in (None, line.trust):
                costs[line.period.start.replace(day=1)] += line.net_ore
        return dict(costs)


def record_of(bands: Iterable[tuple[Band, ...]]) -> tuple[HorizonRecord, ...]:
    """Count, for each horizon, the periods that have come and those of them inside; a period told twice counts once."""
    seen: dict[tuple[Horizon, Period], bool] = {}
    for told in bands:
        for band in told:
            if band.inside is not None:
                seen.setdefault((band.horizon, band.period), band.inside)
    return tuple(
        HorizonRecord(horizon, sum(within), len(within))
        for horizon in HORIZONS
        for within in [[inside for (each, _), inside in seen.items() if each == horizon]]
    )


def band_record(
    session: Session, *, agreement_id: int, today: date, scope: str | None, known_at: datetime | None = None
) -> tuple[HorizonRecord, ...]:
    """Give what the bands of an agreement's frozen forecasts have been worth, of all trusts or of one, as known."""
    query = select(ForecastVintage).where(ForecastVintage.agreement_id == agreement_id)
    rows = session.scalars(recorded_by_then(query, ForecastVintage, known_at).order_by(ForecastVintage.id)).all()
    if not rows:
        return record_of(())
    terms = gather(session, agreement_id=agreement_id, known_at=known_at)
    counted = terms.data_until
    opened = terms.agreement.term.start if counted is None else cut_off(counted, today).replace(day=1)
    outcomes = Outcomes(terms, opened, scope)
    return record_of(outcomes.bands(row.forecast) for row in rows)
