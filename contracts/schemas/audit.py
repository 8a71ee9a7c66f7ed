"""Audit events as the API tells them, and the parameters that their listing reads."""

from __future__ import annotations

from marshmallow import fields

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
