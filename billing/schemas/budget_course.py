"""Budgets against costs as JSON; amounts are strings in the agreement's currency, excluding VAT."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from billing.ceiling.budgets import Amounts, BudgetCourse
from billing.schemas.accruals import AMOUNT
from contracts.schemas.answers import AgreementQuerySchema, KnownQuerySchema
from contracts.schemas.fields import Day, TermsSchema
from contracts.terms.money import format_amount


class BudgetCourseQuerySchema(AgreementQuerySchema, KnownQuerySchema):
    """Which year, for whom."""

    year = fields.Integer(load_default=None, validate=validate.Range(2000, 2999))
    trust = fields.String(load_default=None)


class BudgetAmountsSchema(TermsSchema):
    """`expected` is actual + forecast + committed; `left` is the budget less it, both null where nothing is budgeted."""

    budget = fields.String(required=True, allow_none=True, metadata=AMOUNT)
    actual = fields.String(required=True, metadata=AMOUNT)
    forecast = fields.String(required=True, metadata=AMOUNT)
    committed = fields.String(required=True, metadata=AMOUNT)
    expected = fields.String(required=True, metadata=AMOUNT)
    left = fields.String(required=True, allow_none=True, metadata=AMOUNT)


class CentreCourseSchema(TermsSchema):
    """A cost centre's year; `cost_centre` is null where nobody has said where the trust books."""

    trust = fields.String(required=True)
    cost_centre = fields.String(required=True, allow_none=True)
    year = fields.Nested(BudgetAmountsSchema, required=True)
    tertials = fields.List(fields.Nested(BudgetAmountsSchema), required=True, validate=validate.Length(equal=3))
    months = fields.List(fields.Nested(BudgetAmountsSchema), required=True, validate=validate.Length(equal=12))


class BudgetCourseSchema(TermsSchema):
    """A year of budgets against what it costs; usage from `forecast_from` on is forecast."""

    year = fields.Integer(required=True)
    currency = fields.String(required=True)
    forecast_from = Day(required=True)
    data_until = Day(required=True, allow_none=True)
    total = fields.Nested(BudgetAmountsSchema, required=True)
    tertials = fields.List(fields.Nested(BudgetAmountsSchema), required=True, validate=validate.Length(equal=3))
    centres = fields.List(fields.Nested(CentreCourseSchema), required=True)


def dump_budget_course(found: BudgetCourse) -> dict[str, Any]:
    """Write a year of budgets."""
    return {
        "year": found.year.start.year,
        "currency": found.agreement.term.currency,
        "forecast_from": found.actual_until.isoformat(),
        "data_until": None if found.data_until is None else found.data_until.isoformat(),
        "total": _amounts(found.whole),
        "tertials": [_amounts(each) for each in found.tertials],
        "centres": [
            {
                "trust": centre.trust,
                "cost_centre": centre.cost_centre,
                "year": _amounts(centre.year),
                "tertials": [_amounts(each) for each in centre.tertials],
                "months": [_amounts(each) for each in centre.months],
            }
            for centre in found.centres
        ],
    }


def _amounts(one: Amounts) -> dict[str, Any]:
    return {
        "budget": None if one.budget is None else format_amount(one.budget),
        "actual": format_amount(one.actual),
        "forecast": format_amount(one.forecast),
        "committed": format_amount(one.committed),
        "expected": format_amount(one.expected),
        "left": None if one.left is None else format_amount(one.left),
    }
