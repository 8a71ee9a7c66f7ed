"""The hump: what it costs when planned activations all start at once, and in an order that keeps the rise down.

A form by GET, so that an answer has an address of its own. For readers of all trusts, whose activations it puts in order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from flask import Blueprint
from flask_babel import gettext as _

from billing.charges.basis import gather
from billing.forecasting.daily_rates import Plan
from billing.projection import starting_order
from billing.projection.bound import bound_plans
from billing.projection.projection import Scenario
from billing.projection.starting_order import Proposal, highest, largest_rise
from billing.usage import metering
from billing.web import words
from billing.web.projection.starting_order_chart import hump
from billing.web.query import Query, read_query
from contracts import agreements
from contracts.errors import InvalidInput, NotFound
from contracts.extensions import db
from contracts.options import funding
from contracts.terms.agreement import OptionHolder
from contracts.terms.period import Period, add_months
from contracts.terms.price_book import Activation
from contracts.web import formatting
from contracts.web.guard import requires
from contracts.web.i18n import N_, current_language

blueprint = Blueprint("hump_pages", __name__)

ROWS: Final = 9
ROW_FIELDS: Final = ("hf", "alg", "antall", "tidligst", "senest")
FIELDS: Final = ("beregn", *(f"{name}{row}" for row in range(1, ROWS + 1) for name in ROW_FIELDS))
LARGEST_VOLUME: Final = 1_000_000
LONGEST_WINDOW: Final = 24
REFUSALS = {
    "active_already": N_("This algorithm runs at the trust in that month already. Choose another one."),
    "unknown_algorithm": N_("This algorithm is not on the agreement's list."),
    "not_an_option_holder": N_("This trust is not on the agreement's closed list."),
}


@dataclass(slots=True)
class Form:
    """What was asked, as it was written; the plans that it says, the row of each, and what is wrong by field."""

    values: dict[str, str]
    plans: list[Plan] = field(default_factory=list)
    windows: list[tuple[date, date]] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    errors: list[tuple[str | None, str]] = field(default_factory=list)


@blueprint.get("/prognoser/pukkel")
@requires("read")
def show() -> Any:
    """Offer a plan of activations; asked to, propose the order they start in and show it beside all at once."""
    query = read_query(*FIELDS, past=False)
    if query.actor.scope("read") is not None:
        raise NotFound(_("There is no such page."))
    holders = query.holders()
    products = agreements.marketplace(db.session, query.agreement.id)
    names = words.Names.of(holders, products)
    asked = query.values.get("beregn") == "1"
    form = _read(query) if any(query.values.get(name) for name in FIELDS[1:]) else _offered(query, holders)
    proposal = None
    if asked and not form.errors and not form.plans:
        form.errors.append(("hf1", _("Plan at least one activation.")))
    if asked and not form.errors:
        proposal = _proposed(query, form)
    page = query.page(
        "billing/projection/starting_order.html",
        as_of=query.counted().through,
        version=None,
        form=form,
        values=form.values,
        row_numbers=range(1, ROWS + 1),
        trusts=[(holder.party.code, holder.party.name) for holder in holders],
        products=[(each.code, names.product(each.code)) for each in products],
        names=names,
        errors=form.errors,
        proposal=proposal,
        told=None if proposal is None else _told(proposal),
        starts=[] if proposal is None else _starts(form, proposal),
        figures=()
        if proposal is None
        else hump(proposal.at_once, proposal.staggered, _budget(proposal, holders), current_language()),
        save=None if proposal is None else _scenario_values(form, proposal),
    )
    return (page, 422) if form.errors else page


def _offered(query: Query, holders: tuple[OptionHolder, ...]) -> Form:
    """Offer the next algorithm of every trust, at the volume that others have of it."""
    terms = gather(db.session, agreement_id=query.agreement.id)
    codes = [each.code for each in agreements.marketplace(db.session, query.agreement.id)]
    plan = starting_order.rollout(terms, holders, codes, query.today, bound=bound_plans(db.session, terms, query.today))
    form = Form({})
    for row, (each, window) in enumerate(zip(plan.plans[:ROWS], plan.windows, strict=False), 1):
        assert window is not None
        form.values |= {
            f"hf{row}": each.activation.trust,
            f"alg{row}": each.activation.algorithm,
            f"antall{row}": str(each.monthly_volume),
            f"tidligst{row}": f"{window[0]:%Y-%m}",
            f"senest{row}": f"{window[1]:%Y-%m}",
        }
        form.plans.append(each)
        form.windows.append(window)
        form.rows.append(row)
    return form


def _read(query: Query) -> Form:
    values = {name: query.values.get(name, "") for name in FIELDS[1:]}
    form = Form(values)
    seen: set[tuple[str, str]] = set()
    for row in range(1, ROWS + 1):
        own = {name: values[f"{name}{row}"] for name in ROW_FIELDS}
        if not own["hf"]:
            continue
        if not own["alg"]:
            form.errors.append((f"alg{row}", _("Choose an algorithm.")))
        volume = re.sub(r"[\s\u00a0\u202f]", "", own["antall"])
        if not re.fullmatch(r"[0-9]{1,7}", volume) or not 1 <= int(volume) <= LARGEST_VOLUME:
            most = formatting.quantity(LARGEST_VOLUME, current_language())
            form.errors.append(
                (f"antall{row}", _("Write a whole number of examinations, from 1 to %(most)s.", most=most))
            )
        window = _window(query, form, row, own["tidligst"], own["senest"])
        if (own["hf"], own["alg"]) in seen:
            form.errors.append((f"alg{row}", _("This algorithm is planned at this trust above already.")))
        seen.add((own["hf"], own["alg"]))
        if window is not None and not form.errors:
            form.plans.append(Plan(Activation(own["hf"], own["alg"], window[0]), int(volume), 0))
            form.windows.append(window)
            form.rows.append(row)
    return form


def _window(query: Query, form: Form, row: int, earliest: str, latest: str) -> tuple[date, date] | None:
    term = query.agreement.term
    read = []
    for name, text in (("tidligst", earliest), ("senest", latest)):
        try:
            month = Period.parse(text)
        except ValueError:
            month = None
        if month is None or month != Period.month(month.start) or not term.period.contains(month.start):
            sentence = _(
                "Write a month within the agreement, %(first)s to %(last)s, like 2027-03.",
                first=f"{term.start:%Y-%m}",
                last=f"{add_months(term.end, -1):%Y-%m}",
            )
            form.errors.append((f"{name}{row}", sentence))
        else:
            read.append(month.start)
    if len(read) < 2:
        return None
    if not read[0] <= read[1] < add_months(read[0], LONGEST_WINDOW):
        form.errors.append((f"senest{row}", _("The latest month follows the earliest, at most 24 months in all.")))
        return None
    return read[0], read[1]


def _scenario(query: Query, form: Form) -> Scenario:
    newest = metering.last_day(db.session, query.agreement.id)
    known_until = query.today if newest is None else newest + timedelta(days=1)
    first = Period.month(query.today).start
    return Scenario(
        Period(first, add_months(first, 1)), min(known_until, first), tuple(form.plans), windows=tuple(form.windows)
    )


def _proposed(query: Query, form: Form) -> Proposal | None:
    try:
        return query.asked(starting_order.proposed, scenario=_scenario(query, form))
    except InvalidInput as refusal:
        for error in refusal.errors:
            found = re.match(r"#/activations/([0-9]+)", error.pointer)
            name = "hf" if error.code == "not_an_option_holder" else "alg"
            place = f"{name}{form.rows[int(found[1])]}" if found and int(found[1]) < len(form.rows) else None
            sentence = REFUSALS.get(error.code)
            form.errors.append(
                (place, _(sentence) if sentence else _("This cannot be computed: %(detail)s", detail=error.detail))
            )
        return None


def _told(proposal: Proposal) -> list[str]:
    """Say what the order does: the dearest month and the largest rise, both ways, and how sure it is."""
    language = current_language()

    def money(amount: Decimal) -> str:
        return formatting.money_whole(amount, language)

    def month(period: Period) -> str:
        return formatting.month(period.start, language)

    sentences = []
    once, apart = largest_rise(proposal.at_once), largest_rise(proposal.staggered)
    if once is not None and apart is not None:
        said = {
            "apart": money(apart.amount),
            "since": month(apart.since),
            "until": month(apart.until),
            "once": money(once.amount),
            "share": formatting.percent(abs(1 - apart.amount / once.amount), language),
        }
        if apart.amount < once.amount:
            sentences.append(
                _(
                    "The largest rise over three months is %(apart)s (%(since)s to %(until)s) in the proposed order, against %(once)s when all start at once: %(share)s lower.",
                    **said,
                )
            )
        else:
            sentences.append(
                _(
                    "The largest rise over three months is %(apart)s (%(since)s to %(until)s), no lower than when all start at once.",
                    **said,
                )
            )
    if proposal.rise == proposal.rise_before:
        sentences.append(_("That rise is made by what runs already: no order of the planned activations can lower it."))
    elif proposal.gap == 0:
        sentences.append(_("No order within these months has a smaller largest rise: the search has shown it."))
    else:
        sentences.append(
            _(
                "The search ended before it was sure: another order could lower the largest rise by at most %(gap)s.",
                gap=money(proposal.gap),
            )
        )
    first, second = highest(proposal.staggered), highest(proposal.at_once)
    if first is not None and second is not None:
        sentences.append(
            _(
                "The dearest month is %(month)s with %(amount)s, against %(other)s with %(more)s when all start at once.",
                month=month(first.month),
                amount=money(first.total),
                other=month(second.month),
                more=money(second.total),
            )
        )
    return sentences


def _starts(form: Form, proposal: Proposal) -> list[tuple[Plan, tuple[date, date], date, int]]:
    """Give each activation with its window, the proposed start and the months it is put off, in the order of starting."""
    rows = [
        (
            plan,
            window,
            start.go_live,
            (start.go_live.year - window[0].year) * 12 + start.go_live.month - window[0].month,
        )
        for plan, window, start in zip(form.plans, form.windows, proposal.starts, strict=True)
    ]
    return sorted(rows, key=lambda row: row[2])


def _budget(proposal: Proposal, holders: Sequence[OptionHolder]) -> list[Decimal | None]:
    """Give what the trusts have budgeted in each month together; None where a year has no approved funding."""
    trusts = {holder.party.code for holder in holders}
    by_month: dict[tuple[int, int], Decimal] = {}
    for one in funding.list_budgets(db.session):
        for number, amount in enumerate(one.months if one.trust in trusts else (), 1):
            by_month[one.year, number] = by_month.get((one.year, number), Decimal(0)) + amount
    return [by_month.get((month.start.year, month.start.month)) for month in proposal.horizon.months()]


def _scenario_values(form: Form, proposal: Proposal) -> dict[str, str]:
    """Write the proposal as the fields of the scenario builder."""
    values = {
        "fra": f"{proposal.horizon.start:%Y-%m}",
        "til": f"{proposal.horizon.end:%Y-%m}",
        "rader": str(len(form.plans)),
    }
    for row, (plan, start) in enumerate(zip(form.plans, proposal.starts, strict=True), 1):
        values |= {
            f"hf{row}": plan.activation.trust,
            f"alg{row}": plan.activation.algorithm,
            f"start{row}": f"{start.go_live:%Y-%m}",
            f"antall{row}": str(plan.monthly_volume),
            f"tilv{row}": "0",
        }
    return values
