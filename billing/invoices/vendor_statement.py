"""The vendor's statement: a usage file that came inside an invoice, beside the buyer's own count.

The file is CSV with one of the headers that usage files have (`trust,algorithm,date,quantity`, `trust,algorithm,month,quantity`,
`event_id,trust,algorithm,time,status`); comma, semicolon or tab, UTF-8 with or without its mark, or Windows-1252. Trusts and
algorithms are read by the vendor's mapping. Nothing of it enters our own count.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from billing.ehf.document import Attachment
from billing.invoices import invoices
from billing.invoices import setup as invoice_setup
from billing.invoices.line_reading import LineReader
from billing.usage import metering
from contracts.errors import NotFound
from contracts.people.access import Actor
from contracts.terms.national_numbers import without_national_numbers
from contracts.terms.period import Period

OSLO: Final = ZoneInfo("Europe/Oslo")
MOST_ROWS: Final = 500_000
MOST_ERRORS: Final = 50
LARGEST_COUNT: Final = 10**12
DAILY, MONTHLY, EVENTS = "date", "month", "time"
_BILLABLE: Final = "completed"

Code = Literal[
    "encoding", "header", "width", "unknown_trust", "unknown_algorithm", "not_a_day", "not_a_count", "too_long"
]


@dataclass(frozen=True, slots=True)
class StatementError:
    """A row of the statement that cannot be used; the header is row 1."""

    row: int
    code: Code
    detail: str


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One trust, algorithm and month: what the vendor states and what we counted, in examinations."""

    trust: str
    algorithm: str
    month: Period
    stated: int
    counted: int

    @property
    def difference(self) -> int:
        """Give stated less counted: positive is more than we counted."""
        return self.stated - self.counted


@dataclass(frozen=True, slots=True)
class Statement:
    """A usage file inside an invoice held against our own count, over the months it names.

    What we counted and the file leaves out stands among the rows with 0 stated.
    """

    number: int
    filename: str
    rows: tuple[StatementRow, ...]
    errors: tuple[StatementError, ...]
    more_errors: int

    @property
    def stated(self) -> int:
        """Give all that the vendor states."""
        return sum(row.stated for row in self.rows)

    @property
    def counted(self) -> int:
        """Give all that we counted in the same months."""
        return sum(row.counted for row in self.rows)


Counts = dict[tuple[str, str, date], int]


def is_statement(attachment: Attachment) -> bool:
    """Tell whether an attachment is a file that may be a statement: CSV by its type or its name."""
    if attachment.content is None:
        return False
    name = (attachment.filename or "").casefold()
    return (attachment.mime or "").casefold().startswith("text/csv") or name.endswith(".csv")


def compare_statement(
    session: Session,
    *,
    agreement_id: int,
    invoice_id: int,
    number: int,
    actor: Actor,
    known_at: datetime | None = None,
) -> Statement:
    """Hold the usage file that is attachment ``number`` (from 1) of an invoice against our own count, month by month."""
    recorded = invoices.find_invoice(
        session, agreement_id=agreement_id, invoice_id=invoice_id, actor=actor, known_at=known_at
    )
    attachments = recorded.document.attachments
    if not 0 < number <= len(attachments) or not is_statement(attachments[number - 1]):
        raise NotFound(f"the invoice has no usage file as attachment {number}")
    attachment = attachments[number - 1]
    reader = invoice_setup.line_reader(
        session,
        agreement_id=agreement_id,
        vendor_number=recorded.document.seller.organisation_number,
        known_at=known_at,
    )
    stated, errors = read_statement(attachment.content or b"", reader)
    months = {month for _, _, month in stated}
    counted: Counts = defaultdict(int)
    for usage in metering.daily_usage(session, agreement_id=agreement_id, known_at=known_at):
        month = usage.on.replace(day=1)
        if month in months:
            counted[usage.trust, usage.algorithm, month] += usage.quantity
    rows = tuple(
        StatementRow(trust, algorithm, Period.month(month), stated.get(key, 0), counted.get(key, 0))
        for key in sorted(stated.keys() | counted.keys(), key=lambda key: (key[2], key[0], key[1]))
        for trust, algorithm, month in [key]
    )
    name = attachment.filename or attachment.id or str(number)
    return Statement(number, name, rows, tuple(errors[:MOST_ERRORS]), max(0, len(errors) - MOST_ERRORS))


def read_statement(content: bytes, reader: LineReader) -> tuple[Counts, list[StatementError]]:
    """Read a statement's counts by trust, algorithm and first day of the month, and what cannot be used of it."""
    text = _decoded(content)
    if text is None:
        return {}, [StatementError(1, "encoding", "the file is neither UTF-8 nor Windows-1252 text")]
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    counts: Counts = defaultdict(int)
    errors: list[StatementError] = []
    try:
        header = [name.strip().casefold() for name in next(rows, [])]
        kind = next((each for each in (DAILY, MONTHLY, EVENTS) if each in header), None)
        wanted = {DAILY: "quantity", MONTHLY: "quantity", EVENTS: "status"}.get(kind or "", "")
        if kind is None or not {"trust", "algorithm", wanted} <= set(header):
            detail = "the header names trust, algorithm, and date or month with quantity, or time with status"
            return {}, [StatementError(1, "header", detail)]
        place = {name: header.index(name) for name in ("trust", "algorithm", kind, wanted)}
        for number, row in enumerate(rows, start=2):
            if number > MOST_ROWS:
                errors.append(StatementError(number, "too_long", f"more than {MOST_ROWS} rows are not read"))
                break
            if not any(part.strip() for part in row):
                continue
            if len(row) != len(header):
                errors.append(StatementError(number, "width", f"{len(row)} fields, and the header has {len(header)}"))
                continue
            part = {name: row[at].strip() for name, at in place.items()}
            _take(number, part, kind, wanted, reader, counts, errors)
    except csv.Error as error:
        errors.append(StatementError(rows.line_num, "width", str(error)))
    return dict(counts), errors


def _take(
    number: int,
    part: dict[str, str],
    kind: str,
    wanted: str,
    reader: LineReader,
    counts: Counts,
    errors: list[StatementError],
) -> None:
    def refuse(code: Code, name: str) -> None:
        value = without_national_numbers(part[name])[:60]
        errors.append(StatementError(number, code, f"{name}: '{value}'"))

    trust, algorithm = reader.trust_of(part["trust"]), reader.algorithm_of(part["algorithm"])
    if trust is None:
        return refuse("unknown_trust", "trust")
    if algorithm is None:
        return refuse("unknown_algorithm", "algorithm")
    month = _month(kind, part[kind])
    if month is None:
        return refuse("not_a_day", kind)
    if kind == EVENTS:
        counts[trust, algorithm, month] += part[wanted].casefold() == _BILLABLE
        return None
    text = part[wanted]
    if not (text.isascii() and text.lstrip("-").isdigit() and len(text) <= 13):
        return refuse("not_a_count", wanted)
    counts[trust, algorithm, month] += int(text)
    return None


def _month(kind: str, text: str) -> date | None:
    try:
        if kind == MONTHLY:
            return date.fromisoformat(f"{text}-01")
        if kind == DAILY:
            return date.fromisoformat(text).replace(day=1)
        moment = datetime.fromisoformat(text)
        local = moment if moment.tzinfo is None else moment.astimezone(OSLO)
        return local.date().replace(day=1)
    except (ValueError, OverflowError):
        return None


def _decoded(content: bytes) -> str | None:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if "\0" in text else text
    return None
