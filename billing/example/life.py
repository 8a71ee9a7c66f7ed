"""The example's reminders as they were sent, and a change of its maximum value that waits for approval."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from billing.example.agreement import CODE
from contracts import amendments
from contracts.agreements import AgreementSummary
from contracts.models import OutboxOutcome, OutboxSending
from contracts.people.access import Actor
from contracts.reminders import outbox, reminders
from contracts.reminders.reminders import SCHEDULER, Letter
from contracts.terms.amendment import Proposal
from contracts.terms.deadline import Deadline

_OSLO: Final = ZoneInfo("Europe/Oslo")
# Half a year and a quarter before the options in the north end, and days on which something else comes nearer.
REMINDED_ON: Final = (date(2026, 7, 4), date(2026, 9, 2), date(2026, 10, 2))
DRAFTED_ON: Final = date(2026, 10, 12)
CHANGE: Final = Proposal(
    kind="change",
    basis="supplementary",
    title="Økt maksimalverdi",
    reason="Volumet av skjelettrøntgen vokser raskere enn anslått. Bytte av leverandør midt i perioden ville gi to systemer.",
    clause="",
    signed_on=DRAFTED_ON,
    new_maximum=Decimal("16800000.00"),
)


def agreement_life(session: Session, agreement_id: int, manager: Actor) -> Iterator[tuple[datetime, partial[None]]]:
    """Give what happened around the agreement itself, each with the instant at which it did."""
    for day in REMINDED_ON:
        yield datetime.combine(day, time(7), tzinfo=_OSLO), partial(_remind, session, agreement_id, day)
    yield datetime.combine(DRAFTED_ON, time(10), tzinfo=_OSLO), partial(_draft, session, agreement_id, manager)


def _remind(session: Session, agreement_id: int, day: date, now: datetime) -> None:
    made = reminders.plan(session, agreement_id=agreement_id, today=day, now=now, write=_letter)
    for one in outbox.told(session, reminders=made):
        sending = OutboxSending(message_id=one.id, attempt=1, recorded_at=now, recorded_by=SCHEDULER)
        session.add(sending)
        session.flush()
        session.add(
            OutboxOutcome(sending_id=sending.id, outcome="sent", detail="", recorded_at=now, recorded_by=SCHEDULER)
        )
    session.flush()


def _letter(_agreement: AgreementSummary, deadline: Deadline, _today: date) -> Letter:
    day = f"{deadline.due_on:%d.%m.%Y}"
    return Letter(f"Frist {day}", f"En frist går ut {day}. Se Frister i Trinnvis ({CODE}).\n")


def _draft(session: Session, agreement_id: int, manager: Actor, now: datetime) -> None:
    amendments.draft(session, agreement_id=agreement_id, proposal=CHANGE, actor=manager, now=now, today=DRAFTED_ON)
