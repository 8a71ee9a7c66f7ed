"""Commands about what was agreed: agreements, options, people, tokens, the log, the database. Each calls one use case."""

from __future__ import annotations

from flask import Flask

from contracts.commands import agreements, audit, database, index, options, people


def register(app: Flask) -> None:
    """Give the app this half's commands."""
    for subject in (agreements, options, people, audit, index, database):
        subject.register(app)
