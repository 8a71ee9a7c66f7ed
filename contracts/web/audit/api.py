"""API of the trail: what was done, by whom, when. Reading only."""

from __future__ import annotations

from typing import Any

from flask import Response

from contracts import audit
from contracts.errors import Denied
from contracts.extensions import db
from contracts.models import AuditEvent
from contracts.schemas.audit import AuditPageSchema, AuditQuerySchema
from contracts.web import api
from contracts.web.api import from_cursor, json_answer, to_cursor
from contracts.web.guard import current_actor
from contracts.web.resources import Resource

resource = Resource("audit_api", __name__, url_prefix=f"{api.PREFIX}/audit-events", description="The trail.")


@resource.reads(
    "",
    AuditPageSchema,
    "The events that match all that is given, newest first.",
    act="audit.read",
    query=AuditQuerySchema,
    problems=(422,),
)
def list_events(query: dict[str, Any]) -> Response:
    """List audit events"""
    if current_actor().scope("audit.read") is not None:
        raise Denied("the trail is read by whoever reads all trusts")
    (before,) = from_cursor(query["after"], api.whole) or (None,)
    wanted = audit.Filter(**{name: query.get(name) for name in ("action", "subject", "actor", "first", "until")})
    found = audit.list_events(db.session, wanted, before=before, limit=query["limit"])
    following = to_cursor(found[-1].id) if len(found) == query["limit"] else None
    return json_answer({"items": [_written(one) for one in found], "next": following})


def _written(event: AuditEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": event.recorded_at.isoformat(),
        "action": event.action,
        "subject": event.subject,
        "actor": event.recorded_by,
        "data": event.data,
    }
