"""Commands of the workflow: list options and activations, show one, take a step, draft an activation, fill its dossier."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup
from sqlalchemy import select
from sqlalchemy.orm import Session

from contracts import agreements, ceiling, clock
from contracts.cases import Case, CaseId, find_case, list_cases
from contracts.commands.reporting import agreement_option, json_option, now, print_json, read_json, reporting_errors
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.models import Person
from contracts.options import dossier
from contracts.options import steps as options
from contracts.options.steps import Request
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Actor
from contracts.schemas import options as shapes
from contracts.schemas.answers import OptionItemSchema
from contracts.terms import workflow

option_group = AppGroup("option", help="Options of the named holders.")

as_option = click.option("--as", "email", help="Act as this person (an e-mail address), with their roles.")
existing_file = click.Path(exists=True, dir_okay=False, allow_dash=True)


def register(app: Flask) -> None:
    """Give the app the commands of options and activations."""
    app.cli.add_command(option_group)


@option_group.command("list")
@agreement_option
@json_option
@reporting_errors
def list_options(agreement_code: str | None, as_json: bool) -> None:
    """List the named holders' options and the activations, each with its state."""
    with db.read() as session:
        found = agreements.find_agreement(session, agreement_code)
        document = {"items": OptionItemSchema(many=True).dump(list_cases(session, agreement_id=found.id))}
    if as_json:
        print_json(document)
        return
    for item in document["items"]:
        click.echo(f"{item['id']:<32} {item['trust']:<24} {item['algorithm'] or '':<24} {item['state']}")


@option_group.command("show")
@click.argument("name", metavar="ID")
@agreement_option
@as_option
@json_option
@reporting_errors
def show_option(name: str, agreement_code: str | None, email: str | None, as_json: bool) -> None:
    """Show an option (option:TRUST) or an activation (activation:NUMBER): what it is, and what could come next."""
    with db.read() as session:
        found = agreements.find_agreement(session, agreement_code)
        case = find_case(session, agreement_id=found.id, case_id=CaseId.parse(name))
        _tell(session, case, _actor(session, email), as_json)


@option_group.command("act")
@click.argument("name", metavar="ID")
@click.argument("event")
@click.option("--data", type=existing_file, help="A JSON file with on, comment, document, delegation.")
@agreement_option
@as_option
@json_option
@reporting_errors
def act(name: str, event: str, data: str | None, agreement_code: str | None, email: str | None, as_json: bool) -> None:
    """Take a step: EVENT happens to the option or activation ID. What refuses it is told, each with its numbers."""
    read = shapes.load_event_data(event, {} if data is None else read_json(data))
    with db.write() as session:
        found = agreements.find_agreement(session, agreement_code)
        actor = _actor(session, email)
        moment = now()
        case = options.act(
            session,
            agreement_id=found.id,
            case_id=CaseId.parse(name),
            event=event,
            request=Request(read.on, read.comment, read.document, read.delegation),
            actor=actor,
            now=moment,
            at=_at(session, moment),
        )
        _tell(session, case, actor, as_json)


@option_group.command("draft")
@click.option("--trust", required=True)
@click.option("--algorithm", required=True)
@click.option("--from", "starts_on", required=True, type=click.DateTime(["%Y-%m-%d"]))
@click.option("--per-month", type=click.IntRange(0, options.LARGEST_QUANTITY), required=True, help="Examinations.")
@click.option("--use", default="", help="What it is to be used for.")
@agreement_option
@as_option
@json_option
@reporting_errors
def draft(
    trust: str,
    algorithm: str,
    starts_on: datetime,
    per_month: int,
    use: str,
    agreement_code: str | None,
    email: str | None,
    as_json: bool,
) -> None:
    """Begin the case of an algorithm at a trust."""
    with db.write() as session:
        found = agreements.find_agreement(session, agreement_code)
        actor = _actor(session, email)
        case = options.draft_activation(
            session,
            agreement_id=found.id,
            trust=trust,
            algorithm=algorithm,
            starts_on=starts_on.date(),
            monthly_quantity=per_month,
            intended_use=use,
            actor=actor,
            now=now(),
        )
        _tell(session, case, actor, as_json)


@option_group.command("file")
@click.argument("name", metavar="ID")
@click.argument("item")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--fact", "facts", multiple=True, help="NAME=VALUE that the item says beside its document.")
@agreement_option
@as_option
@reporting_errors
def file_document(
    name: str, item: str, file: str, facts: tuple[str, ...], agreement_code: str | None, email: str | None
) -> None:
    """File a document FILE under an ITEM of the dossier."""
    said: dict[str, Any] = {}
    for text in facts:
        fact, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"--fact takes NAME=VALUE, not {text!r}")
        said[fact] = value
    path = Path(file)
    with db.write() as session:
        found = agreements.find_agreement(session, agreement_code)
        actor, moment = _actor(session, email), now()
        case = find_case(session, agreement_id=found.id, case_id=CaseId.parse(name))
        made = dossier.offer(
            session,
            case=case,
            item=item,
            filename=path.name,
            content=path.read_bytes(),
            facts=said,
            actor=actor,
            now=moment,
        )
        click.echo(f"{item}: {made.status} {made.sha256}")


@option_group.command("accept")
@click.argument("name", metavar="ID")
@click.argument("item")
@agreement_option
@as_option
@reporting_errors
def accept_document(name: str, item: str, agreement_code: str | None, email: str | None) -> None:
    """Accept what somebody else filed under an ITEM of the dossier."""
    with db.write() as session:
        found = agreements.find_agreement(session, agreement_code)
        agreements.lock_agreement(session, found.id)
        case = find_case(session, agreement_id=found.id, case_id=CaseId.parse(name))
        standing = next((one for one in dossier.items(session, case) if one.code == item), None)
        if standing is None or standing.entry_id is None:
            raise NotFound(f"nothing is filed under '{item}'")
        made = dossier.judge(
            session,
            case=case,
            item=item,
            seen=standing.entry_id,
            status="accepted",
            actor=_actor(session, email),
            now=now(),
        )
        click.echo(f"{item}: {made.status} {made.sha256}")


@option_group.command("diagram")
@click.argument("kind", type=click.Choice(["option", "activation"]))
def diagram(kind: Any) -> None:
    """Draw the states and events of options or activations (Mermaid), from the table that decides."""
    click.echo(workflow.diagram(kind))


def _tell(session: Session, case: Case, actor: Actor, as_json: bool) -> None:
    choices = options.choices(session, case, actor, at=_at(session, now()))
    scope = actor.scope("read")
    overrides = ceiling.overrides(session, case) if scope is None else ()
    document = shapes.dump_case(case, dossier.items(session, case), overrides, choices, scope)
    if as_json:
        print_json(document)
        return
    click.echo(f"{document['id']}: {document['state']}")
    for choice in choices:
        may = "may be taken" if choice.allowed else "needs other roles" if not choice.permitted else "is refused"
        click.echo(f"  {choice.event} -> {choice.target} {may}")
        for refusal in (*choice.refusals, *choice.warnings):
            click.echo(f"      {refusal.guard}: {refusal.detail}" + (f" ({refusal.clause})" if refusal.clause else ""))


def _actor(session: Session, email: str | None) -> Actor:
    if email is None:
        return COMMAND_LINE
    person = session.scalar(select(Person).where(Person.email == email.strip().lower()))
    if person is None:
        raise NotFound(f"nobody is registered with the address {email}")
    return access.actor_of_person(session, person)


def _at(session: Session, moment: datetime) -> datetime:
    return clock.instant(session, example_mode=current_app.config["EXAMPLE_MODE"], now=moment)
