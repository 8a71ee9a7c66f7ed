"""What is known of the marketplace's products, how needs are scored, and the gains that a case expects."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from contracts.models.base import Base, Fact, Money, Revisable, Written

LONG = 500
LONGEST_TEXT = 2000


class AlgorithmDescription(Revisable, Base):
    """What a product is meant for, in its maker's words, and what it cannot do."""

    __tablename__ = "algorithm_descriptions"
    algorithm_id: Mapped[int] = mapped_column(ForeignKey("algorithms.id"), index=True)
    intended_use: Mapped[str] = mapped_column(String(LONGEST_TEXT))
    organ: Mapped[str]
    function: Mapped[str]
    limitations: Mapped[str] = mapped_column(String(LONGEST_TEXT))


class AlgorithmVersion(Fact, Base):
    """A version of a product that its maker released."""

    __tablename__ = "algorithm_versions"
    algorithm_id: Mapped[int] = mapped_column(ForeignKey("algorithms.id"))
    version: Mapped[str]
    released_on: Mapped[date]
    note: Mapped[str] = mapped_column(String(LONGEST_TEXT))

    __table_args__ = (UniqueConstraint("algorithm_id", "version"),)


class EvidenceReference(Revisable, Base):
    """A published reference for a product's validation or clinical testing; null where something is not known."""

    __tablename__ = "evidence_references"
    algorithm_id: Mapped[int] = mapped_column(ForeignKey("algorithms.id"), index=True)
    kind: Mapped[str]
    authors: Mapped[str] = mapped_column(String(LONG))
    year: Mapped[int]
    title: Mapped[str] = mapped_column(String(LONG))
    journal: Mapped[str]
    doi: Mapped[str]
    design: Mapped[str]
    participants: Mapped[int | None]
    independent: Mapped[bool | None]
    peer_reviewed: Mapped[bool | None]

    __table_args__ = (CheckConstraint("kind IN ('validation', 'clinical')", name="kind_known"),)


class NeedScore(Revisable, Base):
    """How a need scores by one criterion, 1 to 5, with the reason."""

    __tablename__ = "need_scores"
    algorithm_id: Mapped[int] = mapped_column(ForeignKey("algorithms.id"), index=True)
    criterion: Mapped[str]
    score: Mapped[int]
    reason: Mapped[str] = mapped_column(String(LONGEST_TEXT))

    __table_args__ = (CheckConstraint("score BETWEEN 1 AND 5", name="score_in_range"),)


class ExpectedGain(Revisable, Base):
    """A gain that a case expects of each examination: in minutes, days of waiting, or in words; ``value`` is kroner a unit.

    ``owner`` is who enters later what was observed, by the id that their acts carry.
    """

    __tablename__ = "expected_gains"
    case_id: Mapped[int] = mapped_column(ForeignKey("workflow_cases.id"), index=True)
    kind: Mapped[str]
    description: Mapped[str] = mapped_column(String(LONG))
    per_examination: Mapped[Decimal | None] = mapped_column(Written())
    value: Mapped[Decimal | None] = mapped_column(Money())
    source: Mapped[str] = mapped_column(String(LONG))
    owner: Mapped[str]

    __table_args__ = (CheckConstraint("kind IN ('minutes', 'waiting', 'quality')", name="kind_known"),)


class ObservedGain(Fact, Base):
    """What a gain's owner observed over ``[from_on, to_on)``."""

    __tablename__ = "observed_gains"
    gain_id: Mapped[int] = mapped_column(ForeignKey("expected_gains.id"), index=True)
    from_on: Mapped[date]
    to_on: Mapped[date]
    per_examination: Mapped[Decimal | None] = mapped_column(Written())
    note: Mapped[str] = mapped_column(String(LONGEST_TEXT))

    __table_args__ = (CheckConstraint("from_on < to_on", name="period_is_not_empty"),)
