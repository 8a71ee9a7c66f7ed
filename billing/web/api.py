"""API of what it costs: prices, charges, projections, invoices, usage."""

from __future__ import annotations

from flask import Flask

from billing.web import api_charges, api_invoices, api_usage
from contracts.web import api


def register(app: Flask) -> None:
    """Give the API this half's resources."""
    api.add(
        app, api_charges.prices, api_charges.charges, api_charges.projections, api_invoices.resource, api_usage.resource
    )
