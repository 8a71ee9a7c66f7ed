"""A deadline: the last day on which something can be done under an agreement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

# Days ahead from which on a deadline is called near.
SOON = 30
# Stands for a trust where a deadline is for nobody within one: central readers alone see it.
CENTRAL = ""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last day (inclusive, Oslo) on which something can be done, and the clause that says so.

    ``key`` is stable within its source. ``code`` names the sentence and ``params`` what stands in it; ``trust`` in
    ``params`` keeps it to that trust's readers and the central ones, `CENTRAL` to the central ones alone.
    """

    source: str
    key: str
    due_on: date
    clause: str
    code: str
    params: Mapping[str, str] = field(default_factory=dict)

    def passed(self, today: date) -> bool:
        """Tell whether the day is over: on the day itself there is still time."""
        return self.due_on < today
