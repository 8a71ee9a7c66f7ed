"""Pages and API of what it costs."""

from __future__ import annotations

from flask import Flask

from billing.web import (
    agreement,
    api,
    charge_list,
    corrections,
    coverage,
    explanation,
    invoice_setup,
    invoices,
    overview,
    price_books,
    price_drafts,
    quarters,
    trust,
    usage,
    what_if,
)


def register(app: Flask) -> None:
    """Give the app this half's pages and the API."""
    overview.register(app)
    agreement.register(app)
    price_books.register(app)
    price_drafts.register(app)
    charge_list.register(app)
    explanation.register(app)
    quarters.register(app)
    usage.register(app)
    coverage.register(app)
    corrections.register(app)
    what_if.register(app)
    invoices.register(app)
    invoice_setup.register(app)
    trust.register(app)
    api.register(app)
