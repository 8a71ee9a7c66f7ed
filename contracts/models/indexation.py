"""Index adjustment: what an agreement says about it, values as published, requests and what became of them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.models.base import Base, Fact, Revisable, Written


class IndexClause(Revisable, Base):
    """What one agreement says about index adjustment; at most one stands at a time."""

    __tablename__ = "index_clauses"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    index_name: Mapped[str]
    table: Mapped[str] = mapped_column("table_code")
    series: Mapped[str]
    reading: Mapped[str]
    base_month: Mapped[date | None]
    comparison_month: Mapped[int]
    average_months: Mapped[int]
    share: Mapped[Decimal] = mapped_column(Written())
    floor: Mapped[Decimal | None] = mapped_column(Written())
    cap: Mapped[Decimal | None] = mapped_column(Written())
    limits_on: Mapped[str]
    symmetric: Mapped[bool]
    first_effective: Mapped[date]
    notice: Mapped[int]
    notice_unit: Mapped[str]
    clause: Mapped[str]


class IndexClauseProposal(Fact, Base):
    """A clause as somebody proposed it, in the place of ``former_id`` (None: of none)."""

    __tablename__ = "index_clause_proposals"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    former_id: Mapped[int | None] = mapped_column(ForeignKey("index_clauses.id"))
    terms: Mapped[dict[str, Any]]


class IndexClauseDecision(Fact, Base):
    """What another person decided on a proposal."""

    __tablename__ = "index_clause_decisions"
    proposal_id: Mapped[int] = mapped_column(ForeignKey("index_clause_proposals.id"), unique=True)
    decision: Mapped[str]
    reason: Mapped[str] = mapped_column(String(1000))

    __table_args__ = (CheckConstraint("decision IN ('approved', 'declined')", name="decision_known"),)


class IndexValueImport(Fact, Base):
    """A file of index values as it came in; the same file, read in the same way, comes in once."""

    __tablename__ = "index_value_imports"
    sha256: Mapped[str]
    read_as: Mapped[str]
    source: Mapped[str]
    filename: Mapped[str]
    retrieved_on: Mapped[date]
    values: Mapped[int] = mapped_column("value_count")
    new: Mapped[int] = mapped_column("new_count")
    revised: Mapped[int] = mapped_column("revised_count")

    __table_args__ = (UniqueConstraint("sha256", "read_as"),)


class IndexValue(Fact, Base):
    """A month's value as published in a table and a base year, as retrieved on a day.

    A revised value is a further row with a later ``retrieved_on``; the one retrieved last is the present one.
    """

    __tablename__ = "index_values"
    import_id: Mapped[int] = mapped_column(ForeignKey("index_value_imports.id"))
    table: Mapped[str] = mapped_column("table_code")
    series: Mapped[str]
    base_year: Mapped[int]
    month: Mapped[date]
    value: Mapped[Decimal] = mapped_column(Written())
    retrieved_on: Mapped[date]

    __table_args__ = (
        Index("ix_index_values_table_code_series_month", "table_code", "series", "month"),
        UniqueConstraint("table_code", "series", "base_year", "month", "retrieved_on"),
    )


class IndexRequest(Fact, Base):
    """A request for an adjustment with the values it used and what it computed; it never changes.

    ``base_value``, ``current_value``, changes and ``exact_factor`` are written with ten decimals for showing;
    ``factor`` has the price book's four. ``requested_on`` is a date in Oslo.
    """

    __tablename__ = "index_requests"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    clause_id: Mapped[int] = mapped_column(ForeignKey("index_clauses.id"))
    effective_from: Mapped[date]
    requested_on: Mapped[date]
    deadline_on: Mapped[date]
    base_year: Mapped[int]
    used: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    base_value: Mapped[Decimal] = mapped_column(Written())
    current_value: Mapped[Decimal] = mapped_column(Written())
    index_change: Mapped[Decimal] = mapped_column(Written())
    price_change: Mapped[Decimal] = mapped_column(Written())
    limited: Mapped[str | None]
    exact_factor: Mapped[Decimal] = mapped_column(Written())
    factor: Mapped[Decimal] = mapped_column(Written())

    agreed: Mapped[IndexClause] = relationship(lazy="joined")
    course: Mapped[list[IndexRequestState]] = relationship(order_by="IndexRequestState.position", lazy="selectin")


class IndexRequestState(Fact, Base):
    """A state that a request came into: at position 0 ``requested`` or ``lapsed``, at 1 ``approved`` or ``declined``."""

    __tablename__ = "index_request_states"
    request_id: Mapped[int] = mapped_column(ForeignKey("index_requests.id"), index=True)
    position: Mapped[int]
    state: Mapped[str]
    on: Mapped[date] = mapped_column("on_date")
    reason: Mapped[str] = mapped_column(String(1000))
    adjustment_id: Mapped[int | None] = mapped_column(ForeignKey("index_adjustments.id"))

    __table_args__ = (
        # Two who decide at the same time: the second finds the place taken.
        UniqueConstraint("request_id", "position"),
        CheckConstraint(
            "(position = 0 AND state IN ('requested', 'lapsed')) OR (position = 1 AND state IN ('approved', 'declined'))",
            name="course",
        ),
        CheckConstraint("(state = 'approved') = (adjustment_id IS NOT NULL)", name="approved_is_in_the_book"),
    )
