"""Invoices on the wire: what `invoice check|import --json` prints and the API answers.

In a reading amounts are plain strings, as on the document. Elsewhere money is `{"amount", "currency"}`, in the document's
own currency; a comparison counts a credit note's amounts negative and leaves out what cannot be subtracted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from billing.ehf.document import Attachment
from billing.invoices.invoices import Comparison, Group, InvoiceReading, RecordedInvoice, RecordedLine
from billing.invoices.vendor_statement import is_statement
from billing.reconciliation.responses import InvoiceResponse
from billing.schemas.answers import FindingSchema, InvoiceSchema
from billing.schemas.price import dump_period
from contracts.terms.money import format_amount, format_rate, format_unit_price


def dump_reading(reading: InvoiceReading) -> dict[str, Any]:
    """Write a file as read and checked; a refused file has its reason as the one finding and nothing else."""
    document = reading.document
    return {
        "file": reading.filename,
        "status": reading.status,
        "kind": document.kind if document else None,
        "number": document.number if document else None,
        "currency": document.currency if document else None,
        "line_sum": _written(document.totals.line_sum) if document else None,
        "tax_exclusive": _written(document.totals.tax_exclusive) if document else None,
        "tax": _written(document.tax) if document else None,
        "payable": _written(document.totals.payable) if document else None,
        "lines": len(document.lines) if document else 0,
        "buyer_reference": document.buyer_reference if document else None,
        "order": document.order if document else None,
        "contract": document.contract if document else None,
        "findings": [FindingSchema().dump(finding) for finding in reading.findings],
    }


def dump_recorded(recorded: RecordedInvoice) -> dict[str, Any]:
    """Write a recorded invoice with its lines (`items`), the files inside it and findings."""
    written: dict[str, Any] = InvoiceSchema().dump(recorded.summary)
    return written | {
        "items": [_line(line, recorded.summary.currency) for line in recorded.lines],
        "attachments": [
            _attachment(number, each) for number, each in enumerate(recorded.document.attachments, start=1)
        ],
        "findings": [FindingSchema().dump(finding) for finding in recorded.findings],
    }


def _attachment(number: int, attachment: Attachment) -> dict[str, Any]:
    return {
        "number": number,
        "id": attachment.id,
        "description": attachment.description,
        "file": attachment.filename,
        "media_type": attachment.mime,
        "size": None if attachment.content is None else len(attachment.content),
        "uri": attachment.uri,
        "statement": is_statement(attachment),
    }


def _line(line: RecordedLine, currency: str) -> dict[str, Any]:
    return {
        "id": line.id,
        "name": line.name,
        "item": line.item,
        "quantity": None if line.quantity is None else format_rate(line.quantity),
        "unit_price": None if line.unit_price is None else format_unit_price(line.unit_price),
        "net": _money(line.net, currency),
        "trust": line.trust,
        "algorithm": line.algorithm,
        "period": None if line.period is None else dump_period(line.period),
        "tier": line.tier,
        "phase": line.phase,
    }


def dump_comparison(comparison: Comparison) -> dict[str, Any]:
    """Write an invoice against its period's expected charges; amounts are null where nothing can be subtracted."""
    currency = comparison.invoice.currency

    def amount(value: Decimal) -> dict[str, str] | None:
        return _money(value, currency) if comparison.comparable else None

    return {
        "invoice": InvoiceSchema().dump(comparison.invoice),
        "period": None if comparison.period is None else dump_period(comparison.period),
        "status": _status(comparison),
        "invoiced": _money(comparison.invoiced, currency),
        "expected": amount(comparison.expected),
        "difference": amount(comparison.difference),
        "groups": [_group(group, currency, comparison.comparable) for group in comparison.groups],
        "findings": [FindingSchema().dump(finding) for finding in comparison.findings],
    }


def _status(comparison: Comparison) -> str:
    if not comparison.comparable:
        return "not_comparable"
    return "differences" if any(group.difference for group in comparison.groups) else "equal"


def _group(group: Group, currency: str, comparable: bool) -> dict[str, Any]:
    return {
        "trust": group.trust,
        "algorithm": group.algorithm,
        "invoiced": _money(group.invoiced, currency),
        "expected": _money(group.expected, currency) if comparable else None,
        "difference": _money(group.difference, currency) if comparable else None,
        "invoiced_quantity": format_rate(group.invoiced_quantity),
        "expected_quantity": group.expected_quantity,
        "invoice_lines": list(group.invoice_lines),
        "charge_lines": list(group.charge_lines),
    }


def _money(amount: Decimal | None, currency: str) -> dict[str, str] | None:
    return None if amount is None else {"amount": format_amount(amount), "currency": currency}


def _written(amount: Decimal | None) -> str | None:
    """Write an amount with at least two decimals and never fewer than the document has: nothing is rounded away."""
    if amount is None:
        return None
    exponent = amount.as_tuple().exponent
    return f"{amount:f}" if isinstance(exponent, int) and exponent < -2 else format_amount(amount)


def dump_responses(listed: Iterable[InvoiceResponse]) -> dict[str, Any]:
    """Write the responses to a document."""
    items = [
        {
            "number": each.number,
            "id": each.response.id,
            "status": each.response.status,
            "written_at": each.response.written_at.isoformat(),
            "effective_on": each.response.effective_on.isoformat(),
            "dispute": each.dispute,
            "clarifications": [asdict(one) for one in each.response.clarifications],
        }
        for each in listed
    ]
    return {"items": items, "next": None}
