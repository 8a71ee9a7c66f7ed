"""Frozen forecasts and their scores as JSON; shares are decimals such as 0.0934, amounts strings."""

from __future__ import annotations

from marshmallow import fields, validate

from billing.projection.bands import HORIZONS
from billing.schemas.accruals import AMOUNT
from billing.schemas.answers import MONTH
from contracts.schemas.answers import AgreementQuerySchema, KnownQuerySchema
from contracts.schemas.fields import AmountText, Day, LabelText, TermsSchema, of
from contracts.terms.period import Period, previous_day


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
    later_cost = AmountText(required=True, allow_none=True, metadata=AMOUNT)


class VintageBandSchema(TermsSchema):
    """Eight of ten draws of what a period costs, and what the same activations came to; null while it is not counted."""

    horizon = fields.String(required=True, validate=validate.OneOf(HORIZONS))
    first_month = LabelText(required=True, validate=MONTH, attribute=of(lambda band: Period.month(band.period.start)))
    last_month = LabelText(
        required=True, validate=MONTH, attribute=of(lambda band: Period.month(previous_day(band.period.end)))
    )
    p10 = AmountText(required=True, attribute="low", metadata=AMOUNT)
    p90 = AmountText(required=True, attribute="high", metadata=AMOUNT)
    actual_cost = AmountText(required=True, allow_none=True, attribute="came", metadata=AMOUNT)
    inside = fields.Boolean(required=True, allow_none=True)


class BandRecordSchema(TermsSchema):
    """How many past outcomes lay within their band, and over how many."""

    horizon = fields.String(required=True, validate=validate.OneOf(HORIZONS))
    inside = fields.Integer(required=True)
    of = fields.Integer(required=True)


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
    later_cost = AmountText(required=True, metadata=AMOUNT)
    year_cost = AmountText(required=True, metadata=AMOUNT)
    bands = fields.List(fields.Nested(VintageBandSchema), required=True)
    months = fields.List(fields.Nested(VintageMonthSchema), required=True)


class VintagePageSchema(TermsSchema):
    """The frozen forecasts, newest first."""

    items = fields.List(fields.Nested(VintageSchema), required=True, attribute="listed")
    record = fields.List(fields.Nested(BandRecordSchema), required=True)
    next = fields.String(required=True, allow_none=True, attribute=of(lambda _: None))
