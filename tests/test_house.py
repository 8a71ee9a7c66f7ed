"""What the house forbids and no linter sees."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from graphlib import TopologicalSorter
from importlib.metadata import distribution
from pathlib import Path

import grimp
import pytest

from tests import house_map
from tests.conftest import ROOT

SOURCES = sorted(path for half in ("contracts", "billing") for path in (ROOT / half).rglob("*.py"))


@cache
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


def test_nothing_imports_the_application() -> None:
    assert [path for path in SOURCES if "app" in _imports(path)] == []


INEXACT = frozenset({"numeric", "float", "double", "double_precision", "real", "decimal", "money"})
TABLES = [path for path in SOURCES if "models" in path.parts] + sorted((ROOT / "migrations").rglob("*.py"))


def _inexact(source: str) -> set[str]:
    """Name what a model or a migration takes from SQLAlchemy (or annotates) that keeps a number as no whole number."""
    tree = ast.parse(source)
    found = {"float" for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "float"}
    modules = {"sa", "sqlalchemy", "types", "postgresql", "sqlite"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
            found |= {alias.name for alias in node.names if alias.name.lower() in INEXACT}
        elif isinstance(node, ast.Attribute) and node.attr.lower() in INEXACT:
            root = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            found |= {node.attr} if root in modules else set()
    return found


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("import sqlalchemy as sa\nsa.Column('net', sa.Numeric(12, 2))", id="a migration"),
        pytest.param('from sqlalchemy import Float\nclass A:\n    """Doc."""', id="before the last docstring"),
        pytest.param("from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION", id="a dialect's own"),
        pytest.param("import sqlalchemy as sa\nsa.types.REAL()", id="by its module"),
        pytest.param("net: Mapped[float]", id="by the annotation"),
    ],
)
def test_a_column_that_is_no_whole_number_is_found(source: str) -> None:
    assert _inexact(source)


@pytest.mark.parametrize("path", TABLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_money_column_is_a_float_or_a_numeric(path: Path) -> None:
    assert _inexact(path.read_text(encoding="utf-8")) == set()


# Where the clock may be read beside the pages: the commands, and the process that runs jobs.
ENTRY_POINTS = frozenset({"billing/jobs.py", "billing/work/scenario_runs.py", "billing/work/usage_imports.py"})
CLOCKS = {"datetime": {"now", "utcnow", "today"}, "date": {"today"}, "time": {"time", "time_ns", "localtime"}}


def _reads_the_clock(source: str) -> bool:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            if {alias.name for alias in node.names} & CLOCKS["time"]:
                return True
        elif isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if node.attr in CLOCKS.get(owner, set()):
                return True
    return False


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        pytest.param("datetime.now(UTC)", True, id="the moment"),
        pytest.param("datetime.datetime.now()", True, id="by its module"),
        pytest.param("clock = datetime.now", True, id="handed on"),
        pytest.param("date.today()", True, id="the day"),
        pytest.param("from time import time", True, id="the seconds"),
        pytest.param("time.monotonic()", False, id="how long something took"),
        pytest.param("clock.today(session)", False, id="the example's today"),
        pytest.param('"""Never call datetime.now()."""', False, id="only spoken of"),
    ],
)
def test_a_reading_of_the_clock_is_found(source: str, reads: bool) -> None:
    assert _reads_the_clock(source) is reads


def test_the_clock_is_read_at_the_edge_only() -> None:
    inside = [path for path in SOURCES if not {"web", "commands"} & set(path.parts)]
    read = {path.relative_to(ROOT).as_posix() for path in inside if _reads_the_clock(path.read_text(encoding="utf-8"))}
    assert read <= ENTRY_POINTS


def test_what_may_read_the_clock_exists() -> None:
    assert all((ROOT / place).is_file() for place in ENTRY_POINTS)


def test_the_lock_file_names_no_download_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    assert lock["packages"]
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]


def test_plotly_draws_with_the_bundle_of_its_own_version() -> None:
    from plotly.offline import get_plotlyjs_version

    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    assert package["dependencies"]["plotly.js-basic-dist-min"] == get_plotlyjs_version()


@pytest.mark.parametrize(
    "name",
    ["flask", "sqlalchemy", "marshmallow", "plotly", "apscheduler", "alembic", "structlog"],
    ids=lambda name: name,
)
def test_what_the_customer_asked_for_is_installed_and_imported(name: str) -> None:
    assert distribution(name).version
    everywhere = [*SOURCES, ROOT / "app.py", *(ROOT / "migrations").rglob("*.py")]
    assert any(name == imported.split(".")[0] for path in everywhere for imported in _imports(path))


def test_a_page_that_the_code_cites_stands_in_the_repository() -> None:
    pages = {page.name for half in ("contracts", "billing", "tests") for page in (ROOT / half).rglob("*.md")}
    cited = {
        (path.relative_to(ROOT).as_posix(), page)
        for path in SOURCES
        for page in re.findall(r"\b([A-Za-z_]+\.md)\b", path.read_text(encoding="utf-8"))
    }
    assert {(path, page) for path, page in cited if page not in pages} == set()


def test_the_picture_of_the_house_is_what_the_imports_are() -> None:
    page = house_map.PAGE.read_text(encoding="utf-8")
    assert house_map.written(page) == page, "run `python -m tests.house_map --write`"


@pytest.mark.parametrize("half", ["contracts", "billing"])
def test_a_subject_names_its_doors(half: str) -> None:
    for subject, modules in house_map.modules_used(half).items():
        page = ROOT / half / subject / "README.md"
        if page.is_file():
            missing = {name for name in modules if name and f"`{name}" not in page.read_text(encoding="utf-8")}
            assert not missing, f"{page.relative_to(ROOT)} does not name {sorted(missing)}, which others use"


def test_the_import_contract_stays_in_few_floors() -> None:
    assert len(house_map.rows("billing")) <= 15
    assert len(house_map.rows("contracts")) <= 15


PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(page for half in ("contracts", "billing", "tests") for page in (ROOT / half).rglob("README.md")),
]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_place_that_a_page_names_exists(path: Path) -> None:
    named = re.findall(
        r"`((?:contracts|billing|tests|migrations)/[A-Za-z_0-9/]+(?:\.[a-z]+)?)`", path.read_text(encoding="utf-8")
    )
    assert [place for place in named if not (ROOT / place).exists()] == []


def test_no_files_need_each_other_in_a_circle() -> None:
    graph = grimp.build_graph("contracts", "billing")
    needs = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len([*TopologicalSorter(needs).static_order()]) == len(needs)  # raises CycleError, naming the circle
