"""The outbox: e-mails written in the transaction of what they tell, and sent at least once afterwards.

A sending is written down before it begins and again when it ended. So a process that dies in between leaves a sending
without an outcome: the message is sent again after `GIVEN_UP_AFTER`, under the same Message-ID, and the repeat is counted.
"""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from typing import Final, Protocol

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from contracts.models import OutboxMessage, OutboxOutcome, OutboxSending, Reminder
from contracts.models.base import recorded_by_then

GIVEN_UP_AFTER: Final = timedelta(minutes=15)
LONGEST_PAUSE: Final = timedelta(hours=1)
SECURITY: Final = ("starttls", "tls", "off")
LONGEST_DETAIL: Final = 400
SECONDS_TO_ANSWER: Final = 20

Open = Callable[[], AbstractContextManager[Session]]


class Refused(Exception):
    """The mail server will never take this message."""


class Failed(Exception):
    """The message was not taken this time."""


class Transport(Protocol):
    """Whatever takes a message to its recipient; raises `Refused` or `Failed` where it does not."""

    def __call__(self, message: EmailMessage) -> None:
        """Hand one message over."""
        ...


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server (SMTP) and how to speak with it; ``sender`` is the address that messages come from."""

    host: str
    port: int
    sender: str
    security: str = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)

    def __call__(self, message: EmailMessage) -> None:
        """Hand one message over, in a connection of its own."""
        try:
            self._send(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _text in error.recipients.values()]
            raise (Refused if all(code >= 500 for code in codes) else Failed)(f"recipient refused {codes}") from error
        except smtplib.SMTPDataError as error:
            raise (Refused if error.smtp_code >= 500 else Failed)(f"message refused [{error.smtp_code}]") from error
        except (smtplib.SMTPException, OSError) as error:
            raise Failed(type(error).__name__) from error

    def _send(self, message: EmailMessage) -> None:
        # Without a context of ours the library takes any certificate, and a password would go to whoever answers.
        with self._connection() as server:
            if self.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if self.user:
                server.login(self.user, self.password)
            server.send_message(message)

    def _connection(self) -> smtplib.SMTP:
        if self.security == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self.host, self.port, timeout=SECONDS_TO_ANSWER, context=context)
        return smtplib.SMTP(self.host, self.port, timeout=SECONDS_TO_ANSWER)


@dataclass(frozen=True, slots=True)
class Told:
    """A message as it stands: who was to be told what, how often it was tried, and how that ended.

    ``state`` is ``waiting``, ``sent``, ``refused``, ``failed`` (tried again), or ``unknown`` (begun, and nobody wrote how
    it ended). ``repeats`` counts sendings that followed one whose end nobody wrote.
    """

    id: int
    reminder_id: int | None
    name: str
    address: str
    subject: str
    body: str
    message_id: str
    state: str
    attempts: int
    repeats: int
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one round did: how many messages were taken, how many refused, how many are tried again later."""

    sent: int
    refused: int
    failed: int


def write(
    session: Session,
    *,
    key: str,
    person_id: int,
    address: str,
    subject: str,
    body: str,
    reminder_id: int | None,
    by: str,
    now: datetime,
) -> OutboxMessage:
    """Put one message into the outbox; it stands or falls with the caller's transaction.

    ``key`` is unique, so that nothing is told twice; the Message-ID is made from it.
    """
    digest = hashlib.sha256(key.encode()).hexdigest()[:40]
    row = OutboxMessage(
        key=key,
        message_id=f"<{digest}@trinnvis>",
        person_id=person_id,
        address=address,
        subject=subject,
        body=body,
        reminder_id=reminder_id,
        recorded_at=now,
        recorded_by=by,
    )
    session.add(row)
    session.flush()
    return row


def deliver(read: Open, write: Open, transport: Transport, *, sender: str, by: str, now: datetime) -> Delivered:
    """Send what waits, each message in its own two transactions, oldest first.

    A message of a reminder whose deadline has come to a later step since is not sent any more: the later one tells it.
    """
    counts = {"sent": 0, "refused": 0, "failed": 0}
    with read() as session:
        waiting = pending(session, now=now)
    for message_id in waiting:
        with write() as session:
            begun = _begin(session, message_id, by=by, now=now)
            message = None if begun is None else _letter(session, message_id, sender=sender)
        if begun is None or message is None:
            continue
        outcome, detail = "sent", ""
        try:
            transport(message)
        except Refused as error:
            outcome, detail = "refused", str(error)
        except Failed as error:
            outcome, detail = "failed", str(error)
        with write() as session:
            session.add(
                OutboxOutcome(
                    sending_id=begun,
                    outcome=outcome,
                    detail=detail[:LONGEST_DETAIL],
                    recorded_at=now,
                    recorded_by=by,
                )
            )
        counts[outcome] += 1
    return Delivered(**counts)


def pending(session: Session, *, now: datetime) -> list[int]:
    """List the messages that are to be sent now, oldest first.

    After a failure the pause doubles from a minute to an hour; a sending that nobody ended is given up after a while.
    """
    done = (
        select(OutboxOutcome.id)
        .join(OutboxSending, OutboxSending.id == OutboxOutcome.sending_id)
        .where(OutboxSending.message_id == OutboxMessage.id, OutboxOutcome.outcome.in_(("sent", "refused")))
    )
    reminder, later = aliased(Reminder), aliased(Reminder)
    overtaken = (
        select(later.id)
        .join(
            reminder,
            (later.agreement_id == reminder.agreement_id)
            & (later.source == reminder.source)
            & (later.key == reminder.key)
            & (later.id > reminder.id),
        )
        .where(reminder.id == OutboxMessage.reminder_id, later.passed_over.is_(False))
    )
    open_ones = list(
        session.scalars(select(OutboxMessage.id).where(~done.exists(), ~overtaken.exists()).order_by(OutboxMessage.id))
    )
    return [message_id for message_id in open_ones if _due(session, message_id, now)]


def told(session: Session, *, reminders: list[int] | None = None, known_at: datetime | None = None) -> list[Told]:
    """List messages (those of some reminders, or all), oldest first, each as it stood."""
    query = select(OutboxMessage).order_by(OutboxMessage.id)
    if reminders is not None:
        query = query.where(OutboxMessage.reminder_id.in_(reminders))
    rows = list(session.scalars(recorded_by_then(query, OutboxMessage, known_at)))
    tried = _tried(session, [row.id for row in rows], known_at)
    return [_told(row, tried.get(row.id, [])) for row in rows]


@dataclass(frozen=True, slots=True)
class _Try:
    id: int
    at: datetime
    outcome: str | None
    detail: str


def _tried(session: Session, ids: list[int], known_at: datetime | None) -> dict[int, list[_Try]]:
    found: dict[int, list[_Try]] = {}
    for start in range(0, len(ids), 500):
        query = (
            select(OutboxSending, OutboxOutcome)
            .outerjoin(OutboxOutcome, OutboxOutcome.sending_id == OutboxSending.id)
            .where(OutboxSending.message_id.in_(ids[start : start + 500]))
            .order_by(OutboxSending.message_id, OutboxSending.attempt)
        )
        for sending, outcome in session.execute(recorded_by_then(query, OutboxSending, known_at)):
            ended = outcome is not None and (known_at is None or outcome.recorded_at <= known_at)
            found.setdefault(sending.message_id, []).append(
                _Try(
                    sending.id,
                    sending.recorded_at,
                    outcome.outcome if ended else None,
                    outcome.detail if ended else "",
                )
            )
    return found


def _told(row: OutboxMessage, tries: list[_Try]) -> Told:
    last = tries[-1] if tries else None
    return Told(
        id=row.id,
        reminder_id=row.reminder_id,
        name=row.person.name,
        address=row.address,
        subject=row.subject,
        body=row.body,
        message_id=row.message_id,
        state="waiting" if last is None else last.outcome or "unknown",
        attempts=len(tries),
        repeats=sum(1 for earlier in tries[:-1] if earlier.outcome is None),
        detail="" if last is None else last.detail,
        at=row.recorded_at if last is None else last.at,
    )


def _due(session: Session, message_id: int, now: datetime) -> bool:
    tries = _tried(session, [message_id], None).get(message_id, [])
    if not tries:
        return True
    if tries[-1].outcome is None:
        return tries[-1].at <= now - GIVEN_UP_AFTER
    pause = min(LONGEST_PAUSE, timedelta(minutes=1 << min(len(tries) - 1, 6)))
    return tries[-1].at + pause <= now


def _begin(session: Session, message_id: int, *, by: str, now: datetime) -> int | None:
    """Write that a sending begins; ``None`` where another process began or ended one in the meantime."""
    if not _due(session, message_id, now):
        return None
    count = session.scalar(select(func.count()).where(OutboxSending.message_id == message_id)) or 0
    row = OutboxSending(message_id=message_id, attempt=count + 1, recorded_at=now, recorded_by=by)
    with suppress(IntegrityError):
        with session.begin_nested():
            session.add(row)
            session.flush()
        return row.id
    return None


def _letter(session: Session, message_id: int, *, sender: str) -> EmailMessage:
    row = session.get_one(OutboxMessage, message_id)
    letter = EmailMessage()
    letter["Subject"] = row.subject
    letter["From"] = sender
    letter["To"] = formataddr((row.person.name, row.address))
    letter["Date"] = format_datetime(row.recorded_at)
    letter["Message-ID"] = row.message_id
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(row.body)
    return letter
