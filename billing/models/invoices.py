"""Invoices as they came: the document by hash, its header and lines as read."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.models.base import Base, Fact, Money, Scaled
from contracts.models.documents import Document


class Invoice(Fact, Base):
    """An EHF invoice or credit note; amounts as written in the document (a credit note's are positive)."""

    __tablename__ = "invoices"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"))
    kind: Mapped[str]
    number: Mapped[str]
    issued_on: Mapped[date | None]
    due_on: Mapped[date | None]
    currency: Mapped[str]
    seller_number: Mapped[str | None]
    buyer_number: Mapped[str | None]
    buyer_reference: Mapped[str | None]
    order_reference: Mapped[str | None]
    contract_reference: Mapped[str | None]
    period_from: Mapped[date | None]
    period_to: Mapped[date | None]
    line_sum: Mapped[Decimal | None] = mapped_column(Money())
    tax_exclusive: Mapped[Decimal | None] = mapped_column(Money())
    tax: Mapped[Decimal | None] = mapped_column(Money())
    payable: Mapped[Decimal | None] = mapped_column(Money())

    document: Mapped[Document] = relationship()
    lines: Mapped[list[InvoiceLine]] = relationship(order_by="InvoiceLine.position", lazy="selectin")

    __table_args__ = (UniqueConstraint("agreement_id", "document_id"),)


class InvoiceLine(Fact, Base):
    """One line as written, with the trust, algorithm and period it names, where it names them."""

    __tablename__ = "invoice_lines"
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"), index=True)
    position: Mapped[int]
    line_id: Mapped[str]
    name: Mapped[str]
    item_id: Mapped[str | None]
    quantity: Mapped[Decimal | None] = mapped_column(Scaled(6))
    unit_price: Mapped[Decimal | None] = mapped_column(Scaled(8))
    net: Mapped[Decimal | None] = mapped_column(Money())
    trust: Mapped[str | None]
    algorithm: Mapped[str | None]
    period_from: Mapped[date | None]
    period_to: Mapped[date | None]

    __table_args__ = (UniqueConstraint("invoice_id", "position"),)
