"""Reminders day by day over six simulated years, with four scheduler processes of which one or another is killed.

The module is also the program that these proofs start and kill:

    python -m tests.soak.reminders schedule DATABASE_URL FOLDER PORT    for each simulated instant on standard input, run
                                                                    the due tasks where this process leads

A mail server of this process counts what arrives. Then: each step of each deadline is one row, written on its day; each
message arrived; and no message arrived more often than its sendings are counted.
"""

from __future__ import annotations

import os
import random
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from email import message_from_bytes
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from flask import Flask

import billing.jobs
from app import create_app
from contracts import deadlines
from contracts.clock import OSLO
from contracts.deadlines import Deadline
from contracts.extensions import db
from contracts.models import Reminder
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Grant
from contracts.reminders import outbox
from contracts.reminders.reminders import STEPS
from contracts.work import schedule
from contracts.work.leader import leadership_of
from tests.measure import Row
from tests.recorded import record_agreement
from tests.soak.jobs import databases, kill

ROOT = Path(__file__).resolve().parents[2]
FIRST, LAST = date(2026, 1, 1), date(2031, 12, 31)
PROCESSES = 4
FULL_KILLS = 80
TASKS = ("write_reminders", "send_mail")
USUAL_TIMES = (time_of_day(0, 10), time_of_day(13))


@dataclass(frozen=True, slots=True)
class Found:
    """What a simulation came to. ``missed``, ``doubled`` and ``uncounted`` are what must not be."""

    days: int
    kills: int
    rows: int
    messages: int
    repeats: int
    missed: int
    doubled: int
    uncounted: int

    @property
    def wrong(self) -> int:
        """Count everything that must not be."""
        return self.missed + self.doubled + self.uncounted


def last_days() -> list[date]:
    """The last days of the proof's deadlines: spread over the years, and on and around each day that is odd."""
    odd = [date(2028, 2, 29), date(2028, 3, 1), date(2027, 2, 28), date(2028, 3, 14)]
    for year in range(FIRST.year, LAST.year + 1):
        for month in (3, 10):
            sunday = max(date(year, month, day) for day in range(25, 32) if date(year, month, day).weekday() == 6)
            odd += [sunday, sunday + timedelta(days=1), sunday + timedelta(days=7)]
    chance = random.Random(29)
    spread = [FIRST + timedelta(days=chance.randrange((LAST - FIRST).days)) for _ in range(40)]
    return sorted({*odd, *spread})


def proof_deadlines(_session: Any, _agreement: int, today: date, _known_at: datetime | None) -> list[Deadline]:
    """Give the deadlines that somebody would see on a day: each from 200 days ahead until it is met, three days late."""
    return [
        Deadline("proof", day.isoformat(), day, "9.1", "option_window", {"trust": "akershus", "trust_name": "Akershus"})
        for day in last_days()
        if -3 <= (day - today).days <= 200
    ]


def proof_app(url: str, folder: Path, port: int) -> Flask:
    """Make an app whose only deadlines are those of this proof."""
    deadlines._sources.clear()
    deadlines.register("proof", proof_deadlines, roles=("contract_manager", "trust_requester"))
    return create_app(
        {
            "TESTING": True,
            "EXAMPLE_MODE": False,
            "SECRET_KEY": "proof" * 8,
            "DATABASE_URL": url,
            "INSTANCE": str(folder),
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": port,
            "SMTP_SECURITY": "off",
            "SMTP_FROM": "trinnvis@example.org",
        }
    )


class Mailbox:
    """Counts the messages that a mail server takes, by their id; armed, it kills whoever hands the next one over.

    Then the message has arrived and the sender never learns of it: the very case in which a sending is repeated.
    """

    def __init__(self) -> None:
        self.arrived: Counter[str] = Counter()
        self.armed: subprocess.Popen[bytes] | None = None
        self.killed = False

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.arrived[message_from_bytes(envelope.content)["Message-ID"]] += 1
        if self.armed is not None:
            self.killed = True
            self.armed.kill()
            self.armed = None
        return "250 OK"


def instants(first: date, last: date) -> Iterator[datetime]:
    """Give the simulated instants: twice a day, and each half hour of a night on which the clock changes."""
    day = first
    while day <= last:
        midnight = datetime.combine(day, time_of_day(), tzinfo=OSLO).astimezone(UTC)
        following = datetime.combine(day + timedelta(days=1), time_of_day(), tzinfo=OSLO).astimezone(UTC)
        if following - midnight != timedelta(days=1):
            yield from (midnight + timedelta(minutes=30 * half) for half in range(10))
        yield from (datetime.combine(day, at, tzinfo=OSLO).astimezone(UTC) for at in USUAL_TIMES if at.hour)
        if following - midnight == timedelta(days=1):
            yield midnight + timedelta(hours=23)
        day += timedelta(days=1)


def simulate(url: str, folder: Path, *, first: date, last: date, kills: int, seed: int) -> Found:
    """Run the schedulers over the days and count what came of it."""
    chance = random.Random(seed)
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=_free_port())
    controller.start()
    app = proof_app(url, folder, controller.port)
    processes: list[subprocess.Popen[bytes]] = []
    try:
        with app.app_context():
            record_agreement()
            with db.write() as session:
                for email, grant in (
                    ("manager@example.org", Grant("contract_manager")),
                    ("requester@example.org", Grant("trust_requester", "akershus")),
                ):
                    access.add_person(
                        session,
                        email=email,
                        name=email,
                        password=None,
                        grants=[grant],
                        actor=COMMAND_LINE,
                        now=datetime.combine(first, time_of_day(), tzinfo=UTC),
                    )
        processes += [_start(url, folder, controller.port) for _ in range(PROCESSES)]
        for process in processes:
            _answer(process)
        moments = list(instants(first, last))
        # On a day's last instant nobody dies: what a day did not do at all, no scheduler could.
        mortal = [number for number, one in enumerate(moments) if one.astimezone(OSLO).hour < 22]
        dying = set(chance.sample(mortal, min(kills // 2, len(mortal))))
        sending_days = {due - timedelta(days=step) for due in last_days() for step in STEPS}
        days = [moment.astimezone(OSLO).date() for moment in moments]
        eventful = [number for number in mortal if days[number] in sending_days and days[number - 1] != days[number]]
        posted = set(chance.sample(eventful, min(kills - kills // 2, len(eventful)))) - dying
        died, victim = 0, processes[0]
        for number, moment in enumerate(moments):
            if number in posted:
                victim = mailbox.armed = processes[_leader(processes)]
            for process in processes:
                assert process.stdin is not None
                process.stdin.write(f"{moment.isoformat()}\n".encode())
            if number in dying:
                time.sleep(chance.uniform(0.0, 0.03))
                # Whoever leads dies: the others would not be missed.
                leader = _leader(processes) if chance.random() < 0.8 else chance.randrange(PROCESSES)
                kill(processes[leader])
                processes[leader] = _start(url, folder, controller.port)
                died += 1
            answered = [_answer(process) for process in processes]
            for place, process in enumerate(processes):
                if mailbox.killed and process is victim:
                    kill(process)
                    processes[place] = _start(url, folder, controller.port)
                    assert _answer(processes[place])
                    mailbox.killed, died = False, died + 1
                else:
                    assert answered[place], "a scheduler process ended by itself"
            mailbox.armed = None
        with app.app_context(), db.read() as session:
            rows = session.query(Reminder).all()
            told = outbox.told(session)
    finally:
        for process in processes:
            kill(process)
        controller.stop()
        app.extensions["trinnvis_engine"].dispose()
    places = Counter((row.key, row.step) for row in rows)
    expected = {
        (due.isoformat(), step): due - timedelta(days=step)
        for due in last_days()
        for step in STEPS
        if first <= due - timedelta(days=step) <= last
    }
    on_time = {
        (row.key, row.step) for row in rows if not row.passed_over and expected.get((row.key, row.step)) == row.on
    }
    arrived = mailbox.arrived
    return Found(
        days=(last - first).days + 1,
        kills=died,
        rows=len(rows),
        messages=len(told),
        repeats=sum(one.repeats for one in told),
        missed=len(set(expected) - on_time) + sum(1 for one in told if not arrived[one.message_id]),
        doubled=sum(count - 1 for count in places.values()),
        uncounted=sum(1 for one in told if arrived[one.message_id] - 1 > one.repeats),
    )


def run(count: float) -> list[Row]:
    """Simulate six years × ``count`` (at least 60 days, around the first winter) on each database."""
    length = max(60, int(((LAST - FIRST).days + 1) * count))
    first = FIRST if count >= 1 else date(2027, 9, 20)
    last = min(LAST, first + timedelta(days=length - 1))
    rows = []
    folder = Path(tempfile.mkdtemp(prefix="trinnvis-soak-"))
    try:
        with databases(folder) as urls:
            for kind, url in urls.items():
                found = simulate(url, folder, first=first, last=last, kills=max(8, int(FULL_KILLS * count)), seed=7)
                detail = (
                    f"{found.days} days, {found.kills} kills of {PROCESSES} schedulers: {found.rows} rows, "
                    f"{found.messages} messages; {found.missed} missed, {found.doubled} doubled, "
                    f"{found.repeats} repeated sendings, {found.uncounted} not counted"
                )
                rows.append(
                    Row(f"reminders on {kind}: missed, doubled or not counted", found.wrong, 0, "at_most", detail)
                )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return rows


def _free_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _start(url: str, folder: Path, port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.soak.reminders", "schedule", url, str(folder), str(port)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
    )


_LED: dict[int, bool] = {}


def _answer(process: subprocess.Popen[bytes], seconds: float = 600.0) -> bool:
    """Wait for a process's line about the instant it was told, or that it is ready; false where it is dead."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        assert selector.select(seconds), "a scheduler process says nothing"
    line = process.stdout.readline().decode().strip()
    _LED[process.pid] = line == "led"
    return bool(line)


def _leader(processes: list[subprocess.Popen[bytes]]) -> int:
    return next((place for place, process in enumerate(processes) if _LED.get(process.pid)), 0)


def _schedule(app: Flask) -> None:
    leadership = leadership_of(app.extensions["trinnvis_engine"])
    leads = False
    print("ready", flush=True)
    for line in sys.stdin:
        now = datetime.fromisoformat(line.strip())
        leads = leadership.still_leads() if leads else leadership.try_lead()
        if leads:
            for name in TASKS:
                billing.jobs.run_due(app, schedule.TASKS[name], f"proof:{os.getpid()}", now=now)
        print("led" if leads else "stood by", flush=True)


if __name__ == "__main__":
    _schedule(proof_app(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])))
