"""An Excel workbook of one sheet, whose text cells can never become formulas."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date
from decimal import Decimal
from typing import Any, Final

from contracts.terms.table import Cell, Table
from contracts.web.exports.declared import Format
from contracts.web.i18n import N_

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_LONGEST_TEXT: Final = 32_000
_DATED: Final = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")


def xlsx_bytes(table: Table) -> bytes:
    """Write a table as a workbook of one sheet; a decimal is a number cell, a text that begins as a formula stays text."""
    import openpyxl  # heavy, and most readers take CSV

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append([_cell(sheet, text) for text in table.columns])
    for row in table.checked():
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


FORMAT: Final = Format("xlsx", XLSX, N_("Excel"), 2, xlsx_bytes)
