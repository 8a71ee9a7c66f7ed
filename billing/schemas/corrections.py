"""Recorded corrections on the wire."""

from __future__ import annotations

from marshmallow import fields

from billing.quarters.corrections import REASONS
from billing.schemas.answers import DECIMAL
from contracts.schemas.answers import INSTANT, KnownQuerySchema, PageQuerySchema, PageSchema
from contracts.schemas.fields import CODE, AmountText, Day, IsoText, TermsSchema, of


class CorrectionQuerySchema(PageQuerySchema, KnownQuerySchema):
    """Which corrections, as known when."""

    trust = fields.String(load_default=None, validate=CODE)


class EvidenceSchema(TermsSchema):
    """The document that a correction rests on, and which version of it."""

    id = fields.Integer(required=True)
    version = fields.Integer(required=True)
    title = fields.String(required=True)


class RecordedCorrectionSchema(TermsSchema):
    """A correction; `effect` is what it changed in the expected charges up to then, `after_close` the run it came after."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True, metadata={"enum": ["correction", "opening"]})
    trust = fields.String(required=True)
    algorithm = fields.String(required=True)
    on = Day(required=True)
    before = fields.Integer(required=True)
    after = fields.Integer(required=True)
    change = fields.Integer(required=True)
    effect = AmountText(required=True, metadata=DECIMAL)
    reason_code = fields.String(required=True, metadata={"enum": [*REASONS, "opening"]})
    reason = fields.String(required=True)
    evidence = fields.Nested(
        EvidenceSchema,
        required=True,
        allow_none=True,
        attribute=of(
            lambda one: (
                one.evidence
                and {**EvidenceSchema(exclude=["version"]).dump(one.evidence), "version": one.evidence_version}
            )
        ),
    )
    after_close = fields.Integer(required=True, allow_none=True)
    recorded_at = IsoText(required=True, metadata=INSTANT)
    recorded_by = fields.String(required=True)


class CorrectionPageSchema(PageSchema):
    """Corrections, newest first."""

    items = fields.List(fields.Nested(RecordedCorrectionSchema), required=True)
