"""Pages of what was agreed, and the shell that both halves use."""

from __future__ import annotations

from flask import Flask

from contracts.web import (
    amendments,
    api,
    api_agreements,
    api_amendments,
    api_audit,
    api_catalogue,
    api_ceiling,
    api_documents,
    api_indexation,
    api_jobs,
    api_options,
    api_tokens,
    audit_log,
    calendar_feed,
    catalogue,
    deadlines,
    indexation,
    jobs,
    people,
    tokens,
)


def register(app: Flask) -> None:
    """Give the app this half's pages and resources, and the API that both halves add theirs to."""
    api.register(app)
    api_agreements.register(app)
    api_amendments.register(app)
    api_documents.register(app)
    api_indexation.register(app)
    api_options.register(app)
    api_catalogue.register(app)
    api_ceiling.register(app)
    indexation.register(app)
    catalogue.register(app)
    deadlines.register(app)
    amendments.register(app)
    calendar_feed.register(app)
    api_jobs.register(app)
    jobs.register(app)
    api_audit.register(app)
    audit_log.register(app)
    tokens.register(app)
    api_tokens.register(app)
    people.register(app)
