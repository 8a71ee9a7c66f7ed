"""What was approved for payment, by the quarter of service: the sums that count as invoiced."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.models import ReconciliationReopening, ReconciliationRun, SignOff


def approved_by_quarter(session: Session, agreement_id: int, known_at: datetime | None = None) -> dict[str, Decimal]:
    """Give what the approved runs that stand were invoiced, credits taken off, excluding VAT, by quarter."""
    opened = select(ReconciliationReopening.id).where(ReconciliationReopening.run_id == ReconciliationRun.id)
    query = (
        select(ReconciliationRun.quarter, ReconciliationRun.invoiced)
        .join(SignOff, SignOff.run_id == ReconciliationRun.id)
        .where(ReconciliationRun.agreement_id == agreement_id, SignOff.kind == "approve")
        .order_by(ReconciliationRun.quarter, ReconciliationRun.number)
    )
    if known_at is not None:
        query = query.where(SignOff.recorded_at <= known_at)
        opened = opened.where(ReconciliationReopening.recorded_at <= known_at)
    return dict(session.execute(query.where(~opened.exists())).all())
