"""Invoices: read and check an EHF document, keep it byte for byte, and compare it with the expected charges.

A fault in a document is a finding, not a refusal; only what cannot be read is refused. The comparison here is in total
and by line group (trust and algorithm), without causes.

What a line is about is read from the kept document each time, by the vendor's mapping as known then; the rows keep what was
read when it came. Person identifiers are masked in everything read; the original is sealed, and opening it is logged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing.charges import charging
from billing.ehf.document import Attachment
from billing.ehf.document import Document as EhfDocument
from billing.ehf.document import Line as EhfLine
from billing.ehf.parse import UnreadableDocument, parse
from billing.ehf.rules import Finding as EhfFinding
from billing.ehf.rules import check
from billing.invoices import setup as invoice_setup
from billing.invoices.line_reading import LineReading, whole_days
from billing.invoices.person_identifiers import masked, masked_finding, person_findings
from billing.models import Invoice, InvoiceLine
from billing.rating.rate import Line
from contracts import agreements, audit, documents
from contracts.errors import Denied, NotFound
from contracts.models.base import recorded_by_then
from contracts.people.access import Actor
from contracts.terms.period import Period

ZERO = Decimal("0.00")

INVOICE_DUP = "INVOICE_DUP"
ACCOUNT_CHANGED = "ACCOUNT_CHANGED"
CREDIT_NOTE = "credit_note"


@dataclass(frozen=True, slots=True)
class InvoiceReading:
    """A file as read: ``checked`` with the document and its findings, or ``refused`` with the reason and its line."""

    filename: str
    status: str
    document: EhfDocument | None = None
    findings: tuple[EhfFinding, ...] = ()
    id: int | None = None

    @property
    def fatal(self) -> bool:
        """Tell whether the document cannot be read or breaks a fatal rule."""
        return self.status == "refused" or any(finding.severity == "fatal" for finding in self.findings)


@dataclass(frozen=True, slots=True)
class InvoiceSummary:
    """A recorded invoice's header; amounts as written, ``sign`` −1 for a credit note."""

    id: int
    kind: str
    number: str
    issued_on: date | None
    due_on: date | None
    currency: str
    period: Period | None
    line_sum: Decimal | None
    tax_exclusive: Decimal | None
    tax: Decimal | None
    payable: Decimal | None
    buyer_reference: str | None
    order_reference: str | None
    contract_reference: str | None
    lines: int
    sha256: str
    filename: str
    recorded_at: datetime

    @property
    def sign(self) -> int:
        """Give what the amounts are multiplied by to be added up."""
        return -1 if self.kind == "credit_note" else 1


@dataclass(frozen=True, slots=True)
class RecordedLine:
    """A recorded line as written, with what it was found to be about by the vendor's mapping; ``period`` is half-open."""

    id: str
    name: str
    item: str | None
    quantity: Decimal | None
    unit_price: Decimal | None
    net: Decimal | None
    trust: str | None
    algorithm: str | None
    period: Period | None
    currency: str
    tier: int | None = None
    phase: int | None = None


@dataclass(frozen=True, slots=True)
class RecordedInvoice:
    """A recorded invoice as its document reads now, with the rules it breaks and what is known against it."""

    summary: InvoiceSummary
    document: EhfDocument
    lines: tuple[RecordedLine, ...]
    findings: tuple[EhfFinding, ...]


@dataclass(frozen=True, slots=True)
class RecordedReading:
    """A kept document read again: masked, with its findings and what each line is about under the mapping asked for."""

    document: EhfDocument
    findings: tuple[EhfFinding, ...]
    lines: tuple[LineReading, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """What was invoiced and what was expected for one trust and algorithm (``None``: the line names none)."""

    trust: str | None
    algorithm: str | None
    invoiced: Decimal
    expected: Decimal
    invoiced_quantity: Decimal
    expected_quantity: int
    invoice_lines: tuple[str, ...]
    charge_lines: tuple[str, ...]

    @property
    def difference(self) -> Decimal:
        """Give invoiced less expected: positive is billed too much."""
        return self.invoiced - self.expected


@dataclass(frozen=True, slots=True)
class Comparison:
    """An invoice, with the credit notes that name it taken off, against the expected charges of its period, excluding VAT.

    ``comparable`` is false where the currency differs or the document names no period, and for a credit note, which is never
    compared alone; then nothing is subtracted. ``credited`` is what the notes take off. The groups' differences sum to
    ``difference``.
    """

    invoice: InvoiceSummary
    period: Period | None
    comparable: bool
    groups: tuple[Group, ...]
    findings: tuple[EhfFinding, ...]
    credited: Decimal = ZERO

    @property
    def invoiced(self) -> Decimal:
        """Give the invoice's total excluding VAT, signed, credit notes taken off."""
        return sum((group.invoiced for group in self.groups), ZERO)

    @property
    def expected(self) -> Decimal:
        """Give the expected charges of the period."""
        return sum((group.expected for group in self.groups), ZERO)

    @property
    def difference(self) -> Decimal:
        """Give invoiced less expected."""
        return self.invoiced - self.expected


# A document is read on every page that shows what it bills: the last few small ones are kept as read.
_SMALL: Final = 500_000


def read_invoice(filename: str, content: bytes) -> InvoiceReading:
    """Read and check a document without keeping it; person identifiers are told and masked in what is given."""
    return _read_once(filename, content) if len(content) <= _SMALL else _read(filename, content)


@lru_cache(maxsize=16)
def _read_once(filename: str, content: bytes) -> InvoiceReading:
    return _read(filename, content)


def _read(filename: str, content: bytes) -> InvoiceReading:
    try:
        document = parse(content)
    except UnreadableDocument as refusal:
        finding = EhfFinding(refusal.code, "fatal", refusal.detail, refusal.line)
        return InvoiceReading(filename, "refused", None, (finding,))
    findings = (*(masked_finding(each) for each in check(document, content)), *person_findings(document))
    return InvoiceReading(filename, "checked", masked(document), findings)


def import_invoice(
    session: Session, *, agreement_id: int, filename: str, content: bytes, actor: Actor, now: datetime
) -> InvoiceReading:
    """Keep a document byte for byte with its header and lines; the same bytes again are ``already_imported``."""
    actor.require("invoice.receive")
    if actor.scope("invoice.receive") is not None:
        raise Denied("an invoice is for all trusts: this needs a role that is not kept to one")
    reading = read_invoice(filename, content)
    document = reading.document
    if document is None:
        return reading
    agreements.lock_agreement(session, agreement_id)
    kept = documents.put(
        session,
        content=content,
        filename=filename,
        media_type="application/xml",
        recorded_by=actor.id,
        now=now,
    )
    earlier = session.scalar(
        select(Invoice.id).where(Invoice.agreement_id == agreement_id, Invoice.document_id == kept.id)
    )
    if earlier is not None:
        return InvoiceReading(filename, "already_imported", document, reading.findings, earlier)
    invoice = _invoice_row(agreement_id, kept.id, document, actor.id, now)
    session.add(invoice)
    session.flush()
    reader = invoice_setup.line_reader(session, agreement_id=agreement_id, vendor_number=invoice.seller_number)
    for position, line in enumerate(document.lines):
        about = reader.read(line, document)
        session.add(
            InvoiceLine(
                invoice_id=invoice.id,
                position=position,
                line_id=(line.id or str(position + 1))[:200],
                name=(line.name or "")[:200],
                item_id=_item_id(line),
                quantity=_fitting(line.quantity, 6),
                unit_price=_fitting(line.price.amount, 8),
                net=_ore(line.net),
                trust=about.trust,
                algorithm=about.algorithm,
                period_from=line.period.start if line.period else None,
                period_to=line.period.end if line.period else None,
                recorded_at=now,
                recorded_by=actor.id,
            )
        )
    session.flush()
    findings = (*reading.findings, *known_against(session, invoice, document))
    audit.record(
        session,
        "invoice.import",
        f"invoice:{invoice.id}",
        {"sha256": kept.sha256, "number": invoice.number, "kind": invoice.kind, "findings": len(findings)},
        actor.id,
        now,
    )
    return InvoiceReading(filename, "imported", document, findings, invoice.id)


def list_invoices(
    session: Session, *, agreement_id: int, actor: Actor, known_at: datetime | None = None
) -> list[InvoiceSummary]:
    """List the recorded invoices, newest issue first; for readers whose scope is all trusts."""
    _require_all_trusts(actor)
    query = select(Invoice).where(Invoice.agreement_id == agreement_id)
    rows = session.scalars(recorded_by_then(query, Invoice, known_at).order_by(Invoice.issued_on.desc(), Invoice.id))
    return [_summary(session, row) for row in rows]


def find_invoice(
    session: Session, *, agreement_id: int, invoice_id: int, actor: Actor, known_at: datetime | None = None
) -> RecordedInvoice:
    """Give a recorded invoice with its lines, the rules its document breaks and what is known against it."""
    row = _row(session, agreement_id, invoice_id, actor)
    reading = read_again(session, row, known_at)
    lines = tuple(
        RecordedLine(
            kept.line_id,
            kept.name,
            kept.item_id,
            kept.quantity,
            kept.unit_price,
            kept.net,
            about.trust,
            about.algorithm,
            whole_days(line.period),
            row.currency,
            about.tier,
            about.phase,
        )
        for kept, line, about in zip(row.lines, reading.document.lines, reading.lines, strict=True)
    )
    return RecordedInvoice(_summary(session, row), reading.document, lines, reading.findings)


def read_again(session: Session, invoice: Invoice, known_at: datetime | None = None) -> RecordedReading:
    """Read a kept document again: its findings, what is known against it, and its lines by the mapping known then.

    The document stays what it is; under a newer mapping only its reading changes.
    """
    reading = read_invoice(invoice.document.filename, invoice.document.content)
    document = reading.document
    if document is None:
        raise AssertionError(f"invoice {invoice.id} was read when it came, and cannot be read now")
    reader = invoice_setup.line_reader(
        session, agreement_id=invoice.agreement_id, vendor_number=invoice.seller_number, known_at=known_at
    )
    return RecordedReading(
        document,
        (*reading.findings, *known_against(session, invoice, document, known_at)),
        tuple(reader.read(line, document) for line in document.lines),
    )


def known_against(
    session: Session, invoice: Invoice, document: EhfDocument, known_at: datetime | None = None
) -> tuple[EhfFinding, ...]:
    """Tell what only the other documents and the checked accounts tell: a number used before, a changed bank account.

    Where no account of the vendor was ever checked, the accounts of its earlier documents stand in.
    """
    before = session.scalars(
        select(Invoice)
        .where(
            Invoice.agreement_id == invoice.agreement_id,
            Invoice.seller_number == invoice.seller_number,
            Invoice.id < invoice.id,
        )
        .order_by(Invoice.id)
    ).all()
    findings = [
        EhfFinding(
            INVOICE_DUP,
            "warning",
            f"the number {invoice.number} stands on a {each.kind.replace('_', ' ')} of this seller already, "
            f"received as {each.document.filename} on {each.recorded_at.date().isoformat()}",
        )
        for each in before
        if each.number == invoice.number and each.kind == invoice.kind and invoice.number
    ]
    accounts = {invoice_setup.plain_account(text) for text in document.accounts}
    if not accounts or invoice.seller_number is None:
        return tuple(findings)
    checked = {
        each.account
        for each in invoice_setup.known_accounts(
            session, agreement_id=invoice.agreement_id, vendor_number=invoice.seller_number, known_at=known_at
        )
    }
    usual = checked or _accounts_named(before)
    findings += [
        EhfFinding(
            ACCOUNT_CHANGED,
            "warning",
            f"the account {account} is none of those known of this seller ({', '.join(sorted(usual))}): "
            "do not pay before somebody has called the seller on a number known from before",
        )
        for account in sorted(accounts - usual)
        if usual
    ]
    return tuple(findings)


def _accounts_named(rows: Iterable[Invoice]) -> set[str]:
    named: set[str] = set()
    for row in rows:
        document = read_invoice(row.document.filename, row.document.content).document
        named |= {invoice_setup.plain_account(text) for text in document.accounts} if document else set()
    return named


def compare(
    session: Session, *, agreement_id: int, invoice_id: int, actor: Actor, known_at: datetime | None = None
) -> Comparison:
    """Compare an invoice, credited as it is, with the expected charges of the whole quarters or months of its period."""
    row = _row(session, agreement_id, invoice_id, actor)
    summary = _summary(session, row)
    agreement = agreements.agreement_summary(session, agreement_id)
    reading = read_again(session, row, known_at)
    comparable = row.kind != CREDIT_NOTE and summary.period is not None and summary.currency == agreement.term.currency
    expected: tuple[Line, ...] = ()
    if comparable and summary.period is not None:
        expected = charging.expected_charges(
            session, agreement_id=agreement_id, period=summary.period, actor=actor, known_at=known_at
        ).lines
    query = select(Invoice).where(Invoice.agreement_id == agreement_id).order_by(Invoice.id)
    notes = credits_of(session.scalars(recorded_by_then(query, Invoice, known_at))).get(row.id, [])
    documents = [(row, reading.lines), *((note, read_again(session, note, known_at).lines) for note in notes)]
    credited = -sum((_signed(note, note.tax_exclusive) for note in notes), ZERO)
    return Comparison(summary, summary.period, comparable, _groups(documents, expected), reading.findings, credited)


def credits_of(rows: Iterable[Invoice]) -> dict[int, list[Invoice]]:
    """Give the credit notes of each invoice: those that name one document of the same vendor by its number."""
    listed = list(rows)
    named: dict[tuple[str | None, str], list[Invoice]] = defaultdict(list)
    for row in listed:
        if row.kind != CREDIT_NOTE:
            named[row.seller_number, row.number].append(row)
    credited: dict[int, list[Invoice]] = defaultdict(list)
    for row in listed:
        if row.kind != CREDIT_NOTE:
            continue
        document = read_invoice(row.document.filename, row.document.content).document
        numbers = {each.number for each in document.preceding if each.number} if document else set()
        found = [invoice for number in numbers for invoice in named[row.seller_number, number]]
        if len(found) == 1:
            credited[found[0].id].append(row)
    return credited


def _signed(row: Invoice, amount: Decimal | None) -> Decimal:
    return (amount or ZERO) * (-1 if row.kind == CREDIT_NOTE else 1)


def open_original(
    session: Session, *, agreement_id: int, invoice_id: int, actor: Actor, now: datetime
) -> tuple[str, bytes]:
    """Open an invoice's sealed original for somebody: its bytes as they came, and a line in the log."""
    row = _row(session, agreement_id, invoice_id, actor)
    audit.record(session, "invoice.open_original", f"invoice:{row.id}", {"sha256": row.document.sha256}, actor.id, now)
    return row.document.filename, row.document.content


def open_attachment(
    session: Session, *, agreement_id: int, invoice_id: int, number: int, actor: Actor, now: datetime
) -> Attachment:
    """Open the file inside an invoice that is its attachment ``number``, counted from 1; the log tells it."""
    row = _row(session, agreement_id, invoice_id, actor)
    document = parse(row.document.content)
    if not 0 < number <= len(document.attachments) or document.attachments[number - 1].content is None:
        raise NotFound(f"the invoice has no file as attachment {number}")
    audit.record(
        session,
        "invoice.open_attachment",
        f"invoice:{row.id}",
        {"sha256": row.document.sha256, "attachment": number},
        actor.id,
        now,
    )
    return document.attachments[number - 1]


def _row(session: Session, agreement_id: int, invoice_id: int, actor: Actor) -> Invoice:
    _require_all_trusts(actor)
    row = session.get(Invoice, invoice_id)
    if row is None or row.agreement_id != agreement_id:
        raise NotFound(f"there is no invoice {invoice_id} in this agreement")
    return row


def _require_all_trusts(actor: Actor) -> None:
    actor.require("read")
    if actor.scope("read") is not None:
        raise NotFound("there is no such invoice")


def _groups(documents: Iterable[tuple[Invoice, Iterable[LineReading]]], expected: Iterable[Line]) -> tuple[Group, ...]:
    invoiced: dict[tuple[str | None, str | None], list[tuple[Invoice, InvoiceLine]]] = defaultdict(list)
    on_documents = ZERO
    for row, about in documents:
        for line, each in zip(row.lines, about, strict=True):
            invoiced[each.trust, each.algorithm].append((row, line))
        if row.tax_exclusive is not None:
            lines = sum((line.net or ZERO for line in row.lines), ZERO)
            on_documents += _signed(row, row.tax_exclusive - lines)
    charged: dict[tuple[str | None, str | None], list[Line]] = defaultdict(list)
    for charge in expected:
        charged[charge.trust, charge.algorithm].append(charge)
    keys = sorted(invoiced.keys() | charged.keys(), key=lambda key: (key[0] or "~", key[1] or "~"))
    groups = [
        Group(
            trust=key[0],
            algorithm=key[1],
            invoiced=sum((_signed(row, line.net) for row, line in invoiced[key]), ZERO),
            expected=sum((line.net for line in charged[key]), ZERO),
            invoiced_quantity=sum((_signed(row, line.quantity) for row, line in invoiced[key]), Decimal(0)),
            expected_quantity=sum(line.quantity or 0 for line in charged[key] if line.kind == "usage"),
            invoice_lines=tuple(line.line_id for _, line in invoiced[key]),
            charge_lines=tuple(line.id for line in charged[key]),
        )
        for key in keys
    ]
    if on_documents:
        # Allowances and charges of the whole document stand on no line; they are a group of their own.
        groups.append(Group(None, None, on_documents, ZERO, Decimal(0), 0, (), ()))
    return tuple(groups)


def _summary(session: Session, row: Invoice) -> InvoiceSummary:
    lines = session.scalar(select(func.count()).select_from(InvoiceLine).where(InvoiceLine.invoice_id == row.id))
    period = None
    if row.period_from is not None and row.period_to is not None and row.period_from <= row.period_to:
        period = Period(row.period_from, row.period_to + timedelta(days=1))
        # Charges are rated by whole months: a period that starts or ends inside one takes all of it.
        period = Period(Period.month(period.start).start, Period.month(row.period_to).end)
    return InvoiceSummary(
        id=row.id,
        kind=row.kind,
        number=row.number,
        issued_on=row.issued_on,
        due_on=row.due_on,
        currency=row.currency,
        period=period,
        line_sum=row.line_sum,
        tax_exclusive=row.tax_exclusive,
        tax=row.tax,
        payable=row.payable,
        buyer_reference=row.buyer_reference,
        order_reference=row.order_reference,
        contract_reference=row.contract_reference,
        lines=lines or 0,
        sha256=row.document.sha256,
        filename=row.document.filename,
        recorded_at=row.recorded_at,
    )


def _invoice_row(agreement_id: int, document_id: int, document: EhfDocument, actor: str, now: datetime) -> Invoice:
    first, last = _period(document)
    totals = document.totals
    return Invoice(
        agreement_id=agreement_id,
        document_id=document_id,
        kind=document.kind,
        number=(document.number or "")[:200],
        issued_on=document.issue_date,
        due_on=document.due_date,
        currency=(document.currency or "")[:200],
        seller_number=_short(document.seller.organisation_number),
        buyer_number=_short(document.buyer.organisation_number),
        buyer_reference=_short(document.buyer_reference),
        order_reference=_short(", ".join(document.orders) or None),
        contract_reference=_short(document.contract),
        period_from=first,
        period_to=last,
        line_sum=_ore(totals.line_sum),
        tax_exclusive=_ore(totals.tax_exclusive),
        tax=_ore(document.tax),
        payable=_ore(totals.payable),
        recorded_at=now,
        recorded_by=actor,
    )


def _period(document: EhfDocument) -> tuple[date | None, date | None]:
    """Give the first and the last day the document bills: its own period, else that of its lines taken together."""
    if document.period is not None and document.period.start and document.period.end:
        return document.period.start, document.period.end
    starts = [line.period.start for line in document.lines if line.period and line.period.start]
    ends = [line.period.end for line in document.lines if line.period and line.period.end]
    return min(starts, default=None), max(ends, default=None)


def _item_id(line: EhfLine) -> str | None:
    return _short(line.seller_item or (line.standard_item.value if line.standard_item else None) or line.buyer_item)


def _short(text: str | None) -> str | None:
    return None if text is None else text[:200]


def _ore(amount: Decimal | None) -> Decimal | None:
    """Keep an amount that is whole øre; one with more decimals breaks a rule, is found by it and has no column."""
    return _fitting(amount, 2)


def _fitting(value: Decimal | None, places: int) -> Decimal | None:
    """Keep a number that its column holds exactly; another one stands in the document, which is read again anyway."""
    if value is None or abs(value).scaleb(places) >= 2**63 or value != round(value, places):
        return None
    return value
