"""Answer the vendor's documents with Peppol Invoice Responses: one for each thing that happened to an invoice.

A response is not stored: it follows from what is recorded, and the same facts give the same bytes. In the order in
which they happened: received (AB), taken up in a reconciliation (IP), each dispute as it was sent (UQ, CA or RE, with the
causes and what is wanted), each dispute's end, the approval (AP), each payment (PD).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy.orm import Session

from billing.causes.in_words import in_words
from billing.ehf.respond import Clarification, Response, response_bytes
from billing.invoices import invoices
from billing.payments import payments
from billing.reconciliation import dispute_terms
from billing.reconciliation.dispute_records import RecordedDispute, list_disputes
from billing.reconciliation.dispute_terms import Wanted
from billing.reconciliation.report import runs_of_document
from contracts import clock
from contracts.errors import Conflict, NotFound
from contracts.papers.writing import Writing
from contracts.people.access import Actor
from contracts.terms.written import Language


@dataclass(frozen=True, slots=True)
class InvoiceResponse:
    """A response with its place among the invoice's, from 1; ``dispute`` is the number of the dispute it is about."""

    number: int
    invoice_id: int
    response: Response
    dispute: str | None = None

    @property
    def filename(self) -> str:
        """Give the name that the document is saved under."""
        return f"{self.response.id}.xml"


@dataclass(frozen=True, slots=True)
class _Happened:
    """Something that is told to the vendor: when, with which status, and why."""

    at: datetime
    on: date
    status: str
    clarifications: tuple[Clarification, ...] = ()
    note: str | None = None
    dispute: str | None = None


def list_responses(
    session: Session,
    *,
    agreement_id: int,
    invoice_id: int,
    write: Writing,
    actor: Actor,
    known_at: datetime | None = None,
) -> tuple[InvoiceResponse, ...]:
    """List the responses to an invoice or credit note, oldest first; for readers of all trusts."""
    found = invoices.find_invoice(
        session, agreement_id=agreement_id, invoice_id=invoice_id, actor=actor, known_at=known_at
    )
    happened = sorted(_happened(session, agreement_id, found, write, actor, known_at), key=lambda each: each.at)
    return tuple(
        InvoiceResponse(
            number,
            invoice_id,
            Response(
                id=f"{found.summary.sha256[:12]}-{number}",
                written_at=each.at.astimezone(clock.OSLO),
                status=each.status,
                effective_on=each.on,
                clarifications=each.clarifications,
                note=each.note,
            ),
            each.dispute,
        )
        for number, each in enumerate(happened, start=1)
    )


def write_response(
    session: Session,
    *,
    agreement_id: int,
    invoice_id: int,
    number: int,
    write: Writing,
    actor: Actor,
    known_at: datetime | None = None,
) -> tuple[str, bytes]:
    """Write one response as a UBL document, and give the name it is saved under.

    Raises `Conflict` where the invoice does not say who is to be answered.
    """
    listed = list_responses(
        session, agreement_id=agreement_id, invoice_id=invoice_id, write=write, actor=actor, known_at=known_at
    )
    found = next((each for each in listed if each.number == number), None)
    if found is None:
        raise NotFound(f"there is no response {number} to this invoice")
    invoice = invoices.find_invoice(
        session, agreement_id=agreement_id, invoice_id=invoice_id, actor=actor, known_at=known_at
    )
    try:
        return found.filename, response_bytes(found.response, invoice.document)
    except ValueError as error:
        raise Conflict("not_answerable", str(error)) from None


def _happened(
    session: Session,
    agreement_id: int,
    found: invoices.RecordedInvoice,
    write: Writing,
    actor: Actor,
    known_at: datetime | None,
) -> Iterator[_Happened]:
    summary = found.summary
    yield _Happened(summary.recorded_at, _day(summary.recorded_at), "AB")
    runs = runs_of_document(session, agreement_id, summary.sha256, known_at)
    if runs:
        yield _Happened(runs[0].at, _day(runs[0].at), "IP")
    disputes = [each for each in list_disputes(session, agreement_id, None, known_at) if each.invoice_id == summary.id]
    for dispute in disputes:
        yield from _of_dispute(dispute, [each for each in disputes if each is not dispute], write)
    for run in runs:
        if run.approved is not None and run.reopened is None:
            yield _Happened(run.approved.at, _day(run.approved.at), "AP")
    for payment in payments.list_payments(session, agreement_id=agreement_id, actor=actor, known_at=known_at):
        if payment.invoice_id != summary.id or payment.reverses is not None or payment.reversed_by is not None:
            continue
        accounts, home = payments.accounts(session, agreement_id=agreement_id, on=payment.paid_on, known_at=known_at)
        account = accounts.get(home.get(summary.id, summary.id))
        whole = account is None or account.open == 0
        yield _Happened(payment.recorded_at, payment.paid_on, "PD", () if whole else (PART_PAID,))


def _of_dispute(dispute: RecordedDispute, others: list[RecordedDispute], write: Writing) -> Iterator[_Happened]:
    """Tell a dispute each time it is sent, and that it is over: accepted, unless another one of the invoice goes on."""
    language: Language = "nb" if dispute.language == "nb" else "en"
    for count, step in enumerate(dispute.steps, start=1):
        state = dispute_terms.state_of(each.kind for each in dispute.steps[:count])
        status = dispute_terms.response_status(dispute.wanted, state)
        if step.kind == "sent":
            wanted = Clarification(
                "OPStatusAction", dispute_terms.ACTIONS[dispute.wanted], WANTED[dispute.wanted][language]
            )
            said: dict[str, dict[str, None]] = {}
            for each in dispute.findings:
                reason = said.setdefault(dispute_terms.reason_of(each.finding.code), {})
                reason[in_words(each.finding, language, write)] = None
            why = tuple(Clarification("OPStatusReason", code, " ".join(texts)) for code, texts in said.items())
            yield _Happened(step.recorded_at, step.on, status, (*why, wanted), dispute.number, dispute.number)
        elif state in dispute_terms.OVER:
            going_on = any(_is_open_at(each, step.recorded_at) for each in others)
            yield _Happened(step.recorded_at, step.on, "IP" if going_on else status, (), dispute.number, dispute.number)


def _is_open_at(dispute: RecordedDispute, at: datetime) -> bool:
    state = dispute_terms.state_of(each.kind for each in dispute.steps if each.recorded_at <= at)
    return dispute.recorded_at <= at and state not in dispute_terms.OVER


WANTED: Final[dict[Wanted, dict[str, str]]] = {
    "credit_whole": {"nb": "Kreditnota for hele fakturaen", "en": "A credit note in full"},
    "credit_part": {"nb": "Kreditnota for det omtvistede beløpet", "en": "A credit note for the disputed amount"},
    "new_invoice": {"nb": "Ny faktura", "en": "A new invoice"},
    "next_invoice": {"nb": "Fradrag på neste faktura", "en": "Taken off the next invoice"},
    "information": {"nb": "Opplysninger", "en": "Information"},
}
PART_PAID: Final = Clarification("OPStatusReason", "PPD", "Delvis betalt / Partially paid")


def _day(at: datetime) -> date:
    return at.astimezone(clock.OSLO).date()
