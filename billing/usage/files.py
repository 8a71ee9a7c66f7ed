"""Usage files as rows: CSV, XLSX and (where duckdb is installed) Parquet, read in batches in bounded memory.

A file is first examined (SHA-256, NUL bytes, endless lines, what an Excel file would unpack to), then read row by row
into one plain form, whatever it was written in (`usage_readings`). What cannot be read is a `RowError` with its place.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Literal

from billing.usage.errors import FileRefused, RowError, shown
from billing.usage.readings import (
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
from billing.usage.workbook import Unread, examine_workbook, workbook_rows
from contracts.terms.national_numbers import holds_national_number

Format = Literal["csv", "xlsx", "parquet"]
Content = bytes | Path

BATCH = 256  # so few rows at a time die young, and the collector of cycles never has to look through them
LONGEST_LINE = 65_536
PREVIEWED_ROWS = 10
SAMPLED_ROWS = 5_000
LONGEST_RECORD = 262_144  # what is looked through for an open quote; the reader of CSV gives up at half of it
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
        with file.open() as stream:
            examine_workbook(stream)
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
        if typed:
            yield Table(reading, _canonical(rest, reading, header))
        else:
            yield Table(reading, _plain_batches(rest, header))


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
    _examine_text(file, reading)
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
            except csv.Error:
                broken = _broken(file, reading, before + sum(_lines_of(fields) for fields in rows) + 1)
            except UnicodeError:
                broken = _undecodable(file, reading)
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
        number += _lines_of(fields)
    return numbers


def _lines_of(fields: list[str]) -> int:
    return 1 + sum(each.count("\n") + each.count("\r") - each.count("\r\n") for each in fields)


def _examine_text(file: UsageFile, reading: Reading) -> None:
    """Refuse what no line reader should be given: NUL characters, and lines without an end.

    Bytes are looked at where a byte below 128 is always that character, which is everywhere but in UTF-16.
    """
    if reading.encoding == "utf-16":
        with file.open() as stream:
            start = stream.read(2)
        if start and start not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise FileRefused(RowError(1, "1", "not_text", {"encoding": reading.encoding}))
        with file.open() as stream, io.TextIOWrapper(stream, reading.encoding, errors="replace", newline="") as text:
            _examine_lines(file, reading, (block.encode() for block in iter(lambda: text.read(LONGEST_LINE), "")))
    else:
        with file.open() as stream:
            _examine_lines(file, reading, iter(lambda: stream.read(LONGEST_LINE), b""))


def _examine_lines(file: UsageFile, reading: Reading, blocks: Iterator[bytes]) -> None:
    line, rest = 1, b""  # the line that has begun, and what was read of it
    for block in blocks:
        text = rest + block
        if b"\0" in block:
            end = text.index(b"\0")
            line += _breaks(text, end)
            column = _column_after(file, reading, line, text[_last_break(text, end) : end].decode("utf-8", "replace"))
            raise FileRefused(RowError(line, column, "binary"))
        if len(block) >= LONGEST_LINE and b"\n" not in block and b"\r" not in block:
            line += _breaks(text, len(text))
            start = _last_break(text, len(text))
            column = _column_after(file, reading, line, text[start : start + LONGEST_LINE].decode("utf-8", "replace"))
            raise FileRefused(RowError(line, column, "line_too_long", {"most": LONGEST_LINE}))
        end = _last_break(text, len(text) - 1)  # the last byte may be one half of a break
        end += text[end - 1 : end + 1] == b"\r\n"
        line += _breaks(text, end)
        rest = text[end:]


def _breaks(text: bytes, end: int) -> int:
    return text.count(b"\n", 0, end) + text.count(b"\r", 0, end) - text.count(b"\r\n", 0, end)


def _last_break(text: bytes, end: int) -> int:
    return max(text.rfind(b"\n", 0, end), text.rfind(b"\r", 0, end)) + 1


def _column_after(file: UsageFile, reading: Reading, line: int, text: str) -> str:
    """Name the column that a line has reached after some text: by the header, by its number in the header itself."""
    place = len(_loose(text, reading)) - 1
    if line == 1:
        return str(place + 1)
    with file.open() as stream, io.TextIOWrapper(stream, reading.encoding, errors="replace", newline="") as whole:
        header = _loose(whole.readline(LONGEST_LINE).lstrip("\ufeff"), reading)
    return _column_name([name.strip() for name in header], place)


def _loose(line: str, reading: Reading) -> list[str]:
    """Split a line that may be cut off or broken."""
    try:
        return next(csv.reader([line], delimiter=reading.delimiter), None) or [""]
    except csv.Error:
        return line.split(reading.delimiter)


def _column_name(header: Sequence[str], place: int) -> str:
    """Give a column's name as it may be repeated, its number (from 1) where it has none."""
    name = header[place] if 0 <= place < len(header) else ""
    return str(place + 1) if not name or holds_national_number(name) else shown(name)


def _broken(file: UsageFile, reading: Reading, number: int) -> RowError:
    """Find the field in which the record that begins in a line stops being CSV."""
    with file.open() as stream, io.TextIOWrapper(stream, reading.encoding, errors="replace", newline="") as text:
        for _ in range(number - 1):
            text.readline()
        record = text.read(LONGEST_RECORD)
    if number == 1:
        record = record.lstrip("\ufeff")
    place, at, group = 0, 0, "quote_open"
    while at < len(record):
        begun = at
        if record[at] != '"':
            at = _end_of_plain(record, at, reading.delimiter)
        else:
            at = _end_of_quoted(record, at)
            if at == len(record):
                break
        if at - begun > csv.field_size_limit():
            column = _column_after(file, reading, number, reading.delimiter * place)
            return RowError(number, column, "line_too_long", {"most": csv.field_size_limit()})
        if record[at : at + 1] != reading.delimiter:
            group = "quote_text"
            break
        place, at = place + 1, at + 1
    return RowError(number, _column_after(file, reading, number, reading.delimiter * place), "not_csv", {}, group)


def _end_of_plain(record: str, at: int, delimiter: str) -> int:
    ends = [found for sign in (delimiter, "\n", "\r") if (found := record.find(sign, at)) >= 0]
    return min(ends, default=len(record))


def _end_of_quoted(record: str, at: int) -> int:
    """Give the place after the quote that closes the one at a place, the record's end where none does."""
    at += 1
    while (close := record.find('"', at)) >= 0:
        if record[close + 1 : close + 2] != '"':
            return close + 1
        at = close + 2
    return len(record)


def _undecodable(file: UsageFile, reading: Reading) -> RowError:
    """Find the first character that is none, in its line and column."""
    # A stray byte is kept as a lone surrogate, which no text holds; UTF-16 has no such form.
    errors, stray = ("replace", "\ufffd") if reading.encoding == "utf-16" else ("surrogateescape", "[\udc80-\udcff]")
    number, column = 1, "1"
    with file.open() as stream, io.TextIOWrapper(stream, reading.encoding, errors=errors, newline="") as text:
        for number, line in enumerate(text, 1):
            found = re.search(stray, line)
            if found is not None:
                column = _column_after(file, reading, number, line[: found.start()])
                break
    if reading.encoding == "utf-8":
        return RowError(number, column, "not_utf8")
    return RowError(number, column, "not_text", {"encoding": reading.encoding})


def _xlsx_rows(file: UsageFile) -> Iterator[tuple[Sequence[int], list[list[Any]]]]:
    with file.open() as stream:
        yield from workbook_rows(stream)


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
    wrong = next((place for place, name in enumerate(header) if name not in expected), None)
    missing = next((name for name in needed if name not in header), None)
    if wrong is not None:
        column = _column_name(header, wrong)
        raise FileRefused(RowError(1, column, "wrong_header", headers | {"name": column}, "unknown_column"))
    if missing is not None:
        raise FileRefused(RowError(1, missing, "wrong_header", headers | {"name": missing}, "missing_column"))
    twice = next((name for place, name in enumerate(header) if name in header[:place]), None)
    if twice is not None:
        raise FileRefused(RowError(1, twice, "wrong_header", {"name": twice}, "twice_in_header"))
    first = next(name for name, place in zip(header, expected, strict=False) if name != place)
    raise FileRefused(RowError(1, first, "wrong_header", headers, "column_order"))


def _check_header(reading: Reading, header: list[str]) -> None:
    for name, theirs in reading.columns:
        if theirs not in header:
            headers = {"headers": ",".join(each for _, each in reading.columns), "name": shown(theirs)}
            raise FileRefused(RowError(1, shown(theirs) or name, "wrong_header", headers, "missing_column"))
        if header.count(theirs) > 1:
            raise FileRefused(RowError(1, shown(theirs), "wrong_header", {"name": shown(theirs)}, "twice_in_header"))
    for place, name in enumerate(header):
        if holds_national_number(name):
            raise FileRefused(RowError(1, str(place + 1), "national_number"))


def _plain_batches(
    batches: Iterator[tuple[Sequence[int], Sequence[Sequence[str]]]], header: list[str]
) -> Iterator[Batch]:
    """Hand batches of plain CSV on; rows of another width become errors, empty lines nothing."""
    width = len(header)
    for numbers, rows in batches:
        if all(len(fields) == width for fields in rows):
            yield Batch(numbers, rows)
            continue
        kept = [(number, fields) for number, fields in zip(numbers, rows, strict=True) if len(fields) == width]
        errors = [
            _wrong_width(number, fields, header)
            for number, fields in zip(numbers, rows, strict=True)
            if fields and len(fields) != width
        ]
        yield Batch([number for number, _ in kept], [fields for _, fields in kept], errors)


def _wrong_width(number: int, fields: Sequence[Any], header: list[str]) -> RowError:
    """Tell of a row of another width, in the first column that it lacks or has too many."""
    for place, value in enumerate(fields):
        if holds_national_number(_text(value)):
            return RowError(number, _column_name(header, place), "national_number")
    place = min(len(fields), len(header))
    return RowError(number, _column_name(header, place), "wrong_width", {"found": len(fields), "expected": len(header)})


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
        self.header, self.width = header, len(header)
        theirs = dict(reading.columns)
        self.places = [(name, header.index(theirs[name]), theirs[name]) for name in reading.names]
        mapped = {place for _, place, _ in self.places}
        self.unused = [place for place in range(len(header)) if place not in mapped]
        self.values = {(name, found): ours for name, found, ours in reading.values}

    def fields(self, number: int, values: Sequence[Any], errors: list[RowError]) -> list[str]:
        """Give a row's fields; what cannot be read goes to ``errors``."""
        values = list(values)
        while len(values) > self.width and values[-1] in (None, ""):
            values.pop()
        if len(values) > self.width or (len(values) < self.width and all(isinstance(each, str) for each in values)):
            errors.append(_wrong_width(number, values, self.header))
            return []
        values += [None] * (self.width - len(values))
        for place in self.unused:
            if holds_national_number(_text(values[place])):
                errors.append(RowError(number, _column_name(self.header, place), "national_number"))
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
        if isinstance(value, Unread):
            raise _Unreadable(value.code, value=shown(value.text))
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
    its values and differ on one, and no reading says which; nothing is guessed. A column whose values are identity
    numbers, a tenth of them at least, is an error at its first such row, whatever it would be read as.
    """
    try:
        file = examine(filename, content)
        batches = _raw_rows(file, reading or Reading.plain("daily"))
        with closing(batches):
            numbered = [each for each in _first_rows(batches) if any(value not in (None, "") for value in each[1])]
    except FileRefused as refused:
        return Preview("csv", (), (), (), {}, (refused.error,))
    if not numbered:
        return Preview(file.format, (), (), (), {}, (RowError(1, None, "empty"),))
    lines = [number for number, _ in numbered][1:]
    header, *body = [[_text(value).strip() for value in row] for _, row in numbered]
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
        tuple(_identity_columns(header, body, lines)),
    )


def _identity_columns(header: list[str], body: list[list[str]], lines: list[int]) -> Iterator[RowError]:
    if any(holds_national_number(name) for name in header):
        yield RowError(1, None, "national_number")
    for place, name in enumerate(header):
        given = [(line, row[place]) for line, row in zip(lines, body, strict=True) if place < len(row) and row[place]]
        found = [line for line, value in given if holds_national_number(value)]
        if found and len(found) * 10 >= len(given):
            yield RowError(found[0], _safe(name), "national_number")


def has_plain_header(preview: Preview) -> bool:
    """Tell whether a file has one of the three plain headers, so that nothing about it needs to be asked."""
    return _is_plain([column.name for column in preview.columns])


def delimiters_of(content: Content) -> dict[Delimiter, int]:
    """Count the columns that each delimiter would make of a text file's first line; nothing for a workbook."""
    file = UsageFile("", content, "csv", "", 0)
    with file.open() as stream:
        start = stream.read(8)
    return {} if start.startswith((b"PK\x03\x04", b"PAR1", b"\xd0\xcf\x11\xe0")) else _delimiters(file)


def _is_plain(header: list[str]) -> bool:
    return header in [list(names) for names in COLUMNS.values()] or header == [*COLUMNS["events"], ACCESSION]


def _first_rows(
    batches: Iterable[tuple[Sequence[int], Sequence[Sequence[Any]]]],
) -> list[tuple[int, Sequence[Any]]]:
    return list(
        islice(
            (each for numbers, rows in batches for each in zip(numbers, rows, strict=True)),
            SAMPLED_ROWS + 1,
        )
    )


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
