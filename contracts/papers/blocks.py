"""What the body of a paper is made of: a few kinds of block, all of finished text.

The templates draw each kind once, so that every table in every paper looks alike and is tagged alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, TypeAlias

Data: TypeAlias = Mapping[str, object]

FULL_BAR: Final = 1000


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading below the paper's own title. Raises `ValueError` where it has no words: nobody could find their way by it."""

    text: str

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("a heading needs words")

    def to_data(self) -> Data:
        return {"kind": "heading", "text": self.text}


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; a line break in it stays one."""

    text: str
    strong: bool = False

    def to_data(self) -> Data:
        return {"kind": "paragraph", "text": self.text, "strong": self.strong}


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence that must not be overlooked, in a frame."""

    title: str
    text: str

    def to_data(self) -> Data:
        return {"kind": "notice", "title": self.title, "text": self.text}


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with their values, one a line; `code` names those that are set in even width, such as hashes."""

    rows: tuple[tuple[str, str], ...]
    code: frozenset[str] = frozenset()

    def to_data(self) -> Data:
        rows = [{"name": name, "value": value, "code": name in self.code} for name, value in self.rows]
        return {"kind": "facts", "rows": rows}


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading and its share of the width; `weight` 0 is as wide as its longest cell.

    Numbers stand to the right, and a code is set small and in even width.
    """

    label: str
    weight: int = 0
    look: Literal["text", "number", "code"] = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption that says what it holds; `foot` is its sum line. Without rows, `empty` stands instead.

    Raises `ValueError` where a row has another number of cells than there are columns.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    empty: str
    foot: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for row in (*self.rows, *((self.foot,) if self.foot else ())):
            if len(row) != len(self.columns):
                raise ValueError(f"{len(row)} cells for {len(self.columns)} columns in '{self.caption}'")

    def to_data(self) -> Data:
        return {
            "kind": "table",
            "caption": self.caption,
            "columns": [{"label": c.label, "weight": c.weight, "look": c.look} for c in self.columns],
            "rows": [list(row) for row in self.rows],
            "foot": list(self.foot) if self.foot else None,
            "empty": self.empty,
        }


@dataclass(frozen=True, slots=True)
class Bars:
    """A table whose last column draws the named amounts as bars, all from zero; the number stands beside its bar.

    `rows` are cells with the amount that the bar shows. Amounts below zero have no bar.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[tuple[str, ...], Decimal], ...]
    empty: str
    foot: tuple[str, ...] | None = None

    def to_data(self) -> Data:
        table = Table(self.caption, self.columns, tuple(cells for cells, _ in self.rows), self.empty, self.foot)
        largest = max((value for _, value in self.rows), default=Decimal(0))
        # Whole thousandths of the widest bar: a drawing needs no more, and no float comes near an amount.
        bars = [int(FULL_BAR * value / largest) if value > 0 else 0 for _, value in self.rows]
        return {**table.to_data(), "bars": bars}


@dataclass(frozen=True, slots=True)
class Signing:
    """Who did an act and when, in what words, or that nobody has yet: all finished text."""

    act: str
    name: str
    role: str
    at: str
    statement: str = ""


@dataclass(frozen=True, slots=True)
class Signatures:
    """The people who answer for a paper, side by side."""

    people: tuple[Signing, ...]

    def to_data(self) -> Data:
        people = [
            {"act": p.act, "name": p.name, "role": p.role, "at": p.at, "statement": p.statement} for p in self.people
        ]
        return {"kind": "signatures", "people": people}


Block: TypeAlias = Heading | Paragraph | Notice | Facts | Table | Bars | Signatures
