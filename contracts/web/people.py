"""Pages of people and of what roles may: who has which role where, and the table of acts that the rules are."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, g, render_template
from flask_babel import gettext as _
from sqlalchemy import select

from contracts import access
from contracts.access import ROLES, RULES
from contracts.extensions import db
from contracts.models import Person
from contracts.terms import workflow
from contracts.web import layout
from contracts.web.auth import ROLE_TEXTS
from contracts.web.guard import requires, signed_in
from contracts.web.i18n import N_

blueprint = Blueprint("people", __name__, template_folder="templates")


def register(app: Flask) -> None:
    """Give the app the pages of people and roles."""
    app.register_blueprint(blueprint)
    layout.add_nav(app, 94, N_("People"), "people.index", visible=_manages, more=True)


@blueprint.get("/admin/brukere")
@requires("people.manage")
def index() -> Any:
    """List the people with their roles as they stand."""
    people = db.session.scalars(select(Person).order_by(Person.name, Person.id)).all()
    rows = []
    for person in people:
        grants = access.actor_of_person(db.session, person).grants
        names = {grant.trust.code: grant.trust.name for grant in person.grants if grant.trust is not None}
        told = [
            _("%(role)s, %(trust)s", role=_(ROLE_TEXTS[grant.role]), trust=names[grant.trust])
            if grant.trust
            else _("%(role)s, all trusts", role=_(ROLE_TEXTS[grant.role]))
            for grant in grants
        ]
        rows.append((person, told))
    return render_template("contracts/people.html", rows=rows)


@blueprint.get("/admin/roller")
@signed_in
def roles() -> Any:
    """Show which role may do what, made from the rules that are asked."""
    steps = {f"{rule.kind}.{rule.event}" for rule in workflow.RULES}
    tables = [
        (_("Reading, prices, usage, invoices and settings"), [act for act in RULES if act not in steps]),
        (_("Steps of options and activations"), [act for act in RULES if act in steps]),
    ]
    return render_template(
        "contracts/roles.html",
        roles=[(role, _(ROLE_TEXTS[role])) for role in ROLES],
        tables=tables,
        rules=RULES,
        calendar=workflow.CALENDAR,
    )


def _manages() -> bool:
    actor = g.get("trinnvis_actor")
    return actor is not None and actor.may("people.manage")
