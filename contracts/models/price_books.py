"""Prices as agreed: versions of the price book with their charges as data, conventions, index adjustments, drafts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.models.base import Base, Fact, Revisable, Written


class PriceBookConventions(Revisable, Base):
    """How the book of one agreement counts and rounds (pricing.md §2.1 §2.2 §2.3 §2.4 §2.5), as written in the contract."""

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


class PriceBookDraft(Fact, Base):
    """A version in the making. What it says stands in its revisions, what it has come to in its events."""

    __tablename__ = "price_book_drafts"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    based_on: Mapped[date | None]

    revisions: Mapped[list[PriceBookDraftRevision]] = relationship(order_by="PriceBookDraftRevision.number")
    events: Mapped[list[PriceBookDraftEvent]] = relationship(order_by="PriceBookDraftEvent.id")


class PriceBookDraftRevision(Fact, Base):
    """One state of a draft's text; the newest one, by ``number`` from 1, is what the draft says."""

    __tablename__ = "price_book_draft_revisions"
    draft_id: Mapped[int] = mapped_column(ForeignKey("price_book_drafts.id"))
    number: Mapped[int]
    valid_from: Mapped[date]
    clause: Mapped[str]
    charges: Mapped[list[Any]] = mapped_column(JSON)
    note: Mapped[str] = mapped_column(String(2000))

    __table_args__ = (UniqueConstraint("draft_id", "number"),)


class PriceBookDraftEvent(Fact, Base):
    """A step in a draft's course, about one revision; an approval names the version that it put in force.

    ``consequence`` is what the step was told to cost: amounts as text, in the shape of `contracts.prices.drafts.Consequence`.
    """

    __tablename__ = "price_book_draft_events"
    draft_id: Mapped[int] = mapped_column(ForeignKey("price_book_drafts.id"), index=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("price_book_draft_revisions.id"))
    event: Mapped[str]
    comment: Mapped[str] = mapped_column(String(2000))
    version_id: Mapped[int | None] = mapped_column(ForeignKey("price_book_versions.id"), unique=True)
    consequence: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    revision: Mapped[PriceBookDraftRevision] = relationship()
