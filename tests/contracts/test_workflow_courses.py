"""Random courses of the workflow, few: the long proof is `tests.soak.workflow`."""

from __future__ import annotations

from pathlib import Path

from tests.soak.workflow import run_courses


def test_no_course_of_steps_breaks_what_must_hold(tmp_path: Path) -> None:
    taken = run_courses(8, 25, tmp_path, derandomize=True)
    assert {event.partition(".")[0] for event in taken} == {"option", "activation"}
