"""The application: configuration, extensions, blueprints, error mapping, commands, scheduler. Nothing imports this file.

>>> create_app({"TESTING": True, "DATABASE_URL": "sqlite://"}).config["EXAMPLE_MODE"]
True
"""

from __future__ import annotations

import importlib.metadata
import os
import secrets
import signal
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from environs import Env
from flask import Flask
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.middleware.proxy_fix import ProxyFix

import billing.commands
import billing.jobs
import billing.web
import contracts.commands
import contracts.web
import ready
from contracts import clock
from contracts.extensions import db
from contracts.installation import LEAST_KEY_BYTES
from contracts.web import auth, edge, formatting, guard, i18n, layout, logs, problems, security_headers

# The project's version stands in pyproject.toml and nowhere else; installed, in what was made of it.
_PROJECT = Path(__file__).parent / "pyproject.toml"
VERSION: str = (
    tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]["version"]
    if _PROJECT.exists()
    else importlib.metadata.version("trinnvis")
)
LARGEST_UPLOAD = 25 * 1024 * 1024


def create_app(overrides: Mapping[str, Any] | None = None) -> Flask:
    """Make the application from the environment (README, "Configuration"), with ``overrides`` for tests."""
    app = Flask(__name__, static_folder=None)
    app.config.update(_configuration(app))
    app.config.update(overrides or {})
    _require_secret_key(app)
    if app.config["PROXIES"]:
        trusted = app.config["PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=trusted, x_proto=trusted, x_host=trusted)  # type: ignore[method-assign]
    logs.register(app)
    db.init_app(app)
    edge.register(app)
    CSRFProtect(app)
    i18n.register(app)
    formatting.register(app)
    layout.register(app)
    security_headers.register(app)
    auth.register(app)
    guard.register(app)
    problems.register(app)
    contracts.web.register(app)
    billing.web.register(app)
    contracts.commands.register(app)
    billing.commands.register(app)
    billing.jobs.register(app)
    app.context_processor(_shell_facts(app))
    return app


def _configuration(app: Flask) -> dict[str, Any]:
    env = Env()
    mode = env.str("TRINNVIS_MODE", "example")
    if mode not in ("example", "production"):
        raise SystemExit(f"TRINNVIS_MODE is 'example' or 'production', not '{mode}'")
    instance = Path(env.str("TRINNVIS_INSTANCE", str(Path(app.root_path) / "instance")))
    instance.mkdir(parents=True, exist_ok=True)
    production = mode == "production"
    return {
        "EXAMPLE_MODE": not production,
        "DATABASE_URL": env.str("DATABASE_URL", "") or f"sqlite:///{instance / 'trinnvis.db'}",
        "SECRET_KEY": env.str("TRINNVIS_SECRET_KEY", "") or None,
        "SECRET_KEY_FALLBACKS": env.list("TRINNVIS_OLD_SECRET_KEYS", []),
        "HOSTS": frozenset(env.list("TRINNVIS_HOSTS", [])),
        "PROXIES": env.int("TRINNVIS_PROXIES", 0),
        "INSTANCE": str(instance),
        "INBOX": env.str("TRINNVIS_INBOX", "") or None,
        "MAX_CONTENT_LENGTH": LARGEST_UPLOAD,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": env.bool("TRINNVIS_SECURE_COOKIES", production),
        "SCHEDULER": env.str("TRINNVIS_SCHEDULER", "off"),
        "PUBLIC_URL": env.str("TRINNVIS_PUBLIC_URL", "").rstrip("/") or None,
        "SMTP_HOST": env.str("TRINNVIS_SMTP_HOST", "") or None,
        "SMTP_PORT": env.int("TRINNVIS_SMTP_PORT", 587),
        "SMTP_SECURITY": env.str("TRINNVIS_SMTP_SECURITY", "starttls"),
        "SMTP_USER": env.str("TRINNVIS_SMTP_USER", ""),
        "SMTP_PASSWORD": env.str("TRINNVIS_SMTP_PASSWORD", ""),
        "SMTP_FROM": env.str("TRINNVIS_SMTP_FROM", ""),
        "SSB": env.str("TRINNVIS_SSB", "off") == "on",
        "SSB_URL": env.str("TRINNVIS_SSB_URL", "https://data.ssb.no/api/v0/no/table"),
        "JOB_WORKERS": env.int("TRINNVIS_JOB_WORKERS", 1),
        "WTF_CSRF_TIME_LIMIT": None,
    }


def _require_secret_key(app: Flask) -> None:
    """Refuse to start production without a secret key of 32 bytes; elsewhere keep one beside the database."""
    if app.config["SECRET_KEY"]:
        if not app.config["EXAMPLE_MODE"] and len(app.config["SECRET_KEY"].encode()) < LEAST_KEY_BYTES:
            raise SystemExit(
                f"TRINNVIS_SECRET_KEY is shorter than {LEAST_KEY_BYTES} bytes: set it to a long random text"
            )
        return
    if not app.config["EXAMPLE_MODE"]:
        raise SystemExit("production needs TRINNVIS_SECRET_KEY: set it to a long random text")
    if app.testing:
        app.config["SECRET_KEY"] = secrets.token_hex(32)
        return
    kept = Path(app.config["INSTANCE"]) / "secret-key"
    try:
        with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass  # made at an earlier start, or by another process a moment ago
    app.config["SECRET_KEY"] = kept.read_text()


def _shell_facts(app: Flask) -> Any:
    """Give every template the version and, in example mode, the example's own today."""

    def facts() -> dict[str, Any]:
        example = None
        if app.config["EXAMPLE_MODE"]:
            with suppress(SQLAlchemyError), db.read() as session:  # an error page must come without a database too
                example = {"today": clock.today(session, example_mode=True, now=datetime.now(UTC))}
        return {"app_version": VERSION, "example": example}

    return facts


def main() -> None:
    """Bring the database up to date, load the example into an empty one, and serve on the loopback address.

    SIGTERM ends in order, as Ctrl-C does: requests under way are answered (within five seconds), then the scheduler stops.
    """
    from waitress import serve

    from billing.example.load import load_example
    from contracts import agreements, schema_versions
    from contracts.people.access import COMMAND_LINE

    try:
        port = ready.port()
    except ready.NotReady as lacks:
        raise SystemExit(str(lacks)) from None
    signal.signal(signal.SIGTERM, _end)
    app = create_app()
    with app.app_context():
        if schema_versions.lacking(db.engine) == schema_versions.UNREACHABLE:
            raise SystemExit(schema_versions.UNREACHABLE)
        if not schema_versions.at_head(db.engine):
            _say("Bringing the database up to date …")
            schema_versions.upgrade(db.engine)
        if app.config["EXAMPLE_MODE"]:
            with db.write() as session:
                if not agreements.list_agreements(session):
                    _say("Loading the example: three years of an agreement, some twenty seconds …")
                    load_example(session, actor=COMMAND_LINE, now=datetime.now(UTC), write=formatting)
    background = billing.jobs.start(app) if app.config["SCHEDULER"] == "inline" else None
    _say(f"Trinnvis: http://{ready.LOOPBACK}:{port}/")
    if app.config["EXAMPLE_MODE"]:
        _say("Sign in: choose a person on the first page (example data, no password).")
    try:
        serve(app, host=ready.LOOPBACK, port=port, threads=8)
    finally:
        if background is not None:
            background.stop()


def _say(what: str) -> None:
    print(what, flush=True)  # noqa: T201 - what a person waits for, also where the output is a file or a pipe


def _end(*_: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()
