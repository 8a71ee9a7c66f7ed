"""The registry of causes: each code has a file, and the file says everything that anybody asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing.causes import CAUSES, CODES, NEEDS_REASON, REASONS, RESPONSE_STATUSES, Code
from billing.causes import codes as registry
from billing.causes.changes import Change
from billing.causes.sentences import sentence

BY_CODE = [pytest.param(code, id=code) for code in CODES]


def test_every_code_has_one_file_in_the_order_of_the_table() -> None:
    files = {file.stem for file in Path(str(registry.__file__)).parent.glob("*.py")} - {"__init__"}
    assert files == {code.lower() for code in CODES}
    assert list(CAUSES) == list(CODES)
    assert all(code == cause.code for code, cause in CAUSES.items())


@pytest.mark.parametrize("code", BY_CODE)
def test_a_code_answers_for_every_fact(code: Code) -> None:
    cause = CAUSES[code]
    assert all(cause.name)
    assert cause.name[0] != cause.name[1] or code == "VAT"
    assert cause.action in ("reject", "query", "credit", "note", "wait", "accept", "person")
    assert cause.severity in ("stops", "money", "formal", "none")
    assert cause.response.status in RESPONSE_STATUSES
    assert cause.response.reason in REASONS
    assert cause.response.status not in NEEDS_REASON or cause.response.reason != "NON"
    # The last sentence needs nothing to be known, and says it in both languages.
    assert sentence(code, {}, "nb") == cause.sentences[-1][0]
    assert sentence(code, {}, "en") == cause.sentences[-1][1]


@pytest.mark.parametrize("code", BY_CODE)
def test_what_is_done_first_and_what_is_answered_agree(code: Code) -> None:
    cause = CAUSES[code]
    assert (cause.response.status == "RE") == (cause.action == "reject")
    assert (cause.response.status == "CA") == (cause.action == "credit")
    assert (cause.severity == "none") == (cause.action == "accept")
    if cause.of_header:
        assert cause.changes is None


def test_every_changed_fact_is_tried_under_some_code() -> None:
    source = "".join(file.read_text() for file in Path(str(registry.__file__)).parent.glob("*.py"))
    untried = {change.__name__ for change in Change.__args__ if f"{change.__name__}(" not in source}
    # What was counted is read off the lines, and not tried.
    assert untried == {"Counted"}
