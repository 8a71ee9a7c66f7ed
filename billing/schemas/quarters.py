"""Closed quarters on the wire: what `quarter close --json` prints and the API answers."""

from __future__ import annotations

from typing import Any

from billing.closings import Run
from billing.later import CAUSES, Later
from billing.quarters import Closed, QuarterReport, QuarterState
from billing.schemas.charges import dump_charge
from billing.schemas.coverage import dump_cell
from billing.schemas.price import dump_period
from contracts.schemas.fields import TermsSchema, Text, load
from contracts.terms.money import format_amount


class ReopenSchema(TermsSchema):
    """{reason}"""

    reason = Text(required=True)


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
