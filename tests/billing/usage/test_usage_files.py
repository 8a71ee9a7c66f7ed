"""Files as they come: other columns, numbers, dates and forms under a chosen reading, and no patient data."""

from __future__ import annotations

import io
import sys
import tracemalloc
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask import Flask

from billing.usage import files as usage_files
from billing.usage import metering
from billing.usage import sources as usage_sources
from billing.usage.errors import SHOWN_ERRORS, errors_table, place, sentence
from billing.usage.readings import Reading
from contracts.errors import InvalidInput, NotFound
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from contracts.terms.table import csv_bytes
from contracts.terms.written import Language
from tests.recorded import AUTUMN, COUNTED, record_agreement, record_usage

DAILY = "trust,algorithm,date,quantity\n"
HEADER = "event_id,trust,algorithm,time,status\n"
CELL = "vestre-viken,xray-skeletal"
DAY = datetime(2024, 1, 10)  # noqa: DTZ001 - a cell of a workbook knows no zone
NOON = DAY.replace(hour=12)
PERSON, D_NUMBER = "15108695088", "41019000077"

NORWEGIAN = Reading(
    "daily",
    (("trust", "Helseforetak"), ("algorithm", "Produkt"), ("date", "Dato"), ("quantity", "Antall")),
    delimiter=";",
    encoding="cp1252",
    numbers="comma_decimal",
    dates="day_dots",
    values=(("trust", "Vestre Viken HF", "vestre-viken"), ("algorithm", "Bruddvis", "xray-skeletal")),
)


def counts(agreement_id: int) -> dict[date, int]:
    with db.read() as session:
        return {usage.on: usage.quantity for usage in metering.daily_usage(session, agreement_id=agreement_id)}


def xlsx(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


SHEET = xlsx(["trust", "algorithm", "date", "quantity"], [*CELL.split(","), DAY, 12])


# --- readings ----------------------------------------------------------------------------------------------------------


def test_other_columns_order_numbers_and_dates_are_read_as_the_source_says(app: Flask) -> None:
    agreement_id = record_agreement()
    with db.write() as session:
        usage_sources.save_source(
            session, agreement_id=agreement_id, name="Vestre Viken", reading=NORWEGIAN, actor=COMMAND_LINE, now=COUNTED
        )
    content = (
        "Avdeling;Antall;Dato;Produkt;Helseforetak\n"
        "Røntgen Bærum;1.234,00;10.01.2024;Bruddvis;Vestre Viken HF\n"
        "Røntgen Drammen;12;11.1.2024;xray-skeletal;vestre-viken\n"
    ).encode("cp1252")
    result = record_usage(agreement_id, content, source="Vestre Viken")
    assert (result.status, result.quantity) == ("imported", 1246)
    assert counts(agreement_id) == {date(2024, 1, 10): 1234, date(2024, 1, 11): 12}
    with pytest.raises(NotFound):
        record_usage(agreement_id, content, source="another")


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (f"x;1.234,50;10.01.2024;{CELL.split(',')[1]};vestre-viken", "Antall", "not_whole"),
        (f"x;1,234.00;10.01.2024;{CELL.split(',')[1]};vestre-viken", "Antall", "not_whole"),
        (f"x;1e3;10.01.2024;{CELL.split(',')[1]};vestre-viken", "Antall", "not_whole"),
        (f"x;12.34;10.01.2024;{CELL.split(',')[1]};vestre-viken", "Antall", "not_whole"),
        (f"x;5;2024-01-10;{CELL.split(',')[1]};vestre-viken", "Dato", "not_a_date"),
        (f"x;5;31.02.2024;{CELL.split(',')[1]};vestre-viken", "Dato", "not_a_date"),
    ],
    ids=["half", "English", "exponent", "wrong group", "ISO date", "no such day"],
)
def test_what_a_reading_cannot_read_is_an_error_and_never_another_number(
    app: Flask, row: str, column: str, code: str
) -> None:
    content = f"Avdeling;Antall;Dato;Produkt;Helseforetak\n{row}\n".encode("cp1252")
    result = record_usage(record_agreement(), content, reading=NORWEGIAN)
    assert [(error.row, error.column, error.code) for error in result.errors] == [(2, column, code)]


@pytest.mark.parametrize(
    ("time", "outcome"),
    [
        ("31.03.2024 01:59:59", date(2024, 3, 31)),
        ("31.03.2024 02:30:00", "no_such_time"),
        ("31.03.2024 03:00", date(2024, 3, 31)),
        ("27.10.2024 02:30:00", date(2024, 10, 27)),
        ("27.10.2024 23:59:59", date(2024, 10, 27)),
        ("27.10.2024 02:30:00+01:00", "not_a_time"),
    ],
)
def test_norwegian_local_times_are_read_where_the_source_says_so(app: Flask, time: str, outcome: date | str) -> None:
    names = ("event_id", "trust", "algorithm", "time", "status")
    reading = Reading("events", tuple((name, name) for name in names), dates="day_dots", times="oslo")
    agreement_id = record_agreement()
    result = record_usage(agreement_id, f"{HEADER}a,{CELL},{time},completed\n".encode(), now=AUTUMN, reading=reading)
    if isinstance(outcome, date):
        assert counts(agreement_id) == {outcome: 1}
    else:
        assert [(error.column, error.code) for error in result.errors] == [("time", outcome)]


def test_a_reading_that_lacks_a_column_is_not_saved(app: Flask) -> None:
    document = usage_sources.to_document(NORWEGIAN)
    assert usage_sources.from_document(document) == NORWEGIAN
    document["columns"].pop("date")
    document["numbers"] = "guess"
    with pytest.raises(InvalidInput) as refused:
        usage_sources.from_document(document)
    assert {error.pointer for error in refused.value.errors} == {"#/columns/date", "#/numbers"}


def test_a_source_chosen_anew_supersedes_and_the_old_choice_stays_known(app: Flask) -> None:
    agreement_id = record_agreement()
    for delimiter in (";", "|"):
        with db.write() as session:
            usage_sources.save_source(
                session,
                agreement_id=agreement_id,
                name="VV",
                reading=usage_sources.from_document(usage_sources.to_document(NORWEGIAN) | {"delimiter": delimiter}),
                actor=COMMAND_LINE,
                now=COUNTED,
            )
    with db.read() as session:
        assert [each.reading.delimiter for each in usage_sources.list_sources(session, agreement_id=agreement_id)] == [
            "|"
        ]


# --- preview -----------------------------------------------------------------------------------------------------------


def test_a_preview_reads_three_values_under_every_format_and_blocks_what_is_ambiguous() -> None:
    content = "HF;Antall;Dato;Vekt\nvv;1.234;02.03.2024;1,5\nvv;2.345;03.03.2024;2,5\n".encode("cp1252")
    unread = usage_files.preview(content, "x.csv", Reading("daily", (), delimiter=";"))
    assert [column.name for column in unread.columns] == ["HF", "Antall", "Dato", "Vekt"]
    assert unread.ambiguous == ("Antall",)
    sample = unread.columns[1].samples[0]
    assert (sample.value, sample.numbers) == (
        "1.234",
        {"plain": None, "comma_decimal": "1234", "point_decimal": "1.234"},
    )
    assert usage_files.preview(content, "x.csv", NORWEGIAN).ambiguous == ()
    assert usage_files.preview(content, "x.csv").delimiters == {",": 1, ";": 4, "\t": 1, "|": 1}


def test_a_preview_tells_days_from_months_only_where_a_day_is_past_the_twelfth() -> None:
    slashes = usage_files.preview(b"d\n02/03/2024\n", "x.csv")
    assert slashes.ambiguous == ("d",)
    assert slashes.columns[0].samples[0].dates == {
        "iso": None, "day_dots": None, "day_slashes": "2024-03-02", "month_slashes": "2024-02-03",
    }  # fmt: skip
    assert usage_files.preview(b"d\n02/03/2024\n13/03/2024\n", "x.csv").ambiguous == ()


def test_a_preview_hides_identity_numbers() -> None:
    shown = usage_files.preview(f"person,n\n{PERSON},1\n".encode(), "x.csv")
    assert PERSON not in str(shown)


# --- XLSX and Parquet --------------------------------------------------------------------------------------------------


def test_an_excel_file_with_typed_cells_is_read_without_a_mapping(database: Flask) -> None:
    agreement_id = record_agreement()
    assert record_usage(agreement_id, SHEET).status == "imported"
    assert counts(agreement_id) == {date(2024, 1, 10): 12}


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        ([*CELL.split(","), DAY, 1.5], "quantity", "not_whole"),
        ([*CELL.split(","), DAY, 1e308], "quantity", "too_large"),
        ([*CELL.split(","), DAY, True], "quantity", "not_whole"),
        ([*CELL.split(","), NOON, 1], "date", "not_a_date"),
        ([*CELL.split(","), 45301, 1], "date", "not_a_date"),
        ([None, "xray-skeletal", DAY, 1], "trust", "unknown_trust"),
        ([int(PERSON), "xray-skeletal", DAY, 1], "trust", "national_number"),
    ],
    ids=["fraction", "1e308", "truth", "time of day", "number for a date", "empty", "identity number"],
)
def test_a_cell_of_the_wrong_type_is_told_with_its_row_and_column(
    app: Flask, row: list[Any], column: str, code: str
) -> None:
    content = xlsx(["trust", "algorithm", "date", "quantity"], [], row)
    result = record_usage(record_agreement(), content)
    expected = "not_whole" if code == "too_large" else code
    assert [(error.row, error.column, error.code) for error in result.errors] == [(3, column, expected)]


def test_a_parquet_file_is_read_where_duckdb_is_installed(app: Flask, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb reads Parquet and is not installed")
    path = tmp_path / "usage.parquet"
    duckdb.sql(
        "COPY (SELECT 'vestre-viken' AS trust, 'xray-skeletal' AS algorithm, DATE '2024-01-10' AS date, 12 AS quantity) "
        f"TO '{path}' (FORMAT parquet)"
    )
    agreement_id = record_agreement()
    assert record_usage(agreement_id, path.read_bytes()).status == "imported"
    assert counts(agreement_id) == {date(2024, 1, 10): 12}
    broken = record_usage(agreement_id, b"PAR1" + bytes(100))
    assert [error.code for error in broken.errors] == ["not_parquet"]


def test_without_duckdb_a_parquet_file_is_refused_with_a_word(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    result = record_usage(record_agreement(), b"PAR1" + bytes(100))
    assert [error.code for error in result.errors] == ["parquet_missing"]
    assert "duckdb" in sentence(result.errors[0], "nb")


# --- many errors ------------------------------------------------------------------------------------------------------


def test_a_file_of_nothing_but_errors_is_read_no_further_than_it_helps(app: Flask) -> None:
    content = (DAILY + f"{CELL},x,y\n" * 30_000).encode()
    tracemalloc.start()
    result = record_usage(record_agreement(), content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(result.errors) == metering.MOST_ERRORS + 1
    assert result.errors[-1].code == "too_many_errors"
    assert peak < 60_000_000


def test_all_errors_come_as_a_file_in_either_language_and_no_cell_becomes_a_formula(app: Flask) -> None:
    content = (DAILY + "".join(f"=cmd{number},xray-skeletal,2024-01-10,1\n" for number in range(120))).encode()
    result = record_usage(record_agreement(), content)
    expected: tuple[tuple[Language, str], ...] = (
        ("nb", "rad,kolonne,kode,feil\r\n"),
        ("en", "row,column,code,error\r\n"),
    )
    for language, header in expected:
        lines = csv_bytes(errors_table(result.errors, language)).decode().splitlines(keepends=True)
        assert (len(lines), lines[0]) == (121, header)
        assert all(not cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line.split(","))
    assert SHOWN_ERRORS == 50
    assert place(result.errors[0], "nb") == "rad 2, kolonne trust"
    assert sentence(result.errors[0], "nb") == "det finnes ikke noe helseforetak «=cmd0»"


# --- no patient data ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [PERSON, D_NUMBER, "151086 95088", "pasient 15108695088"])
@pytest.mark.parametrize("column", ["trust", "algorithm", "date", "quantity"])
def test_an_identity_number_is_refused_in_every_column_and_never_repeated(app: Flask, number: str, column: str) -> None:
    fields = dict(zip(("trust", "algorithm", "date", "quantity"), (*CELL.split(","), "2024-01-10", "1"), strict=True))
    content = DAILY + ",".join((fields | {column: number}).values()) + "\n"
    result = record_usage(record_agreement(), content.encode())
    assert (2, column, "national_number") in [(error.row, error.column, error.code) for error in result.errors]
    assert not any(number in sentence(error, "nb") + sentence(error, "en") for error in result.errors)


@pytest.mark.parametrize("column", ["trust", "algorithm", "time", "status", "accession_hash"])
def test_an_identity_number_is_refused_in_every_column_of_events(app: Flask, column: str) -> None:
    names = ("event_id", "trust", "algorithm", "time", "status", "accession_hash")
    fields = dict(zip(names, ("a", *CELL.split(","), "2024-03-05T10:00:00Z", "completed", "a" * 64), strict=True))
    content = ",".join(names) + "\n" + ",".join((fields | {column: PERSON}).values()) + "\n"
    result = record_usage(record_agreement(), content.encode())
    assert [(error.row, error.column, error.code) for error in result.errors] == [(2, column, "national_number")]


def test_an_identity_number_in_an_unused_column_or_a_header_or_a_row_of_another_width_is_refused(app: Flask) -> None:
    agreement_id = record_agreement()
    mapped = "Avdeling;Antall;Dato;Produkt;Helseforetak\n"
    row = f"{PERSON};5;10.01.2024;xray-skeletal;vestre-viken\n"
    result = record_usage(agreement_id, (mapped + row).encode(), reading=NORWEGIAN)
    assert [(error.row, error.column, error.code) for error in result.errors] == [(2, "Avdeling", "national_number")]
    result = record_usage(agreement_id, mapped.replace("Avdeling", PERSON).encode(), reading=NORWEGIAN)
    assert [error.code for error in result.errors] == ["national_number"]
    result = record_usage(agreement_id, f"{DAILY}{CELL},2024-01-10,1,{PERSON}\n".encode())
    assert [(error.row, error.code) for error in result.errors] == [(2, "national_number")]


def test_event_ids_may_be_eleven_digits_unless_they_look_like_identity_numbers_throughout(app: Flask) -> None:
    agreement_id = record_agreement()
    numbers = [f"{10_000_000_000 + number}" for number in range(2_000)]
    fine = HEADER + "".join(f"{number},{CELL},2024-03-05T10:00:00Z,completed\n" for number in numbers)
    assert record_usage(agreement_id, fine.encode()).status == "imported"
    people = HEADER + f"{PERSON},{CELL},2024-03-05T10:00:00Z,completed\n" * 3
    result = record_usage(agreement_id, people.encode())
    assert [(error.row, error.column, error.code) for error in result.errors] == [(2, "event_id", "national_number")]
    assert PERSON not in sentence(result.errors[0], "nb")
