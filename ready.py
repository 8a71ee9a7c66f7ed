"""Make a machine ready to serve: a free port, a Python environment, what the requirements name.

    python ready.py port               # PORT (8000 where none is set) can be served on
    python ready.py environment        # .venv is there, with pip and a Python from 3.11 on; else it is made anew
    python ready.py install -r FILE    # what is named as pip is told it, by uv where it can be had, else by pip

What cannot be is said in one sentence, exit code 1. Runs before anything is installed: the standard library only.
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = "8000"
OLDEST_PYTHON = (3, 11)
ENVIRONMENT = Path(".venv")
INSTALL_SECONDS = 600

# What pip is told in its configuration, uv must be told on its command line.
_PIP_SETTINGS = {
    "index-url": "--index-url",
    "extra-index-url": "--extra-index-url",
    "find-links": "--find-links",
    "constraint": "--constraint",
}
_PIP_SETTINGS_OF_ONE_VALUE = ("index-url",)


class NotReady(Exception):
    """What a machine lacks, as one sentence for who started the command."""


def port() -> int:
    """Return the port that PORT names, 8000 where it is not set; `NotReady` where it cannot be served on."""
    text = os.environ.get("PORT") or DEFAULT_PORT
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise NotReady(f"PORT={text} is not a port: give a number from 1 to 65535, for example PORT=8001.")
    number = int(text)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: a port just left is free
        try:
            tried.bind((LOOPBACK, number))
            tried.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise NotReady(
                    f"Port {number} is taken: end what serves there, or choose another, for example PORT={number % 65535 + 1}."
                ) from None
            if error.errno == errno.EACCES:
                raise NotReady(f"Port {number} is not allowed for this user: choose one from 1024 on.") from None
            raise NotReady(f"Port {number} cannot be served on: {error.strerror}.") from None
    return number


def make_environment(folder: Path = ENVIRONMENT) -> None:
    """Make the environment where it is missing, and anew where it has no pip or a Python below 3.11."""
    if sys.version_info < OLDEST_PYTHON:
        raise NotReady(
            f"Python {_written(sys.version_info[:2])} is too old: 3.11 is needed (make run PYTHON=python3.11)."
        )
    wrong = what_is_wrong(folder)
    if wrong is None:
        return
    if wrong:
        print(f"{folder} {wrong}: it is made anew.", flush=True)
        shutil.rmtree(folder)
    made = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True, check=False)
    if made.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        raise NotReady(
            "A Python environment cannot be made here: install the venv module of this Python (Debian: apt-get install python3-venv)."
        )


def install(named: list[str], folder: Path = ENVIRONMENT) -> None:
    """Install what is named (as pip is told it) into the environment, by uv where it can be had, else by pip."""
    python = _python(folder)
    uv = shutil.which("uv") or _own_uv(folder)
    if uv is not None:
        by_uv = [uv, "pip", "install", "--quiet", "--python", str(python), "--index-strategy", "unsafe-best-match"]
        settings = {**os.environ, "UV_NATIVE_TLS": "1", "UV_LINK_MODE": "copy"}
        # A machine's own mirror may be one that only pip reads: then pip has the word.
        if not _run([*by_uv, *_settings_of_pip(python), *named], settings, quiet=True):
            return
    if _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *named], None, quiet=False):
        raise NotReady("What the requirements name could not be installed: pip says above why.")


def what_is_wrong(folder: Path) -> str | None:
    """Say why an environment cannot be used: empty where there is none, None where nothing is wrong."""
    if not folder.exists():
        return ""
    asked = [str(_python(folder)), "-c", "import sys; print(*sys.version_info[:2]); import pip"]
    try:
        answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    except OSError:
        return "has no Python that runs"
    version = tuple(int(part) for part in answer.stdout.split())
    if not version:
        return "has no Python that runs"
    if version < OLDEST_PYTHON:
        return f"has Python {_written(version)}, and 3.11 is needed"
    return None if not answer.returncode else "has no pip"


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _own_uv(folder: Path) -> str | None:
    """Give the uv of the environment, put there where it lacks; None where none can be had within a quarter of a minute."""
    own = folder / "bin" / "uv"
    if not own.exists():
        pip = [str(_python(folder)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--timeout", "15", "--retries", "0", "uv"], None, quiet=True)
    return str(own) if own.exists() else None


def _settings_of_pip(python: Path) -> Iterator[str]:
    """Give where pip looks on this machine, as options of uv."""
    told = subprocess.run([str(python), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    for line in told.stdout.splitlines():
        name, _, value = line.partition("=")
        option = _PIP_SETTINGS.get(name.rpartition(".")[2])
        if option is not None:
            value = value.strip("'\"")
            for each in [value] if name.endswith(_PIP_SETTINGS_OF_ONE_VALUE) else value.split():
                yield from (option, each)


def _run(command: list[str], settings: dict[str, str] | None, *, quiet: bool) -> int:
    try:
        return subprocess.run(
            command, env=settings, capture_output=quiet, check=False, timeout=INSTALL_SECONDS
        ).returncode
    except (OSError, subprocess.TimeoutExpired):
        return 1


def _written(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)


def main(arguments: list[str]) -> int:
    """Do what is asked; 1 and a sentence on standard error where the machine is not ready, 2 where nothing known is asked."""
    try:
        match arguments:
            case ["port"]:
                port()
            case ["environment"]:
                make_environment()
            case ["install", _, *_]:
                install(arguments[1:])
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except NotReady as lacks:
        print(lacks, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
