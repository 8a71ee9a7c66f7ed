"""A closed half-year to reconcile, recorded once; each test has its own copy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from contracts import agreements
from contracts.extensions import db
from tests import reconciled, templates
from tests.conftest import app_on


@pytest.fixture(scope="session")
def closed_quarters(sqlite_template: Path) -> Path:
    """A SQLite database with the two closed quarters of `tests.reconciled`."""

    def record(path: Path) -> None:
        shutil.copyfile(sqlite_template, path)
        with app_on(f"sqlite:///{path}", path.parent):
            reconciled.record_quarters()

    return templates.kept("closed-quarters.db", record)


@pytest.fixture
def reconciling_app(closed_quarters: Path, tmp_path: Path) -> Iterator[Flask]:
    """An app on its own copy of the closed quarters."""
    path = tmp_path / "trinnvis.db"
    shutil.copyfile(closed_quarters, path)
    with app_on(f"sqlite:///{path}", tmp_path) as made:
        yield made


@pytest.fixture
def reconciling(reconciling_app: Flask) -> int:
    """The agreement whose two quarters are closed, in an app context on a copy of its own; gives the agreement's id."""
    with db.read() as session:
        return agreements.find_agreement(session).id
