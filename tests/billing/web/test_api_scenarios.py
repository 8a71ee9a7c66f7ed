"""Scenarios over the API: saved once, read for good, within what a token may read."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from billing.web.scenarios.api import NEW
from tests.tokens import bearer

HEADERS = dict[str, str]
BASE = "/api/v1/scenarios"
ONE: dict[str, Any] = {"name": NEW["name"], "scenario": NEW["scenario"] | {"draws": 100}}
OWN = {
    "name": "Ours",
    "scenario": ONE["scenario"]
    | {"activations": [{"trust": "oslo", "algorithm": "ct-pe", "go_live": "2027-03-01", "monthly_volume": 80}]},
}


@pytest.fixture
def manager(example_app: Flask) -> HEADERS:
    """A contract manager's token in the example."""
    return bearer("contract_manager")


@pytest.fixture
def example(example_app: Flask) -> FlaskClient:
    """A client of the example."""
    return example_app.test_client()


def saved(example: FlaskClient, headers: HEADERS, body: dict[str, Any] = ONE) -> dict[str, Any]:
    answer = example.post(BASE, headers=headers, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json
    return found


def test_a_saved_scenario_has_the_projection_s_answer_and_gives_it_again(
    example: FlaskClient, manager: HEADERS
) -> None:
    revision = saved(example, manager)
    assert (revision["revision"], revision["state"], revision["prices_changed"]) == (1, "answered", False)
    told = example.post("/api/v1/projections", headers=manager, json=revision["scenario"]).json
    assert {key: revision["answer"][key] for key in told} == told
    again = example.get(f"{BASE}/{revision['id']}/revisions/1?recompute=true", headers=manager)
    assert again.json["reproduced"] is True
    assert again.json["answer"] == revision["answer"]
    listed = example.get(BASE, headers=manager).json["items"]
    assert listed[0]["id"] == revision["id"]


def test_the_same_key_saves_once(example: FlaskClient, manager: HEADERS) -> None:
    keyed = manager | {"Idempotency-Key": "one-scenario"}
    assert saved(example, keyed) == saved(example, keyed)


def test_a_further_revision_needs_the_state_that_was_seen(example: FlaskClient, manager: HEADERS) -> None:
    code = saved(example, manager)["id"]
    path = f"{BASE}/{code}/revisions"
    assert example.post(path, headers=manager, json=ONE).status_code == 428
    seen = example.get(path, headers=manager).headers["ETag"]
    second = example.post(path, headers=manager | {"If-Match": seen}, json=ONE | {"name": "Again"})
    assert second.status_code == 201, second.text
    assert second.json["revision"] == 2
    assert example.post(path, headers=manager | {"If-Match": seen}, json=ONE).status_code == 412
    whole = example.get(f"{BASE}/{code}", headers=manager).json
    assert [each["name"] for each in whole["revisions"]] == ["Again", NEW["name"]]


def test_a_long_run_is_handed_to_a_worker(example: FlaskClient, manager: HEADERS) -> None:
    long = {"name": "Long", "scenario": ONE["scenario"] | {"draws": 100_000}}
    revision = saved(example, manager, long)
    assert (revision["state"], revision["answer"]) == ("running", None)
    assert example.get(f"/api/v1/jobs/{revision['job']}", headers=manager).json["state"] == "queued"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "x"}, "#/scenario"),
        ({**ONE, "name": "  "}, "#/name"),
        ({**ONE, "scenario": {"from": "2026-10"}}, "#/scenario/to"),
        ({**ONE, "scenario": ONE["scenario"] | {"base": {"model": "free"}}}, "#/scenario/base/model"),
        ({**ONE, "scenario": ONE["scenario"] | {"base": {"price_draft": 99}}}, "#/scenario/base/price_draft"),
    ],
    ids=["no scenario", "no name", "no end", "no such reading", "no such draft"],
)
def test_an_error_says_where_it_stands(
    example: FlaskClient, manager: HEADERS, body: dict[str, Any], pointer: str
) -> None:
    answer = example.post(BASE, headers=manager, json=body)
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json["errors"]]
    assert example.get(BASE, headers=manager).json["items"][0]["name"] != body["name"]


def test_a_trust_saves_its_own_and_learns_nothing_of_others(example: FlaskClient, manager: HEADERS) -> None:
    central = saved(example, manager)["id"]
    reader, other = bearer("trust_reader", "oslo"), bearer("trust_reader", "akershus")
    own = saved(example, reader, OWN)
    assert own["trust"] == "oslo"
    assert own["answer"]["by_algorithm"] == []
    assert [each["id"] for each in example.get(BASE, headers=reader).json["items"]] == [own["id"]]
    for headers, code in ((reader, central), (other, central), (other, own["id"]), (other, "SC-NONE")):
        answer = example.get(f"{BASE}/{code}", headers=headers)
        assert answer.status_code == 404
        assert answer.json["detail"] == f"there is no scenario '{code}'"
    refused = example.post(BASE, headers=other, json=OWN)
    assert refused.status_code == 422
    assert "oslo" in refused.json["errors"][0]["detail"]


def test_who_reads_no_amounts_saves_none(example: FlaskClient, example_app: Flask) -> None:
    assert example.post(BASE, headers=bearer("admin"), json=ONE).status_code == 403
