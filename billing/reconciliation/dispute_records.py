"""Disputes as they were recorded: their findings, their steps, and the state these lead to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.causes import AgreedCredit, Finding, ResponseStatus
from billing.causes.billed import ZERO
from billing.models import Dispute, DisputeEvent, Invoice
from billing.reconciliation import dispute_terms
from billing.reconciliation.dispute_terms import DisputeState, Hold, Step, Wanted
from billing.reconciliation.frozen import Disputed, load_finding
from billing.reconciliation.treatment import InDispute
from contracts.models import Document
from contracts.models.base import recorded_by_then


@dataclass(frozen=True, slots=True)
class DisputedFinding:
    """A finding as it stood when it was disputed, with its key."""

    key: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class DisputeStep:
    """One step of a dispute; ``amount`` is the credit that the vendor agreed to, positive, excluding VAT."""

    kind: Step
    on: date
    status: str | None
    clarification: str | None
    amount: Decimal | None
    on_next_invoice: bool
    credit_note_id: int | None
    comment: str
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class RecordedDispute:
    """Selected findings of one invoice, put to the vendor."""

    id: int
    number: str
    quarter: str
    invoice_id: int
    invoice_number: str
    invoice_sha256: str
    wanted: Wanted
    hold: Hold
    language: str
    reply_by: date
    message: str
    letter_id: int
    evidence_id: int
    findings: tuple[DisputedFinding, ...]
    steps: tuple[DisputeStep, ...]
    recorded_at: datetime
    recorded_by: str

    @property
    def state(self) -> DisputeState:
        """Give the state that the steps lead to."""
        return dispute_terms.state_of(each.kind for each in self.steps)

    @property
    def amount(self) -> Decimal:
        """Give what is disputed, excluding VAT."""
        return sum((each.finding.amount for each in self.findings), ZERO)

    @property
    def agreed(self) -> DisputeStep | None:
        """Give the step by which the vendor agreed to a credit, None where none stands."""
        if self.state not in ("agreed", "partly_agreed", "credited"):
            return None
        return next(each for each in reversed(self.steps) if each.kind in ("agreed", "partly_agreed"))

    @property
    def agreed_amount(self) -> Decimal:
        """Give the credit agreed, 0.00 where none is."""
        return (self.agreed.amount if self.agreed else None) or ZERO

    @property
    def accepted_note(self) -> int | None:
        """Give the credit note that was accepted for it, None where none was."""
        return next((each.credit_note_id for each in self.steps if each.kind == "credit_accepted"), None)

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more is awaited from anybody."""
        return self.state in dispute_terms.OVER

    @property
    def is_carried(self) -> bool:
        """Tell whether the vendor agreed to take the amount off the next invoice: nothing more comes to this quarter."""
        return self.agreed is not None and self.agreed.on_next_invoice and not self.is_over

    @property
    def response(self) -> ResponseStatus:
        """Give the status that an Invoice Response to the invoice would carry."""
        return dispute_terms.response_status(self.wanted, self.state)

    @property
    def credit(self) -> AgreedCredit | None:
        """Give the agreed credit as the causes know it; its id is the dispute's number."""
        if self.agreed is None or not self.agreed_amount:
            return None
        trusts = {each.finding.trust for each in self.findings}
        algorithms = {each.finding.algorithm for each in self.findings}
        return AgreedCredit(
            self.number,
            self.agreed_amount,
            trusts.pop() if len(trusts) == 1 else None,
            algorithms.pop() if len(algorithms) == 1 else None,
            self.invoice_number,
            self.agreed.on_next_invoice,
        )

    @property
    def settles(self) -> tuple[Disputed, ...]:
        """Give the findings that the credit settles."""
        return tuple(
            Disputed(f.code, f.amount, f.trust, f.algorithm, f.period, f.clause)
            for f in (each.finding for each in self.findings)
        )

    def age(self, today: date) -> int:
        """Give the days since it was sent first, 0 before; one that is over has aged until its last step."""
        sent = next((each.on for each in self.steps if each.kind == "sent"), None)
        until = min(today, self.steps[-1].on) if self.is_over else today
        return 0 if sent is None else max(0, (until - sent).days)

    def held(self, invoiced: Decimal) -> Decimal:
        """Give what is not to be paid of the invoice while the dispute is open, excluding VAT; ``invoiced`` is its net."""
        if self.is_over or self.is_carried or self.hold == "none":
            return ZERO
        if self.hold == "whole":
            return max(invoiced, ZERO)
        return min(max(self.amount, ZERO), max(invoiced, ZERO))

    @property
    def version(self) -> tuple[object, ...]:
        """Give plain values that name this state of it."""
        return (self.id, len(self.steps))


def list_disputes(
    session: Session, agreement_id: int, quarter: str | None = None, known_at: datetime | None = None
) -> list[RecordedDispute]:
    """List the disputes of an agreement, or of a quarter, in the order in which they were written."""
    query = (
        select(Dispute, Invoice.number, Document.sha256)
        .join(Invoice, Invoice.id == Dispute.invoice_id)
        .join(Document, Document.id == Invoice.document_id)
        .where(Dispute.agreement_id == agreement_id)
        .order_by(Dispute.id)
    )
    if quarter is not None:
        query = query.where(Dispute.quarter == quarter)
    rows = session.execute(recorded_by_then(query, Dispute, known_at))
    return [_recorded(row, number, sha256, known_at) for row, number, sha256 in rows]


def _recorded(row: Dispute, invoice_number: str, sha256: str, known_at: datetime | None) -> RecordedDispute:
    return RecordedDispute(
        row.id,
        row.number,
        row.quarter,
        row.invoice_id,
        invoice_number,
        sha256,
        cast(Wanted, row.wanted),
        cast(Hold, row.hold),
        row.language,
        row.reply_by,
        row.message,
        row.letter_id,
        row.evidence_id,
        tuple(DisputedFinding(each.finding, load_finding(each.content)) for each in row.findings),
        tuple(_step(each) for each in row.events if known_at is None or each.recorded_at <= known_at),
        row.recorded_at,
        row.recorded_by,
    )


def _step(row: DisputeEvent) -> DisputeStep:
    return DisputeStep(
        cast(Step, row.kind),
        row.on,
        row.status,
        row.clarification,
        row.amount,
        bool(row.on_next_invoice),
        row.credit_note_id,
        row.comment,
        row.recorded_at,
        row.recorded_by,
    )


def by_key(disputes: Iterable[RecordedDispute]) -> dict[str, InDispute]:
    """Give where findings are disputed, by their keys and by the disputes' numbers; a withdrawn dispute holds nothing."""
    found: dict[str, InDispute] = {}
    for each in disputes:
        if each.state == "withdrawn":
            continue
        standing = InDispute(each.number, each.is_over, each.agreed_amount >= each.amount, each.is_carried)
        found |= {one.key: standing for one in each.findings}
        found[each.number] = standing if not each.is_over else InDispute(each.number, True, True)
    return found
