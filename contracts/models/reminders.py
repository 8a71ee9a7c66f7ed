"""Deadlines as they were seen, the reminders of them, the messages these became, and the links that calendars fetch."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.models.base import Base, Fact, Revisable
from contracts.models.people import Person


class DeadlineSighting(Fact, Base):
    """A deadline said something new: ``sequence`` counts from 0, ``content`` is the SHA-256 of what it says."""

    __tablename__ = "deadline_sightings"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    source: Mapped[str]
    key: Mapped[str]
    sequence: Mapped[int]
    content: Mapped[str]

    __table_args__ = (UniqueConstraint("agreement_id", "source", "key", "sequence"),)


class Reminder(Fact, Base):
    """One deadline came within one step (days ahead), on a day; the unique key lets that happen once.

    ``passed_over`` marks a step that nobody was awake for and whose successor was due already when somebody was: it is
    kept, and never sent. The deadline stands here as it was then.
    """

    __tablename__ = "reminders"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    source: Mapped[str]
    key: Mapped[str]
    due_on: Mapped[date]
    step: Mapped[int]
    on: Mapped[date] = mapped_column("on_date")
    passed_over: Mapped[bool]
    code: Mapped[str]
    clause: Mapped[str]
    params: Mapped[dict[str, Any]] = mapped_column(JSON)

    __table_args__ = (UniqueConstraint("agreement_id", "source", "key", "due_on", "step"),)


class OutboxMessage(Fact, Base):
    """An e-mail to one person, whole. ``key`` lets it be written once; ``message_id`` is the same in every sending."""

    __tablename__ = "outbox_messages"
    key: Mapped[str] = mapped_column(String(400), unique=True)
    message_id: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    address: Mapped[str]
    subject: Mapped[str] = mapped_column(String(400))
    body: Mapped[str] = mapped_column(Text)
    reminder_id: Mapped[int | None] = mapped_column(ForeignKey("reminders.id"), index=True)

    person: Mapped[Person] = relationship()


class OutboxSending(Fact, Base):
    """A sending began. One without an outcome may or may not have reached the mail server before its process died."""

    __tablename__ = "outbox_sendings"
    message_id: Mapped[int] = mapped_column(ForeignKey("outbox_messages.id"))
    attempt: Mapped[int]

    __table_args__ = (
        UniqueConstraint("message_id", "attempt"),
        CheckConstraint("attempt > 0", name="counted_from_one"),
    )


class OutboxOutcome(Fact, Base):
    """How a sending ended: taken by the mail server, refused for good, or failed for now."""

    __tablename__ = "outbox_outcomes"
    sending_id: Mapped[int] = mapped_column(ForeignKey("outbox_sendings.id"), unique=True)
    outcome: Mapped[str]
    detail: Mapped[str] = mapped_column(String(400))

    __table_args__ = (CheckConstraint("outcome IN ('sent', 'refused', 'failed')", name="outcome_known"),)


class CalendarLink(Revisable, Base):
    """A person's secret address of their calendar feed, kept as a SHA-256 hash; a void row revokes the one before it."""

    __tablename__ = "calendar_links"
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    secret_hash: Mapped[str] = mapped_column(index=True)
    language: Mapped[str]

    person: Mapped[Person] = relationship()
