"""Chain the audit events that are recorded already, in canonical form 1 as it was when the chain began."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

_FORM = {
    "sqlite": (
        "id || char(31) || recorded_at || char(31) || action || char(31) || subject || char(31) || recorded_by"
        " || char(31) || data"
    ),
    "postgresql": (
        "id::text || chr(31) || to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || chr(31) || action"
        " || chr(31) || subject || chr(31) || recorded_by || chr(31) || data::text"
    ),
}
_INSERT = sa.text("INSERT INTO audit_links (number, event_id, form, sha256) VALUES (:number, :event_id, 1, :sha256)")


def link_all(connection: sa.Connection) -> None:
    """Give each event its link, in the order in which they were recorded."""
    form = _FORM[connection.dialect.name]
    rows = connection.execute(sa.text(f"SELECT id, {form} FROM audit_events ORDER BY id")).all()  # noqa: S608
    previous, links = "", []
    for number, (event_id, text) in enumerate(rows, 1):
        previous = hashlib.sha256((previous + text).encode()).hexdigest()
        links.append({"number": number, "event_id": event_id, "sha256": previous})
    if links:
        connection.execute(_INSERT, links)
