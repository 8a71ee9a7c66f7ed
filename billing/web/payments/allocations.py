"""Cost allocation: what each trust bears of a period's charges or of an invoice, as a proposal for booking."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect
from flask_babel import gettext as _

from billing.invoices import invoices
from billing.payments import allocation
from billing.payments.allocation import Allocation
from billing.usage import metering
from billing.web import words
from billing.web.payments import words as money_words
from billing.web.query import Query, read_query
from billing.web.tables import allocation_table
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.terms.period import Period, add_months, previous_day
from contracts.web.exports import table_answer
from contracts.web.guard import requires

blueprint = Blueprint("allocation_pages", __name__)

MOST_QUARTERS = 12


@blueprint.get("/fordeling")
@requires("read")
def show() -> Any:
    """Show what each trust bears; without a period or an invoice, lead to the quarter of the newest usage."""
    query = read_query("periode", "faktura")
    allocation.require_reader(query.actor)
    if not query.values.get("periode") and not query.values.get("faktura"):
        last = metering.last_day(db.session, query.agreement.id, query.known_at) or query.today
        day = min(max(last, query.agreement.term.start), previous_day(query.agreement.term.end))
        return redirect(query.link("allocation_pages.show", periode=Period.quarter(day).label()))
    found = _found(query)
    return query.page(
        "billing/payments/allocation.html",
        as_of=query.counted().through,
        version=None,
        found=found,
        chosen=query.values,
        quarters=_quarters(query, found.period),
        listed=query.asked(invoices.list_invoices, known_at=query.known_at),
        names=query.names(),
        words=words,
        money_words=money_words,
    )


@blueprint.get("/fordeling.<table:suffix>")
@requires("read")
def export(suffix: str) -> Response:
    """Give the proposal as a file."""
    query = read_query("periode", "faktura")
    found = _found(query)
    about = found.invoice.number if found.invoice else found.period.label().replace("/", "-")
    name = "".join(
        character for character in about if character.isascii() and (character.isalnum() or character == "-")
    )
    return table_answer(suffix, f"fordeling-{name}", allocation_table(found))


def _found(query: Query) -> Allocation:
    asked = query.values.get("faktura", "")
    if asked:
        if not (asked.isascii() and asked.isdigit() and int(asked) < 2**63):
            raise NotFound(_("There is no such invoice."))
        return query.asked(allocation.allocate_invoice, invoice_id=int(asked), known_at=query.known_at)
    period = query.period()
    if period is None:
        raise NotFound(_("There is no such file."))
    return query.asked(allocation.allocate_charges, period=period, known_at=query.known_at)


def _quarters(query: Query, shown: Period) -> list[tuple[str, str]]:
    """Offer the newest quarters that have begun, and the one that is shown."""
    term = query.agreement.term
    start = Period.quarter(min(max(query.today, term.start), previous_day(term.end))).start
    offered: list[Period] = []
    while start >= Period.quarter(term.start).start and len(offered) < MOST_QUARTERS:
        offered.append(Period.quarter(start))
        start = add_months(start, -3)
    quarter = Period.quarter(shown.start)
    if quarter not in offered:
        offered.append(quarter)
    return [(each.label(), words.period_text(each.start, each.end)) for each in offered]
