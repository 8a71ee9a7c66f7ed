"""Pages of the trail: what was done, by whom, when, with filters, as a file, and whether the chain over it holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from contracts import audit
from contracts.errors import Denied
from contracts.extensions import db
from contracts.models import AuditEvent
from contracts.people import access
from contracts.people.access import COMMAND_LINE
from contracts.terms.table import Table, columns
from contracts.terms.workflow import OSLO
from contracts.terms.written import read_day
from contracts.web import layout
from contracts.web.exports import table_answer
from contracts.web.guard import current_actor, requires
from contracts.web.i18n import N_

PAGE: Final = 50
# As many as a file holds; whoever needs more asks for less time at once, or the API.
LONGEST_FILE: Final = 50_000
COLUMNS: Final = columns("whole", "id") | columns("text", "at", "actor", "action", "subject", "data")

blueprint = Blueprint("audit_log", __name__)
layout.add_nav(blueprint, 92, N_("Log"), "audit_log.index", visible=lambda: _may_read(), more=True)


@blueprint.get("/admin/logg")
@requires("audit.read")
def index() -> Any:
    """List what was done, newest first."""
    _require_all()
    wanted, errors = _wanted()
    before = request.args.get("before", type=int)
    found = audit.list_events(db.session, wanted, before=before, limit=PAGE) if not errors else []
    actions, actors = audit.list_names(db.session)
    names = _names([*actors])
    query = _given()
    head = audit.head(db.session)
    older = url_for("audit_log.index", **query, before=found[-1].id) if len(found) == PAGE else None
    page = render_template(
        "contracts/audit/audit_log.html",
        events=found,
        actions=[(one, one) for one in actions],
        actors=[(one, names[one]) for one in actors],
        names=names,
        values=request.args,
        narrowed=bool(query),
        head=head,
        newest_url=url_for("audit_log.index", **query) if before else None,
        older_url=older,
        asked=query,
        errors=errors,
    )
    return (page, 422) if errors else page


@blueprint.get("/admin/logg/<int:event_id>")
@requires("audit.read")
def show(event_id: int) -> Any:
    """Show one act with everything that it recorded, and its place in the chain."""
    _require_all()
    event, link = audit.find_event(db.session, event_id)
    return render_template(
        "contracts/audit/audit_event.html",
        event=event,
        link=link,
        who=_names([event.recorded_by])[event.recorded_by],
        facts=[(name, _written(value)) for name, value in event.data.items() if name not in ("from", "to")],
        change=(_written(event.data.get("from")), _written(event.data.get("to"))) if "to" in event.data else None,
    )


@blueprint.get("/admin/logg.<table:suffix>")
@requires("audit.read")
def as_file(suffix: str) -> Any:
    """Give the acts that the filters leave as a file."""
    _require_all()
    wanted, errors = _wanted()
    if errors:
        return redirect(url_for("audit_log.index", **_given()))
    found = audit.list_events(db.session, wanted, limit=LONGEST_FILE)
    rows = [
        (one.id, _instant(one), one.recorded_by, one.action, one.subject, json.dumps(one.data, ensure_ascii=False))
        for one in found
    ]
    return table_answer(suffix, "trail", Table(COLUMNS, rows))


@blueprint.post("/admin/logg/kontroll")
@requires("audit.read")
def check() -> Any:
    """Compute the whole chain anew and tell what came of it."""
    _require_all()
    with db.read() as session:
        found = audit.verify(session)
    if found.whole:
        told = ngettext(
            "The chain holds: %(num)d act, none changed, removed or put in.",
            "The chain holds: %(num)d acts, none changed, removed or put in.",
            found.head.count,
        )
        flash(told)
    else:
        first = found.breaks[0]
        told = ngettext(
            "The chain is broken in %(num)d place, first at %(number)s (%(code)s). Tell whoever runs this system.",
            "The chain is broken in %(num)d places, first at %(number)s (%(code)s). Tell whoever runs this system.",
            len(found.breaks),
            number=first.number,
            code=first.code,
        )
        flash(told, "error")
    return redirect(url_for("audit_log.index"), 303)


_FIELDS: Final = ("handling", "objekt", "hvem", "fra", "til")


def _may_read() -> bool:
    """Tell whether the reader has the trail in the menu: who may read all of it."""
    actor = g.get("trinnvis_actor")
    return actor is not None and actor.may("audit.read") and actor.scope("audit.read") is None


def _require_all() -> None:
    if current_actor().scope("audit.read") is not None:
        raise Denied("the trail is read by whoever reads all trusts")


def _wanted() -> tuple[audit.Filter, list[tuple[str, str]]]:
    """Read the filters; days are days in Oslo, the last one included."""
    errors: list[tuple[str, str]] = []
    days: dict[str, datetime | None] = {}
    for name, more in (("fra", 0), ("til", 1)):
        written = request.args.get(name, "").strip()
        days[name] = None
        if written:
            try:
                day = read_day(written) + timedelta(days=more)
                days[name] = datetime.combine(day, time(), OSLO).astimezone(UTC)
            except (ValueError, OverflowError):
                errors.append((name, _("Write the day as year-month-day.")))
    texts = {
        name: "".join(letter for letter in request.args.get(name, "") if letter.isprintable()).strip()[:200] or None
        for name in ("handling", "objekt", "hvem")
    }
    return audit.Filter(texts["handling"], texts["objekt"], texts["hvem"], days["fra"], days["til"]), errors


def _given() -> dict[str, Any]:
    """Give the filters of the address, without those left empty."""
    return {name: value for name, value in request.args.items() if name in _FIELDS and value}


def _names(ids: list[str]) -> dict[str, str]:
    return access.names_of(db.session, ids) | {COMMAND_LINE.id: _("the command line")}


def _instant(event: AuditEvent) -> str:
    return event.recorded_at.astimezone(UTC).isoformat()


def _written(value: Any) -> str:
    """Write a fact as it was recorded."""
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
