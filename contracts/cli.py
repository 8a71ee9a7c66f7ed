"""Commands about what was agreed: agreements, options, people, tokens, the database. Each calls one use case.

Exit codes: 0 fine · 1 error · 2 wrong usage · 3 the input is invalid (every error with its place) · 4 differences found ·
5 conflict. With ``--json`` standard output is one document; everything else goes to standard error.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn, ParamSpec, TypeVar

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy.exc import OperationalError, ProgrammingError

from contracts import access, agreements, schema_versions
from contracts.access import COMMAND_LINE, Grant
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.models import Base
from contracts.schemas.agreement import dump_agreement, load_agreement
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
            if schema_versions.at_head(db.engine):
                raise
            fail("the database's schema is not at the newest revision: run `flask --app app db upgrade`")

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


agreement_group = AppGroup("agreement", help="Agreements as one document.")
option_group = AppGroup("option", help="Options of the named holders.")
user_group = AppGroup("user", help="People and their roles.")
token_group = AppGroup("token", help="Tokens for programs.")
db_group = AppGroup("db", help="The database's schema.")


def register(app: Flask) -> None:
    """Give the app this half's commands."""
    for group in (agreement_group, option_group, user_group, token_group, db_group):
        app.cli.add_command(group)


@agreement_group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@json_option
@reporting_errors
def import_agreement(file: str, as_json: bool) -> None:
    """Take in an agreement from one JSON FILE: parties, holders, price book, activations."""
    document = load_agreement(read_json(file))
    with db.write() as session:
        done = agreements.import_agreement(session, document=document, actor=COMMAND_LINE, now=now())
    if as_json:
        print_json({"agreement": done.code, "status": done.status})
    else:
        click.echo(f"{done.code}: {done.status.replace('_', ' ')}")


@agreement_group.command("export")
@agreement_option
@click.argument("code", required=False)
@reporting_errors
def export_agreement(code: str | None, agreement_code: str | None) -> None:
    """Print an agreement as the document that `agreement import` reads."""
    with db.read() as session:
        found = agreements.find_agreement(session, code or agreement_code)
        print_json(dump_agreement(agreements.export_agreement(session, agreement_id=found.id)))


@user_group.command("add")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option("--role", "roles", multiple=True, required=True, help="A role, or role@trust; may be repeated.")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
@reporting_errors
def add_user(email: str, name: str, roles: tuple[str, ...], password: str) -> None:
    """Add a person who signs in with a password."""
    grants = [Grant(role, trust or None) for role, _, trust in (text.partition("@") for text in roles)]
    with db.write() as session:
        person = access.add_person(
            session, email=email, name=name, password=password, grants=grants, actor=COMMAND_LINE, now=now()
        )
        click.echo(f"{person.email}: added with {', '.join(roles)}")


@token_group.command("create")
@click.option("--name", required=True)
@click.option("--role", required=True)
@click.option("--trust", help="Restrict the token to one trust.")
@click.option("--act", "acts", multiple=True, help="Narrow the role to an act, such as read; may be repeated.")
@click.option("--days", type=click.IntRange(1, 365), default=365, show_default=True, help="How long it lives.")
@json_option
@reporting_errors
def create_token(name: str, role: str, trust: str | None, acts: tuple[str, ...], days: int, as_json: bool) -> None:
    """Make a token; its secret is printed this once and kept as a hash only."""
    with db.write() as session:
        issued = access.create_token(
            session,
            name=name,
            grant=Grant(role, trust),
            acts=acts or None,
            lifetime=timedelta(days=days),
            actor=COMMAND_LINE,
            now=now(),
        )
    _print_token(issued, as_json)


@token_group.command("rotate")
@click.argument("token_id")
@click.option("--overlap", type=click.IntRange(0, 30), default=0, help="Days that the former secret lives on.")
@click.option("--days", type=click.IntRange(1, 365), default=365, show_default=True, help="How long the new one lives.")
@json_option
@reporting_errors
def rotate_token(token_id: str, overlap: int, days: int, as_json: bool) -> None:
    """Give a token another secret, printed this once; the former one ends at once or after some days."""
    moment = now()
    with db.write() as session:
        issued = access.rotate_token(
            session,
            public_id=token_id,
            former_until=moment + timedelta(days=overlap),
            lifetime=timedelta(days=days),
            actor=COMMAND_LINE,
            now=moment,
        )
    _print_token(issued, as_json)


@token_group.command("revoke")
@click.argument("token_id")
@reporting_errors
def revoke_token(token_id: str) -> None:
    """Let a token open nothing from now on."""
    with db.write() as session:
        access.revoke_token(session, public_id=token_id, actor=COMMAND_LINE, now=now())
    click.echo(f"{token_id}: revoked")


def _print_token(issued: access.IssuedToken, as_json: bool) -> None:
    if as_json:
        print_json({"id": issued.public_id, "secret": issued.secret, "bearer": issued.bearer})
    else:
        click.echo(f"id      {issued.public_id}\nsecret  {issued.secret}\nbearer  {issued.bearer}")
        click.echo("The secret is not shown again.", err=True)


@db_group.command("upgrade")
@reporting_errors
def upgrade() -> None:
    """Bring the database's schema to the newest revision."""
    schema_versions.upgrade(db.engine)
    click.echo("the schema is at the newest revision", err=True)


@db_group.command("check")
@reporting_errors
def check() -> None:
    """Say whether the schema is at the newest revision and agrees with the models; exit 1 if not."""
    if not schema_versions.at_head(db.engine):
        fail("the schema is not at the newest revision: run `flask --app app db upgrade`")
    differing = schema_versions.differences(db.engine, Base.metadata)
    if differing:
        fail("\n".join(["the schema differs from the models:", *differing]))
    click.echo("the schema is at the newest revision and agrees with the models")
