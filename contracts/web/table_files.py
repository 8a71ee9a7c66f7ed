"""Tables as files: the rows of a page as CSV or as an Excel workbook, whose text cells can never become formulas.

The same rows give the same bytes, whenever and wherever they are written.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from flask import Response

from contracts.terms.csv_table import Cell, csv_bytes

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

# What a list as a file is answered with, in the API's description.
ROWS_AS_FILE: Final[dict[int, dict[str, Any]]] = {
    200: {
        "description": "The rows as CSV or XLSX.",
        "content": {"text/csv": {"schema": {"type": "string"}}, XLSX: {"schema": {"type": "string"}}},
    }
}
SUFFIXES: Final = ("csv", "xlsx")
_MARK: Final = b"\xef\xbb\xbf"  # with it, spreadsheets read the text as UTF-8
_LONGEST_TEXT: Final = 32_000
_DATED: Final = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")


def table_answer(suffix: str, name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """Give rows as the file ``name`` with its ``suffix``: numbers and days stay what they are, the rest is text."""
    workbook = suffix == "xlsx"
    content = xlsx_bytes(header, rows) if workbook else _MARK + csv_bytes(header, rows)
    response = Response(content, content_type=XLSX if workbook else "text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{suffix}"'
    return response


def xlsx_bytes(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Write a table as a workbook of one sheet; a decimal is a number cell, a text that begins as a formula stays text."""
    import openpyxl  # heavy, and most readers take CSV

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append([_cell(sheet, text) for text in header])
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
    out = io.BytesIO()
    book.save(out)
    return _undated(out)


def _cell(sheet: Any, value: Cell) -> Any:
    from openpyxl.cell import WriteOnlyCell

    if value is None or isinstance(value, int | Decimal | date):
        number: Any = value
        return WriteOnlyCell(sheet, value=number)
    text = "".join(each for each in value if each >= " " or each in "\n\t")[:_LONGEST_TEXT]
    cell = WriteOnlyCell(sheet, value=text)
    cell.data_type = "s"  # also where it begins as a formula would
    return cell


def _undated(book: io.BytesIO) -> bytes:
    """Take the moment of writing out of a workbook: its parts' dates, and the one that it says of itself."""
    out = io.BytesIO()
    with zipfile.ZipFile(book) as parts, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as undated:
        for part in parts.infolist():
            content = parts.read(part)
            if part.filename == "docProps/core.xml":
                content = _DATED.sub(rb"\g<1>2000-01-01T00:00:00Z", content)
            undated.writestr(zipfile.ZipInfo(part.filename), content, compress_type=zipfile.ZIP_DEFLATED)
    return out.getvalue()
