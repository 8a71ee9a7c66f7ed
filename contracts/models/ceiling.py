"""What counts against an agreement's maximum value, who allowed more, and the money that trusts have set aside."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from contracts.models.base import Base, Fact, Money, Revisable


class CeilingEntry(Fact, Base):
    """What ``source`` knows of one part of the use, in kroner excluding VAT; the newest row of a kind and source stands.

    ``recorded_at`` is when it became known.
    """

    __tablename__ = "ceiling_entries"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    kind: Mapped[str]
    source: Mapped[str]
    amount: Mapped[Decimal] = mapped_column(Money())

    __table_args__ = (
        CheckConstraint("kind IN ('opening', 'invoiced', 'accrued', 'committed')", name="kind_known"),
        Index("ix_ceiling_entries_agreement_id_kind_source", "agreement_id", "kind", "source"),
    )


class CeilingForecast(Fact, Base):
    """What what runs was foreseen to have cost by the agreement's end, and when each level of the maximum is reached.

    ``spent`` is what was used up before ``first_month``; the percentiles are of the whole cost up to ``until_on``. ``levels``
    has, for each percentage of the maximum not yet spent, the days ``p10``, ``p50``, ``p90`` (null: not before the end) and
    the share of draws that ``never`` reach it. The newest row of an agreement stands.
    """

    __tablename__ = "ceiling_forecasts"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    first_month: Mapped[date]
    until_on: Mapped[date]
    spent: Mapped[Decimal] = mapped_column(Money())
    p10: Mapped[Decimal] = mapped_column(Money())
    p50: Mapped[Decimal] = mapped_column(Money())
    p90: Mapped[Decimal] = mapped_column(Money())
    levels: Mapped[dict[str, Any]]


class CeilingOverride(Fact, Base):
    """A contract manager asks, for one plan of an activation, to go beyond the maximum value; the figures are those of that moment."""

    __tablename__ = "ceiling_overrides"
    case_id: Mapped[int] = mapped_column(ForeignKey("workflow_cases.id"), index=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("workflow_plans.id"))
    reason: Mapped[str] = mapped_column(String(2000))
    request: Mapped[Decimal] = mapped_column(Money())
    headroom: Mapped[Decimal] = mapped_column(Money())


class CeilingOverrideDecision(Fact, Base):
    """An approver who did not ask for it allows an override, or does not."""

    __tablename__ = "ceiling_override_decisions"
    override_id: Mapped[int] = mapped_column(ForeignKey("ceiling_overrides.id"), unique=True)
    decision: Mapped[str]
    comment: Mapped[str] = mapped_column(String(2000))

    __table_args__ = (CheckConstraint("decision IN ('approved', 'declined')", name="decision_known"),)


class ActOverride(Fact, Base):
    """Somebody asks to let an act on the whole agreement go over what guards it, and says why; the figures are of that moment.

    ``content`` is the hash of what the act says: another wording is another act. ``codes`` are what refused it.
    """

    __tablename__ = "act_overrides"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    subject: Mapped[str]
    content: Mapped[str]
    reason: Mapped[str] = mapped_column(String(2000))
    codes: Mapped[list[str]] = mapped_column(JSON)
    effect: Mapped[dict[str, Any]]


class ActApproval(Fact, Base):
    """One person's approval of an act on the whole agreement, with its cost to the end as they were told it.

    ``principal`` is in whose place they approved; ``override_id`` the override that they allowed.
    """

    __tablename__ = "act_approvals"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    subject: Mapped[str]
    content: Mapped[str]
    principal: Mapped[str]
    comment: Mapped[str] = mapped_column(String(2000))
    override_id: Mapped[int | None] = mapped_column(ForeignKey("act_overrides.id"))
    effect: Mapped[dict[str, Any] | None]


class Budget(Revisable, Base):
    """Approved funding of a trust's cost centre for one calendar year, in kroner excluding VAT."""

    __tablename__ = "budgets"
    trust_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    cost_centre: Mapped[str]
    year: Mapped[int]
    amount: Mapped[Decimal] = mapped_column(Money())
    approved_on: Mapped[date]
    reference: Mapped[str]

    __table_args__ = (CheckConstraint("amount >= 0", name="amount_not_negative"),)


class BudgetMonth(Fact, Base):
    """What of approved funding is meant for one month of its year; a budget has twelve of them or none."""

    __tablename__ = "budget_months"
    budget_id: Mapped[int] = mapped_column(ForeignKey("budgets.id"))
    month: Mapped[int]
    amount: Mapped[Decimal] = mapped_column(Money())

    __table_args__ = (
        CheckConstraint("month BETWEEN 1 AND 12", name="month_of_year"),
        UniqueConstraint("budget_id", "month"),
    )


class Certificate(Revisable, Base):
    """A product's conformity certificate; ``expires_on`` is its last day. ``research_only`` says it is for research."""

    __tablename__ = "certificates"
    algorithm_id: Mapped[int] = mapped_column(ForeignKey("algorithms.id"), index=True)
    number: Mapped[str]
    notified_body: Mapped[str]
    ce_class: Mapped[str]
    valid_from: Mapped[date]
    expires_on: Mapped[date]
    research_only: Mapped[bool]

    __table_args__ = (CheckConstraint("valid_from <= expires_on", name="period_is_not_empty"),)
