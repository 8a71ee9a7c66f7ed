"""A table as CSV that a spreadsheet opens without running anything in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

# A text that begins so is read as a formula by spreadsheets.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Cell = str | int | Decimal | date | None


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Write a table after RFC 4180 in UTF-8: comma, CRLF, numbers with a point, days as ISO, None as an empty cell.

    Text that a spreadsheet would take for a formula gets an apostrophe before it; numbers keep their sign.

    >>> csv_bytes(["name", "amount"], [["=1+1", Decimal("-2.50")], [None, 3]])
    b"name,amount\\r\\n'=1+1,-2.50\\r\\n,3\\r\\n"
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_written(cell) for cell in row])
    return out.getvalue().encode()


def _written(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case str():
            return f"'{cell}" if cell.startswith(_FORMULA) else cell
        case Decimal():
            return format(cell, "f")
        case date():
            return cell.isoformat()
    return str(cell)
