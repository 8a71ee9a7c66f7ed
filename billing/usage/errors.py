"""What can be wrong in a usage file: where it stands, a code, and one sentence in each language.

Values of the file are shown cut short and with every run of eleven digits hidden, so that a sentence, a log or an error
list never carries a national identity number on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.terms.table import Table, columns
from contracts.terms.written import Language

SHOWN_ERRORS = 50
MOST_ERRORS = 20_000
_LONGEST_VALUE = 60
_ELEVEN_DIGITS = re.compile(r"\d{6}[ -]?\d{5}")

# code: (Norwegian, English)
SENTENCES: dict[str, tuple[str, str]] = {
    "empty": ("fila er tom", "the file is empty"),
    "not_text": ("fila er ikke {encoding}-tekst", "the file is not {encoding} text"),
    "not_utf8": ("fila er ikke UTF-8-tekst", "the file is not UTF-8 text"),
    "binary": ("fila inneholder NUL-tegn og er ikke CSV-tekst", "the file holds NUL bytes and is no CSV text"),
    "line_too_long": (
        "linja er lengre enn {most} tegn og kan ikke være en rad med forbruk",
        "the line is longer than {most} characters and cannot be a row of usage",
    ),
    "quote_open": (
        "et anførselstegn åpner feltet og lukkes ikke",
        "a quotation mark opens the field and is never closed",
    ),
    "quote_text": (
        "etter anførselstegnet som lukker feltet, står det mer; anførselstegn i et felt skrives to ganger",
        "more stands after the quotation mark that closes the field; quotation marks within a field are doubled",
    ),
    "unknown_column": (
        "kolonnen «{name}» er ukjent; overskriften skal være {headers}",
        "the column '{name}' is unknown; the header is {headers}",
    ),
    "missing_column": (
        "kolonnen «{name}» mangler; overskriften skal være {headers}",
        "the column '{name}' is missing; the header is {headers}",
    ),
    "column_order": (
        "kolonnene står i en annen rekkefølge; overskriften skal være {headers}",
        "the columns stand in another order; the header is {headers}",
    ),
    "twice_in_header": ("kolonnen «{name}» står to ganger", "the column '{name}' stands twice"),
    "wrong_width": ("raden har {found} felt, overskriften {expected}", "the row has {found} fields, the header {expected}"),
    "not_a_date": ("«{value}» er ingen dato ({format})", "'{value}' is no date ({format})"),
    "not_a_month": ("«{value}» er ingen måned ({format})", "'{value}' is no month ({format})"),
    "not_a_time": ("«{value}» er ikke noe tidspunkt ({format})", "'{value}' is no time ({format})"),
    "no_such_time": (
        "{value} finnes ikke i norsk tid: klokka ble stilt fram den natten",
        "{value} does not exist in Norwegian time: the clocks went forward that night",
    ),
    "not_whole": (
        "«{value}» er ikke et helt antall undersøkelser",
        "'{value}' is no whole number of examinations",
    ),
    "negative": (
        "{value} undersøkelser: et antall er aldri negativt",
        "{value} examinations: a count is never negative",
    ),
    "too_large": ("{value} undersøkelser er flere enn {most}", "{value} examinations are more than {most}"),
    "unknown_status": (
        "«{value}» er ingen status; den er en av {statuses}",
        "'{value}' is no status; it is one of {statuses}",
    ),
    "no_event_id": ("hendelsen har ingen id", "the event has no id"),
    "event_id_too_long": ("id-en er lengre enn {most} tegn", "the id is longer than {most} characters"),
    "not_a_hash": (
        "verdien er ikke nøyaktig 64 heksadesimale siffer; her tas bare en kryptografisk sum imot",
        "the value is not exactly 64 hexadecimal digits; only a hash is taken here",
    ),
    "national_number": (
        "kolonnen inneholder et fødselsnummer eller D-nummer; pasientdata tas ikke imot",
        "the column holds a national identity number; patient data are not taken in",
    ),
    "ids_are_national_numbers": (
        "hendelses-id-ene er fødselsnumre eller D-numre; pasientdata tas ikke imot",
        "the event ids are national identity numbers; patient data are not taken in",
    ),
    "unknown_trust": ("det finnes ikke noe helseforetak «{value}»", "there is no trust '{value}'"),
    "not_an_option_holder": (
        "«{value}» står ikke på avtalens lukkede liste over opsjonshavere",
        "'{value}' is not on the agreement's closed list of option holders",
    ),
    "other_trust": (
        "du kan bare importere forbruk for «{own}»",
        "you may import usage for '{own}' only",
    ),
    "unknown_algorithm": (
        "det finnes ingen algoritme «{value}» på avtalens liste",
        "there is no algorithm '{value}' on the agreement's list",
    ),
    "not_active": (
        "«{algorithm}» er ikke aktiv hos «{trust}» {on}",
        "'{algorithm}' is not active at '{trust}' on {on}",
    ),
    "not_active_in_month": (
        "«{algorithm}» er ikke aktiv hos «{trust}» på noen virkedag i {month}",
        "'{algorithm}' is active at '{trust}' on no working day of {month}",
    ),
    "in_future": (
        "{on} er etter i dag, {today}: det som ikke er skjedd, kan ikke telles",
        "{on} is after today, {today}: what has not happened cannot be counted",
    ),
    "twice_in_file": (
        "samme helseforetak, algoritme og periode står allerede i rad {first}",
        "the same trust, algorithm and {column} stand in row {first} already",
    ),
    "differs_from_known": (
        "{trust}, {algorithm}, {on}: {known} er registrert, fila sier {value}; registrer en korreksjon i stedet",
        "{trust}, {algorithm}, {on}: {known} is recorded, the file says {value}; record a correction instead",
    ),
    "other_source": (
        "{trust}, {algorithm}, {on}: dagen har allerede {known}, fila har {found}; de blandes aldri. "
        "Reverser den første importen eller registrer en korreksjon",
        "{trust}, {algorithm}, {on}: the day has {known} already, the file has {found}; they never mix. "
        "Reverse the first import or record a correction",
    ),
    "event_differs": (
        "hendelsen er kjent med annet innhold (samme id)",
        "the event is known with other content (same id)",
    ),
    "event_differs_in_file": (
        "samme hendelses-id står med annet innhold i rad {first}",
        "the same event id stands with other content in row {first}",
    ),
    "too_many_errors": (
        "{most} feil er funnet; resten av fila er ikke lest",
        "{most} errors were found; the rest of the file was not read",
    ),
    "late_earlier": (
        "{count} hendelser er tidligere enn en kjent hendelse med samme undersøkelse; den som kom først, teller",
        "{count} events are earlier than a known event of the same examination; the one that came first counts",
    ),
    "old_excel": (
        "fila er lagret som eldre Excel (.xls). Lagre den som .xlsx og prøv igjen",
        "the file is saved as older Excel (.xls). Save it as .xlsx and try again",
    ),
    "not_xlsx": ("fila er ikke en lesbar Excel-fil (.xlsx)", "the file is no readable Excel file (.xlsx)"),
    "xlsx_too_large": (
        "Excel-fila pakkes ut til mer enn det som kan leses trygt ({part})",
        "the Excel file unpacks to more than can be read safely ({part})",
    ),
    "xlsx_doctype": (
        "Excel-fila inneholder en dokumenttype eller entitet ({part}) og leses ikke",
        "the Excel file holds a document type or an entity ({part}) and is not read",
    ),
    "formula_error": ("cellen viser en feil: {value}", "the cell shows an error: {value}"),
    "formula_without_value": (
        "cellen er en formel uten lagret verdi; åpne fila i Excel, lagre den og prøv igjen",
        "the cell is a formula without a saved value; open the file in Excel, save it and try again",
    ),
    "unreadable_cell": (
        "cellen viser til en tekst som ikke finnes i fila",
        "the cell refers to a text that is not in the file",
    ),
    "not_parquet": ("fila er ikke en lesbar Parquet-fil", "the file is no readable Parquet file"),
    "parquet_missing": (
        "Parquet-filer kan ikke leses her: pakken duckdb er ikke installert. Lagre fila som CSV eller XLSX",
        "Parquet files cannot be read here: the package duckdb is not installed. Save the file as CSV or XLSX",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong in one row of a file: ``row`` counts lines from 1 (the header), ``column`` is a header name."""

    row: int
    column: str | None
    code: str
    params: Mapping[str, str | int] = field(default_factory=dict, hash=False)
    sentence_code: str | None = None

    @property
    def detail(self) -> str:
        """The English sentence."""
        return sentence(self, "en")

    def to_document(self) -> dict[str, Any]:
        """Give the error as plain JSON values, its sentence in both languages."""
        return {
            "row": self.row,
            "column": self.column,
            "code": self.code,
            "detail": self.detail,
            "sentence": {"nb": sentence(self, "nb"), "en": self.detail},
        }

    @property
    def group(self) -> str:
        """Name the sentence, where one code has several."""
        return self.sentence_code or self.code


class FileRefused(Exception):
    """The file cannot be read on from here; what was found before still stands."""

    def __init__(self, error: RowError) -> None:
        super().__init__(error.code)
        self.error = error


def sentence(error: RowError, language: Language) -> str:
    """Say in one sentence what is wrong, without row and column."""
    return SENTENCES[error.group][0 if language == "nb" else 1].format_map(error.params)


def place(error: RowError, language: Language) -> str:
    """Say where an error stands: "rad 3, kolonne trust"."""
    row, column = ("rad", "kolonne") if language == "nb" else ("row", "column")
    return f"{row} {error.row}" + (f", {column} {error.column}" if error.column else "")


def shown(value: object) -> str:
    """Give a value of the file as it may be repeated: cut short, digits of an identity number hidden.

    >>> shown("13.4 cm"), shown("id 01019012345")
    ('13.4 cm', 'id •••••••••••')
    """
    text = str(value)
    cut = text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"
    return _ELEVEN_DIGITS.sub("•" * 11, "".join(each if each.isprintable() else "�" for each in cut))


def errors_table(errors: Iterable[RowError], language: Language) -> Table:
    """Give all errors as a table: row, column, code, sentence."""
    row, *others = ("rad", "kolonne", "kode", "feil") if language == "nb" else ("row", "column", "code", "error")
    rows = ((error.row, error.column or "", error.code, sentence(error, language)) for error in errors)
    return Table(columns("whole", row) | columns("text", *others), rows)
