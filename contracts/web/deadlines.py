"""Pages of deadlines: what must be done by when under an agreement, and what passed."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, Flask, redirect, render_template
from flask_babel import gettext as _
from flask_babel import ngettext

from contracts import agreements, deadlines
from contracts.deadlines import Deadline
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.terms.deadline import SOON
from contracts.web import formatting, layout
from contracts.web.agreement_page import KNOWN, agreement_of, link, parameters, read_moment, reads, today
from contracts.web.guard import current_actor, requires
from contracts.web.i18n import N_, current_language

blueprint = Blueprint("deadlines", __name__, template_folder="templates")

# By code: what is due, and what it means to miss it. Other parts add theirs with `present`.
SENTENCES = {
    "index_request": (
        N_("Request for index adjustment from %(effective_from)s (%(index)s)"),
        N_("Later requests lapse; the prices stay as they are."),
    ),
    "option_window": (
        N_("Last day to exercise the option of %(trust_name)s"),
        N_("The option lapses; the trust cannot join."),
    ),
    "certificate_expires": (
        N_("Last day of certificate %(certificate)s of %(product)s"),
        N_("The product may no longer be put into use without a new one."),
    ),
    "extension_unused": (
        N_("Last day to take up the extension from %(from)s until %(to)s"),
        N_("The agreement ends when its term is over."),
    ),
}
DATES = frozenset({"effective_from", "from", "to"})


def register(app: Flask) -> None:
    """Give the app the pages of deadlines."""
    app.register_blueprint(blueprint)
    layout.add_nav(app, 25, N_("Deadlines"), "deadlines.index", visible=reads)


def present(code: str, sentence: str, consequence: str) -> None:
    """Say how the pages speak of a kind of deadline: source strings marked with `N_`, with its params in them."""
    SENTENCES[code] = (sentence, consequence)


@blueprint.get("/frister")
@requires("read")
def index() -> Any:
    """Lead to the only agreement's deadlines, or let the reader choose."""
    parameters(KNOWN)
    listed = agreements.list_agreements(db.session)
    if len(listed) == 1:
        return redirect(link("deadlines.show", code=listed[0].code))
    if not listed:
        raise NotFound(_("No agreement is recorded yet."))
    return render_template("contracts/deadline_agreements.html", agreements=listed, link=link)


@blueprint.get("/avtaler/<code>/frister")
@requires("read")
def show(code: str) -> str:
    """Show the deadlines of an agreement by date."""
    known_at = read_moment(parameters(KNOWN).get(KNOWN, ""))
    agreement = agreement_of(code, known_at)
    day = today()
    scope = current_actor().scope("read")
    listed = deadlines.upcoming(db.session, agreement.id, day, trust=scope, known_at=known_at)
    return render_template(
        "contracts/deadlines.html",
        agreement=agreement,
        today=day,
        known_at=known_at,
        link=link,
        rows=[(one, *sentences(one), *state_of(one, day)) for one in listed],
    )


def sentences(deadline: Deadline) -> tuple[str, str]:
    """Say what is due and what it means to miss it."""
    language = current_language()
    params = {
        name: formatting.day(value, language) if name in DATES else value for name, value in deadline.params.items()
    }
    sentence, consequence = SENTENCES.get(deadline.code, (deadline.code, ""))
    return _(sentence, **params), _(consequence, **params) if consequence else ""


def state_of(deadline: Deadline, day: date) -> tuple[str, str]:
    """Say how a deadline stands, and its tone; one that passed stays red until it is settled."""
    left = (deadline.due_on - day).days
    if left < 0:
        return ngettext("Passed %(num)d day ago", "Passed %(num)d days ago", -left), "danger"
    if left == 0:
        return _("Today"), "warning"
    return ngettext("%(num)d day left", "%(num)d days left", left), "warning" if left <= SOON else "neutral"
