"""The course of a quarter's reconciliation: its state and its task list, read from facts and stored nowhere.

`not_started → waiting_for_usage → ready → in_progress → with_vendor → waiting_for_credit → ready_to_attest → attested →
approved → settled`. A quarter waits for usage while counts lack; when they are in, or it is closed without them, it is `ready`; the
end is `settled`. The state is the first of these that still waits for something, and the task list is read from the same facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

from billing.figures.figure import Figure, Meaning, means
from contracts.terms.period import Period

CourseState = Literal[
    "not_started",
    "waiting_for_usage",
    "ready",
    "in_progress",
    "with_vendor",
    "waiting_for_credit",
    "ready_to_attest",
    "attested",
    "approved",
    "settled",
]
STATES: Final[tuple[CourseState, ...]] = get_args(CourseState)

Task = Literal[
    "usage_complete", "charges_closed", "invoice_received", "lines_matched", "findings_decided", "sample_checked",
    "attested", "approved", "settled",
]  # fmt: skip
TaskStatus = Literal["done", "todo", "waiting", "not_yet"]


@dataclass(frozen=True, slots=True)
class CourseFacts:
    """Hold what decides a quarter's state; counts are of the run that stands.

    `is_current` tells whether that run knows everything that is known now; `settled` whether nothing is left to pay.
    """

    over: bool
    closed: bool
    missing_counts: int = 0
    documents: int = 0
    run: bool = False
    is_current: bool = False
    undecided: int = 0
    unsure: int = 0
    unchecked: int = 0
    with_vendor: int = 0
    credit_awaited: int = 0
    attested: bool = False
    approved: bool = False
    settled: bool = False

    @property
    def usage_complete(self) -> bool:
        """Tell whether nothing more is awaited from the trusts: all counts are in, or it was closed without those that lack."""
        return self.closed or (self.over and not self.missing_counts)


STATE: Final = Meaning(
    "state",
    ("quarter",),
    "word",
    sign="a word of the course",
    cut_off="what is known now",
    readers="all trusts",
    nb="Hvor kvartalet står: det første det ennå venter på, lest av de samme fakta som oppgavelista.",
    en="Where the quarter stands: the first thing it still waits for, read from the same facts as the task list.",
)


@means(STATE)
def state(quarter: Period, facts: CourseFacts) -> Figure:
    """Give the state of a quarter as a figure."""
    return STATE.of(state_of(facts), quarter.label())


def state_of(facts: CourseFacts) -> CourseState:
    """Give the state of a quarter; one that was never run and is not over has not started."""
    if facts.approved:
        return "settled" if facts.settled else "approved"
    if facts.attested:
        return "attested"
    if facts.run:
        return _working(facts)
    if facts.usage_complete:
        return "ready"
    return "waiting_for_usage" if facts.over else "not_started"


def _working(facts: CourseFacts) -> CourseState:
    if facts.undecided or facts.unsure or facts.unchecked or not facts.is_current:
        return "in_progress"
    if facts.with_vendor:
        return "with_vendor"
    if facts.credit_awaited:
        return "waiting_for_credit"
    return "ready_to_attest" if facts.closed and facts.documents else "in_progress"


def refusals(facts: CourseFacts) -> tuple[str, ...]:
    """Give the codes of what still forbids attesting, in the order of the tasks; empty where nothing does."""
    checks = (
        (not facts.closed, "not_closed"),
        (not facts.documents, "no_invoice"),
        (not facts.run, "no_run"),
        (facts.run and not facts.is_current, "run_outdated"),
        (bool(facts.unsure), "unsure_matches"),
        (bool(facts.undecided), "undecided_findings"),
        (bool(facts.unchecked), "sample_unchecked"),
        (bool(facts.with_vendor), "with_vendor"),
        (bool(facts.credit_awaited), "credit_awaited"),
        (facts.attested, "already_attested"),
    )
    return tuple(code for refuses, code in checks if refuses)


def tasks(facts: CourseFacts) -> Iterator[tuple[Task, TaskStatus]]:
    """List the tasks of a quarter, each with a status that cannot be misread."""

    def status(done: bool, possible: bool = True, waits: bool = False) -> TaskStatus:
        if done:
            return "done"
        return "waiting" if waits else ("todo" if possible else "not_yet")

    checked = facts.run and facts.is_current
    decided = checked and not (facts.undecided or facts.with_vendor or facts.credit_awaited)
    waits = checked and not facts.undecided and bool(facts.with_vendor or facts.credit_awaited)
    yield "usage_complete", status(facts.usage_complete, facts.over)
    yield "charges_closed", status(facts.closed, facts.over)
    yield "invoice_received", status(bool(facts.documents), facts.over, facts.over)
    yield "lines_matched", status(checked and not facts.unsure, bool(facts.documents))
    yield "findings_decided", status(decided, bool(facts.documents), waits)
    yield "sample_checked", status(checked and not facts.unchecked, checked)
    yield "attested", status(facts.attested, not refusals(facts))
    yield "approved", status(facts.approved, facts.attested)
    yield "settled", status(facts.approved and facts.settled, facts.approved, facts.approved)
