"""The workflow through the API: what could come next, steps with their preconditions, refusals with their numbers."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from contracts.extensions import db
from tests import desk
from tests.desk import START, TRUST, Desk
from tests.tokens import bearer


@pytest.fixture
def asked(app: Flask, client: FlaskClient) -> Any:
    """Ask the API as somebody with a role."""
    desk.open_desk(akershus="exercised", nord_norge="listed")
    tokens = {
        role: bearer(role, TRUST if role.startswith("trust_") else None)
        for role in ("contract_manager", "approver", "trust_requester", "trust_reader", "finance_controller", "admin")
    }

    def ask(role: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return client.open(f"/api/v1{path}", method=method, json=body, headers=tokens[role] | headers)

    return ask


def test_an_option_is_reviewed_with_the_state_that_was_seen(asked: Any) -> None:
    path = "/options/nord-norge"
    shown = asked("contract_manager", "GET", path)
    assert (shown.json["state"], [one["event"] for one in shown.json["choices"]]) == ("listed", ["review", "lapse"])
    step = {"event": "review"}
    assert asked("contract_manager", "POST", f"{path}/transitions", step).status_code == 428
    stale = asked("contract_manager", "POST", f"{path}/transitions", step, **{"If-Match": '"old"'})
    assert stale.status_code == 412
    etag = {"If-Match": shown.headers["ETag"]}
    assert asked("finance_controller", "POST", f"{path}/transitions", step, **etag).status_code == 403
    done = asked("contract_manager", "POST", f"{path}/transitions", step, **etag, **{"Idempotency-Key": "once"})
    assert (done.status_code, done.json["state"]) == (201, "under_review")
    again = asked("contract_manager", "POST", f"{path}/transitions", step, **etag, **{"Idempotency-Key": "once"})
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert len(asked("contract_manager", "GET", path).json["steps"]) == 1


def test_a_refusal_tells_every_guard_with_its_numbers(asked: Any) -> None:
    plan = {"trust": TRUST, "algorithm": "ct-pe", "starts_on": START.isoformat(), "monthly_quantity": 500}
    drafted = asked("trust_requester", "POST", "/activations", plan)
    assert drafted.status_code == 201
    path = drafted.headers["Location"].removeprefix("/api/v1")
    etag = {"If-Match": drafted.headers["ETag"]}
    refused = asked("trust_requester", "POST", f"{path}/transitions", {"event": "submit"}, **etag)
    assert (refused.status_code, refused.json["code"]) == (409, "refused")
    by_code = {(error["guard"], error["code"]): error for error in refused.json["errors"]}
    assert ("algorithm", "certificate_missing") in by_code
    assert by_code["dossier", "item_not_accepted"]["numbers"]["status"] == "missing"
    assert asked("trust_requester", "GET", path).json["state"] == "draft"


def test_another_trusts_case_is_unknown(asked: Any) -> None:
    for role in ("trust_reader", "trust_requester"):
        assert asked(role, "GET", "/options/nord-norge").status_code == 404
        assert asked(role, "GET", f"/options/{TRUST}").status_code == 200
    assert asked("admin", "GET", f"/options/{TRUST}").status_code == 403


def test_what_waits_for_a_decision_is_listed_and_approved(asked: Any) -> None:
    with db.write() as session:
        at = Desk(session, 1)
        case_id = at.bring(at.prepared(), "submitted")
    (waiting,) = asked("approver", "GET", "/approvals").json["items"]
    assert (waiting["id"], waiting["p90"], waiting["approvals_needed"]) == (str(case_id), "120000.00", 1)
    path = f"/activations/{case_id.name}"
    etag = asked("approver", "GET", path).headers["ETag"]
    done = asked("approver", "POST", f"{path}/transitions", {"event": "approve"}, **{"If-Match": etag})
    assert (done.status_code, done.json["state"]) == (201, "approved")
    figures = asked("contract_manager", "GET", "/agreements/ra-test/ceiling").json
    assert (figures["committed"]["amount"], figures["open"]["amount"]) == ("120000.00", "0.00")
    assert asked("trust_reader", "GET", "/agreements/ra-test/ceiling").status_code == 404


def test_the_ceiling_tells_what_was_taken_over_its_levels_and_its_ledger(asked: Any) -> None:
    path = "/agreements/ra-test/ceiling"
    opening = {"amount": "1300000.00", "reference": "Handover"}
    assert asked("finance_controller", "POST", f"{path}/opening", opening).status_code == 403
    done = asked("contract_manager", "POST", f"{path}/opening", opening)
    assert (done.status_code, done.json["opening"]["amount"]) == (201, "1300000.00")
    figures = asked("finance_controller", "GET", path).json
    assert [level["used_known_at"] is not None for level in figures["levels"]] == [True] * 4
    (overrun,) = [one for one in figures["overrun"] if one["figure"] == "used"]
    assert (overrun["maximum"]["amount"], overrun["entry"]["source"]) == ("1200000.00", "taken_over")
    assert asked("finance_controller", "GET", f"{path}?known_at=2024-01-03T00:00:00Z").json["overrun"] == []
    (entry,) = [
        one for one in asked("finance_controller", "GET", f"{path}/entries").json["items"] if one["kind"] == "opening"
    ]
    assert (entry["amount"]["amount"], entry["known_at"]) == ("1300000.00", overrun["known_at"])
    for role in ("trust_reader", "trust_requester"):
        assert asked(role, "GET", f"{path}/entries").status_code == 404
    assert (
        asked("contract_manager", "POST", f"{path}/opening", {"amount": "-1.00", "reference": "x"}).status_code == 422
    )


def test_the_letter_of_an_order_is_listed_and_its_confirmation_filed(asked: Any, client: FlaskClient) -> None:
    with db.write() as session:
        at = Desk(session, 1)
        case_id = at.bring(at.prepared(), "ordered")
    path = f"/activations/{case_id.name}"
    (letter,) = asked("trust_reader", "GET", f"{path}/letters").json["items"]
    assert (letter["kind"], letter["version"]) == ("activation_order", 1)
    day = desk.NOW.date().isoformat()
    answer = asked(
        "contract_manager",
        "POST",
        f"{path}/confirmations?received_on={day}",
        {"confirmed": True},
        **{"Idempotency-Key": "c"},
    )
    assert answer.status_code == 201, answer.json
    assert [one["kind"] for one in answer.json["items"]] == ["activation_order", "vendor_confirmation"]
    early = asked("contract_manager", "POST", f"{path}/confirmations?received_on=2020-01-01", {"confirmed": False})
    assert (early.status_code, early.json["errors"][0]["code"]) == (422, "before_letter")
    assert asked("trust_requester", "POST", f"{path}/confirmations?received_on={day}", {}).status_code == 403
    assert asked("trust_reader", "GET", "/options/nord-norge/letters").status_code == 404
