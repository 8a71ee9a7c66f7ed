"""Reminders as e-mails: what they say, in bokmål, and the mail server they go to."""

from __future__ import annotations

from datetime import date

from flask import Flask, current_app
from flask_babel import gettext as _

from contracts.agreements import AgreementSummary
from contracts.reminders.outbox import SECURITY, MailServer
from contracts.reminders.reminders import Letter
from contracts.terms.deadline import Deadline
from contracts.web import formatting
from contracts.web.i18n import DEFAULT_LANGUAGE
from contracts.web.reminders import deadlines


def compose(agreement: AgreementSummary, deadline: Deadline, today: date) -> Letter:
    """Write a reminder. It names the deadline, its clause and what it means to miss it, and no amount."""
    sentence, consequence = deadlines.sentences(deadline)
    day = formatting.day(deadline.due_on, DEFAULT_LANGUAGE)
    left, _tone = deadlines.state_of(deadline, today)
    lines = [
        _("%(sentence)s: %(day)s (%(left)s).", sentence=sentence, day=day, left=left),
        _("The whole day counts, in Oslo."),
    ]
    if consequence:
        lines.append(_("If it is missed: %(consequence)s", consequence=consequence))
    if deadline.clause:
        lines.append(_("Clause: %(clause)s", clause=deadline.clause))
    lines.append(_("Agreement: %(name)s (%(reference)s)", name=agreement.name, reference=agreement.reference))
    if agreement.example:
        lines.append(_("This is example data."))
    address = current_app.config.get("PUBLIC_URL")
    if address:
        lines += ["", f"{address}/avtaler/{agreement.code}/frister"]
    subject = _("Deadline %(day)s: %(sentence)s", day=day, sentence=sentence)
    return Letter(" ".join(subject.split())[:400], "\n".join(lines) + "\n")


def mail_server(app: Flask) -> MailServer | None:
    """Give the mail server that the settings name, or ``None``; SystemExit where they cannot be meant."""
    host = app.config.get("SMTP_HOST")
    if not host:
        return None
    if app.config["SMTP_SECURITY"] not in SECURITY:
        raise SystemExit(f"TRINNVIS_SMTP_SECURITY is one of {', '.join(SECURITY)}")
    if "@" not in app.config["SMTP_FROM"]:
        raise SystemExit("TRINNVIS_SMTP_HOST needs TRINNVIS_SMTP_FROM: the address that reminders come from")
    return MailServer(
        host=host,
        port=app.config["SMTP_PORT"],
        sender=app.config["SMTP_FROM"],
        security=app.config["SMTP_SECURITY"],
        user=app.config["SMTP_USER"],
        password=app.config["SMTP_PASSWORD"],
    )
