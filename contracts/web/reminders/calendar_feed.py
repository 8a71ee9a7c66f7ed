"""The deadlines as a calendar that other programs subscribe to (iCalendar, RFC 5545), and the page of its secret address.

Whoever has the address reads the feed, so it holds what must be done by when, and no amounts. Each deadline is an all-day
event whose UID never changes; its SEQUENCE rises whenever it says something new. Alarms ring at eight in the morning,
thirty and seven days ahead.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask_babel import force_locale
from flask_babel import gettext as _
from icalendar import Alarm, Calendar, Event

from contracts import agreements, clock, deadlines
from contracts.agreements import AgreementSummary
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.people.access import Actor
from contracts.reminders import calendar_links, reminders
from contracts.terms.deadline import Deadline
from contracts.web import layout
from contracts.web.acts import done, today
from contracts.web.agreements.page import parameters
from contracts.web.guard import current_actor, public, requires
from contracts.web.i18n import current_language
from contracts.web.reminders.deadlines import sentences

ALARMS: Final = (30, 7)
ALARM_HOUR: Final = timedelta(hours=8)
FETCH_AGAIN: Final = timedelta(hours=12)

blueprint = Blueprint("calendar", __name__)


@blueprint.get("/kalender")
@requires("read")
def show() -> str:
    """Show whether there is a link, and make or end it."""
    parameters()
    return _page()


@blueprint.post("/kalender")
@requires("read")
def make() -> Any:
    """Make a link and show it, this once."""
    secret = done(calendar_links.make_link, language=current_language())
    return _page(secret), 201


@blueprint.post("/kalender/slutt")
@requires("read")
def revoke() -> Any:
    """End the link."""
    done(calendar_links.revoke_link)
    flash(_("The calendar link has ended. Calendars that used it get nothing more."))
    return redirect(url_for("calendar.show"), 303)


@blueprint.get("/kalender/<secret>.ics")
@public
def feed(secret: str) -> Any:
    """Give the deadlines that the link's holder may see."""
    try:
        actor, link = calendar_links.holder_of(db.session, secret)
    except NotFound:
        return layout.error_page(404)
    day = today()
    with force_locale(link.language):
        content = _calendar(actor, day)
    answer = Response(content, content_type="text/calendar; charset=utf-8")
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Content-Disposition"] = "inline; filename=trinnvis.ics"
    answer.add_etag()
    return answer.make_conditional(request)


def _page(secret: str | None = None) -> str:
    address = None
    if secret is not None:
        path = url_for("calendar.feed", secret=secret)
        home = current_app.config.get("PUBLIC_URL")
        address = f"{home}{path}" if home else url_for("calendar.feed", secret=secret, _external=True)
    return render_template(
        "contracts/reminders/calendar.html",
        link=calendar_links.standing_link(db.session, current_actor()),
        address=address,
    )


def _calendar(actor: Actor, day: date) -> bytes:
    calendar = Calendar()
    name = _("Deadlines in Trinnvis")
    calendar.add("prodid", "-//Trinnvis//Frister//NO")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", FETCH_AGAIN, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT12H")
    scope = actor.scope("read")
    for agreement in agreements.readable(db.session, actor):
        if scope is not None and not _holds_option(agreement, scope):
            continue
        listed = deadlines.upcoming(db.session, agreement.id, day, trust=scope)
        noticed = reminders.sequences(db.session, agreement.id, listed)
        for deadline in listed:
            sequence, at = noticed[(deadline.source, deadline.key)]
            calendar.add_component(_event(agreement, deadline, sequence, at, day))
    return bytes(calendar.to_ical())


def _event(agreement: AgreementSummary, deadline: Deadline, sequence: int, at: datetime | None, day: date) -> Event:
    sentence, consequence = sentences(deadline)
    if deadline.passed(day):
        sentence = _("Passed: %(sentence)s", sentence=sentence)
    said = [
        _("If it is missed: %(consequence)s", consequence=consequence) if consequence else "",
        _("Clause: %(clause)s", clause=deadline.clause) if deadline.clause else "",
        _("Agreement: %(name)s (%(reference)s)", name=agreement.name, reference=agreement.reference),
        _("This is example data.") if agreement.example else "",
    ]
    event = Event()
    event.add("uid", uid(agreement.code, deadline))
    event.add("sequence", sequence)
    event.add("dtstamp", at or datetime.combine(day, time(0), tzinfo=clock.OSLO).astimezone(UTC))
    event.add("dtstart", deadline.due_on)
    event.add("dtend", deadline.due_on + timedelta(days=1))
    event.add("summary", sentence)
    event.add("description", "\n".join(line for line in said if line))
    event.add("transp", "TRANSPARENT")
    for ahead in ALARMS:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", sentence)
        alarm.add("trigger", ALARM_HOUR - timedelta(days=ahead))
        event.add_component(alarm)
    return event


def uid(code: str, deadline: Deadline) -> str:
    """Give the name of a deadline that it keeps whatever day it moves to."""
    digest = hashlib.sha256(f"{code}:{deadline.source}:{deadline.key}".encode()).hexdigest()
    return f"{digest[:32]}@trinnvis"


def _holds_option(agreement: AgreementSummary, trust: str) -> bool:
    return any(holder.party.code == trust for holder in agreements.option_holders(db.session, agreement.id))
