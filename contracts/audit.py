"""The log of acts: append-only, written in the transaction of what it tells."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from contracts.models import AuditEvent


def record(session: Session, *, action: str, subject: str, data: dict[str, Any], actor: str, now: datetime) -> None:
    """Write one audit event: ``action`` ("agreement.import") on ``subject`` ("agreement:ra-2024") with its facts.

    ``data`` holds plain JSON values; amounts go in as strings. The row stands or falls with the caller's transaction.
    """
    session.add(AuditEvent(action=action, subject=subject, data=data, recorded_at=now, recorded_by=actor))
