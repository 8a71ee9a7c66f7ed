"""What the EHF tests share."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def ehf_samples(sample_data: Path) -> Path:
    """The folder of invoices written by three independent programs, or a skip that says it is absent."""
    folder = sample_data / "ehf"
    if not folder.is_dir():
        pytest.skip(f"sample invoices absent: {folder} (set TRINNVIS_SAMPLE_DATA)")
    return folder


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of our own golden files."""
    return ROOT / "tests" / "data" / "ehf"
