"""The example's reconciled quarters: two that were right, and one with a dispute, its credit note and everything after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from billing.charges import basis
from billing.example.vendor import DISPUTED, RIGHT, VendorInvoice, credit_note, vendor_invoice
from billing.invoices import invoices
from billing.reconciliation import disputes, sign_offs
from billing.reconciliation import runs as reconciliation
from billing.reconciliation.dispute_records import list_disputes
from billing.reconciliation.dispute_terms import Step
from billing.reconciliation.report import Report
from contracts.papers.writing import Writing
from contracts.people.access import Actor
from contracts.terms.agreement import AgreementDocument

_OSLO: Final = ZoneInfo("Europe/Oslo")

Happening = tuple[datetime, Callable[[datetime], object]]

DISPUTED_ON, AGREED_ON = date(2026, 7, 16), date(2026, 7, 29)
CREDIT_RECEIVED_ON, CREDIT_ACCEPTED_ON = date(2026, 8, 17), date(2026, 8, 18)
STATEMENT: Final = "Kontrollert mot avtalen og eget registrert volum."
APPROVAL: Final = "Anvist til betaling."


@dataclass(frozen=True, slots=True)
class Reconciling:
    """The course of the example's older invoices, as the happenings that they are made of."""

    session: Session
    agreement_id: int
    document: AgreementDocument
    controller: Actor
    approver: Actor
    write: Writing

    def happenings(self) -> Iterator[Happening]:
        """Give what happened, each with its instant."""
        for invoice in RIGHT:
            yield _at(invoice.issued_on + timedelta(days=1), 8), partial(self.receive, invoice)
            yield _at(invoice.issued_on + timedelta(days=9), 10), partial(self.attest, invoice)
            yield _at(invoice.issued_on + timedelta(days=12), 9), partial(self.approve, invoice)
        yield _at(DISPUTED.issued_on + timedelta(days=1), 8), partial(self.receive, DISPUTED)
        yield _at(DISPUTED_ON, 10), self.dispute
        yield _at(AGREED_ON, 12), self.agree
        yield _at(CREDIT_RECEIVED_ON, 8), self.receive_credit
        yield _at(CREDIT_ACCEPTED_ON, 9), self.accept_credit
        yield _at(CREDIT_ACCEPTED_ON + timedelta(days=1), 10), partial(self.attest, DISPUTED)
        yield _at(CREDIT_ACCEPTED_ON + timedelta(days=2), 9), partial(self.approve, DISPUTED)

    def receive(self, invoice: VendorInvoice, now: datetime) -> None:
        """Take an invoice in as it was issued under what was known then."""
        terms = basis.gather(self.session, agreement_id=self.agreement_id)
        content = vendor_invoice(terms, self.document.option_holders, self.document.algorithms, invoice)
        self._import(invoice.filename, content, now)

    def receive_credit(self, now: datetime) -> None:
        """Take the credit note in."""
        terms = basis.gather(self.session, agreement_id=self.agreement_id)
        filename, content = credit_note(terms, self.document.option_holders, self.document.algorithms)
        self._import(filename, content, now)

    def _import(self, filename: str, content: bytes, now: datetime) -> None:
        taken = invoices.import_invoice(
            self.session,
            agreement_id=self.agreement_id,
            filename=filename,
            content=content,
            actor=self.controller,
            now=now,
        )
        if taken.status != "imported":
            raise AssertionError(f"{filename} is {taken.status}: {taken.findings[:3]}")

    def _run(self, invoice: VendorInvoice, now: datetime) -> Report:
        return reconciliation.record_run(
            self.session,
            agreement_id=self.agreement_id,
            quarter=invoice.quarter.label(),
            actor=self.controller,
            now=now,
            today=now.astimezone(_OSLO).date(),
        )

    def dispute(self, now: datetime) -> None:
        """Dispute what was counted twice, and send the letter."""
        today = now.astimezone(_OSLO).date()
        found = self._run(DISPUTED, now)
        opened = disputes.open_dispute(
            self.session,
            agreement_id=self.agreement_id,
            quarter=DISPUTED.quarter.label(),
            keys=[each.key for each in found.found if each.treatment.is_open],
            wanted="credit_part",
            hold="part",
            language="nb",
            reply_by=today + timedelta(days=14),
            message="En uke i mai er talt to ganger.",
            write=self.write,
            actor=self.controller,
            now=now,
            today=today,
        )
        self._step(opened.number, "sent", "Sendt på e-post til fakturaavdelingen.", now)

    def agree(self, now: datetime) -> None:
        """Record the vendor's answer."""
        self._step(self._number(), "agreed", "Leverandøren bekrefter og sender kreditnota.", now)

    def accept_credit(self, now: datetime) -> None:
        """Accept the credit note."""
        self._step(self._number(), "credit_accepted", "Kreditnotaen svarer til kravet.", now)

    def _number(self) -> str:
        return list_disputes(self.session, self.agreement_id, DISPUTED.quarter.label())[0].number

    def _step(self, number: str, step: Step, comment: str, now: datetime) -> None:
        today = now.astimezone(_OSLO).date()
        disputes.take_step(
            self.session,
            agreement_id=self.agreement_id,
            number=number,
            step=step,
            on=today,
            comment=comment,
            actor=self.controller,
            now=now,
            today=today,
        )

    def attest(self, invoice: VendorInvoice, now: datetime) -> None:
        """Run the quarter, look at the sample, and attest it."""
        today = now.astimezone(_OSLO).date()
        found = self._run(invoice, now)
        reconciliation.decide(
            self.session,
            agreement_id=self.agreement_id,
            quarter=invoice.quarter.label(),
            keys=[each.key for each in found.sample],
            decision="checked",
            comment="",
            actor=self.controller,
            now=now,
            today=today,
        )
        sign_offs.attest(
            self.session,
            agreement_id=self.agreement_id,
            quarter=invoice.quarter.label(),
            statement=STATEMENT,
            actor=self.controller,
            now=now,
            today=today,
        )

    def approve(self, invoice: VendorInvoice, now: datetime) -> None:
        """Approve the quarter for payment, which files its protocol."""
        sign_offs.approve(
            self.session,
            agreement_id=self.agreement_id,
            quarter=invoice.quarter.label(),
            statement=APPROVAL,
            write=self.write,
            actor=self.approver,
            now=now,
            today=now.astimezone(_OSLO).date(),
        )


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=_OSLO)
