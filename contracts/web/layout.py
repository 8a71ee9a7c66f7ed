"""The shell that every page stands in: navigation, language, the example's banner, static files and error pages.

Templates extend `layout/base.html` and import `components.html`. The shell knows no page: whoever owns a page says with
`add_nav` that it exists, and an entry whose endpoint is not there is left out.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, current_app, make_response, render_template, request, url_for
from flask.sansio.app import App
from flask_babel import gettext as _
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, Unauthorized
from werkzeug.routing import BuildError
from whitenoise import WhiteNoise

from contracts import agreements
from contracts.extensions import db
from contracts.web.i18n import N_

STATIC: Final = Path(__file__).parent / "static"
VENDOR: Final = STATIC / "vendor"
URL_PREFIX: Final = "/assets"
ONE_YEAR: Final = 31_536_000

_EXTENSION: Final = "trinnvis.nav"


@dataclass(frozen=True, slots=True)
class NavEntry:
    """One entry of the navigation. `label` is a source string; `more` puts it into the menu beside the main entries."""

    order: int
    label: str
    endpoint: str
    visible: Callable[[], bool] | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class NavLink:
    """A navigation entry as the reader sees it. `current` is `page`, `true` (a page below it) or empty."""

    label: str
    url: str
    current: str
    more: bool = False


ERRORS: Final[dict[int, tuple[str, str]]] = {
    400: (N_("The address or the form is not understood"), N_("Check the address, or go back and try again.")),
    401: (N_("You need to sign in"), N_("Sign in to see this page.")),
    403: (
        N_("You may not do this"),
        N_("Your roles do not cover this page or action. Ask an administrator if you think they should."),
    ),
    404: (
        N_("We cannot find the page"),
        N_("It may have moved, or the address may be mistyped. It may also be something you have no access to."),
    ),
    405: (N_("The page cannot be used this way"), N_("Go back to the page that holds the form and try from there.")),
    409: (
        N_("Someone else changed this in the meantime"),
        N_("Nothing was saved. Open the page again to see what changed, then make your change."),
    ),
    413: (N_("The file is too large"), N_("Nothing was saved. Choose a smaller file and try again.")),
    422: (N_("Something in the form is not right"), N_("Nothing was saved. Go back, correct it and try again.")),
    429: (N_("Too many attempts"), N_("Wait a little and try again.")),
    503: (
        N_("The database is missing"),
        N_(
            "It cannot be reached, or is not set up for this version. Whoever runs Trinnvis puts that right; nothing is lost."
        ),
    ),
    500: (
        N_("Something went wrong with us"),
        N_("Nothing was half-saved. Try again; if it happens again, tell us the reference below."),
    ),
}


def register(app: Flask) -> None:
    """Give the application the shell: templates, static files under `/assets`, context for the templates."""
    app.register_blueprint(
        Blueprint(
            "shell",
            __name__,
            template_folder="templates",
            static_folder=str(STATIC),
            static_url_path=URL_PREFIX,
        )
    )
    app.extensions[_EXTENSION] = []
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(asset=asset, endpoint_url=endpoint_url)
    app.jinja_env.filters["tv_slug"] = _slug
    for name, absent in {"csrf_token": lambda: "", "example": None}.items():
        app.jinja_env.globals.setdefault(name, absent)
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        root=STATIC,
        prefix=URL_PREFIX.strip("/"),
        autorefresh=app.debug,
        # Every address that a page writes holds the hash of the file, so a browser may keep it for good.
        max_age=ONE_YEAR,
        allow_all_origins=False,
        add_headers_function=_no_sniffing,
    )

    @app.context_processor
    def shell() -> dict[str, Any]:
        return {"nav": nav_links()}


def add_nav(
    owner: App | Blueprint,
    order: int,
    label: str,
    endpoint: str,
    visible: Callable[[], bool] | None = None,
    *,
    more: bool = False,
) -> None:
    """Put an entry into the navigation, sorted by `order`: a main one, or one of those behind "More".

    `owner` is the app, or a blueprint whose apps get the entry with it; `label` is a source string marked with `N_`.
    """
    if isinstance(owner, Blueprint):
        owner.record_once(lambda state: add_nav(state.app, order, label, endpoint, visible, more=more))
        return
    entries: list[NavEntry] = owner.extensions[_EXTENSION]
    entries.append(NavEntry(order, label, endpoint, visible, more))
    entries.sort(key=lambda entry: entry.order)


def nav_links() -> list[NavLink]:
    """Return the navigation for the present reader and page; pages that do not exist are left out."""
    links = []
    kept = chosen_agreement()
    for entry in current_app.extensions[_EXTENSION]:
        url = endpoint_url(entry.endpoint)
        if url is not None and (entry.visible is None or entry.visible()):
            address = f"{url}?{urlencode({'agreement': kept})}" if kept else url
            links.append(NavLink(_(entry.label), address, _current(url), entry.more))
    return links


def chosen_agreement() -> str | None:
    """Give the agreement that a reader of several has chosen: the one that the page names; None where there is only one."""
    named = request.args.get("agreement")
    if named is None and request.path.startswith("/avtaler/"):
        named = (request.view_args or {}).get("code")
    with suppress(SQLAlchemyError):  # an error page must come without a database too
        return named if named and agreements.several(db.session) else None
    return None


def _current(url: str) -> str:
    if request.path == url:
        return "page"
    return "true" if url != "/" and request.path.startswith(url.rstrip("/") + "/") else ""


def endpoint_url(endpoint: str, **values: Any) -> str | None:
    """Return the address of an endpoint, or `None` where the application does not have it."""
    try:
        return url_for(endpoint, **values)
    except BuildError:
        return None


def asset(name: str) -> str:
    """Return the address of a static file, with the hash of its content in it."""
    if (STATIC / name).is_file():
        return f"{url_for('shell.static', filename=name)}?v={_digest(name, (STATIC / name).stat().st_mtime_ns)}"
    return url_for("shell.static", filename=f"vendor/{_manifest(_manifest_age()).get(name, name)}")


@cache
def _digest(name: str, _changed: int) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def _manifest_age() -> int:
    path = VENDOR / "manifest.json"
    if not path.exists():
        current_app.logger.error("browser files are missing: run `npm ci` and `python -m contracts.web.assets`")
        return 0
    return path.stat().st_mtime_ns


@cache
def _manifest(age: int) -> dict[str, str]:
    return dict(json.loads((VENDOR / "manifest.json").read_text(encoding="utf-8"))) if age else {}


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", unicodedata.normalize("NFKD", str(text).lower())).strip("-")


def _no_sniffing(headers: Any, _path: str, _url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"


def error_page(status: int, *, reference: str = "", details: Iterable[str] = ()) -> tuple[str, int]:
    """Render the page of an error in the reader's language.

    `details` are sentences meant for the reader, such as the name of an unknown parameter; nothing else about the error
    is shown. `reference` is what the reader can tell us, usually the request's id.
    """
    title, advice = ERRORS.get(status, ERRORS[400 if status < 500 else 500])
    page = render_template(
        "error.html",
        title=_(title),
        advice=_(advice),
        status=status,
        reference=reference,
        details=list(details),
    )
    return page, status


def http_error_page(error: HTTPException, reference: str = "") -> Response:
    """Render the page of a web framework's error, without the framework's own words; a demand for credentials stays on it."""
    response = make_response(error_page(error.code or 500, reference=reference))
    if isinstance(error, Unauthorized) and error.www_authenticate:
        response.headers.extend([("WWW-Authenticate", str(each)) for each in error.www_authenticate])
    return response
