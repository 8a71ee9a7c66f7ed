"""Frozen forecasts and their scores as JSON; shares are decimals such as 0.0934, amounts strings."""

from __future__ import annotations

from marshmallow import fields, validate

from billing.schemas.accruals import AMOUNT
from billing.schemas.answers import MONTH
from contracts.schemas.answers import AgreementQuerySchema, KnownQuerySchema
from contracts.schemas.fields import AmountText, Day, LabelText, TermsSchema, of


class VintageQuerySchema(AgreementQuerySchema, KnownQuerySchema):
    """Whose part of the forecasts."""

    trust = fields.String(load_default=None)


class VintageMonthSchema(TermsSchema):
    """A month of a forecast; what is not counted yet is null."""

    month = LabelText(required=True, validate=MONTH)
    expected = fields.String(required=True)
    counted = fields.Integer(required=True, allow_none=True)
    cost = AmountText(required=True, metadata=AMOUNT)
    actual_cost = AmountText(required=True, allow_none=True, metadata=AMOUNT)


class VintageSchema(TermsSchema):
    """A forecast as it was frozen, and how it has hit; shares are null while nothing of it is counted."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(("quarter_close", "month", "by_hand")))
    first_month = LabelText(required=True, validate=MONTH)
    made_on = Day(required=True)
    data_until = Day(required=True)
    sha256 = fields.String(required=True)
    scored = fields.Integer(required=True)
    wape = fields.String(required=True, allow_none=True)
    coverage = fields.String(required=True, allow_none=True)
    cost_error = fields.String(required=True, allow_none=True)
    year_cost = AmountText(required=True, metadata=AMOUNT)
    months = fields.List(fields.Nested(VintageMonthSchema), required=True)


class VintagePageSchema(TermsSchema):
    """The frozen forecasts, newest first."""

    items = fields.List(fields.Nested(VintageSchema), required=True, attribute="listed")
    next = fields.String(required=True, allow_none=True, attribute=of(lambda _: None))
