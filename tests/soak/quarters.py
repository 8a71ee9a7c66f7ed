"""Quarters under kill -9: closings and corrections die at random instants; what was acknowledged is there, once and whole.

The module is also the program that the proof starts and kills:

    python -m tests.soak.quarters DATABASE_URL FOLDER SEED

It takes late counts in, corrects them, closes the quarter and opens it again, for ever, and prints each act when its
transaction is over. Two of them work on one database. Afterwards the rows are held against what was printed, and every run
against its own document.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy import func, select

from app import create_app
from billing.models import Correction, QuarterClosing, QuarterReopening
from billing.quarters import closing as quarters
from billing.quarters import corrections
from billing.quarters import runs as closings
from billing.quarters.frozen import FrozenQuarter
from billing.usage import metering
from contracts import agreements
from contracts.errors import Conflict
from contracts.extensions import db
from contracts.models import AuditEvent, Document
from contracts.people.access import COMMAND_LINE
from contracts.schemas.agreement import load_agreement
from tests import examples
from tests.measure import Row
from tests.soak.jobs import databases

ROOT = Path(__file__).resolve().parents[2]
FULL_KILLS = 200
QUARTER = "2024-Q1"
TODAY = date(2024, 4, 15)
DAYS = [date(2024, 1, 1) + timedelta(days=number) for number in range(91)]


def proof_app(url: str, folder: Path) -> Flask:
    """Make an app on a proof's database."""
    return create_app({"TESTING": True, "DATABASE_URL": url, "INSTANCE": str(folder)})


def act(kind: str, chance: random.Random) -> str | None:
    """Do one act in a transaction of its own and give what to acknowledge; ``None`` where it was not to be done."""
    now = datetime.now(UTC)
    try:
        with db.write() as session:
            agreement_id = agreements.find_agreement(session).id
            if kind == "close":
                closed = quarters.close(
                    session,
                    agreement_id=agreement_id,
                    quarter=QUARTER,
                    actor=COMMAND_LINE,
                    now=now,
                    today=TODAY,
                    accept_missing=True,
                )
                told = f"close {closed.run.number} {closed.run.sha256}"
            elif kind == "reopen":
                state = quarters.reopen(
                    session,
                    agreement_id=agreement_id,
                    quarter=QUARTER,
                    reason="proof",
                    actor=COMMAND_LINE,
                    now=now,
                    today=TODAY,
                )
                told = f"reopen {state.runs[-1].number}"
            else:
                made = corrections.record_correction(
                    session,
                    agreement_id=agreement_id,
                    trust=chance.choice(["vestre-viken", "sykehuset-ostfold"]),
                    algorithm="xray-skeletal",
                    on=chance.choice(DAYS),
                    change=chance.randrange(1, 9),
                    reason_code="not_counted",
                    reason="proof",
                    actor=COMMAND_LINE,
                    now=now,
                )
                told = f"correct {made.id} {made.change}"
    except Conflict:
        return None
    return told


def work(app: Flask, seed: int) -> None:
    """Act at random until killed; say each act once its transaction is over."""
    chance = random.Random(seed)
    with app.app_context():
        print("working", flush=True)
        while True:
            told = act(chance.choices(("close", "reopen", "correct"), (4, 2, 4))[0], chance)
            if told is not None:
                print(told, flush=True)


def prepare(url: str, folder: Path) -> Flask:
    """Record the small agreement."""
    app = proof_app(url, folder)
    with app.app_context(), db.write() as session:
        agreements.import_agreement(
            session, document=load_agreement(examples.agreement()), actor=COMMAND_LINE, now=datetime.now(UTC)
        )
    return app


def start(url: str, folder: Path, seed: int, log: Path) -> subprocess.Popen[bytes]:
    """Start this module as a process that writes what it acknowledges to a file."""
    with log.open("ab") as out, (folder / "errors.txt").open("ab") as err:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.soak.quarters", url, str(folder), str(seed)], cwd=ROOT, stdout=out, stderr=err
        )


def kill_at_random(url: str, folder: Path, kills: int, seed: int) -> tuple[Counter[str], int]:
    """Let two processes act, kill one or the other at random instants; give what is wrong by kind, and the acts told."""
    app = prepare(url, folder)
    chance = random.Random(seed)
    logs = [folder / f"log-{place}.txt" for place in range(2)]
    for log in logs:
        log.write_bytes(b"")
    workers = [start(url, folder, seed + place, logs[place]) for place in range(2)]
    try:
        for number in range(kills):
            place = chance.randrange(2)
            _await_acts(logs[place], workers[place])
            time.sleep(chance.uniform(0.0, 0.15))
            workers[place].kill()
            workers[place].wait()
            with logs[place].open("ab") as log:
                log.write(b"\nkilled\n")
            workers[place] = start(url, folder, seed + 2 + number, logs[place])
        _await_told(logs)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    told = _told(logs)
    with app.app_context():
        wrong = verify(told)
    app.extensions["trinnvis_engine"].dispose()
    errors = (folder / "errors.txt").read_text()
    wrong["errors"] += errors.count("Traceback")
    return wrong, len(told)


def _told(logs: list[Path]) -> list[str]:
    return [line for log in logs for line in log.read_text().splitlines() if line.count(" ")]


def _await_told(logs: list[Path]) -> None:
    """Wait until something was acknowledged: on a slow machine every kill may come before the first act is over."""
    end = time.monotonic() + 60
    while not _told(logs):
        assert time.monotonic() < end, "nothing was acknowledged in a minute"
        time.sleep(0.02)


def _await_acts(log: Path, worker: subprocess.Popen[bytes]) -> None:
    """Wait until a process has begun to act, so that a kill falls into an act and not into its start."""
    end = time.monotonic() + 60
    while time.monotonic() < end and worker.poll() is None:
        if b"working" in log.read_bytes().rsplit(b"killed", 1)[-1]:
            return
        time.sleep(0.02)
    raise AssertionError("a process ended, or did not begin, before it was killed")


def verify(told: list[str]) -> Counter[str]:
    """Hold the rows against what was acknowledged: lost, doubled, half-done."""
    wrong: Counter[str] = Counter()
    acts: dict[str, dict[int, str]] = {"close": {}, "reopen": {}, "correct": {}}
    for line in told:
        words = line.split()
        if len(words) > 1 and words[0] in acts:
            kept = acts[words[0]].setdefault(int(words[1]), words[-1])
            wrong["doubled"] += kept != words[-1]
    with db.read() as session:
        agreement_id = agreements.find_agreement(session).id
        runs = closings.runs(session, agreement_id, QUARTER)
        by_number = {run.number: run for run in runs}
        for number, sha256 in acts["close"].items():
            wrong["lost"] += number not in by_number or by_number[number].sha256 != sha256
        wrong["lost"] += sum(
            number not in by_number or by_number[number].reopening is None for number in acts["reopen"]
        )
        corrected = {row.id: row.change for row in session.scalars(select(Correction))}
        wrong["lost"] += sum(corrected.get(id_) != int(change) for id_, change in acts["correct"].items())
        wrong["doubled"] += [run.number for run in runs] != list(range(1, len(runs) + 1))
        wrong["half-done"] += sum(run.reopening is None for run in runs[:-1])
        usage = metering.daily_usage(session, agreement_id=agreement_id)
        wrong["half-done"] += sum(each.quantity for each in usage) != sum(corrected.values())
        for run in runs:
            content = closings.frozen_bytes(session, run)
            frozen = FrozenQuarter.from_bytes(content)
            wrong["half-done"] += (
                hashlib.sha256(content).hexdigest() != run.sha256
                or frozen.total != run.total
                or sum(line.net for line in frozen.lines) != run.total
                or sum(change for id_, change in corrected.items() if id_ <= run.correction_mark)
                != sum(each.quantity for each in frozen.request.usage)
            )
        counted = {
            "quarter.close": session.scalar(select(func.count()).select_from(QuarterClosing)),
            "quarter.reopen": session.scalar(select(func.count()).select_from(QuarterReopening)),
            "usage.correct": len(corrected),
        }
        for action, number in counted.items():
            events = session.scalar(select(func.count()).select_from(AuditEvent).where(AuditEvent.action == action))
            wrong["half-done"] += events != number
        used = select(QuarterClosing.document_id)
        wrong["half-done"] += session.scalar(select(func.count()).where(Document.id.not_in(used))) or 0
    return wrong


def run(count: float) -> list[Row]:
    """Kill 200 × ``count`` processes, at least ten, half of them on each database."""
    kills = max(5, int(FULL_KILLS * count) // 2)
    rows = []
    folder = Path(tempfile.mkdtemp(prefix="trinnvis-soak-"))
    try:
        with databases(folder) as urls:
            for kind, url in urls.items():
                place = folder / kind
                place.mkdir()
                wrong, told = kill_at_random(url, place, kills, seed=kills)
                detail = f"{kills} kills of 2 processes, {told} acts acknowledged: {json.dumps(dict(+wrong))}"
                name = f"quarters on {kind}: acknowledged acts lost, doubled or half-done by kill -9"
                rows.append(Row(name, wrong.total(), 0, "at_most", detail))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return rows


if __name__ == "__main__":
    work(proof_app(sys.argv[1], Path(sys.argv[2])), int(sys.argv[3]))
