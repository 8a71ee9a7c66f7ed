"""Payments, open items and rates of late interest as JSON; amounts include VAT."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from billing.payments.open_items import PERCENT_PLACES, Rate
from billing.payments.payments import OpenItems, RegisteredPayment
from contracts.schemas.answers import (
    INSTANT,
    AgreementQuerySchema,
    KnownQuerySchema,
    MoneySchema,
    PageSchema,
    PeriodSchema,
)
from contracts.schemas.fields import Amount, Day, LabelText, Number, Share, TermsSchema, Text, Whole, load
from contracts.terms.money import format_amount


class KnownAgreementQuerySchema(AgreementQuerySchema, KnownQuerySchema):
    """Which agreement, as known when."""


class OpenItemsQuerySchema(AgreementQuerySchema, KnownQuerySchema):
    """What is open on which day."""

    on = Day(load_default=None, metadata={"description": "The day; left out: today."})


class NewPaymentSchema(TermsSchema):
    """A payment on a recorded invoice, including VAT; negative is money that came back."""

    invoice_id = Whole(required=True, validate=validate.Range(1, 2**63 - 1, error="out_of_range: An id is positive."))
    paid_on = Day(required=True)
    amount = Number(2, required=True)
    reference = fields.String(load_default="")


class PaymentReversalSchema(TermsSchema):
    """Taking a payment back: on which day, and why."""

    on = Day(required=True)
    reason = Text(required=True)


class PaymentSchema(TermsSchema):
    """A payment as registered; `reverses` names the payment it takes back, `reversed_by` the one that took it back."""

    id = fields.Integer(required=True)
    invoice_id = fields.Integer(required=True)
    invoice = fields.String(required=True)
    vendor = fields.String(required=True)
    paid_on = Day(required=True)
    amount = fields.Nested(MoneySchema, required=True)
    reference = fields.String(required=True)
    file = fields.String(required=True, allow_none=True)
    row = fields.Integer(required=True, allow_none=True)
    reverses = fields.Integer(required=True, allow_none=True)
    reversed_by = fields.Integer(required=True, allow_none=True)
    recorded_at = fields.String(required=True, metadata=INSTANT)


class PaymentPageSchema(PageSchema):
    """Payments, newest registered first."""

    items = fields.List(fields.Nested(PaymentSchema), required=True)


class DuplicatePaymentSchema(TermsSchema):
    """A row that was registered already, as a payment or by an earlier row of the file."""

    row = fields.Integer(required=True, attribute="line")
    invoice = fields.String(required=True)
    payment = fields.Integer(required=True, allow_none=True)
    same_as_row = fields.Integer(required=True, allow_none=True, attribute="same_as")


class ImportedPaymentsSchema(TermsSchema):
    """What taking a file in did."""

    id = fields.Integer(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("imported", "already_imported")))
    sha256 = fields.String(required=True)
    rows = fields.Integer(required=True)
    accepted = fields.Integer(required=True)
    duplicates = fields.Integer(required=True)
    told = fields.List(fields.Nested(DuplicatePaymentSchema), required=True)


class LateStretchSchema(TermsSchema):
    """Days in which one amount was owed at one rate; null where no rate is recorded."""

    period = fields.Nested(PeriodSchema, required=True)
    open = Amount(2, required=True)
    percent = Share(PERCENT_PLACES, required=True, allow_none=True)
    interest = Amount(2, required=True, allow_none=True)


class LateSchema(TermsSchema):
    """What paying late costs; `complete` is false where a day has no rate."""

    days = fields.Integer(required=True)
    interest = Amount(2, required=True)
    compensation = Amount(2, required=True, allow_none=True)
    complete = fields.Boolean(required=True)
    stretches = fields.List(fields.Nested(LateStretchSchema), required=True)


class OpenItemSchema(TermsSchema):
    """An invoice, or a credit note that names none of ours, and what is left of it."""

    invoice_id = fields.Integer(required=True)
    number = fields.String(required=True)
    kind = fields.String(required=True)
    vendor = fields.String(required=True)
    buyer = fields.String(required=True)
    issued_on = Day(required=True)
    due_on = Day(required=True, allow_none=True)
    billed = Amount(2, required=True, allow_none=True)
    credited = Amount(2, required=True)
    paid = Amount(2, required=True)
    open = Amount(2, required=True)
    late = fields.Nested(LateSchema, required=True)


class RollForwardSchema(TermsSchema):
    """A vendor's quarter: opening + invoiced − credited − paid = closing."""

    vendor = fields.String(required=True)
    quarter = LabelText(required=True)
    opening = Amount(2, required=True)
    invoiced = Amount(2, required=True)
    credited = Amount(2, required=True)
    paid = Amount(2, required=True)
    closing = Amount(2, required=True)


class OpenItemsSchema(TermsSchema):
    """What is open on a day, and how it came there."""

    on = Day(required=True)
    currency = fields.String(required=True)
    open = Amount(2, required=True)
    items = fields.List(fields.Nested(OpenItemSchema), required=True)
    roll_forward = fields.List(fields.Nested(RollForwardSchema), required=True)


class LateInterestRateSchema(TermsSchema):
    """Late interest in percent a year and standard compensation, from a day to the end of its half-year."""

    valid_from = Day(required=True)
    percent = Number(PERCENT_PLACES, required=True)
    compensation = Amount(2, required=True)
    source = Text(required=True)


class LateInterestRatePageSchema(PageSchema):
    """Rates in time order."""

    items = fields.List(fields.Nested(LateInterestRateSchema), required=True)


def load_payment(document: Any) -> dict[str, Any]:
    """Read a payment, or raise `InvalidInput` with every error."""
    data: dict[str, Any] = load(NewPaymentSchema(), document, "#")
    return data


def load_reversal(document: Any) -> dict[str, Any]:
    """Read a reversal, or raise `InvalidInput` with every error."""
    data: dict[str, Any] = load(PaymentReversalSchema(), document, "#")
    return data


def load_rate(document: Any) -> Rate:
    """Read a rate, or raise `InvalidInput` with every error."""
    return Rate(**load(LateInterestRateSchema(), document, "#"))


def dump_payment(payment: RegisteredPayment, currency: str) -> dict[str, Any]:
    """Write a payment."""
    return {
        "id": payment.id,
        "invoice_id": payment.invoice_id,
        "invoice": payment.invoice,
        "vendor": payment.vendor,
        "paid_on": payment.paid_on.isoformat(),
        "amount": {"amount": format_amount(payment.amount), "currency": currency},
        "reference": payment.reference,
        "file": payment.file,
        "row": payment.row,
        "reverses": payment.reverses,
        "reversed_by": payment.reversed_by,
        "recorded_at": payment.recorded_at.isoformat(),
    }


def dump_open_items(found: OpenItems, currency: str) -> dict[str, Any]:
    """Write what is open."""
    written: dict[str, Any] = OpenItemsSchema().dump(
        {"on": found.on, "currency": currency, "open": found.open, "items": found.items, "roll_forward": found.rolls}
    )
    return written
