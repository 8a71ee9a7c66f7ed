"""Prices as agreed: versions of the price book with their charges as data, conventions, index adjustments."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.models.base import Base, Fact, Revisable, Written


class PriceBookConventions(Revisable, Base):
    """How the book of one agreement counts and rounds (``pricing.md`` §2), as written in the contract."""

    __tablename__ = "price_book_conventions"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    terms: Mapped[dict[str, Any]]


class PriceBookVersion(Revisable, Base):
    """A version of the price book, valid from a day until the next one."""

    __tablename__ = "price_book_versions"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    valid_from: Mapped[date]
    clause: Mapped[str]

    charges: Mapped[list[PriceBookCharge]] = relationship(order_by="PriceBookCharge.position", lazy="selectin")


class PriceBookCharge(Fact, Base):
    """One charge of a version: what it is called, where it is agreed, and its terms in the price request's shape."""

    __tablename__ = "price_book_charges"
    version_id: Mapped[int] = mapped_column(ForeignKey("price_book_versions.id"), index=True)
    position: Mapped[int]
    code: Mapped[str]
    kind: Mapped[str]
    clause: Mapped[str]
    terms: Mapped[dict[str, Any]]

    __table_args__ = (UniqueConstraint("version_id", "code"), UniqueConstraint("version_id", "position"))


class IndexAdjustment(Revisable, Base):
    """An approved adjustment: from ``effective_from`` the prices of older versions are multiplied by ``factor``."""

    __tablename__ = "index_adjustments"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    effective_from: Mapped[date]
    factor: Mapped[Decimal] = mapped_column(Written())
    clause: Mapped[str]
