"""A database that is not there is one sentence: on a page, in the API and on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from contracts import schema_versions

NOBODY = "postgresql+psycopg://nobody@127.0.0.1:1/none"


@pytest.fixture(params=["an empty file", "a server that does not answer"])
def lacking(request: pytest.FixtureRequest, tmp_path: Path) -> Flask:
    """An app whose database lacks everything."""
    url = f"sqlite:///{tmp_path / 'empty.db'}" if request.param == "an empty file" else NOBODY
    return create_app({"TESTING": True, "DATABASE_URL": url, "INSTANCE": str(tmp_path)})


@pytest.mark.parametrize("address", ["/", "/logg-inn", "/frister"])
def test_a_page_says_it(lacking: Flask, address: str) -> None:
    answer = lacking.test_client().get(address, follow_redirects=True)
    assert (answer.status_code, "Databasen mangler" in answer.text) == (503, True)


def test_the_api_says_it(lacking: Flask) -> None:
    answer = lacking.test_client().get("/api/v1/agreements", headers={"Authorization": "Bearer a1.b2"})
    assert (answer.status_code, answer.json["code"]) == (503, "no_database")


def test_a_command_says_it_in_one_line(lacking: Flask) -> None:
    told = lacking.test_cli_runner().invoke(args=["option", "list"])
    assert told.exit_code == 1
    assert told.stderr.strip() in (schema_versions.UNREACHABLE, schema_versions.NOT_AT_HEAD)
