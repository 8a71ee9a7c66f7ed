"""Coverage on the wire: what `usage coverage --json` prints and the API answers."""

from __future__ import annotations

from typing import Any

from billing.coverage import STATUSES, Coverage, CoverageCell
from contracts.terms.money import format_rate


def dump_coverage(coverage: Coverage) -> dict[str, Any]:
    """Write a period's coverage: how many cells are due and of which status, each cell, and who must deliver what."""
    return {
        "period": coverage.period.label(),
        "due": coverage.due,
        "counts": {status: coverage.count(status) for status in STATUSES},
        "cells": [dump_cell(cell) for cell in coverage.cells],
        "deliveries": [
            {
                "trust": delivery.trust,
                "people": list(delivery.people),
                "cells": [
                    {"algorithm": cell.algorithm, "month": cell.month.label(), "status": cell.status}
                    for cell in delivery.cells
                ],
            }
            for delivery in coverage.deliveries
        ],
        "data_until": None if coverage.data_until is None else coverage.data_until.isoformat(),
    }


def dump_cell(cell: CoverageCell) -> dict[str, Any]:
    """Write one trust, algorithm and month; ``deviation`` is a share of what was expected."""
    return {
        "trust": cell.trust,
        "algorithm": cell.algorithm,
        "month": cell.month.label(),
        "status": cell.status,
        "quantity": cell.quantity,
        "expected": cell.expected,
        "deviation": None if cell.deviation is None else format_rate(cell.deviation),
        "working_days": cell.working_days,
        "days_counted": cell.days_counted,
        "corrected": cell.corrected,
        "source": cell.source,
        "file": cell.filename,
        "received_at": None if cell.received_at is None else cell.received_at.isoformat(),
    }
