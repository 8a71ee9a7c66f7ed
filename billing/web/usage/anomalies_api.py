"""API: steps in the counts."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields

from billing.usage.anomalies import anomalies
from contracts.agreements import find_agreement
from contracts.extensions import db
from contracts.schemas.answers import AgreementQuerySchema, KnownQuerySchema
from contracts.schemas.fields import Day, Flag, TermsSchema
from contracts.web import api
from contracts.web.acts import asked
from contracts.web.api import json_answer
from contracts.web.resources import Resource

resource = Resource(
    "usage_anomalies",
    __name__,
    url_prefix=f"{api.PREFIX}/usage-anomalies",
    description="Counts that changed level for good.",
)


class AnomalyQuerySchema(AgreementQuerySchema, KnownQuerySchema):
    """Whose counts."""

    trust = fields.String(load_default=None)


class AnomalySchema(TermsSchema):
    """A step; levels are examinations per working day, `change` is a share, `common` that many series moved so."""

    trust = fields.String(required=True)
    algorithm = fields.String(required=True)
    found_on = Day(required=True)
    since = Day(required=True)
    before = fields.String(required=True)
    after = fields.String(required=True)
    change = fields.String(required=True)
    common = Flag(required=True)


class AnomalyPageSchema(TermsSchema):
    """The steps told in the last 92 days of counts, newest first."""

    items = fields.List(fields.Nested(AnomalySchema), required=True)
    next = fields.String(required=True, allow_none=True)


@resource.reads("", AnomalyPageSchema, "The steps, newest first.", query=AnomalyQuerySchema)
def list_anomalies(query: dict[str, Any]) -> Response:
    """List the steps in the counts"""
    found = asked(
        anomalies,
        agreement_id=find_agreement(db.session, query["agreement"]).id,
        trust=query["trust"],
        known_at=query["known_at"],
    )
    items = [
        {
            "trust": step.trust,
            "algorithm": step.algorithm,
            "found_on": step.found_on.isoformat(),
            "since": step.since.isoformat(),
            "before": str(step.before),
            "after": str(step.after),
            "change": str(step.change),
            "common": step.common,
        }
        for step in found.steps
    ]
    return json_answer({"items": items, "next": None})
