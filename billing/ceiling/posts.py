"""Post to the ceiling's ledger what is invoiced, accrued and committed, whenever something moved it.

The ledger keeps every amount with the instant at which it became known, so that an overrun can be dated. The same figures again
write nothing. The acts that move the use post in their own transaction (`ceiling.moved`): import of usage, its reversal and
correction, close and reopening of a quarter, approval for payment and its reopening, the steps of an activation that is
committed. The scheduler posts daily, since what is committed shrinks as days pass.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.ceiling.burn_down import RUNNING, BurnDown, CeilingFigures, burn_down
from billing.projection.plan_costs import plan_cost
from contracts import agreements, cases, ceiling, ceiling_history, clock, price_books
from contracts.ceiling import EntryKind
from contracts.ceiling_history import Days
from contracts.errors import InvalidInput
from contracts.models import CeilingEntry
from contracts.people.access import Actor, Grant

# What waits is rated for all trusts, whoever acted.
_READER: Final = Actor("ceiling", "Ceiling", (Grant("auditor"),))


def register() -> None:
    """Let the acts that move the use post what counts then."""
    ceiling.register_posts(post_moved)


def post_moved(session: Session, agreement_id: int, recorded_by: str, now: datetime) -> None:
    """Post after an act. Where a price is missing nothing can be computed: the act stands and the ledger stays as it is."""
    example = agreements.agreement_summary(session, agreement_id).example
    today = clock.today(session, example_mode=example, now=now)
    with suppress(InvalidInput):
        post_figures(session, agreement_id=agreement_id, recorded_by=recorded_by, now=now, today=today)


def post_figures(
    session: Session, *, agreement_id: int, recorded_by: str, now: datetime, today: date
) -> CeilingFigures:
    """Post the figures as they are known now; a quarter that is no longer accrued is posted as 0.00."""
    agreements.lock_agreement(session, agreement_id)
    course = burn_down(session, agreement_id=agreement_id, today=today)
    figures = course.figures
    again = _rated_again(session, agreement_id, course, today)
    told: dict[EntryKind, dict[str, Decimal]] = {
        "invoiced": figures.invoiced,
        "accrued": figures.accrued,
        "committed": {RUNNING: figures.running, **again},
    }
    # What is approved and was never counted is committed by the workflow; with its first count it is in what runs.
    kept = figures.waiting.keys() - again.keys()
    for kind, amounts in told.items():
        for source in sorted({*amounts, *_sources(session, agreement_id, kind)} - kept):
            ceiling.post(
                session,
                agreement_id=agreement_id,
                kind=kind,
                source=source,
                amount=amounts.get(source, Decimal("0.00")),
                recorded_by=recorded_by,
                now=now,
            )
    _post_forecast(session, agreement_id, course, recorded_by, now)
    return figures


def _rated_again(session: Session, agreement_id: int, course: BurnDown, today: date) -> dict[str, Decimal]:
    """Rate what waits again where the agreement's end or its prices are others than when its figures were frozen."""
    if not course.waiting:
        return {}
    end = agreements.agreement_summary(session, agreement_id).term.end
    prices = price_books.digest(price_books.price_book(session, agreement_id))
    found = {}
    for case in cases.list_cases(session, agreement_id=agreement_id):
        plan, frozen = course.waiting.get(str(case.id)), case.submission
        if plan is None or frozen is None or frozen.figures is None:
            continue
        if frozen.figures.until != end or frozen.basis.get("price_version", prices) != prices:
            with suppress(InvalidInput):  # it runs already: its first count brings it into what runs
                cost = plan_cost(session, agreement_id=agreement_id, plan=plan, today=today, actor=_READER)
                found[str(case.id)] = cost.whole.total
    return found


def _post_forecast(session: Session, agreement_id: int, course: BurnDown, recorded_by: str, now: datetime) -> None:
    """Keep what is foreseen: the whole cost at the end of the simulated months, and when each level not spent is reached."""
    months = None if course.simulation is None else course.simulation.months
    if not months:
        return
    total = course.cumulative()[-1]
    ceiling_history.post_forecast(
        session,
        agreement_id=agreement_id,
        first_month=months[0].start,
        until=months[-1].end,
        spent=course.spent_before,
        p10=total.p10,
        p50=total.p50,
        p90=total.p90,
        levels={
            each.level: Days(each.days.p10, each.days.p50, each.days.p90, each.days.never)
            for each in course.levels
            if each.days is not None
        },
        recorded_by=recorded_by,
        now=now,
    )


def _sources(session: Session, agreement_id: int, kind: EntryKind) -> set[str]:
    query = select(CeilingEntry.source).where(CeilingEntry.agreement_id == agreement_id, CeilingEntry.kind == kind)
    return set(session.scalars(query.distinct()))
