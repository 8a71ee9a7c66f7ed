"""Accruals as they were booked, and payments: the files they came in, reversals, and what being late costs."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from contracts.models.base import Base, Fact, Money, Revisable, Written


class AccrualVoucher(Fact, Base):
    """One booking of accruals: its rows as a document, known by hash. ``total`` is what stands accrued after it."""

    __tablename__ = "accrual_vouchers"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    number: Mapped[int]
    month: Mapped[str]
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"), index=True)
    known_at: Mapped[datetime]
    total: Mapped[Decimal] = mapped_column(Money())
    entries: Mapped[int]

    __table_args__ = (UniqueConstraint("agreement_id", "number"),)


class VoucherTemplate(Revisable, Base):
    """How a voucher file is written for an accounting system: columns, delimiter, decimal mark."""

    __tablename__ = "voucher_templates"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    content: Mapped[dict[str, Any]]


class PaymentFile(Fact, Base):
    """A file of payments from an accounting system, kept byte for byte."""

    __tablename__ = "payment_files"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"), index=True)
    rows: Mapped[int]
    accepted: Mapped[int]
    duplicates: Mapped[int]

    __table_args__ = (UniqueConstraint("agreement_id", "document_id"),)


class Payment(Fact, Base):
    """Money paid on an invoice, including VAT; negative is money that came back. A reversal points at what it reverses."""

    __tablename__ = "payments"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"), index=True)
    paid_on: Mapped[date]
    amount: Mapped[Decimal] = mapped_column(Money())
    reference: Mapped[str]
    file_id: Mapped[int | None] = mapped_column(ForeignKey("payment_files.id"), index=True)
    row: Mapped[int | None]
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id"), unique=True)


class LateInterestRate(Revisable, Base):
    """Late interest in percent a year and the standard compensation from a day on, with the regulation they stand in."""

    __tablename__ = "late_interest_rates"
    valid_from: Mapped[date]
    percent: Mapped[Decimal] = mapped_column(Written())
    compensation: Mapped[Decimal] = mapped_column(Money())
    source: Mapped[str]
