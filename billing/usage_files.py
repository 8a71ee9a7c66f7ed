"""Usage files as rows: CSV, XLSX and (where duckdb is installed) Parquet, read in batches in bounded memory.

A file is first examined (SHA-256, NUL bytes, endless lines, what an Excel file would unpack to), then read row by row
into one plain form, whatever it was written in (`usage_readings`). What cannot be read is a `RowError` with its place.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Literal

from billing.national_numbers import holds_national_number
from billing.usage_errors import FileRefused, RowError, shown
from billing.usage_readings import (
    ACCESSION,
    COLUMNS,
    DELIMITERS,
    OSLO,
    Delimiter,
    NoSuchTime,
    Reading,
    date_readings,
    number_readings,
    read_date,
    read_month,
    read_number,
    read_time,
)

Format = Literal["csv", "xlsx", "parquet"]
Content = bytes | Path

BATCH = 256  # so few rows at a time die young, and the collector of cycles never has to look through them
LONGEST_LINE = 65_536
WIDEST = 200
PREVIEWED_ROWS = 10
SAMPLED_ROWS = 5_000
_XLSX_ROWS = 1_048_576
_XLSX_PART = 400_000_000
_XLSX_STRINGS = 80_000_000
_XLSX_STRING_COUNT = 1_100_000
_XLSX_NODE = 1_000_000
_HIDDEN = "•••"


@dataclass(frozen=True, slots=True)
class UsageFile:
    """A file as it came: ``sha256`` of its bytes, which also name it."""

    filename: str
    content: Content
    format: Format
    sha256: str
    size: int

    def open(self) -> BinaryIO:
        """Open the bytes for reading."""
        return io.BytesIO(self.content) if isinstance(self.content, bytes) else self.content.open("rb")


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows with their line numbers; ``fields`` stand in the order of the reading's `names`."""

    numbers: Sequence[int]
    rows: Sequence[Sequence[str]]
    errors: Sequence[RowError] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A file being read: its reading and its batches; `FileRefused` out of a batch ends it."""

    reading: Reading
    batches: Iterator[Batch]


def examine(filename: str, content: Content) -> UsageFile:
    """Hash a file and look whether it can be read in bounded memory at all; `FileRefused` where it cannot."""
    file = UsageFile(filename, content, "csv", "", 0)
    digest, size = hashlib.sha256(), 0
    with file.open() as stream:
        start = stream.read(8)
        format_ = _format_of(start)
        stream.seek(0)
        while block := stream.read(LONGEST_LINE):
            digest.update(block)
            size += len(block)
    if format_ == "xlsx":
        _examine_xlsx(file)
    return UsageFile(filename, content, format_, digest.hexdigest(), size)


def hash_of(content: Content) -> str:
    """Give the SHA-256 of a file's bytes in hexadecimal."""
    digest = hashlib.sha256()
    with UsageFile("", content, "csv", "", 0).open() as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def opened(file: UsageFile, reading: Reading | None) -> Iterator[Table]:
    """Open a file for reading. Without a reading the header must be one of the three plain ones."""
    rows = _raw_rows(file, reading or Reading.plain("daily"))
    with closing(rows):
        header_rows = next(rows, None)
        if header_rows is None or not header_rows[1]:
            raise FileRefused(RowError(1, None, "empty"))
        numbers, first = header_rows
        header = [_text(value).strip() for value in first[0]]
        if reading is None:
            reading = _plain_reading(header)
            typed = file.format != "csv"
        else:
            _check_header(reading, header)
            typed = True
        rest: Iterator[tuple[Sequence[int], Sequence[Sequence[Any]]]] = _after_header(numbers, first, rows)
        width = len(header)
        if typed:
            yield Table(reading, _canonical(rest, reading, header))
        else:
            yield Table(reading, _plain_batches(rest, width))


# --- formats -----------------------------------------------------------------------------------------------------------


def _format_of(start: bytes) -> Format:
    if start.startswith(b"PK\x03\x04"):
        return "xlsx"
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise FileRefused(RowError(1, None, "old_excel"))
    return "csv"


def _raw_rows(file: UsageFile, reading: Reading) -> Any:
    if file.format == "xlsx":
        return _xlsx_rows(file)
    if file.format == "parquet":
        return _parquet_rows(file)
    return _csv_rows(file, reading)


def _csv_rows(file: UsageFile, reading: Reading) -> Iterator[tuple[Sequence[int], list[list[str]]]]:
    if reading.encoding != "utf-16":
        _examine_text(file)
    with file.open() as stream, io.TextIOWrapper(stream, encoding=reading.encoding, newline="") as text:
        if reading.encoding == "utf-8" and stream.read(3) != codecs.BOM_UTF8:
            stream.seek(0)
        lines = csv.reader(text, strict=True, delimiter=reading.delimiter)
        while True:
            before = lines.line_num
            rows: list[list[str]] = []
            broken: RowError | None = None
            try:
                rows.extend(islice(lines, BATCH))
            except csv.Error as error:
                broken = RowError(max(lines.line_num, 1), None, "not_csv", {"reason": str(error)})
            except UnicodeError:
                broken = _undecodable(file, reading, lines.line_num)
            if rows:
                yield _numbers(rows, before, lines.line_num if broken is None else -1), rows
            if broken is not None:
                raise FileRefused(broken)
            if not rows:
                return


def _numbers(rows: list[list[str]], before: int, after: int) -> Sequence[int]:
    if after - before == len(rows):
        return range(before + 1, after + 1)
    numbers, number = [], before + 1
    for fields in rows:
        numbers.append(number)
        number += 1 + sum(each.count("\n") + each.count("\r") - each.count("\r\n") for each in fields)
    return numbers


def _examine_text(file: UsageFile) -> None:
    """Refuse what no line reader should be given: NUL bytes, and lines without an end."""
    line = 1
    with file.open() as stream:
        while block := stream.read(LONGEST_LINE):
            if b"\0" in block:
                raise FileRefused(RowError(line + block[: block.index(b"\0")].count(b"\n"), None, "binary"))
            breaks = block.count(b"\n")
            if len(block) == LONGEST_LINE and not breaks and b"\r" not in block:
                raise FileRefused(RowError(line, None, "line_too_long", {"most": LONGEST_LINE}))
            line += breaks


def _undecodable(file: UsageFile, reading: Reading, read: int) -> RowError:
    number = read + 1
    if reading.encoding != "utf-16":
        with file.open() as stream:
            for number, line in enumerate(stream, 1):  # noqa: B007 - the number is what is looked for
                try:
                    line.decode(reading.encoding)
                except UnicodeError:
                    break
    if reading.encoding == "utf-8":
        return RowError(number, None, "not_utf8")
    return RowError(number, None, "not_text", {"encoding": reading.encoding})


def _examine_xlsx(file: UsageFile) -> None:
    try:
        with file.open() as stream, zipfile.ZipFile(stream) as archive:
            if "[Content_Types].xml" not in archive.namelist() or len(archive.infolist()) > 1_000:
                raise FileRefused(RowError(1, None, "not_xlsx"))
            for part in archive.infolist():
                strings = "sharedstrings" in part.filename.lower()
                if part.file_size > (_XLSX_STRINGS if strings else _XLSX_PART):
                    raise _too_large(part)
                if part.filename.lower().endswith((".xml", ".rels")):
                    _examine_part(archive, part, strings=strings)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise FileRefused(RowError(1, None, "not_xlsx")) from error
    except Exception as error:
        if isinstance(error, FileRefused):
            raise
        raise FileRefused(RowError(1, None, "not_xlsx")) from error


def _examine_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo, *, strings: bool) -> None:
    """Read a part through without parsing it: no document type, no other encoding, no endless text, no bomb."""
    size, since_tag, count, tail = 0, 0, 0, b""
    with archive.open(part) as stream:
        while block := stream.read(65_536):
            size += len(block)
            seen = tail + block
            if b"<!DOCTYPE" in seen or b"<!ENTITY" in seen or b"\0" in block:
                raise FileRefused(RowError(1, None, "xlsx_doctype", {"part": shown(part.filename)}))
            last = block.rfind(b"<")
            since_tag = len(block) - last if last >= 0 else since_tag + len(block)
            count += block.count(b"<si>") + block.count(b"<si ") if strings else 0
            if since_tag > _XLSX_NODE or count > _XLSX_STRING_COUNT or size > part.file_size:
                raise _too_large(part)
            tail = seen[-16:]
    if size > 4_000_000 and size > 200 * part.compress_size:
        raise _too_large(part)


def _too_large(part: zipfile.ZipInfo) -> FileRefused:
    return FileRefused(RowError(1, None, "xlsx_too_large", {"part": shown(part.filename)}))


def _xlsx_rows(file: UsageFile) -> Iterator[tuple[Sequence[int], list[Sequence[Any]]]]:
    import openpyxl  # heavy, and most files are CSV

    try:
        with file.open() as stream:
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
            with closing(book):
                sheet: Any = book.worksheets[0]
                sheet.reset_dimensions()  # what the file says of its own size is not to be believed
                rows = iter(sheet.iter_rows(values_only=True))
                done = 0
                while batch := list(islice(rows, 1_000)):
                    if done + len(batch) > _XLSX_ROWS or any(len(row) > WIDEST for row in batch):
                        raise FileRefused(RowError(done + 1, None, "xlsx_too_large", {"part": shown(sheet.title)}))
                    yield range(done + 1, done + len(batch) + 1), batch
                    done += len(batch)
    except FileRefused:
        raise
    except Exception as error:  # openpyxl raises many kinds for files that are not what they seem
        raise FileRefused(RowError(1, None, "not_xlsx")) from error


def _parquet_rows(file: UsageFile) -> Iterator[tuple[Sequence[int], list[Sequence[Any]]]]:
    try:
        import duckdb
    except ImportError as error:
        raise FileRefused(RowError(1, None, "parquet_missing")) from error
    import tempfile

    with tempfile.TemporaryDirectory(prefix="trinnvis-") as folder:
        path = file.content
        if isinstance(path, bytes):
            path = Path(folder, "usage.parquet")
            path.write_bytes(file.content if isinstance(file.content, bytes) else b"")
        try:
            settings: dict[str, Any] = {"memory_limit": "100MB", "threads": "1", "temp_directory": folder}
            with closing(duckdb.connect(":memory:", config=settings)) as connection:
                found = connection.execute("SELECT * FROM read_parquet(?)", [str(path)])
                yield range(1, 2), [[column[0] for column in found.description or ()]]
                done = 1  # the header has no line of its own; rows are told as if it had
                while batch := found.fetchmany(1_000):
                    yield range(done + 1, done + len(batch) + 1), list(batch)
                    done += len(batch)
        except duckdb.Error as error:
            raise FileRefused(RowError(1, None, "not_parquet")) from error


def _after_header(
    numbers: Sequence[int],
    first: Sequence[Sequence[Any]],
    rows: Iterator[tuple[Sequence[int], Sequence[Sequence[Any]]]],
) -> Iterator[tuple[Sequence[int], Sequence[Sequence[Any]]]]:
    if len(first) > 1:
        yield numbers[1:], first[1:]
    yield from rows


# --- header and plain form ---------------------------------------------------------------------------------------------


def _plain_reading(header: list[str]) -> Reading:
    for kind, names in COLUMNS.items():
        if header == list(names):
            return Reading.plain(kind)
    if header == [*COLUMNS["events"], ACCESSION]:
        return Reading.plain("events", accession=True)
    expected: tuple[str, ...] = COLUMNS["daily"]
    if "month" in header:
        expected = COLUMNS["monthly"]
    elif "event_id" in header:
        expected = (*COLUMNS["events"], ACCESSION)
    needed = [name for name in expected if name != ACCESSION]
    headers = {"headers": " / ".join(",".join(names) for names in COLUMNS.values()) + f"[,{ACCESSION}]"}
    wrong = next((name for name in header if name not in expected), None)
    missing = next((name for name in needed if name not in header), None)
    if wrong is not None:
        raise FileRefused(RowError(1, shown(wrong), "wrong_header", headers | {"name": shown(wrong)}, "unknown_column"))
    if missing is not None:
        raise FileRefused(RowError(1, missing, "wrong_header", headers | {"name": missing}, "missing_column"))
    raise FileRefused(RowError(1, None, "wrong_header", headers, "column_order"))


def _check_header(reading: Reading, header: list[str]) -> None:
    for name, theirs in reading.columns:
        if theirs not in header:
            headers = {"headers": ",".join(each for _, each in reading.columns), "name": shown(theirs)}
            raise FileRefused(RowError(1, shown(theirs) or name, "wrong_header", headers, "missing_column"))
        if header.count(theirs) > 1:
            raise FileRefused(RowError(1, shown(theirs), "wrong_header", {"name": shown(theirs)}, "twice_in_header"))
    for name in header:
        if holds_national_number(name):
            raise FileRefused(RowError(1, None, "national_number"))


def _plain_batches(batches: Iterator[tuple[Sequence[int], Sequence[Sequence[str]]]], width: int) -> Iterator[Batch]:
    """Hand batches of plain CSV on; rows of another width become errors, empty lines nothing."""
    for numbers, rows in batches:
        if all(len(fields) == width for fields in rows):
            yield Batch(numbers, rows)
            continue
        kept = [(number, fields) for number, fields in zip(numbers, rows, strict=True) if len(fields) == width]
        errors = [
            _wrong_width(number, fields, width)
            for number, fields in zip(numbers, rows, strict=True)
            if fields and len(fields) != width
        ]
        yield Batch([number for number, _ in kept], [fields for _, fields in kept], errors)


def _wrong_width(number: int, fields: Sequence[Any], width: int) -> RowError:
    if any(holds_national_number(_text(value)) for value in fields):
        return RowError(number, None, "national_number")
    return RowError(number, None, "wrong_width", {"found": len(fields), "expected": width})


def _canonical(
    batches: Iterator[tuple[Sequence[int], Sequence[Sequence[Any]]]], reading: Reading, header: list[str]
) -> Iterator[Batch]:
    """Bring rows under a reading, or with typed cells, to the plain form."""
    plain = _Plain(reading, header)
    for numbers, rows in batches:
        kept_numbers: list[int] = []
        kept: list[list[str]] = []
        errors: list[RowError] = []
        for number, values in zip(numbers, rows, strict=True):
            if all(value is None or value == "" for value in values):
                continue
            before = len(errors)
            fields = plain.fields(number, values, errors)
            if len(errors) == before:
                kept_numbers.append(number)
                kept.append(fields)
        yield Batch(kept_numbers, kept, errors)


class _Plain:
    """Reads one row of a source into our columns, in our order, in plain form."""

    def __init__(self, reading: Reading, header: list[str]) -> None:
        self.reading = reading
        self.width = len(header)
        theirs = dict(reading.columns)
        self.places = [(name, header.index(theirs[name]), theirs[name]) for name in reading.names]
        mapped = {place for _, place, _ in self.places}
        self.unused = [(place, name) for place, name in enumerate(header) if place not in mapped]
        self.values = {(name, found): ours for name, found, ours in reading.values}

    def fields(self, number: int, values: Sequence[Any], errors: list[RowError]) -> list[str]:
        """Give a row's fields; what cannot be read goes to ``errors``."""
        values = list(values)
        while len(values) > self.width and values[-1] in (None, ""):
            values.pop()
        if len(values) > self.width or (len(values) < self.width and all(isinstance(each, str) for each in values)):
            errors.append(_wrong_width(number, values, self.width))
            return []
        values += [None] * (self.width - len(values))
        for place, name in self.unused:
            if holds_national_number(_text(values[place])):
                errors.append(RowError(number, shown(name), "national_number"))
        fields = []
        for name, place, theirs in self.places:
            try:
                fields.append(self.field(name, values[place]))
            except _Unreadable as unreadable:
                code, params = unreadable.code, unreadable.params
                if holds_national_number(_text(values[place])):
                    code, params = "national_number", {}
                group = None
                if code == "not_a_month":
                    code, group = "not_a_date", "not_a_month"
                errors.append(RowError(number, shown(theirs), code, params, group))
        return fields

    def field(self, name: str, value: Any) -> str:
        if (name, _text(value).strip()) in self.values:
            return self.values[name, _text(value).strip()]
        if name == "quantity":
            return self.quantity(value)
        if name in ("date", "month"):
            return self.day(name, value)
        if name == "time":
            return self.time(value)
        return _text(value).strip()

    def quantity(self, value: Any) -> str:
        whole: int | None
        if isinstance(value, bool):
            whole = None
        elif isinstance(value, int):
            whole = value
        elif isinstance(value, str):
            whole = read_number(value, self.reading.numbers)
        else:  # a number cell: whole, or nothing; NaN and infinity are not whole
            try:
                whole = int(value) if value is not None and value == int(value) else None
            except (ValueError, OverflowError, TypeError, ArithmeticError):
                whole = None
        if whole is None:
            raise _Unreadable("not_whole", value=shown(_text(value)))
        return str(whole)

    def day(self, name: str, value: Any) -> str:
        day = value.date() if isinstance(value, datetime) and value.time() == time() else value
        if isinstance(day, date) and not isinstance(day, datetime):
            return day.isoformat() if name == "date" else f"{day:%Y-%m}"
        read = None
        if isinstance(value, str):
            read = (read_date if name == "date" else read_month)(value, self.reading.dates)
        if read is None:
            code = "not_a_date" if name == "date" else "not_a_month"
            raise _Unreadable(code, value=shown(_text(value)), format=self.reading.period_example)
        return read.isoformat() if name == "date" else f"{read:%Y-%m}"

    def time(self, value: Any) -> str:
        try:
            if isinstance(value, datetime):
                return _utc(self.instant(value))
            read = read_time(value, self.reading.dates, self.reading.times) if isinstance(value, str) else None
        except NoSuchTime:
            raise _Unreadable("no_such_time", value=shown(_text(value))) from None
        if read is None:
            raise _Unreadable("not_a_time", value=shown(_text(value)), format=self.reading.period_example)
        return _utc(read)

    def instant(self, value: datetime) -> datetime:
        """Read a time cell: one without an offset only where the reading says that it is Norwegian time."""
        if value.tzinfo is not None:
            return value.astimezone(UTC)
        if self.reading.times != "oslo":
            raise _Unreadable("not_a_time", value=value.isoformat(), format=self.reading.period_example)
        instant = value.replace(tzinfo=OSLO).astimezone(UTC)
        if instant.astimezone(OSLO).replace(tzinfo=None) != value:
            raise NoSuchTime(value.isoformat())
        return instant


class _Unreadable(Exception):
    def __init__(self, code: str, **params: str | int) -> None:
        super().__init__(code)
        self.code, self.params = code, dict(params)


def _utc(instant: datetime) -> str:
    text = instant.astimezone(UTC).isoformat()
    return text.removesuffix("+00:00") + "Z"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


# --- preview -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of the file and what each number and date format makes of it (``None``: it cannot be read so)."""

    value: str
    numbers: dict[str, str | None]
    dates: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class PreviewedColumn:
    """A column: three of its values, the formats under which all sampled values can be read, and whether those differ."""

    name: str
    samples: tuple[Sample, ...]
    numbers: tuple[str, ...]
    dates: tuple[str, ...]
    number_differs: bool
    date_differs: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file looks like under a reading, before anything is decided.

    ``ambiguous`` names the columns whose format must be chosen first: they can be read in two ways that differ.
    ``delimiters`` counts the columns that each delimiter would make of the first line. Identity numbers are hidden.
    """

    format: Format
    columns: tuple[PreviewedColumn, ...]
    rows: tuple[tuple[str, ...], ...]
    ambiguous: tuple[str, ...]
    delimiters: dict[Delimiter, int]
    errors: tuple[RowError, ...] = ()


def preview(content: Content, filename: str, reading: Reading | None = None) -> Preview:
    """Show a file's columns, first rows and three values of each column as every format would read them.

    The first 5 000 rows are looked at. A column is ambiguous where two number formats, or two date formats, read all
    its values and differ on one, and no reading says which; nothing is guessed.
    """
    try:
        file = examine(filename, content)
        batches = _raw_rows(file, reading or Reading.plain("daily"))
        with closing(batches):
            rows = [row for row in _first_rows(batches) if any(value not in (None, "") for value in row)]
    except FileRefused as refused:
        return Preview("csv", (), (), (), {}, (refused.error,))
    if not rows:
        return Preview(file.format, (), (), (), {}, (RowError(1, None, "empty"),))
    header, *body = [[_text(value).strip() for value in row] for row in rows]
    columns = tuple(
        _column(name, [row[place] for row in body if place < len(row) and row[place]])
        for place, name in enumerate(header)
    )
    typed = file.format != "csv" or (reading is None and _is_plain(header))
    chosen = {theirs for _, theirs in reading.columns} if reading is not None else set()
    ambiguous = tuple(
        column.name
        for column in columns
        if (column.number_differs or column.date_differs) and column.name not in chosen and not typed
    )
    return Preview(
        file.format,
        columns,
        tuple(tuple(_safe(value) for value in row) for row in body[:PREVIEWED_ROWS]),
        ambiguous,
        _delimiters(file),
    )


def _is_plain(header: list[str]) -> bool:
    return header in [list(names) for names in COLUMNS.values()] or header == [*COLUMNS["events"], ACCESSION]


def _first_rows(batches: Iterable[tuple[Sequence[int], Sequence[Sequence[Any]]]]) -> list[Sequence[Any]]:
    return list(islice((row for _, rows in batches for row in rows), SAMPLED_ROWS + 1))


def _column(name: str, values: list[str]) -> PreviewedColumn:
    distinct = list(dict.fromkeys(values))
    telling = sorted(distinct, key=lambda value: -len(value))[:3]
    numbers, numbers_differ = _fitting([number_readings(value) for value in distinct])
    dates, dates_differ = _fitting([date_readings(value) for value in distinct])
    return PreviewedColumn(
        _safe(name),
        tuple(_sample(value) for value in telling),
        numbers,
        dates,
        numbers_differ,
        dates_differ,
    )


def _sample(value: str) -> Sample:
    if holds_national_number(value):
        return Sample(_HIDDEN, {}, {})
    return Sample(shown(value), number_readings(value), date_readings(value))


def _fitting(readings: list[dict[str, str | None]]) -> tuple[tuple[str, ...], bool]:
    if not readings:
        return (), False
    fitting = tuple(form for form in readings[0] if all(each[form] is not None for each in readings))
    return fitting, any(len({each[form] for form in fitting}) > 1 for each in readings)


def _safe(value: str) -> str:
    return _HIDDEN if holds_national_number(value) else shown(value)


def _delimiters(file: UsageFile) -> dict[Delimiter, int]:
    if file.format != "csv":
        return {}
    with file.open() as stream:
        first = stream.readline(LONGEST_LINE).decode("utf-8-sig", errors="replace")
    return {delimiter: first.count(delimiter) + 1 for delimiter in DELIMITERS}
