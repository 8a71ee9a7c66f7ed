"""Coverage on the wire: what `usage coverage --json` prints and the API answers."""

from __future__ import annotations

from marshmallow import fields, validate

from billing.quarters.coverage import STATUSES
from billing.schemas.answers import DECIMAL, MONTH, QUARTER
from contracts.schemas.answers import INSTANT, AgreementQuerySchema, KnownQuerySchema
from contracts.schemas.fields import CODE, Day, IsoText, LabelText, RateText, TermsSchema, of


class CoverageQuerySchema(AgreementQuerySchema, KnownQuerySchema):
    """The coverage of which quarter, as known when."""

    quarter = fields.String(required=True, validate=QUARTER)
    trust = fields.String(load_default=None, validate=CODE)


class CoverageCellSchema(TermsSchema):
    """One trust, algorithm and month; `expected` is null without a history, `deviation` a share of it."""

    trust = fields.String(required=True)
    algorithm = fields.String(required=True)
    month = LabelText(required=True, validate=MONTH)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    quantity = fields.Integer(required=True)
    expected = fields.Integer(required=True, allow_none=True)
    deviation = RateText(required=True, allow_none=True, metadata=DECIMAL)
    working_days = fields.Integer(required=True)
    days_counted = fields.Integer(required=True)
    corrected = fields.Boolean(required=True)
    source = fields.String(required=True, allow_none=True)
    file = fields.String(required=True, allow_none=True, attribute="filename")
    received_at = IsoText(required=True, allow_none=True, metadata=INSTANT)


class DeliveryCellSchema(TermsSchema):
    """What is to be delivered."""

    algorithm = fields.String(required=True)
    month = LabelText(required=True, validate=MONTH)
    status = fields.String(required=True)


class DeliverySchema(TermsSchema):
    """What one trust must deliver, and the people who may."""

    trust = fields.String(required=True)
    people = fields.List(fields.String(), required=True)
    cells = fields.List(fields.Nested(DeliveryCellSchema), required=True)


class CoverageSchema(TermsSchema):
    """The coverage of a period; `due` counts the cells that must be there by now."""

    period = LabelText(required=True)
    due = fields.Integer(required=True)
    counts = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        attribute=of(lambda coverage: {status: coverage.count(status) for status in STATUSES}),
    )
    cells = fields.List(fields.Nested(CoverageCellSchema), required=True)
    deliveries = fields.List(fields.Nested(DeliverySchema), required=True)
    data_until = Day(required=True, allow_none=True)
