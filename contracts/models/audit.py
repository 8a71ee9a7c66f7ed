"""What was done, by whom, when: rows that only ever come to."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Mapped

from contracts.models.base import Base, Fact


class AuditEvent(Fact, Base):
    """An act that mattered, written in the same transaction as its effect."""

    __tablename__ = "audit_events"
    action: Mapped[str]
    subject: Mapped[str]
    data: Mapped[dict[str, Any]]
