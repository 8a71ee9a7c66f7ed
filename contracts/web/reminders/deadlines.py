"""Pages of deadlines: what must be done by when under an agreement, and what passed."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, current_app, redirect, render_template
from flask_babel import gettext as _
from flask_babel import ngettext

from contracts import agreements, deadlines
from contracts.deadlines import Deadline
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.reminders import reminders
from contracts.reminders.reminders import Reminded
from contracts.terms.deadline import SOON
from contracts.web import formatting, layout
from contracts.web.acts import today
from contracts.web.agreements.page import CHOSEN, KNOWN, agreement_of, link, parameters, read_moment, reads
from contracts.web.guard import current_actor, requires
from contracts.web.i18n import N_, current_language

blueprint = Blueprint("deadlines", __name__)
layout.add_nav(blueprint, 25, N_("Deadlines"), "deadlines.index", visible=reads, more=True)

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
    "certificate_expired": (
        N_(
            "%(product)s is in operation at %(trust_name)s though certificate %(certificate)s expired %(expired)s: renew it or pause the activation"
        ),
        N_("A product without a valid certificate may not be used; the activation must be paused."),
    ),
    "approval_of_activation": (
        N_("Planned first day of %(product)s at %(trust_name)s, which waits for approval"),
        N_("Without a decision it cannot begin as planned; the case may have to be submitted anew."),
    ),
    "approval_of_option": (
        N_("Last day of the option of %(trust_name)s, which waits for approval"),
        N_("The option lapses; the trust cannot join."),
    ),
    "ceiling_used": (
        N_("%(level)s %% of the maximum value is used or committed"),
        N_("Further activations must fit in what is left, or the maximum value must be raised in time."),
    ),
    "ceiling_forecast": (
        N_("What is spent is likely to reach %(level)s %% of the maximum value"),
        N_("Act before then: beyond the maximum value nothing more may be called off."),
    ),
    "amendment_announce": (
        N_("Last day to announce amendment %(number)s: %(title)s"),
        N_("A change that must be announced and is not may be taken for an illegal direct award."),
    ),
    "extension_unused": (
        N_("Last day to take up the extension from %(from)s until %(to)s"),
        N_("The agreement ends when its term is over."),
    ),
}
# How a message to somebody stands, and its tone.
TOLD = {
    "waiting": (N_("Not sent yet"), "neutral"),
    "sent": (N_("Sent"), "success"),
    "unknown": (N_("Begun, end unknown"), "warning"),
    "failed": (N_("Failed, is tried again"), "warning"),
    "refused": (N_("Refused by the mail server"), "danger"),
}
PER_PAGE = 40
DATES = frozenset({"effective_from", "from", "to", "expired"})


def present(code: str, sentence: str, consequence: str) -> None:
    """Say how the pages speak of a kind of deadline: source strings marked with `N_`, with its params in them."""
    SENTENCES[code] = (sentence, consequence)


@blueprint.get("/frister")
@requires("read")
def index() -> Any:
    """Lead to the deadlines of the chosen or the only agreement, or show those of all of them by date."""
    asked = parameters(KNOWN, CHOSEN)
    known_at = read_moment(asked.get(KNOWN, ""))
    listed = agreements.readable(db.session, current_actor())
    if not listed:
        raise NotFound(_("No agreement is recorded yet."))
    if asked.get(CHOSEN) or len(listed) == 1:
        return redirect(link("deadlines.show", code=asked.get(CHOSEN) or listed[0].code))
    day, scope = today(), current_actor().scope("read")
    found = [
        (agreement, one)
        for agreement in listed
        for one in deadlines.upcoming(db.session, agreement.id, day, trust=scope, known_at=known_at)
    ]
    return render_template(
        "contracts/reminders/deadlines_of_all.html",
        agreements=listed,
        known_at=known_at,
        link=link,
        rows=[
            (agreement, one, *sentences(one), *state_of(one, day))
            for agreement, one in sorted(found, key=lambda each: (each[1].due_on, each[0].code))
        ],
    )


@blueprint.get("/avtaler/<code>/frister")
@requires("read")
def show(code: str) -> str:
    """Show the deadlines of an agreement by date."""
    known_at = read_moment(parameters(KNOWN).get(KNOWN, ""))
    agreement = agreement_of(code, known_at)
    day = today()
    scope = current_actor().scope("read")
    listed = deadlines.upcoming(db.session, agreement.id, day, trust=scope, known_at=known_at)
    told = reminders.newest(db.session, agreement.id, known_at)
    return render_template(
        "contracts/reminders/deadlines.html",
        agreement=agreement,
        today=day,
        known_at=known_at,
        link=link,
        rows=[
            (one, *sentences(one), *state_of(one, day), told.get((one.source, one.key, one.due_on))) for one in listed
        ],
    )


@blueprint.get("/avtaler/<code>/frister/varsler")
@requires("read")
def record(code: str) -> str:
    """Show which reminders were written, whom they told, and how that ended, newest first."""
    asked = parameters(KNOWN, "etter")
    known_at = read_moment(asked.get(KNOWN, ""))
    before = asked.get("etter", "")
    if before and not (before.isascii() and before.isdigit() and len(before) < 19):
        raise NotFound(_("There is no such reminder."))
    agreement = agreement_of(code, known_at)
    scope = current_actor().scope("read")
    found = reminders.list_reminders(
        db.session,
        agreement.id,
        trust=scope,
        known_at=known_at,
        before=int(before) if before else None,
        limit=PER_PAGE + 1,
    )
    return render_template(
        "contracts/reminders/reminders.html",
        agreement=agreement,
        known_at=known_at,
        link=link,
        everything=scope is None,
        mail=current_app.config.get("SMTP_HOST") is not None,
        more=found[PER_PAGE - 1].id if len(found) > PER_PAGE else None,
        first=not before,
        rows=[
            (together[0], sentences(together[0].deadline)[0], [one.step for one in reversed(together)])
            for together in _together(found[:PER_PAGE])
        ],
        states=TOLD,
    )


def _together(listed: list[Reminded]) -> list[list[Reminded]]:
    """Put the steps of a deadline that were passed over at once into one row."""
    rows: list[list[Reminded]] = []
    for one in listed:
        before = rows[-1][-1] if rows else None
        if (
            before is not None
            and before.passed_over
            and one.passed_over
            and (before.deadline.source, before.deadline.key, before.deadline.due_on, before.on)
            == (one.deadline.source, one.deadline.key, one.deadline.due_on, one.on)
        ):
            rows[-1].append(one)
        else:
            rows.append([one])
    return rows


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
