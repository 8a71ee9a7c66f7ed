"""The deadlines of disputes: the days by which the vendor is to answer."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from sqlalchemy.orm import Session

from billing.reconciliation.dispute_records import list_disputes
from billing.reconciliation.dispute_terms import DisputeState
from contracts import deadlines
from contracts.terms.deadline import CENTRAL, Deadline

REPLY: Final = "dispute_reply"
# What the vendor has declined or agreed to is answered; whatever comes then has no day of its own.
UNANSWERED: Final[frozenset[DisputeState]] = frozenset({"drafted", "sent", "questioned"})


def reply_deadlines(
    session: Session, agreement_id: int, today: date, known_at: datetime | None = None
) -> list[Deadline]:
    """Give the day by which each dispute is to be answered, until it is; for readers of all trusts alone."""
    return [
        Deadline(
            "dispute",
            each.number,
            each.reply_by,
            "",
            REPLY,
            {"dispute": each.number, "invoice": each.invoice_number, "quarter": each.quarter, "trust": CENTRAL},
        )
        for each in list_disputes(session, agreement_id, None, known_at)
        if each.state in UNANSWERED
    ]


deadlines.register("dispute", reply_deadlines, roles=("finance_controller",))
