"""Why the next year costs something else, as JSON; amounts are strings in the agreement's currency."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow import fields, validate

from billing.forecasting.drivers import DRIVERS, Drivers
from billing.projection.year_drivers import YearDrivers
from billing.schemas.accruals import AMOUNT
from billing.schemas.projections import YEARLY
from contracts.schemas.answers import AgreementQuerySchema, KnownQuerySchema
from contracts.schemas.fields import Day, Number, TermsSchema
from contracts.terms.money import RATE_DECIMALS, format_amount, format_rate, kroner


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
    amount = fields.String(required=True, metadata=AMOUNT)


class DriverStepsSchema(TermsSchema):
    """From the last year's cost to the next year's; the steps sum to the difference."""

    last = fields.String(required=True, metadata=AMOUNT)
    steps = fields.List(fields.Nested(DriverSchema), required=True)
    next = fields.String(required=True, metadata=AMOUNT)


class TrustDriversSchema(DriverStepsSchema):
    """The same of one trust; null is what stands on the agreement."""

    trust = fields.String(required=True, allow_none=True)


class YearDriversSchema(DriverStepsSchema):
    """Why a year costs something else than the one before; `by_trust` sums to it, step by step."""

    year = fields.Integer(required=True)
    currency = fields.String(required=True)
    as_of = Day(required=True)
    data_until = Day(required=True, allow_none=True)
    growth = fields.String(required=True)
    index = fields.String(required=True)
    examinations = fields.List(fields.Integer(), required=True, validate=validate.Length(equal=2))
    by_trust = fields.List(fields.Nested(TrustDriversSchema), required=True)


def dump_year_drivers(found: YearDrivers) -> dict[str, Any]:
    """Write the steps of a year, of all together and by trust."""
    return {
        "year": found.coming.start.year,
        "currency": found.agreement.term.currency,
        "as_of": found.as_of.isoformat(),
        "data_until": None if found.data_until is None else found.data_until.isoformat(),
        "growth": format_rate(found.annual_growth),
        "index": format_rate(found.annual_index),
        "examinations": list(found.examinations),
        **_dump(found.drivers),
        "by_trust": [{"trust": each.trust, **_dump(each.drivers)} for each in found.by_trust],
    }


def _dump(drivers: Drivers) -> dict[str, Any]:
    return {
        "last": format_amount(kroner(drivers.last_ore)),
        "steps": [{"driver": name, "amount": format_amount(amount)} for name, amount in drivers.amounts().items()],
        "next": format_amount(kroner(drivers.next_ore)),
    }
