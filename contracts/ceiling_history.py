"""How the use of the maximum value came about: what stood when, which levels it passed, when an overrun became known.

The ledger and the forecasts posted beside it are never overwritten, so the course is replayed from them: the amounts stand as
they stood after each instant at which something was posted, against the maximum value that was known then. All amounts exclude
VAT.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts import deadlines
from contracts.clock import OSLO
from contracts.models import AgreementTerms, CeilingEntry, CeilingForecast
from contracts.models.base import recorded_by_then
from contracts.terms.deadline import CENTRAL, Deadline

# Percentages of the maximum value that are told when they are passed.
LEVELS: Final = (70, 85, 95, 100)
SPENT: Final = frozenset({"opening", "invoiced", "accrued"})
_ZERO: Final = Decimal(0)

Figure = Literal["used", "forecast"]


@dataclass(frozen=True, slots=True)
class Days:
    """The days by which 10, 50 and 90 % of draws reach a level (None: not before the end), and the share that never does."""

    p10: date | None
    p50: date | None
    p90: date | None
    never: Decimal


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What was foreseen at an instant: the whole cost up to ``until``, and the days of each level not spent by then."""

    first_month: date
    until: date
    spent: Decimal
    p10: Decimal
    p50: Decimal
    p90: Decimal
    levels: Mapping[int, Days]
    known_at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Posted:
    """One entry of the ledger: what a source knew from ``known_at`` on, and what it had known ``before``."""

    id: int
    kind: str
    source: str
    amount: Decimal
    before: Decimal
    known_at: datetime
    by: str

    @property
    def change(self) -> Decimal:
        """Give what the entry changed."""
        return self.amount - self.before


@dataclass(frozen=True, slots=True)
class Stood:
    """What stood after an instant; ``cause`` is the entry that raised the figure most then (None: terms or a forecast did)."""

    at: datetime
    maximum: Decimal | None
    spent: Decimal
    used: Decimal
    forecast: Decimal | None
    cause: Posted | None


@dataclass(frozen=True, slots=True)
class Passed:
    """The first instant at which a figure stood at ``level`` per cent of the maximum value known then, or beyond it."""

    figure: Figure
    level: int
    at: datetime
    amount: Decimal
    maximum: Decimal
    cause: Posted | None


def entries(session: Session, agreement_id: int, known_at: datetime | None = None) -> list[Posted]:
    """List the ledger's entries in the order in which they became known, each with what its source had known before."""
    query = select(CeilingEntry).where(CeilingEntry.agreement_id == agreement_id)
    rows = session.scalars(recorded_by_then(query, CeilingEntry, known_at))
    before: dict[tuple[str, str], Decimal] = {}
    listed = []
    for row in sorted(rows, key=lambda row: (row.recorded_at, row.id)):
        place = (row.kind, row.source)
        listed.append(
            Posted(
                row.id,
                row.kind,
                row.source,
                row.amount,
                before.get(place, _ZERO),
                row.recorded_at,
                row.recorded_by,
            )
        )
        before[place] = row.amount
    return listed


def post_forecast(
    session: Session,
    *,
    agreement_id: int,
    first_month: date,
    until: date,
    spent: Decimal,
    p10: Decimal,
    p50: Decimal,
    p90: Decimal,
    levels: Mapping[int, Days],
    recorded_by: str,
    now: datetime,
) -> bool:
    """Keep what is foreseen now; the same as the newest writes nothing. Tell whether it was written.

    The caller holds the agreement's lock.
    """
    told: dict[str, Any] = {
        "first_month": first_month,
        "until_on": until,
        "spent": spent,
        "p10": p10,
        "p50": p50,
        "p90": p90,
        "levels": {str(level): _written(days) for level, days in levels.items()},
    }
    newest = _newest(session, agreement_id, None)
    if newest is not None and told == {name: getattr(newest, name) for name in told}:
        return False
    session.add(CeilingForecast(agreement_id=agreement_id, recorded_at=now, recorded_by=recorded_by, **told))
    session.flush()
    return True


def foreseen(session: Session, agreement_id: int, known_at: datetime | None = None) -> Foreseen | None:
    """Give what was foreseen as known at ``known_at`` (``None``: now), None where nothing was posted yet."""
    row = _newest(session, agreement_id, known_at)
    return None if row is None else _foreseen(row)


def course(session: Session, agreement_id: int, known_at: datetime | None = None) -> Iterator[Stood]:
    """Replay what stood after each instant at which an entry, a forecast or other terms became known, in order."""
    posted = entries(session, agreement_id, known_at)
    forecasts = session.scalars(
        recorded_by_then(
            select(CeilingForecast).where(CeilingForecast.agreement_id == agreement_id), CeilingForecast, known_at
        )
    )
    terms = session.scalars(
        recorded_by_then(
            select(AgreementTerms).where(AgreementTerms.agreement_id == agreement_id), AgreementTerms, known_at
        )
    )
    happened: dict[datetime, list[Posted | CeilingForecast | AgreementTerms]] = {}
    for one in (*terms, *posted, *forecasts):
        happened.setdefault(one.known_at if isinstance(one, Posted) else one.recorded_at, []).append(one)
    maximum: Decimal | None = None
    forecast: Decimal | None = None
    sums: dict[str, Decimal] = {}
    for at, things in sorted(happened.items(), key=lambda each: each[0]):
        causes = []
        for one in things:
            if isinstance(one, Posted):
                sums[one.kind] = sums.get(one.kind, _ZERO) + one.change
                causes.append(one)
            elif isinstance(one, CeilingForecast):
                forecast = one.p50
            else:
                maximum = one.maximum_value
        raised = max(causes, key=lambda one: (one.change, one.id), default=None)
        yield Stood(
            at,
            maximum,
            sum((sums.get(kind, _ZERO) for kind in SPENT), _ZERO),
            sum(sums.values(), _ZERO),
            forecast,
            raised if raised is not None and raised.change > 0 else None,
        )


def passed(session: Session, agreement_id: int, known_at: datetime | None = None) -> list[Passed]:
    """List the first instant at which what is used, and the forecast's P50, reached each level of the maximum value.

    A level that a later maximum value or credit took the figure below again is in the list all the same: it was known then.
    """
    found: dict[tuple[Figure, int], Passed] = {}
    for stood in course(session, agreement_id, known_at):
        for figure, amount in _figures(stood):
            for level in LEVELS:
                if (
                    stood.maximum is not None
                    and (figure, level) not in found
                    and _reaches(amount, level, stood.maximum)
                ):
                    cause = stood.cause if figure == "used" else None
                    found[figure, level] = Passed(figure, level, stood.at, amount, stood.maximum, cause)
    return sorted(found.values(), key=lambda one: (one.figure != "used", one.level))


def overrun_known(session: Session, agreement_id: int, known_at: datetime | None = None) -> list[Passed]:
    """Prove when an overrun became known: the first instant at which what is used, or the forecast's P50, exceeded the maximum.

    At most one of each figure; an empty list says that neither ever did, as known then.
    """
    found: dict[Figure, Passed] = {}
    for stood in course(session, agreement_id, known_at):
        for figure, amount in _figures(stood):
            if stood.maximum is not None and figure not in found and amount > stood.maximum:
                cause = stood.cause if figure == "used" else None
                found[figure] = Passed(figure, 100, stood.at, amount, stood.maximum, cause)
    return sorted(found.values(), key=lambda one: one.at)


def levels_ahead(session: Session, agreement_id: int, today: date, known_at: datetime | None = None) -> list[Deadline]:
    """Give the highest level that what is used has reached, and the day on which each level not spent is likely to come."""
    stood = None
    for each in course(session, agreement_id, known_at):
        stood = each
    if stood is None or stood.maximum is None:
        return []
    found = []
    reached = [level for level in LEVELS if _reaches(stood.used, level, stood.maximum)]
    if reached:
        since = next(
            one.at
            for one in passed(session, agreement_id, known_at)
            if one.figure == "used" and one.level == reached[-1]
        )
        found.append(_level("ceiling_used", "used", reached[-1], since.astimezone(OSLO).date()))
    likely = foreseen(session, agreement_id, known_at)
    for level, days in {} if likely is None else likely.levels.items():
        if days.p50 is not None:
            found.append(_level("ceiling_forecast", "forecast", level, days.p50))
    return found


def _level(code: str, figure: str, level: int, day: date) -> Deadline:
    params = {"level": str(level), "trust": CENTRAL}
    return Deadline("ceiling", f"{figure}-{level}", day, "", code, params)


def _figures(stood: Stood) -> list[tuple[Figure, Decimal]]:
    figures: list[tuple[Figure, Decimal]] = [("used", stood.used)]
    return figures if stood.forecast is None else [*figures, ("forecast", stood.forecast)]


def _reaches(amount: Decimal, level: int, maximum: Decimal) -> bool:
    return amount * 100 >= maximum * level


def _newest(session: Session, agreement_id: int, known_at: datetime | None) -> CeilingForecast | None:
    query = select(CeilingForecast).where(CeilingForecast.agreement_id == agreement_id)
    query = recorded_by_then(query, CeilingForecast, known_at)
    return session.scalar(query.order_by(CeilingForecast.id.desc()).limit(1))


def _foreseen(row: CeilingForecast) -> Foreseen:
    levels = {int(level): _days(days) for level, days in row.levels.items()}
    return Foreseen(
        row.first_month,
        row.until_on,
        row.spent,
        row.p10,
        row.p50,
        row.p90,
        dict(sorted(levels.items())),
        row.recorded_at,
        row.recorded_by,
    )


def _written(days: Days) -> dict[str, str | None]:
    written: dict[str, str | None] = {
        name: None if day is None else day.isoformat()
        for name, day in (("p10", days.p10), ("p50", days.p50), ("p90", days.p90))
    }
    return written | {"never": format(days.never, "f")}


def _days(written: Mapping[str, str | None]) -> Days:
    p10, p50, p90 = (
        None if written[name] is None else date.fromisoformat(str(written[name])) for name in ("p10", "p50", "p90")
    )
    return Days(p10, p50, p90, Decimal(str(written["never"])))


deadlines.register("ceiling", levels_ahead)
