"""A closed half-year to reconcile, recorded once; each test has its own copy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests import reconciled
from tests.conftest import make_app


@pytest.fixture(scope="session")
def closed_quarters(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A SQLite database with the two closed quarters of `tests.reconciled`, and the agreement's id in it."""
    folder = tmp_path_factory.mktemp("reconciled")
    path = folder / "trinnvis.db"
    shutil.copyfile(sqlite_template, path)
    made = make_app(f"sqlite:///{path}", folder)
    with made.app_context():
        agreement_id = reconciled.record_quarters()
    made.extensions["trinnvis_engine"].dispose()
    return path, agreement_id


@pytest.fixture(scope="session")
def reconciling_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Path]]:
    """One app for all tests of `reconciling`, and the path of the database that each of them lays anew."""
    folder = tmp_path_factory.mktemp("reconciling")
    path = folder / "trinnvis.db"
    made = make_app(f"sqlite:///{path}", folder)
    yield made, path
    made.extensions["trinnvis_engine"].dispose()


@pytest.fixture
def reconciling(reconciling_app: tuple[Flask, Path], closed_quarters: tuple[Path, int]) -> Iterator[int]:
    """The agreement whose two quarters are closed, in an app context on a copy of its own; gives the agreement's id."""
    made, path = reconciling_app
    source, agreement_id = closed_quarters
    made.extensions["trinnvis_engine"].dispose()
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(source, path)
    with made.app_context():
        yield agreement_id
