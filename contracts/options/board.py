"""The board of options: each trust's option with its deadline and activations, and what comes next by whom.

What comes next is read from the table of the workflow: the step that leads on from the state, and the roles that take it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from contracts.cases import Case
from contracts.terms import workflow

# The steps along which a case goes on; every other step leaves this way.
ONWARD: Final = ("review", "submit", "approve", "exercise", "order", "start_validation", "go_live", "resume")
# An activation in these states is under way, but not in use yet.
UNDER_WAY: Final = frozenset({"draft", "submitted", "approved", "ordered", "validating"})
# In these states an option's last day no longer matters.
SETTLED: Final = frozenset({"exercised", "declined", "withdrawn", "lapsed", "ended"})


@dataclass(frozen=True, slots=True)
class Next:
    """The step that leads on, and the roles that may take it, in the order of the alphabet."""

    event: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One trust: its option, the days left to exercise it (``None`` once that is settled), and its activations."""

    option: Case
    days_left: int | None
    live: int
    under_way: int
    next: Next | None


def next_step(case: Case) -> Next | None:
    """Give the step that leads on from a case's state, ``None`` where it is where it was going."""
    for rule in workflow.events_from(case.kind, case.state):
        if rule.event in ONWARD:
            return Next(rule.event, tuple(sorted(rule.roles)))
    return None


def board(cases: Iterable[Case], today: date) -> list[BoardRow]:
    """Put an agreement's cases together by trust, in the order of its options.

    >>> board([], date(2026, 10, 15))
    []
    """
    listed = list(cases)
    activations = [case for case in listed if case.kind == "activation"]
    rows = []
    for option in (case for case in listed if case.kind == "option"):
        own = [case for case in activations if case.trust == option.trust]
        open_until = None if option.state in SETTLED else option.deadline
        rows.append(
            BoardRow(
                option=option,
                days_left=None if open_until is None else (open_until - today).days,
                live=sum(case.standing(today) in ("live", "suspended") for case in own),
                under_way=sum(case.standing(today) in UNDER_WAY for case in own),
                next=next_step(option),
            )
        )
    return rows
