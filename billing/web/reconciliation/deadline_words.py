"""How the pages speak of the deadlines that this half of the product knows."""

from __future__ import annotations

from flask import Flask

from billing.reconciliation.dispute_deadlines import REPLY
from contracts.web.i18n import N_
from contracts.web.reminders.deadlines import present


def register(app: Flask) -> None:
    """Give the app's deadline pages their sentences."""
    present(
        REPLY,
        N_("The vendor's answer to dispute %(dispute)s of invoice %(invoice)s"),
        N_("Without an answer the dispute stays open and %(quarter)s cannot be attested."),
    )
