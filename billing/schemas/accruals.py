"""Cost allocation, accruals and their vouchers as JSON; amounts are strings in the agreement's currency."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from marshmallow import fields, validate

from billing.payments.accruals import Accruals, Entry, Standing, Voucher
from billing.payments.allocation import Allocation
from billing.payments.voucher_files import DATE_FORMS, DECIMAL_MARKS, DELIMITERS, Template
from billing.schemas.price import dump_period
from contracts.cost_centres import Booking
from contracts.schemas.answers import INSTANT, AgreementQuerySchema, KnownQuerySchema, PageSchema, PeriodSchema
from contracts.schemas.fields import TermsSchema, load
from contracts.terms.agreement import PAYERS
from contracts.terms.money import format_amount

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
    net = fields.String(required=True, metadata=AMOUNT)
    tax = fields.String(required=True, metadata=AMOUNT)


class SharedAmountSchema(TermsSchema):
    """An amount on no trust, and the key it was shared by."""

    charge = fields.String(required=True, allow_none=True)
    algorithm = fields.String(required=True, allow_none=True)
    period = fields.Nested(PeriodSchema, required=True)
    net = fields.String(required=True, metadata=AMOUNT)
    key = fields.String(
        required=True, validate=validate.OneOf(("own", "reference", "charge", "period", "all", "equal"))
    )


class CostAllocationSchema(TermsSchema):
    """The proposal for booking; the amounts sum to the charges, or to the invoice, to the øre."""

    period = fields.Nested(PeriodSchema, required=True)
    currency = fields.String(required=True)
    source = fields.String(required=True, validate=validate.OneOf(("expected", "invoice")))
    invoice = fields.String(required=True, allow_none=True)
    run = fields.Integer(required=True, allow_none=True)
    payer = fields.String(required=True, validate=validate.OneOf(PAYERS))
    net = fields.String(required=True, metadata=AMOUNT)
    tax = fields.String(required=True, metadata=AMOUNT)
    amounts = fields.List(fields.Nested(AllocatedAmountSchema), required=True)
    shared = fields.List(fields.Nested(SharedAmountSchema), required=True)


class TrustMonthSchema(TermsSchema):
    """A trust's month; `invoiced` is null where no accepted invoice bears on it."""

    trust = fields.String(required=True)
    month = fields.String(required=True)
    expected = fields.String(required=True, metadata=AMOUNT)
    invoiced = fields.String(required=True, allow_none=True)
    accrued = fields.String(required=True, metadata=AMOUNT)


class AccruedAmountSchema(TermsSchema):
    """An amount that stands accrued, and where."""

    trust = fields.String(required=True)
    month = fields.String(required=True)
    booking = fields.Nested(AccrualBookingSchema, required=True, allow_none=True)
    amount = fields.String(required=True, metadata=AMOUNT)


class AccrualEntrySchema(AccruedAmountSchema):
    """A change: positive accrues, negative reverses."""

    kind = fields.String(required=True, validate=validate.OneOf(("accrual", "reversal")))


class AccrualsSchema(TermsSchema):
    """What is to stand accrued at the end of a month, and what the next voucher would book."""

    month = fields.String(required=True)
    currency = fields.String(required=True)
    total = fields.String(required=True, metadata=AMOUNT)
    last_voucher = fields.Integer(required=True, allow_none=True)
    months = fields.List(fields.Nested(TrustMonthSchema), required=True)
    standing = fields.List(fields.Nested(AccruedAmountSchema), required=True)
    entries = fields.List(fields.Nested(AccrualEntrySchema), required=True)


class NewAccrualVoucherSchema(TermsSchema):
    """The month at whose end the accruals are booked."""

    month = fields.String(required=True)


class AccrualVoucherSchema(TermsSchema):
    """A booked voucher, frozen."""

    number = fields.Integer(required=True)
    month = fields.String(required=True)
    total = fields.String(required=True, metadata=AMOUNT)
    sha256 = fields.String(required=True)
    booked_at = fields.String(required=True, metadata=INSTANT)
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


def dump_allocation(found: Allocation) -> dict[str, Any]:
    """Write an allocation."""
    return {
        "period": dump_period(found.period),
        "currency": found.agreement.term.currency,
        "source": found.source,
        "invoice": None if found.invoice is None else found.invoice.number,
        "run": found.run,
        "payer": found.payer,
        "net": format_amount(found.net),
        "tax": format_amount(found.tax),
        "amounts": [
            {
                "trust": each.trust,
                "algorithm": each.algorithm,
                "booking": _booking(each.booking),
                "net": format_amount(each.net),
                "tax": format_amount(each.tax),
            }
            for each in found.amounts
        ],
        "shared": [
            {
                "charge": each.charge,
                "algorithm": each.algorithm,
                "period": dump_period(each.period),
                "net": format_amount(each.net),
                "key": each.key,
            }
            for each in found.shared
        ],
    }


def dump_accruals(found: Accruals) -> dict[str, Any]:
    """Write what is to stand accrued."""
    return {
        "month": found.month.label(),
        "currency": found.agreement.term.currency,
        "total": format_amount(found.total),
        "last_voucher": None if found.last is None else found.last.number,
        "months": [
            {
                "trust": each.trust,
                "month": each.month.label(),
                "expected": format_amount(each.expected),
                "invoiced": None if each.invoiced is None else format_amount(each.invoiced),
                "accrued": format_amount(each.accrued),
            }
            for each in found.months
        ],
        "standing": [_place(each) for each in found.standing],
        "entries": [{"kind": each.kind} | _place(each) for each in found.entries],
    }


def dump_voucher(voucher: Voucher) -> dict[str, Any]:
    """Write a booked voucher."""
    return {
        "number": voucher.number,
        "month": voucher.month.label(),
        "total": format_amount(voucher.total),
        "sha256": voucher.sha256,
        "booked_at": voucher.booked_at.isoformat(),
        "standing": [_place(each) for each in voucher.standing],
        "entries": [{"kind": each.kind} | _place(each) for each in voucher.entries],
    }


def _place(each: Standing | Entry) -> dict[str, Any]:
    return {
        "trust": each.trust,
        "month": each.month.label(),
        "booking": _booking(each.booking),
        "amount": format_amount(each.amount),
    }


def _booking(booking: Booking | None) -> dict[str, Any] | None:
    return None if booking is None else asdict(booking)
