"""How long verifying the trail takes, against reading the same bytes from the database and hashing them, and nothing else.

The measure is the plainest verifier there is: one SELECT of the events' canonical forms in their order, and the hash of each
over the one before it. It looks for nothing: no gaps, no events without a link, no kept heads, and it compares nothing. What
hashing alone takes, with all bytes in memory already, stands in each row's words: on either database the greater part of a
verification is the database handing out the rows. Both sides run in one process, in turns; times are elapsed ones, as
PostgreSQL works in processes of its own; the figure is the median of the pairs' ratios.
"""

from __future__ import annotations

import gc
import hashlib
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from sqlalchemy.orm import Session, sessionmaker

from contracts import audit, schema_versions
from contracts.extensions import make_engine
from tests.measure import Row
from tests.servers import postgres_server

EVENTS = 100_000
IN_ONE_TRANSACTION = 1000
PAIRS = 5
BEGIN = datetime(2026, 1, 1, 7, tzinfo=UTC)


def write_trail(session: Session, events: int) -> None:
    """Write so many events of about the example's mean length, 200 bytes."""
    for number in range(events):
        audit.record(
            session,
            "activation.approve",
            f"activation:{number}",
            {
                "from": "submitted",
                "to": "approved",
                "amount": f"{1000 + number}.50",
                "trust": "akershus",
                "agreement": "ra-2024",
            },
            "person:approver@example.org",
            BEGIN + timedelta(seconds=number, microseconds=number),
        )
        if number % IN_ONE_TRANSACTION == IN_ONE_TRANSACTION - 1:
            session.commit()
    session.commit()


def chained(forms: Iterable[str]) -> str:
    """Hash each form over the hash before it, and give the last hash."""
    previous = ""
    for form in forms:
        previous = hashlib.sha256((previous + form).encode()).hexdigest()
    return previous


def read(session: Session) -> Iterable[str]:
    """Give the events' canonical forms in order, straight from the driver."""
    connection = session.connection()
    cursor = connection.connection.cursor()
    form = audit.canonical(connection.dialect.name)
    cursor.execute(f"SELECT {form} FROM audit_events e ORDER BY e.id")
    while rows := cursor.fetchmany(1000):
        for row in rows:
            yield row[0]
    cursor.close()


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    gc.collect()
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def measured(kind: str, url: str) -> Row:
    """Measure on one database."""
    engine = make_engine(url)
    schema_versions.upgrade(engine)
    with sessionmaker(engine.execution_options(trinnvis_write=True))() as session:
        write_trail(session, EVENTS)
    if kind == "postgresql":
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql("ANALYZE")
    with sessionmaker(engine)() as session:
        found = audit.verify(session)
        forms = list(read(session))
        assert found.whole
        assert found.head == audit.Head(EVENTS, chained(forms)), "both sides hash the same bytes"
        length = sum(len(form.encode()) for form in forms)
        times = [
            (
                seconds(lambda: audit.verify(session)),
                seconds(lambda: chained(read(session))),
                seconds(lambda: chained(forms)),
            )
            for _ in range(PAIRS)
        ]
    engine.dispose()
    verifying, reading, hashing = (median(each) for each in zip(*times, strict=True))
    alone = median(each[0] / each[2] for each in times)
    return Row(
        f"audit on {kind}: verifying against reading the same bytes from the database and hashing them",
        median(each[0] / each[1] for each in times),
        2.0,
        "at_most",
        f"{EVENTS} events, {length // EVENTS} bytes each: verified in {verifying:.3f} s; read and hashed in {reading:.3f} s;"
        f" hashed alone, the bytes in memory, in {hashing:.3f} s, which is verifying at {alone:.1f} times hashing alone",
    )


def run() -> list[Row]:
    """Measure on both databases."""
    rows = []
    folder = Path(tempfile.mkdtemp(prefix="trinnvis-bench-"))
    try:
        rows.append(measured("sqlite", f"sqlite:///{folder / 'trail.db'}"))
        with postgres_server() as server:
            admin = make_engine(server).execution_options(isolation_level="AUTOCOMMIT")
            name = f"trinnvis_audit_{random.SystemRandom().randrange(10**9)}"
            with admin.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {name}")
            rows.append(measured("postgresql", admin.url.set(database=name).render_as_string(hide_password=False)))
            with admin.connect() as connection:
                connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
            admin.dispose()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return rows
