"""Commands about the database's schema."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup

from contracts import schema_versions
from contracts.commands.reporting import fail, reporting_errors
from contracts.extensions import db
from contracts.models import Base

db_group = AppGroup("db", help="The database's schema.")


def register(app: Flask) -> None:
    """Give the app `db upgrade` and `db check`."""
    app.cli.add_command(db_group)


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
