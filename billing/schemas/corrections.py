"""Recorded corrections on the wire."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from billing.quarters.corrections import REASONS, RecordedCorrection
from billing.schemas.answers import DECIMAL
from contracts.schemas.answers import INSTANT, KnownQuerySchema, PageQuerySchema, PageSchema
from contracts.schemas.fields import CODE, Day, TermsSchema
from contracts.terms.money import format_amount


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
    effect = fields.String(required=True, metadata=DECIMAL)
    reason_code = fields.String(required=True, metadata={"enum": [*REASONS, "opening"]})
    reason = fields.String(required=True)
    evidence = fields.Nested(EvidenceSchema, required=True, allow_none=True)
    after_close = fields.Integer(required=True, allow_none=True)
    recorded_at = fields.String(required=True, metadata=INSTANT)
    recorded_by = fields.String(required=True)


class CorrectionPageSchema(PageSchema):
    """Corrections, newest first."""

    items = fields.List(fields.Nested(RecordedCorrectionSchema), required=True)


def dump_correction(correction: RecordedCorrection) -> dict[str, Any]:
    """Write a recorded correction; ``effect`` is what it changed in the expected charges."""
    evidence = correction.evidence
    return {
        "id": correction.id,
        "kind": correction.kind,
        "trust": correction.trust,
        "algorithm": correction.algorithm,
        "on": correction.on.isoformat(),
        "before": correction.before,
        "after": correction.after,
        "change": correction.change,
        "effect": format_amount(correction.effect),
        "reason_code": correction.reason_code,
        "reason": correction.reason,
        "evidence": None
        if evidence is None
        else {"id": evidence.id, "version": correction.evidence_version, "title": evidence.title},
        "after_close": correction.after_close,
        "recorded_at": correction.recorded_at.isoformat(),
        "recorded_by": correction.recorded_by,
    }
