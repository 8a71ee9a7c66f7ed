"""Commands about what it costs: prices, usage, charges, invoices, projections, the example. Each calls one use case.

Exit codes as in `contracts.commands`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from billing.charges import charging
from billing.commands import forecast as cli_forecast
from billing.commands import intake as cli_intake
from billing.commands import order as cli_order
from billing.commands import quarters as cli_quarters
from billing.commands import reconcile as cli_reconcile
from billing.commands import usage as cli_usage
from billing.invoices import invoices
from billing.quarters import runs as closings
from billing.rating.rate import rate
from billing.scenarios.answer import answer
from billing.schemas.answers import ChargesSchema, PriceAnswerSchema
from billing.schemas.invoices import ReadingSchema
from billing.schemas.price import load_price_request
from billing.schemas.projections import load_scenario
from billing.schemas.simulations import dump_answer
from contracts import agreements
from contracts.commands import reporting
from contracts.commands.reporting import (
    DIFFERENCES,
    INVALID,
    agreement_option,
    fail,
    json_option,
    now,
    print_json,
    read_json,
    reporting_errors,
)
from contracts.errors import Finding, InvalidInput
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from contracts.schemas.problems import problem_of
from contracts.terms.period import Period

demo_group = AppGroup("demo", help="The example.")
usage_group = AppGroup("usage", help="The buyer's own count.")
invoice_group = AppGroup("invoice", help="EHF invoices and credit notes.")

existing_file = click.Path(exists=True, dir_okay=False, allow_dash=True)
files_argument = click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))


def register(app: Flask) -> None:
    """Give the app this half's commands."""
    for group in (demo_group, usage_group, invoice_group):
        app.cli.add_command(group)
    for command in (price, charges, project):
        app.cli.add_command(command)
    cli_usage.register(usage_group)
    cli_intake.register(invoice_group)
    cli_quarters.register(app, usage_group)
    app.cli.add_command(cli_forecast.forecast_group)
    cli_order.register(cli_forecast.forecast_group)
    cli_reconcile.register(app)


@demo_group.command("load")
@click.option("--if-empty", is_flag=True, help="Do nothing where an agreement is recorded already.")
@reporting_errors
def load_demo(if_empty: bool) -> None:
    """Load the example: an agreement with nine trusts, usage to 30.09.2026, an invoice. All prices are invented."""
    from billing.example.load import load_example
    from contracts.web import formatting

    if not current_app.config["EXAMPLE_MODE"]:
        fail("the example is not loaded in production mode")
    with db.write() as session:
        if agreements.list_agreements(session):
            if if_empty:
                click.echo("an agreement is recorded already; nothing loaded", err=True)
                return
            fail("an agreement is recorded already; the example is only loaded into an empty database", 5)
        loaded = load_example(session, actor=COMMAND_LINE, now=now(), write=formatting)
    click.echo(f"example loaded: {loaded}", err=True)


@click.command("price")
@click.argument("file", type=existing_file)
@json_option
@reporting_errors
def price(file: str, as_json: bool) -> None:
    """Rate a price request from FILE (- reads standard input); an array of requests gives an array of answers.

    The answer is JSON with or without --json.
    """
    document = read_json(file)
    if not isinstance(document, list):
        print_json(PriceAnswerSchema().dump(rate(load_price_request(document))))
        return
    answers = list(_answers(document))
    print_json(answers)
    if any("error" in answer for answer in answers):
        sys.exit(INVALID)


def _answers(requests: list[Any]) -> Iterator[dict[str, Any]]:
    for request in requests:
        try:
            yield PriceAnswerSchema().dump(rate(load_price_request(request)))
        except InvalidInput as error:
            yield {"error": problem_of(error)}


@click.command("charges")
@click.argument("quarter")
@click.option("--trust", help="Only this trust's lines.")
@agreement_option
@json_option
@reporting_errors
def charges(quarter: str, trust: str | None, agreement_code: str | None, as_json: bool) -> None:
    """Show the expected charge lines of QUARTER (2026-Q3; a month or a year works too)."""
    period = _period(quarter)
    with db.read() as session:
        agreement = agreements.find_agreement(session, agreement_code)
        expected = charging.expected_charges(
            session, agreement_id=agreement.id, period=period, actor=COMMAND_LINE, trust=trust
        )
        closed = closings.standing(session, agreement.id).get(period.label())
        frozen = None if closed is None or trust is not None else closings.frozen(session, closed)
    document = ChargesSchema().dump(expected)
    if closed is not None:
        # The lines are those of what is known now: whoever reads them must know that others were frozen.
        total = "" if frozen is None else f" at {frozen.total}"
        click.echo(
            f"{period.label()} is closed (run {closed.number}{total}); these are the charges of what is known now",
            err=True,
        )
    if as_json:
        print_json(document)
        return
    for line in document["lines"]:
        quantity = "" if line["quantity"] is None else str(line["quantity"])
        click.echo(
            f"{line['id']}  {line['period']['from']}  {line['trust'] or '-':<24} {line['algorithm'] or '-':<24} "
            f"{line['charge']:<16} {quantity:>8} {line['unit_price'] or '':>10} {line['net']:>14}"
        )
    click.echo(f"{document['quarter']}  {document['total']} {agreement.term.currency} excluding VAT")


@invoice_group.command("check")
@files_argument
@json_option
@reporting_errors
def check_invoice(files: tuple[str, ...], as_json: bool) -> None:
    """Read and check EHF FILES without storing them; exit 4 on fatal findings, 3 where a file cannot be read."""
    _report([invoices.read_invoice(Path(file).name, Path(file).read_bytes()) for file in files], as_json, check=True)


@invoice_group.command("import")
@files_argument
@agreement_option
@json_option
@reporting_errors
def import_invoice(files: tuple[str, ...], agreement_code: str | None, as_json: bool) -> None:
    """Take in EHF invoices and credit notes; the same file again is no error."""
    readings = []
    for file in files:
        with db.write() as session:
            agreement = agreements.find_agreement(session, agreement_code)
            readings.append(
                invoices.import_invoice(
                    session,
                    agreement_id=agreement.id,
                    filename=Path(file).name,
                    content=Path(file).read_bytes(),
                    actor=COMMAND_LINE,
                    now=now(),
                )
            )
    _report(readings, as_json, check=False)


def _report(readings: list[invoices.InvoiceReading], as_json: bool, *, check: bool) -> None:
    documents = ReadingSchema(many=True).dump(readings)
    if as_json:
        print_json(documents)
    else:
        for reading, document in zip(readings, documents, strict=True):
            click.echo(
                f"{reading.filename}: {reading.status.replace('_', ' ')}: {document['kind'] or ''} {document['number'] or ''} "
                f"{document['payable'] or ''} {document['currency'] or ''}".rstrip()
            )
            for finding in reading.findings:
                line = f"line {finding.line}: " if finding.line else ""
                click.echo(f"{reading.filename}: {line}{finding.severity} {finding.rule}: {finding.detail}", err=True)
    if any(reading.status == "refused" for reading in readings):
        sys.exit(INVALID)
    if check and any(reading.fatal for reading in readings):
        sys.exit(DIFFERENCES)


@click.command("project")
@click.argument("file", type=existing_file)
@agreement_option
@json_option
@reporting_errors
def project(file: str, agreement_code: str | None, as_json: bool) -> None:
    """Project a scenario from FILE (- reads standard input): cost by month, with and without its activations.

    A scenario without as_of takes usage as known before today. The answer is JSON with or without --json.
    """
    document = read_json(file)
    with db.read() as session:
        today = reporting.today(session)
        scenario = load_scenario(document, as_of=today)
        agreement = agreements.find_agreement(session, agreement_code)
        found = answer(session, agreement_id=agreement.id, scenario=scenario, actor=COMMAND_LINE, today=today)
    print_json(dump_answer(found))


def _period(text: str) -> Period:
    try:
        return Period.parse(text)
    except ValueError as error:
        raise InvalidInput((Finding("#/quarter", "not_a_period", str(error)),)) from error
