"""Deadlines as the API lists them."""

from __future__ import annotations

from datetime import date
from typing import Any

from marshmallow import fields, validate

from contracts.schemas.answers import PageSchema
from contracts.schemas.fields import Day, TermsSchema
from contracts.terms.deadline import Deadline

TOLD_STATES = ("waiting", "sent", "refused", "failed", "unknown")


class DeadlineSchema(TermsSchema):
    """The last day (inclusive, Oslo) on which something can be done; `passed` stays true until it is settled."""

    id = fields.String(required=True)
    source = fields.String(required=True)
    code = fields.String(required=True)
    due_on = Day(required=True)
    passed = fields.Boolean(required=True)
    clause = fields.String(required=True)
    params = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class DeadlinePageSchema(PageSchema):
    """Deadlines by date."""

    items = fields.List(fields.Nested(DeadlineSchema), required=True)


class ToldSchema(TermsSchema):
    """An e-mail to one person; `repeats` counts sendings that followed one whose end nobody wrote down."""

    name = fields.String(required=True)
    address = fields.String(required=True)
    message_id = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(TOLD_STATES))
    attempts = fields.Integer(required=True)
    repeats = fields.Integer(required=True)
    at = fields.String(required=True)


class ReminderSchema(TermsSchema):
    """A deadline came within `step` days; `passed_over` where a later step was due before anybody noticed.

    `told` is empty for readers within one trust.
    """

    id = fields.Integer(required=True)
    deadline = fields.String(required=True)
    code = fields.String(required=True)
    due_on = Day(required=True)
    step = fields.Integer(required=True)
    on = Day(required=True)
    passed_over = fields.Boolean(required=True)
    told = fields.List(fields.Nested(ToldSchema), required=True)


class ReminderPageSchema(PageSchema):
    """Reminders, newest first."""

    items = fields.List(fields.Nested(ReminderSchema), required=True)


def dump_deadline(deadline: Deadline, today: date) -> dict[str, Any]:
    """Write a deadline as it stands on a day."""
    return {
        "id": f"{deadline.source}:{deadline.key}",
        "source": deadline.source,
        "code": deadline.code,
        "due_on": deadline.due_on.isoformat(),
        "passed": deadline.passed(today),
        "clause": deadline.clause,
        "params": dict(deadline.params),
    }
