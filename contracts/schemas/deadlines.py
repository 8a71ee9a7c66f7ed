"""Deadlines as the API lists them."""

from __future__ import annotations

from datetime import date
from typing import Any

from marshmallow import fields

from contracts.schemas.answers import PageSchema
from contracts.schemas.fields import Day, TermsSchema
from contracts.terms.deadline import Deadline


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
