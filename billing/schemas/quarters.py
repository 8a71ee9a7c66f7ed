"""Closed quarters on the wire: what `quarter close --json` prints and the API answers."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from billing.quarters.closing import LONGEST_REASON, Closed, QuarterReport, QuarterState
from billing.quarters.later import CAUSES, Later
from billing.quarters.runs import Run
from billing.schemas.answers import DECIMAL, LINE_ID, MONTH, ChargeSchema
from billing.schemas.charges import dump_charge
from billing.schemas.coverage import CoverageCellSchema, dump_cell
from billing.schemas.price import dump_period
from contracts.schemas.answers import INSTANT, AgreementQuerySchema, KnownQuerySchema, PeriodSchema
from contracts.schemas.fields import Day, Flag, TermsSchema, Text, load
from contracts.terms.money import format_amount

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

    at = fields.String(required=True, metadata=INSTANT)
    by = fields.String(required=True)
    reason = fields.String(required=True)


class RunSchema(TermsSchema):
    """A run; `known_at` is the usage cut-off, `total` (of all trusts) null within one trust."""

    run = fields.Integer(required=True)
    sha256 = fields.String(required=True, metadata=HASH)
    known_at = fields.String(required=True, metadata=INSTANT)
    closed_at = fields.String(required=True, metadata=INSTANT)
    closed_by = fields.String(required=True)
    total = fields.String(required=True, allow_none=True, metadata=DECIMAL)
    missing = fields.Integer(required=True)
    reopened = fields.Nested(ReopeningSchema, required=True, allow_none=True)


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
    amount = fields.String(required=True, metadata=DECIMAL)


class LaterUsageSchema(TermsSchema):
    """Examinations that were not known at the close."""

    cause = fields.String(required=True, validate=validate.OneOf(CAUSES))
    trust = fields.String(required=True)
    algorithm = fields.String(required=True)
    month = fields.String(required=True, validate=MONTH)
    quantity = fields.Integer(required=True)


class LaterSumSchema(CauseSchema):
    """The effect on the lines of one trust and algorithm."""

    trust = fields.String(required=True, allow_none=True)
    algorithm = fields.String(required=True, allow_none=True)
    lines = fields.Integer(required=True)


class LaterLineSchema(CauseSchema):
    """The effect on one line."""

    id = fields.String(required=True, validate=LINE_ID)


class LaterSchema(TermsSchema):
    """What came after the close; a positive amount is more to pay than was frozen."""

    difference = fields.String(required=True, metadata=DECIMAL)
    now = fields.String(required=True, allow_none=True, metadata=DECIMAL)
    causes = fields.List(fields.Nested(CauseSchema), required=True)
    usage = fields.List(fields.Nested(LaterUsageSchema), required=True)
    by_trust = fields.List(fields.Nested(LaterSumSchema), required=True)
    lines = fields.List(fields.Nested(LaterLineSchema), required=True)


class QuarterReportSchema(QuarterStateSchema):
    """A quarter: its course, the frozen lines of the newest run, and what came later."""

    run = fields.Integer(required=True, allow_none=True)
    sha256 = fields.String(required=True, allow_none=True, metadata=HASH)
    total = fields.String(required=True, allow_none=True, metadata=DECIMAL)
    price_versions = fields.List(fields.Nested(FrozenVersionSchema), required=True)
    lines = fields.List(fields.Nested(ChargeSchema), required=True)
    later = fields.Nested(LaterSchema, required=True, allow_none=True)


class ClosedSchema(RunSchema):
    """What closing did, with the frozen lines; `warnings` are the missing counts that were acknowledged."""

    quarter = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("closed", "already_closed")))
    price_versions = fields.List(fields.Nested(FrozenVersionSchema), required=True)
    usage_until = Day(required=True, allow_none=True)
    lines = fields.List(fields.Nested(ChargeSchema), required=True)
    warnings = fields.List(fields.Nested(CoverageCellSchema), required=True)


def load_close(document: Any) -> bool:
    """Read whether missing counts are acknowledged; InvalidInput with every error of its shape."""
    accepted: bool = load(CloseSchema(), document, "#")["accept_missing"]
    return accepted


def load_reason(document: Any) -> str:
    """Read why a quarter is opened again; InvalidInput with every error of its shape."""
    reason: str = load(ReopenSchema(), document, "#")["reason"]
    return reason


def dump_run(run: Run, *, total: bool = True) -> dict[str, Any]:
    """Write a run; its total only for readers of all trusts."""
    return {
        "run": run.number,
        "sha256": run.sha256,
        "known_at": run.known_at.isoformat(),
        "closed_at": run.closed_at.isoformat(),
        "closed_by": run.closed_by,
        "total": format_amount(run.total) if total else None,
        "missing": run.missing,
        "reopened": None
        if run.reopening is None
        else {"at": run.reopening.at.isoformat(), "by": run.reopening.by, "reason": run.reopening.reason},
    }


def dump_state(state: QuarterState, *, total: bool = True) -> dict[str, Any]:
    """Write a quarter's course."""
    return {
        "quarter": state.quarter,
        "period": dump_period(state.period),
        "state": state.state,
        "runs": [dump_run(run, total=total) for run in state.runs],
    }


def dump_closed(closed: Closed) -> dict[str, Any]:
    """Write what closing did, with the frozen lines."""
    return {
        "quarter": closed.run.quarter,
        "status": closed.status,
        **dump_run(closed.run),
        "price_versions": [
            {"valid_from": each.valid_from.isoformat(), "clause": each.clause, "sha256": each.sha256}
            for each in closed.frozen.versions
        ],
        "usage_until": None if closed.frozen.usage_until is None else closed.frozen.usage_until.isoformat(),
        "lines": [dump_charge(line) for line in closed.frozen.lines],
        "warnings": [dump_cell(cell) for cell in closed.missing],
    }


def dump_report(report: QuarterReport) -> dict[str, Any]:
    """Write a quarter for one reader: its course, the frozen lines and what came later."""
    run, frozen = report.run, report.frozen
    return {
        **dump_state(report.state, total=report.scope is None),
        "run": None if run is None else run.number,
        "sha256": None if run is None else run.sha256,
        "total": None if run is None else format_amount(report.total),
        "price_versions": []
        if frozen is None
        else [
            {"valid_from": each.valid_from.isoformat(), "clause": each.clause, "sha256": each.sha256}
            for each in frozen.versions
        ],
        "lines": [dump_charge(line) for line in report.lines],
        "later": None if report.later is None else dump_later(report.later, total=report.scope is None),
    }


def dump_later(later: Later, *, total: bool = True) -> dict[str, Any]:
    """Write what came after the close: each class with its effect, positive is more to pay than was frozen."""
    return {
        "difference": format_amount(later.amount),
        "now": format_amount(later.now) if total else None,
        "causes": [{"cause": cause, "amount": format_amount(later.of(cause))} for cause in CAUSES],
        "usage": [
            {
                "cause": each.cause,
                "trust": each.trust,
                "algorithm": each.algorithm,
                "month": each.month.label(),
                "quantity": each.quantity,
            }
            for each in later.usage
        ],
        "by_trust": [
            {
                "cause": each.cause,
                "trust": each.trust,
                "algorithm": each.algorithm,
                "amount": format_amount(each.amount),
                "lines": each.lines,
            }
            for each in later.sums
        ],
        "lines": [
            {"cause": each.cause, "id": each.line.id, "amount": format_amount(each.amount)} for each in later.effects
        ],
    }
