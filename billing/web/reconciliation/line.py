"""A row of a reconciliation: both computations side by side, what lies behind them, and the decision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import Blueprint, flash, redirect, request
from flask_babel import gettext as _

from billing.causes import FIRST_ACTION
from billing.causes.billed import BilledLine
from billing.rating.lines import Line
from billing.rating.price_list import charge_on
from billing.reconciliation import background
from billing.reconciliation import runs as reconciliation
from billing.reconciliation.lines import ReconciledLine, lines_of
from billing.reconciliation.report import Report
from billing.web import words
from billing.web.query import Query, read_query
from billing.web.reconciliation import words as reconciliation_words
from billing.web.reconciliation.quarter import (
    GRID,
    RUN,
    kept,
    may_act,
    names_of,
    people_of,
    previous_and_next,
    read_report,
    selection,
)
from contracts.errors import InvalidInput, NotFound
from contracts.extensions import db
from contracts.web.guard import requires

blueprint = Blueprint("reconciliation_line", __name__)


@dataclass(frozen=True, slots=True)
class Pair:
    """An invoice line beside an expected line of the same match; one of the two may be missing."""

    billed: BilledLine | None
    due: Line | None
    place: str

    @property
    def difference(self) -> Decimal:
        """Give billed less expected."""
        return (self.billed.net if self.billed else Decimal(0)) - (self.due.net if self.due else Decimal(0))

    @property
    def other_quantity(self) -> bool:
        """Tell whether both count, and not the same."""
        return self._both and self.billed.quantity != self.due.quantity  # type: ignore[union-attr]

    @property
    def other_price(self) -> bool:
        """Tell whether both have a price, and not the same."""
        return self._both and self.billed.unit_price != self.due.unit_price  # type: ignore[union-attr]

    @property
    def other_discount(self) -> bool:
        """Tell whether the discounts differ."""
        return bool(self.billed and self.due and self.billed.allowance != self.due.discount)

    @property
    def _both(self) -> bool:
        return bool(self.billed and self.due and self.due.quantity is not None and not self.billed.is_sum)


@blueprint.get("/avstemming/<quarter>/linje/<key>")
@requires("read")
def show(quarter: str, key: str) -> Any:
    """Show a row."""
    query = read_query(*GRID, RUN)
    return _page(query, read_report(query, quarter), key)


@blueprint.post("/avstemming/<quarter>/linje/<key>")
@requires(reconciliation.ACT)
def decide(quarter: str, key: str) -> Any:
    """Decide about the findings of a row, and lead on to the next one that is not decided."""
    query = read_query(*GRID, RUN)
    keys = [name.removeprefix("f-") for name in request.form if name.startswith("f-")]
    try:
        report = query.done(
            reconciliation.decide,
            quarter=quarter,
            keys=keys,
            decision=request.form.get("avgjorelse", ""),
            comment=request.form.get("kommentar", ""),
            today=query.today,
        )
    except InvalidInput as error:
        return _page(query, read_report(query, quarter), key, mistakes(error)), 422
    flash(_("The decision is recorded."))
    listed = selection(query).of(lines_of(report))
    place = next((index for index, row in enumerate(listed) if row.key == key), 0)
    waiting = [row for row in (*listed[place + 1 :], *listed[:place]) if row.open]
    if waiting:
        return redirect(query.link("reconciliation_line.show", quarter=quarter, key=waiting[0].key, **kept(query)), 303)
    return redirect(query.link("reconciliation_pages.show", quarter=quarter, **kept(query)), 303)


def mistakes(error: InvalidInput) -> list[tuple[str | None, str]]:
    """Say what was wrong in the form of a decision, each at its field."""
    told = {
        ("#/decision", "unknown"): ("avgjorelse", _("Choose what becomes of it.")),
        ("#/comment", "missing"): ("kommentar", _("Accepting what differs needs a reason.")),
        ("#/comment", "too_long"): ("kommentar", _("At most 1000 characters.")),
        ("#/findings", "missing"): (None, _("Choose at least one difference.")),
    }
    return [
        told.get(
            (each.pointer, each.code),
            (None, _("What you saw is no longer so: look at the differences again.")),
        )
        for each in error.errors
    ]


def _page(query: Query, report: Report, key: str, errors: list[Any] | None = None) -> str:
    rows = lines_of(report)
    row = next((each for each in rows if each.key == key), None)
    if row is None:
        raise NotFound(_("There is no such row in this quarter now. It may have changed with what is known."))
    names = names_of(query)
    before, after, place, count = previous_and_next(selection(query).of(rows), key)
    agreement_id = query.agreement.id
    return query.page(
        "billing/reconciliation/line.html",
        as_of=query.counted().through,
        version=report.frozen.inputs.charges.versions[-1].valid_from if report.frozen.inputs.charges.versions else None,
        report=report,
        quarter=report.quarter.label(),
        row=row,
        invoice=next((each for each in report.invoices if each.sha256 == row.sha256), None),
        pairs=list(_pairs(row, report)),
        counts=background.counts_behind(db.session, report, row, agreement_id),
        earlier=background.quarter_before(db.session, report, row, agreement_id),
        before=before,
        after=after,
        place=place,
        count=count,
        kept=kept(query),
        people=people_of(report),
        names=names,
        words=words,
        told=reconciliation_words,
        first_actions=FIRST_ACTION,
        may_act=may_act(query, reconciliation.ACT) and not report.facts.attested,
        errors=errors or [],
    )


def _pairs(row: ReconciledLine, report: Report) -> Iterator[Pair]:
    """Put the lines of each match beside each other: those of the same tier and phase first, then what is left as it stands."""
    matches = [(match.billed, match.expected) for match in row.matches] or [(row.billed, row.due)]
    told_billed = {line.id for billed, _due in matches for line in billed}
    told_due = {line.id for _billed, due in matches for line in due}
    matches.append(
        (
            tuple(line for line in row.billed if line.id not in told_billed),
            tuple(line for line in row.due if line.id not in told_due),
        )
    )
    for billed, due in matches:
        left = list(billed)
        for line in due:
            alike = [each for each in left if (each.tier, each.phase) == (line.tier, line.phase)]
            beside = next(iter(alike or left), None)
            if beside is not None:
                left.remove(beside)
            yield Pair(beside, line, _caption(line, report))
        for each in left:
            yield Pair(each, None, _("Tier %(n)s", n=each.tier) if each.tier is not None else each.text)


def _caption(line: Line, report: Report) -> str:
    book = report.frozen.inputs.charges.request.price_book
    charge = charge_on(book, line.charge, line.period.start)
    caption = None
    if charge is not None and line.why is None and line.tier is not None:
        caption = words.tier_caption(book, charge, line.tier)
    return words.line_text(line, caption)
