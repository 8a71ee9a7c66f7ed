"""Logs are events with keys and values, joined by the request's id, and keep to themselves what was typed."""

from __future__ import annotations

import logging
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import make_app


def test_each_request_is_one_line_of_keys_and_values(client: FlaskClient, capsys: pytest.CaptureFixture[str]) -> None:
    answer = client.get("/kostnader?periode=2026-Q3", headers={"X-Request-ID": "abcdef-12345678"})
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(
        r"at=\S+Z level=info event=request request_id=abcdef-12345678 method=GET path=/kostnader status=302 ms=\d+",
        line,
    )
    assert answer.headers["X-Request-ID"] == "abcdef-12345678"


@pytest.mark.parametrize("given", ["", "kort", "x" * 65, "a b c d e f g h", 'abc"defgh'])
def test_an_id_that_is_none_is_replaced(client: FlaskClient, given: str) -> None:
    answer = client.get("/logg-inn", headers={"X-Request-ID": given})
    assert re.fullmatch("[0-9a-f]{16}", answer.headers["X-Request-ID"])


def test_what_was_typed_is_in_no_line(client: FlaskClient, capsys: pytest.CaptureFixture[str]) -> None:
    client.post("/logg-inn", data={"email": "kari@example.org", "password": "hemmelig-passord"})
    client.get("/logg-inn?next=/hemmelig-side", headers={"Authorization": "Bearer hemmelig-token"})
    lines = capsys.readouterr().err
    assert lines.count("event=request") == 2
    assert "hemmelig" not in lines
    assert "kari" not in lines


def test_two_apps_in_a_process_write_each_line_once_and_other_messages_alike(
    app: Flask, sqlite_url: str, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    from pathlib import Path

    make_app(sqlite_url, Path(str(tmp_path)))
    app.test_client().get("/logg-inn")
    app.logger.warning("something odd")
    lines = capsys.readouterr().err.splitlines()
    assert len([line for line in lines if "event=request" in line]) == 1
    assert 'level=warning event="something odd"' in lines[-1]
    assert logging.getLogger("trinnvis").propagate is False
