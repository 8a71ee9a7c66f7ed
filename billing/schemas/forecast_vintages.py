"""Frozen forecasts and their scores as JSON; shares are decimals such as 0.0934, amounts strings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow import fields, validate

from billing.projection.kept_forecasts import Vintages
from billing.schemas.accruals import AMOUNT
from billing.schemas.answers import MONTH
from contracts.schemas.answers import AgreementQuerySchema, KnownQuerySchema
from contracts.schemas.fields import Day, TermsSchema
from contracts.terms.money import format_amount


class VintageQuerySchema(AgreementQuerySchema, KnownQuerySchema):
    """Whose part of the forecasts."""

    trust = fields.String(load_default=None)


class VintageMonthSchema(TermsSchema):
    """A month of a forecast; what is not counted yet is null."""

    month = fields.String(required=True, validate=MONTH)
    expected = fields.String(required=True)
    counted = fields.Integer(required=True, allow_none=True)
    cost = fields.String(required=True, metadata=AMOUNT)
    actual_cost = fields.String(required=True, allow_none=True, metadata=AMOUNT)


class VintageSchema(TermsSchema):
    """A forecast as it was frozen, and how it has hit; shares are null while nothing of it is counted."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(("quarter_close", "month", "by_hand")))
    first_month = fields.String(required=True, validate=MONTH)
    made_on = Day(required=True)
    data_until = Day(required=True)
    sha256 = fields.String(required=True)
    scored = fields.Integer(required=True)
    wape = fields.String(required=True, allow_none=True)
    coverage = fields.String(required=True, allow_none=True)
    cost_error = fields.String(required=True, allow_none=True)
    year_cost = fields.String(required=True, metadata=AMOUNT)
    months = fields.List(fields.Nested(VintageMonthSchema), required=True)


class VintagePageSchema(TermsSchema):
    """The frozen forecasts, newest first."""

    items = fields.List(fields.Nested(VintageSchema), required=True)
    next = fields.String(required=True, allow_none=True)


def dump_vintages(found: Vintages) -> dict[str, Any]:
    """Write the frozen forecasts with their scores."""
    return {
        "items": [
            {
                "id": each.id,
                "kind": each.kind,
                "first_month": each.first_month.label(),
                "made_on": each.made_on.isoformat(),
                "data_until": each.data_until.isoformat(),
                "sha256": each.sha256,
                "scored": each.scored,
                "wape": _written(each.wape),
                "coverage": _written(each.coverage),
                "cost_error": _written(each.cost_error),
                "year_cost": format_amount(each.year_cost),
                "months": [
                    {
                        "month": one.month.label(),
                        "expected": str(one.expected),
                        "counted": one.counted,
                        "cost": format_amount(one.cost),
                        "actual_cost": None if one.actual_cost is None else format_amount(one.actual_cost),
                    }
                    for one in each.months
                ],
            }
            for each in found.listed
        ],
        "next": None,
    }


def _written(share: Decimal | None) -> str | None:
    return None if share is None else str(share)
