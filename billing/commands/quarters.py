"""Commands about quarters: close one, open it again, show what was frozen; coverage of usage; why an amount is what it is.

Exit codes as in `contracts.commands`.
"""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup

from billing.charges import explanation
from billing.quarters import closing as quarters
from billing.quarters import corrections
from billing.quarters import coverage as usage_coverage
from billing.quarters.corrections import Evidence, OpeningEntry
from billing.quarters.coverage import Coverage, CoverageCell
from billing.quarters.later import CAUSES
from billing.schemas.answers import ExplanationSchema
from billing.schemas.corrections import RecordedCorrectionSchema
from billing.schemas.coverage import CoverageSchema
from billing.schemas.quarters import dump_closed, dump_report, dump_state
from contracts import agreements
from contracts.commands import reporting
from contracts.commands.reporting import agreement_option, json_option, now, print_json, reporting_errors
from contracts.errors import Finding, InvalidInput, invalid
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from contracts.terms.money import format_amount
from contracts.terms.period import Period

OPENING_HEADER = ["trust", "algorithm", "date", "quantity"]

quarter_group = AppGroup("quarter", help="Quarters: close, open again, show.")


def register(app: Flask, usage_group: AppGroup) -> None:
    """Give the app these commands; coverage joins those of usage."""
    app.cli.add_command(quarter_group)
    app.cli.add_command(explain)
    usage_group.add_command(coverage)
    usage_group.add_command(opening)


@quarter_group.command("close")
@click.argument("quarter")
@click.option("--accept-missing", is_flag=True, help="Close although counts are missing; they are listed.")
@agreement_option
@json_option
@reporting_errors
def close(quarter: str, accept_missing: bool, agreement_code: str | None, as_json: bool) -> None:
    """Freeze the expected charges of QUARTER (2026-Q3). A closed quarter stays as it is; that is no error."""
    with db.write() as session:
        agreement = agreements.find_agreement(session, agreement_code)
        closed = quarters.close(
            session,
            agreement_id=agreement.id,
            quarter=quarter,
            actor=COMMAND_LINE,
            now=now(),
            today=reporting.today(session),
            accept_missing=accept_missing,
        )
    for cell in closed.missing:
        click.echo(f"missing: {cell.trust}, {cell.algorithm}, {cell.month.label()}", err=True)
    if as_json:
        print_json(dump_closed(closed))
        return
    run = closed.run
    click.echo(
        f"{quarter}: {closed.status.replace('_', ' ')}, run {run.number}: {run.lines} lines, "
        f"{format_amount(run.total)} {agreement.term.currency} excluding VAT"
    )
    click.echo(f"sha256 {run.sha256}, known at {run.known_at.isoformat()}")


@quarter_group.command("reopen")
@click.argument("quarter")
@click.option("--reason", required=True, help="Why it is opened again.")
@agreement_option
@json_option
@reporting_errors
def reopen(quarter: str, reason: str, agreement_code: str | None, as_json: bool) -> None:
    """Take the standing run of QUARTER out of force; the next close makes a new run, the old one stays readable."""
    with db.write() as session:
        agreement = agreements.find_agreement(session, agreement_code)
        state = quarters.reopen(
            session,
            agreement_id=agreement.id,
            quarter=quarter,
            reason=reason,
            actor=COMMAND_LINE,
            now=now(),
            today=reporting.today(session),
        )
    if as_json:
        print_json(dump_state(state))
        return
    click.echo(f"{quarter}: run {state.runs[-1].number} is out of force; close the quarter to make the next")


@quarter_group.command("show")
@click.argument("quarter")
@click.option("--run", type=click.IntRange(min=1), help="Which run; left out: the newest.")
@click.option("--out", type=click.Path(dir_okay=False, writable=True), help="Write the frozen document to this file.")
@agreement_option
@json_option
@reporting_errors
def show(quarter: str, run: int | None, out: str | None, agreement_code: str | None, as_json: bool) -> None:
    """Show QUARTER's course, what a run froze, and what came later with its effect."""
    with db.read() as session:
        agreement = agreements.find_agreement(session, agreement_code)
        report = quarters.quarter_report(
            session,
            agreement_id=agreement.id,
            quarter=quarter,
            actor=COMMAND_LINE,
            today=reporting.today(session),
            run=run,
        )
        if out is not None and report.run is not None:
            _, content = quarters.run_bytes(
                session, agreement_id=agreement.id, quarter=quarter, run=report.run.number, actor=COMMAND_LINE
            )
            Path(out).write_bytes(content)
    if as_json:
        print_json(dump_report(report))
        return
    click.echo(f"{quarter}: {report.state.state.replace('_', ' ')}")
    for each in report.state.runs:
        opened = "" if each.reopening is None else f", reopened: {each.reopening.reason}"
        click.echo(f"run {each.number}: {format_amount(each.total)}, sha256 {each.sha256}{opened}")
    if report.later is not None:
        click.echo(f"since: {format_amount(report.later.amount)}")
        for cause in CAUSES:
            click.echo(f"  {cause.replace('_', ' ')}: {format_amount(report.later.of(cause))}")


@quarter_group.command("list")
@agreement_option
@json_option
@reporting_errors
def list_quarters(agreement_code: str | None, as_json: bool) -> None:
    """List the quarters that have begun, newest first."""
    with db.read() as session:
        agreement = agreements.find_agreement(session, agreement_code)
        states = quarters.list_quarters(
            session, agreement_id=agreement.id, actor=COMMAND_LINE, today=reporting.today(session)
        )
    if as_json:
        print_json({"items": [dump_state(state) for state in states]})
        return
    for state in states:
        run = state.runs[-1] if state.runs else None
        told = "" if run is None else f"  run {run.number}  {format_amount(run.total):>14}  {run.sha256[:16]}"
        click.echo(f"{state.quarter}  {state.state.replace('_', ' '):<9}{told}")


@click.command("coverage")
@click.argument("period")
@click.option("--trust", help="Only this trust's cells.")
@agreement_option
@json_option
@reporting_errors
def coverage(period: str, trust: str | None, agreement_code: str | None, as_json: bool) -> None:
    """Say which counts of PERIOD (2026-Q3; a month or a year works too) are in, and who must deliver the others.

    A gap is no error of the command: it ends with 0 and says what is missing.
    """
    with db.read() as session:
        agreement = agreements.find_agreement(session, agreement_code)
        found = usage_coverage.coverage(
            session,
            agreement_id=agreement.id,
            period=_period(period),
            actor=COMMAND_LINE,
            today=reporting.today(session),
            trust=trust,
        )
    if as_json:
        print_json(CoverageSchema().dump(found))
        return
    click.echo(_sentence(found))
    for delivery in found.deliveries:
        click.echo(f"{delivery.trust} ({', '.join(delivery.people) or 'nobody is registered'}):")
        for cell in delivery.cells:
            click.echo(f"  {_told(cell)}")


@click.command("opening")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--taken-over", required=True, help="The day on which the agreement was taken over (2026-04-01).")
@click.option("--evidence", required=True, type=click.Path(exists=True, dir_okay=False), help="What shows the counts.")
@agreement_option
@json_option
@reporting_errors
def opening(file: str, taken_over: str, evidence: str, agreement_code: str | None, as_json: bool) -> None:
    """Record what was used before the agreement was taken over, from a CSV FILE: trust,algorithm,date,quantity."""
    entries = _opening_entries(Path(file).read_text(encoding="utf-8-sig"))
    with db.write() as session:
        agreement = agreements.find_agreement(session, agreement_code)
        made = corrections.record_opening(
            session,
            agreement_id=agreement.id,
            taken_over_on=_day(taken_over, "#/taken_over"),
            entries=entries,
            evidence=Evidence(Path(evidence).stem, Path(evidence).name, Path(evidence).read_bytes()),
            actor=COMMAND_LINE,
            now=now(),
        )
    if as_json:
        print_json([RecordedCorrectionSchema().dump(each) for each in made])
        return
    click.echo(f"{len(made)} opening entries, {sum(each.change for each in made)} examinations")


def _opening_entries(text: str) -> list[OpeningEntry]:
    rows = csv.reader(io.StringIO(text, newline=""))
    if next(rows, None) != OPENING_HEADER:
        raise InvalidInput((Finding("#/line/1", "wrong_header", f"the header is {','.join(OPENING_HEADER)}"),))
    entries, findings = [], []
    for fields in rows:
        if not fields:
            continue
        pointer = f"#/line/{rows.line_num}"
        try:
            trust, algorithm, on, quantity = (value.strip() for value in fields)
            entries.append(OpeningEntry(trust, algorithm, _day(on, pointer), int(quantity)))
        except ValueError:
            findings.append(Finding(pointer, "not_an_entry", "a trust, an algorithm, a date and a whole number"))
        except InvalidInput as error:
            findings += error.errors
    invalid(findings)
    return entries


def _day(text: str, pointer: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput((Finding(pointer, "not_a_date", f"'{text}' is no date (YYYY-MM-DD)"),)) from None


@click.command("explain")
@click.argument("line_id", metavar="ID")
@click.option("--quarter", help="Where to look (2026-Q3); left out: the whole agreement.")
@agreement_option
@json_option
@reporting_errors
def explain(line_id: str, quarter: str | None, agreement_code: str | None, as_json: bool) -> None:
    """Say why the charge line with ID (as `charges` prints it) is what it is."""
    with db.read() as session:
        agreement = agreements.find_agreement(session, agreement_code)
        walk = explanation.explain(
            session,
            agreement_id=agreement.id,
            line_id=line_id,
            actor=COMMAND_LINE,
            period=None if quarter is None else _period(quarter),
        )
    document = ExplanationSchema().dump(walk)
    if as_json:
        print_json(document)
        return
    for text in _explained(document):
        click.echo(text)


def _explained(document: dict[str, Any]) -> list[str]:
    line, version = document["line"], document["version"]
    where = ", ".join(each for each in (line["trust"], line["algorithm"]) if each) or "the agreement"
    told = [
        f"{line['charge']} (clause {line['clause']}), {where}, {line['period']['from']} to {line['period']['to']}",
        f"price version of {version['valid_from']} (clause {version['clause']})",
    ]
    for adjustment in document["index_adjustments"]:
        told.append(f"index from {adjustment['effective_from']}: × {adjustment['factor']}")
    counter = document["counter"]
    if counter is not None:
        told.append(
            f"counter per {counter['scope']}: {counter['before']} before, {counter['units']} in this period, "
            f"{counter['after']} after"
        )
    for each in document["lines"]:
        mark = "→" if each["id"] == line["id"] else " "
        quantity = "" if each["quantity"] is None else f"{each['quantity']} × {each['unit_price']} = "
        tier = "" if each["tier"] is None else f"tier {each['tier']}: "
        why = "" if each["why"] is None else f"{each['why']}: "
        less = "" if each["discount"] == "0.00" else f" less {each['discount']}"
        told.append(f"{mark} {tier}{why}{quantity}{each['gross']}{less} = {each['net']}")
    told.append(f"together {document['total']}")
    more, pooling = document["one_more"], document["pooling"]
    if more is not None:
        all_together = "" if more["agreement"] is None else f" ({more['agreement']} for all trusts together)"
        told.append(f"one more examination on {more['on']} would cost {more['trust']}{all_together}")
    if pooling is not None:
        told.append(
            f"alone the trust would pay {pooling['alone']} for this charge instead of {pooling['pooled']}: "
            f"the pool saved {pooling['saved']}, and {pooling['window']['saved']} since {pooling['window']['from']}"
        )
    return told


def _sentence(found: Coverage) -> str:
    missing, partial = found.count("missing"), found.count("partial")
    are = "is" if missing == 1 else "are"
    return (
        f"{missing} of {found.due} cells {are} missing for {found.period.label()}, {partial} partial, "
        f"{found.count('corrected_after_close')} corrected after close"
    )


def _told(cell: CoverageCell) -> str:
    expected = "" if cell.expected is None else f", about {cell.expected} expected"
    return (
        f"{cell.algorithm}, {cell.month.label()}: {cell.status}, {cell.quantity} counted on "
        f"{cell.days_counted} of {cell.working_days} working days{expected}"
    )


def _period(text: str) -> Period:
    try:
        return Period.parse(text)
    except ValueError as error:
        raise InvalidInput((Finding("#/period", "not_a_period", str(error)),)) from error
