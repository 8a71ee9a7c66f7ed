"""Commands that take an agreement in and give it out again."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup

from contracts import agreements
from contracts.commands.reporting import agreement_option, json_option, now, print_json, read_json, reporting_errors
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from contracts.schemas.agreement import dump_agreement, load_agreement

agreement_group = AppGroup("agreement", help="Agreements as one document.")


def register(app: Flask) -> None:
    """Give the app `agreement import` and `agreement export`."""
    app.cli.add_command(agreement_group)


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
