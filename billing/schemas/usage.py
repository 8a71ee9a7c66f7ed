"""Usage on the wire: what `usage import --json` prints, the daily cells, and a correction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import validate

from billing.metering import LARGEST_QUANTITY, RowError, UsageImportResult
from billing.usage_cells import Cell, CellEntry
from contracts.schemas.fields import Day, TermsSchema, Text, Whole, load

LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction as asked for: examinations to add to one day's count, or with a minus to take off, and why."""

    trust: str
    algorithm: str
    on: date
    change: int
    reason: str


class CorrectionSchema(TermsSchema):
    """{trust, algorithm, on, change, reason}"""

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


def load_correction(document: Any) -> Correction:
    """Read a correction; InvalidInput with every error of its shape."""
    return Correction(**load(CorrectionSchema(), document, "#"))


def dump_import(result: UsageImportResult) -> dict[str, Any]:
    """Write what an import did, or every row that refused it."""
    return {
        "import": result.id,
        "status": result.status,
        "rows": result.rows,
        "accepted": result.accepted,
        "duplicates": result.duplicates,
        "not_billable": result.not_billable,
        "errors": [dump_row_error(error) for error in result.errors],
    }


def dump_row_error(error: RowError) -> dict[str, Any]:
    """Write one error with its place in the file."""
    return {"row": error.row, "column": error.column, "code": error.code, "detail": error.detail}


def dump_cell(cell: Cell) -> dict[str, Any]:
    """Write a day's count of one algorithm at one trust."""
    return {
        "trust": cell.trust,
        "algorithm": cell.algorithm,
        "on": cell.on.isoformat(),
        "quantity": cell.quantity,
    }


def dump_entry(entry: CellEntry) -> dict[str, Any]:
    """Write one of the signed entries that a day's count is the sum of."""
    return {
        "quantity": entry.quantity,
        "source": entry.source,
        "import": entry.import_id,
        "reason": entry.reason,
        "recorded_at": entry.recorded_at.isoformat(),
        "recorded_by": entry.recorded_by,
    }
