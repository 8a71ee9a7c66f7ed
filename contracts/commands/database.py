"""Commands about the installation: the database's schema, and what is wrong with the whole."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from contracts import installation, schema_versions
from contracts.commands.reporting import fail, reporting_errors
from contracts.extensions import db
from contracts.models import Base

db_group = AppGroup("db", help="The database's schema.")


def register(app: Flask) -> None:
    """Give the app `db upgrade`, `db check` and `doctor`."""
    app.cli.add_command(db_group)
    app.cli.add_command(doctor)


@click.command("doctor")
@with_appcontext
@reporting_errors
def doctor() -> None:
    """Say what is wrong with the installation and what to do; exit 1 where anything is."""
    checks = installation.examined(db.engine, current_app.config, datetime.now(UTC))
    for each in checks:
        click.echo(f"{'ok   ' if each.right else 'WRONG'} {each.name}: {each.found}")
        if not each.right:
            click.echo(f"      {each.remedy}")
    wrong = sum(not each.right for each in checks)
    if wrong:
        fail(f"{wrong} of {len(checks)} checks failed")


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
