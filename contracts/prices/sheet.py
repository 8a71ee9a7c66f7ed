"""A version of a price book as a workbook: written for people to edit, read back without losing a digit.

One sheet per kind of thing: ``version``, ``charges``, ``tiers``, ``phases``, ``limits``, ``conventions``. The columns are the
words of the price book's document, and rows of the later sheets name their charge by its code. Prices are written as text, so
that no spreadsheet turns them into binary numbers; a number typed into a cell is read if it is a decimal that could have been
written, and refused otherwise. Everything that is wrong is told, each with its sheet, row and column.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, Final, Literal, get_args

import openpyxl
import xlsxwriter
from openpyxl.utils.exceptions import InvalidFileException

from contracts.schemas.price_book import ALL, PRICE_DECIMALS, dump_version, load_version
from contracts.terms import price_model
from contracts.terms.period import WINDOW_KINDS
from contracts.terms.price_book import InvalidInput, PriceBookVersion
from contracts.terms.price_models import MODELS, Boundary, FieldKind, fields_of_models
from contracts.terms.written import NotANumber, plain_double, plain_number

MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LARGEST_FILE = 5 * 1024 * 1024
LARGEST_UNPACKED = 50 * 1024 * 1024
MOST_ROWS = 5_000
LARGEST_NUMBER = 10**15

Kind = Literal["text", "day", "decimal", "whole", "flag", "codes"]


@dataclass(frozen=True, slots=True)
class Column:
    """Hold a column: its header, how its cells are read, and the words it may hold where these are few."""

    name: str
    kind: Kind = "text"
    choices: tuple[str, ...] = ()


# The columns of the price models' own fields; tiers have a sheet of their own.
_KINDS: Final[dict[FieldKind, Kind]] = {"whole": "whole", "unit_price": "decimal", "amount": "decimal"}
_OF_MODELS: Final = tuple(
    Column(field.name, _KINDS[field.kind]) for field in fields_of_models() if field.kind in _KINDS
)
_TIERED: Final = {name for name, model in MODELS.items() if any(field.kind == "tiers" for field in model.FIELDS)}
_SCOPES = get_args(price_model.Scope)
_CHARGE = Column("charge")
SHEETS: Final[dict[str, tuple[Column, ...]]] = {
    "version": (Column("valid_from", "day"), Column("clause")),
    "charges": (
        Column("code"),
        Column("kind", choices=("usage", "fixed", "one_off")),
        Column("clause"),
        Column("algorithms", "codes"),
        Column("model", choices=tuple(MODELS)),
        Column("scope", choices=_SCOPES),
        Column("window", choices=WINDOW_KINDS),
        *_OF_MODELS,
        Column("amount", "decimal"),
        Column("per", choices=_SCOPES),
        Column("every", choices=get_args(price_model.Every)),
        Column("proration", choices=get_args(price_model.Proration)),
        Column("ramp_starts", choices=get_args(price_model.RampStart)),
        Column("ramp_counts_towards_tiers", "flag", ("yes", "no")),
    ),
    "tiers": (_CHARGE, Column("up_to", "whole"), Column("unit_price", "decimal"), Column("flat_fee", "decimal")),
    "phases": (_CHARGE, Column("months", "whole"), Column("units", "whole"), Column("discount", "decimal")),
    "limits": (
        _CHARGE,
        Column("limit", choices=("minimum", "maximum")),
        Column("amount", "decimal"),
        Column("per", choices=_SCOPES),
        Column("window", choices=WINDOW_KINDS),
        Column("indexed", "flag", ("yes", "no")),
    ),
    "conventions": (
        _CHARGE,
        Column("boundary", choices=get_args(Boundary)),
        Column("zero_usage", choices=get_args(price_model.ZeroUsage)),
        Column("price_decimals", "whole", tuple(map(str, PRICE_DECIMALS))),
        Column("rounding", choices=get_args(price_model.Rounding)),
        Column("minimum_applies", choices=get_args(price_model.MinimumApplies)),
    ),
}
_FLAGS = {"yes": True, "ja": True, "true": True, "no": False, "nei": False, "false": False}


@dataclass(frozen=True, order=True, slots=True)
class SheetError:
    """Hold one thing that is wrong: where (row 1 is the header; None is the sheet or the file), which kind, one sentence."""

    sheet: str
    row: int | None
    column: str | None
    code: str
    detail: str


class InvalidSheet(ValueError):
    """Refuse a workbook, with every error found in it."""

    def __init__(self, errors: tuple[SheetError, ...]) -> None:
        super().__init__(
            "; ".join(f"{each.sheet} {each.row or ''} {each.column or ''}: {each.detail}" for each in errors)
        )
        self.errors = errors


@dataclass(slots=True)
class _Row:
    number: int
    cells: dict[str, Any]


@dataclass(slots=True)
class _Reading:
    errors: list[SheetError] = field(default_factory=list)
    places: dict[str, tuple[str, int, str]] = field(default_factory=dict)

    def refuse(self, sheet: str, row: int | None, column: str | None, code: str, detail: str) -> None:
        self.errors.append(SheetError(sheet, row, column, code, detail))

    def note(self, pointer: str, sheet: str, row: _Row, names: Mapping[str, str]) -> None:
        """Remember where the members of an object come from; the object itself is at its first column."""
        self.places[pointer] = (sheet, row.number, next(iter(names.values())))
        for member, column in names.items():
            self.places[f"{pointer}/{member}"] = (sheet, row.number, column)

    def place_of(self, pointer: str) -> tuple[str, int | None, str | None]:
        while pointer not in self.places and "/" in pointer:
            pointer = pointer.rpartition("/")[0]
        return self.places.get(pointer, ("version", None, None))


def write_sheet(version: PriceBookVersion) -> bytes:
    """Write a version as a workbook (XLSX); the same version gives the same bytes."""
    rows = _rows_of(version)
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(
        buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        book.set_properties({"title": "Price book", "created": datetime.combine(version.valid_from, time())})
        header = book.add_format({"bold": True, "bottom": 1, "bg_color": "#E6ECF5"})
        plain = book.add_format({"num_format": "@"})
        numeric = book.add_format({"num_format": "@", "align": "right"})
        for name, columns in SHEETS.items():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            for c, column in enumerate(columns):
                right = column.kind in ("decimal", "whole")
                written = [len(str(row[c])) for row in rows[name] if row[c] is not None]
                sheet.set_column(c, c, min(max([len(column.name), *written]) + 2, 60), numeric if right else plain)
                sheet.write_string(0, c, column.name, header)
                if column.choices:
                    sheet.data_validation(1, c, MOST_ROWS, c, {"validate": "list", "source": list(column.choices)})
            sheet.ignore_errors({"number_stored_as_text": f"A1:{chr(ord('A') + len(columns) - 1)}{MOST_ROWS + 1}"})
            for r, row in enumerate(rows[name], start=1):
                for c, value in enumerate(row):
                    if value is not None and value != "":
                        sheet.write_string(
                            r, c, str(value), numeric if columns[c].kind in ("decimal", "whole") else plain
                        )
    return buffer.getvalue()


def read_sheet(content: bytes) -> PriceBookVersion:
    """Read a workbook as a version; InvalidSheet with every error and its place. Its check is another matter."""
    reading = _Reading()
    tables = _tables(content, reading)
    document = _document(tables, reading)
    if reading.errors:
        raise InvalidSheet(tuple(sorted(set(reading.errors), key=_in_order)))
    try:
        return load_version(document)
    except InvalidInput as refused:
        errors = (SheetError(*reading.place_of(each.pointer), each.code, each.detail) for each in refused.errors)
        raise InvalidSheet(tuple(sorted(errors, key=_in_order))) from None


def _in_order(error: SheetError) -> tuple[int, int, str]:
    sheets = list(SHEETS)
    place = sheets.index(error.sheet) if error.sheet in sheets else -1
    return place, error.row or 0, error.column or ""


def _rows_of(version: PriceBookVersion) -> dict[str, list[tuple[Any, ...]]]:
    document = dump_version(version)
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in SHEETS}
    rows["version"].append((document["valid_from"], document["clause"]))
    for charge in document["charges"]:
        code, counter, ramp = charge["code"], charge.get("counter", {}), charge.get("ramp_up", {})
        algorithms = charge["algorithms"]
        rows["charges"].append(
            (
                code,
                charge["kind"],
                charge["clause"],
                ALL if algorithms == ALL else ", ".join(algorithms),
                charge.get("model"),
                counter.get("scope"),
                counter.get("window"),
                *(charge.get(column.name) for column in _OF_MODELS),
                charge.get("amount"),
                charge.get("per"),
                charge.get("every"),
                charge.get("proration"),
                ramp.get("starts"),
                _flag(ramp.get("counts_towards_tiers")),
            )
        )
        for tier in charge.get("tiers", ()):
            rows["tiers"].append((code, tier["up_to"], tier["unit_price"], tier["flat_fee"]))
        for phase in ramp.get("phases", ()):
            rows["phases"].append((code, phase.get("months"), phase.get("units"), phase["discount"]))
        for name in ("minimum", "maximum"):
            if limit := charge.get(name):
                row = (code, name, limit["amount"], limit["per"], limit["window"], _flag(limit["indexed"]))
                rows["limits"].append(row)
        if own := charge.get("conventions"):
            rows["conventions"].append((code, *(own.get(column.name) for column in SHEETS["conventions"][1:])))
    return rows


def _flag(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"


def _tables(content: bytes, reading: _Reading) -> dict[str, list[_Row]]:
    if not _is_harmless(content, reading):
        return {}
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError, SyntaxError):
        reading.refuse("file", None, None, "not_a_workbook", "The file is no XLSX workbook.")
        return {}
    tables: dict[str, list[_Row]] = {}
    for name in book.sheetnames:
        if name not in SHEETS:
            known = ", ".join(SHEETS)
            reading.refuse(name, None, None, "unknown_sheet", f"The sheet is not one of {known}.")
    for name, columns in SHEETS.items():
        if name in book.sheetnames:
            tables[name] = list(_table(book[name], name, columns, reading))
        elif name in ("version", "charges"):
            reading.refuse(name, None, None, "missing_sheet", "The sheet is missing.")
    return tables


def _is_harmless(content: bytes, reading: _Reading) -> bool:
    """Look at the package before it is unpacked: how large it would be, and that no part declares entities."""
    if len(content) > LARGEST_FILE:
        reading.refuse("file", None, None, "too_large", f"The file is larger than {LARGEST_FILE // 1024**2} MB.")
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            if sum(part.file_size for part in package.infolist()) > LARGEST_UNPACKED:
                reading.refuse("file", None, None, "too_large", "The file is too large when it is unpacked.")
                return False
            for part in package.infolist():
                if part.filename.endswith((".xml", ".rels")) and b"<!DOCTYPE" in package.read(part):
                    reading.refuse("file", None, None, "not_a_workbook", "The file declares document types.")
                    return False
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError):
        reading.refuse("file", None, None, "not_a_workbook", "The file is no XLSX workbook.")
        return False
    return True


def _table(sheet: Any, name: str, columns: tuple[Column, ...], reading: _Reading) -> Iterator[_Row]:
    rows = sheet.iter_rows()
    header = [_header(cell.value) for cell in next(rows, ())]
    by_name = {column.name: column for column in columns}
    for title in dict.fromkeys(header):
        if title and title not in by_name:
            reading.refuse(name, 1, title, "unknown_column", f"The column is not one of {', '.join(by_name)}.")
        if title and header.count(title) > 1:
            reading.refuse(name, 1, title, "column_twice", "The column stands twice.")
    for column in columns:
        # A workbook written before a model was known lacks the model's columns; a charge that needs them is refused.
        if column.name not in header and column not in _OF_MODELS:
            reading.refuse(name, 1, column.name, "missing_column", "The column is missing.")
    for number, cells in enumerate(rows, start=2):
        filled = [
            (title, cell)
            for title, cell in zip(header, cells, strict=False)
            if cell.value is not None and cell.value != ""
        ]
        beyond = [cell for cell in cells[len(header) :] if cell.value is not None]
        if beyond or any(not title for title, _ in filled):
            reading.refuse(name, number, None, "no_header", "There is a cell outside the columns.")
        if not filled:
            continue
        if number > MOST_ROWS + 1:
            reading.refuse(name, number, None, "too_many_rows", f"A sheet has at most {MOST_ROWS} rows.")
            return
        read: dict[str, Any] = {}
        for title, cell in filled:
            if title not in by_name:
                continue
            try:
                read[title] = _value(cell, by_name[title])
            except NotANumber as error:
                reading.refuse(name, number, title, error.code, str(error))
        yield _Row(number, read)


def _header(value: Any) -> str:
    return value.strip().lower() if isinstance(value, str) else "" if value is None else str(value)


def _value(cell: Any, column: Column) -> Any:
    if cell.data_type == "f":
        raise NotANumber("formula", "The cell holds a formula: write its value.")
    if cell.data_type == "e":
        raise NotANumber("cell_error", f"The cell holds the error {cell.value}.")
    return _READERS[column.kind](cell.value)


def _text(value: Any) -> str:
    if isinstance(value, bool | datetime | date | time):
        raise NotANumber("not_a_string", "Text is expected.")
    return value if isinstance(value, str) else plain_double(float(value)) if isinstance(value, float) else str(value)


def _day(value: Any) -> str:
    if isinstance(value, datetime):
        if value.time() != time():
            raise NotANumber("not_a_date", "A date without a time of day is expected.")
        return value.date().isoformat()
    if isinstance(value, str):
        for form in ("%Y-%m-%d", "%d.%m.%Y"):
            try:
                return datetime.strptime(value.strip(), form).date().isoformat()  # noqa: DTZ007 - a date has no zone
            except ValueError:
                continue
    raise NotANumber("not_a_date", "A date is expected, such as 2026-09-30 or 30.09.2026.")


def _decimal(value: Any) -> str:
    if isinstance(value, str):
        return plain_number(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotANumber("not_a_decimal", "A number is expected.")
    return plain_double(value) if isinstance(value, float) else str(value)


def _whole(value: Any) -> int:
    text = _decimal(value)
    if not text.lstrip("-").isdigit():
        raise NotANumber("not_an_integer", f"{value} is not a whole number.")
    number = int(text)
    if isinstance(value, int | float) and abs(number) >= LARGEST_NUMBER:
        raise NotANumber("binary_number", "A spreadsheet's number has 15 digits at most: write it as text.")
    return number


def _flag_of(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _FLAGS:
        return _FLAGS[value.strip().lower()]
    raise NotANumber("not_a_boolean", "yes or no is expected.")


def _codes(value: Any) -> str | list[str]:
    text = _text(value).strip()
    return ALL if text == ALL else [code.strip() for code in text.split(",")]


_READERS: dict[Kind, Callable[[Any], Any]] = {
    "text": _text,
    "day": _day,
    "decimal": _decimal,
    "whole": _whole,
    "flag": _flag_of,
    "codes": _codes,
}


def _document(tables: dict[str, list[_Row]], reading: _Reading) -> dict[str, Any]:
    versions = tables.get("version", [])
    if "version" in tables and len(versions) != 1:
        second = versions[1].number if versions else None
        reading.refuse("version", second, None, "one_version", "The sheet has exactly one row below its header.")
    head = versions[0] if versions else _Row(2, {})
    reading.note("#", "version", head, {"valid_from": "valid_from", "clause": "clause"})
    charges: list[dict[str, Any]] = []
    index: dict[str, int] = {}
    for row in tables.get("charges", []):
        code = row.cells.get("code")
        if code is None:
            reading.refuse("charges", row.number, "code", "missing", "A charge has a code.")
            continue
        if code in index:
            reading.refuse("charges", row.number, "code", "charge_code_duplicate", f"The code {code!r} stands twice.")
            continue
        index[code] = len(charges)
        charges.append(_charge(row, f"#/charges/{len(charges)}", reading))
    for name in ("tiers", "phases", "limits", "conventions"):
        for row in tables.get(name, []):
            at = index.get(str(row.cells.get("charge")))
            if at is None:
                detail = f"There is no charge {row.cells.get('charge', '')!r} in the sheet charges."
                reading.refuse(name, row.number, "charge", "unknown_charge", detail)
            else:
                _ADD[name](charges[at], row, f"#/charges/{at}", reading)
    return {"valid_from": head.cells.get("valid_from"), "clause": head.cells.get("clause", ""), "charges": charges}


def _charge(row: _Row, pointer: str, reading: _Reading) -> dict[str, Any]:
    cells = dict(row.cells)
    own = {column.name: column.name for column in SHEETS["charges"]}
    reading.note(pointer, "charges", row, own)
    for member, column in (("counter/scope", "scope"), ("counter/window", "window"), ("ramp_up", "ramp_starts")):
        reading.places[f"{pointer}/{member}"] = ("charges", row.number, column)
    charge: dict[str, Any] = {"clause": ""}
    scope, window = cells.pop("scope", None), cells.pop("window", None)
    starts, counts = cells.pop("ramp_starts", None), cells.pop("ramp_counts_towards_tiers", None)
    charge.update(cells)
    counter = {name: value for name, value in (("scope", scope), ("window", window)) if value is not None}
    if counter or charge.get("kind") == "usage":
        charge["counter"] = counter
    if charge.get("model") in _TIERED:
        charge["tiers"] = []
    if starts is not None or counts is not None:
        ramp = (("starts", starts), ("counts_towards_tiers", counts))
        charge["ramp_up"] = {**{name: value for name, value in ramp if value is not None}, "phases": []}
    return charge


def _add_tier(charge: dict[str, Any], row: _Row, pointer: str, reading: _Reading) -> None:
    tiers = charge.setdefault("tiers", [])
    place = f"{pointer}/tiers/{len(tiers)}"
    reading.note(place, "tiers", row, {name: name for name in ("up_to", "unit_price", "flat_fee")})
    reading.places.setdefault(f"{pointer}/tiers", ("tiers", row.number, "charge"))
    tiers.append({"up_to": None, **_without_charge(row)})


def _add_phase(charge: dict[str, Any], row: _Row, pointer: str, reading: _Reading) -> None:
    phases = charge.setdefault("ramp_up", {"phases": []})["phases"]
    place = f"{pointer}/ramp_up/phases/{len(phases)}"
    reading.note(place, "phases", row, {name: name for name in ("months", "units", "discount")})
    phases.append(_without_charge(row))


def _add_limit(charge: dict[str, Any], row: _Row, pointer: str, reading: _Reading) -> None:
    cells = _without_charge(row)
    name = cells.pop("limit", None)
    if name not in ("minimum", "maximum"):
        reading.refuse("limits", row.number, "limit", "invalid_choice", "One of minimum, maximum is expected.")
    elif name in charge:
        reading.refuse("limits", row.number, "limit", "limit_twice", f"The charge has a {name} already.")
    else:
        reading.note(
            f"{pointer}/{name}", "limits", row, {each: each for each in ("amount", "per", "window", "indexed")}
        )
        charge[name] = cells


def _add_conventions(charge: dict[str, Any], row: _Row, pointer: str, reading: _Reading) -> None:
    if "conventions" in charge:
        reading.refuse("conventions", row.number, "charge", "conventions_twice", "The charge has a row already.")
        return
    names = {column.name: column.name for column in SHEETS["conventions"][1:]}
    reading.note(f"{pointer}/conventions", "conventions", row, names)
    charge["conventions"] = _without_charge(row)


def _without_charge(row: _Row) -> dict[str, Any]:
    return {name: value for name, value in row.cells.items() if name != "charge"}


_ADD: dict[str, Callable[[dict[str, Any], _Row, str, _Reading], None]] = {
    "tiers": _add_tier,
    "phases": _add_phase,
    "limits": _add_limit,
    "conventions": _add_conventions,
}
