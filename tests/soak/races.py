"""Races through the HTTP API: two requests for the last headroom, and two activations of one algorithm at one trust.

Two server processes share one database; both requests of a trial are sent at the same moment, one to each. Exactly one
must win, the other be refused with the guard that refuses it, and no answer be an error of ours. The winner is sent back
before the next trial. Trials go round several pairs of cases, so that none gets a history that no case ever has, and keep
the ETags that the answers gave, so that a trial is three requests. The module is also the server that this proof starts:

    python -m tests.soak.races serve DATABASE_URL FOLDER PORT
"""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from app import create_app
from contracts import agreements, audit, ceiling
from contracts.extensions import db
from contracts.options import steps as options
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Grant
from contracts.schemas.agreement import load_agreement
from contracts.terms.cost_figures import CostFigures
from tests import desk
from tests.desk import MANAGER, Desk
from tests.measure import Row
from tests.soak.jobs import databases

ROOT = Path(__file__).resolve().parents[2]
FULL = 1000
QUANTITY = 12_000
PAIRS = 8


def by_the_hundred(
    session: Session,
    agreement_id: int,
    trust: str,
    algorithm: str,
    first: date,
    end: date | None,
    quantity: int,
    today: date,
) -> CostFigures:
    """Give figures of a hundred kroner an examination: all of the agreement's maximum for the quantity of this proof."""
    return desk.figures(f"{quantity * 100}.00")


@dataclass(frozen=True, slots=True)
class Contest:
    """Pairs of activations of each of which one may be submitted, and the guard that refuses the other."""

    name: str
    pairs: tuple[tuple[int, int], ...]
    guard: str


@dataclass(frozen=True, slots=True)
class Ground:
    """What a proof on one database needs: tokens, and the contests."""

    manager: str
    approver: str
    contests: tuple[Contest, ...]


def proof_document(algorithms: list[str]) -> dict[str, Any]:
    """Give the small agreement with more algorithms."""
    document = desk.agreement_document(akershus="exercised", nord_norge="exercised")
    known = document["algorithms"]
    known += [known[0] | {"code": code, "product": code} for code in algorithms]
    return document


def prepare(app: Flask, pairs: int) -> Ground:
    """Record the agreement, two drafts for each of so many pairs of each contest with all their papers, and two tokens."""
    now = datetime.now(UTC)
    last, twice = [f"last-{number}" for number in range(pairs)], [f"twice-{number}" for number in range(pairs)]
    with app.app_context(), db.write() as session:
        made = agreements.import_agreement(
            session,
            document=load_agreement(proof_document([*last, *twice])),
            actor=COMMAND_LINE,
            now=now,
        )
        at = Desk(session, made.id, now)
        for algorithm in (*last, *twice):
            at.certify(algorithm)
        for trust in ("akershus", "nord-norge"):
            at.fund(trust, "9000000.00")

        def drafted(trust: str, algorithm: str, quantity: int) -> int:
            case_id = at.draft(trust, algorithm, actor=MANAGER, monthly_quantity=quantity)
            at.file(case_id, actor=MANAGER)
            return int(case_id.name)

        headroom = tuple((drafted("akershus", one, QUANTITY), drafted("nord-norge", one, QUANTITY)) for one in last)
        double = tuple((drafted("nord-norge", one, 1), drafted("nord-norge", one, 1)) for one in twice)
        tokens = [
            access.create_token(session, name=role, grant=Grant(role), actor=COMMAND_LINE, now=now).bearer
            for role in ("contract_manager", "approver")
        ]
    return Ground(
        tokens[0],
        tokens[1],
        (Contest("headroom", headroom, "ceiling"), Contest("double", double, "no_double")),
    )


@contextmanager
def servers(url: str, folder: Path) -> Iterator[list[int]]:
    """Start two servers on one database and give their ports."""
    ports, processes = [_free_port() for _ in range(2)], []
    try:
        for port in ports:
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.soak.races", "serve", url, str(folder), str(port)],
                    cwd=ROOT,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        for port in ports:
            _await(port)
        yield ports
    finally:
        for process in processes:
            process.terminate()
            process.wait()


class Caller:
    """A connection to one server that is kept open."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, method: str, path: str, body: Any = None, etag: str | None = None) -> tuple[int, str, Any]:
        """Send a request and give status, ETag and document."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if etag is not None:
            headers["If-Match"] = etag
        self.connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        content = answer.read()
        return answer.status, answer.headers.get("ETag", ""), json.loads(content) if content else None


class Judge:
    """Lets two submissions meet and sends the winner back; keeps each case's newest ETag."""

    def __init__(self, callers: list[Caller], approver: Caller) -> None:
        self.callers, self.approver = callers, approver
        self.etags: dict[int, str] = {}

    def trial(self, pair: tuple[int, int], guard: str) -> str:
        """Let both of a pair be submitted at once, and tell what came of it: ``one`` where exactly one won."""
        for number in pair:
            if number not in self.etags:
                self.etags[number] = self.callers[0].ask("GET", f"/activations/{number}")[1]
        start = threading.Barrier(2)
        answers: list[tuple[int, str, Any]] = [(0, "", None), (0, "", None)]

        def submit(place: int) -> None:
            start.wait()
            answers[place] = self._step(self.callers[place], pair[place], {"event": "submit"})

        threads = [threading.Thread(target=submit, args=(place,)) for place in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        won = [place for place, answer in enumerate(answers) if answer[0] == 201]
        for place in won:
            back = {"event": "return", "data": {"comment": "next trial"}}
            status, _, told = self._step(self.approver, pair[place], back)
            assert status == 201, told
        if len(won) != 1:
            return f"{len(won)} won: {[answer[0] for answer in answers]}"
        status, _, told = answers[1 - won[0]]
        guards = {error.get("guard") for error in (told or {}).get("errors", [])}
        return "one" if status == 409 and guard in guards else f"the other got {status} {guards}"

    def _step(self, caller: Caller, number: int, asked: dict[str, Any]) -> tuple[int, str, Any]:
        answer = caller.ask("POST", f"/activations/{number}/transitions", asked, etag=self.etags[number])
        if answer[0] == 201:
            self.etags[number] = answer[1]
        return answer


def race(url: str, folder: Path, trials: int) -> dict[str, Counter[str]]:
    """Run trials of both contests on one database, and give how they came out."""
    app = proof_app(url, folder)
    ground = prepare(app, min(PAIRS, max(1, trials // 6)))
    outcomes: dict[str, Counter[str]] = {}
    with servers(url, folder) as ports:
        callers = [Caller(port, ground.manager) for port in ports]
        approver = Caller(ports[0], ground.approver)
        judge = Judge(callers, approver)
        for contest in ground.contests:
            outcomes[contest.name] = Counter(
                judge.trial(contest.pairs[number % len(contest.pairs)], contest.guard) for number in range(trials)
            )
        for caller in (*callers, approver):
            caller.connection.close()
    with app.app_context(), db.read() as session:
        found = audit.verify(session)
        agreement_id = agreements.find_agreement(session).id
        outcomes["afterwards"] = Counter(
            {
                "whole trail" if found.whole else "broken trail": 1,
                f"open {ceiling.standing(session, agreement_id).open}": 1,
            }
        )
    app.extensions["trinnvis_engine"].dispose()
    return outcomes


def proof_app(url: str, folder: Path) -> Flask:
    """Make an app on a proof's database."""
    return create_app({"DATABASE_URL": url, "INSTANCE": str(folder), "SECRET_KEY": "proof" * 8, "EXAMPLE_MODE": True})


def run(count: float) -> list[Row]:
    """Run 1 000 × ``count`` trials of each contest, half of them on each database."""
    trials = max(5, int(FULL * count) // 2)
    rows = []
    folder = Path(tempfile.mkdtemp(prefix="trinnvis-soak-"))
    try:
        with databases(folder) as urls:
            for kind, url in urls.items():
                outcomes = race(url, folder, trials)
                wrong = sum(
                    count for name in ("headroom", "double") for told, count in outcomes[name].items() if told != "one"
                )
                wrong += "whole trail" not in outcomes["afterwards"]
                detail = "; ".join(f"{name}: {dict(told)}" for name, told in outcomes.items())
                rows.append(Row(f"races on {kind}: trials without exactly one winner", wrong, 0, "at_most", detail))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return rows


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _await(port: int, seconds: float = 180.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"no server on port {port} within {seconds} s")


if __name__ == "__main__":
    from waitress import serve

    proved = proof_app(sys.argv[2], Path(sys.argv[3]))
    # In a server's own process only: what the product registered would cost what nobody here can know.
    options._estimates[:] = [by_the_hundred]
    serve(proved, host="127.0.0.1", port=int(sys.argv[4]), threads=4)
