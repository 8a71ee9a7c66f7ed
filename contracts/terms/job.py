"""The course of a piece of long work: its states, what may happen in each, its phases and how long it still takes.

    queued ──claim──▶ running ──finish──▶ done
      │  ▲               │ ├──fail, expire──▶ failed
      │  └───release─────┤ └──stop──▶ cancelled
      └─cancel─▶ cancelled

A running job is only *asked* to stop (`cancel`): its worker stops at the next place where nothing is half done. When the
effect is in by then, the job is done. A worker that is no longer heard of loses its job to another one (`take_over`), which
runs it from the start; when that has happened too often the job expires.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

State = Literal["queued", "running", "done", "failed", "cancelled"]
Event = Literal["claim", "take_over", "cancel", "finish", "fail", "stop", "release", "expire"]

STATES: Final[tuple[State, ...]] = ("queued", "running", "done", "failed", "cancelled")
EVENTS: Final[tuple[Event, ...]] = (
    "claim",
    "take_over",
    "cancel",
    "finish",
    "fail",
    "stop",
    "release",
    "expire",
)
OVER: Final[frozenset[State]] = frozenset({"done", "failed", "cancelled"})

TRANSITIONS: Final[dict[tuple[State, Event], State]] = {
    ("queued", "claim"): "running",
    ("queued", "cancel"): "cancelled",
    ("queued", "expire"): "failed",
    ("running", "take_over"): "running",
    ("running", "cancel"): "running",
    ("running", "finish"): "done",
    ("running", "fail"): "failed",
    ("running", "stop"): "cancelled",
    ("running", "release"): "queued",
    ("running", "expire"): "failed",
}


class Forbidden(ValueError):
    """The event cannot happen in this state."""


def decide(state: State, event: Event) -> State:
    """Give the state after ``event``; `Forbidden` where it cannot happen.

    >>> decide("queued", "claim"), decide("running", "cancel"), decide("queued", "cancel")
    ('running', 'running', 'cancelled')
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise Forbidden(f"a job that is {state} cannot {event.replace('_', ' ')}") from None


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of a job: how much of it is done, of how much (``None``: not known beforehand), and from when to when.

    ``name`` is a code; the pages have its words.
    """

    name: str
    done: int = 0
    total: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def percent(self) -> int | None:
        """How much of it is done in whole percent, rounded down, at most 100; ``None`` where the total is not known.

        >>> Phase("parse", 999, 1000).percent, Phase("parse", 7).percent
        (99, None)
        """
        if not self.total:
            return None
        return min(100, self.done * 100 // self.total)

    def remaining(self, now: datetime) -> timedelta | None:
        """Estimate what is left of it at its pace so far; ``None`` in the first three seconds and where nothing is known.

        >>> from datetime import UTC
        >>> start = datetime(2026, 10, 15, 12, 0, tzinfo=UTC)
        >>> str(Phase("parse", 250, 1000, start).remaining(start + timedelta(seconds=20)))
        '0:01:00'
        """
        if self.finished_at is not None or self.started_at is None or not self.total or not self.done:
            return None
        spent = now - self.started_at
        if spent < timedelta(seconds=3):
            return None
        return spent * max(0, self.total - self.done) // self.done

    def to_json(self) -> dict[str, Any]:
        """Write it as plain JSON values."""
        return {
            "name": self.name,
            "done": self.done,
            "total": self.total,
            "started_at": None if self.started_at is None else self.started_at.isoformat(),
            "finished_at": None if self.finished_at is None else self.finished_at.isoformat(),
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Phase:
        """Read what `to_json` wrote."""
        started, finished = written["started_at"], written["finished_at"]
        return cls(
            written["name"],
            written["done"],
            written["total"],
            None if started is None else datetime.fromisoformat(started),
            None if finished is None else datetime.fromisoformat(finished),
        )


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as its reader may see it. In an outline (``whole`` is false) params, findings, result and error are empty."""

    id: int
    kind: str
    trust: str | None
    state: State
    phases: tuple[Phase, ...]
    findings: tuple[dict[str, Any], ...]
    findings_count: int
    params: dict[str, Any]
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    attempts: int
    cancel_requested: bool
    created_at: datetime
    created_by: str
    started_at: datetime | None
    finished_at: datetime | None
    whole: bool
    may_cancel: bool

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in OVER

    @property
    def expired(self) -> bool:
        """Whether it was given up because nobody finished it."""
        return self.error is not None and self.error.get("code") == "expired"


def current_phase(phases: Sequence[Phase]) -> Phase | None:
    """Give the phase that is being worked on: the first that is not finished."""
    return next((phase for phase in phases if phase.finished_at is None), None)
