"""Who agreed what with whom: organisations, agreements with their terms and extensions, and the closed list of holders."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.models.base import Base, Fact, Money, Revisable, Written


class Organisation(Fact, Base):
    """A legal unit with its organisation number (nine digits, mod 11), once for all agreements."""

    __tablename__ = "organisations"
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    organisation_number: Mapped[str] = mapped_column(unique=True)
    region: Mapped[str]


class Agreement(Fact, Base):
    """A framework agreement between one buyer and one vendor; its terms stand in `AgreementTerms`."""

    __tablename__ = "agreements"
    code: Mapped[str] = mapped_column(unique=True)
    buyer_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    vendor_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    example: Mapped[bool]

    buyer: Mapped[Organisation] = relationship(foreign_keys=[buyer_id])
    vendor: Mapped[Organisation] = relationship(foreign_keys=[vendor_id])


class AgreementTerms(Revisable, Base):
    """The agreement's name, term and values. ``end_on`` is exclusive and includes the extensions taken up."""

    __tablename__ = "agreement_terms"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    name: Mapped[str]
    reference: Mapped[str]
    start_on: Mapped[date]
    end_on: Mapped[date]
    currency: Mapped[str]
    estimated_value: Mapped[Decimal | None] = mapped_column(Money())
    maximum_value: Mapped[Decimal | None] = mapped_column(Money())
    vat_rate: Mapped[Decimal] = mapped_column(Written())
    payment_days: Mapped[int]

    __table_args__ = (CheckConstraint("start_on < end_on", name="term_is_not_empty"),)


class AgreementExtension(Revisable, Base):
    """An agreed right to prolong: from the end before it until ``to_on``; ``taken_up_on`` is null while unused.

    ``notice_months`` says how long before the end then the vendor must have notice (null: the last day will do).
    """

    __tablename__ = "agreement_extensions"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    from_on: Mapped[date]
    to_on: Mapped[date]
    clause: Mapped[str]
    taken_up_on: Mapped[date | None]
    notice_months: Mapped[int | None]


class Option(Fact, Base):
    """A named holder's right to join. The list is closed: rows come with the agreement and never after."""

    __tablename__ = "options"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    trust_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    deadline_on: Mapped[date]
    clause: Mapped[str]

    trust: Mapped[Organisation] = relationship()

    __table_args__ = (UniqueConstraint("agreement_id", "trust_id"),)


class OptionState(Fact, Base):
    """The state an option came into, on a day. The newest row is the present one."""

    __tablename__ = "option_states"
    option_id: Mapped[int] = mapped_column(ForeignKey("options.id"), index=True)
    state: Mapped[str]
    on: Mapped[date] = mapped_column("on_date")


class Algorithm(Fact, Base):
    """A product on the marketplace that serves one need."""

    __tablename__ = "algorithms"
    code: Mapped[str] = mapped_column(unique=True)
    product: Mapped[str]
    vendor_name: Mapped[str]
    need_nb: Mapped[str]
    need_en: Mapped[str]
    modality: Mapped[str]
    ce_class: Mapped[str]
    ce_year: Mapped[int | None]


class AgreementAlgorithm(Fact, Base):
    """An algorithm is on the marketplace list of an agreement."""

    __tablename__ = "agreement_algorithms"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    algorithm_id: Mapped[int] = mapped_column(ForeignKey("algorithms.id"))

    algorithm: Mapped[Algorithm] = relationship()

    __table_args__ = (UniqueConstraint("agreement_id", "algorithm_id"),)


class Activation(Revisable, Base):
    """One algorithm switched on at one trust. ``end_on`` is exclusive; null while it runs."""

    __tablename__ = "activations"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    trust_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    algorithm_id: Mapped[int] = mapped_column(ForeignKey("algorithms.id"))
    validation_from: Mapped[date | None]
    go_live_on: Mapped[date]
    end_on: Mapped[date | None]

    trust: Mapped[Organisation] = relationship()
    algorithm: Mapped[Algorithm] = relationship()

    __table_args__ = (
        Index("ix_activations_agreement_id_trust_id", "agreement_id", "trust_id"),
        CheckConstraint("end_on IS NULL OR end_on > go_live_on", name="end_follows_go_live"),
        CheckConstraint("validation_from IS NULL OR validation_from <= go_live_on", name="validation_precedes_go_live"),
    )
