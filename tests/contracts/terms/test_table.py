"""Tables: a cell is of its column's kind or empty, and no text becomes a formula."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from contracts.terms.table import Kind, Table, columns, csv_bytes

FITTING: list[tuple[Kind, Any, str]] = [
    ("text", "Ærlig", "Ærlig"),
    ("text", "=1+1", "'=1+1"),
    ("text", "-2", "'-2"),
    ("whole", -2, "-2"),
    ("number", Decimal("-1234567.50"), "-1234567.50"),
    ("number", Decimal("1E+3"), "1000"),
    ("number", 3, "3"),
    ("day", date(2026, 10, 15), "2026-10-15"),
]
KINDS: tuple[Kind, ...] = ("text", "whole", "number", "day")


@pytest.mark.parametrize(("kind", "cell", "written"), FITTING, ids=lambda value: repr(value))
def test_a_cell_of_its_columns_kind_is_written(kind: Kind, cell: Any, written: str) -> None:
    assert csv_bytes(Table(columns(kind, "x"), [[cell]])).decode() == f"x\r\n{written}\r\n"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", [None, ""])
def test_an_empty_cell_is_of_every_kind(kind: Kind, cell: str | None) -> None:
    assert [*Table(columns(kind, "x"), [[cell]]).checked()] == [[cell]]


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("number", 0.1),
        ("number", "1.00"),
        ("number", True),
        ("whole", Decimal(1)),
        ("whole", False),
        ("day", "2026-10-15"),
        ("day", datetime(2026, 10, 15, tzinfo=UTC)),
        ("text", 1),
    ],
)
def test_a_cell_of_another_kind_names_its_column(kind: Kind, cell: Any) -> None:
    with pytest.raises(TypeError, match=f"in the column net is no {kind}"):
        csv_bytes(Table(columns(kind, "net"), [[cell]]))


def test_a_row_has_a_cell_for_every_column() -> None:
    with pytest.raises(ValueError, match="shorter"):
        csv_bytes(Table(columns("text", "a", "b"), [["x"]]))
