"""The course of a job: every state with every event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.terms.job import EVENTS, OVER, STATES, TRANSITIONS, Event, Forbidden, Phase, State, current_phase, decide

START = datetime(2026, 10, 15, 12, 0, tzinfo=UTC)

#                claim      take_over  cancel       finish   fail      stop         release   expire
TABLE = {
    "queued": ("running", None, "cancelled", None, None, None, None, "failed"),
    "running": (None, "running", "running", "done", "failed", "cancelled", "queued", "failed"),
    "done": (None,) * 8,
    "failed": (None,) * 8,
    "cancelled": (None,) * 8,
}
CASES = [(state, event, after) for state, row in TABLE.items() for event, after in zip(EVENTS, row, strict=True)]


@pytest.mark.parametrize(("state", "event", "after"), CASES, ids=lambda word: str(word))
def test_each_event_leads_where_the_table_says_or_is_refused(state: State, event: Event, after: State | None) -> None:
    if after is None:
        with pytest.raises(Forbidden, match=f"a job that is {state} cannot"):
            decide(state, event)
    else:
        assert decide(state, event) == after


def test_the_table_names_every_state_and_no_transition_leaves_an_end() -> None:
    assert tuple(TABLE) == STATES
    assert not [state for state, _ in TRANSITIONS if state in OVER]


@given(done=st.integers(0, 10**7), total=st.one_of(st.none(), st.integers(0, 10**7)), seconds=st.integers(0, 10**5))
def test_percent_stays_within_the_hundred_and_what_remains_is_never_negative(
    done: int, total: int | None, seconds: int
) -> None:
    phase = Phase("read", done, total, START)
    assert phase.percent is None or 0 <= phase.percent <= 100
    left = phase.remaining(START + timedelta(seconds=seconds))
    assert left is None or left >= timedelta(0)


def test_a_phase_comes_back_as_it_was_written_and_the_first_open_one_is_the_present_one() -> None:
    phases = (Phase("read", 5, 5, START, START + timedelta(seconds=1)), Phase("check", 2, None, START), Phase("write"))
    assert tuple(Phase.from_json(phase.to_json()) for phase in phases) == phases
    assert current_phase(phases) == phases[1]
    assert current_phase(phases[:1]) is None
