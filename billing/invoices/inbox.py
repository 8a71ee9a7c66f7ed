"""The watched folder: documents that another program puts there are taken in once, and moved where one sees what became of
them.

    inbox/          where files arrive
    inbox/taking/   claimed, and being read
    inbox/done/     taken in (or taken in before)
    inbox/refused/  cannot be read, with a file NAME.reason.txt beside it

A file is claimed by one rename when it has rested for some seconds, so no half-written file is read; whoever can should
write under another name (ending in .part or .tmp, or beginning with a dot) and rename. What is claimed is read, recorded in one transaction and
moved. Killed anywhere in between, a file stands in exactly one of the folders and is taken up again; the same bytes are
recorded once, whatever they are called. A file that looks cut off is given ten minutes before it is refused.

With one agreement, files lie in the inbox itself; with several, each has a folder of its own, named by its code.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from sqlalchemy.orm import Session

from billing.ehf.parse import SIZE_LIMIT
from billing.invoices import invoices
from contracts import agreements
from contracts.people.access import Actor, Grant

ACTOR: Final = Actor("service:inbox", "Innboks", (Grant("service"),))
RESTED: Final = timedelta(seconds=10)
PATIENCE: Final = timedelta(minutes=10)
UNFINISHED: Final = (".part", ".tmp", ".filepart", ".crdownload")
TAKING, DONE, REFUSED = "taking", "done", "refused"
# What a document still being written looks like.
_MAY_GROW: Final = frozenset({"truncated", "empty"})

Outcome = Literal["imported", "already_imported", "refused", "waiting"]
Opening = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of one file; ``reason`` says why it was refused."""

    filename: str
    outcome: Outcome
    reason: str | None = None


def take_in(folder: Path, *, read: Opening, write: Opening, now: datetime) -> list[TakenIn]:
    """Take in every document that rests in the folder, each in a transaction of its own; give what became of each.

    ``read`` opens a session, ``write`` a transaction that is committed at its end. A fault (of the database, of the disk)
    leaves its file claimed for the next round and holds up no other file; the first one is raised at the end.
    """
    done: list[TakenIn] = []
    faults: list[Exception] = []
    for place, code in _places(folder, read):
        for name in (TAKING, DONE, REFUSED):
            (place / name).mkdir(parents=True, exist_ok=True)
        for path in sorted(place.iterdir()):
            if _rests(path, now):
                os.replace(path, _free(place / TAKING, path.name))
        for path in sorted((place / TAKING).iterdir()):
            if path.is_file() and not path.name.startswith("."):
                try:
                    done.append(_take(place, path, code, write, now))
                except Exception as fault:
                    faults.append(fault)
    if faults:
        raise faults[0]
    return done


def _places(folder: Path, read: Opening) -> Iterator[tuple[Path, str | None]]:
    """Give each folder that is watched and the agreement whose it is; None where it cannot be told."""
    with read() as session:
        codes = [each.code for each in agreements.list_agreements(session)]
    if not codes:
        return
    yield folder, codes[0] if len(codes) == 1 else None
    for code in codes:
        if (folder / code).is_dir():
            yield folder / code, code


def _rests(path: Path, now: datetime) -> bool:
    if path.name.startswith(".") or path.name.casefold().endswith(UNFINISHED):
        return False
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    # A clock of another machine may be ahead: a file from the future is as old as it is far from now.
    return stat.S_ISREG(found.st_mode) and abs(now.timestamp() - found.st_mtime) >= RESTED.total_seconds()


def _take(place: Path, path: Path, code: str | None, write: Opening, now: datetime) -> TakenIn:
    before = path.stat()
    if before.st_size > SIZE_LIMIT:
        return _refuse(place, path, "too_large", f"the file has {before.st_size} bytes, and the limit is {SIZE_LIMIT}")
    if code is None:
        return _refuse(place, path, "which_agreement", "there are several agreements: use the folder named by its code")
    content = path.read_bytes()
    if _changed(path, before, len(content)):
        return TakenIn(path.name, "waiting")
    with write() as session:
        reading = invoices.import_invoice(
            session,
            agreement_id=agreements.find_agreement(session, code).id,
            filename=path.name,
            content=content,
            actor=ACTOR,
            now=now,
        )
    if reading.id is not None:
        if _changed(path, before, len(content)):
            return TakenIn(path.name, "waiting")  # somebody writes to it still: what it becomes is another document
        _move(path, place / DONE, content)
        return TakenIn(path.name, "imported" if reading.status == "imported" else "already_imported")
    reason = reading.findings[0]
    if reason.rule in _MAY_GROW and abs(now.timestamp() - before.st_mtime) < PATIENCE.total_seconds():
        return TakenIn(path.name, "waiting")
    where = f"line {reason.line}: " if reason.line else ""
    return _refuse(place, path, reason.rule, f"{where}{reason.detail}")


def _changed(path: Path, before: os.stat_result, read: int) -> bool:
    after = path.stat()
    return (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns) or read != before.st_size


def _refuse(place: Path, path: Path, code: str, detail: str) -> TakenIn:
    # The reason first: a refused file never lies there unexplained.
    target = _free(place / REFUSED, path.name)
    unfinished = target.with_name(f".{target.name}.reason.part")
    unfinished.write_text(f"{code}: {detail}\n", encoding="utf-8")
    os.replace(unfinished, target.with_name(f"{target.name}.reason.txt"))
    os.replace(path, target)
    return TakenIn(path.name, "refused", f"{code}: {detail}")


def _move(path: Path, folder: Path, content: bytes) -> None:
    target = folder / path.name
    if target.exists() and target.read_bytes() != content:
        target = folder / f"{path.stem}-{hashlib.sha256(content).hexdigest()[:12]}{path.suffix}"
    os.replace(path, target)


def _free(folder: Path, name: str) -> Path:
    """Give a path in the folder that no other file has."""
    target, number = folder / name, 1
    while target.exists():
        number += 1
        target = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
    return target
