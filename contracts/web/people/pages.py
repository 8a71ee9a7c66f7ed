"""Pages of people and of what roles may: who has which role where, changes of that, and the table that the rules are."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from contracts.errors import Conflict, Finding, InvalidInput
from contracts.extensions import db
from contracts.models import Organisation, Person
from contracts.people import access, role_changes
from contracts.people.access import COMMAND_LINE, ROLES, RULES, Grant
from contracts.terms import workflow
from contracts.web import layout
from contracts.web.acts import acted
from contracts.web.auth import ROLE_TEXTS
from contracts.web.guard import current_actor, requires, signed_in
from contracts.web.i18n import N_
from contracts.web.options.act_words import ACTS

blueprint = Blueprint("people", __name__)
layout.add_nav(blueprint, 94, N_("People"), "people.index", visible=lambda: _manages(), more=True)


@blueprint.get("/admin/brukere")
@requires("people.manage")
def index() -> Any:
    """List the people with their roles as they stand, and offer to add one."""
    return _list_page()


@blueprint.post("/admin/brukere")
@requires("people.manage")
def add() -> Any:
    """Add somebody with a role, and show their first password this once."""
    form = request.form
    name = " ".join("".join(each if each.isprintable() else " " for each in form.get("navn", "")).split())[:200]
    if not name:
        return _list_page([("navn", _("Write the person's name."))], form), 422
    password = secrets.token_urlsafe(12)
    try:
        person = acted(
            access.add_person,
            email=form.get("epost", "")[:200],
            name=name,
            password=password,
            grants=[Grant(form.get("rolle", ""), form.get("hf") or None)],
        )
    except InvalidInput as error:
        return _list_page([(_place(one), _sentence(one.code)) for one in error.errors], form), 422
    except Conflict:
        return _list_page([("epost", _("Somebody with this address is registered already."))], form), 422
    db.session.commit()
    return _person_page(person, password=password)


@blueprint.get("/admin/brukere/<int:person_id>")
@requires("people.manage")
def show(person_id: int) -> Any:
    """Show one person's roles, those that were, and who gave and took them."""
    return _person_page(role_changes.find_person(db.session, person_id, actor=current_actor()))


@blueprint.post("/admin/brukere/<int:person_id>/roller")
@requires("people.manage")
def give(person_id: int) -> Any:
    """Give somebody a role."""
    form, actor = request.form, current_actor()
    grant = Grant(form.get("rolle", ""), form.get("hf") or None)
    try:
        role_changes.give(db.session, person_id=person_id, grant=grant, actor=actor, now=datetime.now(UTC))
    except InvalidInput as error:
        errors = [(_place(one), _sentence(one.code)) for one in error.errors]
    except Conflict as error:
        errors = [("rolle", _sentence(error.code))]
    else:
        db.session.commit()
        flash(_("The role is given from now on."))
        return redirect(url_for("people.show", person_id=person_id), 303)
    person = role_changes.find_person(db.session, person_id, actor=actor)
    return _person_page(person, errors, form), 422


@blueprint.post("/admin/brukere/<int:person_id>/roller/<int:grant_id>/ta-tilbake")
@requires("people.manage")
def take(person_id: int, grant_id: int) -> Any:
    """Take a role back from somebody."""
    try:
        acted(role_changes.take, person_id=person_id, grant_id=grant_id)
    except Conflict as error:
        flash(_sentence(error.code), "error")
    else:
        db.session.commit()
        flash(_("The role is taken back from now on."))
    return redirect(url_for("people.show", person_id=person_id), 303)


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
        "contracts/people/roles.html",
        roles=[(role, _(ROLE_TEXTS[role])) for role in ROLES],
        tables=tables,
        rules=RULES,
        names=ACTS,
        calendar=workflow.CALENDAR,
    )


def _list_page(errors: Any = (), values: Any = None) -> str:
    people = db.session.scalars(select(Person).order_by(Person.name, Person.id)).all()
    trusts = _trusts()
    rows = [
        (person, [_told(grant, dict(trusts)) for grant in access.actor_of_person(db.session, person).grants])
        for person in people
    ]
    return render_template(
        "contracts/people/people.html",
        rows=rows,
        roles=_roles(),
        trusts=trusts,
        errors=list(errors),
        values=values or {},
    )


def _person_page(person: Person, errors: Any = (), values: Any = None, password: str | None = None) -> str:
    actor = current_actor()
    held = role_changes.roles_of(db.session, person, actor=actor)
    trusts = _trusts()
    ids = {each.given_by for each in held} | {each.taken_by for each in held if each.taken_by}
    return render_template(
        "contracts/people/person.html",
        person=person,
        held=[(each, _told(each.grant, dict(trusts))) for each in held],
        names=access.names_of(db.session, ids) | {COMMAND_LINE.id: _("the command line")},
        own=actor.id == f"person:{person.email}",
        roles=_roles(),
        trusts=trusts,
        errors=list(errors),
        values=values or {},
        password=password,
    )


def _roles() -> list[tuple[str, str]]:
    return [(code, _(text)) for code, text in ROLE_TEXTS.items()]


def _trusts() -> list[tuple[str, str]]:
    named = db.session.execute(select(Organisation.code, Organisation.name).order_by(Organisation.name))
    return [(str(code), str(name)) for code, name in named]


def _told(grant: Grant, trusts: dict[str, str]) -> str:
    role = _(ROLE_TEXTS[grant.role])
    if grant.trust is None:
        return _("%(role)s, all trusts", role=role)
    return _("%(role)s, %(trust)s", role=role, trust=trusts.get(grant.trust, grant.trust))


def _place(finding: Finding) -> str:
    if finding.pointer == "#/email":
        return "epost"
    return "rolle" if finding.code == "unknown_role" else "hf"


def _sentence(code: str) -> str:
    return {
        "not_an_address": _("Write an e-mail address, such as kari.nordmann@example.org."),
        "unknown_role": _("Choose a role."),
        "trust_needed": _("This role works within one trust: choose which."),
        "unknown_trust": _("Choose a trust from the list."),
        "own_role": _("Nobody gives a role to themselves. Ask another administrator."),
        "held_already": _("This role is held already."),
        "another_trust": _(
            "Roles within single trusts are held within one and the same. Take the others back first, or choose that trust."
        ),
        "not_held": _("This role is taken back already."),
        "last_administrator": _(
            "This is the last administrator who can sign in. Give the role to somebody else first: without one, nobody could give roles any more."
        ),
    }.get(code, code)


def _manages() -> bool:
    actor = g.get("trinnvis_actor")
    return actor is not None and actor.may("people.manage")
