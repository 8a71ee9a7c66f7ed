"""Deadlines come from the facts, disappear when they are met and stay when they pass unmet."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask import Flask

from contracts import deadlines
from contracts.deadlines import Deadline
from contracts.extensions import db
from tests import examples
from tests.contracts.prices.test_index_values import import_file
from tests.contracts.prices.test_indexation import CLAUSE, agree, approve, ask
from tests.recorded import record_agreement

TODAY = date(2026, 10, 15)


def document(**changes: Any) -> dict[str, Any]:
    """An agreement where Akershus has not exercised, and the second extension is not taken up."""
    agreed = examples.agreement()
    agreed["price_book"]["index_adjustments"] = []
    agreed["option_holders"][2]["option"]["states"] = [{"state": "listed", "on": "2024-01-01"}]
    agreed["extensions"][1]["taken_up_on"] = None
    agreed["agreement"]["end"] = "2027-01-01"
    return agreed | changes


def upcoming(agreement_id: int, today: date = TODAY, trust: str | None = None) -> list[str]:
    with db.read() as session:
        listed = deadlines.upcoming(session, agreement_id, today, trust=trust)
    return [f"{one.due_on} {one.source}:{one.key}{' passed' if one.passed(today) else ''}" for one in listed]


def test_option_windows_and_unused_extensions_are_deadlines(database: Flask) -> None:
    agreement_id = record_agreement(document())
    assert upcoming(agreement_id) == ["2026-12-31 extension:2027-01-01", "2026-12-31 option:akershus"]


def test_on_the_day_itself_there_is_time_and_the_day_after_it_has_passed_and_stays(app: Flask) -> None:
    agreement_id = record_agreement(document())
    assert not [one for one in upcoming(agreement_id, date(2026, 12, 31)) if one.endswith("passed")]
    assert len([one for one in upcoming(agreement_id, date(2027, 1, 1)) if one.endswith("passed")]) == 2


@pytest.mark.parametrize("state", ["exercised", "declined", "withdrawn", "ended"])
def test_an_option_that_is_settled_has_no_window(app: Flask, state: str) -> None:
    agreed = document()
    agreed["option_holders"][2]["option"]["states"].append({"state": state, "on": "2025-01-01"})
    assert upcoming(record_agreement(agreed)) == ["2026-12-31 extension:2027-01-01"]


@pytest.mark.parametrize("state", ["under_review", "submitted", "approved", "lapsed"])
def test_an_option_on_its_way_keeps_its_window(app: Flask, state: str) -> None:
    agreed = document()
    agreed["option_holders"][2]["option"]["states"].append({"state": state, "on": "2025-01-01"})
    assert "2026-12-31 option:akershus" in upcoming(record_agreement(agreed))


def test_within_a_trust_other_trusts_windows_are_not_seen(app: Flask) -> None:
    agreement_id = record_agreement(document())
    assert upcoming(agreement_id, trust="vestre-viken") == ["2026-12-31 extension:2027-01-01"]
    assert len(upcoming(agreement_id, trust="akershus")) == 2


def test_each_day_of_adjustment_has_its_notice_until_somebody_asked_in_time(database: Flask) -> None:
    agreement_id = record_agreement(document(extensions=[]))
    import_file()
    agree(agreement_id)
    notices = ["2024-11-01 index:2025-01-01", "2025-11-01 index:2026-01-01"]
    assert upcoming(agreement_id, date(2024, 10, 1), trust="oslo") == notices
    approve(ask(agreement_id).id)
    assert upcoming(agreement_id, date(2024, 10, 1), trust="oslo") == notices[1:]


def test_a_lapsed_request_leaves_its_notice_passed(app: Flask) -> None:
    agreement_id = record_agreement(document(extensions=[]))
    import_file()
    agree(agreement_id)
    ask(agreement_id, today=date(2024, 11, 2))
    assert upcoming(agreement_id, date(2024, 11, 2), trust="oslo")[0] == "2024-11-01 index:2025-01-01 passed"


def test_where_a_version_begins_there_is_nothing_to_ask_for(app: Flask) -> None:
    agreed = document(extensions=[])
    agreed["price_book"]["versions"].append(agreed["price_book"]["versions"][0] | {"valid_from": "2026-01-01"})
    agreement_id = record_agreement(agreed)
    agree(agreement_id, CLAUSE)
    assert upcoming(agreement_id, date(2024, 10, 1), trust="oslo") == ["2024-11-01 index:2025-01-01"]


def test_another_part_may_register_its_own_and_none_takes_a_taken_name(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "_sources", dict(deadlines._sources))
    deadlines.register("other", lambda *_: [Deadline("other", "1", date(2026, 10, 20), "9.2", "other_window")])
    assert upcoming(record_agreement(document()))[0] == "2026-10-20 other:1"
    with pytest.raises(ValueError, match="'other' are registered already"):
        deadlines.register("other", lambda *_: [])
