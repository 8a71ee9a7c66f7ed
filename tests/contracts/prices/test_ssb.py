"""Fetching from a statistics office: against a server of this machine that the test starts, and off unless turned on."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from contracts.extensions import db
from contracts.prices import index_values, ssb
from tests.index_files import CSV, as_file, json_stat

TABLE = ["03013", "--select", "Konsumgrp=TOTAL", "--select", "ContentsCode=KpiIndMnd", "--months", "3"]


class Office:
    """A statistics office on the loopback: what it was asked, and what it will answer."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.status = 200
        self.content = as_file(json_stat())
        self.wait = threading.Event()
        self.wait.set()


@pytest.fixture
def office() -> Iterator[tuple[Office, str]]:
    told = Office()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.asked.append((self.path, json.loads(body)))
            told.wait.wait(5)
            self.send_response(told.status)
            if told.status == 302:
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Length", str(len(told.content)))
            self.end_headers()
            self.wfile.write(told.content)

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield told, f"http://127.0.0.1:{server.server_port}/table"
    told.wait.set()
    server.shutdown()
    server.server_close()
    thread.join()


def run(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=["index-values", *words])


@pytest.fixture
def fetching(app: Flask, office: tuple[Office, str]) -> Flask:
    app.config.update(SSB=True, SSB_URL=office[1])
    return app


def test_fetching_is_off_unless_it_is_turned_on(app: Flask, office: tuple[Office, str]) -> None:
    app.config["SSB_URL"] = office[1]
    assert app.config["SSB"] is False
    refused = run(app, "fetch", *TABLE)
    assert (refused.exit_code, office[0].asked) == (1, [])
    assert "TRINNVIS_SSB=on" in refused.stderr


def test_a_table_is_asked_for_and_its_answer_imported(fetching: Flask, office: tuple[Office, str]) -> None:
    done = run(fetching, "fetch", *TABLE, "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["new"] == 5
    assert office[0].asked == [
        (
            "/table/03013",
            {
                "query": [
                    {"code": "Konsumgrp", "selection": {"filter": "item", "values": ["TOTAL"]}},
                    {"code": "ContentsCode", "selection": {"filter": "item", "values": ["KpiIndMnd"]}},
                    {"code": "Tid", "selection": {"filter": "top", "values": ["3"]}},
                ],
                "response": {"format": "json-stat2"},
            },
        )
    ]
    with db.read() as session:
        assert len(index_values.values_of(session, "03013", "TOTAL")) == 3


@pytest.mark.parametrize("status", [302, 404, 500, 503])
def test_an_error_or_a_redirect_of_the_office_is_told_and_nothing_recorded(
    fetching: Flask, office: tuple[Office, str], status: int
) -> None:
    office[0].status = status
    refused = run(fetching, "fetch", *TABLE)
    assert (refused.exit_code, f"answered {status}" in refused.stderr) == (1, True)


def test_an_answer_that_is_no_table_is_refused_with_its_place(fetching: Flask, office: tuple[Office, str]) -> None:
    office[0].content = b"<html>maintenance</html>"
    refused = run(fetching, "fetch", *TABLE)
    assert (refused.exit_code, "#/line/1" in refused.stderr) == (3, True)


def test_an_answer_without_end_is_cut(office: tuple[Office, str]) -> None:
    office[0].content = b"x" * (ssb.LARGEST_ANSWER + 1)
    with pytest.raises(ssb.FetchFailed, match="more than"):
        ssb.fetch_table(office[1], "03013", {})


def test_an_office_that_does_not_answer_is_not_waited_for(office: tuple[Office, str]) -> None:
    office[0].wait.clear()
    with pytest.raises(ssb.FetchFailed, match="did not give table"):
        ssb.fetch_table(office[1], "03013", {}, timeout=0.2)


@pytest.mark.parametrize("service", ["file:///etc", "ftp://example.org", "data.ssb.no"])
def test_only_http_is_asked(service: str) -> None:
    with pytest.raises(ssb.FetchFailed, match="no address of http"):
        ssb.fetch_table(service, "03013", {})


def test_a_table_code_cannot_lead_elsewhere(office: tuple[Office, str]) -> None:
    ssb.fetch_table(office[1], "../x?y", {})
    assert office[0].asked[0][0] == "/table/..%2Fx%3Fy"


def test_a_file_is_imported_once_by_command(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "kpi.csv"
    file.write_bytes(CSV)
    first = run(app, "import", str(file), "--json")
    assert (first.exit_code, json.loads(first.stdout)["status"]) == (0, "imported")
    assert json.loads(run(app, "import", str(file), "--json").stdout)["status"] == "already_imported"
    file.write_bytes(CSV.replace(b"2024-08", b"2024-18"))
    refused = run(app, "import", str(file))
    assert (refused.exit_code, "#/line/3/month" in refused.stderr) == (3, True)
