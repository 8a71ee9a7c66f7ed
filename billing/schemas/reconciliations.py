"""Reconciliations on the wire: what `reconcile --json` prints and `GET /reconciliations/{quarter}` answers.

Amounts are plain strings in kroner excluding VAT, positive is billed too much. Σ amounts of a document's findings is its
difference; the whole's difference is that of the documents and of what was not invoiced.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from billing.causes import FIRST_ACTION, Finding
from billing.causes.sentences import said
from billing.reconciliation.dispute_records import RecordedDispute
from billing.reconciliation.dispute_terms import ACTIONS, reason_of
from billing.reconciliation.frozen import Reconciled
from billing.reconciliation.report import Report, Run
from billing.reconciliation.treatment import Found, key_of
from contracts.terms.money import format_amount


def dump_reconciliation(report: Report) -> dict[str, Any]:
    """Write a quarter's reconciliation."""
    frozen = report.frozen
    treated = {each.key: each for each in report.found}
    return {
        "quarter": report.quarter.label(),
        "status": report.status,
        "state": report.state,
        "expected": format_amount(frozen.expected),
        "invoiced": format_amount(frozen.invoiced),
        "difference": format_amount(frozen.difference),
        "explained": format_amount(frozen.difference - frozen.unexplained),
        "unexplained": format_amount(frozen.unexplained),
        "disputed": format_amount(report.disputed),
        "payable": format_amount(report.payable),
        "tax_amount": format_amount(frozen.tax_amount),
        "currency": report.agreement.term.currency,
        "sha256": report.sha256,
        "is_current": report.is_current,
        "run": None if report.run is None else dump_run(report.run),
        "invoices": [_document(each, treated) for each in frozen.documents],
        "not_invoiced": [_finding(each, treated, None) for each in frozen.not_invoiced],
        "disputes": [dump_dispute(each) for each in report.disputes],
    }


def _document(each: Reconciled, treated: dict[str, Found]) -> dict[str, Any]:
    explanation = each.explanation
    return {
        "number": each.part.number,
        "kind": each.part.kind,
        "currency": each.part.currency,
        "sha256": each.sha256,
        "comparable": explanation.comparable,
        "expected": format_amount(explanation.expected),
        "invoiced": format_amount(explanation.invoiced),
        "difference": format_amount(explanation.difference),
        "tax_amount": format_amount(explanation.tax_amount),
        "findings": [_finding(finding, treated, each.sha256) for finding in explanation.findings],
    }


def dump_finding(found: Found) -> dict[str, Any]:
    """Write a finding with how it stands."""
    return _finding(found.finding, {found.key: found}, found.sha256)


def _finding(finding: Finding, treated: dict[str, Found], sha256: str | None) -> dict[str, Any]:
    key = key_of(sha256, finding)
    found = treated.get(key)
    return {
        "id": key,
        "code": finding.code,
        "amount": format_amount(finding.amount),
        "tax_amount": format_amount(finding.tax_amount),
        "trust": finding.trust,
        "algorithm": finding.algorithm,
        "period": finding.period,
        "invoice_lines": list(finding.invoice_lines),
        "expected_lines": list(finding.expected_lines),
        "sentence": {
            "nb": said(finding, "nb"),
            "en": said(finding, "en"),
        },
        "clause": finding.clause,
        "action": FIRST_ACTION[finding.code],
        "reason": reason_of(finding.code),
        "treatment": None if found is None else found.treatment.state,
        "dispute": None if found is None else found.treatment.dispute,
    }


def dump_run(run: Run) -> dict[str, Any]:
    """Write a run without its lines."""
    return {
        "number": run.number,
        "sha256": run.sha256,
        "closing_run": run.closing_run,
        "expected": format_amount(run.expected),
        "invoiced": format_amount(run.invoiced),
        "difference": format_amount(run.difference),
        "unexplained": format_amount(run.unexplained),
        "findings": run.findings,
        "at": run.at.isoformat(),
        "by": run.by,
        "attested": None if run.attested is None else {"by": run.attested.by, "at": run.attested.at.isoformat()},
        "approved": None if run.approved is None else {"by": run.approved.by, "at": run.approved.at.isoformat()},
        "reopened": run.reopened,
    }


def dump_dispute(dispute: RecordedDispute) -> dict[str, Any]:
    """Write a dispute with its findings and steps."""
    return {
        "id": dispute.id,
        "number": dispute.number,
        "quarter": dispute.quarter,
        "invoice": dispute.invoice_number,
        "state": dispute.state,
        "amount": format_amount(dispute.amount),
        "agreed": format_amount(dispute.agreed_amount),
        "wanted": dispute.wanted,
        "action": ACTIONS[dispute.wanted],
        "hold": dispute.hold,
        "response": dispute.response,
        "reply_by": dispute.reply_by.isoformat(),
        "findings": [
            {"id": each.key, "code": each.finding.code, "amount": format_amount(each.finding.amount)}
            for each in dispute.findings
        ],
        "steps": [
            {
                "kind": step.kind,
                "on": step.on.isoformat(),
                "status": step.status,
                "clarification": step.clarification,
                "amount": _amount(step.amount),
                "on_next_invoice": step.on_next_invoice,
                "comment": step.comment,
                "at": _moment(step.recorded_at),
                "by": step.recorded_by,
            }
            for step in dispute.steps
        ],
    }


def _amount(amount: Decimal | None) -> str | None:
    return None if amount is None else format_amount(amount)


def _moment(at: datetime) -> str:
    return at.isoformat()
