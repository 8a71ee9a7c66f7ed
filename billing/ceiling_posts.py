"""Post to the ceiling's ledger what is invoiced, accrued and committed, whenever something moved it.

The ledger keeps every amount with the instant at which it became known, so that an overrun can be dated. The same figures again
write nothing. Entry points post after each approval for payment, import of usage, close of a quarter and step of an activation;
the scheduler does so daily, since what is committed shrinks as days pass.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.ceiling_outlook import CeilingFigures, ceiling_figures
from contracts import agreements, ceiling
from contracts.ceiling import EntryKind
from contracts.models import CeilingEntry

# What is committed has one source; what is invoiced and accrued has one for each quarter.
RUNNING: Final = "running"


def post_figures(
    session: Session, *, agreement_id: int, recorded_by: str, now: datetime, today: date
) -> CeilingFigures:
    """Post the figures as they are known now; a quarter that is no longer accrued is posted as 0.00."""
    agreements.lock_agreement(session, agreement_id)
    figures = ceiling_figures(session, agreement_id=agreement_id, today=today)
    told: dict[EntryKind, dict[str, Decimal]] = {
        "invoiced": figures.invoiced,
        "accrued": figures.accrued,
        "committed": {RUNNING: figures.committed},
    }
    # What is approved and does not run yet is committed by the workflow; from its go-live on it is in what runs.
    others = ceiling.before_live(session, agreement_id)
    for kind, amounts in told.items():
        for source in sorted({*amounts, *_sources(session, agreement_id, kind)} - others):
            ceiling.post(
                session,
                agreement_id=agreement_id,
                kind=kind,
                source=source,
                amount=amounts.get(source, Decimal("0.00")),
                recorded_by=recorded_by,
                now=now,
            )
    return figures


def _sources(session: Session, agreement_id: int, kind: EntryKind) -> set[str]:
    query = select(CeilingEntry.source).where(CeilingEntry.agreement_id == agreement_id, CeilingEntry.kind == kind)
    return set(session.scalars(query.distinct()))
