"""What an installation lacks is named, with what to do; a watcher hears no more than whether it works."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import create_app
from contracts import installation
from contracts.extensions import db
from contracts.models import JobRun
from tests.conftest import make_app

NOW = datetime(2026, 10, 15, 12, tzinfo=UTC)


def wrong(app: Flask, **config: Any) -> set[str]:
    """Name the checks that fail where the configuration is another one."""
    with app.app_context():
        return {each.name for each in installation.examined(db.engine, {**app.config, **config}, NOW) if not each.right}


def ran(at: datetime) -> None:
    with db.write() as session:
        session.add(JobRun(job="send_mail", slot=at, worker="w", started_at=at, finished_at=at, attempts=1))


def test_a_database_of_an_installation_that_works_has_nothing_wrong(database: Flask) -> None:
    ran(NOW - timedelta(minutes=1))
    production = {"EXAMPLE_MODE": False, "SESSION_COOKIE_SECURE": True, "PUBLIC_URL": "https://t.example.no"}
    assert wrong(database, **production, SECRET_KEY="k" * 32) == set()
    assert wrong(database, **production, SECRET_KEY="k" * 31) == {"secret key"}


@pytest.mark.parametrize(
    ("config", "names"),
    [
        ({"SESSION_COOKIE_SECURE": False}, {"cookies"}),
        ({"PUBLIC_URL": None}, {"public address"}),
        ({"SMTP_HOST": "mail.example.no", "SMTP_FROM": ""}, {"mail"}),
        ({"INSTANCE": "/no/such/folder"}, {"disk"}),
    ],
)
def test_what_is_set_up_wrongly_is_named(app: Flask, config: dict[str, Any], names: set[str]) -> None:
    ran(NOW)
    right = {"EXAMPLE_MODE": False, "SESSION_COOKIE_SECURE": True, "PUBLIC_URL": "https://t", "SECRET_KEY": "k" * 32}
    assert wrong(app, **{**right, **config}) == names


@pytest.mark.parametrize(("minutes", "silent"), [(None, True), (6, True), (5, False), (0, False)])
def test_a_scheduler_that_is_silent_for_five_minutes_is_told(app: Flask, minutes: int | None, silent: bool) -> None:
    if minutes is not None:
        ran(NOW - timedelta(minutes=minutes))
    assert ("scheduler" in wrong(app, EXAMPLE_MODE=False)) is silent
    assert "scheduler" not in wrong(app, EXAMPLE_MODE=True)


def test_a_watcher_hears_whether_it_works_and_nothing_of_what_is_stored(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/healthz").data == b"alive\n"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (
        200,
        {"ready": True, "checks": {"database": True, "schema": True, "scheduler": True, "disk": True}},
    )
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_database_that_cannot_be_reached_is_alive_and_not_ready(tmp_path: Path) -> None:
    app = make_app(f"sqlite:///{tmp_path}/missing/trinnvis.db", tmp_path)
    assert app.test_client().get("/healthz").status_code == 200
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"ready": False, "checks": {"database": False, "disk": True}})


def test_the_command_says_what_to_do_and_ends_with_one(app: Flask) -> None:
    app.config["SECRET_KEY"] = "short"
    result = app.test_cli_runner().invoke(args=["doctor"])
    assert result.exit_code == 1
    assert "WRONG secret key: 5 bytes\n      Set TRINNVIS_SECRET_KEY to at least 32 random bytes" in result.output
    assert "ok    schema: at the newest revision" in result.output


def test_production_refuses_a_short_key_and_a_host_that_is_not_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRINNVIS_MODE", "production")
    monkeypatch.setenv("TRINNVIS_INSTANCE", str(tmp_path))
    monkeypatch.setenv("TRINNVIS_SECRET_KEY", "k" * 31)
    with pytest.raises(SystemExit, match="shorter than 32 bytes"):
        create_app()
    monkeypatch.setenv("TRINNVIS_SECRET_KEY", "k" * 32)
    monkeypatch.setenv("TRINNVIS_HOSTS", "trinnvis.example.no")
    monkeypatch.setenv("TRINNVIS_PROXIES", "1")
    client = create_app().test_client()
    assert client.get("/healthz", headers={"Host": "evil.example.no"}).status_code == 400
    behind = {"Host": "127.0.0.1:8000", "X-Forwarded-Host": "trinnvis.example.no", "X-Forwarded-Proto": "https"}
    answer = client.get("/healthz", headers=behind)
    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
