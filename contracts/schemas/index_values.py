"""Index values as files bring them: JSON-stat2, as statistics offices answer, or CSV; every error with its place.

A CSV file is UTF-8 with commas, decimal points and ISO months, and one of two headers::

    table,series,base_year,month,value
    table,base_year,month,value

without ``series`` the series is TOTAL. In a JSON-stat2 document the table stands in ``extension.px.tableid``, the months
in the dimension of time (``2025M01``), the base year in the unit or the label of the contents (``2015=100``), and the other
dimensions' codes name the series. What a file does not say itself the caller may (`ReadAs`); what it says otherwise than
the caller is refused. Numbers keep the digits they were published with.
"""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from contracts.schemas.documents import parse_json
from contracts.terms.indexation import VALUE_DECIMALS
from contracts.terms.money import parse_amount
from contracts.terms.price_book import Finding, InvalidInput

TOTAL = "TOTAL"
HEADERS = (("table", "series", "base_year", "month", "value"), ("table", "base_year", "month", "value"))
LARGEST_FILE = 5 * 1024 * 1024
LARGEST_COUNT = 100_000
MOST_ERRORS = 200
MOST_DIMENSIONS = 12

_CODE = re.compile(r"[^\W_](?:[\w .:/+-]{0,78}[\w.)])?")
_MONTH = re.compile(r"([0-9]{4})(?:-|M)([0-9]{2})", re.ASCII)
_BASE_YEAR = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2}) ?= ?100(?![0-9])", re.ASCII)


@dataclass(frozen=True, order=True, slots=True)
class PublishedValue:
    """One month's value of one series in one base year, with the digits it was published with."""

    table: str
    series: str
    base_year: int
    month: date
    value: Decimal


@dataclass(frozen=True, slots=True)
class ReadAs:
    """What the caller says about a file that does not say it itself."""

    table: str | None = None
    base_year: int | None = None

    def label(self) -> str:
        """Write it as one text, so that the same file read otherwise is another import."""
        return f"table={self.table or ''};base_year={self.base_year or ''}"


@dataclass(slots=True)
class IndexFile:
    """What a file holds: its values, how many places in it are empty, and the contents that are no index."""

    values: list[PublishedValue] = field(default_factory=list)
    missing: int = 0
    ignored: list[str] = field(default_factory=list)


class _Numeral(str):
    """A JSON number with a point, as it is written."""

    __slots__ = ()


def read_index_values(content: bytes, given: ReadAs) -> IndexFile:
    """Read a file of index values; `InvalidInput` with every error and its place.

    A document that begins with ``{`` is read as JSON-stat2, any other as CSV.
    """
    if len(content) > LARGEST_FILE:
        raise InvalidInput((Finding("#", "too_large", f"a file of index values has at most {LARGEST_FILE} bytes"),))
    _check_given(given)
    start = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    file = _JsonStat(given).read(content) if start.startswith(b"{") else _read_csv(content, given)
    if not file.values:
        raise InvalidInput((Finding("#", "no_values", "the file holds no index value"),))
    return file


def read_code(text: str) -> str:
    """Read a table's or a series' code; ValueError("code: sentence") otherwise."""
    if _CODE.fullmatch(text) is None:
        raise ValueError("invalid_code: A code has 1 to 80 letters, digits, spaces and . : / + -.")
    return text


def read_month(text: str) -> date:
    """Read "2025-01" or "2025M01" as the first of the month; ValueError("code: sentence") otherwise."""
    match = _MONTH.fullmatch(text)
    if match is None or not 1 <= int(match[2]) <= 12 or not 1900 <= int(match[1]) <= 2999:
        raise ValueError("not_a_month: A month is expected, such as 2025-01.")
    return date(int(match[1]), int(match[2]), 1)


def read_base_year(text: str) -> int:
    """Read the year in which the index stands at 100; ValueError("code: sentence") otherwise."""
    if re.fullmatch(r"(?:19|20)[0-9]{2}", text, re.ASCII) is None:
        raise ValueError("not_a_base_year: The base year is expected as four digits, such as 2015.")
    return int(text)


def read_value(text: str) -> Decimal:
    """Read an index value as published: above zero, at most four decimals; ValueError("code: sentence") otherwise."""
    try:
        value = parse_amount(text, VALUE_DECIMALS)
    except ValueError as error:
        raise ValueError(f"not_a_value: The value {error}.") from None
    if value <= 0:
        raise ValueError("not_positive: An index value is above zero.")
    return value


def _check_given(given: ReadAs) -> None:
    found = []
    for place, read, value in (("table", read_code, given.table), ("base_year", read_base_year, given.base_year)):
        if value is not None:
            try:
                read(str(value))
            except ValueError as error:
                found.append(_finding(f"#/query/{place}", error))
    if found:
        raise InvalidInput(tuple(found))


def _finding(pointer: str, error: ValueError, place: str = "") -> Finding:
    code, _, detail = str(error).partition(": ")
    return Finding(pointer, code, f"{place}{detail}")


def _read_csv(content: bytes, given: ReadAs) -> IndexFile:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput((Finding("#", "not_utf8", "the file is not UTF-8 text"),)) from None
    if "\0" in text:
        raise InvalidInput((Finding("#", "not_text", "the file holds a NUL character"),))
    file, found, seen = IndexFile(), list[Finding](), dict[tuple[Any, ...], int]()
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = tuple(next(reader, []))
        if header not in HEADERS:
            expected = " or ".join(",".join(names) for names in HEADERS)
            raise InvalidInput((Finding("#/line/1", "unknown_header", f"line 1: the header is {expected}"),))
        for row in reader:
            if row:
                _read_row(row, header, reader.line_num, given, file, found, seen)
            if len(found) >= MOST_ERRORS or len(file.values) > LARGEST_COUNT:
                break
    except csv.Error as error:
        found.append(Finding(f"#/line/{reader.line_num}", "not_csv", f"line {reader.line_num}: {error}"))
    if len(file.values) > LARGEST_COUNT:
        found.append(Finding("#", "too_many", f"a file holds at most {LARGEST_COUNT} values"))
    if found:
        raise InvalidInput(tuple(found))
    return file


def _read_row(
    row: list[str],
    header: tuple[str, ...],
    line: int,
    given: ReadAs,
    file: IndexFile,
    found: list[Finding],
    seen: dict[tuple[Any, ...], int],
) -> None:
    if len(row) != len(header):
        detail = f"line {line}: {len(row)} columns where the header has {len(header)}"
        found.append(Finding(f"#/line/{line}", "wrong_width", detail))
        return
    readers = {
        "table": read_code,
        "series": read_code,
        "base_year": read_base_year,
        "month": read_month,
        "value": read_value,
    }
    read: dict[str, Any] = {"series": TOTAL}
    errors = []
    for name, text in zip(header, row, strict=True):
        try:
            read[name] = readers[name](text)
        except ValueError as error:
            errors.append(_finding(f"#/line/{line}/{name}", error, f"line {line}, column {name}: "))
    for name, said in (("table", given.table), ("base_year", given.base_year)):
        if said is not None and name in read and read[name] != said:
            detail = f"line {line}, column {name}: the file says {read[name]}, not {said}"
            errors.append(Finding(f"#/line/{line}/{name}", f"{name}_differs", detail))
    if not errors:
        value = PublishedValue(**read)
        key = (value.table, value.series, value.base_year, value.month)
        if key in seen:
            detail = f"line {line}: the month stands on line {seen[key]} already"
            errors.append(Finding(f"#/line/{line}/month", "twice", detail))
        seen[key] = line
        file.values.append(value)
    found += errors


class _JsonStat:
    """Reads one JSON-stat2 dataset; the first thing that is not as it must be ends the reading, with its place."""

    def __init__(self, given: ReadAs) -> None:
        self.given = given

    def read(self, content: bytes) -> IndexFile:
        """Read the dataset."""
        document = parse_json(content, parse_float=_Numeral)
        self._expect(document.get("class") == "dataset", "#/class", "not_a_dataset", "a JSON-stat2 dataset is expected")
        ids, sizes = self._shape(document)
        codes = [self._codes(document, name, size) for name, size in zip(ids, sizes, strict=True)]
        time = self._role(document, ids, "time", "Tid")
        self._expect(time is not None, "#/role/time", "no_time", "one dimension is that of time")
        assert time is not None
        metric = self._role(document, ids, "metric", "ContentsCode")
        table = self._table(document)
        months = [self._month(ids[time], number, code) for number, code in enumerate(codes[time])]
        self._expect(
            len(set(months)) == len(months), f"#/dimension/{ids[time]}/category", "twice", "a month stands twice"
        )
        file = IndexFile()
        contents = [""] if metric is None else codes[metric]
        base_years = self._base_years(document, None if metric is None else ids[metric], contents, file)
        decimals = [self._decimals(document, None if metric is None else ids[metric], code) for code in contents]
        values = self._values(document, math.prod(sizes))
        places = itertools.product(*(range(size) for size in sizes))
        errors: list[Finding] = []
        for number, place in enumerate(places):
            content_number = 0 if metric is None else place[metric]
            base_year = base_years[content_number]
            if base_year is None:
                continue
            raw = values(number)
            if raw is None:
                file.missing += 1
                continue
            series = "/".join(
                codes[axis][position] for axis, position in enumerate(place) if axis not in (time, metric)
            )
            try:
                value = _as_published(raw, decimals[content_number])
                read_code(series or TOTAL)
            except ValueError as error:
                errors.append(_finding(f"#/value/{number}", error, f"{codes[time][place[time]]}: "))
                if len(errors) >= MOST_ERRORS:
                    break
                continue
            file.values.append(PublishedValue(table, series or TOTAL, base_year, months[place[time]], value))
        if errors:
            raise InvalidInput(tuple(errors))
        self._expect_one_metric_a_series(file, ids, metric)
        return file

    @staticmethod
    def _expect(holds: bool, pointer: str, code: str, detail: str) -> None:
        if not holds:
            raise InvalidInput((Finding(pointer, code, detail),))

    def _shape(self, document: dict[str, Any]) -> tuple[list[str], list[int]]:
        ids, sizes = document.get("id"), document.get("size")
        self._expect(
            isinstance(ids, list)
            and 0 < len(ids) <= MOST_DIMENSIONS
            and all(isinstance(name, str) for name in ids)
            and len(set(ids)) == len(ids),
            "#/id",
            "not_dimensions",
            "the names of the dimensions are expected",
        )
        assert isinstance(ids, list)
        self._expect(
            isinstance(sizes, list)
            and len(sizes) == len(ids)
            and all(type(size) is int and 0 < size <= LARGEST_COUNT for size in sizes),
            "#/size",
            "not_sizes",
            "the size of each dimension is expected",
        )
        assert isinstance(sizes, list)
        self._expect(
            math.prod(sizes) <= LARGEST_COUNT, "#/size", "too_many", f"a file holds at most {LARGEST_COUNT} values"
        )
        return ids, sizes

    def _category(self, document: dict[str, Any], name: str) -> dict[str, Any]:
        dimensions = document.get("dimension")
        dimension = dimensions.get(name) if isinstance(dimensions, dict) else None
        category = dimension.get("category") if isinstance(dimension, dict) else None
        self._expect(
            isinstance(category, dict),
            f"#/dimension/{name}/category",
            "no_category",
            "the dimension has no categories",
        )
        assert isinstance(category, dict)
        return category

    def _codes(self, document: dict[str, Any], name: str, size: int) -> list[str]:
        pointer = f"#/dimension/{name}/category/index"
        category = self._category(document, name)
        index = category.get("index")
        if index is None and isinstance(category.get("label"), dict):
            index = list(category["label"])
        if isinstance(index, dict):
            positions = list(index.values())
            in_order = all(type(position) is int for position in positions) and sorted(positions) == list(range(size))
            self._expect(in_order, pointer, "not_an_index", "each category has its own position from 0 on")
            index = sorted(index, key=index.__getitem__)
        self._expect(
            isinstance(index, list)
            and len(index) == size
            and all(isinstance(code, str) and len(code) <= 80 for code in index)
            and len(set(index)) == size,
            pointer,
            "not_an_index",
            f"the codes of {size} categories are expected",
        )
        assert isinstance(index, list)
        return index

    @staticmethod
    def _role(document: dict[str, Any], ids: list[str], role: str, usual: str) -> int | None:
        roles = document.get("role")
        named = roles.get(role) if isinstance(roles, dict) else None
        name = named[0] if isinstance(named, list) and len(named) == 1 else usual
        return ids.index(name) if name in ids else None

    def _table(self, document: dict[str, Any]) -> str:
        extension = document.get("extension")
        px = extension.get("px") if isinstance(extension, dict) else None
        said = px.get("tableid") if isinstance(px, dict) else None
        pointer = "#/extension/px/tableid"
        self._expect(said is None or isinstance(said, str), pointer, "not_a_string", "a table's code is text")
        self._expect(
            said is None or self.given.table in (None, said),
            pointer,
            "table_differs",
            f"the file is of table {said}, not {self.given.table}",
        )
        table = said or self.given.table
        self._expect(bool(table), pointer, "no_table", "the file does not name its table: say which it is")
        try:
            return read_code(str(table))
        except ValueError as error:
            raise InvalidInput((_finding(pointer, error),)) from None

    def _month(self, name: str, number: int, code: str) -> date:
        try:
            if "M" not in code:
                raise ValueError("not_a_month: A month is expected, such as 2025M01; yearly tables are not read.")
            return read_month(code)
        except ValueError as error:
            pointer = f"#/dimension/{name}/category/index/{number}"
            raise InvalidInput((_finding(pointer, error, f"{code[:20]}: "),)) from None

    def _base_years(
        self, document: dict[str, Any], name: str | None, contents: list[str], file: IndexFile
    ) -> list[int | None]:
        """Find each contents' base year; contents without one (changes in per cent) are no index and left out."""
        found: list[int | None] = []
        for code in contents:
            said = self._said_base_years(document, name, code)
            self._expect(
                len(said) <= 1, f"#/dimension/{name}", "base_years_differ", f"{code} names several base years: {said}"
            )
            found.append(said[0] if said else None)
        given = self.given.base_year
        if found == [None] and given is not None:
            return [given]
        for base_year in found:
            self._expect(
                base_year is None or given in (None, base_year),
                f"#/dimension/{name}",
                "base_year_differs",
                f"the file says {base_year}=100, not {given}=100",
            )
        self._expect(
            any(found), "#/dimension", "no_base_year", "the file does not say where the index stands at 100: say it"
        )
        file.ignored += [code for code, base_year in zip(contents, found, strict=True) if base_year is None]
        return found

    def _said_base_years(self, document: dict[str, Any], name: str | None, code: str) -> list[int]:
        texts: list[Any] = [] if name is not None else [document.get("label")]
        if name is not None:
            category = self._category(document, name)
            label, unit = category.get("label"), category.get("unit")
            texts.append(label.get(code) if isinstance(label, dict) else None)
            of_code = unit.get(code) if isinstance(unit, dict) else None
            texts.append(of_code.get("base") if isinstance(of_code, dict) else None)
        years = {int(year) for text in texts if isinstance(text, str) for year in _BASE_YEAR.findall(text)}
        return sorted(years)

    def _decimals(self, document: dict[str, Any], name: str | None, code: str) -> int:
        unit = None if name is None else self._category(document, name).get("unit")
        of_code = unit.get(code) if isinstance(unit, dict) else None
        decimals = of_code.get("decimals") if isinstance(of_code, dict) else None
        return decimals if type(decimals) is int and 0 <= decimals <= VALUE_DECIMALS else 0

    def _values(self, document: dict[str, Any], count: int) -> Any:
        """Give the function from a place's number to what stands there; missing places are ``None``."""
        values = document.get("value")
        if isinstance(values, list):
            self._expect(len(values) == count, "#/value", "wrong_count", f"{count} values are expected")
            return values.__getitem__
        self._expect(isinstance(values, dict), "#/value", "no_values", "the values are expected")
        assert isinstance(values, dict)
        known = {str(number) for number in range(count)}
        self._expect(known.issuperset(values), "#/value", "wrong_count", f"places run from 0 to {count - 1}")
        return lambda number: values.get(str(number))

    def _expect_one_metric_a_series(self, file: IndexFile, ids: list[str], metric: int | None) -> None:
        keys = {(value.series, value.base_year, value.month) for value in file.values}
        name = "" if metric is None else ids[metric]
        self._expect(
            len(keys) == len(file.values),
            f"#/dimension/{name}",
            "twice",
            "several contents give the same month of the same series: take one of them",
        )


def _as_published(raw: Any, decimals: int) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | _Numeral):
        raise ValueError("not_a_value: A number is expected.")
    value = read_value(str(raw))
    written = -int(value.as_tuple().exponent)
    return value if written >= decimals else value.quantize(Decimal(1).scaleb(-decimals))
