"""A measured figure and its goal, as `make bench` and `make soak` print and keep them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Row:
    """A figure (in a benchmark the ratio of two measurements of one run), its goal and which way it must fall."""

    name: str
    ratio: float
    goal: float
    sense: Literal["at_least", "at_most"]
    detail: str = ""

    @property
    def holds(self) -> bool:
        """Tell whether the figure reaches its goal."""
        return self.ratio >= self.goal if self.sense == "at_least" else self.ratio <= self.goal


def publish(rows: Iterable[Row], file: Path) -> bool:
    """Print the rows as a table, write them to ``file`` and tell whether all hold."""
    listed = list(rows)
    width = max((len(row.name) for row in listed), default=4)
    for row in listed:
        sign = "≥" if row.sense == "at_least" else "≤"
        print(
            f"{row.name:<{width}}  {row.ratio:>12.4g} {sign} {row.goal:<10g} {'ok ' if row.holds else 'NO '} {row.detail}"
        )
    document = [
        {
            "name": row.name,
            "ratio": row.ratio,
            "goal": row.goal,
            "sense": row.sense,
            "holds": row.holds,
            "detail": row.detail,
        }
        for row in listed
    ]
    file.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return all(row.holds for row in listed)
