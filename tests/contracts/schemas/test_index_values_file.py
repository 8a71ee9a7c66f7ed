"""Files of index values: what they hold, and where each error stands."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import InvalidInput
from contracts.schemas.index_values import LARGEST_FILE, ReadAs, read_index_values
from tests.index_files import CSV, CSV_2025, as_file, json_stat


def rows(content: bytes, given: ReadAs = ReadAs()) -> list[str]:  # noqa: B008 - a frozen value
    return [
        f"{one.table} {one.series} {one.base_year} {one.month:%Y-%m} {one.value}"
        for one in read_index_values(content, given).values
    ]


def errors(content: bytes, given: ReadAs = ReadAs()) -> list[tuple[str, str]]:  # noqa: B008 - a frozen value
    with pytest.raises(InvalidInput) as refused:
        read_index_values(content, given)
    return [(finding.pointer, finding.code) for finding in refused.value.errors]


def test_a_csv_file_is_read_with_the_digits_it_has() -> None:
    assert rows(CSV)[:2] == ["03013 TOTAL 2015 2023-09 131.6", "03013 TOTAL 2015 2024-08 135.9"]
    assert rows(b"\xef\xbb\xbf" + CSV_2025.replace(b"\n", b"\r\n"))[0] == "03013 TOTAL 2025 2025-09 100.3"
    assert rows(b"table,base_year,month,value\n03013,2015,2023-09,131.60\n") == ["03013 TOTAL 2015 2023-09 131.60"]


@pytest.mark.parametrize(
    ("line", "place", "code"),
    [
        pytest.param("03013,TOTAL,2015,2023-13,131.6", "month", "not_a_month", id="month-13"),
        pytest.param("03013,TOTAL,2015,2023,131.6", "month", "not_a_month", id="a-year"),
        pytest.param("03013,TOTAL,15,2023-09,131.6", "base_year", "not_a_base_year", id="base-year-of-two-digits"),
        pytest.param('03013,TOTAL,2015,2023-09,"131,6"', "value", "not_a_value", id="decimal-comma"),
        pytest.param("03013,TOTAL,2015,2023-09,1e2", "value", "not_a_value", id="exponent"),
        pytest.param("03013,TOTAL,2015,2023-09,NaN", "value", "not_a_value", id="nan"),
        pytest.param("03013,TOTAL,2015,2023-09,0", "value", "not_positive", id="zero"),
        pytest.param("03013,TOTAL,2015,2023-09,-131.6", "value", "not_positive", id="negative"),
        pytest.param("03013,TOTAL,2015,2023-09,131.61234", "value", "not_a_value", id="five-decimals"),
        pytest.param("03013,=1+1,2015,2023-09,131.6", "series", "invalid_code", id="formula-as-series"),
        pytest.param(",TOTAL,2015,2023-09,131.6", "table", "invalid_code", id="no-table"),
    ],
)
def test_each_error_of_a_csv_file_has_its_line_and_column(line: str, place: str, code: str) -> None:
    good = "03013,TOTAL,2015,2022-09,127.0"
    content = f"table,series,base_year,month,value\n{good}\n{line}\n".encode()
    assert errors(content) == [(f"#/line/3/{place}", code)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"", ("#/line/1", "unknown_header"), id="empty"),
        pytest.param(b"month;value\n", ("#/line/1", "unknown_header"), id="semicolons"),
        pytest.param(CSV_2025.splitlines()[0], ("#", "no_values"), id="header-only"),
        pytest.param(CSV_2025 + b"03013,2025,2026-08\n", ("#/line/4", "wrong_width"), id="short-row"),
        pytest.param(CSV_2025 + b"03013,2025,2026-09,103.0\n", ("#/line/4/month", "twice"), id="month-twice"),
        pytest.param(CSV_2025 + b'03013,2025,2026-08,"10\n', ("#/line/4", "not_csv"), id="open-quote"),
        pytest.param(b"\xff\xfe" + CSV, ("#", "not_utf8"), id="other-encoding"),
        pytest.param(CSV + b"03013,TO\0TAL,2015,2026-09,1\n", ("#", "not_text"), id="nul"),
        pytest.param(b"x" * (LARGEST_FILE + 1), ("#", "too_large"), id="too-large"),
        pytest.param(b'{"a":' * 5000, ("#", "too_deep"), id="nested-bomb"),
        pytest.param(b"{", ("#", "not_json"), id="half-a-document"),
        pytest.param(b'{"class": "dataset", "class": "dataset"}', ("#", "not_json"), id="member-twice"),
        pytest.param(b'{"class": "collection"}', ("#/class", "not_a_dataset"), id="collection"),
    ],
)
def test_a_hostile_file_is_refused_with_a_place(content: bytes, expected: tuple[str, str]) -> None:
    assert errors(content)[0] == expected


def test_a_json_stat_file_gives_the_index_and_leaves_changes_in_per_cent_out() -> None:
    file = read_index_values(as_file(json_stat()), ReadAs())
    assert [f"{one.series} {one.month:%Y-%m} {one.value}" for one in file.values] == [
        "TOTAL 2023-09 131.6",
        "TOTAL 2024-08 135.9",
        "TOTAL 2024-09 136.0",
        "01 2023-09 128.0",
        "01 2024-09 133.5",
    ]
    assert {(one.table, one.base_year) for one in file.values} == {("03013", 2015)}
    assert (file.missing, file.ignored) == (1, ["Tolvmanedersendring"])


def changed(path: str, value: Any) -> bytes:
    document = deepcopy(json_stat())
    *way, last = path.split("/")
    place: Any = document
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return as_file(document)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        pytest.param("id", "Tid", ("#/id", "not_dimensions"), id="id-no-list"),
        pytest.param("id", ["Tid"] * 3, ("#/id", "not_dimensions"), id="dimension-thrice"),
        pytest.param("size", [2, 2], ("#/size", "not_sizes"), id="size-too-short"),
        pytest.param("size", [2, 2, -3], ("#/size", "not_sizes"), id="negative-size"),
        pytest.param("size", [90000, 90000, 90000], ("#/size", "too_many"), id="size-bomb"),
        pytest.param("size", [2, 2, True], ("#/size", "not_sizes"), id="size-true"),
        pytest.param("dimension", [], ("#/dimension/Konsumgrp/category", "no_category"), id="no-dimensions"),
        pytest.param(
            "dimension/Tid/category/index",
            {"2023M09": 0, "2024M08": 0, "2024M09": 1},
            ("#/dimension/Tid/category/index", "not_an_index"),
            id="position-twice",
        ),
        pytest.param(
            "dimension/Tid/category/index",
            ["2023", "2024", "2025"],
            ("#/dimension/Tid/category/index/0", "not_a_month"),
            id="yearly-table",
        ),
        pytest.param(
            "dimension/Tid/category/index",
            ["2023M09", "2023-09", "2024M09"],
            ("#/dimension/Tid/category/index/1", "not_a_month"),
            id="another-notation",
        ),
        pytest.param("value", [1.0], ("#/value", "wrong_count"), id="too-few-values"),
        pytest.param("value", {"12": 1.0}, ("#/value", "wrong_count"), id="place-beyond"),
        pytest.param("value", "131.6", ("#/value", "no_values"), id="values-as-text"),
        pytest.param("value", ["131.6"] * 12, ("#/value/0", "not_a_value"), id="a-number-as-text"),
        pytest.param("value", [True] * 12, ("#/value/0", "not_a_value"), id="true-is-no-number"),
        pytest.param("value", [1e300] * 12, ("#/value/0", "not_a_value"), id="huge"),
        pytest.param("value", [-1.0] * 12, ("#/value/0", "not_positive"), id="negative-value"),
        pytest.param("extension", None, ("#/extension/px/tableid", "no_table"), id="no-table"),
        pytest.param(
            "extension", {"px": {"tableid": 3013}}, ("#/extension/px/tableid", "not_a_string"), id="table-as-number"
        ),
        pytest.param("role", {"time": ["Maaned"]}, ("#/role/time", "no_time"), id="time-unknown"),
        pytest.param(
            "dimension/ContentsCode/category/label",
            {"KpiIndMnd": "Konsumprisindeks"},
            ("#/dimension", "no_base_year"),
            id="no-base-year",
        ),
        pytest.param(
            "dimension/ContentsCode/category/label",
            {"KpiIndMnd": "2015=100 og 2025=100"},
            ("#/dimension/ContentsCode", "base_years_differ"),
            id="two-base-years",
        ),
        pytest.param(
            "dimension/ContentsCode/category/label",
            {"KpiIndMnd": "Indeks (2015=100)", "Tolvmanedersendring": "Annen indeks (2015=100)"},
            ("#/dimension/ContentsCode", "twice"),
            id="two-indices-in-one-series",
        ),
    ],
)
def test_each_error_of_a_json_stat_file_has_its_place(path: str, value: Any, expected: tuple[str, str]) -> None:
    assert errors(changed(path, value))[0] == expected


def test_sparse_values_and_a_single_category_without_an_index_are_read() -> None:
    document = json_stat(id=["Tid"], size=[1], value={"0": 131.6}, label="Kostnadsindeks (2021 = 100)", role={})
    document["dimension"] = {"Tid": {"category": {"label": {"2024M09": "2024M09"}}}}
    assert rows(as_file(document)) == ["03013 TOTAL 2021 2024-09 131.6"]


def test_the_caller_says_what_the_file_does_not_and_may_not_contradict_it() -> None:
    document = json_stat(id=["Tid"], size=[1], value=[131.6], label="Kostnadsindeks", role={}, extension={})
    document["dimension"] = {"Tid": {"category": {"index": ["2024M09"]}}}
    assert rows(as_file(document), ReadAs("08517", 2021)) == ["08517 TOTAL 2021 2024-09 131.6"]
    assert errors(as_file(json_stat()), ReadAs("08517")) == [("#/extension/px/tableid", "table_differs")]
    assert errors(as_file(json_stat()), ReadAs(None, 2025)) == [("#/dimension/ContentsCode", "base_year_differs")]
    assert errors(CSV_2025, ReadAs(None, 2015))[0] == ("#/line/2/base_year", "base_year_differs")
    assert errors(CSV, ReadAs("\x00")) == [("#/query/table", "invalid_code")]


@given(st.binary(max_size=300))
def test_whatever_comes_is_read_or_refused_with_a_finding(content: bytes) -> None:
    outcomes: list[object] = []
    for prefix in (b"", b"{", CSV):
        try:
            outcomes.append(read_index_values(prefix + content, ReadAs()).values)
        except InvalidInput as refused:
            outcomes.append(refused.errors)
    assert all(outcomes)
