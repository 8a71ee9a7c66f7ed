"""The recorded invoices and credit notes as they are read now: by the vendor's mapping, and by what a person has placed.

A document's place in time is that of what it bills: its lines' quarters, and for a credit note those of the invoices that it
names. The documents themselves never change; under a newer mapping or a placing only their reading does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing.causes.billed import BilledDocument
from billing.invoices import invoices, vendor_statement
from billing.invoices import setup as invoice_setup
from billing.invoices.billed import quarters_of, to_billed
from billing.invoices.line_reading import LineReading
from billing.models import Invoice, LinePlacing
from contracts.models.base import known, recorded_by_then
from contracts.terms.period import Period
from contracts.terms.price_book import Usage


@dataclass(frozen=True, slots=True)
class ReadInvoice:
    """A recorded document: its row's number and hash, what it bills, and the quarters it belongs to.

    ``statement`` is the vendor's own count that came inside, None where there is none that can be read whole; ``placed`` are
    the ids of the lines that a person has placed.
    """

    id: int
    sha256: str
    filename: str
    recorded_at: datetime
    document: BilledDocument
    quarters: tuple[Period, ...]
    statement: tuple[Usage, ...] | None = None
    placed: tuple[str, ...] = ()


def read_invoices(session: Session, *, agreement_id: int, known_at: datetime | None = None) -> tuple[ReadInvoice, ...]:
    """Read all recorded documents of an agreement, in the order in which they came."""
    query = select(Invoice).where(Invoice.agreement_id == agreement_id).order_by(Invoice.id)
    placings = _placings(session, agreement_id, known_at)
    listed = [
        _read(session, row, placings.get(row.id, {}), known_at)
        for row in session.scalars(recorded_by_then(query, Invoice, known_at))
    ]
    by_number: dict[str, tuple[Period, ...]] = {}
    for each in listed:
        if each.document.kind == "invoice":
            by_number.setdefault(each.document.number, each.quarters)
    return tuple(_beside_what_it_credits(each, by_number) for each in listed)


def _beside_what_it_credits(each: ReadInvoice, by_number: Mapping[str, tuple[Period, ...]]) -> ReadInvoice:
    """Let a credit note that names invoices belong whole to one quarter: the first of theirs, else the first of its own."""
    if each.document.kind != "credit_note" or not each.document.credits:
        return each
    named = {quarter for number in each.document.credits for quarter in by_number.get(number, ())}
    return replace(each, quarters=tuple(sorted(named or each.quarters, key=lambda quarter: quarter.start)[:1]))


def _read(
    session: Session, row: Invoice, placings: Mapping[str, LinePlacing], known_at: datetime | None
) -> ReadInvoice:
    reading = invoices.read_again(session, row, known_at)
    rules = [finding.rule for finding in reading.findings if finding.severity == "fatal"]
    document = to_billed(reading.document, reading.lines, rules)
    if placings:
        lines = [
            _placed(about, placings.get(line.id)) for about, line in zip(reading.lines, document.lines, strict=True)
        ]
        document = to_billed(reading.document, lines, rules)
        document = replace(
            document,
            lines=tuple(
                line
                if (placing := placings.get(line.id)) is None or placing.charge is None
                else replace(line, charge=placing.charge)
                for line in document.lines
            ),
        )
    return ReadInvoice(
        row.id,
        row.document.sha256,
        row.document.filename,
        row.recorded_at,
        document,
        quarters_of(document),
        _statement(session, row, reading, known_at),
        tuple(line.id for line in document.lines if line.id in placings),
    )


def _placed(reading: LineReading, placing: LinePlacing | None) -> LineReading:
    if placing is None:
        return reading
    return replace(
        reading,
        trust=placing.trust or reading.trust,
        algorithm=placing.algorithm or reading.algorithm,
        period=reading.period if placing.period is None else Period.parse(placing.period),
    )


def _placings(session: Session, agreement_id: int, known_at: datetime | None) -> dict[int, dict[str, LinePlacing]]:
    query = select(LinePlacing).where(LinePlacing.agreement_id == agreement_id, known(LinePlacing, known_at))
    found: dict[int, dict[str, LinePlacing]] = defaultdict(dict)
    for row in session.scalars(query):
        found[row.invoice_id][row.line_id] = row
    return found


def _statement(
    session: Session, row: Invoice, reading: invoices.RecordedReading, known_at: datetime | None
) -> tuple[Usage, ...] | None:
    """Read the usage files inside a document; one that cannot be read whole is no count to explain anything by."""
    files = [each for each in reading.document.attachments if vendor_statement.is_statement(each)]
    if not files:
        return None
    reader = invoice_setup.line_reader(
        session, agreement_id=row.agreement_id, vendor_number=row.seller_number, known_at=known_at
    )
    usage: list[Usage] = []
    for each in files:
        stated, errors = vendor_statement.read_statement(each.content or b"", reader)
        if errors:
            return None
        usage += [Usage(trust, algorithm, month, quantity) for (trust, algorithm, month), quantity in stated.items()]
    return tuple(sorted(usage, key=lambda each: (each.on, each.trust, each.algorithm)))


def next_invoice(listed: Iterable[ReadInvoice], on: date) -> ReadInvoice | None:
    """Give the first invoice that was issued after a day, on which an amount agreed then is to be taken off."""
    later = [
        (each.document.issued_on, each.id, each)
        for each in listed
        if each.document.kind == "invoice" and each.document.issued_on is not None and each.document.issued_on > on
    ]
    return min(later, key=lambda found: found[:2])[2] if later else None


def of_quarter(listed: Iterable[ReadInvoice], quarter: Period) -> tuple[ReadInvoice, ...]:
    """Keep the documents that belong to a quarter."""
    return tuple(each for each in listed if quarter in each.quarters)
