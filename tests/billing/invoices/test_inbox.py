"""The watched folder: every file once, none half read, wherever the process is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from billing.invoices import inbox
from billing.jobs import run_due
from billing.models import Invoice
from contracts.extensions import db
from contracts.work import schedule
from tests import examples
from tests.billing.invoices.test_invoice_intake import LINE, document, replace
from tests.conftest import ROOT
from tests.recorded import record_agreement

NOW = datetime(2026, 10, 15, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty watched folder."""
    made = tmp_path / "inbox"
    made.mkdir()
    return made


def put(folder: Path, name: str, content: bytes, age: timedelta = timedelta(minutes=1), now: datetime = NOW) -> Path:
    path = folder / name
    path.write_bytes(content)
    written = (now - age).timestamp()
    os.utime(path, (written, written))
    return path


def look(folder: Path, now: datetime = NOW) -> list[tuple[str, str]]:
    return [(each.filename, each.outcome) for each in inbox.take_in(folder, read=db.read, write=db.write, now=now)]


def recorded() -> int:
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(Invoice)) or 0


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_document_is_taken_in_once_and_moved(database: Flask, folder: Path) -> None:
    record_agreement()
    content = document()
    put(folder, "a.xml", content)
    assert look(folder) == [("a.xml", "imported")]
    assert names(folder) == ["done/a.xml"]
    assert look(folder) == []
    put(folder, "a.xml", content)
    put(folder, "b.xml", content)
    assert look(folder) == [("a.xml", "already_imported"), ("b.xml", "already_imported")]
    assert names(folder) == ["done/a.xml", "done/b.xml"]
    assert recorded() == 1


def test_another_document_under_a_name_used_before_lies_beside_the_first(app: Flask, folder: Path) -> None:
    record_agreement()
    for content in (document(), document(number="10046")):
        put(folder, "faktura.xml", content)
        assert look(folder) == [("faktura.xml", "imported")]
    first, second = names(folder)
    assert second == "done/faktura.xml"
    assert first.startswith("done/faktura-")


def test_what_cannot_be_read_is_moved_with_a_reason_beside_it(app: Flask, folder: Path) -> None:
    record_agreement()
    put(folder, "x.xml", b"<html/>")
    put(folder, "y.pdf", b"%PDF-1.7")
    put(folder, "z.xml", document())
    assert look(folder) == [("x.xml", "refused"), ("y.pdf", "refused"), ("z.xml", "imported")]
    assert names(folder) == [
        "done/z.xml",
        "refused/x.xml",
        "refused/x.xml.reason.txt",
        "refused/y.pdf",
        "refused/y.pdf.reason.txt",
    ]
    assert (folder / "refused" / "x.xml.reason.txt").read_text().startswith("wrong_root: line 1: ")


def test_a_file_too_large_is_refused_without_being_read(app: Flask, folder: Path) -> None:
    record_agreement()
    path = put(folder, "big.xml", b"")
    with path.open("r+b") as file:
        file.truncate(inbox.SIZE_LIMIT + 1)
    os.utime(path, ((NOW - timedelta(minutes=1)).timestamp(),) * 2)
    assert look(folder) == [("big.xml", "refused")]
    assert (folder / "refused" / "big.xml.reason.txt").read_text().startswith("too_large: ")


def test_a_file_is_left_until_it_rests_and_names_of_unfinished_files_are_left_for_good(
    app: Flask, folder: Path
) -> None:
    record_agreement()
    put(folder, "now.xml", document(), age=timedelta(seconds=3))
    put(folder, "half.xml.part", document()[:100])
    put(folder, ".hidden.xml", document()[:100])
    os.symlink(put(folder.parent, "elsewhere.xml", document()), folder / "link.xml")
    assert look(folder) == []
    assert look(folder, NOW + timedelta(seconds=8)) == [("now.xml", "imported")]
    assert {".hidden.xml", "half.xml.part", "link.xml"} < set(names(folder))


def test_a_file_that_looks_cut_off_is_given_time_and_read_whole(app: Flask, folder: Path) -> None:
    record_agreement()
    content = document()
    put(folder, "slow.xml", content[:-300])
    assert look(folder) == [("slow.xml", "waiting")]
    # Its writer held the file open all the while, and goes on where the file lies now.
    put(folder / "taking", "slow.xml", content, now=NOW + timedelta(minutes=2))
    assert look(folder, NOW + timedelta(minutes=2)) == [("slow.xml", "imported")]
    put(folder, "never.xml", content[:-300])
    assert look(folder) == [("never.xml", "waiting")]
    assert look(folder, NOW + timedelta(minutes=11)) == [("never.xml", "refused")]


def test_with_several_agreements_each_has_a_folder_of_its_own(app: Flask, folder: Path) -> None:
    record_agreement()
    record_agreement(examples.agreement("ra-two"))
    (folder / "ra-two").mkdir()
    put(folder, "whose.xml", document())
    put(folder / "ra-two", "ours.xml", document())
    assert look(folder) == [("whose.xml", "refused"), ("ours.xml", "imported")]
    assert (folder / "refused" / "whose.xml.reason.txt").read_text().startswith("which_agreement: ")
    with db.read() as session:
        assert session.scalars(select(Invoice)).one().agreement_id == 2


def test_a_fault_at_one_file_holds_up_no_other_and_is_told(app: Flask, folder: Path) -> None:
    record_agreement()
    put(folder, "a.xml", document())
    put(folder, "b.xml", document(number="2"))
    look(folder, NOW - timedelta(seconds=65))  # makes the folders, and finds nothing at rest
    os.replace(folder / "a.xml", folder / "taking" / "a.xml")
    (folder / "done" / "a.xml").mkdir()  # the disk has a folder where the file is to go
    with pytest.raises(IsADirectoryError):
        look(folder)
    assert "done/b.xml" in names(folder)
    (folder / "done" / "a.xml").rmdir()
    assert look(folder) == [("a.xml", "already_imported")]


@pytest.mark.parametrize("after", ["claimed", "recorded", "reason"])
def test_killed_in_the_middle_a_file_is_taken_up_again_and_recorded_once(
    app: Flask, folder: Path, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    record_agreement()
    good = after != "reason"
    put(folder, "a.xml", document() if good else b"<html/>")

    class Killed(BaseException):
        """What a kill looks like from inside: no handler runs."""

    moves = []
    real = os.replace

    def killed_at(source: Path, target: Path) -> None:
        moves.append(target)
        # The first move claims; of a refused file the second one sets the reason, the last one moves the file.
        if len(moves) == {"claimed": 1, "recorded": 2, "reason": 3}[after]:
            if after == "claimed":
                real(source, target)
            raise Killed
        real(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", killed_at)
        with pytest.raises(Killed):
            look(folder)
    assert "taking/a.xml" in names(folder)
    assert recorded() == (1 if after == "recorded" else 0)
    expected = {"claimed": "imported", "recorded": "already_imported", "reason": "refused"}[after]
    assert look(folder) == [("a.xml", expected)]
    assert recorded() == (1 if good else 0)
    assert not [name for name in names(folder) if name.startswith(("taking", "a.xml"))]


KILLED = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from tests.conftest import make_app
from billing.invoices import inbox
from contracts.extensions import db
app = make_app(sys.argv[1], Path(sys.argv[2]).parent)
with app.app_context():
    print("begins", flush=True)
    inbox.take_in(Path(sys.argv[2]), read=db.read, write=db.write, now=datetime.now(UTC))
"""


def test_a_process_that_is_really_killed_loses_and_doubles_nothing(app: Flask, sqlite_url: str, folder: Path) -> None:
    record_agreement()
    present = datetime.now(UTC)
    for number in range(12):
        put(folder, f"{number:02}.xml", document(number=str(number)), now=present)
    for wait in (0.05, 0.25, 0.5):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, sqlite_url, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    look(folder, datetime.now(UTC))
    assert names(folder) == [f"done/{number:02}.xml" for number in range(12)]
    assert recorded() == 12


def test_the_scheduled_task_takes_in_what_rests_and_does_nothing_without_a_folder(app: Flask, folder: Path) -> None:
    record_agreement()
    put(folder, "a.xml", document(replace(LINE, name="Bruddvis, januar")), now=datetime.now(UTC))
    task = schedule.TASKS["take_in_invoices"]
    assert run_due(app, task) is not None
    assert recorded() == 0
    app.config["INBOX"] = str(folder)
    assert run_due(app, task, now=datetime.now(UTC) + timedelta(minutes=1)) is not None
    assert (recorded(), names(folder)) == (1, ["done/a.xml"])


def test_the_command_takes_in_a_folder_now(app: Flask, folder: Path) -> None:
    record_agreement()
    put(folder, "a.xml", document(), now=datetime.now(UTC))
    put(folder, "b.xml", b"<html/>", now=datetime.now(UTC))
    told = app.test_cli_runner().invoke(args=["invoice", "inbox", str(folder)])
    assert told.exit_code == 3
    assert told.stdout.splitlines()[0] == "a.xml: imported"
    assert told.stdout.splitlines()[1].startswith("b.xml: refused: wrong_root: ")
