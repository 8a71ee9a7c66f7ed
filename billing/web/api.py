"""API of what it costs: prices, charges, projections, invoices, usage."""

from __future__ import annotations

from flask import Flask

from billing.web.ceiling import budgets_api
from billing.web.charges import api as api_charges
from billing.web.invoices import api as api_invoices
from billing.web.invoices import setup_api
from billing.web.payments import accruals_api, cost_centres_api
from billing.web.payments import api as api_payments
from billing.web.prices import api as api_price_books
from billing.web.projection import api as api_drivers
from billing.web.quarters import api as api_quarters
from billing.web.quarters import coverage_api
from billing.web.reconciliation import api as api_reconciliations
from billing.web.reconciliation import disputes_api, tolerances_api
from billing.web.scenarios import api as api_scenarios
from billing.web.usage import anomalies_api
from billing.web.usage import api as api_usage
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
        anomalies_api.resource,
        budgets_api.resource,
        api_invoices.resource,
        setup_api.resource,
        api_price_books.resource,
        api_quarters.resource,
        api_reconciliations.resource,
        disputes_api.resource,
        tolerances_api.resource,
        coverage_api.coverage,
        coverage_api.corrected,
        api_usage.resource,
        cost_centres_api.resource,
        accruals_api.resource,
        api_payments.resource,
    )
