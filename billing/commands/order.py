"""The command that proposes the order in which planned activations start, and prints what it does to the largest rise.

Exit codes as in `contracts.commands`.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from billing.charges.basis import gather
from billing.projection.bound import bound_plans
from billing.projection.projection import Scenario
from billing.projection.starting_order import proposed, rollout
from billing.schemas.projections import load_scenario
from billing.schemas.simulations import dump_order
from contracts import agreements
from contracts.commands import reporting
from contracts.commands.reporting import agreement_option, json_option, print_json, read_json, reporting_errors
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from contracts.terms.money import format_amount

existing_file = click.Path(exists=True, dir_okay=False, allow_dash=True)


def register(group: AppGroup) -> None:
    """Add the command to the group `forecast`."""
    group.add_command(order)


@click.command("order")
@click.argument("file", required=False, type=existing_file)
@agreement_option
@json_option
@reporting_errors
def order(file: str | None, agreement_code: str | None, as_json: bool) -> None:
    """Propose when the activations of a scenario in FILE start, so that cost rises least over any three months.

    Those with go_live_between are put in order. Without FILE the plan is the next algorithm of every trust, each within a
    year.
    """
    with db.read() as session:
        today = reporting.today(session)
        agreement = agreements.find_agreement(session, agreement_code)
        scenario = _usual(session, agreement.id, today) if file is None else load_scenario(read_json(file), as_of=today)
        proposal = proposed(session, agreement_id=agreement.id, scenario=scenario, actor=COMMAND_LINE)
    written = dump_order(proposal)
    if as_json:
        print_json(written)
        return
    for start, plan in zip(proposal.starts, scenario.plans, strict=True):
        click.echo(f"{start.trust:<24} {start.algorithm:<28} {start.go_live}  {plan.monthly_volume:>7} a month")
    for name, key in (("as proposed", "staggered"), ("all at once", "at_once")):
        click.echo(f"{name}: {_told(written[key])}")
    click.echo(f"by what runs already: {format_amount(proposal.rise_before)}")
    fall = written["fall"]
    click.echo(
        "the largest rise over three months falls by "
        + ("nothing" if fall is None else f"{Decimal(fall) * 100:.1f} %")
        + f"; no order can lower it by more than {format_amount(proposal.gap)} further"
    )


def _told(course: dict[str, Any]) -> str:
    rise, top = course["largest_rise"], course["highest_month"]
    told = "no rise" if rise is None else f"largest rise {rise['amount']} ({rise['since']} to {rise['until']})"
    return f"{told}, highest month {top['month']} with {top['total']}"


def _usual(session: Session, agreement_id: int, today: date) -> Scenario:
    terms = gather(session, agreement_id=agreement_id)
    return rollout(
        terms,
        agreements.option_holders(session, agreement_id),
        [each.code for each in agreements.marketplace(session, agreement_id)],
        today,
        bound=bound_plans(session, terms, today),
    )
