"""Random courses of the workflow, few: the long proof is `tests.soak.workflow`."""

from __future__ import annotations

import pytest

from tests.soak.workflow import run_courses


@pytest.mark.slow
def test_no_course_of_steps_breaks_what_must_hold_and_most_go_live() -> None:
    taken = run_courses(3, 50, derandomize=True)
    assert {event.partition(".")[0] for event in taken} >= {"option", "activation"}
    assert taken["steps"] == 150
    assert taken["done"] > taken["refused"]
    assert taken["courses that went live"] >= 2
    assert taken["activation.go_live"] >= taken["courses that went live"]
