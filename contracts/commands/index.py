"""Commands about index values: take in a file, and fetch a table where that is turned on."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from contracts import clock
from contracts.commands.reporting import fail, json_option, now, print_json, reporting_errors
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from contracts.prices import index_values, ssb
from contracts.prices.index_values import ImportedValues
from contracts.schemas.index_values import ReadAs

group = AppGroup("index-values", help="Index values, as published.")


def register(app: Flask) -> None:
    """Give the app these commands."""
    app.cli.add_command(group)


@group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--table", help="The table, where the file does not say it.")
@click.option("--base-year", type=int, help="The base year, where the file does not say it.")
@click.option(
    "--retrieved-on", type=click.DateTime(["%Y-%m-%d"]), help="When the values were retrieved; default today."
)
@json_option
@reporting_errors
def import_values(
    file: str, table: str | None, base_year: int | None, retrieved_on: datetime | None, as_json: bool
) -> None:
    """Take in a FILE of index values, JSON-stat2 or CSV, all of it or nothing."""
    path = Path(file)
    day = None if retrieved_on is None else retrieved_on.date()
    _tell(_import(path.name, path.read_bytes(), ReadAs(table, base_year), day, "file"), as_json)


@group.command("fetch")
@click.argument("table")
@click.option("--select", "selected", multiple=True, help="CODE=VALUE of a dimension; may be repeated.")
@click.option("--months", type=click.IntRange(1, 1200), default=24, show_default=True)
@json_option
@reporting_errors
def fetch_values(table: str, selected: tuple[str, ...], months: int, as_json: bool) -> None:
    """Fetch the last months of a TABLE from the statistics office; off unless TRINNVIS_SSB=on."""
    if not current_app.config["SSB"]:
        fail("fetching is off: set TRINNVIS_SSB=on, or import a file")
    selection: dict[str, list[str]] = {}
    for text in selected:
        code, equals, value = text.partition("=")
        if not (code and equals and value):
            raise click.UsageError(f"--select takes CODE=VALUE, not {text!r}")
        selection.setdefault(code, []).append(value)
    try:
        content = ssb.fetch_table(current_app.config["SSB_URL"], table, ssb.table_query(selection, months))
    except ssb.FetchFailed as error:
        fail(str(error))
    _tell(_import(f"{table}.json", content, ReadAs(table), None, "ssb"), as_json)


def _import(filename: str, content: bytes, given: ReadAs, retrieved_on: date | None, source: str) -> ImportedValues:
    moment = now()
    with db.write() as session:
        today = clock.today(session, example_mode=current_app.config["EXAMPLE_MODE"], now=moment)
        return index_values.import_values(
            session,
            filename=filename,
            content=content,
            retrieved_on=retrieved_on or today,
            given=given,
            source=source,
            actor=COMMAND_LINE,
            now=moment,
            today=today,
        )


def _tell(done: ImportedValues, as_json: bool) -> None:
    if as_json:
        print_json(asdict(done) | {"ignored": list(done.ignored)})
    else:
        click.echo(f"{done.status.replace('_', ' ')}: {done.values} values, {done.new} new, {done.revised} revised")
