"""API of what it costs: prices, charges, projections, invoices, usage."""

from __future__ import annotations

from flask import Flask

from billing.web import (
    api_accruals,
    api_anomalies,
    api_budgets,
    api_charges,
    api_cost_centres,
    api_coverage,
    api_disputes,
    api_drivers,
    api_invoice_setup,
    api_invoices,
    api_payments,
    api_price_books,
    api_quarters,
    api_reconciliations,
    api_scenarios,
    api_tolerances,
    api_usage,
)
from contracts.web import api


def register(app: Flask) -> None:
    """Give the API this half's resources."""
    api.add(
        app,
        api_charges.prices,
        api_charges.charges,
        api_charges.projections,
        api_scenarios.resource,
        api_drivers.resource,
        api_anomalies.resource,
        api_budgets.resource,
        api_invoices.resource,
        api_invoice_setup.resource,
        api_price_books.resource,
        api_quarters.resource,
        api_reconciliations.resource,
        api_disputes.resource,
        api_tolerances.resource,
        api_coverage.coverage,
        api_coverage.corrected,
        api_usage.resource,
        api_cost_centres.resource,
        api_accruals.resource,
        api_payments.resource,
    )
