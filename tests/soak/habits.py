"""Causes against vendors of many habits: clean bills, one mistake, two, judged by habit.

The mistakes are made by `tests.habits`, which rates by the oracle and knows the product only where a bill is handed to it.
"""

from __future__ import annotations

import sys

from tests.habits.cuts import CUTS
from tests.habits.judging import Table, clean, pairs, singles
from tests.measure import Row

AGREEMENTS = 20
CLEAN = 60
PAIRS = 400
# Lines cut by trust, algorithm, month and tier are the usual way; all else is a habit.
USUAL = ("tier",)


def told(title: str, table: Table) -> None:
    """Print a table by habit, and what was not named right."""
    print(f"{title}\n{table.told()}", file=sys.stderr)
    for miss in table.misses[:60]:
        print(f"  {miss}", file=sys.stderr)


def run(count: float) -> list[Row]:
    """Run every figure at ``count`` times its full size."""
    right = clean(40_000, max(2, int(CLEAN * count)))
    one = singles(50_000, max(2, int(AGREEMENTS * count)), every=1 if count >= 1 else 4)
    two = pairs(60_000, max(12, int(PAIRS * count)))
    for title, table in (("no mistake", right), ("one mistake", one), ("two mistakes", two)):
        told(title, table)
    others = [cut for cut in CUTS if cut not in USUAL]
    worst = min(one.documents, key=lambda habit: one.share([habit]))
    return [
        Row("habits: bills without a mistake that have findings", len(right.misses), 0, "at_most"),
        Row("habits: one mistake named right", one.share(), 0.98, "at_least", f"{len(one.misses)} not"),
        Row("habits: one mistake, other cuts than the usual", one.share(others), 0.9, "at_least"),
        Row("habits: one mistake, the worst cut", one.share([worst]), 0.9, "at_least", worst),
        Row(
            "habits: two mistakes named right, and nothing else",
            two.share(),
            0.92,
            "at_least",
            f"{len(two.misses)} not",
        ),
    ]
