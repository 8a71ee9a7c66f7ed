"""Random courses of the workflow, few: the long proof is `tests.soak.workflow`."""

from __future__ import annotations

from tests.soak.workflow import run_courses


def test_no_course_of_steps_breaks_what_must_hold_and_most_go_live() -> None:
    taken = run_courses(5, 50, derandomize=True)
    assert {event.partition(".")[0] for event in taken} >= {"option", "activation"}
    assert taken["steps"] == 250
    assert taken["done"] > taken["refused"]
    assert taken["courses that went live"] >= 3
    assert taken["activation.go_live"] >= taken["courses that went live"]
