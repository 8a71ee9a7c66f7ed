"""Commands of the trail: verify the chain, keep its head."""

from __future__ import annotations

import sys

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from contracts import audit, clock
from contracts.commands.reporting import DIFFERENCES, json_option, now, print_json, reporting_errors
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE

audit_group = AppGroup("audit", help="The trail of what was done.")


def register(app: Flask) -> None:
    """Give the app these commands."""
    app.cli.add_command(audit_group)


@audit_group.command("verify")
@click.option("--head", help="COUNT:HASH of a head that was kept elsewhere; that the end was cut off shows against it.")
@json_option
@reporting_errors
def verify(head: str | None, as_json: bool) -> None:
    """Compute the chain over all audit events anew; exit 4 and every break where it does not hold."""
    try:
        kept = None if head is None else audit.Head.parse(head)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    with db.read() as session:
        found = audit.verify(session, kept=kept)
    if as_json:
        print_json(
            {
                "whole": found.whole,
                "head": str(found.head),
                "breaks": [{"number": one.number, "code": one.code, "detail": one.detail} for one in found.breaks],
            }
        )
    else:
        for one in found.breaks:
            click.echo(f"{one.code}: {one.detail}")
        click.echo(f"{found.head.count} events, head {found.head}: {'whole' if found.whole else 'BROKEN'}")
    if not found.whole:
        sys.exit(DIFFERENCES)


@audit_group.command("anchor")
@reporting_errors
def anchor() -> None:
    """Keep the chain's head of today, and print it, to be kept elsewhere too."""
    with db.write() as session:
        moment = now()
        today = clock.today(session, example_mode=current_app.config["EXAMPLE_MODE"], now=moment)
        head = audit.anchor(session, on=today, now=moment, by=COMMAND_LINE.id)
    click.echo(str(head))
