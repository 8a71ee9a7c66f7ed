"""Payments: registered by hand or from a file, never changed but by a reversal; and the open items that are left.

A payment is money on one recorded invoice or credit note, including VAT; negative is money that came back. A file is one
transaction keyed by its hash: all or nothing, and twice is once. A row that is registered already is told as a duplicate and
not registered again; an unknown invoice number refuses the file, with its row.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.invoices import invoices
from billing.models import Invoice, Payment, PaymentFile
from billing.payments import late_interest
from billing.payments.files import LONGEST, PaymentRow, is_notice, read_payments
from billing.payments.open_items import ONE_DAY, Late, Movement, Roll, late, roll_forward
from contracts import agreements, audit, documents
from contracts.clock import OSLO
from contracts.errors import Conflict, Denied, Finding, InvalidInput, NotFound, invalid
from contracts.models import Document
from contracts.models.base import recorded_by_then
from contracts.people.access import Actor
from contracts.terms.money import kroner, ore

ACT: Final = "payments.record"
MEDIA_TYPE: Final = "text/csv"
MOST: Final = Decimal(10**12)

PaymentKey = tuple[int, date, Decimal, str]


@dataclass(frozen=True, slots=True)
class RegisteredPayment:
    """A payment as registered; ``reversed_by`` is the payment that took it back, ``reverses`` the one it takes back."""

    id: int
    invoice_id: int
    invoice: str
    kind: str
    vendor: str
    paid_on: date
    amount: Decimal
    reference: str
    file: str | None
    row: int | None
    reverses: int | None
    reversed_by: int | None
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class DuplicateRow:
    """A row of a file that is registered already: as which payment, or by which earlier row of the same file."""

    line: int
    invoice: str
    payment: int | None
    same_as: int | None


@dataclass(frozen=True, slots=True)
class ImportedPayments:
    """What taking a file in did; ``rows`` = ``accepted`` + ``duplicates``."""

    id: int
    status: Literal["imported", "already_imported"]
    sha256: str
    rows: int
    accepted: int
    duplicates: int
    told: tuple[DuplicateRow, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An invoice, or a credit note that names no invoice of ours, and what is left of it; kroner including VAT.

    ``billed`` is negative for a credit note and None where the document's sum cannot be read; ``credited`` is what credit
    notes that name the invoice take off; ``late`` is what paying late costs up to the day asked for.
    """

    invoice_id: int
    number: str
    kind: str
    vendor: str
    buyer: str
    issued_on: date
    due_on: date | None
    billed: Decimal | None
    credited: Decimal
    paid: Decimal
    late: Late

    @property
    def open(self) -> Decimal:
        """Give what is left to pay; negative is money owed to us."""
        return (self.billed or Decimal("0.00")) - self.credited - self.paid


@dataclass(frozen=True, slots=True)
class OpenItems:
    """What is open on a day, and how each vendor's account came there, quarter by quarter."""

    on: date
    items: tuple[OpenItem, ...]
    rolls: tuple[Roll, ...]

    @property
    def open(self) -> Decimal:
        """Give the sum of what is open: the sum of the vendors' newest closings."""
        return sum((item.open for item in self.items), Decimal("0.00"))


def record_payment(
    session: Session,
    *,
    agreement_id: int,
    invoice_id: int,
    paid_on: date,
    amount: Decimal,
    reference: str,
    actor: Actor,
    now: datetime,
    today: date,
) -> RegisteredPayment:
    """Register a payment by hand.

    Raises `NotFound` for an invoice that is none of the agreement's, `InvalidInput` for an amount of 0 or with more than two
    decimals, a day after ``today`` and a reference that is too long, `Conflict` where the same payment is registered already.
    """
    _require_writer(actor)
    agreements.lock_agreement(session, agreement_id)
    invoice = session.get(Invoice, invoice_id)
    if invoice is None or invoice.agreement_id != agreement_id:
        raise NotFound(f"there is no invoice {invoice_id} in this agreement")
    invalid(_findings(paid_on, amount, reference, today))
    key = (invoice_id, paid_on, amount, reference.strip())
    earlier = _standing(session, agreement_id).get(key)
    if earlier is not None:
        raise Conflict("duplicate_payment", f"the same payment is registered already, as number {earlier}")
    row = _add(session, agreement_id, key, None, None, None, actor, now)
    _log(session, "payment.record", row, {"invoice": invoice.number}, actor, now)
    return find_payment(session, agreement_id=agreement_id, payment_id=row.id, actor=actor)


def reverse_payment(
    session: Session,
    *,
    agreement_id: int,
    payment_id: int,
    on: date,
    reason: str,
    actor: Actor,
    now: datetime,
    today: date,
) -> RegisteredPayment:
    """Take a payment back by a payment of the opposite amount, counted on the day ``on``; the reason is its reference.

    Raises `NotFound` for an unknown payment, `Conflict` for one that was taken back or takes back another, `InvalidInput`
    without a reason and for a day before the payment's or after ``today``.
    """
    _require_writer(actor)
    agreements.lock_agreement(session, agreement_id)
    found = find_payment(session, agreement_id=agreement_id, payment_id=payment_id, actor=actor)
    if found.reverses is not None or found.reversed_by is not None:
        raise Conflict("reversed_already", "the payment was taken back already, or takes another one back itself")
    findings = [] if reason.strip() else [Finding("#/reason", "missing", "taking a payment back needs a reason")]
    if len(reason.strip()) > LONGEST:
        findings.append(Finding("#/reason", "too_long", f"at most {LONGEST} characters"))
    if not found.paid_on <= on <= today:
        findings.append(Finding("#/on", "out_of_range", "a day from that of the payment to today"))
    invalid(findings)
    key = (found.invoice_id, on, -found.amount, reason.strip())
    row = _add(session, agreement_id, key, None, None, found.id, actor, now)
    _log(session, "payment.reverse", row, {"reverses": found.id, "reason": reason.strip()}, actor, now)
    return find_payment(session, agreement_id=agreement_id, payment_id=row.id, actor=actor)


def import_payments(
    session: Session,
    *,
    agreement_id: int,
    filename: str,
    content: bytes,
    actor: Actor,
    now: datetime,
    today: date,
) -> ImportedPayments:
    """Take a file of payments in: all its new rows, or nothing where any row is wrong.

    The same bytes again do nothing. A row equal to a payment that stands (invoice, day, amount, reference), or to an earlier
    row, is a duplicate. Raises `InvalidInput` with every error at its row and column.
    """
    _require_writer(actor)
    digest = hashlib.sha256(content).hexdigest()
    agreements.lock_agreement(session, agreement_id)
    earlier = session.scalar(
        select(PaymentFile)
        .join(Document, Document.id == PaymentFile.document_id)
        .where(PaymentFile.agreement_id == agreement_id, Document.sha256 == digest)
    )
    if earlier is not None:
        return ImportedPayments(
            earlier.id, "already_imported", digest, earlier.rows, earlier.accepted, earlier.duplicates
        )
    rows = read_payments(content)
    placed = _placed(session, agreement_id, rows, today)
    standing, lines = _standing(session, agreement_id), dict[PaymentKey, int]()
    new, told = [], []
    for row, key in placed:
        if key in standing or key in lines:
            told.append(DuplicateRow(row.line, row.invoice, standing.get(key), lines.get(key)))
        else:
            lines[key] = row.line
            new.append((row, key))
    kept = documents.put(
        session,
        content=content,
        filename=filename,
        media_type="application/xml" if is_notice(content) else MEDIA_TYPE,
        recorded_by=actor.id,
        now=now,
    )
    file = PaymentFile(
        agreement_id=agreement_id,
        document_id=kept.id,
        rows=len(rows),
        accepted=len(new),
        duplicates=len(told),
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(file)
    session.flush()
    for row, key in new:
        _add(session, agreement_id, key, file.id, row.line, None, actor, now)
    audit.record(
        session,
        "payments.import",
        f"payment_file:{file.id}",
        {"sha256": kept.sha256, "rows": len(rows), "accepted": len(new), "duplicates": len(told)},
        actor.id,
        now,
    )
    return ImportedPayments(file.id, "imported", kept.sha256, len(rows), len(new), len(told), tuple(told))


def list_payments(
    session: Session, *, agreement_id: int, actor: Actor, known_at: datetime | None = None
) -> tuple[RegisteredPayment, ...]:
    """List the registered payments and reversals, newest registered first; for readers of all trusts."""
    require_reader(actor)
    query = (
        select(Payment, Invoice, Document.filename)
        .join(Invoice, Invoice.id == Payment.invoice_id)
        .outerjoin(PaymentFile, PaymentFile.id == Payment.file_id)
        .outerjoin(Document, Document.id == PaymentFile.document_id)
        .where(Payment.agreement_id == agreement_id)
        .order_by(Payment.id.desc())
    )
    rows = session.execute(recorded_by_then(query, Payment, known_at)).all()
    taken_back = {payment.reverses_id: payment.id for payment, _invoice, _file in rows}
    return tuple(
        RegisteredPayment(
            id=payment.id,
            invoice_id=invoice.id,
            invoice=invoice.number,
            kind=invoice.kind,
            vendor=invoice.seller_number or "",
            paid_on=payment.paid_on,
            amount=payment.amount,
            reference=payment.reference,
            file=file,
            row=payment.row,
            reverses=payment.reverses_id,
            reversed_by=taken_back.get(payment.id),
            recorded_at=payment.recorded_at,
            recorded_by=payment.recorded_by,
        )
        for payment, invoice, file in rows
    )


def find_payment(
    session: Session, *, agreement_id: int, payment_id: int, actor: Actor, known_at: datetime | None = None
) -> RegisteredPayment:
    """Find one payment."""
    listed = list_payments(session, agreement_id=agreement_id, actor=actor, known_at=known_at)
    found = next((each for each in listed if each.id == payment_id), None)
    if found is None:
        raise NotFound(f"there is no payment {payment_id} in this agreement")
    return found


def open_items(
    session: Session, *, agreement_id: int, actor: Actor, on: date, known_at: datetime | None = None
) -> OpenItems:
    """Give what is open on a day, item by item, and each vendor's roll-forward up to it.

    An invoice counts from its date of issue, a payment from its day. The items' sum is that of the vendors' newest closings.
    """
    require_reader(actor)
    query = select(Invoice).where(Invoice.agreement_id == agreement_id).order_by(Invoice.issued_on, Invoice.id)
    rows = [row for row in session.scalars(recorded_by_then(query, Invoice, known_at)) if _counted_on(row) <= on]
    paid: dict[int, list[tuple[date, int]]] = defaultdict(list)
    for payment in list_payments(session, agreement_id=agreement_id, actor=actor, known_at=known_at):
        if payment.paid_on <= on:
            paid[payment.invoice_id].append((payment.paid_on, ore(payment.amount)))
    credited = invoices.credits_of(rows)
    rates = late_interest.rates(session, known_at)
    against = {credit.id for credits in credited.values() for credit in credits}
    # A credit note that money moved on stays an item of its own: what is left of it then stands there.
    items = []
    for row in rows:
        own = credited.get(row.id, [])
        if row.id in against and row.id not in paid:
            continue
        items.append(_item(row, [credit for credit in own if credit.id not in paid], paid[row.id], on, rates))
    return OpenItems(on, tuple(items), roll_forward(_movements(rows, paid), on))


@dataclass(frozen=True, slots=True)
class Account:
    """What became of an invoice and the credit notes that name it; kroner including VAT."""

    billed: Decimal
    credited: Decimal
    paid: Decimal

    @property
    def open(self) -> Decimal:
        """Give what is left to pay; negative is money owed to us."""
        return self.billed - self.credited - self.paid


def accounts(
    session: Session, *, agreement_id: int, on: date, known_at: datetime | None = None
) -> tuple[dict[int, Account], dict[int, int]]:
    """Give the account of each document on a day by its id, and the id under which a credit note of an invoice is counted."""
    query = select(Invoice).where(Invoice.agreement_id == agreement_id)
    rows = [row for row in session.scalars(recorded_by_then(query, Invoice, known_at)) if _counted_on(row) <= on]
    credited = invoices.credits_of(rows)
    home = {credit.id: invoice_id for invoice_id, credits in credited.items() for credit in credits}
    paid: dict[int, int] = defaultdict(int)
    taken = select(Payment).where(Payment.agreement_id == agreement_id, Payment.paid_on <= on)
    for payment in session.scalars(recorded_by_then(taken, Payment, known_at)):
        paid[home.get(payment.invoice_id, payment.invoice_id)] += ore(payment.amount)
    found = {
        row.id: Account(
            kroner(_billed(row) or 0),
            kroner(sum(-(_billed(credit) or 0) for credit in credited.get(row.id, []))),
            kroner(paid[row.id]),
        )
        for row in rows
        if row.id not in home
    }
    return found, home


def require_reader(actor: Actor) -> None:
    """Raise `NotFound` unless the actor reads the amounts of all trusts, as for invoices."""
    actor.require("read")
    if actor.scope("read") is not None:
        raise NotFound("there is no such payment")


def _require_writer(actor: Actor) -> None:
    actor.require(ACT)
    if actor.scope(ACT) is not None:
        raise Denied("a payment is on an invoice for all trusts: this needs a role that is not kept to one")


def _findings(paid_on: date, amount: Decimal, reference: str, today: date) -> Iterator[Finding]:
    if amount == 0 or abs(amount) >= MOST:
        yield Finding("#/amount", "out_of_range", "an amount that is not 0")
    else:
        try:
            ore(amount)
        except ValueError as error:
            yield Finding("#/amount", "too_many_decimals", f"the amount {error}")
    if paid_on > today:
        yield Finding("#/paid_on", "in_future", f"the day is after today, {today.isoformat()}")
    if len(reference.strip()) > LONGEST or not reference.isprintable():
        yield Finding("#/reference", "too_long", f"at most {LONGEST} printable characters")


def _placed(
    session: Session, agreement_id: int, rows: Iterable[PaymentRow], today: date
) -> list[tuple[PaymentRow, PaymentKey]]:
    """Find the invoice of each row by its number, or its KID; an unknown one, or one of several documents, is an error."""
    rows = list(rows)
    numbers: dict[str, list[Invoice]] = defaultdict(list)
    for invoice in session.scalars(select(Invoice).where(Invoice.agreement_id == agreement_id).order_by(Invoice.id)):
        numbers[invoice.number].append(invoice)
    if any(row.invoice not in numbers for row in rows):
        for kid, asking in _by_kid(each for invoices in list(numbers.values()) for each in invoices).items():
            numbers.setdefault(kid, asking)
    placed: list[tuple[PaymentRow, PaymentKey]] = []
    findings = []
    for row in rows:
        found = next((numbers[name] for name in (row.invoice, *row.others) if name in numbers), [])
        place = f"#/line/{row.line}"
        if row.paid_on > today:
            detail = f"line {row.line}: {row.paid_on.isoformat()} is after today, {today.isoformat()}"
            findings.append(Finding(f"{place}/date", "in_future", detail))
        if not found:
            detail = f"line {row.line}: no invoice with the number '{row.invoice[:60]}' is recorded"
            findings.append(Finding(f"{place}/invoice", "unknown_invoice", detail))
        elif len(found) > 1:
            detail = f"line {row.line}: {len(found)} documents have the number '{row.invoice[:60]}': register it by hand on one"
            findings.append(Finding(f"{place}/invoice", "ambiguous_invoice", detail))
        else:
            placed.append((row, (found[0].id, row.paid_on, row.amount, row.reference)))
    if findings:
        raise InvalidInput(tuple(findings[:50]))
    return placed


def _by_kid(rows: Iterable[Invoice]) -> dict[str, list[Invoice]]:
    """Give the invoices by the KID that their documents ask to be paid with."""
    asking: dict[str, list[Invoice]] = defaultdict(list)
    for row in rows:
        document = invoices.read_invoice(row.document.filename, row.document.content).document
        for kid in {each.payment_id for each in document.payment_means if each.payment_id} if document else ():
            asking[kid].append(row)
    return asking


def _standing(session: Session, agreement_id: int) -> dict[PaymentKey, int]:
    """Give the payments that stand by what makes two of them the same; those taken back may be registered again."""
    rows = session.scalars(select(Payment).where(Payment.agreement_id == agreement_id)).all()
    taken_back = {row.reverses_id for row in rows}
    return {
        (row.invoice_id, row.paid_on, row.amount, row.reference): row.id
        for row in rows
        if row.reverses_id is None and row.id not in taken_back
    }


def _add(
    session: Session,
    agreement_id: int,
    key: PaymentKey,
    file_id: int | None,
    line: int | None,
    reverses_id: int | None,
    actor: Actor,
    now: datetime,
) -> Payment:
    invoice_id, paid_on, amount, reference = key
    row = Payment(
        agreement_id=agreement_id,
        invoice_id=invoice_id,
        paid_on=paid_on,
        amount=amount,
        reference=reference,
        file_id=file_id,
        row=line,
        reverses_id=reverses_id,
        recorded_at=now,
        recorded_by=actor.id,
    )
    session.add(row)
    session.flush()
    return row


def _counted_on(row: Invoice) -> date:
    """Give the day an invoice counts from: its issue, or the day it came where it names none."""
    return row.issued_on or row.recorded_at.astimezone(OSLO).date()


def _billed(row: Invoice) -> int | None:
    """Give what a document asks for in øre, negative for a credit note; None where it cannot be read."""
    sign = -1 if row.kind == "credit_note" else 1
    if row.payable is not None:
        return sign * ore(row.payable)
    if row.tax_exclusive is not None and row.tax is not None:
        return sign * ore(row.tax_exclusive + row.tax)
    return None


def _item(
    row: Invoice, credits: Iterable[Invoice], paid: list[tuple[date, int]], on: date, rates: tuple[Any, ...]
) -> OpenItem:
    billed = _billed(row)
    taken_off = [(_counted_on(credit), -(_billed(credit) or 0)) for credit in credits]
    left, owed = billed or 0, [(_counted_on(row), billed or 0)]
    changes = [(day, amount) for day, amount in taken_off] + [(day + ONE_DAY, amount) for day, amount in paid]
    for day, amount in sorted(changes):
        left -= amount
        owed.append((max(day, owed[0][0]), left))
    return OpenItem(
        invoice_id=row.id,
        number=row.number,
        kind=row.kind,
        vendor=row.seller_number or "",
        buyer=row.buyer_number or "",
        issued_on=_counted_on(row),
        due_on=row.due_on,
        billed=None if billed is None else kroner(billed),
        credited=kroner(sum(amount for _day, amount in taken_off)),
        paid=kroner(sum(amount for _day, amount in paid)),
        late=Late((), None) if row.due_on is None else late(row.due_on, owed, on, rates),
    )


def _movements(rows: Iterable[Invoice], paid: dict[int, list[tuple[date, int]]]) -> Iterator[Movement]:
    for row in rows:
        vendor, billed = row.seller_number or "", _billed(row) or 0
        if billed >= 0:
            yield Movement(vendor, _counted_on(row), "invoiced", billed)
        else:
            yield Movement(vendor, _counted_on(row), "credited", -billed)
        for day, amount in paid.get(row.id, []):
            yield Movement(vendor, max(day, _counted_on(row)), "paid", amount)


def _log(session: Session, action: str, row: Payment, more: dict[str, Any], actor: Actor, now: datetime) -> None:
    audit.record(
        session,
        action,
        f"payment:{row.id}",
        {
            "amount": format(row.amount, "f"),
            "paid_on": row.paid_on.isoformat(),
            "reference": row.reference,
            **more,
        },
        actor.id,
        now,
    )
