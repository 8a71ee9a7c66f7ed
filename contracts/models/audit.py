"""What was done, by whom, when: rows that only ever come to."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from contracts.models.base import Base, Fact, RowId


class AuditEvent(Fact, Base):
    """An act that mattered, written in the same transaction as its effect."""

    __tablename__ = "audit_events"
    action: Mapped[str]
    subject: Mapped[str]
    data: Mapped[dict[str, Any]]


class AuditLink(Base):
    """A link of the chain over the events: the hash over the link before it and this event in the canonical ``form``.

    ``number`` counts from 1 without a gap, in the order in which the events were committed.
    """

    __tablename__ = "audit_links"
    number: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(ForeignKey("audit_events.id"), unique=True)
    form: Mapped[int]
    sha256: Mapped[str]


class AuditAnchor(Fact, Base):
    """The chain's head as it stood on a day: how many links there were, and the hash of the last one."""

    __tablename__ = "audit_anchors"
    on: Mapped[date] = mapped_column("on_date", unique=True)
    count: Mapped[int]
    sha256: Mapped[str]
