"""The tables of cost centres, allocation, accruals and payments as rows of a file, the same for pages and API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from billing.figures import Figure
from billing.payments.accruals import Accruals
from billing.payments.allocation import Allocation
from billing.payments.open_items import Roll
from billing.payments.payments import OpenItem, RegisteredPayment
from contracts.cost_centres import Booking, CostCentreEntry

Table = tuple[tuple[str, ...], list[tuple[Any, ...]]]
# The id of the row's headline figure, and its exact value as machines compare it.
FIGURE_COLUMNS = ("figure", "figure_value")
BOOKING = ("cost_centre", "account", "accrual_account", "project", "vat_code")


def cost_centre_table(entries: Iterable[CostCentreEntry]) -> Table:
    """Give the register."""
    return ("trust", "algorithm", "valid_from", *BOOKING), [
        (each.trust, each.algorithm, each.valid_from, *_booking(each.booking)) for each in entries
    ]


def allocation_table(found: Allocation) -> Table:
    """Give the proposal for booking."""
    return ("trust", "algorithm", *BOOKING, "net", "tax", "gross"), [
        (each.trust, each.algorithm, *_booking(each.booking), each.net, each.tax, each.gross) for each in found.amounts
    ]


def accrual_table(found: Accruals) -> Table:
    """Give what stands accrued, by month, trust and booking; its sum is the total of the page."""
    return ("month", "trust", *BOOKING, "amount"), [
        (each.month.label(), each.trust, *_booking(each.booking), each.amount) for each in found.standing
    ]


def payment_table(listed: Iterable[RegisteredPayment]) -> Table:
    """Give the registered payments and reversals."""
    header = ("id", "invoice", "vendor", "paid_on", "amount", "reference", "file", "row", "reverses", "reversed_by")
    return header, [tuple(getattr(each, name) for name in header) for each in listed]


def open_item_table(items: Iterable[OpenItem]) -> Table:
    """Give the open items."""
    header = ("number", "kind", "vendor", "buyer", "issued_on", "due_on", "billed", "credited", "paid", "open")
    return (*header, "days_late", "late_interest", "compensation"), [
        (
            *(getattr(each, name) for name in header),
            each.late.days,
            each.late.interest if each.late.complete else None,
            each.late.compensation,
        )
        for each in items
    ]


def roll_table(rolls: Iterable[Roll]) -> Table:
    """Give the roll-forward."""
    names = ("opening", "invoiced", "credited", "paid", "closing")
    return ("vendor", "quarter", *names), [
        (each.vendor, each.quarter.label(), *(getattr(each, name) for name in names)) for each in rolls
    ]


def figure_cells(figure: Figure) -> tuple[str, str]:
    """Give a figure's cells."""
    return figure.id, figure.wire


def _booking(booking: Booking | None) -> tuple[Any, ...]:
    if booking is None:
        return (None,) * len(BOOKING)
    return tuple(getattr(booking, name) for name in BOOKING)
