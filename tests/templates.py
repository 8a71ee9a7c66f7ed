"""Databases that are dear to make, made once for all workers and runs of a day and copied from then on.

They stand in the machine's folder for temporary files under a digest of the sources they are made with, so a changed source
makes new ones. A database of another day is not used again: what it says of the day it was made on would be old.
"""

from __future__ import annotations

import fcntl
import getpass
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What a template's rows depend on: the product without its pages' files, and what the tests record in it.
SOURCES = ("app.py", "requirements.txt", "contracts", "billing", "migrations", "tests/*.py")
SUFFIXES = frozenset({".py", ".json", ".csv", ".xml", ".xsd", ".txt", ".typ", ".mo", ".toml"})


@cache
def folder() -> Path:
    """Give the folder of today's templates for these sources, and forget those of other days."""
    digest = hashlib.sha256(sys.version.encode())
    for pattern in SOURCES:
        for place in sorted(ROOT.glob(pattern)):
            for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
                if path.suffix in SUFFIXES and "static" not in path.parts:
                    digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    today = Path(tempfile.gettempdir()) / f"trinnvis-templates-{getpass.getuser()}" / date.today().isoformat()  # noqa: DTZ011
    made = today / digest.hexdigest()[:16]
    made.mkdir(parents=True, exist_ok=True)
    for old in today.parent.iterdir():
        if old != today:
            shutil.rmtree(old, ignore_errors=True)
    return made


def kept(name: str, make: Callable[[Path], None]) -> Path:
    """Give the file ``name`` that ``make`` writes, made by the first who asks while the others wait; never write to it."""
    path = folder() / name
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            with tempfile.TemporaryDirectory(dir=folder()) as unfinished:
                new = Path(unfinished) / name
                make(new)
                os.replace(new, path)
    return path
