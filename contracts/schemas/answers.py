"""The shapes that the API answers with for this half, and the query parameters it reads.

One declaration describes and writes: `Schema.dump` of the use case's value.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

from contracts.schemas.agreement import (
    AlgorithmSchema,
    ExtensionSchema,
    OptionHolderSchema,
    PartySchema,
    PayerStepSchema,
)
from contracts.schemas.fields import CODE, Amount, Day, Number, TermsSchema, of
from contracts.schemas.price_book import ActivationSchema, AgreementTermSchema, PriceBookSchema
from contracts.terms.agreement import OPTION_STATES

LARGEST_PAGE = 500
USUAL_PAGE = 100
INSTANT = {"format": "date-time"}
YEARS = range(1900, 3000)


class Instant(fields.AwareDateTime):
    """An instant in ISO form with its time zone, of the years 1900 to 2999."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("iso", **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        instant: datetime = super()._deserialize(value, attr, data, **kwargs)
        if instant.year not in YEARS:
            raise ValidationError("out_of_range: Years run from 1900 to 2999.")
        return instant.astimezone(UTC)


class ProblemErrorSchema(TermsSchema):
    """One error of an invalid input, with its JSON pointer."""

    pointer = fields.String(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)
    row = fields.Integer(metadata={"description": "In a file: the line, the header is 1."})
    column = fields.String(allow_none=True, metadata={"description": "In a file: the header's name of the column."})


class ProblemSchema(TermsSchema):
    """A problem document (RFC 9457); it may have further members, such as `result`."""

    class Meta:
        unknown = "include"

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)
    errors = fields.List(fields.Nested(ProblemErrorSchema))


class MoneySchema(TermsSchema):
    """An amount as a string with two decimals, and its currency."""

    amount = Amount(2, required=True)
    currency = fields.String(required=True)


def money(name: str) -> Any:
    """Write as a field's ``attribute`` an amount of an object that has its currency beside it."""
    return of(lambda one: None if (it := getattr(one, name)) is None else {"amount": it, "currency": one.currency})


class PeriodSchema(TermsSchema):
    """Days from the first one up to, and not including, the last one."""

    start = Day(required=True, data_key="from")
    end = Day(required=True, data_key="to")


class AgreementQuerySchema(TermsSchema):
    """Which agreement."""

    agreement = fields.String(
        load_default=None,
        validate=CODE,
        metadata={"description": "The agreement's code; needed where there are several."},
    )


class ListQuerySchema(TermsSchema):
    """Which part of a listing."""

    after = fields.String(
        load_default=None, validate=validate.Length(max=500), metadata={"description": "The `next` of the page before."}
    )
    limit = fields.Integer(load_default=USUAL_PAGE, validate=validate.Range(1, LARGEST_PAGE))


class PageQuerySchema(AgreementQuerySchema, ListQuerySchema):
    """Which agreement, and which part of a listing."""


class KnownQuerySchema(TermsSchema):
    """As known when."""

    known_at = Instant(
        load_default=None,
        metadata={"description": "Only what was recorded by this instant counts (with its time zone)."},
    )


class PageSchema(TermsSchema):
    """A part of a listing; `next` is null at its end."""

    next = fields.String(required=True, allow_none=True)


class AgreementSummarySchema(TermsSchema):
    """An agreement's identity and terms; `end` is the first day after it, extensions taken up included."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    reference = fields.String(required=True)
    example = fields.Boolean(required=True)
    buyer = fields.Nested(PartySchema, required=True)
    vendor = fields.Nested(PartySchema, required=True)
    start = Day(required=True)
    end = Day(required=True)
    currency = fields.String(required=True)
    estimated_value = fields.Nested(MoneySchema, required=True, allow_none=True)
    maximum_value = fields.Nested(MoneySchema, required=True, allow_none=True)
    vat_rate = fields.String(required=True)
    payment_days = fields.Integer(required=True)
    recorded_at = fields.String(required=True, metadata=INSTANT)


class AgreementPageSchema(PageSchema):
    """Agreements, oldest record first."""

    items = fields.List(fields.Nested(AgreementSummarySchema), required=True)


class AgreementAnswerSchema(TermsSchema):
    """The agreement document, as `agreement import` reads and `agreement export` writes it."""

    code = fields.String(required=True, validate=CODE)
    name = fields.String(required=True, validate=validate.Length(min=1, max=200))
    reference = fields.String(required=True, validate=validate.Length(min=1, max=200))
    example = fields.Boolean()
    buyer = fields.Nested(PartySchema, required=True)
    vendor = fields.Nested(PartySchema, required=True)
    agreement = fields.Nested(AgreementTermSchema, required=True)
    extensions = fields.List(fields.Nested(ExtensionSchema))
    estimated_value = Number(2, allow_none=True)
    maximum_value = Number(2, allow_none=True)
    vat_rate = Number(4)
    payment_days = fields.Integer(validate=validate.Range(0, 365))
    option_holders = fields.List(fields.Nested(OptionHolderSchema), required=True)
    algorithms = fields.List(fields.Nested(AlgorithmSchema), required=True)
    price_book = fields.Nested(PriceBookSchema, required=True)
    activations = fields.List(fields.Nested(ActivationSchema), required=True)
    payer = fields.List(fields.Nested(PayerStepSchema))


class ImportedAgreementSchema(TermsSchema):
    """What an import did."""

    agreement = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("imported", "already_imported")))


class TrustPageSchema(PageSchema):
    """The trusts on the agreement's closed list of option holders."""

    items = fields.List(fields.Nested(PartySchema), required=True)


class AlgorithmPageSchema(PageSchema):
    """The algorithms on the agreement's marketplace list."""

    items = fields.List(fields.Nested(AlgorithmSchema), required=True)


class OptionItemSchema(TermsSchema):
    """An option or an activation with its state."""

    id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(("option", "activation")))
    trust = fields.String(required=True)
    algorithm = fields.String(required=True, allow_none=True)
    state = fields.String(required=True, metadata={"description": f"Of an option: {', '.join(OPTION_STATES)}."})
    deadline = Day(required=True, allow_none=True)


class OptionPageSchema(PageSchema):
    """Options, then activations."""

    items = fields.List(fields.Nested(OptionItemSchema), required=True)
