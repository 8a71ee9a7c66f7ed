"""Commands about people, their roles, and the tokens of programs."""

from __future__ import annotations

from datetime import timedelta

import click
from flask import Flask
from flask.cli import AppGroup

from contracts.commands.reporting import json_option, now, print_json, reporting_errors
from contracts.extensions import db
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Grant

user_group = AppGroup("user", help="People and their roles.")
token_group = AppGroup("token", help="Tokens for programs.")


def register(app: Flask) -> None:
    """Give the app the commands of people and tokens."""
    app.cli.add_command(user_group)
    app.cli.add_command(token_group)


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
