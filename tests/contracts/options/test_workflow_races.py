"""Races through two servers, few: the long proof is `tests.soak.races`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.races import race


@pytest.mark.slow
def test_of_two_requests_at_once_exactly_one_wins(migrated_url: str, tmp_path: Path) -> None:
    outcomes = race(migrated_url, tmp_path, 6)
    assert outcomes["headroom"] == {"one": 6}
    assert outcomes["double"] == {"one": 6}
    assert set(outcomes["afterwards"]) == {"whole trail", "open 0"}
