"""The tables of cost centres, allocation, accruals and payments as rows of a file, the same for pages and API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from billing.figures import Figure
from billing.payments.accruals import Accruals
from billing.payments.allocation import Allocation
from billing.payments.open_items import Roll
from billing.payments.payments import OpenItem, RegisteredPayment
from contracts.cost_centres import Booking, CostCentreEntry
from contracts.terms.table import Table, columns

# The id of the row's headline figure, and its exact value as machines compare it.
FIGURE_COLUMNS: Final = columns("text", "figure") | columns("whole", "figure_value")
BOOKING: Final = ("cost_centre", "account", "accrual_account", "project", "vat_code")


def cost_centre_table(entries: Iterable[CostCentreEntry]) -> Table:
    """Give the register."""
    named = columns("text", "trust", "algorithm") | columns("day", "valid_from") | columns("text", *BOOKING)
    return Table(named, [(each.trust, each.algorithm, each.valid_from, *_booking(each.booking)) for each in entries])


def allocation_table(found: Allocation) -> Table:
    """Give the proposal for booking."""
    named = columns("text", "trust", "algorithm", *BOOKING) | columns("number", "net", "tax", "gross")
    rows = [
        (each.trust, each.algorithm, *_booking(each.booking), each.net, each.tax, each.gross) for each in found.amounts
    ]
    return Table(named, rows)


def accrual_table(found: Accruals) -> Table:
    """Give what stands accrued, by month, trust and booking; its sum is the total of the page."""
    named = columns("text", "month", "trust", *BOOKING) | columns("number", "amount")
    rows = [(each.month.label(), each.trust, *_booking(each.booking), each.amount) for each in found.standing]
    return Table(named, rows)


def payment_table(listed: Iterable[RegisteredPayment]) -> Table:
    """Give the registered payments and reversals."""
    named = columns("whole", "id") | columns("text", "invoice", "vendor") | columns("day", "paid_on")
    named |= columns("number", "amount") | columns("text", "reference", "file")
    named |= columns("whole", "row", "reverses", "reversed_by")
    return Table(named, [tuple(getattr(each, name) for name in named) for each in listed])


def open_item_table(items: Iterable[OpenItem]) -> Table:
    """Give the open items."""
    own = columns("text", "number", "kind", "vendor", "buyer") | columns("day", "issued_on", "due_on")
    own |= columns("number", "billed", "credited", "paid", "open")
    rows = [
        (
            *(getattr(each, name) for name in own),
            each.late.days,
            each.late.interest if each.late.complete else None,
            each.late.compensation,
        )
        for each in items
    ]
    return Table(own | columns("whole", "days_late") | columns("number", "late_interest", "compensation"), rows)


def roll_table(rolls: Iterable[Roll]) -> Table:
    """Give the roll-forward."""
    names = ("opening", "invoiced", "credited", "paid", "closing")
    rows = [(each.vendor, each.quarter.label(), *(getattr(each, name) for name in names)) for each in rolls]
    return Table(columns("text", "vendor", "quarter") | columns("number", *names), rows)


def figure_cells(figure: Figure) -> tuple[str, int | None]:
    """Give the cells of a figure that is an amount."""
    return figure.id, figure.ore


def _booking(booking: Booking | None) -> tuple[Any, ...]:
    if booking is None:
        return (None,) * len(BOOKING)
    return tuple(getattr(booking, name) for name in BOOKING)
