"""What the house forbids and no linter sees."""

from __future__ import annotations

import ast
import json
import re
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.conftest import ROOT

SOURCES = sorted(path for half in ("contracts", "billing") for path in (ROOT / half).rglob("*.py"))


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


def test_there_is_something_to_look_at() -> None:
    assert len(SOURCES) > 50


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_imports_the_application(path: Path) -> None:
    assert "app" not in _imports(path)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_money_column_is_a_float_or_a_numeric(path: Path) -> None:
    if "models" not in path.parts:
        return
    assert not re.search(
        r"\b(Numeric|Float|Double|REAL)\b(?!.*never)", path.read_text(encoding="utf-8").split('"""')[-1]
    )


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_clock_is_read_at_the_edge_only(path: Path) -> None:
    edge = {"web", "cli.py", "jobs.py"} & set(path.parts)
    if not edge:
        assert not re.search(r"\b(datetime\.now|date\.today|time\.time)\(", path.read_text(encoding="utf-8"))


def test_the_lock_file_names_no_download_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    assert lock["packages"]
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]


def test_plotly_draws_with_the_bundle_of_its_own_version() -> None:
    from plotly.offline import get_plotlyjs_version

    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    assert package["dependencies"]["plotly.js-basic-dist-min"] == get_plotlyjs_version()


@pytest.mark.parametrize(
    "name", ["flask", "sqlalchemy", "marshmallow", "plotly", "apscheduler", "alembic"], ids=lambda name: name
)
def test_what_the_customer_asked_for_is_installed_and_imported(name: str) -> None:
    assert distribution(name).version
    everywhere = [*SOURCES, ROOT / "app.py", *(ROOT / "migrations").rglob("*.py")]
    assert any(name == imported.split(".")[0] for path in everywhere for imported in _imports(path))
