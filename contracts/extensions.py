"""The database of one app, knowing no models: engine, sessions, and how a write takes its lock.

SQLite runs in WAL mode with foreign keys on. A session opened for writing starts with ``BEGIN IMMEDIATE``, so two
writers queue at the start of their transactions instead of failing in the middle; a reading session never blocks one.
PostgreSQL begins as always; use cases that spend something limited take row locks themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, current_app, g, has_app_context, request
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, sessionmaker

BUSY_TIMEOUT_MS = 20_000
# The largest whole number that a row of either database can hold.
LARGEST_NUMBER = 2**63 - 1


def make_engine(url: str) -> Engine:
    """Make an engine for ``url``, with the pragmas and transaction starts that this project relies on.

    A bare ``postgresql://`` is read as psycopg 3.
    """
    parsed = make_url(url)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True)
    engine = create_engine(parsed)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "synchronous=NORMAL",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    immediate = connection.get_execution_options().get("trinnvis_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


class Database:
    """The engines and sessions of the running app."""

    def init_app(self, app: Flask) -> None:
        """Open the app's database and close request sessions at their end."""
        self.open(app)
        app.teardown_appcontext(self._close)

    @staticmethod
    def open(app: Flask) -> None:
        """Open the database named by ``app.config["DATABASE_URL"]``, instead of one that was open before."""
        engine = make_engine(app.config["DATABASE_URL"])
        app.extensions["trinnvis_engine"] = engine
        app.extensions["trinnvis_read"] = sessionmaker(engine, expire_on_commit=False)
        app.extensions["trinnvis_write"] = sessionmaker(
            engine.execution_options(trinnvis_write=True), expire_on_commit=False
        )

    @property
    def engine(self) -> Engine:
        """The engine of the current app."""
        engine: Engine = current_app.extensions["trinnvis_engine"]
        return engine

    @property
    def session(self) -> Session:
        """The session of this request: for reading under GET and HEAD (and after `only_read`), for writing otherwise.

        The view (or the command) commits; a request that raises rolls back.
        """
        if "trinnvis_session" not in g:
            kind = "trinnvis_read" if request.method in ("GET", "HEAD", "OPTIONS") else "trinnvis_write"
            g.trinnvis_session = current_app.extensions[kind]()
        session: Session = g.trinnvis_session
        return session

    def only_read(self) -> None:
        """Let the session of this request read, though the request is no GET: its view writes nothing, or by `write`.

        Call it first: what was read before is read anew. Raises RuntimeError where something waits to be written.
        """
        opened = g.pop("trinnvis_session", None)
        if opened is not None:
            if opened.new or opened.dirty or opened.deleted:
                raise RuntimeError("the session of this request has something to write")
            opened.close()
        g.trinnvis_session = current_app.extensions["trinnvis_read"]()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session for reading outside a request."""
        with current_app.extensions["trinnvis_read"]() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a session for one use case, commit when it returns, roll back when it raises."""
        with current_app.extensions["trinnvis_write"]() as session, session.begin():
            yield session

    @staticmethod
    def end() -> None:
        """End the transaction of this request without keeping anything, so that what answers an error can read again."""
        session = g.get("trinnvis_session")
        if session is not None:
            session.rollback()

    @staticmethod
    def _close(_error: BaseException | None) -> None:
        if has_app_context():
            session = g.pop("trinnvis_session", None)
            if session is not None:
                session.close()


db = Database()
