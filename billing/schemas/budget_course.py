"""Budgets against costs as JSON; amounts are strings in the agreement's currency, excluding VAT."""

from __future__ import annotations

from marshmallow import fields, validate

from billing.schemas.accruals import AMOUNT
from billing.schemas.figures import FigureSchema
from contracts.schemas.answers import AgreementQuerySchema, KnownQuerySchema
from contracts.schemas.fields import AmountText, Day, TermsSchema, of


class BudgetCourseQuerySchema(AgreementQuerySchema, KnownQuerySchema):
    """Which year, for whom."""

    year = fields.Integer(load_default=None, validate=validate.Range(2000, 2999))
    trust = fields.String(load_default=None)


class BudgetAmountsSchema(TermsSchema):
    """`expected` is actual + forecast + committed; `left` is the budget less it, both null where nothing is budgeted."""

    budget = AmountText(required=True, allow_none=True, metadata=AMOUNT)
    actual = AmountText(required=True, metadata=AMOUNT)
    forecast = AmountText(required=True, metadata=AMOUNT)
    committed = AmountText(required=True, metadata=AMOUNT)
    expected = AmountText(required=True, metadata=AMOUNT)
    left = AmountText(required=True, allow_none=True, metadata=AMOUNT)


class CentreCourseSchema(TermsSchema):
    """A cost centre's year; `cost_centre` is null where nobody has said where the trust books."""

    trust = fields.String(required=True)
    cost_centre = fields.String(required=True, allow_none=True)
    year = fields.Nested(BudgetAmountsSchema, required=True)
    tertials = fields.List(fields.Nested(BudgetAmountsSchema), required=True, validate=validate.Length(equal=3))
    months = fields.List(fields.Nested(BudgetAmountsSchema), required=True, validate=validate.Length(equal=12))


class BudgetCourseSchema(TermsSchema):
    """A year of budgets against what it costs; usage from `forecast_from` on is forecast."""

    year = fields.Integer(required=True, attribute="year.start.year")
    currency = fields.String(required=True, attribute="agreement.term.currency")
    forecast_from = Day(required=True, attribute="actual_until")
    data_until = Day(required=True, allow_none=True)
    total = fields.Nested(BudgetAmountsSchema, required=True, attribute="whole")
    tertials = fields.List(fields.Nested(BudgetAmountsSchema), required=True, validate=validate.Length(equal=3))
    centres = fields.List(fields.Nested(CentreCourseSchema), required=True)
    figures = fields.List(fields.Nested(FigureSchema), required=True, attribute=of(lambda found: found.figures()))
