"""Jobs as the API tells them."""

from __future__ import annotations

from datetime import datetime

from marshmallow import fields, validate

from contracts.schemas.answers import INSTANT, PageSchema
from contracts.schemas.fields import IsoText, TermsSchema
from contracts.terms.job import STATES


class PhaseSchema(TermsSchema):
    """A part of a job."""

    name = fields.String(required=True)
    done = fields.Integer(required=True)
    total = fields.Integer(
        required=True, allow_none=True, metadata={"description": "`null` where it is not known beforehand."}
    )
    started_at = IsoText(required=True, allow_none=True, metadata=INSTANT)
    finished_at = IsoText(required=True, allow_none=True, metadata=INSTANT)


class JobSchema(TermsSchema):
    """A job: how far it is, what was found early, its result or why there is none.

    Administrators see kind, state and phases; `findings`, `result` and the words of `error` are then left empty.
    """

    id = fields.Integer(required=True)
    kind = fields.String(required=True)
    trust = fields.String(required=True, allow_none=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    cancel_requested = fields.Boolean(required=True)
    phases = fields.List(fields.Nested(PhaseSchema), required=True)
    findings = fields.List(fields.Dict(), required=True, metadata={"description": "The first 50."})
    findings_count = fields.Integer(required=True)
    result = fields.Dict(required=True, allow_none=True)
    error = fields.Dict(required=True, allow_none=True, metadata={"description": "`code` and mostly `detail`."})
    attempts = fields.Integer(required=True, metadata={"description": "How often a worker began it."})
    created_at = IsoText(required=True, metadata=INSTANT)
    started_at = IsoText(required=True, allow_none=True, metadata=INSTANT)
    finished_at = IsoText(required=True, allow_none=True, metadata=INSTANT)


class JobPageSchema(PageSchema):
    """Jobs, newest first."""

    items = fields.List(fields.Nested(JobSchema), required=True)


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
