"""Closings and corrections under kill -9, small: nothing acknowledged is lost, doubled or half-done."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from flask import Flask

from contracts.extensions import db
from tests.recorded import record_agreement
from tests.soak import quarters


@pytest.mark.slow
def test_killed_closings_and_corrections_leave_what_was_acknowledged(migrated_url: str, tmp_path: Path) -> None:
    wrong, told = quarters.kill_at_random(migrated_url, tmp_path, kills=5, seed=4)
    assert told > 0
    assert dict(+wrong) == {}


def test_the_proof_finds_an_act_that_was_acknowledged_and_is_not_there(app: Flask) -> None:
    record_agreement(now=datetime(2024, 1, 2, tzinfo=UTC))
    chance = Random(1)
    told = [act for kind in ("correct", "close", "correct", "reopen", "close") if (act := quarters.act(kind, chance))]
    assert len(told) == 5
    assert quarters.verify(told).total() == 0
    assert quarters.verify([*told, "close 3 " + "0" * 64])["lost"] == 1
    assert quarters.verify([*told, "correct 99 4"])["lost"] == 1
    assert quarters.verify([*told, "correct 1 77"])["doubled"] == 1
    with db.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO usage_entries (agreement_id, trust_id, algorithm_id, on_date, quantity, source, recorded_at, recorded_by)"
            " SELECT agreement_id, trust_id, algorithm_id, on_date, 1, source, recorded_at, recorded_by FROM usage_entries LIMIT 1"
        )
    assert quarters.verify(told)["half-done"] > 0
