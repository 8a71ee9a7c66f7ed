"""Where an amount is booked, by trust; and who pays the vendor."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from contracts.models.base import Base, Revisable


class CostCentre(Revisable, Base):
    """A trust's cost centre and accounts from a day on, for all its algorithms or for one of them.

    ``account`` is that of the expense, ``accrual_account`` that of the liability until the invoice is accepted.
    """

    __tablename__ = "cost_centres"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    trust_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    algorithm_id: Mapped[int | None] = mapped_column(ForeignKey("algorithms.id"))
    valid_from: Mapped[date]
    cost_centre: Mapped[str]
    account: Mapped[str]
    accrual_account: Mapped[str]
    project: Mapped[str | None]
    vat_code: Mapped[str | None]

    __table_args__ = (Index("ix_cost_centres_agreement_id_trust_id", "agreement_id", "trust_id"),)


class AgreementPayer(Revisable, Base):
    """Who pays the vendor from a day on: the buyer, who recharges the trusts, or each trust itself."""

    __tablename__ = "agreement_payers"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    valid_from: Mapped[date]
    payer: Mapped[str]

    __table_args__ = (CheckConstraint("payer IN ('buyer_recharges', 'each_trust')", name="known_payer"),)
