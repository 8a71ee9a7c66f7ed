"""Commands about invoices to come and invoices that arrive by themselves: the expected one, the watched folder, the answers.

Exit codes as in `contracts.commands`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from billing.invoices import expected as expected_invoice
from billing.invoices import inbox
from billing.reconciliation import responses
from contracts import agreements
from contracts.commands.reporting import INVALID, agreement_option, fail, json_option, now, print_json, reporting_errors
from contracts.errors import Finding, InvalidInput
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from contracts.terms.money import format_amount
from contracts.terms.period import Period


def register(invoice_group: AppGroup) -> None:
    """Give the group of invoices these commands."""
    invoice_group.add_command(expected)
    invoice_group.add_command(watched)
    invoice_group.add_command(respond)


@click.command("expected")
@click.argument("quarter")
@click.option("--trust", help="Only this trust's lines.")
@click.option("--run", type=click.IntRange(min=1), help="A run of a closed quarter; left out: the one that stands.")
@click.option("--out", type=click.Path(dir_okay=False, writable=True), help="Write the document to this file.")
@agreement_option
@reporting_errors
def expected(quarter: str, trust: str | None, run: int | None, out: str | None, agreement_code: str | None) -> None:
    """Write the expected invoice of QUARTER (2026-Q3) as an EHF document, on standard output where no file is named."""
    try:
        period = Period.parse(quarter)
    except ValueError as error:
        raise InvalidInput((Finding("#/quarter", "not_a_period", str(error)),)) from error
    with db.read() as session:
        found = expected_invoice.expected_invoice(
            session,
            agreement_id=agreements.find_agreement(session, agreement_code).id,
            period=period,
            trust=trust,
            actor=COMMAND_LINE,
            run=run,
        )
    if out is None:
        sys.stdout.buffer.write(found.content)
        sys.stdout.buffer.flush()
    else:
        Path(out).write_bytes(found.content)
    click.echo(
        f"{found.number}: {len(found.lines)} lines, {format_amount(found.total)} {found.currency} excluding VAT, "
        f"sha256 {found.sha256}",
        err=True,
    )


@click.command("inbox")
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False))
@json_option
@reporting_errors
def watched(folder: str | None, as_json: bool) -> None:
    """Take in what rests in FOLDER (left out: TRINNVIS_INBOX) now, as the scheduler does every minute."""
    place = folder or current_app.config.get("INBOX")
    if not place:
        fail("name a folder, or set TRINNVIS_INBOX")
    taken = inbox.take_in(Path(place), read=db.read, write=db.write, now=now())
    if as_json:
        print_json([{"file": each.filename, "status": each.outcome, "reason": each.reason} for each in taken])
    else:
        for each in taken:
            click.echo(
                f"{each.filename}: {each.outcome.replace('_', ' ')}" + (f": {each.reason}" if each.reason else "")
            )
    if any(each.outcome == "refused" for each in taken):
        sys.exit(INVALID)


@click.command("response")
@click.argument("invoice_id", type=click.IntRange(min=1))
@click.option("--number", type=click.IntRange(min=1), help="Which of its responses; left out: the newest.")
@click.option("--out", type=click.Path(dir_okay=False, writable=True), help="Write the document to this file.")
@agreement_option
@reporting_errors
def respond(invoice_id: int, number: int | None, out: str | None, agreement_code: str | None) -> None:
    """Write a Peppol Invoice Response to INVOICE_ID, on standard output where no file is named."""
    from contracts.web import formatting

    with db.read() as session:
        agreement_id = agreements.find_agreement(session, agreement_code).id
        listed = responses.list_responses(
            session, agreement_id=agreement_id, invoice_id=invoice_id, write=formatting, actor=COMMAND_LINE
        )
        filename, content = responses.write_response(
            session,
            agreement_id=agreement_id,
            invoice_id=invoice_id,
            number=number or len(listed),
            write=formatting,
            actor=COMMAND_LINE,
        )
    if out is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        Path(out).write_bytes(content)
    click.echo(f"{filename}: response {number or len(listed)} of {len(listed)}", err=True)
