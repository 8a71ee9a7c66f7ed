"""Imports under kill -9 and in races, small: each event counts once, whatever happened on the way."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from contracts.extensions import db
from tests.soak import usage


@pytest.mark.slow
def test_killed_imports_leave_every_acknowledged_event_once(migrated_url: str, tmp_path: Path) -> None:
    wrong, told = usage.kill_at_random(migrated_url, tmp_path, kills=5, seed=3)  # ten on the two databases
    assert told > 0
    assert dict(wrong) == {}


@pytest.mark.slow
def test_one_file_imported_by_two_processes_at_once_has_one_effect(migrated_url: str, tmp_path: Path) -> None:
    assert dict(usage.same_file(migrated_url, tmp_path, processes=2, times=4)) == {}


def test_the_proof_finds_what_is_lost_doubled_or_partial(sqlite_url: str, tmp_path: Path) -> None:
    app = usage.prepare(sqlite_url, tmp_path)
    lines = usage.file_lines(0)
    with app.app_context():
        result = usage.take_in("x.csv", (usage.HEADER + "".join(lines)).encode())
    told = [{"import": result.id, "accepted": result.accepted}]
    expected = usage.oracle(lines)
    assert usage.wrong(app, expected, told) == Counter()
    assert usage.wrong(app, expected, [*told, {"import": 99, "accepted": 1}]) == Counter({"lost": 1})
    assert usage.wrong(app, usage.oracle(lines[:-50]), told)["doubled"] > 0
    assert usage.wrong(app, usage.oracle([*lines, *usage.file_lines(9)]), told)["lost"] > 0
    with app.app_context(), db.write() as session:
        session.connection().exec_driver_sql(
            "INSERT INTO usage_entries (agreement_id, trust_id, algorithm_id, on_date, quantity, source, import_id, "
            "recorded_at, recorded_by) SELECT agreement_id, trust_id, algorithm_id, on_date, 1, source, import_id, "
            "recorded_at, recorded_by FROM usage_entries LIMIT 1"
        )
    assert usage.wrong(app, expected, told) == Counter({"doubled": 1, "partial": 2})
    usage.rest(app)
