"""A table on its way out, columns of one kind each and rows; and as CSV that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

# A text that begins so is read as a formula by spreadsheets.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

Cell = str | int | Decimal | date | None
Kind = Literal["text", "whole", "number", "day"]
Columns = dict[str, Kind]
_TYPES: Final[dict[Kind, tuple[type, ...]]] = {
    "text": (str,),
    "whole": (int,),
    "number": (int, Decimal),
    "day": (date,),
}


def columns(kind: Kind, *names: str) -> Columns:
    """Name columns of one kind; several kinds are joined by ``|``.

    >>> columns("text", "trust") | columns("number", "net", "tax")
    {'trust': 'text', 'net': 'number', 'tax': 'number'}
    """
    return dict.fromkeys(names, kind)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns; an empty cell is None or an empty text, any other is of its column's kind."""

    columns: Mapping[str, Kind]
    rows: Iterable[Sequence[Cell]]

    def checked(self) -> Iterator[Sequence[Cell]]:
        """Give the rows; `TypeError` at a cell of another kind, so that no binary number passes for an amount."""
        for row in self.rows:
            for (name, kind), cell in zip(self.columns.items(), row, strict=True):
                known = isinstance(cell, _TYPES[kind]) and not isinstance(cell, bool | datetime)
                if cell not in (None, "") and not known:
                    raise TypeError(f"{cell!r} in the column {name} is no {kind}")
            yield row


def csv_bytes(table: Table, *, delimiter: str = ",", decimal_mark: str = ".") -> bytes:
    """Write a table after RFC 4180 in UTF-8: CRLF, days as ISO, None as an empty cell.

    Text that a spreadsheet would take for a formula gets an apostrophe before it; numbers keep their sign.

    >>> csv_bytes(Table(columns("text", "name") | columns("number", "amount"), [["=1+1", Decimal("-2.50")], [None, 3]]))
    b"name,amount\\r\\n'=1+1,-2.50\\r\\n,3\\r\\n"
    """
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(table.columns)
    for row in table.checked():
        writer.writerow([_written(cell, decimal_mark) for cell in row])
    return out.getvalue().encode()


def _written(cell: Cell, decimal_mark: str) -> str:
    match cell:
        case None:
            return ""
        case str():
            return f"'{cell}" if cell.startswith(_FORMULA) else cell
        case Decimal():
            return format(cell, "f").replace(".", decimal_mark)
        case date():
            return cell.isoformat()
    return str(cell)
