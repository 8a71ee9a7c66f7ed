"""Pages and API of what it costs."""

from __future__ import annotations

from flask import Flask

from billing import activation_costs, ceiling_posts, decision_papers, forecast_vintages, index_letters
from billing.web import (
    accruals,
    agreement,
    allocations,
    anomalies,
    api,
    approvals,
    budgets,
    ceiling_pages,
    charge_list,
    corrections,
    cost_centres,
    coverage,
    deadline_words,
    disputes,
    drivers,
    explanation,
    gain_pages,
    hump_pages,
    invoice_setup,
    invoices,
    option_pages,
    overview,
    payments,
    price_books,
    price_drafts,
    quarters,
    reconciliation_acts,
    reconciliation_files,
    reconciliation_line,
    reconciliations,
    scenarios,
    sign_offs,
    tolerances,
    trust,
    usage,
    usage_import,
    vintages,
    what_if,
)
from contracts.web import formatting


def register(app: Flask) -> None:
    """Give the app this half's pages and the API."""
    activation_costs.register()
    ceiling_posts.register()
    forecast_vintages.register()
    decision_papers.register(formatting)
    index_letters.register(formatting)
    overview.register(app)
    approvals.register(app)
    gain_pages.register(app)
    option_pages.register(app)
    agreement.register(app)
    ceiling_pages.register(app)
    price_books.register(app)
    price_drafts.register(app)
    charge_list.register(app)
    explanation.register(app)
    quarters.register(app)
    usage.register(app)
    usage_import.register(app)
    coverage.register(app)
    corrections.register(app)
    what_if.register(app)
    hump_pages.register(app)
    drivers.register(app)
    anomalies.register(app)
    vintages.register(app)
    budgets.register(app)
    scenarios.register(app)
    invoices.register(app)
    invoice_setup.register(app)
    reconciliations.register(app)
    reconciliation_line.register(app)
    reconciliation_acts.register(app)
    reconciliation_files.register(app)
    disputes.register(app)
    deadline_words.register(app)
    sign_offs.register(app)
    tolerances.register(app)
    trust.register(app)
    payments.register(app)
    accruals.register(app)
    allocations.register(app)
    cost_centres.register(app)
    api.register(app)
