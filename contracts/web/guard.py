"""Default deny: a route without a declared rule is never served.

Every view says which act it is (`requires`) or that anybody may see it (`public`). The check runs before each request;
the use cases ask again with the trust in hand. Pages know their reader by the signed cookie, the API by a token only; a
page's rows as a file may be fetched with a token too.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

from flask import Flask, current_app, g, redirect, request, url_for
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized
from werkzeug.wrappers import Response

from contracts import agreements
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.people import access
from contracts.people.access import Actor
from contracts.web.exports import FORMATS

API_PREFIX = "/api/"
FILE_SUFFIXES = (*(f".{suffix}" for suffix in FORMATS), ".pdf", ".json")
PUBLIC = "public"
SIGNED_IN = "signed-in"
_RULE = "trinnvis_access"

View = TypeVar("View", bound=Callable[..., Any])


def requires(act: str) -> Callable[[View], View]:
    """Declare that a view is the act ``act`` of `contracts.people.access.RULES`."""
    if act not in access.RULES:
        raise ValueError(f"no rule grants the act {act!r}")
    return _declare(act)


def public(view: View) -> View:
    """Declare that a view needs nobody to be signed in."""
    return _declare(PUBLIC)(view)


def signed_in(view: View) -> View:
    """Declare that a view needs somebody to be signed in, whatever their roles."""
    return _declare(SIGNED_IN)(view)


def declared_rule(app: Flask, endpoint: str, method: str) -> str | None:
    """Give the rule that a route declares for a method, or ``None``; static files of the shell are public."""
    if endpoint == "shell.static":
        return PUBLIC
    view = app.view_functions[endpoint]
    view_class = getattr(view, "view_class", None)
    if view_class is not None:
        name = "get" if method == "HEAD" and not hasattr(view_class, "head") else method.lower()
        view = getattr(view_class, name, view)
    return getattr(view, _RULE, None)


def current_actor() -> Actor:
    """Give who is asking; `Unauthorized` where nobody is known."""
    actor: Actor | None = g.get("trinnvis_actor")
    if actor is None:
        raise Unauthorized
    return actor


def register(app: Flask) -> None:
    """Check every request before its view runs."""
    app.before_request(check_access)


def check_access() -> Response | None:
    """Let a request through that its rule allows; send a reader without a name to the sign-in page."""
    g.trinnvis_actor = _actor()
    if request.endpoint is None or request.method == "OPTIONS":
        return None
    rule = declared_rule(current_app, request.endpoint, request.method)
    if rule == PUBLIC:
        return None
    actor = g.trinnvis_actor
    if actor is None:
        if request.path.startswith(API_PREFIX) or request.method not in ("GET", "HEAD"):
            raise Unauthorized
        if _is_file_of_a_page():
            # A spreadsheet asks again for id and secret; the sign-in page would be taken for the table.
            raise Unauthorized(www_authenticate=WWWAuthenticate("basic", {"realm": "trinnvis"}))
        target = request.full_path if request.query_string else request.path
        return redirect(url_for("auth.sign_in", next=target))
    if rule == SIGNED_IN or (rule is not None and actor.may(rule)):
        _require_party(actor)
        return None
    raise Forbidden


def _require_party(actor: Actor) -> None:
    """Answer as if there were none where somebody within one trust asks for an agreement that the trust is no party to."""
    if not actor.may("read") or actor.scope("read") is None:
        return
    in_path = request.path.startswith(("/avtaler/", "/api/v1/agreements/"))
    code = (request.view_args or {}).get("code") if in_path else request.args.get("agreement")
    if not code:
        return
    with db.read() as session:
        # `NotFound` for one that is not recorded, too.
        found = agreements.find_agreement(session, code)
        if not agreements.may_read(session, found.id, actor):
            raise NotFound(f"there is no agreement '{code}'")


def _actor() -> Actor | None:
    if request.path.startswith(API_PREFIX):
        return _token_actor()
    if _is_file_of_a_page():
        return _token_actor()
    return current_user.actor if getattr(current_user, "is_authenticated", False) else None


def _is_file_of_a_page() -> bool:
    """Tell whether a spreadsheet fetches a page's rows: it can send a token's id and secret, but has no cookie."""
    return (
        request.method in ("GET", "HEAD")
        and request.path.endswith(FILE_SUFFIXES)
        and request.authorization is not None
        and request.authorization.type == "basic"
    )


def _token_actor() -> Actor | None:
    authorization = request.authorization
    if authorization is None:
        return None
    if authorization.type == "bearer" and authorization.token:
        public_id, _, secret = authorization.token.partition(".")
    elif authorization.type == "basic":
        public_id, secret = authorization.username or "", authorization.password or ""
    else:
        return None
    if not (public_id.isascii() and public_id.isalnum()):
        return None  # no token is called that, and a database may not take every character
    now = datetime.now(UTC)
    with db.read() as session:
        actor = access.actor_of_token(session, public_id, secret, now=now)
        noted = actor is None or access.used_on(session, public_id) == now.date()
    if not noted:
        # Once a day. A request is not refused because its day could not be kept: another process just kept it, or writes.
        with suppress(SQLAlchemyError), db.write() as session:
            access.note_use(session, public_id=public_id, on=now.date())
    return actor


def _declare(rule: str) -> Callable[[View], View]:
    def mark(view: View) -> View:
        setattr(view, _RULE, rule)
        return view

    return mark
