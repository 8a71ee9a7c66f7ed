"""Scenarios as they were saved, their revisions, and what each was answered."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from contracts.models.base import Base, Fact


class Scenario(Fact, Base):
    """A scenario under one code for good; ``trust_id`` is the trust whose figures it is kept to, None where it has all."""

    __tablename__ = "scenarios"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    code: Mapped[str] = mapped_column(unique=True)
    trust_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))


class ScenarioRevision(Fact, Base):
    """What a scenario assumed at one time, and as of which knowledge, day and engine it is answered."""

    __tablename__ = "scenario_revisions"
    scenario_id: Mapped[int] = mapped_column(ForeignKey("scenarios.id"))
    number: Mapped[int]
    name: Mapped[str]
    document: Mapped[dict[str, Any]]
    known_at: Mapped[datetime]
    today: Mapped[date]
    engine: Mapped[str]

    __table_args__ = (UniqueConstraint("scenario_id", "number"),)


class ScenarioAnswer(Fact, Base):
    """The answer to a revision with its SHA-256; there is one, and it is never written over."""

    __tablename__ = "scenario_answers"
    revision_id: Mapped[int] = mapped_column(ForeignKey("scenario_revisions.id"), unique=True)
    answer: Mapped[dict[str, Any]]
    sha256: Mapped[str]
