"""Price books over the API: the same course as in the browser, with ETags and keys, and figures that add up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from billing.web.prices.api import CONTENT
from tests.billing.web.test_price_pages import another_holds_the_write_lock
from tests.tokens import bearer

BOOKS = "/api/v1/price-books"
DRAFTS = f"{BOOKS}/drafts"


@pytest.fixture
def client(example_app: Flask) -> FlaskClient:
    """A client of the example."""
    return example_app.test_client()


@pytest.fixture
def manager(example_app: Flask) -> dict[str, str]:
    """A contract manager's token."""
    return bearer("contract_manager")


@pytest.fixture
def approver(example_app: Flask) -> dict[str, str]:
    """An approver's token."""
    return bearer("approver")


def content(client: FlaskClient, token: dict[str, str], price: str = "13.90") -> dict[str, Any]:
    """The version in force with one price changed, from 2027 on."""
    version = client.get(f"{BOOKS}/versions", headers=token).get_json()["items"][-1]
    version["charges"][0]["tiers"][0]["unit_price"] = price
    return {"valid_from": "2027-01-01", "clause": "Endringsavtale 2", "charges": version["charges"], "note": ""}


def make(client: FlaskClient, token: dict[str, str], **headers: str) -> Any:
    return client.post(DRAFTS, json=content(client, token), headers={**token, **headers})


def test_a_draft_goes_its_course(client: FlaskClient, manager: dict[str, str], approver: dict[str, str]) -> None:
    made = make(client, manager)
    assert made.status_code == 201
    url = made.headers["Location"]
    assert client.get(url, headers=manager).get_json() == made.get_json()
    found = client.post(f"{url}/check", headers=manager).get_json()
    # The example has an index adjustment asked for from the very day.
    assert (found["accepted"], [each["code"] for each in found["findings"]]) == (True, ["index_taken_over"])
    simulated = client.post(f"{url}/simulate", headers=manager).get_json()["simulation"]
    compared = client.post(f"{url}/diff", headers=manager).get_json()
    assert Decimal(simulated["change"]) == Decimal(compared["effect"]) < 0
    assert sum(Decimal(row["change"]) for row in simulated["rows"]) == Decimal(simulated["change"])
    assert sum(Decimal(charge["effect"]) for charge in compared["charges"]) == Decimal(compared["effect"])
    first = compared["charges"][0]["prices"][0]
    assert (first["old"], first["new"], first["old_units"]) == ("14.40", "13.90", {"first": 1, "last": 25_000})
    submitted = client.post(f"{url}/submit", json={"revision": 1}, headers=manager)
    assert submitted.get_json()["state"] == "submitted"
    assert submitted.get_json()["steps"][0]["consequence"]["change"] == simulated["change"]
    assert client.post(f"{url}/approve", json={"revision": 1}, headers=manager).status_code == 403
    approved = client.post(f"{url}/approve", json={"revision": 1}, headers=approver)
    assert approved.get_json()["state"] == "approved"
    versions = client.get(f"{BOOKS}/versions", headers=manager).get_json()["items"]
    assert [version["valid_from"] for version in versions] == ["2024-01-01", "2026-01-01", "2027-01-01"]
    assert versions[-1]["charges"] == made.get_json()["charges"]
    diff = client.get(f"{BOOKS}/diff?from=2026-01-01&to=2027-01-01", headers=manager).get_json()
    assert diff["effect"] == compared["effect"]


def test_days_gone_by_change_only_on_purpose_and_closed_ones_never(
    client: FlaskClient, manager: dict[str, str], approver: dict[str, str]
) -> None:
    past = content(client, manager) | {"valid_from": "2026-07-01"}
    url = client.post(DRAFTS, json=past, headers=manager).headers["Location"]
    assert client.post(f"{url}/submit", json={"revision": 1}, headers=manager).status_code == 200
    for body in ({"revision": 1}, {"revision": 1, "retroactive": False}):
        refused = client.post(f"{url}/approve", json=body, headers=approver)
        assert (refused.status_code, refused.get_json()["errors"][0]["pointer"]) == (422, "#/retroactive")
    unread = client.post(f"{url}/approve", json={"revision": 1, "retroactive": "yes"}, headers=approver)
    assert unread.get_json()["errors"][0]["code"] == "not_a_boolean"
    approved = client.post(f"{url}/approve", json={"revision": 1, "retroactive": True}, headers=approver)
    assert approved.get_json()["state"] == "approved"
    closed = content(client, manager) | {"valid_from": "2026-06-30"}
    url = client.post(DRAFTS, json=closed, headers=manager).headers["Location"]
    errors = client.post(f"{url}/submit", json={"revision": 1}, headers=manager).get_json()["errors"]
    assert ("#/valid_from", "closed_past") in [(error["pointer"], error["code"]) for error in errors]


def test_a_revision_names_the_state_it_changes(client: FlaskClient, manager: dict[str, str]) -> None:
    made = make(client, manager)
    url, tag = made.headers["Location"], made.headers["ETag"]
    changed = content(client, manager, "13.50")
    assert client.put(url, json=changed, headers=manager).status_code == 428
    revised = client.put(url, json=changed, headers={**manager, "If-Match": tag})
    assert (revised.status_code, revised.get_json()["revision"]) == (200, 2)
    assert revised.headers["ETag"] != tag
    assert client.put(url, json=changed, headers={**manager, "If-Match": tag}).status_code == 412
    assert client.get(url, headers={**manager, "If-None-Match": revised.headers["ETag"]}).status_code == 304
    assert client.post(f"{url}/submit", json={"revision": 1}, headers=manager).get_json()["code"] == "stale_revision"


def test_a_key_makes_a_draft_once(client: FlaskClient, manager: dict[str, str]) -> None:
    first, again = (make(client, manager, **{"Idempotency-Key": "k1"}) for _ in range(2))
    assert first.get_json()["id"] == again.get_json()["id"]
    assert len(client.get(DRAFTS, headers=manager).get_json()["items"]) == 1


def test_what_is_refused_is_told_with_its_place(client: FlaskClient, manager: dict[str, str]) -> None:
    broken = content(client, manager)
    broken["charges"][0]["tiers"][1]["up_to"] = 10
    url = client.post(DRAFTS, json=broken, headers=manager).headers["Location"]
    found = client.post(f"{url}/check", headers=manager).get_json()
    assert not found["accepted"]
    refusing = [each for each in found["findings"] if each["severity"] == "error"]
    assert {each["pointer"] for each in refusing} == {"#/charges/0/tiers/1/up_to"}
    for step in ("simulate", "diff"):
        refused = client.post(f"{url}/{step}", headers=manager)
        assert refused.status_code == 422
        assert refused.get_json()["errors"][0]["code"] == "tiers_not_rising"
    refused = client.post(f"{url}/submit", json={"revision": 1}, headers=manager)
    assert refused.get_json()["errors"][0]["pointer"] == "#/charges/0/tiers/1/up_to"
    broken["charges"][0]["tiers"][0]["unit_price"] = 14.4
    shape = client.post(DRAFTS, json=broken, headers=manager)
    assert shape.get_json()["errors"] == [
        {
            "pointer": "#/charges/0/tiers/0/unit_price",
            "code": "not_a_string",
            "detail": "A decimal number written as a string is expected.",
        }
    ]


def test_a_draft_is_sent_back_and_given_up(
    client: FlaskClient, manager: dict[str, str], approver: dict[str, str]
) -> None:
    url = make(client, manager).headers["Location"]
    assert client.post(f"{url}/submit", json={"revision": 1}, headers=manager).status_code == 200
    assert client.post(f"{url}/return", json={"revision": 1}, headers=approver).status_code == 422
    back = client.post(f"{url}/return", json={"revision": 1, "comment": "Tier 2"}, headers=approver)
    assert back.get_json()["state"] == "draft"
    assert client.post(f"{url}/withdraw", json={"revision": 1}, headers=manager).get_json()["state"] == "withdrawn"
    assert client.post(f"{url}/submit", json={"revision": 1}, headers=manager).get_json()["code"] == "wrong_state"


def test_a_reader_within_a_trust_compares_for_its_own(client: FlaskClient, manager: dict[str, str]) -> None:
    url = make(client, manager).headers["Location"]
    own = bearer("trust_reader", "akershus")
    diff = f"{BOOKS}/diff?from=2024-01-01&to=2026-01-01"
    assert client.get(diff, headers=own).get_json()["effect"] != client.get(diff, headers=manager).get_json()["effect"]
    assert client.get(DRAFTS, headers=own).get_json()["items"] == []
    assert client.get(url, headers=own).status_code == 404
    assert client.post(DRAFTS, json=CONTENT, headers=own).status_code == 403


@pytest.mark.parametrize("number", ["0", "9223372036854775807", "9223372036854775808", "99999999999999999999"])
def test_a_draft_that_is_not_there_is_not_found(client: FlaskClient, manager: dict[str, str], number: str) -> None:
    assert client.get(f"{DRAFTS}/{number}", headers=manager).status_code == 404
    assert client.post(f"{DRAFTS}/{number}/submit", json={"revision": 1}, headers=manager).status_code == 404


@pytest.mark.parametrize("query", ["from=2026-01-01&to=2024-01-01", "from=2024-01-01&to=2025-01-01"])
def test_versions_that_cannot_be_compared_are_not_found(
    client: FlaskClient, manager: dict[str, str], query: str
) -> None:
    assert client.get(f"{BOOKS}/diff?{query}", headers=manager).status_code == 404


def test_a_decision_names_the_change_it_rests_on(
    client: FlaskClient, manager: dict[str, str], approver: dict[str, str]
) -> None:
    url = make(client, manager).headers["Location"]
    change = client.post(f"{url}/simulate", headers=manager).get_json()["simulation"]["change"]
    other = {"revision": 1, "change": "1.00"}
    refused = client.post(f"{url}/submit", json=other, headers=manager)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "consequence_changed")
    assert client.get(url, headers=manager).get_json()["state"] == "draft"
    assert client.post(f"{url}/submit", json={"revision": 1, "change": change}, headers=manager).status_code < 300
    assert client.post(f"{url}/approve", json=other, headers=approver).get_json()["code"] == "consequence_changed"
    assert client.post(f"{url}/approve", json={"revision": 1, "change": change}, headers=approver).status_code < 300


def test_check_simulation_and_comparison_wait_for_nobody_who_writes(
    client: FlaskClient, manager: dict[str, str], example_app: Flask
) -> None:
    url = make(client, manager).headers["Location"]
    with another_holds_the_write_lock(example_app):
        answers = [client.post(f"{url}/{step}", headers=manager).status_code for step in ("check", "simulate", "diff")]
    assert answers == [200, 200, 200]
