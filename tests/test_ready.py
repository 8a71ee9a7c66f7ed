"""A machine is made ready, or one sentence says what it lacks; a server that is ended answers what it began."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ready

PROJECT = Path(ready.__file__).parent


def asked(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PROJECT / "ready.py"), *arguments],
        env=os.environ | environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("text", ["abc", "0", "65536", "-1", "8000.0", "８０００", " 8000", "99999999999999999999"])
def test_what_is_no_port_is_refused_in_one_sentence(text: str) -> None:
    refused = asked("port", PORT=text)
    assert refused.returncode == 1
    assert refused.stderr == f"PORT={text} is not a port: give a number from 1 to 65535, for example PORT=8001.\n"


def test_a_port_that_is_taken_is_refused_and_is_free_afterwards() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        refused = asked("port", PORT=str(number))
        assert refused.returncode == 1
        assert refused.stderr.startswith(f"Port {number} is taken: ")
        assert refused.stderr.count("\n") == 1
    assert asked("port", PORT=str(number)).returncode == 0


def test_the_port_is_looked_at_before_anything_is_installed(tmp_path: Path) -> None:
    for name in ("Makefile", "ready.py"):
        (tmp_path / name).write_bytes((PROJECT / name).read_bytes())
    refused = subprocess.run(
        ["make", "run", f"PYTHON={sys.executable}"],
        cwd=tmp_path, env=os.environ | {"PORT": "x"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert refused.returncode != 0
    assert "PORT=x is not a port" in refused.stderr
    assert not (tmp_path / ".venv").exists()


def make_venv(folder: Path, python: str) -> None:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text(f"#!/bin/sh\n{python}\n", encoding="utf-8")
    (folder / "bin" / "python").chmod(0o755)


@pytest.mark.parametrize(
    ("python", "why"),
    [
        pytest.param("echo 3 10", "has Python 3.10, and 3.11 is needed", id="too old"),
        pytest.param("echo 3 12; exit 1", "has no pip", id="without pip"),
        pytest.param("exit 127", "has no Python that runs", id="broken"),
    ],
)
def test_it_is_said_why_an_environment_cannot_be_used(tmp_path: Path, python: str, why: str) -> None:
    make_venv(tmp_path, python)
    assert ready.what_is_wrong(tmp_path) == why


def test_an_environment_that_cannot_be_used_is_made_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "Prosjekt æøå" / ".venv"
    make_venv(folder, "exit 127")
    ready.make_environment(folder)
    assert capsys.readouterr().out == f"{folder} has no Python that runs: it is made anew.\n"
    assert ready.what_is_wrong(folder) is None
    ready.make_environment(folder)
    assert capsys.readouterr().out == ""


def test_a_server_that_is_ended_answers_what_it_began_and_then_stops(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # The real start, with one page that takes its time.
    script = (
        "import time, app\n"
        "made = app.create_app\n"
        "def slow(*given):\n"
        "    served = made(*given)\n"
        "    served.wsgi_app = (lambda inner: lambda environ, start: (time.sleep(1), inner(environ, start))[1])(served.wsgi_app)\n"
        "    return served\n"
        "app.create_app = slow\n"
        "app.main()\n"
        "print('ended in order')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ
        | {
            "PORT": str(port),
            "TRINNVIS_MODE": "production",
            "TRINNVIS_SECRET_KEY": "k" * 64,
            "TRINNVIS_INSTANCE": str(tmp_path),
            "TRINNVIS_SCHEDULER": "inline",
        },
    ) as server:
        try:
            assert server.stdout is not None
            while (line := server.stdout.readline()) and not line.startswith("Trinnvis: "):
                pass
            assert line == f"Trinnvis: http://127.0.0.1:{port}/\n"
            with _connected(port) as client:
                client.sendall(b"GET /logg-inn HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
                time.sleep(0.3)
                server.send_signal(signal.SIGTERM)
                answer = b"".join(iter(lambda: client.recv(65536), b""))
            assert answer.startswith(b"HTTP/1.0 200")
            assert b"</html>" in answer
            assert server.wait(timeout=20) == 0
            assert "ended in order" in server.stdout.read()
        finally:
            server.kill()


def _connected(port: int) -> socket.socket:
    for _ in range(50):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=20)
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise AssertionError("the server does not listen")
