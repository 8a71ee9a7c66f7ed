"""The first sheet of an Excel file as rows, streamed: no tree is built of it, whatever its size.

openpyxl tells where the sheet lies, which styles are dates and when the calendar begins; it reads parts that are small.
Rows and shared strings are the large parts and go through a parser that keeps one row at a time. An Excel file is an
archive made by anybody: it is looked through first (`examine_workbook`), and what would unpack to more than can be
read safely is refused as a `RowError`.
"""

from __future__ import annotations

import io
import re
import struct
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any, BinaryIO, Final
from xml.parsers import expat

from billing.usage.errors import FileRefused, RowError, shown

WIDEST: Final = 200
LAST_ROW: Final = 1_048_576
LONGEST_CELL: Final = 32_767
DEEPEST: Final = 50
_BLOCK = 65_536
_PARTS = 1_000
_PART = 400_000_000
_WHOLE = 600_000_000
_DIRECTORY = 1_000_000
_NODE = 1_000_000
_STRINGS = 100_000_000  # as they lie in memory; a million short ones
_OTHERS_OWN = "customxml/"  # where queries keep themselves, in UTF-16 and without an end; nothing of it is a table
_SMALL_PART, _SMALL_PART_TAGS = 16_000_000, 50_000

_SPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
_TAGS = {f"{space} {tag}": tag for space in _SPACES for tag in ("row", "c", "v", "f", "is", "t", "si", "rPh")}
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,300}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,400}\.?[0-9]{0,400}|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?")


@dataclass(frozen=True, slots=True)
class Unread:
    """A cell that has no value to read: ``code`` says why, ``text`` is what it shows."""

    code: str
    text: str

    def __str__(self) -> str:
        return self.text


def refused(code: str = "not_xlsx", row: int = 1, column: str | None = None, part: str = "") -> FileRefused:
    """Make the refusal of a whole file; ``part`` names the part of the archive where there is one."""
    return FileRefused(RowError(row, column, code, {"part": shown(part)} if part else {}))


# --- before anything is read -------------------------------------------------------------------------------------------


def examine_workbook(stream: BinaryIO) -> None:
    """Look through an archive without parsing it: no document type, no other encoding, no endless text, no bomb."""
    try:
        if _directory_size(stream) > _DIRECTORY:
            raise refused()
        with zipfile.ZipFile(stream) as archive:
            parts = archive.infolist()
            if "[Content_Types].xml" not in archive.namelist() or len(parts) > _PARTS:
                raise refused()
            whole = 0
            for part in parts:
                whole += part.file_size
                if part.file_size > _PART or whole > _WHOLE:
                    raise refused("xlsx_too_large", part=part.filename)
                if not part.filename.lower().startswith(_OTHERS_OWN):
                    _examine_part(archive, part)
    except FileRefused:
        raise
    except (
        Exception
    ) as error:  # a broken archive shows in many ways: BadZipFile, zlib.error, RuntimeError, struct.error
        raise refused() from error


def _directory_size(stream: BinaryIO) -> int:
    """Give the size of an archive's directory, which is read into memory whole, from the record at the file's end."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - 65_557 - 76))
    tail = stream.read()
    stream.seek(0)
    at = len(tail) - 22 if tail[-22:-18] == b"PK\5\6" else tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < 22:
        return 0  # no archive, which is told when it is opened
    found: int = struct.unpack_from("<I", tail, at + 12)[0]
    if at >= 76 and tail[at - 20 : at - 16] == b"PK\6\7":
        found = max(found % 0xFFFFFFFF, struct.unpack_from("<Q", tail, at - 76 + 40)[0])
    return found


def _examine_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Read a part through if it begins as XML does, under whatever name it stands."""
    size, since_tag, tail = 0, 0, b""
    with archive.open(part) as stream:
        while block := stream.read(_BLOCK):
            if not size and not _begins_as_xml(block):
                return
            size += len(block)
            seen = tail + block
            if b"<!DOCTYPE" in seen or b"<!ENTITY" in seen or b"\0" in block:
                raise refused("xlsx_doctype", part=part.filename)
            last = block.rfind(b"<")
            since_tag = len(block) - last if last >= 0 else since_tag + len(block)
            if since_tag > _NODE or (size > 4_000_000 and size > 200 * part.compress_size):
                raise refused("xlsx_too_large", part=part.filename)
            tail = seen[-16:]


def _begins_as_xml(block: bytes) -> bool:
    return block.lstrip()[:1] == b"<" or block.startswith((b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe", b"\0<"))


# --- the book ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Book:
    """What openpyxl knows of a workbook: its first sheet, its strings' part, the styles that are dates, the epoch."""

    sheet: str
    strings: str | None
    epoch: Any
    dates: frozenset[int]
    durations: frozenset[int]


def workbook_rows(stream: BinaryIO) -> Iterator[tuple[Sequence[int], list[list[Any]]]]:
    """Give the rows of the first sheet that hold anything, in batches with their numbers.

    Values are text, whole numbers and floats, truth, dates and times, ``None`` for nothing, or `Unread`. Formulas give
    the value that was saved with them. A cell beyond `WIDEST` columns, or out of order, refuses the file.
    """
    reading = _Rows((), None)
    try:
        with zipfile.ZipFile(stream) as archive:
            book = _book(stream, archive)
            strings = _Strings()
            if book.strings is not None:
                for _ in _fed(archive, book.strings, strings):
                    pass
            reading = _Rows(strings.texts, book)
            for _ in _fed(archive, book.sheet, reading):
                if reading.ready:
                    numbers, rows = reading.take()
                    yield numbers, rows
    except FileRefused:
        raise
    except Exception as error:  # as many kinds as there are ways for a file not to be what it seems
        raise refused(row=max(1, reading.number)) from error


def _book(stream: BinaryIO, archive: zipfile.ZipFile) -> _Book:
    """Find the first sheet and what its cells' values depend on; the parts for that are small, or the file is refused."""
    import openpyxl.packaging.relationship  # heavy, and most files are CSV
    import openpyxl.reader.excel
    from openpyxl.styles.stylesheet import apply_stylesheet
    from openpyxl.xml.constants import ARC_CONTENT_TYPES, ARC_STYLE, SHARED_STRINGS

    excel: Any = openpyxl.reader.excel
    packaging: Any = openpyxl.packaging.relationship
    _small(archive, ARC_CONTENT_TYPES)
    reader = excel.ExcelReader(stream, read_only=True, data_only=True, keep_links=False)
    reader.read_manifest()
    part = excel._find_workbook_part(reader.package).PartName[1:]
    for name in (part, packaging.get_rels_path(part), ARC_STYLE):
        _small(archive, name)
    names = set(archive.namelist())
    # openpyxl warns, and prints, of styles and relations that are missing: that changes no value, and a command's
    # standard output is a document.
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader.read_workbook()
        apply_stylesheet(reader.archive, reader.wb)
        sheet = next(
            rel.target for _, rel in reader.parser.find_sheets() if "chartsheet" not in rel.Type and rel.target in names
        )
    strings = reader.package.find(SHARED_STRINGS)
    return _Book(
        sheet,
        None if strings is None else strings.PartName[1:],
        reader.wb.epoch,
        frozenset(reader.wb._date_formats),
        frozenset(reader.wb._timedelta_formats),
    )


def _small(archive: zipfile.ZipFile, name: str) -> None:
    """Refuse a part that a tree will be built of, where that would be a large one."""
    if name not in archive.namelist():
        return
    tags = 0
    with archive.open(name) as stream:
        while block := stream.read(_BLOCK):
            tags += block.count(b"<")
    if tags > _SMALL_PART_TAGS or archive.getinfo(name).file_size > _SMALL_PART:
        raise refused("xlsx_too_large", part=name)


def _fed(archive: zipfile.ZipFile, name: str, reading: _Reading) -> Iterator[None]:
    """Feed a part to its reading, block by block."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reading.start, reading.end
    parser.StartDoctypeDeclHandler = _no_document_type
    reading.listen = lambda: setattr(parser, "CharacterDataHandler", reading.heard.append)
    reading.ignore = lambda: setattr(parser, "CharacterDataHandler", None)
    with archive.open(name) as stream:
        while block := stream.read(_BLOCK):
            parser.Parse(block, False)
            yield
        parser.Parse(b"", True)
        yield


def _no_document_type(name: str, *_: object) -> None:
    raise refused("xlsx_doctype", part=name)


class _Reading:
    """What both large parts have in common: text is listened to within `t` and `v`, not within phonetic guides."""

    listen: Callable[[], None]
    ignore: Callable[[], None]

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.phonetic = self.depth = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Begin an element; those within one another are kept by the parser, so there is a deepest."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise refused()
        tag = _TAGS.get(name)
        if tag == "rPh":
            self.phonetic += 1
        elif tag in ("t", "v") and not self.phonetic:
            self.listen()
        elif tag is not None:
            self.begin(tag, attributes)

    def end(self, name: str) -> None:
        """End an element."""
        self.depth -= 1
        tag = _TAGS.get(name)
        if tag == "rPh":
            self.phonetic -= 1
        elif tag in ("t", "v"):
            self.ignore()
        elif tag is not None:
            self.finish(tag)

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        """Begin one of the elements that hold text."""

    def finish(self, tag: str) -> None:
        """End one of the elements that hold text."""


class _Strings(_Reading):
    """The strings that cells share, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.size = 0

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        """Begin a string."""
        self.heard.clear()

    def finish(self, tag: str) -> None:
        """Keep a string."""
        if tag == "si":
            text = "".join(self.heard)
            self.size += sys.getsizeof(text) + 8
            if len(text) > LONGEST_CELL or self.size > _STRINGS:
                raise refused("xlsx_too_large", part="sharedStrings")
            self.texts.append(text)


class _Rows(_Reading):
    """The rows of a sheet: one at a time, then those that hold anything until they are taken."""

    def __init__(self, strings: Sequence[str], book: _Book | None) -> None:
        super().__init__()
        self.strings, self.book = strings, book
        self.part = "" if book is None else book.sheet
        self.columns: dict[str, int] = {}
        self.ready: list[tuple[int, list[Any]]] = []
        self.number = self.column = self.style = 0
        self.kind, self.formula = "n", False
        self.cells: list[Any] = []

    def take(self) -> tuple[list[int], list[list[Any]]]:
        """Give the rows that are ready, with their numbers."""
        taken, self.ready = self.ready, []
        return [number for number, _ in taken], [cells for _, cells in taken]

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        """Begin a row, a cell or what a cell holds."""
        if tag == "row":
            number = int(attributes.get("r", self.number + 1))
            if not self.number < number <= LAST_ROW:
                raise refused(row=self.number + 1)
            self.number, self.column, self.cells = number, 0, []
        elif tag == "c":
            column = self._column(attributes.get("r"))
            if column <= self.column:
                raise refused(row=self.number, column=str(column))
            self.column, self.style = column, int(attributes.get("s", 0))
            self.kind, self.formula = attributes.get("t", "n"), False
            self.heard.clear()
        elif tag == "f":
            self.formula = True

    def finish(self, tag: str) -> None:
        """Keep a cell that has a value, and a row that has a cell."""
        if tag == "c":
            value = self._value()
            if value is not None:
                if self.column > WIDEST or (isinstance(value, str) and len(value) > LONGEST_CELL):
                    raise refused("xlsx_too_large", self.number, str(self.column), self.part)
                self.cells += [None] * (self.column - 1 - len(self.cells))
                self.cells.append(value)
            self.heard.clear()
        elif tag == "row" and self.cells:
            self.ready.append((self.number, self.cells))
            self.cells = []

    def _column(self, reference: str | None) -> int:
        if reference is None:
            return self.column + 1
        found = _REFERENCE.fullmatch(reference)
        if found is None or int(found[2]) != self.number:
            raise refused(row=max(1, self.number))
        column = self.columns.get(found[1])
        if column is None:
            column = 0
            for letter in found[1]:
                column = column * 26 + ord(letter) - 64
            self.columns[found[1]] = column
        return column

    def _value(self) -> Any:
        text = "".join(self.heard)
        if self.kind == "e":
            return Unread("formula_error", text)
        if self.kind in ("str", "inlineStr"):
            return text or None
        if not text:
            return Unread("formula_without_value", "") if self.formula else None
        if self.kind == "s":
            place = int(text) if _WHOLE_NUMBER.fullmatch(text) else -1
            return self.strings[place] if 0 <= place < len(self.strings) else Unread("unreadable_cell", text)
        if self.kind == "b":
            return text in ("1", "true")
        if self.kind == "d":
            return _iso(text)
        return self._number(text)

    def _number(self, text: str) -> Any:
        """Read a number, or a date where the style says so; what is neither stays the text that it is."""
        if _WHOLE_NUMBER.fullmatch(text):
            number: float | int = int(text)
        elif _NUMBER.fullmatch(text):
            number = float(text)
        else:
            return text
        if self.book is None or self.style not in self.book.dates:
            return number
        from openpyxl.utils.datetime import from_excel

        try:
            return from_excel(number, self.book.epoch, timedelta=self.style in self.book.durations)
        except (OverflowError, ValueError):
            return text


def _iso(text: str) -> Any:
    import openpyxl.utils.datetime

    dates: Any = openpyxl.utils.datetime
    try:
        return dates.from_ISO8601(text)
    except (OverflowError, ValueError, TypeError):
        return text
