"""Corrections on the wire: what is asked for, and what was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import fields, validate

from billing.corrections import LONGEST_REASON, REASONS, RecordedCorrection
from billing.metering import LARGEST_QUANTITY
from contracts.documents import FiledDocument, Version
from contracts.schemas.fields import Day, TermsSchema, Text, Whole, load
from contracts.terms.money import format_amount


@dataclass(frozen=True, slots=True)
class WantedCorrection:
    """A correction as asked for: examinations to add to one day's count, or with a minus to take off, and why.

    ``evidence`` is the number of a document filed before.
    """

    trust: str
    algorithm: str
    on: date
    change: int
    reason: str
    reason_code: str
    evidence: int | None


class CorrectionSchema(TermsSchema):
    """{trust, algorithm, on, change, reason, reason_code, evidence}"""

    trust = Text(required=True)
    algorithm = Text(required=True)
    on = Day(required=True)
    change = Whole(
        required=True,
        validate=[
            validate.Range(-LARGEST_QUANTITY, LARGEST_QUANTITY, error=f"out_of_range: At most {LARGEST_QUANTITY}."),
            validate.NoneOf([0], error="no_change: A change of 0 corrects nothing."),
        ],
    )
    reason = Text(
        required=True,
        validate=validate.Length(max=LONGEST_REASON, error=f"too_long: At most {LONGEST_REASON} characters."),
    )
    reason_code = fields.String(
        load_default="other",
        validate=validate.OneOf(REASONS, error="unknown_reason: The reason is one of {choices}."),
    )
    evidence = Whole(
        load_default=None,
        allow_none=True,
        validate=validate.Range(1, 2**62, error="out_of_range: There is no such document."),
        metadata={"description": "The id of a document filed before (`POST /documents`)."},
    )


def load_correction(document: Any) -> WantedCorrection:
    """Read a correction; InvalidInput with every error of its shape."""
    return WantedCorrection(**load(CorrectionSchema(), document, "#"))


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


def dump_document(filed: FiledDocument) -> dict[str, Any]:
    """Write a titled document with its versions, oldest first."""
    return {
        "id": filed.id,
        "kind": filed.kind,
        "title": filed.title,
        "trust": filed.trust,
        "versions": [dump_version(version) for version in filed.versions],
    }


def dump_version(version: Version) -> dict[str, Any]:
    """Write one version of a document."""
    return {
        "number": version.number,
        "file": version.filename,
        "media_type": version.media_type,
        "size": version.size,
        "sha256": version.sha256,
        "note": version.note,
        "recorded_at": version.recorded_at.isoformat(),
        "recorded_by": version.recorded_by,
    }
