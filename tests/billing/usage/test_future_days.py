"""What has not happened cannot be counted: a day after today is refused, at its row."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask

from tests.recorded import record_agreement, record_usage

TODAY = datetime(2024, 2, 15, 12, tzinfo=UTC)
DAYS = "trust,algorithm,date,quantity\n"
MONTHS = "trust,algorithm,month,quantity\n"
EVENTS = "event_id,trust,algorithm,time,status\n"
PLACE = "vestre-viken,xray-skeletal"


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        pytest.param(f"{DAYS}{PLACE},2024-02-15,3\n", [], id="today"),
        pytest.param(f"{DAYS}{PLACE},2024-02-15,3\n{PLACE},2024-02-16,3\n", [(3, "date")], id="tomorrow"),
        pytest.param(
            f"{MONTHS}{PLACE},2024-01,3\n{PLACE},2024-02,31\n", [(3, "month")], id="a month with days to come"
        ),
        pytest.param(
            f"{EVENTS}a,{PLACE},2024-02-15T08:00:00+01:00,completed\nb,{PLACE},2024-02-16T08:00:00+01:00,completed\n",
            [(3, "time")],
            id="an event of tomorrow",
        ),
    ],
)
def test_a_day_after_today_refuses_the_file_at_its_row(app: Flask, content: str, rows: list[tuple[int, str]]) -> None:
    found = record_usage(record_agreement(), content.encode(), TODAY)
    assert [(each.row, each.column) for each in found.errors] == rows
    assert {each.code for each in found.errors} <= {"in_future"}
    assert found.status == ("refused" if rows else "imported")
