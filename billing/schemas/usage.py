"""Usage on the wire: what `usage import --json` prints, the daily cells, and a correction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import fields, validate

from billing.quarters.corrections import REASONS
from billing.usage.errors import sentence
from billing.usage.files import Preview
from billing.usage.metering import LARGEST_QUANTITY, RowError, UsageImportResult
from billing.usage.reversals import Verification
from contracts.schemas.fields import Day, TermsSchema, Text, Whole, load
from contracts.terms.written import Language

LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Correction:
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


def load_correction(document: Any) -> Correction:
    """Read a correction; InvalidInput with every error of its shape."""
    return Correction(**load(CorrectionSchema(), document, "#"))


def dump_import(result: UsageImportResult, language: Language = "en") -> dict[str, Any]:
    """Write what an import did, or every row that refused it; ``detail`` in the language asked for."""
    return {
        "import": result.id,
        "status": result.status,
        "rows": result.rows,
        "accepted": result.accepted,
        "duplicates": result.duplicates,
        "not_billable": result.not_billable,
        "errors": [dump_row_error(error, language) for error in result.errors],
    }


def dump_row_error(error: RowError, language: Language = "en") -> dict[str, Any]:
    """Write one error with its place in the file."""
    return {"row": error.row, "column": error.column, "code": error.code, "detail": sentence(error, language)}


def dump_verification(verification: Verification) -> dict[str, Any]:
    """Write what was recomputed and each difference from the roll-up."""
    return {
        "imports": verification.imports,
        "cells": verification.cells,
        "events": verification.events,
        "differences": [
            {
                "code": each.code,
                "import": each.import_id,
                "trust": each.trust,
                "algorithm": each.algorithm,
                "on": None if each.on is None else each.on.isoformat(),
                "expected": each.expected,
                "found": each.found,
            }
            for each in verification.differences
        ],
    }


def dump_preview(preview: Preview, language: Language = "en") -> dict[str, Any]:
    """Write what a file looks like before anything is decided."""
    return {
        "format": preview.format,
        "columns": [
            {
                "name": column.name,
                "numbers": list(column.numbers),
                "dates": list(column.dates),
                "samples": [
                    {"value": sample.value, "numbers": sample.numbers, "dates": sample.dates}
                    for sample in column.samples
                ],
            }
            for column in preview.columns
        ],
        "rows": [list(row) for row in preview.rows],
        "ambiguous": list(preview.ambiguous),
        "delimiters": dict(preview.delimiters),
        "errors": [dump_row_error(error, language) for error in preview.errors],
    }
