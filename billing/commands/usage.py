"""The commands about usage: take files in, take an import back, prove the roll-up, choose how files are read.

Each calls one use case; exit codes as in `contracts.commands`.
"""

from __future__ import annotations

import json
import sys
from codecs import BOM_UTF8
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from billing.charges import import_effect
from billing.schemas.usage import dump_import, dump_preview, dump_verification
from billing.schemas.usage_imports import UsageReversalEffectSchema
from billing.usage import files as usage_files
from billing.usage import metering
from billing.usage import reversals as usage_upkeep
from billing.usage import sources as usage_sources
from billing.usage.errors import SHOWN_ERRORS, errors_table, place, sentence
from billing.usage.metering import StagedUsage, UsageImportResult
from contracts import agreements
from contracts.commands.reporting import (
    DIFFERENCES,
    INVALID,
    agreement_option,
    json_option,
    now,
    print_json,
    read_json,
    reporting_errors,
)
from contracts.errors import Conflict
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from contracts.terms.table import csv_bytes
from contracts.terms.written import Language

existing_path = click.Path(exists=True, dir_okay=False)
language_option = click.option(
    "--lang", "language", type=click.Choice(["nb", "en"]), default="en", help="Language of the errors."
)


def register(group: AppGroup) -> None:
    """Give the group `usage` its commands."""
    for command in (import_usage, reverse_import, verify_usage, preview_file, save_source, set_rule):
        group.add_command(command)


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=existing_path)
@agreement_option
@click.option("--source", help="A saved reading to read the files by.")
@click.option("--dry-run", is_flag=True, help="Check the files without taking them in.")
@click.option("--errors", "errors_file", type=click.Path(dir_okay=False), help="Write all errors to this CSV file.")
@language_option
@json_option
@reporting_errors
def import_usage(
    files: tuple[str, ...],
    agreement_code: str | None,
    source: str | None,
    dry_run: bool,
    errors_file: str | None,
    language: Language,
    as_json: bool,
) -> None:
    """Take in events, daily or monthly counts from CSV, XLSX or Parquet FILES; one bad row refuses its file."""
    results = []
    for file in files:
        result = _take_in(file, agreement_code, source, dry_run)
        results.append(result)
        if not as_json:
            _tell(file, result, language)
    if errors_file is not None:
        errors = [error for result in results for error in result.errors]
        Path(errors_file).write_bytes(BOM_UTF8 + csv_bytes(errors_table(errors, language)))
    if as_json:
        documents = [dump_import(result, language) for result in results]
        print_json(documents[0] if len(documents) == 1 else documents)
    if any(result.status == "refused" for result in results):
        sys.exit(INVALID)


def _take_in(file: str, agreement_code: str | None, source: str | None, dry_run: bool) -> UsageImportResult:
    """Stage in one transaction and write in another, once more where the agreement changed in between."""
    progress = _Progress(file)
    for last in (False, True):
        with db.read() as session:
            staged = metering.stage_usage(
                session,
                agreement_id=agreements.find_agreement(session, agreement_code).id,
                filename=Path(file).name,
                content=Path(file),
                actor=COMMAND_LINE,
                now=now(),
                source=source,
                progress=progress,
            )
        try:
            return _write(staged, dry_run, progress)
        except Conflict:
            if last:
                raise
        finally:
            staged.close()
    raise AssertionError("the second try returns or raises")


def _write(staged: StagedUsage, dry_run: bool, progress: metering.Progress) -> UsageImportResult:
    with db.write() as session:
        return metering.apply_usage(session, staged, actor=COMMAND_LINE, now=now(), dry_run=dry_run, progress=progress)


def _tell(file: str, result: UsageImportResult, language: Language) -> None:
    click.echo(
        f"{file}: {result.status.replace('_', ' ')}: {result.rows} rows, {result.accepted} accepted, "
        f"{result.duplicates} duplicates, {result.not_billable} not billable"
    )
    for error in result.errors[:SHOWN_ERRORS]:
        click.echo(f"{file}: {place(error, language)}: {sentence(error, language)}", err=True)
    if len(result.errors) > SHOWN_ERRORS:
        click.echo(f"{file}: {len(result.errors) - SHOWN_ERRORS} more errors", err=True)
    for finding in result.findings:
        click.echo(f"{file}: {sentence(finding, language)}", err=True)


class _Progress:
    """Progress on standard error where a person looks at it."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.shown = sys.stderr.isatty()
        self.done = 0

    def phase(self, name: str, total: int | None = None) -> None:
        if self.shown:
            click.echo(f"{self.file}: {name} …", err=True)

    def advance(self, steps: int = 1) -> None:
        before, self.done = self.done, self.done + steps
        if self.shown and before // 500_000 < self.done // 500_000:
            click.echo(f"{self.file}: {self.done} rows", err=True)

    def finding(self, finding: Mapping[str, Any]) -> None:
        """Errors are told at the end."""

    def check_cancel(self) -> None:
        """The person at the keyboard interrupts."""


@click.command("reverse")
@click.argument("import_id", type=int)
@agreement_option
@click.option("--reason", default="", help="Why; needed with --yes.")
@click.option("--yes", is_flag=True, help="Do it; without, only its effect is shown.")
@json_option
@reporting_errors
def reverse_import(import_id: int, agreement_code: str | None, reason: str, yes: bool, as_json: bool) -> None:
    """Show what taking back IMPORT_ID changes, in examinations and kroner; with --yes, take it back."""
    with db.read() as session:
        agreement = agreements.find_agreement(session, agreement_code)
        effect = import_effect.reversal_effect(
            session, agreement_id=agreement.id, import_id=import_id, actor=COMMAND_LINE
        )
    if yes:
        with db.write() as session:
            usage_upkeep.reverse_import(
                session, agreement_id=agreement.id, import_id=import_id, reason=reason, actor=COMMAND_LINE, now=now()
            )
    document = UsageReversalEffectSchema().dump(effect) | {"status": "reversed" if yes else "shown"}
    if as_json:
        print_json(document)
        return
    taking = effect.taking
    click.echo(
        f"import {import_id} ({taking.filename}): {taking.quantity} examinations in {len(taking.cells)} cells "
        f"{'are taken back' if yes else 'would be taken back (--yes does it)'}"
    )
    for quarter, amount in effect.by_quarter:
        click.echo(f"{quarter}  {amount:>14} {agreement.term.currency} excluding VAT")
    click.echo(f"together {effect.total:>14} {agreement.term.currency} excluding VAT")
    if taking.waiting:
        click.echo(f"{taking.waiting} events of other imports repeat its examinations and stay left out", err=True)


@click.command("verify")
@agreement_option
@json_option
@reporting_errors
def verify_usage(agreement_code: str | None, as_json: bool) -> None:
    """Recompute the daily roll-up from events and imports; exit 4 where it differs."""
    with db.read() as session:
        agreement = agreements.find_agreement(session, agreement_code)
        verification = usage_upkeep.verify_usage(session, agreement_id=agreement.id, actor=COMMAND_LINE)
    document = dump_verification(verification)
    if as_json:
        print_json(document)
    else:
        click.echo(
            f"{verification.imports} imports, {verification.cells} cells, {verification.events} events: "
            f"{len(verification.differences)} differences"
        )
        for difference in document["differences"]:
            click.echo(json.dumps(difference, ensure_ascii=False), err=True)
    if verification.differences:
        sys.exit(DIFFERENCES)


@click.command("preview")
@click.argument("file", type=existing_path)
@click.option("--source", help="A saved reading to read the file by.")
@agreement_option
@reporting_errors
def preview_file(file: str, source: str | None, agreement_code: str | None) -> None:
    """Show a file's columns, and three values of each as every number and date format would read them."""
    reading = None
    if source is not None:
        with db.read() as session:
            agreement = agreements.find_agreement(session, agreement_code)
            reading = usage_sources.find_source(session, agreement_id=agreement.id, name=source).reading
    print_json(dump_preview(usage_files.preview(Path(file), Path(file).name, reading)))


@click.command("source")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@agreement_option
@reporting_errors
def save_source(name: str, file: str, agreement_code: str | None) -> None:
    """Save under NAME how a source's files are read: a JSON FILE with kind, columns and formats."""
    document = read_json(file)
    reading = usage_sources.from_document(document if isinstance(document, dict) else {})
    with db.write() as session:
        saved = usage_sources.save_source(
            session,
            agreement_id=agreements.find_agreement(session, agreement_code).id,
            name=name,
            reading=reading,
            actor=COMMAND_LINE,
            now=now(),
        )
    click.echo(f"{saved.name}: {saved.reading.kind}, {len(saved.reading.columns)} columns")


@click.command("rule")
@click.option("--repeat-days", type=int, help="Repeats of one examination within so many days count once.")
@click.option("--none", "no_rule", is_flag=True, help="Every completed event counts.")
@click.option("--clause", default="", help="Where the agreement says so.")
@agreement_option
@reporting_errors
def set_rule(repeat_days: int | None, no_rule: bool, clause: str, agreement_code: str | None) -> None:
    """Agree when an event is billable; without options, show the rule."""
    if repeat_days is not None or no_rule:
        with db.write() as session:
            metering.set_rule(
                session,
                agreement_id=agreements.find_agreement(session, agreement_code).id,
                repeat_days=None if no_rule else repeat_days,
                clause=clause,
                actor=COMMAND_LINE,
                now=now(),
            )
    with db.read() as session:
        days = metering.rule_of(session, agreements.find_agreement(session, agreement_code).id)
    click.echo(
        "every completed event counts" if days is None else f"repeats of one examination within {days} days count once"
    )
