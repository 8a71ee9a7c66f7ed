"""Cost allocation, accruals and their vouchers as JSON; amounts are strings in the agreement's currency."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from billing.payments.voucher_files import DATE_FORMS, DECIMAL_MARKS, DELIMITERS, Template
from contracts.schemas.answers import INSTANT, AgreementQuerySchema, KnownQuerySchema, PageSchema, PeriodSchema
from contracts.schemas.fields import AmountText, IsoText, LabelText, TermsSchema, load
from contracts.terms.agreement import PAYERS

AMOUNT = {"pattern": r"^-?\d+\.\d\d$"}


class AllocationQuerySchema(AgreementQuerySchema, KnownQuerySchema):
    """What is allocated: the expected charges of a quarter or month, or an invoice."""

    quarter = fields.String(load_default=None, metadata={"description": "A quarter (2026-Q3) or a month (2026-07)."})
    invoice = fields.Integer(
        load_default=None, validate=validate.Range(1, 2**63 - 1), metadata={"description": "The id of an invoice."}
    )


class AccrualQuerySchema(AgreementQuerySchema, KnownQuerySchema):
    """At the end of which month."""

    month = fields.String(required=True, metadata={"description": "A month, such as 2026-09."})


class AccrualBookingSchema(TermsSchema):
    """Where an amount is booked."""

    cost_centre = fields.String(required=True)
    account = fields.String(required=True)
    accrual_account = fields.String(required=True)
    project = fields.String(required=True, allow_none=True)
    vat_code = fields.String(required=True, allow_none=True)


class AllocatedAmountSchema(TermsSchema):
    """What a trust bears of an algorithm; `booking` is null where nobody has said where."""

    trust = fields.String(required=True)
    algorithm = fields.String(required=True, allow_none=True)
    booking = fields.Nested(AccrualBookingSchema, required=True, allow_none=True)
    net = AmountText(required=True, metadata=AMOUNT)
    tax = AmountText(required=True, metadata=AMOUNT)


class SharedAmountSchema(TermsSchema):
    """An amount on no trust, and the key it was shared by."""

    charge = fields.String(required=True, allow_none=True)
    algorithm = fields.String(required=True, allow_none=True)
    period = fields.Nested(PeriodSchema, required=True)
    net = AmountText(required=True, metadata=AMOUNT)
    key = fields.String(
        required=True, validate=validate.OneOf(("own", "reference", "charge", "period", "all", "equal"))
    )


class CostAllocationSchema(TermsSchema):
    """The proposal for booking; the amounts sum to the charges, or to the invoice, to the øre."""

    period = fields.Nested(PeriodSchema, required=True)
    currency = fields.String(required=True, attribute="agreement.term.currency")
    source = fields.String(required=True, validate=validate.OneOf(("expected", "invoice")))
    invoice = fields.String(required=True, allow_none=True, attribute="invoice.number")
    run = fields.Integer(required=True, allow_none=True)
    payer = fields.String(required=True, validate=validate.OneOf(PAYERS))
    net = AmountText(required=True, metadata=AMOUNT)
    tax = AmountText(required=True, metadata=AMOUNT)
    amounts = fields.List(fields.Nested(AllocatedAmountSchema), required=True)
    shared = fields.List(fields.Nested(SharedAmountSchema), required=True)


class TrustMonthSchema(TermsSchema):
    """A trust's month; `invoiced` is null where no accepted invoice bears on it."""

    trust = fields.String(required=True)
    month = LabelText(required=True)
    expected = AmountText(required=True, metadata=AMOUNT)
    invoiced = AmountText(required=True, allow_none=True)
    accrued = AmountText(required=True, metadata=AMOUNT)


class AccruedAmountSchema(TermsSchema):
    """An amount that stands accrued, and where."""

    trust = fields.String(required=True)
    month = LabelText(required=True)
    booking = fields.Nested(AccrualBookingSchema, required=True, allow_none=True)
    amount = AmountText(required=True, metadata=AMOUNT)


class _KindSchema(TermsSchema):
    kind = fields.String(required=True, validate=validate.OneOf(("accrual", "reversal")))


class AccrualEntrySchema(AccruedAmountSchema, _KindSchema):
    """A change: positive accrues, negative reverses."""


class AccrualsSchema(TermsSchema):
    """What is to stand accrued at the end of a month, and what the next voucher would book."""

    month = LabelText(required=True)
    currency = fields.String(required=True, attribute="agreement.term.currency")
    total = AmountText(required=True, metadata=AMOUNT)
    last_voucher = fields.Integer(required=True, allow_none=True, attribute="last.number")
    months = fields.List(fields.Nested(TrustMonthSchema), required=True)
    standing = fields.List(fields.Nested(AccruedAmountSchema), required=True)
    entries = fields.List(fields.Nested(AccrualEntrySchema), required=True)


class NewAccrualVoucherSchema(TermsSchema):
    """The month at whose end the accruals are booked."""

    month = fields.String(required=True)


class AccrualVoucherSchema(TermsSchema):
    """A booked voucher, frozen."""

    number = fields.Integer(required=True)
    month = LabelText(required=True)
    total = AmountText(required=True, metadata=AMOUNT)
    sha256 = fields.String(required=True)
    booked_at = IsoText(required=True, metadata=INSTANT)
    standing = fields.List(fields.Nested(AccruedAmountSchema), required=True)
    entries = fields.List(fields.Nested(AccrualEntrySchema), required=True)


class AccrualVoucherPageSchema(PageSchema):
    """Vouchers, newest first."""

    items = fields.List(fields.Nested(AccrualVoucherSchema), required=True)


class VoucherTemplateColumnSchema(TermsSchema):
    """A column: its header, and a field's name or a fixed text written =TEXT."""

    header = fields.String(required=True)
    value = fields.String(required=True)


class VoucherTemplateSchema(TermsSchema):
    """How voucher files are written."""

    columns = fields.List(fields.Nested(VoucherTemplateColumnSchema), required=True)
    delimiter = fields.String(load_default=";", validate=validate.OneOf(DELIMITERS))
    decimal_mark = fields.String(load_default=",", validate=validate.OneOf(DECIMAL_MARKS))
    dates = fields.String(load_default="iso", validate=validate.OneOf(DATE_FORMS))
    header = fields.Boolean(load_default=True, truthy={True}, falsy={False})


def load_template(document: Any) -> Template:
    """Read a template, or raise `InvalidInput` with every error."""
    return Template.from_document(load(VoucherTemplateSchema(), document, "#"))


def load_month(document: Any) -> str:
    """Read the month of a voucher, or raise `InvalidInput`."""
    month: str = load(NewAccrualVoucherSchema(), document, "#")["month"]
    return month
