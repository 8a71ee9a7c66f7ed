"""Audit events as the API tells them, and the parameters that their listing reads."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from contracts.models import AuditEvent
from contracts.schemas.answers import INSTANT, Instant, ListQuerySchema, PageSchema
from contracts.schemas.fields import TermsSchema


class AuditEventSchema(TermsSchema):
    """An act that was done: what, on what, by whom, when, with its facts."""

    id = fields.Integer(required=True)
    at = fields.String(required=True, metadata=INSTANT)
    action = fields.String(required=True)
    subject = fields.String(required=True)
    actor = fields.String(required=True)
    data = fields.Dict(required=True, metadata={"description": "What the act recorded; amounts are texts."})


class AuditPageSchema(PageSchema):
    """Audit events, newest first."""

    items = fields.List(fields.Nested(AuditEventSchema), required=True)


class AuditQuerySchema(ListQuerySchema):
    """Which audit events are wanted."""

    action = fields.String(metadata={"description": "In whole, or what it begins with up to a dot."})
    subject = fields.String(metadata={"description": "In whole, or what it begins with up to a colon."})
    actor = fields.String(metadata={"description": "In whole: `person:…`, `token:…`, `command-line`."})
    first = Instant(data_key="from", metadata={"description": "At this instant or later."})
    until = Instant(data_key="to", metadata={"description": "Before this instant."})


def dump_event(event: AuditEvent) -> dict[str, Any]:
    """Write an audit event."""
    return {
        "id": event.id,
        "at": event.recorded_at.isoformat(),
        "action": event.action,
        "subject": event.subject,
        "actor": event.recorded_by,
        "data": event.data,
    }
