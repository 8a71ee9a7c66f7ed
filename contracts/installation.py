"""What an installation needs to work, looked at: each check says what was found and, where that is wrong, what to do.

Read by the command `doctor`, by `/readyz` and by nothing else. A check never raises: what cannot be looked at is wrong.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from contracts import schema_versions
from contracts.models import JobRun

LEAST_KEY_BYTES: Final = 32
LEAST_FREE_BYTES: Final = 200 * 1024 * 1024
# Tasks of every minute run; a leader that was killed is followed within half a minute.
SCHEDULER_SILENT_AFTER: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: its name, whether it is right, what was found, and what to do where it is wrong."""

    name: str
    right: bool
    found: str
    remedy: str = ""


def working(engine: Engine, config: Mapping[str, Any], now: datetime) -> list[Check]:
    """Look at what must hold at every moment: database, schema, scheduler, disk."""
    database = _database(engine)
    checks = [database]
    if database.right:
        checks += [_schema(engine), _scheduler(engine, config, now)]
    return [*checks, _disk(config)]


def examined(engine: Engine, config: Mapping[str, Any], now: datetime) -> list[Check]:
    """Look at everything: what must hold at every moment, and how the installation is set up."""
    return [*working(engine, config, now), _key(config), _cookies(config), _address(config), _mail(config)]


def _database(engine: Engine) -> Check:
    name = engine.url.render_as_string(hide_password=True)
    try:
        with engine.connect() as connection:
            connection.execute(select(1))
    except SQLAlchemyError as error:
        why = str(error.__cause__ or error).strip().partition("\n")[0]
        return Check(
            "database", False, f"{name}: {why}", "Start the database, or set DATABASE_URL to the one that runs."
        )
    return Check("database", True, name)


def _schema(engine: Engine) -> Check:
    if schema_versions.at_head(engine):
        return Check("schema", True, "at the newest revision")
    return Check("schema", False, "not at the newest revision", "Run `flask --app app db upgrade`.")


def _scheduler(engine: Engine, config: Mapping[str, Any], now: datetime) -> Check:
    remedy = "Run `flask --app app scheduler` as a service of its own, or set TRINNVIS_SCHEDULER=inline."
    try:
        with engine.connect() as connection:
            latest: datetime | None = connection.scalar(select(func.max(JobRun.started_at)))
    except SQLAlchemyError:
        return Check("scheduler", False, "its runs cannot be read", "Run `flask --app app db upgrade`.")
    if latest is None:
        return Check("scheduler", bool(config["EXAMPLE_MODE"]), "has never run", remedy)
    latest = latest if latest.tzinfo else latest.replace(tzinfo=UTC)
    silent = now - latest > SCHEDULER_SILENT_AFTER
    return Check(
        "scheduler", not silent or bool(config["EXAMPLE_MODE"]), f"last ran at {latest:%Y-%m-%dT%H:%M:%SZ}", remedy
    )


def _disk(config: Mapping[str, Any]) -> Check:
    folder = Path(config["INSTANCE"])
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Check(
            "disk",
            False,
            f"{folder}: {error.strerror}",
            "Make the folder, or set TRINNVIS_INSTANCE to one that is there.",
        )
    found = f"{free // 2**20} MiB free in {folder}"
    return Check(
        "disk", free >= LEAST_FREE_BYTES, found, f"Make room: {LEAST_FREE_BYTES // 2**20} MiB are needed at least."
    )


def _key(config: Mapping[str, Any]) -> Check:
    length = len(str(config["SECRET_KEY"] or "").encode())
    remedy = f"Set TRINNVIS_SECRET_KEY to at least {LEAST_KEY_BYTES} random bytes: python -c 'import secrets; print(secrets.token_hex(32))'."
    return Check("secret key", length >= LEAST_KEY_BYTES, f"{length} bytes", remedy)


def _cookies(config: Mapping[str, Any]) -> Check:
    secure = bool(config["SESSION_COOKIE_SECURE"])
    remedy = "Serve behind TLS and leave TRINNVIS_SECURE_COOKIES unset."
    return Check(
        "cookies", secure or bool(config["EXAMPLE_MODE"]), "over TLS only" if secure else "also without TLS", remedy
    )


def _address(config: Mapping[str, Any]) -> Check:
    address = config["PUBLIC_URL"]
    remedy = "Set TRINNVIS_PUBLIC_URL to the address under which people reach the service: mails link to it."
    return Check("public address", bool(address) or bool(config["EXAMPLE_MODE"]), address or "not set", remedy)


def _mail(config: Mapping[str, Any]) -> Check:
    if not config["SMTP_HOST"]:
        return Check("mail", True, "no server set: reminders are written and wait")
    return Check(
        "mail",
        bool(config["SMTP_FROM"]),
        str(config["SMTP_HOST"]),
        "Set TRINNVIS_SMTP_FROM to the address that reminders come from.",
    )
