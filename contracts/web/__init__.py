"""Pages of what was agreed, and the shell that both halves use."""

from __future__ import annotations

from flask import Flask

from contracts.web import api, documents_api, exports, health
from contracts.web.agreements import agreement_file, amendments, amendments_api, ceiling_api
from contracts.web.agreements import api as api_agreements
from contracts.web.audit import api as api_audit
from contracts.web.audit import log as audit_log
from contracts.web.options import api as api_options
from contracts.web.options import catalogue, catalogue_api
from contracts.web.people import pages as people_pages
from contracts.web.people import tokens, tokens_api
from contracts.web.prices import indexation, indexation_api
from contracts.web.reminders import calendar_feed, deadlines
from contracts.web.work import jobs, jobs_api

RESOURCES = (
    api_agreements.agreement_resource,
    api_agreements.parties,
    amendments_api.resource,
    documents_api.resource,
    indexation_api.resource,
    indexation_api.due,
    api_options.resource,
    catalogue_api.resource,
    ceiling_api.resource,
    jobs_api.resource,
    api_audit.resource,
    tokens_api.resource,
)
PAGES = (
    indexation,
    catalogue,
    deadlines,
    agreement_file,
    amendments,
    calendar_feed,
    jobs,
    audit_log,
    tokens,
    people_pages,
)


def register(app: Flask) -> None:
    """Give the app this half's pages and resources, and the API that both halves add theirs to."""
    exports.register(app)
    health.register(app)
    api.register(app)
    api.add(app, *RESOURCES)
    for page in PAGES:
        app.register_blueprint(page.blueprint)
