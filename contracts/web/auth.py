"""Sign-in and sign-out; in example mode also the door that needs no password, and the example's own date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, current_app, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from contracts import clock
from contracts.extensions import db
from contracts.models import Person
from contracts.people import access
from contracts.people.access import Actor
from contracts.terms.written import read_day
from contracts.web.acts import done
from contracts.web.guard import public, requires, signed_in
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


# How long a session may go unused, and how much later than the last one a use is written down in the cookie.
IDLE = timedelta(hours=8)
NOTED = timedelta(minutes=5)
SEEN = "seen"


class SignedIn(UserMixin):
    """The person behind the cookie, with what they may do now; the cookie names the session, not the person."""

    def __init__(self, key: str, person: Person, actor: Actor) -> None:
        self.id = key
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
    def load(key: str) -> SignedIn | None:
        now = datetime.now(UTC)
        if not _in_use(now):
            return None
        with db.read() as reading:
            person = access.person_of_session(reading, key, now=now)
            if person is None or (person.example and not current_app.config["EXAMPLE_MODE"]):
                return None
            return SignedIn(key, person, access.actor_of_person(reading, person))

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
    email, chosen = request.form.get("email", ""), request.form.get("person")
    by_choice = bool(chosen) and current_app.config["EXAMPLE_MODE"]
    with db.read() as reading:
        if by_choice:
            person = next((one for one in access.example_people(reading) if one.email == chosen), None)
        else:
            # Hashed before the lock is taken: nobody's import waits for somebody's password.
            person = access.check_password(reading, email=email, password=request.form.get("password", ""), now=now)
    signed = None
    with db.write() as writing:
        admitted = by_choice or access.admit(writing, email=email, checked=person is not None, now=now)
        if admitted and person is not None:
            if current_user.is_authenticated:
                access.end_session(writing, current_user.id, now=now)
            key = access.begin_session(writing, person, now=now)
            signed = SignedIn(key, person, access.actor_of_person(writing, person))
    if signed is None:
        problem = _("The e-mail address and the password do not belong together, or there were too many attempts.")
        return _page(target, errors=[("email", problem)], email=email), 422
    language = session.get("language")
    session.clear()  # what was in the cookie before signing in is not carried over
    if language:
        session["language"] = language
    session[SEEN] = int(now.timestamp())
    login_user(signed)
    return redirect(_safe_target(target))


@blueprint.post("/logg-ut")
@signed_in
def sign_out() -> Any:
    """End the session, on the server too: a copy of its cookie opens nothing from here on."""
    with db.write() as writing:
        access.end_session(writing, current_user.id, now=datetime.now(UTC))
    logout_user()
    session.clear()
    return redirect(url_for("auth.sign_in"))


@example.post("/eksempel/dato")
@requires("example.set_today")
def set_today() -> Any:
    """Set the day that the example takes for today."""
    try:
        day = read_day(request.form.get("today", ""))
    except ValueError:
        return redirect(_safe_target(request.form.get("next")))
    done(clock.set_example_today, day=day)
    return redirect(_safe_target(request.form.get("next")))


def _in_use(now: datetime) -> bool:
    """Tell whether the cookie's session was used lately, and note that it is now."""
    seen = session.get(SEEN)
    if not isinstance(seen, int):
        return False
    unused = now - datetime.fromtimestamp(seen, UTC)
    if unused > IDLE:
        return False
    if unused > NOTED:
        session[SEEN] = int(now.timestamp())
    return True


def _page(target: str | None, errors: Any = (), email: str = "") -> str:
    persons = []
    if current_app.config["EXAMPLE_MODE"]:
        with db.read() as reading:
            for person in access.example_people(reading):
                actor = access.actor_of_person(reading, person)
                grant = next(iter(actor.grants), None)
                trust = next((one.trust.name for one in person.grants if one.trust and not one.void), None)
                persons.append(
                    {
                        "email": person.email,
                        "name": person.name,
                        "role_text": _(ROLE_TEXTS[grant.role]) if grant else _("No role"),
                        "scope_text": trust if grant and grant.trust else None,
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
