"""Who pays the vendor: the buyer, who recharges the trusts, or each trust itself; a fact of the agreement, by date.

Where nothing is recorded the buyer pays and recharges.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts.models import AgreementPayer
from contracts.models.base import known
from contracts.terms.agreement import BUYER_RECHARGES, Payer, PayerStep

USUAL: Final[Payer] = BUYER_RECHARGES


def payer_steps(session: Session, agreement_id: int, known_at: datetime | None = None) -> tuple[PayerStep, ...]:
    """List who pays from when, in time order; empty where it was never said."""
    rows = session.scalars(
        select(AgreementPayer)
        .where(AgreementPayer.agreement_id == agreement_id, known(AgreementPayer, known_at))
        .order_by(AgreementPayer.valid_from)
    )
    return tuple(PayerStep(row.valid_from, _payer(row.payer)) for row in rows)


def payer_on(session: Session, agreement_id: int, day: date, known_at: datetime | None = None) -> Payer:
    """Tell who pays for what is due on a day."""
    valid = [step for step in payer_steps(session, agreement_id, known_at) if step.start <= day]
    return valid[-1].who if valid else USUAL


def record_payers(
    session: Session, agreement_id: int, steps: Iterable[PayerStep], *, recorded_at: datetime, recorded_by: str
) -> None:
    """Record who pays from when; a step of a day that has one already corrects it."""
    standing = {
        row.valid_from: row
        for row in session.scalars(
            select(AgreementPayer).where(AgreementPayer.agreement_id == agreement_id, known(AgreementPayer, None))
        )
    }
    for step in steps:
        before = standing.get(step.start)
        if before is not None and before.payer == step.who:
            continue
        session.add(
            AgreementPayer(
                agreement_id=agreement_id,
                valid_from=step.start,
                payer=step.who,
                void=False,
                supersedes_id=None if before is None else before.id,
                recorded_at=recorded_at,
                recorded_by=recorded_by,
            )
        )
        session.flush()


def _payer(text: str) -> Payer:
    return "each_trust" if text == "each_trust" else BUYER_RECHARGES
