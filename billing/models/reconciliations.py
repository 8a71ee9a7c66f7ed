"""A quarter's reconciliation as it was recorded: its runs, what people decided, disputes and their course, sign-offs.

`quarter` is a label (``2026-Q3``); `finding` is the key by which a finding is known in every run (`findings.key_of`).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.models.base import Base, Fact, Money, Revisable

LONG = 2000


class ReconciliationRun(Fact, Base):
    """One run: the frozen reconciliation and the frozen charges it points at, both by their documents.

    ``closing_run`` is the closed quarter's run that the charges are, None where the quarter was open.
    """

    __tablename__ = "reconciliation_runs"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    quarter: Mapped[str]
    number: Mapped[int]
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"), index=True)
    charges_id: Mapped[int] = mapped_column(ForeignKey("documents.id"), index=True)
    closing_run: Mapped[int | None]
    expected: Mapped[Decimal] = mapped_column(Money())
    invoiced: Mapped[Decimal] = mapped_column(Money())
    unexplained: Mapped[Decimal] = mapped_column(Money())
    findings: Mapped[int]

    __table_args__ = (UniqueConstraint("agreement_id", "quarter", "number"),)


class ReconciliationReopening(Fact, Base):
    """A signed-off reconciliation opened again, with the reason; the run stays, and a new one follows."""

    __tablename__ = "reconciliation_reopenings"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    quarter: Mapped[str]
    run_id: Mapped[int] = mapped_column(ForeignKey("reconciliation_runs.id"), unique=True)
    reason: Mapped[str] = mapped_column(String(LONG))

    __table_args__ = (Index("ix_reconciliation_reopenings_agreement_id_quarter", "agreement_id", "quarter"),)


class LinePlacing(Revisable, Base):
    """What a person says an invoice line is about; what is None stays as it was read."""

    __tablename__ = "line_placings"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"), index=True)
    line_id: Mapped[str]
    trust: Mapped[str | None]
    algorithm: Mapped[str | None]
    charge: Mapped[str | None]
    period: Mapped[str | None]
    comment: Mapped[str] = mapped_column(String(LONG))


class FindingDecision(Revisable, Base):
    """What a person decided about a finding: ``accepted`` (paid as billed), ``noted`` or ``checked``, and why."""

    __tablename__ = "finding_decisions"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    quarter: Mapped[str]
    finding: Mapped[str]
    code: Mapped[str]
    amount: Mapped[Decimal] = mapped_column(Money())
    decision: Mapped[str]
    comment: Mapped[str] = mapped_column(String(LONG))

    __table_args__ = (Index("ix_finding_decisions_agreement_id_quarter", "agreement_id", "quarter"),)


class Dispute(Fact, Base):
    """Selected findings of one invoice put to the vendor, with the letter and the evidence as they were made.

    ``wanted`` is the credit that is asked for and ``hold`` what is not paid until then.
    """

    __tablename__ = "disputes"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    quarter: Mapped[str]
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"), index=True)
    number: Mapped[str]
    wanted: Mapped[str]
    hold: Mapped[str]
    language: Mapped[str]
    reply_by: Mapped[date]
    message: Mapped[str] = mapped_column(String(LONG))
    letter_id: Mapped[int] = mapped_column(ForeignKey("documents.id"), index=True)
    evidence_id: Mapped[int] = mapped_column(ForeignKey("documents.id"), index=True)

    findings: Mapped[list[DisputedFinding]] = relationship(order_by="DisputedFinding.position", lazy="selectin")
    events: Mapped[list[DisputeEvent]] = relationship(order_by="DisputeEvent.id", lazy="selectin")

    __table_args__ = (
        UniqueConstraint("agreement_id", "number"),
        Index("ix_disputes_agreement_id_quarter", "agreement_id", "quarter"),
    )


class DisputedFinding(Fact, Base):
    """One finding of a dispute, as it was found then."""

    __tablename__ = "disputed_findings"
    dispute_id: Mapped[int] = mapped_column(ForeignKey("disputes.id"))
    position: Mapped[int]
    finding: Mapped[str]
    content: Mapped[dict[str, Any]]
    amount: Mapped[Decimal] = mapped_column(Money())

    __table_args__ = (UniqueConstraint("dispute_id", "position"),)


class DisputeEvent(Fact, Base):
    """One step of a dispute: ``sent``, ``reply``, ``credit_accepted``, ``withdrawn``.

    ``status`` and ``clarification`` are codes of Peppol Invoice Response; ``amount`` is the credit that a reply agrees to.
    """

    __tablename__ = "dispute_events"
    dispute_id: Mapped[int] = mapped_column(ForeignKey("disputes.id"), index=True)
    kind: Mapped[str]
    on: Mapped[date] = mapped_column("on_date")
    status: Mapped[str | None]
    clarification: Mapped[str | None]
    amount: Mapped[Decimal | None] = mapped_column(Money())
    on_next_invoice: Mapped[bool | None]
    credit_note_id: Mapped[int | None] = mapped_column(ForeignKey("invoices.id"), index=True)
    comment: Mapped[str] = mapped_column(String(LONG))


class SignOff(Fact, Base):
    """A run attested (checked) or approved for payment, with the words that were signed and the frozen protocol."""

    __tablename__ = "sign_offs"
    run_id: Mapped[int] = mapped_column(ForeignKey("reconciliation_runs.id"))
    kind: Mapped[str]
    statement: Mapped[str] = mapped_column(String(LONG))
    document_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id"), index=True)

    __table_args__ = (UniqueConstraint("run_id", "kind"),)


class ToleranceDraft(Fact, Base):
    """A tolerance as somebody wants it from a day on; it counts when another person has approved it."""

    __tablename__ = "tolerance_drafts"
    agreement_id: Mapped[int] = mapped_column(ForeignKey("agreements.id"), index=True)
    valid_from: Mapped[date]
    line: Mapped[Decimal] = mapped_column(Money())
    invoice: Mapped[Decimal] = mapped_column(Money())
    tax: Mapped[Decimal] = mapped_column(Money())
    clause: Mapped[str]
    reason: Mapped[str] = mapped_column(String(LONG))


class ToleranceDecision(Fact, Base):
    """A tolerance ``approved`` or ``declined`` by somebody who did not draft it."""

    __tablename__ = "tolerance_decisions"
    draft_id: Mapped[int] = mapped_column(ForeignKey("tolerance_drafts.id"), unique=True)
    decision: Mapped[str]
    comment: Mapped[str] = mapped_column(String(LONG))
