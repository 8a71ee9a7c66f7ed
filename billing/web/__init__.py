"""Pages and API of what it costs."""

from __future__ import annotations

from flask import Blueprint, Flask

from billing.ceiling import budgets as budget_courses
from billing.ceiling import effects as ceiling_effects
from billing.ceiling import posts as ceiling_posts
from billing.decisions import activation_costs, index_letters
from billing.decisions import papers as decision_papers
from billing.projection import kept_forecasts as forecasts_at_close
from billing.web import api, figures
from billing.web.ceiling import budgets
from billing.web.ceiling import pages as ceiling_pages
from billing.web.charges import explanation
from billing.web.charges import pages as charge_list
from billing.web.decisions import gains as gain_pages
from billing.web.decisions import options as option_pages
from billing.web.decisions import pages as approvals
from billing.web.invoices import pages as invoice_pages
from billing.web.invoices import setup as invoice_setup
from billing.web.payments import accruals, allocations, cost_centres
from billing.web.payments import pages as payment_pages
from billing.web.prices import drafts as price_drafts
from billing.web.prices import pages as price_books
from billing.web.projection import drivers, kept_forecasts, starting_order, what_if
from billing.web.quarters import corrections, coverage
from billing.web.quarters import pages as quarter_pages
from billing.web.reconciliation import acts as reconciliation_acts
from billing.web.reconciliation import deadline_words, disputes, sign_offs, tolerances
from billing.web.reconciliation import files as reconciliation_files
from billing.web.reconciliation import line as reconciliation_line
from billing.web.reconciliation import quarter as reconciliations
from billing.web.reports import agreement, overview, trust
from billing.web.scenarios import pages as scenario_pages
from billing.web.usage import anomalies, import_pages
from billing.web.usage import pages as usage_pages
from contracts.web import formatting

# The one place that says where this half's templates are; the subjects' own blueprints stand in folders below.
pages = Blueprint("billing_pages", __name__, template_folder="templates")

PAGES = (
    overview,
    approvals,
    gain_pages,
    agreement,
    ceiling_pages,
    price_books,
    price_drafts,
    charge_list,
    explanation,
    quarter_pages,
    usage_pages,
    coverage,
    corrections,
    what_if,
    starting_order,
    drivers,
    anomalies,
    kept_forecasts,
    budgets,
    invoice_pages,
    invoice_setup,
    reconciliations,
    reconciliation_line,
    reconciliation_acts,
    reconciliation_files,
    disputes,
    sign_offs,
    tolerances,
    trust,
    payment_pages,
    accruals,
    allocations,
    cost_centres,
)


def register(app: Flask) -> None:
    """Give the app this half's pages and the API."""
    app.register_blueprint(pages)
    figures.register(app)
    activation_costs.register()
    budget_courses.register()
    ceiling_posts.register()
    ceiling_effects.register()
    forecasts_at_close.register()
    decision_papers.register(formatting)
    index_letters.register(formatting)
    for page in PAGES:
        app.register_blueprint(page.blueprint)
    option_pages.register(app)
    import_pages.register(app)
    scenario_pages.register(app)
    deadline_words.register(app)
    api.register(app)
