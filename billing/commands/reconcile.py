"""The command that reconciles a quarter: match, explain, and freeze the run.

Exit codes as in `contracts.commands`; 4 tells that there are differences.
"""

from __future__ import annotations

import sys

import click
from flask import Flask

from billing.causes.sentences import said
from billing.reconciliation import runs as reconciliation
from billing.reconciliation.report import Report, report
from billing.schemas.reconciliation_answers import ReconciliationSchema
from contracts import agreements
from contracts.commands import reporting
from contracts.commands.reporting import DIFFERENCES, agreement_option, json_option, now, print_json, reporting_errors
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from contracts.terms.money import format_amount


def register(app: Flask) -> None:
    """Give the app this command."""
    app.cli.add_command(reconcile)


@click.command("reconcile")
@click.argument("quarter")
@click.option("--dry-run", is_flag=True, help="Show what would come out and keep nothing.")
@agreement_option
@json_option
@reporting_errors
def reconcile(quarter: str, dry_run: bool, agreement_code: str | None, as_json: bool) -> None:
    """Reconcile the invoices of QUARTER (2026-Q3) with what was due; exit 4 if there are differences.

    The run is frozen with its hash; where the last run says the same, that one stands. An attested quarter is shown as it was
    signed.
    """
    with db.read() if dry_run else db.write() as session:
        agreement_id = agreements.find_agreement(session, agreement_code).id
        today = reporting.today(session)
        found = report(session, agreement_id=agreement_id, quarter=quarter, actor=COMMAND_LINE, today=today)
        if not dry_run and not found.facts.attested:
            found = reconciliation.record_run(
                session, agreement_id=agreement_id, quarter=quarter, actor=COMMAND_LINE, now=now(), today=today
            )
    if as_json:
        print_json(ReconciliationSchema().dump(found))
    else:
        _print(found)
    if found.status != "equal":
        sys.exit(DIFFERENCES)


def _print(found: Report) -> None:
    frozen = found.frozen
    for each in frozen.documents:
        explanation = each.explanation
        click.echo(
            f"{each.part.kind.replace('_', ' ')} {each.part.number}: invoiced {format_amount(explanation.invoiced)}, "
            f"expected {format_amount(explanation.expected)}, difference {format_amount(explanation.difference)}"
        )
        for finding in explanation.findings:
            place = " ".join(part for part in (finding.trust, finding.algorithm, finding.period) if part)
            click.echo(f"  {finding.code:<16} {format_amount(finding.amount):>14}  {place}")
            click.echo(f"  {'':<16} {'':>14}  {said(finding, 'en')}")
    for finding in frozen.not_invoiced:
        place = " ".join(part for part in (finding.trust, finding.algorithm, finding.period) if part)
        click.echo(f"not invoiced: {format_amount(-finding.amount):>14}  {place}")
    click.echo(
        f"{found.quarter.label()}  {found.state}  invoiced {format_amount(frozen.invoiced)}  "
        f"expected {format_amount(frozen.expected)}  difference {format_amount(frozen.difference)}  "
        f"unexplained {format_amount(frozen.unexplained)}  sha256 {found.sha256}"
    )
