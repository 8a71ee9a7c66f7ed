"""How an agreement changes after it was signed: amendments with their course, and options' moved last days."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.models.base import Base, Fact, Money


class AmendmentState(Fact, Base):
    """A state that an amendment came into, on a day: drafted, decided on, and announced where it must be."""

    __tablename__ = "amendment_states"
    amendment_id: Mapped[int] = mapped_column(ForeignKey("amendments.id"))
    position: Mapped[int]
    state: Mapped[str]
    on: Mapped[date] = mapped_column("on_date")
    reason: Mapped[str] = mapped_column(String(2000))

    __table_args__ = (
        UniqueConstraint("amendment_id", "position"),
        CheckConstraint(
            "(position = 0 AND state = 'drafted') OR (position = 1 AND state IN ('approved', 'rejected', 'withdrawn'))"
            " OR (position = 2 AND state = 'announced')",
            name="course",
        ),
    )


class Amendment(Fact, Base):
    """A change of an agreement as drafted. ``terms_id`` are the terms it was drafted on; ``new_end`` is exclusive.

    ``original_value`` is what percentages are of, as it was when drafted; an extension names the one it takes up by its
    first day.
    """

    __tablename__ = "amendments"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    number: Mapped[int]
    kind: Mapped[str]
    basis: Mapped[str]
    title: Mapped[str]
    reason: Mapped[str] = mapped_column(String(2000))
    clause: Mapped[str]
    signed_on: Mapped[date]
    value_change: Mapped[Decimal | None] = mapped_column(Money())
    original_value: Mapped[Decimal | None] = mapped_column(Money())
    new_maximum: Mapped[Decimal | None] = mapped_column(Money())
    new_end: Mapped[date | None]
    extension_from: Mapped[date | None]
    options_until: Mapped[date | None]
    vendor_name: Mapped[str]
    vendor_number: Mapped[str]
    terms_id: Mapped[int] = mapped_column(ForeignKey("agreement_terms.id"))

    course: Mapped[list[AmendmentState]] = relationship(order_by=AmendmentState.position, lazy="selectin")

    __table_args__ = (
        UniqueConstraint("agreement_id", "number"),
        CheckConstraint("kind IN ('extension', 'change', 'termination')", name="kind_known"),
        CheckConstraint(
            "basis IN ('clause', 'minor', 'supplementary', 'unforeseen', 'supplier_change', 'not_substantial')",
            name="basis_known",
        ),
    )


class OptionDeadline(Fact, Base):
    """An option's last day was moved by an amendment; the newest row counts."""

    __tablename__ = "option_deadlines"
    option_id: Mapped[int] = mapped_column(ForeignKey("options.id"), index=True)
    deadline_on: Mapped[date]
    amendment_id: Mapped[int] = mapped_column(ForeignKey("amendments.id"))
