"""What all commands share: how errors are told and with which exit code, JSON in and out, common options.

Exit codes: 0 fine · 1 error · 2 wrong usage · 3 the input is invalid (every error with its place) · 4 differences found ·
5 conflict. With ``--json`` standard output is one document; everything else goes to standard error.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NoReturn, ParamSpec, TypeVar

import click
from flask import current_app
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from contracts import clock, schema_versions
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.schemas.documents import parse_json

INVALID, DIFFERENCES, CONFLICT = 3, 4, 5

P = ParamSpec("P")
R = TypeVar("R")

agreement_option = click.option("--agreement", "agreement_code", help="Which agreement, where there are several.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def reporting_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Tell callers' mistakes on standard error, each with its place, and leave with the exit code of its kind."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except InvalidInput as error:
            for finding in error.errors:
                click.echo(f"{finding.pointer}: {finding.detail}", err=True)
            sys.exit(INVALID)
        except Conflict as error:
            click.echo(str(error), err=True)
            sys.exit(CONFLICT)
        except (NotFound, Denied) as error:
            click.echo(str(error), err=True)
            sys.exit(1)
        except (OperationalError, ProgrammingError):
            lacking = schema_versions.lacking(db.engine)
            if lacking is None:
                raise
            fail(lacking)

    return run


def print_json(document: Any) -> None:
    """Print one JSON document on standard output."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=1))


def read_json(file: str) -> Any:
    """Read a JSON file (``-``: standard input); `InvalidInput` names the line and column where it is none."""
    return parse_json(sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes())


def fail(message: str, code: int = 1) -> NoReturn:
    """Say what went wrong and leave."""
    click.echo(message, err=True)
    sys.exit(code)


def now() -> datetime:
    """Read the clock, here at the edge."""
    return datetime.now(UTC)


def today(session: Session) -> date:
    """Give today's date, or the day the example takes for today."""
    return clock.today(session, example_mode=current_app.config["EXAMPLE_MODE"], now=now())
