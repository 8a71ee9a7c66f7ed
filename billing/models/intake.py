"""How invoices are addressed and read: references by recipient, how a vendor writes its lines, its known accounts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from contracts.models.base import Base, Revisable


class InvoiceReference(Revisable, Base):
    """What an invoice to an organisation must carry, and where it is sent."""

    __tablename__ = "invoice_references"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    buyer_reference: Mapped[str | None]
    order_number: Mapped[str | None]
    order_pattern: Mapped[str | None]
    endpoint: Mapped[str | None]
    street: Mapped[str | None]
    postal_code: Mapped[str | None]
    city: Mapped[str | None]

    __table_args__ = (Index("ix_invoice_references_agreement_id_organisation_id", "agreement_id", "organisation_id"),)


class VendorMapping(Revisable, Base):
    """Which fields of a vendor's documents carry trust, algorithm, period, tier and phase, in the order of trust in them."""

    __tablename__ = "vendor_mappings"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    vendor_number: Mapped[str]
    sources: Mapped[dict[str, Any]]

    __table_args__ = (Index("ix_vendor_mappings_agreement_id_vendor_number", "agreement_id", "vendor_number"),)


class VendorAccount(Revisable, Base):
    """A bank account that somebody has checked to be the vendor's; ``checked`` says how."""

    __tablename__ = "vendor_accounts"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    vendor_number: Mapped[str]
    account: Mapped[str]
    checked: Mapped[str]

    __table_args__ = (Index("ix_vendor_accounts_agreement_id_vendor_number", "agreement_id", "vendor_number"),)
