"""Coverage on the wire: what `usage coverage --json` prints and the API answers."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from billing.quarters.coverage import STATUSES, Coverage, CoverageCell
from billing.schemas.answers import DECIMAL, MONTH, QUARTER
from contracts.schemas.answers import INSTANT, AgreementQuerySchema, KnownQuerySchema
from contracts.schemas.fields import CODE, Day, TermsSchema
from contracts.terms.money import format_rate


class CoverageQuerySchema(AgreementQuerySchema, KnownQuerySchema):
    """The coverage of which quarter, as known when."""

    quarter = fields.String(required=True, validate=QUARTER)
    trust = fields.String(load_default=None, validate=CODE)


class CoverageCellSchema(TermsSchema):
    """One trust, algorithm and month; `expected` is null without a history, `deviation` a share of it."""

    trust = fields.String(required=True)
    algorithm = fields.String(required=True)
    month = fields.String(required=True, validate=MONTH)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    quantity = fields.Integer(required=True)
    expected = fields.Integer(required=True, allow_none=True)
    deviation = fields.String(required=True, allow_none=True, metadata=DECIMAL)
    working_days = fields.Integer(required=True)
    days_counted = fields.Integer(required=True)
    corrected = fields.Boolean(required=True)
    source = fields.String(required=True, allow_none=True)
    file = fields.String(required=True, allow_none=True)
    received_at = fields.String(required=True, allow_none=True, metadata=INSTANT)


class DeliveryCellSchema(TermsSchema):
    """What is to be delivered."""

    algorithm = fields.String(required=True)
    month = fields.String(required=True, validate=MONTH)
    status = fields.String(required=True)


class DeliverySchema(TermsSchema):
    """What one trust must deliver, and the people who may."""

    trust = fields.String(required=True)
    people = fields.List(fields.String(), required=True)
    cells = fields.List(fields.Nested(DeliveryCellSchema), required=True)


class CoverageSchema(TermsSchema):
    """The coverage of a period; `due` counts the cells that must be there by now."""

    period = fields.String(required=True)
    due = fields.Integer(required=True)
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    cells = fields.List(fields.Nested(CoverageCellSchema), required=True)
    deliveries = fields.List(fields.Nested(DeliverySchema), required=True)
    data_until = Day(required=True, allow_none=True)


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
