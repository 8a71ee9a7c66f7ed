"""Formats of files: whatever is put into `contracts.web.exports` is served, described and offered, and no page names one."""

from __future__ import annotations

import io
import re
import time
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
from flask import Flask

from contracts.terms.table import Table, columns
from contracts.web.exports import FORMATS, TableFormat, table_answer
from contracts.web.exports.declared import Format
from contracts.web.guard import FILE_SUFFIXES
from tests.conftest import ROOT

COLUMNS = columns("text", "name") | columns("number", "amount") | columns("whole", "n") | columns("day", "on")
ROWS = [["Ærlig; «sann»", Decimal("-1234.50"), 12, date(2026, 10, 15)], ["=1+1", Decimal(7), None, None]]
WRITTEN = {
    "csv": "\ufeffname,amount,n,on\r\nÆrlig; «sann»,-1234.50,12,2026-10-15\r\n'=1+1,7,,\r\n",
    "nb.csv": '\ufeffname;amount;n;on\r\n"Ærlig; «sann»";-1234,50;12;2026-10-15\r\n\'=1+1;7;;\r\n',
    "jsonl": '{"name": "Ærlig; «sann»", "amount": "-1234.50", "n": 12, "on": "2026-10-15"}\n'
    '{"name": "=1+1", "amount": "7", "n": null, "on": null}\n',
}


def table() -> Table:
    return Table(COLUMNS, (row for row in ROWS))


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_the_same_table_gives_the_same_bytes_at_another_time(form: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    then = form.write(table())
    later = time.localtime(time.time() + 90_000)
    monkeypatch.setattr(time, "localtime", lambda *_: later)
    assert form.write(table()) == then != form.write(Table(COLUMNS, ROWS[:1]))


@pytest.mark.parametrize("suffix", WRITTEN)
def test_a_text_format_is_written_in_its_dialect(suffix: str) -> None:
    assert FORMATS[suffix].write(table()).decode() == WRITTEN[suffix]


def test_every_format_of_text_has_its_dialect_written_out_here() -> None:
    assert set(WRITTEN) == set(FORMATS) - {"xlsx"}


def test_a_workbook_keeps_numbers_and_days_and_no_text_is_a_formula() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(FORMATS["xlsx"].write(table()))).active
    assert sheet is not None
    header, first, second = sheet.iter_rows()
    assert [cell.value for cell in header] == [*COLUMNS]
    assert [cell.value for cell in first[1:3]] == [-1234.5, 12]
    assert first[3].is_date
    assert (second[0].value, second[0].data_type) == ("=1+1", "s")


def test_a_file_is_named_typed_and_kept(app: Flask) -> None:
    for form in FORMATS.values():
        with app.test_request_context():
            answer = table_answer(form.suffix, "liste", table())
        assert answer.headers["Content-Disposition"] == f'attachment; filename="liste.{form.suffix}"'
        assert answer.content_type == form.content_type


def test_every_lists_file_comes_in_every_format(app: Flask) -> None:
    lists = [
        rule
        for rule in app.url_map.iter_rules()
        if any(isinstance(part, TableFormat) for part in rule._converters.values())
    ]
    assert len(lists) >= 26
    adapter = app.url_map.bind("localhost")
    for suffix in FORMATS:
        assert adapter.match(f"/betalinger.{suffix}") == ("payment_pages.export", {"suffix": suffix})
    assert not adapter.test("/betalinger.exe")


def test_the_description_of_the_api_names_every_format(app: Flask) -> None:
    paths = app.test_client().get("/api/v1/openapi.json").get_json()["paths"]
    listed = paths["/api/v1/payments.{suffix}"]
    assert [one["schema"]["enum"] for one in listed["parameters"] if one["name"] == "suffix"] == [[*FORMATS]]
    assert set(listed["get"]["responses"]["200"]["content"]) == {form.media_type for form in FORMATS.values()}


def test_a_spreadsheet_may_ask_for_every_format_with_a_token() -> None:
    assert all(f"liste.{suffix}".endswith(FILE_SUFFIXES) for suffix in FORMATS)


def test_pages_ask_the_formats_and_name_none() -> None:
    sources = [path for half in ("contracts", "billing") for path in (ROOT / half).glob("web/**/*") if path.is_file()]
    naming = [
        f"{path.relative_to(ROOT)}: {found}"
        for path in sources
        if path.suffix in (".py", ".html") and "exports" not in path.parts
        for found in re.findall(r"<any\([^)]*csv|suffix=[\"']\w+", path.read_text(encoding="utf-8"))
    ]
    assert not naming
