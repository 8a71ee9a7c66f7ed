"""JSON Lines: an object a row, for a warehouse that loads lists without guessing what a cell is."""

from __future__ import annotations

import json
from typing import Final

from contracts.terms.table import Cell, Kind, Table
from contracts.web.exports.declared import Format


def json_lines(table: Table) -> bytes:
    """Write a table as its columns say: whole numbers as numbers, amounts and days as text, an empty cell as null."""
    rows = (
        {name: _value(cell, kind) for (name, kind), cell in zip(table.columns.items(), row, strict=True)}
        for row in table.checked()
    )
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()


def _value(cell: Cell, kind: Kind) -> str | int | None:
    if cell is None or cell == "":
        return None
    if kind == "whole":
        assert isinstance(cell, int)
        return cell
    return format(cell, "f") if kind == "number" and not isinstance(cell, int) else str(cell)


FORMAT: Final = Format("jsonl", "application/jsonl; charset=utf-8", None, 4, json_lines)
