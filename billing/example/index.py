"""The example's index clause, its index and its requests. The index is invented and says so in its table's name.

The request of October 2024 gives the factor of the example's agreement exactly: 131.6 in September 2023 and 136.4 in
September 2024 are a change of 3.647 %, of which 85 % make 1.0310.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from contracts.people.access import Actor
from contracts.prices import index_clauses, index_values, indexation
from contracts.terms.indexation import IndexClause

TABLE = "EKSEMPEL-KPI"
BASE_YEAR = 2015
_OSLO = ZoneInfo("Europe/Oslo")

# A level that rises about three per cent a year, by month from January on.
MONTHS: dict[int, str] = {
    2023: "127.8 128.4 129.3 129.9 130.5 131.2 131.5 130.7 131.6 131.9 132.4 132.3",
    2024: "132.4 133.0 133.3 134.1 134.2 134.9 135.2 135.1 136.4 136.9 136.8 136.6",
    2025: "137.2 138.0 138.1 138.9 138.8 139.2 139.9 139.3 139.9 140.4 140.6 140.5",
    2026: "141.0 141.8 141.7 142.4 142.3 142.9 143.4 143.0 143.5",
}
# When values were fetched, and the last month that was out by then.
_RETRIEVED = (
    (date(2024, 10, 10), (2024, 9)),
    (date(2026, 1, 9), (2025, 12)),
    (date(2026, 10, 9), (2026, 9)),
)

CLAUSE = IndexClause(
    index_name="Konsumprisindeksen, totalindeks (eksempelverdier)",
    table=TABLE,
    series="TOTAL",
    reading="twelve_month",
    base_month=None,
    comparison_month=9,
    average_months=1,
    share=Decimal("0.85"),
    floor=None,
    cap=Decimal("0.04"),
    limits_on="price_change",
    symmetric=False,
    first_effective=date(2025, 1, 1),
    notice=2,
    notice_unit="months",
    clause="7.3",
)
_FIRST, _SECOND = date(2025, 1, 1), date(2027, 1, 1)
_AGREED_ON, _REQUESTED_ON, _APPROVED_ON = date(2023, 12, 18), date(2024, 10, 24), date(2024, 11, 28)
_REQUESTED_AGAIN_ON = date(2026, 10, 13)

Happening = tuple[datetime, Callable[[datetime], object]]


def index_course(session: Session, agreement_id: int, manager: Actor, approver: Actor) -> Iterator[Happening]:
    """Give what happened about the index: the clause, values as they came out, a request approved and one still open."""
    yield _at(_AGREED_ON, 15), partial(_agree, session, agreement_id, manager, approver)
    for retrieved_on, until in _RETRIEVED:
        yield _at(retrieved_on, 8), partial(_import, session, retrieved_on, until, manager)
    yield _at(_REQUESTED_ON, 10), partial(_request, session, agreement_id, _FIRST, manager)
    yield _at(_APPROVED_ON, 10), partial(_approve, session, agreement_id, approver)
    yield _at(_REQUESTED_AGAIN_ON, 10), partial(_request, session, agreement_id, _SECOND, manager)


def values_csv(until: tuple[int, int]) -> bytes:
    """Write the values up to a year and month as the file they come in."""
    rows = ["table,series,base_year,month,value"]
    for year, values in MONTHS.items():
        for number, value in enumerate(values.split(), start=1):
            if (year, number) <= until:
                rows.append(f"{TABLE},TOTAL,{BASE_YEAR},{year}-{number:02d},{value}")
    return ("\n".join(rows) + "\n").encode()


def _agree(session: Session, agreement_id: int, manager: Actor, approver: Actor, now: datetime) -> None:
    proposed = index_clauses.propose(session, agreement_id=agreement_id, clause=CLAUSE, actor=manager, now=now)
    assert proposed is not None
    index_clauses.decide(
        session, agreement_id=agreement_id, proposal_id=proposed.id, decision="approved", actor=approver, now=now
    )


def _import(session: Session, retrieved_on: date, until: tuple[int, int], actor: Actor, now: datetime) -> None:
    index_values.import_values(
        session,
        filename=f"eksempel-kpi-{until[0]}-{until[1]:02d}.csv",
        content=values_csv(until),
        retrieved_on=retrieved_on,
        actor=actor,
        now=now,
        today=retrieved_on,
    )


def _request(session: Session, agreement_id: int, effective_from: date, actor: Actor, now: datetime) -> None:
    indexation.request_adjustment(
        session,
        agreement_id=agreement_id,
        effective_from=effective_from,
        actor=actor,
        now=now,
        today=now.astimezone(_OSLO).date(),
    )


def _approve(session: Session, agreement_id: int, actor: Actor, now: datetime) -> None:
    (request,) = indexation.list_requests(session, agreement_id)
    indexation.approve(
        session,
        request_id=request.id,
        actor=actor,
        now=now,
        today=now.astimezone(_OSLO).date(),
        reason="Kravet er kontrollert mot indekstallene.",
    )


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=_OSLO)
