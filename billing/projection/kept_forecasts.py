"""Forecasts kept as they were made, and scored when the truth has come.

A vintage holds, for the twelve months after the last whole month of counts, each running activation's expected volume with the
interval in which eight of ten months should fall, what the months cost by trust, those of its own calendar year that were
over included, and the bands of that cost (`bands`). It is frozen when a quarter is closed and once a month, once for each first month and kind, and never changes.

Scores: WAPE is the sum of absolute errors over the sum of actuals, over the series and months that the vintage forecast and
that are counted since; coverage the share of those months whose count lies within the interval; the cost error is forecast less
actual over actual, of those months and of the activations that it was of. What was activated later is told beside it.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from math import isfinite
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.charges.basis import Terms
from billing.forecasting.counts import monthly_counts
from billing.forecasting.daily_rates import daily_rates, expected_volumes
from billing.forecasting.methods import AHEAD, forecast_counts
from billing.models import ForecastVintage
from billing.projection.bands import Band, HorizonRecord, Outcomes, record_of, said
from billing.projection.months import ExpectedCourse, expected_course
from billing.quarters import closing as quarters
from contracts import agreements, audit
from contracts.agreements import AgreementSummary, readable_trust
from contracts.errors import NotFound
from contracts.models.base import recorded_by_then
from contracts.people.access import Actor
from contracts.terms.money import format_amount, kroner
from contracts.terms.period import Period, add_months
from contracts.terms.price_book import Activation

Kind = Literal["quarter_close", "month", "by_hand"]
METHOD: Final = "level by working days, season shared by kind, fading trend"
_TENTH: Final = Decimal("0.1")
_SHARE: Final = Decimal("0.0001")

Series = tuple[str, str]


@dataclass(frozen=True, slots=True)
class MonthScore:
    """A month of a vintage: the forecast volumes, summed, and the cost of what it was of; None where not counted yet.

    ``later_cost`` is what came to the month's cost by what was activated later.
    """

    month: Period
    expected: Decimal
    counted: int | None
    cost: Decimal
    actual_cost: Decimal | None
    later_cost: Decimal | None


@dataclass(frozen=True, slots=True)
class ScoredVintage:
    """A vintage as it was frozen, held against what is known; shares have four decimals, None where nothing is counted yet.

    ``scored`` is the number of its months that are counted; ``year_cost`` what it said that its calendar year would cost.
    """

    id: int
    kind: Kind
    first_month: Period
    made_on: date
    data_until: date
    sha256: str
    scored: int
    wape: Decimal | None
    coverage: Decimal | None
    cost_error: Decimal | None
    later_cost: Decimal
    year_cost: Decimal
    bands: tuple[Band, ...]
    months: tuple[MonthScore, ...]


@dataclass(frozen=True, slots=True)
class Vintages:
    """The vintages of an agreement, newest first, for one reader, and what their bands of cost have been worth."""

    agreement: AgreementSummary
    scope: str | None
    data_until: date | None
    listed: tuple[ScoredVintage, ...]
    record: tuple[HorizonRecord, ...]


def register() -> None:
    """Freeze a forecast with every closing of a quarter."""
    quarters.when_closed(_at_close)


def freeze(
    session: Session, *, agreement_id: int, kind: Kind, recorded_by: str, now: datetime, today: date
) -> ForecastVintage | None:
    """Freeze the forecast from the last counts on; None where there are no counts, nothing runs, or it is frozen already."""
    start = agreements.agreement_summary(session, agreement_id).term.start
    course = expected_course(
        session, agreement_id=agreement_id, period=Period(start, add_months(today.replace(day=1), 36)), today=today
    )
    if course.data_until is None:
        return None
    first = course.as_of if course.as_of.day == 1 else course.as_of.replace(day=1)
    there = select(ForecastVintage.id).where(
        ForecastVintage.agreement_id == agreement_id,
        ForecastVintage.first_month == first,
        ForecastVintage.kind == kind,
    )
    if session.scalar(there) is not None:
        return None
    volumes = _volumes(course, first)
    if not volumes:
        return None
    forecast = {"volumes": volumes, "costs": _costs(course, first), **said(course, first)}
    row = ForecastVintage(
        agreement_id=agreement_id,
        kind=kind,
        first_month=first,
        made_on=today,
        data_until=course.data_until,
        method=METHOD,
        forecast=forecast,
        sha256=hashlib.sha256(json.dumps(forecast, sort_keys=True, separators=(",", ":")).encode()).hexdigest(),
        recorded_at=now,
        recorded_by=recorded_by,
    )
    session.add(row)
    session.flush()
    audit.record(
        session,
        "forecast.freeze",
        f"agreement:{course.terms.agreement.code}",
        {"kind": kind, "first_month": f"{first:%Y-%m}", "sha256": row.sha256},
        recorded_by,
        now,
    )
    return row


def vintages(
    session: Session,
    *,
    agreement_id: int,
    actor: Actor,
    today: date,
    trust: str | None = None,
    known_at: datetime | None = None,
) -> Vintages:
    """Hold every vintage against what is known; a reader within one trust is told that trust's part of it."""
    scope = readable_trust(session, agreement_id, actor, trust)
    query = select(ForecastVintage).where(ForecastVintage.agreement_id == agreement_id)
    rows = session.scalars(
        recorded_by_then(query, ForecastVintage, known_at).order_by(
            ForecastVintage.first_month.desc(), ForecastVintage.id.desc()
        )
    ).all()
    summary = agreements.agreement_summary(session, agreement_id, known_at)
    period = Period(summary.term.start, max(add_months(today.replace(day=1), 1), add_months(summary.term.start, 1)))
    course = expected_course(session, agreement_id=agreement_id, period=period, today=today, known_at=known_at)
    truth = _Truth(course, scope)
    listed = tuple(truth.score(row) for row in rows)
    record = record_of(each.bands for each in reversed(listed))
    return Vintages(summary, scope, course.data_until, listed, record)


def find_vintage(found: Vintages, vintage_id: int) -> ScoredVintage:
    """Find one of the vintages; raises `NotFound`."""
    for each in found.listed:
        if each.id == vintage_id:
            return each
    raise NotFound(f"there is no forecast {vintage_id}")


@dataclass(frozen=True, slots=True)
class YearForecast:
    """What a calendar year was expected to cost, as it was said on a day."""

    made_on: date
    data_until: date
    kind: Kind
    cost: Decimal


def year_forecasts(
    session: Session, *, agreement_id: int, year: int, scope: str | None, known_at: datetime | None = None
) -> tuple[YearForecast, ...]:
    """List what was said of a year in the course of it, oldest first; of one trust, or of all (``scope`` None)."""
    query = select(ForecastVintage).where(
        ForecastVintage.agreement_id == agreement_id,
        ForecastVintage.first_month.between(date(year, 1, 1), date(year, 12, 31)),
    )
    rows = session.scalars(
        recorded_by_then(query, ForecastVintage, known_at).order_by(ForecastVintage.first_month, ForecastVintage.id)
    )
    return tuple(
        YearForecast(
            row.made_on,
            row.data_until,
            row.kind,  # type: ignore[arg-type]  # the table's check keeps other words out
            sum(
                (
                    Decimal(amount)
                    for trust, label, amount, key in row.forecast["costs"]
                    if (scope is None or (scope == trust and key == "own")) and label.startswith(f"{year}-")
                ),
                Decimal(0),
            ),
        )
        for row in rows
    )


class _Truth:
    """What came: counts by series and month, costs by month, up to the first month that is not counted whole."""

    def __init__(self, course: ExpectedCourse, scope: str | None) -> None:
        self.scope = scope
        self.open = course.as_of.replace(day=1) if course.data_until is not None else date.min
        self.counts = _counted(course.terms)
        self.costs: dict[date, int] = defaultdict(int)
        for each in course.months:
            if each.within(scope):
                self.costs[each.month] += each.actual_ore
        self.outcomes = Outcomes(course.terms, self.open, scope)

    def score(self, row: ForecastVintage) -> ScoredVintage:
        expected: dict[date, Decimal] = defaultdict(Decimal)
        counted: dict[date, int] = defaultdict(int)
        errors, inside, cells = Decimal(0), 0, 0
        for trust, algorithm, label, middle, low, high in row.forecast["volumes"]:
            month = Period.parse(label).start
            if self.scope not in (None, trust):
                continue
            expected[month] += Decimal(middle)
            if month < self.open:
                seen = self.counts.get((trust, algorithm), {}).get(month, 0)
                counted[month] += seen
                errors += abs(Decimal(middle) - seen)
                inside += Decimal(low) <= seen <= Decimal(high)
                cells += 1
        costs: dict[date, Decimal] = defaultdict(Decimal)
        for trust, label, amount, key in row.forecast["costs"]:
            if self.scope is None or (self.scope == trust and key == "own"):
                costs[Period.parse(label).start] += Decimal(amount)
        came = self.outcomes.by_month(row.forecast) if row.first_month < self.open else {}
        months = tuple(
            MonthScore(
                Period.month(month),
                expected[month],
                counted[month] if month < self.open else None,
                costs[month],
                kroner(came.get(month, 0)) if month < self.open else None,
                kroner(self.costs[month] - came.get(month, 0)) if month < self.open else None,
            )
            for month in sorted(expected)
        )
        known = [each for each in months if each.counted is not None]
        total = sum(each.counted or 0 for each in known)
        actual = sum((each.actual_cost or Decimal(0) for each in known), Decimal(0))
        foreseen = sum((each.cost for each in known), Decimal(0))
        return ScoredVintage(
            id=row.id,
            kind=row.kind,  # type: ignore[arg-type]  # the table's check keeps other words out
            first_month=Period.month(row.first_month),
            made_on=row.made_on,
            data_until=row.data_until,
            sha256=row.sha256,
            scored=len(known),
            wape=_share(errors, Decimal(total)),
            coverage=_share(Decimal(inside), Decimal(cells)),
            cost_error=_share(foreseen - actual, actual),
            later_cost=sum((each.later_cost or Decimal(0) for each in known), Decimal(0)),
            bands=self.outcomes.bands(row.forecast),
            year_cost=sum((cost for month, cost in costs.items() if month.year == row.first_month.year), Decimal(0)),
            months=months,
        )


def _share(part: Decimal, whole: Decimal) -> Decimal | None:
    return (part / whole).quantize(_SHARE, ROUND_HALF_UP) if whole else None


def _at_close(session: Session, agreement_id: int, actor: Actor, now: datetime, today: date) -> None:
    freeze(session, agreement_id=agreement_id, kind="quarter_close", recorded_by=actor.id, now=now, today=today)


def _costs(course: ExpectedCourse, first: date) -> list[list[str]]:
    sums: dict[tuple[str, date, str], int] = defaultdict(int)
    for each in course.months:
        if date(first.year, 1, 1) <= each.month < add_months(first, AHEAD):
            key = "shared" if each.shared else "own"
            sums[each.trust, each.month, key] += each.actual_ore + each.forecast_ore + each.committed_ore
    return [
        [trust, f"{month:%Y-%m}", format_amount(kroner(amount)), key]
        for (trust, month, key), amount in sorted(sums.items())
    ]


def _volumes(course: ExpectedCourse, first: date) -> list[list[str]]:
    """Give each series' months ahead: expected, and the tenth and ninetieth percentile, in tenths of an examination."""
    terms = course.terms
    running = [row.to_term() for row in terms.activations]
    rates = daily_rates(terms.usage, running, course.as_of)
    ahead = Period(first, add_months(first, AHEAD)).overlap(terms.agreement.term.period)
    if ahead is None:
        return []
    expected: dict[tuple[Series, date], Decimal] = defaultdict(Decimal)
    for activation, volume, days in expected_volumes(rates, running, (), ahead, Decimal(0)):
        expected[(activation.trust, activation.algorithm), days[0].replace(day=1)] += volume
    wide = _intervals(terms, running, first)
    told = []
    for (series, month), volume in sorted(expected.items()):
        step = (month.year - first.year) * 12 + month.month - first.month
        low, high = wide[series][step] if series in wide else (Decimal(0), Decimal(2))
        told.append([*series, f"{month:%Y-%m}", *(str(_tenths(volume * part)) for part in (Decimal(1), low, high))])
    return told


def _tenths(value: Decimal) -> Decimal:
    return value.quantize(_TENTH, ROUND_HALF_UP)


def _intervals(terms: Terms, running: list[Activation], first: date) -> dict[Series, list[tuple[Decimal, Decimal]]]:
    """Give by how much actual counts may be off the forecast, as shares of it, by months ahead."""
    counts = monthly_counts(terms.usage, running, first)
    if not counts.months:
        return {}
    made = forecast_counts(counts)
    middle = made.expected.clip(min=1e-9)
    return {
        series: [(_four_decimals(low), _four_decimals(high)) for low, high in zip(*shares, strict=True)]
        for series, *shares in zip(
            zip(counts.trusts, counts.kinds, strict=True),
            (made.low / middle).tolist(),
            (made.high / middle).tolist(),
            strict=True,
        )
        if isfinite(shares[0][0])
    }


def _four_decimals(share: float) -> Decimal:
    return Decimal(repr(round(share, 4)))


def _counted(terms: Terms) -> dict[Series, dict[date, int]]:
    counts: dict[Series, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for entry in terms.usage:
        counts[entry.trust, entry.algorithm][entry.on.replace(day=1)] += entry.quantity
    return counts
