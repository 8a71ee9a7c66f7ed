"""Sign-in and sign-out; in example mode also the door that needs no password, and the example's own date."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, current_app, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from contracts import access, clock
from contracts.access import Actor
from contracts.extensions import db
from contracts.models import Person
from contracts.web.guard import current_actor, public, requires, signed_in
from contracts.web.i18n import N_

blueprint = Blueprint("auth", __name__)
example = Blueprint("example", __name__)

ROLE_TEXTS = {
    "finance_controller": N_("Finance controller"),
    "contract_manager": N_("Contract manager"),
    "trust_reader": N_("Trust reader"),
    "trust_requester": N_("Trust requester"),
    "approver": N_("Approver"),
    "auditor": N_("Auditor"),
    "admin": N_("Administrator"),
    "service": N_("Service"),
}


class SignedIn(UserMixin):
    """The person behind the cookie, with what they may do now."""

    def __init__(self, person: Person, actor: Actor) -> None:
        self.id = str(person.id)
        self.name = person.name
        self.actor = actor

    @property
    def role_text(self) -> str:
        """The person's roles in the reader's language."""
        return ", ".join(_(ROLE_TEXTS[role]) for role in dict.fromkeys(grant.role for grant in self.actor.grants))


def register(app: Flask) -> None:
    """Give the app its sign-in."""
    manager = LoginManager(app)
    manager.session_protection = "strong"

    @manager.user_loader
    def load(person_id: str) -> SignedIn | None:
        with db.read() as reading:
            person = access.person_by_id(reading, int(person_id))
            if person is None or (person.example and not current_app.config["EXAMPLE_MODE"]):
                return None
            return SignedIn(person, access.actor_of_person(reading, person))

    app.register_blueprint(blueprint)
    if app.config["EXAMPLE_MODE"]:
        app.register_blueprint(example)


@blueprint.get("/logg-inn")
@public
def sign_in() -> Any:
    """Show the sign-in page."""
    if current_user.is_authenticated:
        return redirect(_safe_target(request.args.get("next")))
    return _page(request.args.get("next"))


@blueprint.post("/logg-inn")
@public
def sign_in_submit() -> Any:
    """Sign somebody in, by password or, in example mode, by choosing a person of the example."""
    target = request.form.get("next")
    now = datetime.now(UTC)
    with db.write() as writing:
        chosen = request.form.get("person")
        if chosen and current_app.config["EXAMPLE_MODE"]:
            person = next((one for one in access.example_people(writing) if one.email == chosen), None)
        else:
            person = access.sign_in(
                writing, email=request.form.get("email", ""), password=request.form.get("password", ""), now=now
            )
        signed = None if person is None else SignedIn(person, access.actor_of_person(writing, person))
    if signed is None:
        problem = _("The e-mail address and the password do not belong together, or there were too many attempts.")
        return _page(target, errors=[("email", problem)], email=request.form.get("email", "")), 422
    language = session.get("language")
    session.clear()  # what was in the cookie before signing in is not carried over
    if language:
        session["language"] = language
    login_user(signed)
    return redirect(_safe_target(target))


@blueprint.post("/logg-ut")
@signed_in
def sign_out() -> Any:
    """End the session."""
    logout_user()
    session.clear()
    return redirect(url_for("auth.sign_in"))


@example.post("/eksempel/dato")
@requires("example.set_today")
def set_today() -> Any:
    """Set the day that the example takes for today."""
    try:
        day = date.fromisoformat(request.form.get("today", ""))
    except ValueError:
        return redirect(_safe_target(request.form.get("next")))
    clock.set_example_today(db.session, day=day, actor=current_actor(), now=datetime.now(UTC))
    db.session.commit()
    return redirect(_safe_target(request.form.get("next")))


def _page(target: str | None, errors: Any = (), email: str = "") -> str:
    persons = []
    if current_app.config["EXAMPLE_MODE"]:
        with db.read() as reading:
            for person in access.example_people(reading):
                actor = access.actor_of_person(reading, person)
                grant = actor.grants[0]
                trust = next((one.trust.name for one in person.grants if one.trust), None)
                persons.append(
                    {
                        "email": person.email,
                        "name": person.name,
                        "role_text": _(ROLE_TEXTS[grant.role]),
                        "scope_text": trust,
                    }
                )
    return render_template("sign_in.html", persons=persons, next=_safe_target(target), errors=list(errors), email=email)


def _safe_target(target: str | None) -> str:
    """Give ``target`` where it is a path of this site, else the front page."""
    if target:
        parts = urlsplit(target)
        if not parts.scheme and not parts.netloc and target.startswith("/") and not target.startswith(("//", "/\\")):
            return target
    return url_for("overview.front")
