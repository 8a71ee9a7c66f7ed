"""Page of tokens: what programs may do here and until when; a new one, another secret, the end of one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from contracts.errors import Conflict, InvalidInput
from contracts.extensions import db
from contracts.models import Organisation
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Grant, IssuedToken, TokenView
from contracts.web import layout
from contracts.web.acts import acted
from contracts.web.auth import ROLE_TEXTS
from contracts.web.guard import requires
from contracts.web.i18n import N_

# What a token may be narrowed to on the page; commands take any acts of the role.
NARROWED: Final = {
    "": N_("All that the role may"),
    "read": N_("Only read"),
    "usage.import": N_("Only bring usage in"),
    "invoice.receive": N_("Only hand invoices in"),
}
STATES: Final = {
    "active": (N_("Active"), "success"),
    "expired": (N_("Expired"), "neutral"),
    "revoked": (N_("Revoked"), "neutral"),
}
LIVES: Final = (30, 90, 180, 365)
OVERLAPS: Final = (0, 1, 7, 30)
_PLACES: Final = {"#/roles/0": "rolle", "#/acts/0": "handlinger", "#/name": "navn", "#/days": "dager"}

blueprint = Blueprint("tokens", __name__)
layout.add_nav(blueprint, 93, N_("API keys"), "tokens.index", visible=lambda: _manages(), more=True)


@blueprint.get("/admin/nokler")
@requires("people.manage")
def index() -> Any:
    """List the tokens, and offer to make one."""
    return _page()


@blueprint.post("/admin/nokler")
@requires("people.manage")
def create() -> Any:
    """Make a token and show its secret this once."""
    form = request.form
    narrowed = form.get("handlinger", "")
    days = form.get("dager", "365")
    try:
        issued = acted(
            access.create_token,
            name=form.get("navn", "").strip(),
            grant=Grant(form.get("rolle", ""), form.get("hf") or None),
            acts=[narrowed] if narrowed else None,
            lifetime=timedelta(days=int(days) if days.isascii() and days.isdigit() and len(days) < 5 else 0),
        )
    except InvalidInput as error:
        return _page(errors=[(_PLACES.get(one.pointer), _sentence(one.code)) for one in error.errors], values=form), 422
    db.session.commit()
    return _page(issued=issued)


@blueprint.post("/admin/nokler/<public_id>/ny-hemmelighet")
@requires("people.manage")
def rotate(public_id: str) -> Any:
    """Give a token another secret and show it this once."""
    now = datetime.now(UTC)
    overlap = request.form.get("overlapp", "0")
    days = int(overlap) if overlap in {str(each) for each in OVERLAPS} else 0
    try:
        issued = acted(access.rotate_token, public_id=public_id, former_until=now + timedelta(days=days), now=now)
    except Conflict:
        flash(_("This key is revoked already."), "error")
        return redirect(url_for("tokens.index"), 303)
    db.session.commit()
    return _page(issued=issued)


@blueprint.post("/admin/nokler/<public_id>/trekk-tilbake")
@requires("people.manage")
def revoke(public_id: str) -> Any:
    """Let a token open nothing from now on."""
    try:
        acted(access.revoke_token, public_id=public_id)
    except Conflict:
        flash(_("This key is revoked already."), "error")
    else:
        db.session.commit()
        flash(_("The key %(id)s is revoked and opens nothing from now on.", id=public_id))
    return redirect(url_for("tokens.index"), 303)


def _page(issued: IssuedToken | None = None, errors: Any = (), values: Any = None) -> str:
    listed = acted(access.list_tokens)
    named = db.session.execute(select(Organisation.code, Organisation.name).order_by(Organisation.name))
    pairs = [(str(code), str(name)) for code, name in named]
    names = access.names_of(db.session, [one.created_by for one in listed]) | {COMMAND_LINE.id: _("the command line")}
    return render_template(
        "contracts/people/tokens.html",
        tokens=listed,
        issued=issued,
        errors=list(errors),
        values=values or {},
        roles=[(code, _(text)) for code, text in ROLE_TEXTS.items()],
        trusts=pairs,
        trust_names=dict(pairs),
        acts=[(code, _(text)) for code, text in NARROWED.items()],
        lives=[(days, _("%(days)s days", days=days)) for days in reversed(LIVES)],
        overlaps=[(days, _("%(days)s days", days=days) if days else _("At once")) for days in OVERLAPS],
        role_text=lambda token: _(ROLE_TEXTS[token.grant.role]),
        acts_text=_acts_text,
        state_of=lambda token: STATES[token.state],
        names=names,
    )


def _acts_text(token: TokenView) -> str:
    if token.acts is None:
        return _(NARROWED[""])
    return ", ".join(_(NARROWED.get(act, act)) for act in sorted(token.acts))


def _sentence(code: str) -> str:
    return {
        "unknown_role": _("Choose a role."),
        "trust_needed": _("This role works within one trust: choose which."),
        "unknown_trust": _("Choose a trust from the list."),
        "bad_name": _("Give the key a name that tells which program uses it."),
        "act_not_granted": _("The role does not allow this: choose another role, or all that it may."),
        "out_of_range": _("A key lives from 1 to 365 days."),
    }.get(code, code)


def _manages() -> bool:
    actor = g.get("trinnvis_actor")
    return actor is not None and actor.may("people.manage")
