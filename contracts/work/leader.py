"""One leader among all processes on a database: the one that holds a lock for as long as it lives.

On SQLite the lock is a file beside the database, on PostgreSQL an advisory lock of a session on a connection of its own.
Both go with their holder, however it ends, so there is nothing to time out and nothing to clean up. A pooler that shares
sessions between clients (PgBouncer in transaction mode) breaks advisory locks: the scheduler needs a direct address.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, Protocol

from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

# Any number will do that nobody else uses in the database: the letters "trinnvis".
LOCK: Final = int.from_bytes(b"trinnvis", "big")


class Leadership(Protocol):
    """The lock as one process sees it; used from one thread."""

    def try_lead(self) -> bool:
        """Take the lock if it is free; tell whether this process leads."""
        ...

    def still_leads(self) -> bool:
        """Tell whether this process still leads, asking whoever keeps the lock."""
        ...

    def resign(self) -> None:
        """Give the lock back."""
        ...


def leadership_of(engine: Engine) -> Leadership:
    """Give the leadership of an engine's database."""
    if engine.dialect.name == "sqlite":
        database = engine.url.database
        return FileLeadership(Path(f"{database}.scheduler.lock")) if database else Alone()
    return AdvisoryLeadership(engine)


class Alone:
    """The leadership of a database that only this process has: SQLite in memory."""

    def try_lead(self) -> bool:
        """Lead."""
        return True

    def still_leads(self) -> bool:
        """Lead on."""
        return True

    def resign(self) -> None:
        """Leave nothing behind."""


class FileLeadership:
    """An exclusive lock on a file; the kernel drops it when the process ends. The file stays, it says nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None

    def try_lead(self) -> bool:
        """Take the lock if it is free."""
        if self._file is not None:
            return True
        file = self.path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def still_leads(self) -> bool:
        """Tell whether the locked file is still the one that others would lock (a database may be moved away)."""
        if self._file is None:
            return False
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return False

    def resign(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None


class AdvisoryLeadership:
    """A session's advisory lock; the server drops it when the connection ends."""

    def __init__(self, engine: Engine) -> None:
        self._engine = create_engine(engine.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        self._connection: Connection | None = None

    def try_lead(self) -> bool:
        """Take the lock if it is free; a database that cannot be reached is led by nobody."""
        if self._connection is not None:
            return self.still_leads()
        try:
            connection = self._engine.connect()
        except SQLAlchemyError:
            return False
        try:
            if connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}).scalar_one():
                self._connection = connection
                return True
        except SQLAlchemyError:
            connection.invalidate()
        connection.close()
        return False

    def still_leads(self) -> bool:
        """Tell whether the connection that holds the lock still answers."""
        if self._connection is None:
            return False
        try:
            self._connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            self.resign()
            return False
        return True

    def resign(self) -> None:
        """Give the lock back by ending its connection."""
        if self._connection is not None:
            with suppress(SQLAlchemyError):
                self._connection.invalidate()
                self._connection.close()
            self._connection = None
