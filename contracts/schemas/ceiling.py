"""The ceiling as the API writes and reads it: its figures, its levels, what is foreseen, when an overrun became known, the ledger."""

from __future__ import annotations

from marshmallow import fields

from contracts.schemas.answers import INSTANT, MoneySchema, PageSchema
from contracts.schemas.fields import Day, Number, TermsSchema, Text


class CeilingEntrySchema(TermsSchema):
    """An entry of the ledger: what a source knew from `known_at` on, and what that changed."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True)
    source = fields.String(required=True)
    amount = fields.Nested(MoneySchema, required=True)
    change = fields.Nested(MoneySchema, required=True)
    known_at = fields.String(required=True, metadata=INSTANT)
    by = fields.String(required=True)


class CeilingEntryPageSchema(PageSchema):
    """Entries of the ledger in the order in which they became known."""

    items = fields.List(fields.Nested(CeilingEntrySchema), required=True)


class LevelDaysSchema(TermsSchema):
    """The days by which 10, 50 and 90 % of draws reach a level (null: not before the end); the share that never does."""

    p10 = Day(required=True, allow_none=True)
    p50 = Day(required=True, allow_none=True)
    p90 = Day(required=True, allow_none=True)
    never = fields.String(required=True)


class CeilingLevelSchema(TermsSchema):
    """A level in per cent of the maximum: since when what is used, and the forecast's P50, are known to have reached it."""

    level = fields.Integer(required=True)
    used_known_at = fields.String(required=True, allow_none=True, metadata=INSTANT)
    forecast_known_at = fields.String(required=True, allow_none=True, metadata=INSTANT)
    reached = fields.Nested(LevelDaysSchema, required=True, allow_none=True)


class CeilingForecastSchema(TermsSchema):
    """What is foreseen to be spent by `until` (the first day after), of what runs and what is approved."""

    until = Day(required=True)
    spent = fields.Nested(MoneySchema, required=True)
    p10 = fields.Nested(MoneySchema, required=True)
    p50 = fields.Nested(MoneySchema, required=True)
    p90 = fields.Nested(MoneySchema, required=True)
    known_at = fields.String(required=True, metadata=INSTANT)


class OverrunSchema(TermsSchema):
    """The first instant at which a figure (`used`, `forecast`) exceeded the maximum known then, and the entry that did it."""

    figure = fields.String(required=True)
    known_at = fields.String(required=True, metadata=INSTANT)
    amount = fields.Nested(MoneySchema, required=True)
    maximum = fields.Nested(MoneySchema, required=True)
    entry = fields.Nested(CeilingEntrySchema, required=True, allow_none=True)


class CeilingSchema(TermsSchema):
    """The ceiling's figures, without VAT; `headroom` is null where no maximum value is known."""

    maximum = fields.Nested(MoneySchema, required=True, allow_none=True)
    opening = fields.Nested(MoneySchema, required=True)
    invoiced = fields.Nested(MoneySchema, required=True)
    accrued = fields.Nested(MoneySchema, required=True)
    committed = fields.Nested(MoneySchema, required=True)
    used = fields.Nested(MoneySchema, required=True)
    open = fields.Nested(MoneySchema, required=True)
    headroom = fields.Nested(MoneySchema, required=True, allow_none=True)
    forecast = fields.Nested(CeilingForecastSchema, required=True, allow_none=True)
    levels = fields.List(fields.Nested(CeilingLevelSchema), required=True)
    overrun = fields.List(fields.Nested(OverrunSchema), required=True)


class TakenOverSchema(TermsSchema):
    """What was used of the maximum value before the agreement was taken over, and where that amount is from."""

    amount = Number(2, required=True)
    reference = Text(required=True)
