"""What pages about one agreement share: the agreement in the path, strict parameters, as known when, and what day it is."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any, NoReturn

from flask import abort, g, make_response, request, url_for
from flask_babel import gettext as _

from contracts import agreements, clock
from contracts.agreements import AgreementSummary
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.terms.written import read_day
from contracts.web import layout

# The parameter that says as of which knowledge a page is asked, on every page that can be.
KNOWN = "kjent"
# The agreement that a reader of several has chosen: it stays through the menu, also over pages that are about none.
CHOSEN = "agreement"


def agreement_of(code: str, known_at: datetime | None = None) -> AgreementSummary:
    """Give the agreement that the path names, as known; `NotFound` in the reader's language where there is none."""
    try:
        found = agreements.find_agreement(db.session, code)
        return found if known_at is None else agreements.agreement_summary(db.session, found.id, known_at)
    except NotFound:
        raise NotFound(_("There is no agreement “%(code)s”.", code=code)) from None


def parameters(*own: str) -> dict[str, str]:
    """Give the request's parameters as text; an unknown or a repeated one is refused by name.

    The chosen agreement is taken everywhere and given to the pages that name it.
    """
    values: dict[str, str] = {}
    for name, value in request.args.items(multi=True):
        if name == CHOSEN and name not in own:
            continue
        if name not in own:
            refuse(_("The parameter “%(name)s” is unknown here.", name=name))
        if name in values:
            refuse(_("The parameter “%(name)s” stands twice.", name=name))
        values[name] = value.strip()
    return values


def read_moment(text: str) -> datetime | None:
    """Read ``kjent``: a day means all that was known when it was over, in Oslo; empty text means now.

    Answers 400 where it is neither a day nor a moment.
    """
    if not text:
        return None
    try:
        if len(text) == 10:
            return datetime.combine(read_day(text), time.max, tzinfo=clock.OSLO)
        # A plus in an address is read as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        refuse(_("“%(value)s” in kjent is not a date (2026-10-15) or a moment.", value=text))
    return moment if moment.tzinfo else moment.replace(tzinfo=clock.OSLO)


def link(endpoint: str, **values: Any) -> str:
    """Give the address of another page that reads the past, as known at the same moment as this one."""
    kept = {name: request.args[name] for name in (KNOWN, CHOSEN) if request.args.get(name)}
    if "code" in values:
        kept.pop(CHOSEN, None)
    return url_for(endpoint, **{**kept, **values})


def reads() -> bool:
    """Tell whether somebody is signed in who may read: the navigation is drawn on the sign-in page too."""
    actor = g.get("trinnvis_actor")
    return actor is not None and actor.may("read")


def refuse(sentence: str) -> NoReturn:
    """Answer 400 with one sentence."""
    abort(make_response(*layout.error_page(400, details=[sentence])))
