"""Closed quarters on the wire: what `quarter close --json` prints and the API answers."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from billing.quarters.closing import LONGEST_REASON, Closed, QuarterReport, QuarterState
from billing.quarters.later import CAUSES
from billing.schemas.answers import DECIMAL, LINE_ID, MONTH, ChargeSchema
from billing.schemas.coverage import CoverageCellSchema
from contracts.schemas.answers import INSTANT, AgreementQuerySchema, KnownQuerySchema, PeriodSchema
from contracts.schemas.fields import AmountText, Day, Flag, IsoText, LabelText, TermsSchema, Text, load, of

HASH = {"pattern": "^[0-9a-f]{64}$"}
STATES = ("not_over", "open", "closed", "reopened")


class QuarterQuerySchema(AgreementQuerySchema, KnownQuerySchema):
    """Whose quarters, as known when."""


class RunQuerySchema(QuarterQuerySchema):
    """Which run, as known when."""

    trust = fields.String(load_default=None)


class CloseSchema(TermsSchema):
    """{accept_missing}: whether the closer knows that counts are missing."""

    accept_missing = Flag(load_default=False)


class ReopenSchema(TermsSchema):
    """{reason}"""

    reason = Text(
        required=True,
        validate=validate.Length(max=LONGEST_REASON, error=f"too_long: At most {LONGEST_REASON} characters."),
    )


class ReopeningSchema(TermsSchema):
    """When a run was taken out of force, by whom and why."""

    at = IsoText(required=True, metadata=INSTANT)
    by = fields.String(required=True)
    reason = fields.String(required=True)


class RunSchema(TermsSchema):
    """A run; `known_at` is the usage cut-off, `total` (of all trusts) null within one trust."""

    run = fields.Integer(required=True, attribute="number")
    sha256 = fields.String(required=True, metadata=HASH)
    known_at = IsoText(required=True, metadata=INSTANT)
    closed_at = IsoText(required=True, metadata=INSTANT)
    closed_by = fields.String(required=True)
    total = AmountText(required=True, allow_none=True, metadata=DECIMAL)
    missing = fields.Integer(required=True)
    reopened = fields.Nested(ReopeningSchema, required=True, allow_none=True, attribute="reopening")


class FrozenVersionSchema(TermsSchema):
    """A price version that the lines rest on, and the hash of its terms."""

    valid_from = Day(required=True)
    clause = fields.String(required=True)
    sha256 = fields.String(required=True, metadata=HASH)


class QuarterStateSchema(TermsSchema):
    """A quarter and its runs, oldest first."""

    quarter = fields.String(required=True)
    period = fields.Nested(PeriodSchema, required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    runs = fields.List(fields.Nested(RunSchema), required=True)


class QuarterPageSchema(TermsSchema):
    """The quarters that have begun, newest first."""

    items = fields.List(fields.Nested(QuarterStateSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class CauseSchema(TermsSchema):
    """The effect of one class of later facts."""

    cause = fields.String(required=True, validate=validate.OneOf(CAUSES))
    amount = AmountText(required=True, metadata=DECIMAL)


class LaterUsageSchema(TermsSchema):
    """Examinations that were not known at the close."""

    cause = fields.String(required=True, validate=validate.OneOf(CAUSES))
    trust = fields.String(required=True)
    algorithm = fields.String(required=True)
    month = LabelText(required=True, validate=MONTH)
    quantity = fields.Integer(required=True)


class LaterSumSchema(TermsSchema):
    """The effect on the lines of one trust and algorithm."""

    cause = fields.String(required=True, validate=validate.OneOf(CAUSES))
    trust = fields.String(required=True, allow_none=True)
    algorithm = fields.String(required=True, allow_none=True)
    amount = AmountText(required=True, metadata=DECIMAL)
    lines = fields.Integer(required=True)


class LaterLineSchema(TermsSchema):
    """The effect on one line."""

    cause = fields.String(required=True, validate=validate.OneOf(CAUSES))
    id = fields.String(required=True, validate=LINE_ID, attribute="line.id")
    amount = AmountText(required=True, metadata=DECIMAL)


class LaterSchema(TermsSchema):
    """What came after the close; a positive amount is more to pay than was frozen."""

    difference = AmountText(required=True, attribute="amount", metadata=DECIMAL)
    now = AmountText(required=True, allow_none=True, metadata=DECIMAL)
    causes = fields.List(
        fields.Nested(CauseSchema),
        required=True,
        attribute=of(lambda later: [{"cause": cause, "amount": later.of(cause)} for cause in CAUSES]),
    )
    usage = fields.List(fields.Nested(LaterUsageSchema), required=True)
    by_trust = fields.List(fields.Nested(LaterSumSchema), required=True, attribute="sums")
    lines = fields.List(fields.Nested(LaterLineSchema), required=True, attribute="effects")


class QuarterReportSchema(QuarterStateSchema):
    """A quarter: its course, the frozen lines of the newest run, and what came later."""

    run = fields.Integer(required=True, allow_none=True, attribute="run.number")
    sha256 = fields.String(required=True, allow_none=True, metadata=HASH, attribute="run.sha256")
    total = AmountText(
        required=True, allow_none=True, metadata=DECIMAL, attribute=of(lambda report: report.run and report.total)
    )
    price_versions = fields.List(
        fields.Nested(FrozenVersionSchema),
        required=True,
        attribute=of(lambda report: report.frozen.versions if report.frozen else ()),
    )
    lines = fields.List(fields.Nested(ChargeSchema), required=True)
    later = fields.Nested(LaterSchema, required=True, allow_none=True)


class _ClosingSchema(TermsSchema):
    quarter = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("closed", "already_closed")))


class ClosedSchema(RunSchema, _ClosingSchema):
    """What closing did, with the frozen lines; `warnings` are the missing counts that were acknowledged."""

    price_versions = fields.List(fields.Nested(FrozenVersionSchema), required=True, attribute="frozen.versions")
    usage_until = Day(required=True, allow_none=True, attribute="frozen.usage_until")
    lines = fields.List(fields.Nested(ChargeSchema), required=True, attribute="frozen.lines")
    warnings = fields.List(
        fields.Nested(CoverageCellSchema), required=True, attribute=of(lambda closed: closed.missing)
    )


def load_close(document: Any) -> bool:
    """Read whether missing counts are acknowledged; InvalidInput with every error of its shape."""
    accepted: bool = load(CloseSchema(), document, "#")["accept_missing"]
    return accepted


def load_reason(document: Any) -> str:
    """Read why a quarter is opened again; InvalidInput with every error of its shape."""
    reason: str = load(ReopenSchema(), document, "#")["reason"]
    return reason


def dump_state(state: QuarterState, *, total: bool = True) -> dict[str, Any]:
    """Write a quarter's course; the totals of its runs only for readers of all trusts."""
    written: dict[str, Any] = QuarterStateSchema().dump(state)
    for run in () if total else written["runs"]:
        run["total"] = None
    return written


def dump_closed(closed: Closed) -> dict[str, Any]:
    """Write what closing did, with the frozen lines."""
    own = ("price_versions", "usage_until", "lines", "warnings")
    return {
        "quarter": closed.run.quarter,
        "status": closed.status,
        **RunSchema().dump(closed.run),
        **ClosedSchema(only=own).dump(closed),
    }


def dump_report(report: QuarterReport) -> dict[str, Any]:
    """Write a quarter for one reader: its course, the frozen lines and what came later, positive is more to pay."""
    course = set(QuarterStateSchema().fields)
    told: dict[str, Any] = QuarterReportSchema(exclude=course).dump(report)
    if told["later"] is not None and report.scope is not None:
        told["later"]["now"] = None
    return dump_state(report.state, total=report.scope is None) | told
