"""Files of payments from an accounting system: one row per payment, read strictly, every error with its row and column.

CSV in UTF-8 with a comma or a semicolon between cells and one of two headers: ``invoice,date,amount,reference`` or
``fakturanummer;dato;beløp;referanse``. Dates are ISO or ``31.12.2026``; an amount has at most two decimals, after a point, or
after a comma where cells are parted by semicolons. Thousands are not parted.

Or a bank's notice (camt.054): what left the account is a payment, what came back is one of a negative amount. Its movements
name an invoice by its number or by the KID that the invoice asks to be paid with.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from billing.ehf.bank_notice import read_notice
from billing.ehf.parse import UnreadableDocument
from contracts.errors import Finding, InvalidInput
from contracts.terms.money import AMOUNT_DECIMALS, parse_amount

COLUMNS: Final = ("invoice", "date", "amount", "reference")
NORWEGIAN: Final = ("fakturanummer", "dato", "beløp", "referanse")
LARGEST_FILE: Final = 5 * 1024 * 1024
MOST_ROWS: Final = 20_000
MOST_ERRORS: Final = 50
LONGEST: Final = 120
YEARS: Final = range(1900, 3000)
_NORWEGIAN_DAY: Final = re.compile(r"([0-9]{2})\.([0-9]{2})\.([0-9]{4})", re.ASCII)
_ISO_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """One row as written: ``line`` is that of the file (the header is 1), the amount may be negative.

    ``others`` is what the invoice may be called where no invoice has the number: a KID.
    """

    line: int
    invoice: str
    paid_on: date
    amount: Decimal
    reference: str
    others: tuple[str, ...] = ()


def read_payments(content: bytes) -> tuple[PaymentRow, ...]:
    """Read a file, or raise `InvalidInput` with its errors (at most 50), each at ``#/line/7/column``."""
    if is_notice(content):
        return _read_notice(content)
    if len(content) > LARGEST_FILE:
        raise InvalidInput((Finding("#", "too_large", f"a file has at most {LARGEST_FILE // 1024 // 1024} MB"),))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput((Finding("#", "not_utf8", "the file is not UTF-8 text"),)) from None
    if "\0" in text:
        raise InvalidInput((Finding("#", "not_text", "the file holds a NUL character"),))
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[PaymentRow] = []
    found: list[Finding] = []
    try:
        header = tuple(name.strip().casefold() for name in next(reader, []))
        if header not in (COLUMNS, NORWEGIAN):
            wanted = f"{','.join(COLUMNS)} or {';'.join(NORWEGIAN)}"
            raise InvalidInput((Finding("#/line/1", "unknown_header", f"line 1: the header is {wanted}"),))
        for cells in reader:
            if any(cell.strip() for cell in cells):
                _read_row(cells, header, reader.line_num, delimiter, rows, found)
            if len(found) >= MOST_ERRORS or len(rows) > MOST_ROWS:
                break
    except csv.Error as error:
        found.append(Finding(f"#/line/{reader.line_num}", "not_csv", f"line {reader.line_num}: {error}"))
    if len(rows) > MOST_ROWS:
        found.append(Finding("#", "too_many", f"a file holds at most {MOST_ROWS} payments"))
    if not rows and not found:
        found.append(Finding("#", "empty", "the file holds no payment"))
    if found:
        raise InvalidInput(tuple(found[:MOST_ERRORS]))
    return tuple(rows)


def is_notice(content: bytes) -> bool:
    """Tell whether a file is XML, which of payments is a bank's notice, and not a table."""
    return content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _read_notice(content: bytes) -> tuple[PaymentRow, ...]:
    """Read a bank's notice; a movement that names nothing, in another currency or without a day or an amount is an error."""
    try:
        movements = read_notice(content, limit=LARGEST_FILE)
    except UnreadableDocument as error:
        place = f"#/line/{error.line}" if error.line else "#"
        raise InvalidInput((Finding(place, error.code, error.detail),)) from None
    if not movements:
        raise InvalidInput((Finding("#", "empty", "the file holds no booked payment"),))
    rows, found = [], []
    for each in movements:
        named = [name for name in each.names if len(name) <= LONGEST]
        amount = None if each.amount is None or each.amount != round(each.amount, AMOUNT_DECIMALS) else each.amount
        wrong = (
            ("invoice", "missing", "no invoice number and no KID", named),
            (
                "date",
                "not_a_date",
                "no day of booking from 1900 to 2999",
                each.booked_on and each.booked_on.year in YEARS,
            ),
            ("amount", "not_an_amount", "no amount above zero with at most two decimals", amount),
            ("currency", "other_currency", f"{each.currency} is not NOK", each.currency == "NOK"),
            ("reference", "too_long", f"at most {LONGEST} printable characters", len(each.reference) <= LONGEST),
        )
        findings = [
            Finding(f"#/line/{each.line}/{name}", code, f"line {each.line}, {name}: {detail}")
            for name, code, detail, right in wrong
            if not right
        ]
        found += findings
        if not findings and each.booked_on is not None and amount is not None:
            rows.append(
                PaymentRow(
                    each.line,
                    named[0],
                    each.booked_on,
                    round(amount, AMOUNT_DECIMALS),
                    each.reference,
                    tuple(named[1:]),
                )
            )
    if len(rows) > MOST_ROWS:
        found.append(Finding("#", "too_many", f"a file holds at most {MOST_ROWS} payments"))
    if found:
        raise InvalidInput(tuple(found[:MOST_ERRORS]))
    return tuple(rows)


def read_day(text: str) -> date:
    """Read ``2026-12-31`` or ``31.12.2026``; ValueError for anything else."""
    norwegian = _NORWEGIAN_DAY.fullmatch(text)
    if norwegian is None and _ISO_DAY.fullmatch(text) is None:
        raise ValueError("a date such as 2026-12-31 or 31.12.2026 is expected")
    day = date(*map(int, reversed(norwegian.groups()))) if norwegian else date.fromisoformat(text)
    if day.year not in YEARS:
        raise ValueError("years run from 1900 to 2999")
    return day


def read_amount(text: str, *, comma: bool) -> Decimal:
    """Read an amount with at most two decimals, after a point or, where ``comma`` allows it, a comma; never 0."""
    plain = text.replace(",", ".") if comma else text
    amount = parse_amount(plain.replace("−", "-"), AMOUNT_DECIMALS)
    if amount == 0:
        raise ValueError("is zero")
    return amount


def _read_row(
    cells: list[str],
    header: tuple[str, ...],
    line: int,
    delimiter: str,
    rows: list[PaymentRow],
    found: list[Finding],
) -> None:
    if len(cells) != len(COLUMNS):
        detail = f"line {line}: {len(cells)} cells where the header has {len(COLUMNS)}"
        found.append(Finding(f"#/line/{line}", "wrong_width", detail))
        return
    number, day, amount, reference = (cell.strip() for cell in cells)
    paid_on, value = None, None
    wrong: list[tuple[int, str, str]] = []
    if not number:
        wrong.append((0, "missing", "the invoice number is missing"))
    try:
        paid_on = read_day(day)
    except ValueError as error:
        wrong.append((1, "not_a_date", f"'{day[:40]}': {error}"))
    try:
        value = read_amount(amount, comma=delimiter == ";")
    except ValueError as error:
        wrong.append((2, "not_an_amount", f"'{amount[:40]}' {error}"))
    if len(reference) > LONGEST or not reference.isprintable():
        wrong.append((3, "too_long", f"at most {LONGEST} printable characters"))
    for column, code, detail in wrong:
        place = header[column]
        found.append(Finding(f"#/line/{line}/{place}", code, f"line {line}, column {place}: {detail}"))
    if not wrong and paid_on is not None and value is not None:
        rows.append(PaymentRow(line, number, paid_on, value, reference))
