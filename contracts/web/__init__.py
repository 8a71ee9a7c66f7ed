"""Pages of what was agreed, and the shell that both halves use."""

from __future__ import annotations

from flask import Flask

from contracts.web import api, documents_api, exports
from contracts.web.agreements import amendments, amendments_api, ceiling_api
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


def register(app: Flask) -> None:
    """Give the app this half's pages and resources, and the API that both halves add theirs to."""
    exports.register(app)
    api.register(app)
    api_agreements.register(app)
    amendments_api.register(app)
    documents_api.register(app)
    indexation_api.register(app)
    api_options.register(app)
    catalogue_api.register(app)
    ceiling_api.register(app)
    indexation.register(app)
    catalogue.register(app)
    deadlines.register(app)
    amendments.register(app)
    calendar_feed.register(app)
    jobs_api.register(app)
    jobs.register(app)
    api_audit.register(app)
    audit_log.register(app)
    tokens.register(app)
    tokens_api.register(app)
    people_pages.register(app)
