"""The workflow's rows: cases with their plans, events, dossier entries, submissions and decisions; who stands in for whom.

A case is about one option, or about one algorithm at one trust. Everything that happens to it is a further row, so what it
was on any day can be asked again. Only `ActivationSlot` is no fact: it says which case holds a place now.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.models.agreements import Algorithm, Organisation
from contracts.models.base import Base, Fact, Revisable

LONGEST_TEXT = 2000


class WorkflowCase(Fact, Base):
    """An option's case (``option_id``) or an activation's (``algorithm_id``).

    ``taken_over_id`` is the activation that ran before it had a case, as it was first recorded.
    """

    __tablename__ = "workflow_cases"
    kind: Mapped[str]
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    trust_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    algorithm_id: Mapped[int | None] = mapped_column(ForeignKey("algorithms.id"))
    option_id: Mapped[int | None] = mapped_column(ForeignKey("options.id"), unique=True)
    taken_over_id: Mapped[int | None] = mapped_column(ForeignKey("activations.id"), unique=True)

    trust: Mapped[Organisation] = relationship()
    algorithm: Mapped[Algorithm | None] = relationship()

    __table_args__ = (
        CheckConstraint(
            "(kind = 'option' AND option_id IS NOT NULL AND algorithm_id IS NULL)"
            " OR (kind = 'activation' AND option_id IS NULL AND algorithm_id IS NOT NULL)",
            name="about_one_thing",
        ),
    )


class WorkflowPlan(Fact, Base):
    """What is asked for: from which day, about how many examinations a month, for what use. The newest number counts."""

    __tablename__ = "workflow_plans"
    case_id: Mapped[int] = mapped_column(ForeignKey("workflow_cases.id"))
    number: Mapped[int]
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    monthly_quantity: Mapped[int]
    intended_use: Mapped[str] = mapped_column(String(LONGEST_TEXT))

    __table_args__ = (
        UniqueConstraint("case_id", "number"),
        CheckConstraint("ends_on IS NULL OR ends_on > starts_on", name="end_follows_start"),
        CheckConstraint("monthly_quantity >= 0", name="quantity_not_negative"),
    )


class WorkflowEvent(Fact, Base):
    """A step of a case, numbered from 1, and the state it led to. ``on`` is the day it is true from in the world.

    An option's step names the row of its state, a step that changed what runs names the activation's row.
    """

    __tablename__ = "workflow_events"
    case_id: Mapped[int] = mapped_column(ForeignKey("workflow_cases.id"))
    number: Mapped[int]
    event: Mapped[str]
    source: Mapped[str]
    state: Mapped[str]
    on: Mapped[date] = mapped_column("on_date")
    comment: Mapped[str] = mapped_column(String(LONGEST_TEXT))
    data: Mapped[dict[str, Any]]
    option_state_id: Mapped[int | None] = mapped_column(ForeignKey("option_states.id"), unique=True)
    activation_id: Mapped[int | None] = mapped_column(ForeignKey("activations.id"), unique=True)

    __table_args__ = (UniqueConstraint("case_id", "number"),)


class WorkflowSubmission(Fact, Base):
    """What was sent to approval, frozen: plan, cost figures and documents by hash, with the SHA-256 over all of it."""

    __tablename__ = "workflow_submissions"
    event_id: Mapped[int] = mapped_column(ForeignKey("workflow_events.id"), unique=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("workflow_cases.id"), index=True)
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("workflow_plans.id"))
    basis: Mapped[dict[str, Any]]
    figures: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    sha256: Mapped[str]


class Delegation(Revisable, Base):
    """An approver lets somebody act in their place over ``[from_on, to_on)``; both by the id that their acts carry."""

    __tablename__ = "delegations"
    principal: Mapped[str] = mapped_column(index=True)
    deputy: Mapped[str] = mapped_column(index=True)
    from_on: Mapped[date]
    to_on: Mapped[date]
    reason: Mapped[str] = mapped_column(String(LONGEST_TEXT))

    __table_args__ = (
        CheckConstraint("from_on < to_on", name="period_is_not_empty"),
        CheckConstraint("principal <> deputy", name="two_people"),
    )


class Approval(Fact, Base):
    """Somebody's approval of one submission: in person (``principal`` is who recorded it) or as a deputy; once each."""

    __tablename__ = "approvals"
    case_id: Mapped[int] = mapped_column(ForeignKey("workflow_cases.id"), index=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("workflow_submissions.id"))
    event_id: Mapped[int] = mapped_column(ForeignKey("workflow_events.id"), unique=True)
    principal: Mapped[str]
    delegation_id: Mapped[int | None] = mapped_column(ForeignKey("delegations.id"))

    __table_args__ = (
        UniqueConstraint("submission_id", "principal"),
        UniqueConstraint("submission_id", "recorded_by"),
    )


class DossierEntry(Fact, Base):
    """What a case's dossier says of one item: a document's version, offered, accepted or refused. The newest counts.

    ``basis_id`` is the entry of another trust's dossier whose document is reused.
    """

    __tablename__ = "dossier_entries"
    case_id: Mapped[int] = mapped_column(ForeignKey("workflow_cases.id"))
    item: Mapped[str]
    status: Mapped[str]
    version_id: Mapped[int | None] = mapped_column(ForeignKey("document_versions.id"))
    basis_id: Mapped[int | None] = mapped_column(ForeignKey("dossier_entries.id"))
    facts: Mapped[dict[str, Any]]
    comment: Mapped[str] = mapped_column(String(LONGEST_TEXT))

    __table_args__ = (Index("ix_dossier_entries_case_id_item", "case_id", "item"),)


class ActivationSlot(Base):
    """The one case that holds an algorithm at a trust, from its submission until it is over. Not a fact: it is given back."""

    __tablename__ = "activation_slots"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), primary_key=True)
    trust_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    algorithm_id: Mapped[int] = mapped_column(ForeignKey("algorithms.id"), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("workflow_cases.id"), unique=True)
