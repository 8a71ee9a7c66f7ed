"""The headers of every answer, also of errors and downloads."""

from __future__ import annotations

import pytest
from flask import Flask

from contracts.web import security_headers


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__, static_folder=None)
    security_headers.register(app)

    @app.get("/")
    def page() -> str:
        return "page"

    @app.get("/fil")
    def download() -> tuple[str, dict[str, str]]:
        return "x", {"Cache-Control": "public, max-age=60"}

    return app


@pytest.mark.parametrize("path", ["/", "/not-there", "/fil"])
def test_every_answer_carries_the_policy(app: Flask, path: str) -> None:
    headers = app.test_client().get(path).headers
    for name, value in security_headers.HEADERS.items():
        assert headers[name] == value


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    policy = security_headers.CONTENT_SECURITY_POLICY
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "*" not in policy
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == "'self'"
    assert directives["frame-ancestors"] == directives["base-uri"] == "'none'"


def test_secure_connections_are_told_to_stay_secure_and_others_are_not(app: Flask) -> None:
    client = app.test_client()
    assert "Strict-Transport-Security" not in client.get("/").headers
    assert "max-age=31536000" in client.get("/", base_url="https://localhost").headers["Strict-Transport-Security"]


def test_a_page_is_kept_by_no_shared_cache_unless_it_says_so_itself(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/").headers["Cache-Control"] == "private, no-cache"
    assert client.get("/fil").headers["Cache-Control"] == "public, max-age=60"
