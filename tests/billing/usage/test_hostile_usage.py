"""Hostile usage files: nothing crashes, each error has its row, its column and a sentence in both languages."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from billing.usage import files as usage_files
from billing.usage import workbook as workbook_rows
from billing.usage.errors import SHOWN_ERRORS, FileRefused
from billing.usage.metering import UsageImportResult
from billing.usage.places import Places
from billing.usage.readings import Reading
from billing.usage.staging import stage
from contracts.terms.period import Period
from tests.recorded import record_agreement
from tests.soak import hostile, usage
from tests.soak.hostile import CELL, DAILY, PERSON, READINGS, sheet_of_days, workbook
from tests.usage_files import HEADER

EVENT = f"a,{CELL},2025-01-10T10:00:00Z,completed\n"
DAY = datetime(2025, 1, 10)  # noqa: DTZ001 - a cell of a workbook knows no zone
NAMES = ["trust", "algorithm", "date", "quantity"]
PLACES = Places(
    holders=frozenset({"vestre-viken"}),
    products=frozenset({"xray-skeletal"}),
    registered=frozenset({"vestre-viken"}),
    running={("vestre-viken", "xray-skeletal"): (Period(date(2025, 1, 1), date(2027, 1, 1)),)},
    trust_ids={"vestre-viken": 1},
    algorithm_ids={"xray-skeletal": 1},
    own=None,
)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def judged(content: bytes, reading: Reading | None = None) -> UsageImportResult:
    """Examine and stage a file, and hold the result against what every result must be like."""
    told = hostile.Told()
    try:
        file = usage_files.examine("hostile", content)
    except FileRefused as refused:
        result = UsageImportResult(None, "refused", errors=(refused.error,))
    else:
        staged = stage(
            file,
            reading=reading,
            places=PLACES,
            secret=bytes(32),
            agreement_id=1,
            dialect="sqlite",
            today=date.max,
            progress=told,
        )
        staged.close()
        status = "refused" if staged.errors else "checked"
        result = UsageImportResult(None, status, staged.rows, errors=staged.errors)
    usage_files.preview(content, "hostile", reading)
    assert hostile.wrong_with(result, told.findings) == {}
    return result


def daily(*rows: str) -> bytes:
    return (DAILY + "".join(rows)).encode()


def sheet(xml: str) -> bytes:
    """The workbook with other rows."""
    whole = f'<worksheet xmlns="{MAIN}"><sheetData>{xml}</sheetData></worksheet>'
    return hostile.repacked(sheet_of_days(), {"sheet1": whole.encode()})


def row(number: int, *cells: str) -> str:
    texts = "".join(cell if cell.startswith("<c") else f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in cells)
    return f'<row r="{number}">{texts}</row>'


TOP = row(1, *NAMES)
PLACE = CELL.split(",")
GOOD_DAY = '<c t="d"><v>2025-01-10</v></c>'


def counted(cell: str) -> bytes:
    """The workbook with one cell for a quantity."""
    return sheet(TOP + row(2, *PLACE, GOOD_DAY, cell))


# --- text --------------------------------------------------------------------------------------------------------------

LONG = 70_000


@pytest.mark.parametrize(
    ("content", "row", "column", "code"),
    [
        pytest.param(b"", 1, None, "empty", id="nothing"),
        pytest.param(b"\xef\xbb\xbf", 1, None, "empty", id="a byte order mark and nothing"),
        pytest.param(b"\xef\xbb\xbf" * 2 + daily(), 1, "\ufffdtrust", "wrong_header", id="two byte order marks"),
        pytest.param(b"\xff\xfe" + DAILY.encode("utf-16-le"), 1, "1", "binary", id="UTF-16 that nobody spoke of"),
        pytest.param(daily(f"{CELL},2025-01-10,1\0\n"), 2, "quantity", "binary", id="NUL"),
        pytest.param(daily(f"{CELL},2025-01-10,1\n", "vestre-viken,\0"), 3, "algorithm", "binary", id="NUL at the end"),
        pytest.param(b"\0" * LONG, 1, "1", "binary", id="NUL only"),
        pytest.param(daily("a\r" * 9 + "\0"), 11, "trust", "binary", id="NUL after old line ends"),
        pytest.param(daily("a\r\n" * LONG + "x,\0"), LONG + 2, "algorithm", "binary", id="NUL after 70 000 lines"),
        pytest.param(daily("abc\r\n" * LONG + "x,\0"), LONG + 2, "algorithm", "binary", id="a break across two blocks"),
        pytest.param(daily(f"{CELL},2025-01-10,1e308\n"), 2, "quantity", "not_whole", id="1e308"),
        pytest.param(daily(f"{CELL},2025-01-10,NaN\n"), 2, "quantity", "not_whole", id="NaN"),
        pytest.param(daily(f"{CELL},2025-01-10,-inf\n"), 2, "quantity", "not_whole", id="infinity"),
        pytest.param(daily(f"{CELL},2025-01-10,{'9' * 5_000}\n"), 2, "quantity", "not_whole", id="5 000 digits"),
        pytest.param(daily(f"{CELL},2025-01-10,١\n"), 2, "quantity", "not_whole", id="Arabic digits"),
        pytest.param(daily(f"{CELL},2025-01-10,0x10\n"), 2, "quantity", "not_whole", id="hexadecimal"),
        pytest.param(daily(f"{CELL},2025-01-10,1_0\n"), 2, "quantity", "not_whole", id="underscore"),
        pytest.param(daily("vestre-viken\u200f,xray-skeletal,2025-01-10,1\n"), 2, "trust", "unknown_trust", id="RTL mark"),
        pytest.param(daily("\u202evestre-viken,x,2025-01-10,1\n"), 2, "trust", "unknown_trust", id="RTL override"),
        pytest.param(daily(f"{CELL},9999-12-31,1\n"), 2, "date", "not_a_date", id="the last of all days"),
        pytest.param(daily(f"{CELL},2025-02-30,1\n"), 2, "date", "not_a_date", id="no such day"),
        pytest.param(daily(f"{CELL},2025-01-10\n"), 2, "quantity", "wrong_width", id="a field too few"),
        pytest.param(daily(f"{CELL},2025-01-10,1,2\n"), 2, "5", "wrong_width", id="a field too many"),
        pytest.param(daily(f"{CELL},2025-01-10,1,2,{PERSON}\n"), 2, "6", "national_number", id="a person beyond the header"),
        pytest.param(b"trust,algorithm,date,quantity,quantity\n", 1, "quantity", "wrong_header", id="a column twice"),
        pytest.param(b"algorithm,trust,date,quantity\n", 1, "algorithm", "wrong_header", id="columns in another order"),
        pytest.param(b"trust,,date,quantity\n", 1, "2", "wrong_header", id="a column without a name"),
        pytest.param(b"\n\n\n", 1, "trust", "wrong_header", id="blank lines"),
        pytest.param(daily(f'"a""b",{CELL}\n', f'{CELL},"2025-01-10,1\n'), 3, "date", "not_csv", id="an open quote"),
        pytest.param(daily('x,"', "\n" * 200_000), 2, "algorithm", "not_csv", id="an open quote over 200 000 lines"),
        pytest.param(daily(f'{CELL},"2025-01-10"x,1\n'), 2, "date", "not_csv", id="text after a quote"),
        pytest.param(daily('"a\r\nb",c\n', f'{CELL},2025-01-10,"1\n'), 4, "quantity", "not_csv", id="after a long row"),
        pytest.param(daily('x,"' + "ab\n" * LONG + '",y,z\n'), 2, "algorithm", "line_too_long", id="an endless field"),
        pytest.param(daily() + b"a" * 10 * LONG, 2, "trust", "line_too_long", id="an endless line"),
        pytest.param(b"x," * 1_000_000, 1, "32769", "line_too_long", id="1 000 000 columns"),
        pytest.param(daily() + "Sørlandet,x,2025-01-10,1\n".encode("cp1252"), 2, "trust", "not_utf8", id="Windows-1252"),
        pytest.param(daily("a,b\r" * 3) + b"c,\xed\xa0\x80\n", 5, "algorithm", "not_utf8", id="half a pair, old line ends"),
        pytest.param(HEADER.encode() + f"{' ' * 9},{CELL},2025-01-10T10:00:00Z,completed\n".encode(), 2, "event_id", "no_event_id", id="blank id"),
        pytest.param((HEADER + EVENT.replace("Z", "+99:99")).encode(), 2, "time", "not_a_time", id="an offset of 99 hours"),
        pytest.param((HEADER + EVENT.replace("2025", "0000")).encode(), 2, "time", "not_a_time", id="year nought"),
        pytest.param((HEADER + EVENT.replace("completed", "=cmd|'/c calc'!A1")).encode(), 2, "status", "unknown_status", id="formula"),
    ],
)  # fmt: skip
def test_hostile_text_is_refused_with_row_and_column(content: bytes, row: int, column: str | None, code: str) -> None:
    result = judged(content)
    assert (row, column, code) in [(error.row, error.column, error.code) for error in result.errors]


@pytest.mark.parametrize(
    ("content", "reading", "row", "column", "code"),
    [
        pytest.param(b"Helseforetak;Produkt;Dato;Antall\n\x81;x;1;1\n", "norwegian", 2, "Helseforetak", "not_text", id="no Windows-1252"),
        pytest.param("Helseforetak;Produkt;Dato\n".encode("utf-16"), "norwegian", 1, "1", "binary", id="UTF-16 for Windows-1252"),
        pytest.param(HEADER.encode(), "wide", 1, "1", "not_text", id="no UTF-16"),
        pytest.param(b"\xff\xfe" + HEADER.replace(",", "\t").encode("utf-16-le") + b"a", "wide", 2, "event_id", "not_text", id="half a character"),
        pytest.param(b"\xff\xfe" + "a".encode("utf-16-le") * LONG, "wide", 1, "1", "line_too_long", id="UTF-16 without a line"),
        pytest.param(b"\xff\xfe" + "a\n\0".encode("utf-16-le"), "wide", 2, "a", "binary", id="NUL in UTF-16"),
    ],
)  # fmt: skip
def test_a_file_in_another_encoding_than_was_said_is_refused_with_row_and_column(
    content: bytes, reading: str, row: int, column: str, code: str
) -> None:
    errors = judged(content, READINGS[reading]).errors
    assert [(error.row, error.column, error.code) for error in errors] == [(row, column, code)]


# --- workbooks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "row", "column", "code"),
    [
        pytest.param(counted("<c><v>1e308</v></c>"), 2, "quantity", "not_whole", id="1e308"),
        pytest.param(counted("<c><v>1e999</v></c>"), 2, "quantity", "not_whole", id="infinity"),
        pytest.param(counted("<c><v>NaN</v></c>"), 2, "quantity", "not_whole", id="NaN"),
        pytest.param(counted(f"<c><v>{'9' * 5_000}</v></c>"), 2, "quantity", "not_whole", id="5 000 digits"),
        pytest.param(counted('<c t="b"><v>1</v></c>'), 2, "quantity", "not_whole", id="truth"),
        pytest.param(counted('<c t="e"><v>#REF!</v></c>'), 2, "quantity", "formula_error", id="an error"),
        pytest.param(counted("<c><f>1+1</f></c>"), 2, "quantity", "formula_without_value", id="a formula never counted"),
        pytest.param(counted('<c t="s"><v>999999</v></c>'), 2, "quantity", "unreadable_cell", id="a string that is not there"),
        pytest.param(counted('<c t="s"><v>-1</v></c>'), 2, "quantity", "unreadable_cell", id="a string before the first"),
        pytest.param(counted('<c t="d"><v>2025-99-99</v></c>'), 2, "quantity", "not_whole", id="no such date"),
        pytest.param(sheet(TOP + row(9, *PLACE, "<c><v>45667</v></c>", "1")), 9, "date", "not_a_date", id="rows left out"),
        pytest.param(sheet(TOP + row(2, *PLACE, GOOD_DAY, "1", "x")), 2, "5", "wrong_width", id="a cell too many"),
        pytest.param(sheet(TOP + row(2, "a\u202e", PLACE[1], GOOD_DAY, "1")), 2, "trust", "unknown_trust", id="RTL override"),
        pytest.param(sheet(TOP + row(1, "x")), 2, None, "not_xlsx", id="a row that stands twice"),
        pytest.param(sheet(TOP + '<row r="1048577"/>'), 2, None, "not_xlsx", id="a row beyond the last"),
        pytest.param(sheet(TOP + row(2, '<c r="B2"><v>1</v></c>', '<c r="A2"><v>1</v></c>')), 2, "1", "not_xlsx", id="cells in disorder"),
        pytest.param(sheet(TOP + row(2, '<c r="B7"><v>1</v></c>')), 2, None, "not_xlsx", id="a cell of another row"),
        pytest.param(sheet(TOP + '<row r="2"><c r="ZZZ2"><v>1</v></c></row>'), 2, "18278", "xlsx_too_large", id="column ZZZ"),
        pytest.param(sheet(TOP + f'<row r="2">{"<c><v>1</v></c>" * 1_000}</row>'), 2, "201", "xlsx_too_large", id="1 000 columns"),
        pytest.param(sheet(TOP + row(2, "x" * 40_000)), 2, "1", "xlsx_too_large", id="a cell of 40 000 characters"),
        pytest.param(sheet(TOP + '<row r="2"><c>'), 2, None, "not_xlsx", id="XML cut off"),
        pytest.param(sheet(TOP + row(2, "&x;")), 2, None, "not_xlsx", id="an entity nobody declared"),
        pytest.param(sheet("<a>" * 60 + "</a>" * 60), 1, None, "not_xlsx", id="deep"),
        pytest.param(sheet(""), 1, None, "empty", id="no rows"),
        pytest.param(workbook([PERSON, *NAMES[1:]]), 1, "1", "wrong_header", id="a person for a header"),
    ],
)  # fmt: skip
def test_a_hostile_sheet_is_refused_with_row_and_column(
    content: bytes, row: int, column: str | None, code: str
) -> None:
    errors = judged(content).errors
    assert [(error.row, error.column, error.code) for error in errors] == [(row, column, code)]


def _archive(change: Callable[[bytearray], None]) -> bytes:
    content = bytearray(sheet_of_days())
    change(content)
    return bytes(content)


def _claim_a_large_directory(content: bytearray) -> None:
    content[-10:-6] = (200_000_000).to_bytes(4, "little")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(b"PK\x03\x04 and nothing more", "not_xlsx", id="no archive"),
        pytest.param(sheet_of_days()[:-500], "not_xlsx", id="cut off"),
        pytest.param(_archive(_claim_a_large_directory), "not_xlsx", id="a directory of 200 MB"),
        pytest.param(_archive(lambda content: content.__setitem__(slice(200, 260), bytes(60))), "not_xlsx", id="damaged"),
        pytest.param(hostile.repacked(sheet_of_days(), {}, **{"[Content_Types].xml": "x.xml"}), "not_xlsx", id="another archive"),
        pytest.param(hostile.repacked(sheet_of_days(), {"workbook.xml": b"<x/>"}), "not_xlsx", id="no workbook"),
        pytest.param(
            hostile.repacked(sheet_of_days(), {"sheet1": b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet>&a;</worksheet>'}),
            "xlsx_doctype",
            id="entities",
        ),
        pytest.param(
            hostile.repacked(sheet_of_days(), {"theme": b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>'}),
            "xlsx_doctype",
            id="a document type in a part that is not read",
        ),
        pytest.param(
            hostile.repacked(sheet_of_days(), {"sheet1": '<?xml version="1.0" encoding="utf-16"?><a/>'.encode("utf-16")}),
            "xlsx_doctype",
            id="another encoding",
        ),
        pytest.param(hostile.repacked(sheet_of_days(), {"sheet1": b"<a>" + b" " * 9_000_000}), "xlsx_too_large", id="a bomb"),
        pytest.param(
            hostile.repacked(sheet_of_days(), {"styles": b"<styleSheet>" + b"<x a='%d'/>" * 60_000}),
            "xlsx_too_large",
            id="60 000 styles",
        ),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old_excel", id="old Excel"),
        pytest.param(b"PAR1" + bytes(100), "not_parquet", id="broken Parquet"),
    ],
)  # fmt: skip
def test_a_hostile_archive_is_refused_as_a_whole(content: bytes, code: str) -> None:
    errors = judged(content).errors
    assert [(error.row, error.column, error.code) for error in errors] == [(1, None, code)]


def test_a_formula_counts_with_the_value_that_was_saved() -> None:
    assert judged(counted("<c><f>SUM(A1:A9)</f><v>12</v></c>")).status == "checked"
    assert judged(counted('<c t="str"><f>TEXT(12)</f><v>12</v></c>')).status == "checked"


def test_a_workbook_without_references_with_rows_left_out_and_phonetic_guides_is_read() -> None:
    quantity = '<c t="inlineStr"><is><t>1</t><rPh><t>en</t></rPh><t>2</t></is></c><c s="1"/>'
    content = sheet(row(3, *NAMES) + "<row/>" + row(9, *PLACE, GOOD_DAY, quantity))
    with io.BytesIO(content) as stream:
        read = [each for batch in workbook_rows.workbook_rows(stream) for each in zip(*batch, strict=True)]
    assert read == [(3, NAMES), (9, [*PLACE, date(2025, 1, 10), "12"])]
    assert judged(content).status == "checked"


def test_a_workbook_that_keeps_its_query_in_utf_16_is_read() -> None:
    kept = io.BytesIO(counted("<c><v>12</v></c>"))
    with zipfile.ZipFile(kept, "a") as archive:
        query = f'<?xml version="1.0" encoding="utf-16"?><DataMashup>{"A" * 2_000_000}</DataMashup>'
        archive.writestr("customXml/item1.xml", query.encode("utf-16"))
    assert judged(kept.getvalue()).status == "checked"


def test_nothing_of_a_broken_workbook_is_told_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(io.BytesIO(sheet_of_days())) as archive:
        before, styles = archive.read("xl/styles.xml").split(b"<cellStyles")
    broken = before + b"<cellStyles" + styles.replace(b'xfId="0"', b'xfId="7"')  # of which openpyxl prints a line
    errors = judged(hostile.repacked(sheet_of_days(), {"styles": broken})).errors
    assert [error.code for error in errors] == ["not_xlsx"]
    assert capsys.readouterr() == ("", "")


def test_date_cells_of_both_calendars_and_what_is_no_date_are_told_apart() -> None:
    read: list[Any] = []
    for value in (DAY, DAY.replace(hour=9, minute=30), -1, 1e308):
        book = hostile.openpyxl.Workbook()
        assert book.active is not None
        book.active.append([value])
        book.active["A1"].number_format = "yyyy-mm-dd hh:mm"
        kept = io.BytesIO()
        book.save(kept)
        read += [rows[0][0] for _, rows in workbook_rows.workbook_rows(kept)]
    assert read == [DAY, DAY.replace(hour=9, minute=30), datetime(1899, 12, 29), "1e+308"]  # noqa: DTZ001


# --- every error, and how many are shown -------------------------------------------------------------------------------


def test_at_most_fifty_errors_are_shown_and_all_of_them_come_as_a_file(app: Flask, tmp_path: Path) -> None:
    record_agreement()
    file, kept = tmp_path / "bad.csv", tmp_path / "errors.csv"
    file.write_bytes(daily(*(f"=x{number}\u202e,xray-skeletal,2025-01-10,NaN\n" for number in range(60))))
    runner = app.test_cli_runner()
    for language, header in (("nb", ["rad", "kolonne", "kode", "feil"]), ("en", ["row", "column", "code", "error"])):
        done = runner.invoke(args=["usage", "import", str(file), "--errors", str(kept), "--lang", language])
        assert done.exit_code == 3
        shown = [line for line in done.output.splitlines() if f"{header[0]} " in line and header[1] in line]
        assert len(shown) == SHOWN_ERRORS
        assert "70 more errors" in done.output
        lines = list(csv.reader(io.StringIO(kept.read_text(encoding="utf-8-sig"), newline="")))
        assert lines[0] == header
        assert len(lines) == 121
        assert {(line[0], line[1]) for line in lines[1:]} == {
            (str(number), column) for number in range(2, 62) for column in ("trust", "quantity")
        }


# --- the proof, small --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", hostile.GOOD)
def test_mutants_are_refused_or_read_and_crash_nothing(sqlite_url: str, tmp_path: Path, kind: str) -> None:
    app = usage.prepare(sqlite_url, tmp_path)
    found = hostile.Counter[str]()
    with app.app_context():
        for content in hostile.mutants(kind, 25, seed=5):
            found += hostile.check(content, READINGS.get(hostile.GOOD[kind][1] or ""))
    usage.rest(app)
    assert dict(found) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["too many shared strings", "a quote that never closes"])
def test_a_large_file_takes_bounded_memory(sqlite_url: str, tmp_path: Path, name: str) -> None:
    usage.rest(usage.prepare(sqlite_url, tmp_path))
    write, _ = hostile.large_files(5)[name]
    write(tmp_path / "large")
    found, megabytes = hostile.start(sqlite_url, tmp_path, "file", tmp_path / "large", "none")
    assert dict(found) == {}
    assert 0 < megabytes <= hostile.MOST_MEMORY


def test_the_proof_finds_errors_without_a_place_or_a_sentence_and_what_leaks() -> None:
    from billing.usage.errors import RowError

    def found(*errors: RowError, told: int = 0) -> dict[str, int]:
        return dict(hostile.wrong_with(UsageImportResult(None, "refused", errors=errors), told))

    fine = RowError(2, "trust", "unknown_trust", {"value": "x"})
    assert found(fine) == {}
    assert found() == {"silent": 1}
    assert found(fine, told=51) == {"more than 50 shown": 1}
    assert found(RowError(2, None, "unknown_trust", {"value": "x"})) == {"without a place": 1}
    assert found(RowError(0, "trust", "empty")) == {"without a place": 1}
    assert found(RowError(2, "trust", "unknown_trust", {"value": "\u202e"})) == {"without a sentence": 1}
    assert found(RowError(2, "trust", "unknown_trust", {"value": PERSON}))["leaked"] == 2
