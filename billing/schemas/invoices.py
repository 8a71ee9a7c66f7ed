"""Invoices on the wire: what `invoice check|import --json` prints and the API answers.

In a reading amounts are plain strings, as on the document. Elsewhere money is `{"amount", "currency"}`, in the document's
own currency; a comparison counts a credit note's amounts negative and leaves out what cannot be subtracted.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow import fields, validate

from billing.invoices.invoices import Comparison, Group, RecordedInvoice
from billing.invoices.vendor_statement import is_statement
from billing.schemas.answers import DECIMAL
from billing.schemas.price import dump_period
from contracts.schemas.answers import (
    INSTANT,
    AgreementQuerySchema,
    KnownQuerySchema,
    MoneySchema,
    PageSchema,
    PeriodSchema,
    money,
)
from contracts.schemas.fields import AmountText, Day, IsoText, PriceText, RateText, TermsSchema, of
from contracts.terms.money import format_amount, format_rate


class ExactText(AmountText):
    """An amount with at least two decimals and never fewer than the document has: nothing is rounded away."""

    @staticmethod
    def write(value: Any) -> str:
        """Write it."""
        exponent = value.as_tuple().exponent
        return f"{value:f}" if isinstance(exponent, int) and exponent < -2 else format_amount(value)


class FindingSchema(TermsSchema):
    """A rule that a document breaks, with its official identifier and the line of the file."""

    rule = fields.String(required=True)
    severity = fields.String(required=True, validate=validate.OneOf(("fatal", "warning")))
    detail = fields.String(required=True)
    line = fields.Integer(required=True, allow_none=True, attribute=of(lambda finding: finding.line or None))


class ReadingSchema(TermsSchema):
    """A file as read and checked; amounts as written in it."""

    file = fields.String(required=True, attribute="filename")
    status = fields.String(
        required=True, validate=validate.OneOf(("checked", "imported", "already_imported", "refused"))
    )
    kind = fields.String(required=True, allow_none=True, attribute="document.kind")
    number = fields.String(required=True, allow_none=True, attribute="document.number")
    currency = fields.String(required=True, allow_none=True, attribute="document.currency")
    line_sum = ExactText(required=True, allow_none=True, metadata=DECIMAL, attribute="document.totals.line_sum")
    tax_exclusive = ExactText(
        required=True, allow_none=True, metadata=DECIMAL, attribute="document.totals.tax_exclusive"
    )
    tax = ExactText(required=True, allow_none=True, metadata=DECIMAL, attribute="document.tax")
    payable = ExactText(required=True, allow_none=True, metadata=DECIMAL, attribute="document.totals.payable")
    lines = fields.Integer(required=True, attribute=of(lambda it: len(it.document.lines) if it.document else 0))
    buyer_reference = fields.String(required=True, allow_none=True, attribute="document.buyer_reference")
    order = fields.String(required=True, allow_none=True, attribute="document.order")
    contract = fields.String(required=True, allow_none=True, attribute="document.contract")
    findings = fields.List(fields.Nested(FindingSchema), required=True)


class ReceivedInvoiceSchema(ReadingSchema):
    """A received file, with the id of its invoice."""

    id = fields.Integer(required=True)


class InvoiceSchema(TermsSchema):
    """A recorded invoice's header; `period` is the whole months that it bills."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(("invoice", "credit_note")))
    number = fields.String(required=True)
    issued_on = Day(required=True, allow_none=True)
    due_on = Day(required=True, allow_none=True)
    period = fields.Nested(PeriodSchema, required=True, allow_none=True)
    line_sum = fields.Nested(MoneySchema, required=True, allow_none=True, attribute=money("line_sum"))
    tax_exclusive = fields.Nested(MoneySchema, required=True, allow_none=True, attribute=money("tax_exclusive"))
    tax = fields.Nested(MoneySchema, required=True, allow_none=True, attribute=money("tax"))
    payable = fields.Nested(MoneySchema, required=True, allow_none=True, attribute=money("payable"))
    lines = fields.Integer(required=True)
    buyer_reference = fields.String(required=True, allow_none=True)
    order = fields.String(required=True, allow_none=True, attribute="order_reference")
    contract = fields.String(required=True, allow_none=True, attribute="contract_reference")
    file = fields.String(required=True, attribute="filename")
    sha256 = fields.String(required=True)
    recorded_at = IsoText(required=True, metadata=INSTANT)


class InvoicePageSchema(PageSchema):
    """Recorded invoices, newest issue first."""

    items = fields.List(fields.Nested(InvoiceSchema), required=True)


class ComparisonQuerySchema(AgreementQuerySchema, KnownQuerySchema):
    """Which agreement, as known when."""


class InvoiceLineSchema(TermsSchema):
    """A line as written, with the trust and the algorithm that it was found to name."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    item = fields.String(required=True, allow_none=True)
    quantity = RateText(required=True, allow_none=True, metadata=DECIMAL)
    unit_price = PriceText(required=True, allow_none=True, metadata=DECIMAL)
    net = fields.Nested(MoneySchema, required=True, allow_none=True, attribute=money("net"))
    trust = fields.String(required=True, allow_none=True)
    algorithm = fields.String(required=True, allow_none=True)
    period = fields.Nested(PeriodSchema, required=True, allow_none=True)
    tier = fields.Integer(required=True, allow_none=True)
    phase = fields.Integer(required=True, allow_none=True)


class InvoiceAttachmentSchema(TermsSchema):
    """A file inside an invoice (`size` in bytes) or one it only points at (`uri`); `statement`: it may be a usage file."""

    number = fields.Integer(required=True)
    id = fields.String(required=True, allow_none=True, attribute="of.id")
    description = fields.String(required=True, allow_none=True, attribute="of.description")
    file = fields.String(required=True, allow_none=True, attribute="of.filename")
    media_type = fields.String(required=True, allow_none=True, attribute="of.mime")
    size = fields.Integer(
        required=True,
        allow_none=True,
        attribute=of(lambda it: None if it["of"].content is None else len(it["of"].content)),
    )
    uri = fields.String(required=True, allow_none=True, attribute="of.uri")
    statement = fields.Boolean(required=True, attribute=of(lambda it: is_statement(it["of"])))


class RecordedInvoiceSchema(InvoiceSchema):
    """A recorded invoice with its lines and the rules it breaks."""

    items = fields.List(fields.Nested(InvoiceLineSchema), required=True, attribute=of(lambda it: it.lines))
    attachments = fields.List(
        fields.Nested(InvoiceAttachmentSchema),
        required=True,
        attribute=of(
            lambda it: [{"number": number, "of": each} for number, each in enumerate(it.document.attachments, 1)]
        ),
    )
    findings = fields.List(fields.Nested(FindingSchema), required=True)


class ResponseClarificationSchema(TermsSchema):
    """Why a response has its status, or what is wanted: a code of the list it names."""

    list = fields.String(required=True, validate=validate.OneOf(["OPStatusReason", "OPStatusAction"]))
    code = fields.String(required=True)
    text = fields.String(required=True)


class InvoiceResponseSchema(TermsSchema):
    """A Peppol Invoice Response to a recorded document; `number` is its place among them, `status` a code of UNCL4343."""

    number = fields.Integer(required=True)
    id = fields.String(required=True, attribute="response.id")
    status = fields.String(
        required=True, validate=validate.OneOf(["AB", "IP", "UQ", "CA", "RE", "AP", "PD"]), attribute="response.status"
    )
    written_at = fields.AwareDateTime(required=True, attribute="response.written_at")
    effective_on = fields.Date(required=True, attribute="response.effective_on")
    dispute = fields.String(required=True, allow_none=True)
    clarifications = fields.List(
        fields.Nested(ResponseClarificationSchema), required=True, attribute="response.clarifications"
    )


class InvoiceResponsesSchema(TermsSchema):
    """The responses to a document, oldest first; there is no next page."""

    items = fields.List(fields.Nested(InvoiceResponseSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class ComparedGroupSchema(TermsSchema):
    """What was invoiced and expected for one trust and algorithm; null where a line names none."""

    trust = fields.String(required=True, allow_none=True)
    algorithm = fields.String(required=True, allow_none=True)
    invoiced = fields.Nested(MoneySchema, required=True)
    expected = fields.Nested(MoneySchema, required=True, allow_none=True)
    difference = fields.Nested(MoneySchema, required=True, allow_none=True)
    invoiced_quantity = fields.String(required=True, metadata=DECIMAL)
    expected_quantity = fields.Integer(required=True)
    invoice_lines = fields.List(fields.String(), required=True)
    charge_lines = fields.List(fields.String(), required=True)


class ComparisonSchema(TermsSchema):
    """An invoice against the expected charges of its period; a positive difference is billed too much."""

    invoice = fields.Nested(InvoiceSchema, required=True)
    period = fields.Nested(PeriodSchema, required=True, allow_none=True)
    status = fields.String(required=True, validate=validate.OneOf(("equal", "differences", "not_comparable")))
    invoiced = fields.Nested(MoneySchema, required=True)
    expected = fields.Nested(MoneySchema, required=True, allow_none=True)
    difference = fields.Nested(MoneySchema, required=True, allow_none=True)
    groups = fields.List(fields.Nested(ComparedGroupSchema), required=True)
    findings = fields.List(fields.Nested(FindingSchema), required=True)


def dump_recorded(recorded: RecordedInvoice) -> dict[str, Any]:
    """Write a recorded invoice with its lines (`items`), the files inside it and findings."""
    own = ("items", "attachments", "findings")
    written: dict[str, Any] = InvoiceSchema().dump(recorded.summary) | RecordedInvoiceSchema(only=own).dump(recorded)
    return written


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
