"""Find the worked examples that stand outside the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def pricing_samples() -> Path:
    """Give the folder of worked price requests, or skip where the machine has none."""
    folder = ROOT / os.environ.get("TRINNVIS_SAMPLE_DATA", "../shared/data") / "pricing"
    if not folder.is_dir():
        pytest.skip("the worked price requests are not on this machine (set TRINNVIS_SAMPLE_DATA)")
    return folder
