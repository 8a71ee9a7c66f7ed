"""What pages about one agreement share: the agreement in the path, strict parameters, and what day it is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import NoReturn

from flask import abort, current_app, g, make_response, request
from flask_babel import gettext as _

from contracts import agreements, clock
from contracts.agreements import AgreementSummary
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.web import layout


def agreement_of(code: str) -> AgreementSummary:
    """Give the agreement that the path names; `NotFound` in the reader's language where there is none."""
    try:
        return agreements.find_agreement(db.session, code)
    except NotFound:
        raise NotFound(_("There is no agreement “%(code)s”.", code=code)) from None


def parameters(*own: str) -> dict[str, str]:
    """Give the request's parameters as text; an unknown or a repeated one is refused by name."""
    values: dict[str, str] = {}
    for name, value in request.args.items(multi=True):
        if name not in own:
            _refuse(_("The parameter “%(name)s” is unknown here.", name=name))
        if name in values:
            _refuse(_("The parameter “%(name)s” stands twice.", name=name))
        values[name] = value.strip()
    return values


def today() -> date:
    """Give today's date, or the day the example takes for today."""
    return clock.today(db.session, example_mode=current_app.config["EXAMPLE_MODE"], now=datetime.now(UTC))


def reads() -> bool:
    """Tell whether somebody is signed in who may read: the navigation is drawn on the sign-in page too."""
    actor = g.get("trinnvis_actor")
    return actor is not None and actor.may("read")


def _refuse(sentence: str) -> NoReturn:
    abort(make_response(*layout.error_page(400, details=[sentence])))
