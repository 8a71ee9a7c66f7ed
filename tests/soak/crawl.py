"""The consistency crawl at length: lives of an agreement by random acts, every page walked, every figure compared.

Full is 200 lives of 40 acts, and the example as each of its people sees it. Each contradiction is printed once with the seed and the
acts before it: `python -m tests.soak.crawl SEED [ACTS]` leads that life again.
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from billing.example.load import PEOPLE, load_example
from contracts import schema_versions
from contracts.extensions import db, make_engine
from contracts.people.access import COMMAND_LINE
from contracts.web import formatting
from tests.conftest import app_on
from tests.crawl.comparing import contradictions
from tests.crawl.lives import Counted, lead
from tests.crawl.walking import walk
from tests.measure import Row

FULL_LIVES = 200
ACTS = 40
WORKERS = 2


@contextmanager
def template() -> Iterator[Path]:
    """Give a migrated, empty database to copy from."""
    folder = Path(tempfile.mkdtemp(prefix="trinnvis-crawl-"))
    try:
        engine = make_engine(f"sqlite:///{folder / 'migrated.db'}")
        schema_versions.upgrade(engine)
        engine.dispose()
        yield folder / "migrated.db"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def led(empty: Path, seed: int, acts: int = ACTS) -> Counted:
    """Lead one life, in a process of its own."""
    logging.disable(logging.CRITICAL)
    return lead(empty, empty.parent, seed, acts)


def the_example(empty: Path) -> Counted:
    """Walk the example as each of its people sees it."""
    logging.disable(logging.CRITICAL)
    counted = Counted()
    path = empty.with_name("example.db")
    shutil.copyfile(empty, path)
    with app_on(f"sqlite:///{path}", empty.parent) as app:
        with db.write() as session:
            load_example(session, actor=COMMAND_LINE, now=datetime.now(UTC), write=formatting)
        for email, _name, grant in PEOPLE:
            client = app.test_client()
            client.post("/logg-inn", data={"person": email})
            met = walk(app, client, f"{grant.role} of the example")
            counted.pages += met.pages
            counted.figures += len(met.seen)
            counted.wrong |= {fault: fault for fault in (*met.broken, *contradictions(met.seen))}
    return counted


def run(count: float) -> list[Row]:
    """Lead 200 × ``count`` lives of 40 acts, at least one, and walk the example."""
    lives = max(1, round(FULL_LIVES * count))
    counted = Counted()
    with template() as empty, ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        example = pool.submit(the_example, empty)
        for each in pool.map(led, [empty] * lives, range(1, lives + 1)):
            counted.add(each)
        counted.add(example.result())
    for fault in counted.wrong.values():
        print(f"  {fault}", file=sys.stderr)
    return [
        Row("crawl: contradictions, dead links and false promises", len(counted.wrong), 0, "at_most", counted.told())
    ]


if __name__ == "__main__":
    with template() as made:
        one = led(made, int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else ACTS)
    print(one.told(), *one.wrong.values(), sep="\n")
