"""The wizard's questions: which columns a usage file has, how its numbers and dates are read, and what its codes mean.

Nothing is decided from the reader's language. What a person chose before for the same source is offered and shown; what
can be read in two ways is asked, with three values of the file read back under each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast, get_args

from flask_babel import gettext as _

from billing.usage.errors import RowError, sentence
from billing.usage.files import Preview, PreviewedColumn
from billing.usage.readings import (
    ACCESSION,
    COLUMNS,
    DATE_EXAMPLES,
    DATE_FORMATS,
    ENCODINGS,
    NUMBER_EXAMPLES,
    NUMBER_FORMATS,
    TIME_FORMATS,
    DateFormat,
    Delimiter,
    Encoding,
    Kind,
    NumberFormat,
    Reading,
    TimeFormat,
)
from contracts.errors import Finding
from contracts.terms.table import Table, columns
from contracts.web import formatting
from contracts.web.i18n import N_, current_language

KINDS: dict[Kind, str] = {
    "daily": N_("Daily counts: one row for each day"),
    "monthly": N_("Monthly counts: one row for each month"),
    "events": N_("Single events: one row for each examination"),
}
DELIMITER_NAMES: dict[str, tuple[Delimiter, str]] = {
    "comma": (",", N_("Comma ( , )")),
    "semicolon": (";", N_("Semicolon ( ; )")),
    "tab": ("\t", N_("Tab")),
    "bar": ("|", N_("Vertical bar ( | )")),
}
ENCODING_NAMES: dict[Encoding, str] = {
    "utf-8": N_("UTF-8 (the usual one)"),
    "cp1252": N_("Windows-1252 (older Excel in Norwegian)"),
    "utf-16": N_("UTF-16 (“Unicode text”)"),
}
COLUMN_NAMES = {
    "trust": N_("Health trust"),
    "algorithm": N_("Algorithm"),
    "date": N_("Date"),
    "month": N_("Month"),
    "quantity": N_("Number of examinations"),
    "event_id": N_("The event’s id"),
    "time": N_("Time"),
    "status": N_("Status"),
    "accession_hash": N_("Hash of the examination"),
}
# How others usually head these columns; only a first proposal in the form, which a person confirms.
_HEADINGS = {
    "trust": ("trust", "helseforetak", "foretak", "hf", "sykehus", "hospital"),
    "algorithm": ("algorithm", "algoritme", "tjeneste", "undersøkelse", "produkt"),
    "date": ("date", "dato", "dag", "day"),
    "month": ("month", "måned", "mnd", "periode"),
    "quantity": ("quantity", "antall", "volum", "count"),
    "event_id": ("event_id", "hendelse", "hendelses-id", "id"),
    "time": ("time", "tid", "tidspunkt", "timestamp"),
    "status": ("status", "utfall"),
    "accession_hash": ("accession_hash",),
}
NUMBER_NAMES: dict[NumberFormat, str] = {
    "plain": N_("Digits only"),
    "comma_decimal": N_("Comma before decimals, point or space between thousands"),
    "point_decimal": N_("Point before decimals, comma or space between thousands"),
}
DATE_NAMES: dict[DateFormat, str] = {
    "iso": N_("Year, month, day"),
    "day_dots": N_("Day, month, year, with points"),
    "day_slashes": N_("Day, month, year, with slashes"),
    "month_slashes": N_("Month, day, year, with slashes"),
}
TIME_NAMES: dict[TimeFormat, str] = {
    "offset": N_("Every time carries its offset, such as +01:00 or Z"),
    "oslo": N_("Times carry no offset and are Norwegian time"),
}
MISTAKES = {
    "no_kind": N_("Choose what the rows of the file are."),
    "no_column": N_("Choose the column for “%(name)s”."),
    "twice": N_("The column for “%(name)s” is chosen for something else too."),
    "no_numbers": N_("Say how the numbers are to be read."),
    "no_dates": N_("Say how the dates are to be read."),
    "no_times": N_("Say what the times are."),
    "long_name": N_("A source’s name has at most 100 characters."),
}

Mistakes = list[tuple[str | None, str]]


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """What was chosen about a file's form and columns; ``columns`` pairs ours with the file's."""

    kind: Kind | None
    delimiter: Delimiter
    encoding: Encoding
    columns: dict[str, str]

    @property
    def reading(self) -> Reading:
        """Give it as a reading whose formats are not chosen yet."""
        return Reading(self.kind or "daily", tuple(self.columns.items()), self.delimiter, self.encoding)

    def parameters(self) -> dict[str, str]:
        """Write it as the parameters of an address."""
        names = {delimiter: name for name, (delimiter, _text) in DELIMITER_NAMES.items()}
        chosen = {f"kol_{name}": theirs for name, theirs in self.columns.items()}
        return {"type": self.kind or "", "skille": names[self.delimiter], "koding": self.encoding, **chosen}


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a column's format: ``options`` pair a format with its text, those that read all the values.

    Where all readings agree nothing is asked: ``settled`` is the format, ``told`` what is shown of it.
    """

    name: str
    legend: str
    hint: str
    options: tuple[tuple[str, str], ...]
    settled: str | None
    told: str
    value: str | None = None


def column_parameters() -> list[str]:
    """List the parameters that `ColumnChoice.parameters` writes."""
    return ["type", "skille", "koding", *(f"kol_{name}" for name in COLUMN_NAMES)]


def read_columns(
    values: Mapping[str, str], proposed: Reading | None, delimiters: Mapping[Delimiter, int]
) -> ColumnChoice:
    """Read what was chosen about columns; where nothing was, what was chosen before for the source, or what the file has."""
    kind = values.get("type") or (proposed.kind if proposed else "")
    widest = max(delimiters, key=lambda each: delimiters[each]) if delimiters else ","
    named = DELIMITER_NAMES.get(values.get("skille", ""))
    encoding = values.get("koding") or (proposed.encoding if proposed else "utf-8")
    columns = {name: values[f"kol_{name}"] for name in COLUMN_NAMES if values.get(f"kol_{name}")}
    if proposed is not None and not columns and values.get("type") in (None, "", proposed.kind):
        columns = dict(proposed.columns)
    return ColumnChoice(
        kind if kind in COLUMNS else None,
        named[0] if named else proposed.delimiter if proposed else widest,
        encoding if encoding in ENCODINGS else "utf-8",
        columns,
    )


def with_headings(choice: ColumnChoice, preview: Preview) -> ColumnChoice:
    """Propose the columns that are headed as they usually are, and the kind that they make; a person confirms them."""
    names = [column.name for column in preview.columns]
    lower = {name.lower(): name for name in reversed(names)}
    found = {
        ours: next((lower[each] for each in headings if each in lower), "") for ours, headings in _HEADINGS.items()
    }
    kind = choice.kind
    if kind is None:
        kind = next((each for each in get_args(Kind) if all(found[name] for name in COLUMNS[each])), None)
    wanted = () if kind is None else (*COLUMNS[kind], *((ACCESSION,) if kind == "events" else ()))
    columns = {name: choice.columns.get(name) or found[name] for name in wanted}
    return replace(choice, kind=kind, columns={name: theirs for name, theirs in columns.items() if theirs in names})


def column_mistakes(choice: ColumnChoice, preview: Preview) -> Mistakes:
    """Say what is missing before formats can be asked about."""
    if choice.kind is None:
        return [("type", _mistake("no_kind"))]
    names = {column.name for column in preview.columns}
    told: Mistakes = []
    for name in COLUMNS[choice.kind]:
        if choice.columns.get(name) not in names:
            told.append((f"kol_{name}", _mistake("no_column", name=_(COLUMN_NAMES[name]))))
    taken: set[str] = set()
    for name, theirs in choice.columns.items():
        if theirs in taken:
            told.append((f"kol_{name}", _mistake("twice", name=_(COLUMN_NAMES[name]))))
        taken.add(theirs)
    return told


def questions(choice: ColumnChoice, preview: Preview, proposed: Reading | None) -> list[Question]:
    """Ask how the columns are to be read: numbers, dates, times, each with three values of the file read back."""
    columns = {column.name: column for column in preview.columns}
    asked = []
    if "quantity" in choice.columns:
        asked.append(_number_question(columns[choice.columns["quantity"]], proposed))
    period = next(name for name in ("date", "month", "time") if name in choice.columns)
    asked.append(_date_question(columns[choice.columns[period]], proposed))
    if choice.kind == "events":
        asked.append(
            Question(
                "tider",
                _("What are the times in “%(column)s”?", column=choice.columns["time"]),
                _("In the hour that comes twice in autumn, the first one is meant; it is on the same day."),
                tuple((form, _(TIME_NAMES[form])) for form in TIME_FORMATS),
                None,
                "",
                proposed.times if proposed else None,
            )
        )
    return asked


def read_formats(
    choice: ColumnChoice, asked: Iterable[Question], form: Mapping[str, str], proposed: Reading | None
) -> tuple[Reading, Mistakes]:
    """Read the answers into a reading, or say which question is open."""
    told: Mistakes = []
    answers: dict[str, str] = {"tall": "plain", "datoer": "iso", "tider": "offset"}
    codes = {"tall": "no_numbers", "datoer": "no_dates", "tider": "no_times"}
    allowed: dict[str, tuple[str, ...]] = {"tall": NUMBER_FORMATS, "datoer": DATE_FORMATS, "tider": TIME_FORMATS}
    for question in asked:
        answer = question.settled or form.get(question.name, "")
        if answer in allowed[question.name]:
            answers[question.name] = answer
        else:
            told.append((question.name, _mistake(codes[question.name])))
    if len(form.get("navn", "").strip()) > 100:
        told.append(("navn", _mistake("long_name")))
    reading = replace(
        choice.reading,
        numbers=cast(NumberFormat, answers["tall"]),
        dates=cast(DateFormat, answers["datoer"]),
        times=cast(TimeFormat, answers["tider"]),
        values=proposed.values if proposed is not None and proposed.kind == choice.kind else (),
    )
    return reading, told


def refused(errors: Iterable[RowError]) -> Mistakes:
    """Say why a file cannot be read on, with row and column."""
    return [("fil", error_text(error)) for error in errors]


def error_text(error: RowError) -> str:
    """Say what is wrong in a file, with its place."""
    what = sentence(error, current_language())
    if error.column:
        return _("Row %(row)s, column “%(column)s”: %(what)s.", row=error.row, column=error.column, what=what)
    return _("Row %(row)s: %(what)s.", row=error.row, what=what)


def upload_mistakes(findings: Iterable[Finding]) -> Mistakes:
    """Say what was wrong with the file as such."""
    texts = {"empty": _("The file is empty."), "too_large": _("The file is larger than 200 MB.")}
    return [("fil", texts.get(each.code, each.detail)) for each in findings]


def summary(reading: Reading | None, kind: Kind | None) -> list[tuple[str, str]]:
    """Tell in words how a file is read."""
    if reading is None:
        return [
            (_("Rows"), _(KINDS[kind]) if kind else _("By the file’s own header")),
            (_("Form"), _("The plain form: commas, UTF-8, ISO dates")),
        ]
    delimiters = dict(DELIMITER_NAMES.values())
    rows = [(_("Rows"), _(KINDS[reading.kind])), (_("Separator"), _(delimiters[reading.delimiter]))]
    rows += [
        (_(COLUMN_NAMES[name]), f"«{theirs}»" if current_language() == "nb" else f"“{theirs}”")
        for name, theirs in reading.columns
    ]
    if reading.kind != "events":
        rows.append((_("Numbers"), f"{_(NUMBER_NAMES[reading.numbers])} ({NUMBER_EXAMPLES[reading.numbers]})"))
    rows.append((_("Dates"), f"{_(DATE_NAMES[reading.dates])} ({reading.period_example})"))
    if reading.kind == "events":
        rows.append((_("Times"), _(TIME_NAMES[reading.times])))
    rows += [(_("The code “%(code)s”", code=theirs), ours) for _column, theirs, ours in reading.values]
    return rows


def _mistake(code: str, **values: str) -> str:
    return _(MISTAKES[code], **values)


def _number_question(column: PreviewedColumn, proposed: Reading | None) -> Question:
    options = tuple(
        (form, _readings([(each.value, _as_number(each.numbers.get(form))) for each in column.samples]))
        for form in (column.numbers or NUMBER_FORMATS)
    )
    settled = None if column.number_differs or not column.numbers or not _all_plain(column) else column.numbers[0]
    return Question(
        "tall",
        _("How are the numbers in “%(column)s” to be read?", column=column.name),
        _hint(len(column.numbers)),
        tuple((form, f"{_(NUMBER_NAMES[cast(NumberFormat, form)])}: {text}") for form, text in options),
        settled,
        options[0][1] if settled else "",
        proposed.numbers if proposed and proposed.numbers in dict(options) else None,
    )


def _date_question(column: PreviewedColumn, proposed: Reading | None) -> Question:
    forms = column.dates or DATE_FORMATS
    options = tuple(
        (form, _readings([(each.value, _as_date(each.dates.get(form))) for each in column.samples])) for form in forms
    )
    settled = "iso" if tuple(column.dates) == ("iso",) else None
    return Question(
        "datoer",
        _("How are the dates in “%(column)s” to be read?", column=column.name),
        _hint(len(column.dates)),
        tuple((form, f"{_(DATE_NAMES[cast(DateFormat, form)])}: {text}") for form, text in options),
        settled,
        options[0][1] if settled else "",
        proposed.dates if proposed and proposed.dates in dict(options) else None,
    )


def _all_plain(column: PreviewedColumn) -> bool:
    return "plain" in column.numbers


def _hint(fitting: int) -> str:
    if fitting > 1:
        return _("The values can be read in more than one way. Look in the system that the file comes from.")
    if not fitting:
        return _("No form reads all the values; the check will name the rows.")
    return _("Is this right?")


def _readings(pairs: Iterable[tuple[str, str | None]]) -> str:
    told = []
    for value, read in pairs:
        if read is None:
            told.append(_("“%(value)s” cannot be read", value=value))
        else:
            told.append(_("“%(value)s” is read as %(read)s", value=value, read=read))
    return "; ".join(told)


def _as_number(text: str | None) -> str | None:
    if text is None:
        return None
    return formatting.number(text, current_language(), len(text.partition(".")[2]))


def _as_date(text: str | None) -> str | None:
    if text is None:
        return None
    if len(text) == len("2026-12"):
        return formatting.month(f"{text}-01", current_language())
    return formatting.day_long(text, current_language())


def example_of(kind: Kind) -> Table:
    """Give the template that can be filled in."""
    rows: dict[Kind, list[tuple[Any, ...]]] = {
        "daily": [("vestre-viken", "xray-skeletal", DATE_EXAMPLES["iso"], 12)],
        "monthly": [("vestre-viken", "xray-skeletal", "2026-12", 250)],
        "events": [("a-1", "vestre-viken", "xray-skeletal", "2026-12-31T08:15:30+01:00", "completed")],
    }
    return Table(columns("text", *COLUMNS[kind]) | columns("whole", *{"quantity"} & {*COLUMNS[kind]}), rows[kind])
