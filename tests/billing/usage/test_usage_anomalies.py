"""A series that changes level is told within a month, and a movement of many is told apart from one of its own."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from billing.usage.anomalies import Anomalies, anomalies
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.people.access import Actor, Grant
from contracts.terms.period import Period
from contracts.terms.working_days import working_days
from tests import examples
from tests.recorded import record_agreement, record_usage

CONTROLLER = Actor("person:c", "C", (Grant("finance_controller"),))
NOW = datetime(2024, 10, 1, 8, tzinfo=UTC)
STEP, UNTIL = date(2024, 8, 26), date(2024, 9, 28)
TRUSTS = tuple(examples.TRUSTS)


def document(trusts: tuple[str, ...]) -> dict[str, Any]:
    made = deepcopy(examples.agreement())
    made["activations"] = [
        {"trust": trust, "algorithm": "xray-skeletal", "validation_from": None, "go_live": "2024-01-01", "end": None}
        for trust in trusts
    ]
    return made


def set_up(moved: tuple[str, ...], trusts: tuple[str, ...] = TRUSTS[:2]) -> int:
    """Count 20 examinations each working day, and 30 from the step on where a trust moved."""
    agreement_id = record_agreement(document(trusts))
    rows = [
        f"{trust},xray-skeletal,{day.isoformat()},{30 if trust in moved and day >= STEP else 20}\n"
        for trust in trusts
        for day in working_days(Period(date(2024, 1, 1), UNTIL))
    ]
    content = ("trust,algorithm,date,quantity\n" + "".join(rows)).encode()
    assert record_usage(agreement_id, content, now=NOW).status == "imported"
    return agreement_id


def found(agreement_id: int, actor: Actor = CONTROLLER, **more: Any) -> Anomalies:
    with db.read() as session:
        return anomalies(session, agreement_id=agreement_id, actor=actor, **more)


def test_a_step_of_one_series_is_told_within_a_month_with_its_levels_per_working_day(app: Flask) -> None:
    told = found(set_up(("vestre-viken",)))
    (step,) = told.steps
    assert (step.trust, step.algorithm, step.common) == ("vestre-viken", "xray-skeletal", False)
    assert STEP < step.found_on <= STEP + timedelta(days=31)
    assert abs(step.since - STEP) <= timedelta(days=21)
    assert abs(step.before - 20) < Decimal("1.5")
    assert step.before < step.after <= 30
    assert told.new == (step,)


def test_a_steady_count_has_no_step(app: Flask) -> None:
    assert found(set_up(())).steps == ()


def test_what_many_do_at_once_is_common_and_nothing_to_act_on(app: Flask) -> None:
    told = found(set_up(TRUSTS, TRUSTS))
    assert {step.trust for step in told.steps} == set(TRUSTS)
    assert all(step.common for step in told.steps)
    assert told.new == ()


def test_what_was_known_before_the_counts_came_has_no_step(app: Flask) -> None:
    assert found(set_up(("vestre-viken",)), known_at=NOW - timedelta(days=1)).data_until is None


def test_a_trust_is_told_its_own_steps(app: Flask) -> None:
    agreement_id = set_up(("vestre-viken",))
    reader = Actor("person:r", "R", (Grant("trust_reader", "sykehuset-ostfold"),))
    assert found(agreement_id, reader).steps == ()
    with pytest.raises(NotFound):
        found(agreement_id, reader, trust="vestre-viken")


def test_page_file_api_and_overview_tell_the_same(
    app: Flask, sign_in_as: Callable[..., FlaskClient], client: FlaskClient, token_for: Callable[..., dict[str, str]]
) -> None:
    (step,) = found(set_up(("vestre-viken",))).steps
    (item,) = client.get("/api/v1/usage-anomalies", headers=token_for("auditor")).get_json()["items"]
    assert (item["since"], Decimal(item["change"]), item["common"]) == (step.since.isoformat(), step.change, False)
    controller = sign_in_as("finance_controller")
    assert controller.get("/volum/avvik").status_code == 200
    assert len(controller.get("/volum/avvik.csv").data.decode("utf-8-sig").splitlines()) == 2
    assert "/volum/avvik" in controller.get("/").text
    assert "/volum/avvik" not in sign_in_as("auditor").get("/").text
