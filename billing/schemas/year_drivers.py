"""Why the next year costs something else, as JSON; amounts are strings in the agreement's currency."""

from __future__ import annotations

from decimal import Decimal

from marshmallow import fields, validate

from billing.forecasting.drivers import DRIVERS
from billing.schemas.accruals import AMOUNT
from billing.schemas.projections import YEARLY
from contracts.schemas.answers import AgreementQuerySchema, KnownQuerySchema
from contracts.schemas.fields import AmountText, Day, Number, RateText, TermsSchema, of
from contracts.terms.money import RATE_DECIMALS, kroner


class DriverQuerySchema(AgreementQuerySchema, KnownQuerySchema):
    """Which year, for whom, and what is assumed of what lies ahead."""

    year = fields.Integer(
        load_default=None,
        validate=validate.Range(2000, 2999),
        metadata={"description": "The year that is explained from the one before it; left out, the next one."},
    )
    trust = fields.String(load_default=None)
    as_of = Day(load_default=None, metadata={"description": "From this day on usage is forecast."})
    growth = Number(RATE_DECIMALS, load_default=Decimal(0), validate=YEARLY)
    index = Number(RATE_DECIMALS, load_default=Decimal(0), validate=YEARLY)


class DriverSchema(TermsSchema):
    """One step, in the fixed order."""

    driver = fields.String(required=True, validate=validate.OneOf(DRIVERS))
    amount = AmountText(required=True, metadata=AMOUNT)


class DriverStepsSchema(TermsSchema):
    """From the last year's cost to the next year's; the steps sum to the difference."""

    last = AmountText(required=True, metadata=AMOUNT, attribute=of(lambda each: kroner(each.drivers.last_ore)))
    steps = fields.List(
        fields.Nested(DriverSchema),
        required=True,
        attribute=of(
            lambda each: [{"driver": name, "amount": amount} for name, amount in each.drivers.amounts().items()]
        ),
    )
    next = AmountText(required=True, metadata=AMOUNT, attribute=of(lambda each: kroner(each.drivers.next_ore)))


class _TrustSchema(TermsSchema):
    trust = fields.String(required=True, allow_none=True)


class TrustDriversSchema(DriverStepsSchema, _TrustSchema):
    """The same of one trust; null is what stands on the agreement."""


class _YearSchema(TermsSchema):
    year = fields.Integer(required=True, attribute="coming.start.year")
    currency = fields.String(required=True, attribute="agreement.term.currency")
    as_of = Day(required=True)
    data_until = Day(required=True, allow_none=True)
    growth = RateText(required=True, attribute="annual_growth")
    index = RateText(required=True, attribute="annual_index")
    examinations = fields.List(fields.Integer(), required=True, validate=validate.Length(equal=2))


class YearDriversSchema(DriverStepsSchema, _YearSchema):
    """Why a year costs something else than the one before; `by_trust` sums to it, step by step."""

    by_trust = fields.List(fields.Nested(TrustDriversSchema), required=True)
