"""The shapes that the API answers with for this half, and the query parameters it reads.

One declaration describes and writes: `Schema.dump` of the use case's value.
"""

from __future__ import annotations

from typing import get_args

from marshmallow import fields, validate

from billing.rating.lines import Kind, Why
from contracts.schemas.answers import (
    INSTANT,
    AgreementQuerySchema,
    KnownQuerySchema,
    PageQuerySchema,
    PageSchema,
    PeriodSchema,
)
from contracts.schemas.fields import (
    CODE,
    AmountText,
    Choice,
    Day,
    IsoText,
    LabelText,
    PriceText,
    RateText,
    TermsSchema,
    Text,
    Whole,
    Written,
    of,
)
from contracts.schemas.price_book import (
    ActivationSchema,
    AgreementTermSchema,
    ConventionsSchema,
    IndexAdjustmentSchema,
    PriceBookSchema,
)

QUARTER = Written(r"^(19|20|21)[0-9]{2}-Q[1-4]$", error="not_a_quarter: A quarter such as 2026-Q3.")
MONTH = Written(r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$")
LINE_ID = Written(r"^[0-9a-f]{16}$")
DECIMAL = {"pattern": r"^-?[0-9]+(\.[0-9]+)?$"}


class UsageSchema(TermsSchema):
    """Examinations of one activation on one day; a correction is signed."""

    trust = Text(required=True)
    algorithm = Text(required=True)
    on = Day(required=True)
    quantity = Whole(required=True)


class PriceRequestSchema(TermsSchema):
    """A price request."""

    agreement = fields.Nested(AgreementTermSchema, required=True)
    period = fields.Nested(PeriodSchema, required=True)
    price_book = fields.Nested(PriceBookSchema, required=True)
    activations = fields.List(fields.Nested(ActivationSchema), required=True)
    usage = fields.List(fields.Nested(UsageSchema), required=True)


class LineSchema(TermsSchema):
    """A line of a rating: one quantity at one price with one discount, rounded as an EHF invoice line is."""

    charge = fields.String(required=True)
    kind = Choice(get_args(Kind), required=True)
    clause = fields.String(required=True)
    trust = fields.String(required=True, allow_none=True)
    algorithm = fields.String(required=True, allow_none=True)
    period = fields.Nested(PeriodSchema, required=True)
    tier = fields.Integer(required=True, allow_none=True)
    phase = fields.Integer(required=True, allow_none=True)
    quantity = fields.Integer(required=True, allow_none=True)
    unit_price = PriceText(required=True, allow_none=True, metadata=DECIMAL)
    gross = AmountText(required=True, metadata=DECIMAL)
    discount_rate = RateText(required=True, metadata=DECIMAL)
    discount = AmountText(required=True, metadata=DECIMAL)
    net = AmountText(required=True, metadata=DECIMAL)
    why = fields.String(
        required=True, allow_none=True, metadata={"description": f"Null, or {', '.join(get_args(Why))}."}
    )
    reprices = fields.Nested(PeriodSchema, required=True, allow_none=True)


class ExcludedSchema(UsageSchema):
    """Examinations that are not billable."""

    reason = fields.String(required=True, validate=validate.OneOf(("validation",)))


class PositionSchema(TermsSchema):
    """Where a counter stands."""

    charge = fields.String(required=True)
    scope = fields.String(required=True)
    trust = fields.String(required=True, allow_none=True)
    algorithm = fields.String(required=True, allow_none=True)
    window = fields.Nested(PeriodSchema, required=True)
    position = fields.Integer(required=True)
    next_tier_at = fields.Integer(required=True, allow_none=True)


class PriceAnswerSchema(TermsSchema):
    """The answer to a price request; `total` is the sum of the rounded lines."""

    currency = fields.String(required=True)
    total = AmountText(required=True, metadata=DECIMAL)
    lines = fields.List(fields.Nested(LineSchema), required=True)
    excluded = fields.List(fields.Nested(ExcludedSchema), required=True)
    positions = fields.List(fields.Nested(PositionSchema), required=True)


class ChargeQuerySchema(AgreementQuerySchema, KnownQuerySchema):
    """Whose charges of which quarter, as known when."""

    quarter = fields.String(required=True, validate=QUARTER)
    trust = fields.String(load_default=None, validate=CODE)


class _LineIdSchema(TermsSchema):
    id = fields.String(required=True, validate=LINE_ID)


class ChargeSchema(LineSchema, _LineIdSchema):
    """An expected charge line with its stable id."""


class ChargesSchema(TermsSchema):
    """The expected charges of a quarter."""

    quarter = LabelText(required=True, attribute="period")
    total = AmountText(required=True, metadata=DECIMAL)
    lines = fields.List(fields.Nested(ChargeSchema), required=True)


class ExplanationQuerySchema(AgreementQuerySchema, KnownQuerySchema):
    """Where to look for the line, as known when."""

    quarter = fields.String(
        load_default=None, validate=QUARTER, metadata={"description": "Where to look; left out: the whole term."}
    )


class ExplainedTierSchema(TermsSchema):
    """A tier as agreed: the units after `above` up to and including `up_to`."""

    number = fields.Integer(required=True)
    above = fields.Integer(required=True, attribute=of(lambda tier: tier.first - 1))
    up_to = fields.Integer(required=True, allow_none=True, attribute="last")
    unit_price = PriceText(required=True, metadata=DECIMAL)
    flat_fee = AmountText(required=True, metadata=DECIMAL)


class ExplainedPhaseSchema(TermsSchema):
    """A phase of a ramp with its days (null where it is counted in units)."""

    number = fields.Integer(required=True)
    months = fields.Integer(required=True, allow_none=True, attribute="phase.months")
    units = fields.Integer(required=True, allow_none=True, attribute="phase.units")
    discount = RateText(required=True, metadata=DECIMAL, attribute="phase.discount")
    start = Day(required=True, allow_none=True, data_key="from", attribute="since")
    end = Day(required=True, allow_none=True, data_key="to", attribute="until")
    current = fields.Boolean(required=True)


class ExplainedRampSchema(TermsSchema):
    """The ramp of the line's activation."""

    go_live = Day(required=True)
    month = fields.Integer(required=True, allow_none=True)
    months = fields.Integer(required=True, allow_none=True)
    counts_towards_tiers = fields.Boolean(required=True)
    phases = fields.List(fields.Nested(ExplainedPhaseSchema), required=True)


class ExplainedCounterSchema(TermsSchema):
    """What decides the tier."""

    scope = fields.String(required=True)
    window = fields.Nested(PeriodSchema, required=True)
    before = fields.Integer(required=True, allow_none=True)
    units = fields.Integer(required=True, allow_none=True)
    after = fields.Integer(required=True, allow_none=True)
    next_tier_at = fields.Integer(required=True, allow_none=True)


class ExplainedIntervalSchema(TermsSchema):
    """The interval of a fixed charge, the day it fell due, and the live days where it is prorated."""

    interval = fields.Nested(PeriodSchema, required=True)
    due = Day(required=True)
    live_days = fields.Integer(required=True, allow_none=True)


class ExplainedOneMoreSchema(TermsSchema):
    """What one more examination would add to the pricing period: for the trust, and for all (null within one trust)."""

    on = Day(required=True)
    trust = AmountText(required=True, metadata=DECIMAL)
    agreement = AmountText(required=True, allow_none=True, metadata=DECIMAL)


class ExplainedPoolingWindowSchema(TermsSchema):
    """The same comparison from the start of the counting window to the pricing period's end."""

    start = Day(required=True, data_key="from", attribute="window.start")
    end = Day(required=True, data_key="to", attribute="window.end")
    pooled = AmountText(required=True, metadata=DECIMAL, attribute="pooled_in_window")
    alone = AmountText(required=True, metadata=DECIMAL, attribute="alone_in_window")
    saved = AmountText(required=True, metadata=DECIMAL, attribute="saved_in_window")


class ExplainedPoolingSchema(TermsSchema):
    """What the charge costs the trust in the pool, what it would cost with its own units alone, and the difference."""

    pooled = AmountText(required=True, metadata=DECIMAL)
    alone = AmountText(required=True, metadata=DECIMAL)
    saved = AmountText(required=True, metadata=DECIMAL)
    window = fields.Nested(ExplainedPoolingWindowSchema, required=True, attribute=of(lambda pooling: pooling))


class ExplainedDaySchema(TermsSchema):
    """The examinations of one day."""

    on = Day(required=True)
    quantity = fields.Integer(required=True)
    billable = fields.Boolean(required=True)


class ExplainedVersionSchema(TermsSchema):
    """The price version the line rests on."""

    valid_from = Day(required=True)
    clause = fields.String(required=True)


class ExplanationSchema(TermsSchema):
    """Why a charge line is what it is: the line, its siblings, and every term they rest on."""

    id = fields.String(required=True, validate=LINE_ID, attribute="line.id")
    total = AmountText(required=True, metadata=DECIMAL)
    gross = AmountText(required=True, metadata=DECIMAL)
    discount = AmountText(required=True, metadata=DECIMAL)
    line = fields.Nested(ChargeSchema, required=True)
    lines = fields.List(fields.Nested(ChargeSchema), required=True)
    version = fields.Nested(ExplainedVersionSchema, required=True)
    conventions = fields.Nested(ConventionsSchema, required=True)
    tiers = fields.List(fields.Nested(ExplainedTierSchema), required=True)
    index_adjustments = fields.List(fields.Nested(IndexAdjustmentSchema), required=True, attribute="adjustments")
    ramp_up = fields.Nested(ExplainedRampSchema, required=True, allow_none=True, attribute="ramp")
    counter = fields.Nested(ExplainedCounterSchema, required=True, allow_none=True)
    interval = fields.Nested(ExplainedIntervalSchema, required=True, allow_none=True)
    one_more = fields.Nested(ExplainedOneMoreSchema, required=True, allow_none=True)
    pooling = fields.Nested(ExplainedPoolingSchema, required=True, allow_none=True)
    usage = fields.List(fields.Nested(ExplainedDaySchema), required=True)
    data_until = Day(required=True, allow_none=True)
    known_at = IsoText(required=True, allow_none=True, metadata=INSTANT)


class SpreadSchema(TermsSchema):
    """A cost in kroner: its 10th, 50th and 90th percentile and its mean; all equal where nothing is drawn."""

    p10 = fields.String(required=True, metadata=DECIMAL)
    p50 = fields.String(required=True, metadata=DECIMAL)
    p90 = fields.String(required=True, metadata=DECIMAL)
    mean = fields.String(required=True, metadata=DECIMAL)


class ProjectedMonthSchema(SpreadSchema):
    """A month's cost, at list price and with the ramp's discount; months after the agreement's end are marked."""

    month = fields.String(required=True, validate=MONTH)
    p25 = fields.String(required=True, metadata=DECIMAL)
    p75 = fields.String(required=True, metadata=DECIMAL)
    list_price = fields.String(required=True, metadata=DECIMAL)
    discount = fields.String(required=True, metadata=DECIMAL)
    after_end = fields.Boolean(required=True)


class CourseSchema(TermsSchema):
    """A course of cost."""

    months = fields.List(fields.Nested(ProjectedMonthSchema), required=True)
    total = fields.Nested(SpreadSchema, required=True)
    first_year = fields.Nested(SpreadSchema, required=True)


class TrustCostSchema(TermsSchema):
    """What falls on a trust; `others` marks all others together, for readers within one trust."""

    trust = fields.String(required=True, allow_none=True)
    others = fields.Boolean()
    total = fields.Nested(SpreadSchema, required=True)


class AlgorithmCostSchema(TermsSchema):
    """What falls on an algorithm, or (null) on none."""

    algorithm = fields.String(required=True, allow_none=True)
    total = fields.Nested(SpreadSchema, required=True)


class MarginalSchema(CourseSchema):
    """What the planned activations add; `by_trust` where a reader of all trusts asked and something was drawn."""

    by_trust = fields.List(fields.Nested(TrustCostSchema))


class ProjectionSchema(TermsSchema):
    """The answer to a scenario; `marginal` is with the planned activations less without them."""

    months = fields.List(fields.Nested(ProjectedMonthSchema), required=True)
    total = fields.Nested(SpreadSchema, required=True)
    by_trust = fields.List(fields.Nested(TrustCostSchema), required=True)
    by_algorithm = fields.List(fields.Nested(AlgorithmCostSchema), required=True)
    without = fields.Nested(CourseSchema, required=True)
    marginal = fields.Nested(MarginalSchema, required=True)
    ceiling = fields.Dict(required=True, allow_none=True)
    peak_month = fields.String(required=True, allow_none=True)
    assumptions = fields.Dict(required=True)
    price_version = Day(required=True, allow_none=True)
    seed = fields.Integer(required=True)
    order = fields.List(fields.Dict())
    order_gap = fields.String()
    largest_rise = fields.String()
    largest_rise_at_once = fields.String()


class ImportQuerySchema(AgreementQuerySchema):
    """Whose usage, and whether to check it only."""

    dry_run = fields.String(load_default="false", validate=validate.OneOf(("true", "false")))
    source = fields.String(
        load_default=None,
        validate=validate.Length(1, 100),
        metadata={"description": "A saved reading to read the file by."},
    )


class RowErrorSchema(TermsSchema):
    """What is wrong in one row of a file; the header is row 1."""

    row = fields.Integer(required=True)
    column = fields.String(required=True, allow_none=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)


class UsageImportSchema(TermsSchema):
    """What an import did."""

    id = fields.Integer(required=True, allow_none=True, data_key="import")
    status = fields.String(
        required=True, validate=validate.OneOf(("imported", "already_imported", "checked", "refused"))
    )
    rows = fields.Integer(required=True)
    accepted = fields.Integer(required=True)
    duplicates = fields.Integer(required=True)
    not_billable = fields.Integer(required=True)
    errors = fields.List(fields.Nested(RowErrorSchema), required=True)


class UsageQuerySchema(PageQuerySchema):
    """Which daily counts."""

    trust = fields.String(load_default=None, validate=CODE)
    algorithm = fields.String(load_default=None, validate=CODE)
    from_on = Day(load_default=None, data_key="from", metadata={"description": "The first day."})
    to_on = Day(load_default=None, data_key="to", metadata={"description": "The first day after."})


class CellSchema(UsageSchema):
    """A day's count of one algorithm at one trust; `etag` is what a correction sends as If-Match."""

    etag = fields.String(required=True)


class CellPageSchema(PageSchema):
    """Daily counts by day, trust and algorithm."""

    items = fields.List(fields.Nested(CellSchema), required=True)


ENTRY_SOURCES = ("daily", "monthly", "events", "correction", "opening", "reversal")


class EntrySchema(TermsSchema):
    """One of the signed entries that a day's count is the sum of."""

    quantity = fields.Integer(required=True)
    source = fields.String(required=True, validate=validate.OneOf(ENTRY_SOURCES))
    import_id = fields.Integer(required=True, allow_none=True, data_key="import")
    reason = fields.String(required=True, allow_none=True)
    recorded_at = IsoText(required=True, metadata=INSTANT)
    recorded_by = fields.String(required=True)


class CellWithEntriesSchema(CellSchema):
    """A day's count with its entries, oldest first."""

    entries = fields.List(fields.Nested(EntrySchema), required=True)
