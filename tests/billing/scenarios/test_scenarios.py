"""A saved scenario never changes: the same øre for whoever asks, whatever became known since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from billing import jobs as billing_jobs
from billing.scenarios import scenarios
from billing.scenarios.scenarios import Revision
from billing.work import scenario_answers
from contracts import price_books
from contracts.errors import Conflict, InvalidInput, NotFound
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.terms.price_book import IndexAdjustment
from contracts.work import jobs
from tests.recorded import record_agreement, record_usage

COUNTS = b"trust,algorithm,month,quantity\n" + b"".join(
    f"{trust},xray-skeletal,2024-{month:02},{quantity + 7 * month % 40}\n".encode()
    for month in range(1, 10)
    for trust, quantity in (("vestre-viken", 210), ("sykehuset-ostfold", 126))
)
TODAY = date(2024, 10, 1)
SAVED = datetime(2024, 10, 1, 12, tzinfo=UTC)
MANAGER = Actor("person:anne@example.org", "Anne", (Grant("contract_manager"),))
OWN = Actor("person:ola@example.org", "Ola", (Grant("trust_requester", "akershus"),))
OTHER = Actor("person:kari@example.org", "Kari", (Grant("trust_reader", "vestre-viken"),))
PLAN = {"trust": "akershus", "algorithm": "xray-skeletal", "go_live": "2025-02-01", "monthly_volume": 60}
DOCUMENT: dict[str, Any] = {
    "from": "2024-10",
    "to": "2025-10",
    "draws": 50,
    "seed": 42,
    "noise": {"trust": "0.06", "algorithm": "0.06", "common": "0.02", "rho": "0.5"},
    "activations": [PLAN],
}


@pytest.fixture
def agreement_id(app: Flask) -> Iterator[int]:
    with app.app_context():
        made = record_agreement()
        assert record_usage(made, COUNTS, now=datetime(2024, 10, 1, 9, tzinfo=UTC)).status == "imported"
        yield made


def saved(agreement_id: int, document: dict[str, Any] = DOCUMENT, actor: Actor = MANAGER, **more: Any) -> Revision:
    with db.read() as session:
        asked = scenario_answers.read(
            session, agreement_id=agreement_id, document=document, actor=actor, today=TODAY, as_of=TODAY
        )
        answer = scenario_answers.answered(
            session,
            agreement_id=agreement_id,
            document=asked.document,
            trust=asked.trust,
            actor=actor,
            today=TODAY,
            known_at=SAVED,
        )
    with db.write() as session:
        kept = scenario_answers.save_answered(
            session,
            agreement_id=agreement_id,
            name="As it runs",
            asked=asked,
            answer=answer,
            known_at=SAVED,
            today=TODAY,
            actor=actor,
            now=more.pop("now", SAVED),
            **more,
        )
    return found(agreement_id, kept.code, kept.number, actor)


def found(agreement_id: int, code: str, number: int, actor: Actor = MANAGER) -> Revision:
    with db.read() as session:
        return scenarios.find_revision(session, agreement_id=agreement_id, code=code, number=number, actor=actor)


@pytest.mark.parametrize("actor", [MANAGER, OWN], ids=["all trusts", "within one"])
def test_a_revision_gives_the_same_bytes_after_other_counts_and_prices_became_known(
    agreement_id: int, actor: Actor
) -> None:
    revision = saved(agreement_id, actor=actor)
    later = b"trust,algorithm,month,quantity\nvestre-viken,xray-skeletal,2024-10,900\n"
    assert record_usage(agreement_id, later, now=SAVED + timedelta(days=35)).status == "imported"
    with db.write() as session:
        price_books.record_adjustment(
            session,
            agreement_id,
            IndexAdjustment(date(2025, 1, 1), Decimal("1.2"), "7.3"),
            recorded_at=SAVED + timedelta(days=40),
            recorded_by="test",
        )
    with db.read() as session:
        assert scenarios.prices_changed(session, revision)
        assert scenario_answers.reproduced(session, revision, actor=actor)
        now = scenario_answers.answered_again(
            session, replace(revision, known_at=SAVED + timedelta(days=50)), actor=actor
        )
    assert scenarios.sha256_of(now) != revision.sha256


def test_another_seed_is_another_answer(agreement_id: int) -> None:
    assert saved(agreement_id).sha256 != saved(agreement_id, {**DOCUMENT, "seed": 43}).sha256


def test_a_change_is_a_further_revision_and_the_first_stays(agreement_id: int) -> None:
    first = saved(agreement_id)
    second = saved(agreement_id, {**DOCUMENT, "activations": []}, code=first.code)
    assert (first.label, second.label) == (f"{first.code}@1", f"{first.code}@2")
    assert found(agreement_id, first.code, 1) == first
    with db.read() as session:
        listed = scenarios.list_scenarios(session, agreement_id=agreement_id, actor=MANAGER)
    assert [each.number for each in listed] == [2]


@pytest.mark.parametrize("table", ["scenarios", "scenario_revisions", "scenario_answers"])
@pytest.mark.parametrize(
    "act", ["DELETE FROM {table}", "UPDATE {table} SET recorded_by = 'x'"], ids=["delete", "update"]
)
def test_the_database_lets_nobody_change_what_was_saved(agreement_id: int, table: str, act: str) -> None:
    saved(agreement_id)
    with pytest.raises(DatabaseError, match="append-only"), db.write() as session:
        session.execute(text(act.format(table=table)))


def test_a_trust_saves_its_own_and_knows_of_no_other(agreement_id: int) -> None:
    own, central = saved(agreement_id, actor=OWN), saved(agreement_id)
    assert own.trust == "akershus"
    assert own.answer is not None
    assert own.answer["by_algorithm"] == []
    with db.read() as session:
        listed = scenarios.list_scenarios(session, agreement_id=agreement_id, actor=OWN)
        assert [each.code for each in listed] == [own.code]
        everything = scenarios.list_scenarios(session, agreement_id=agreement_id, actor=MANAGER)
        assert {each.code for each in everything} == {own.code, central.code}
        assert scenarios.list_scenarios(session, agreement_id=agreement_id, actor=OTHER) == []
    for code in (own.code, central.code):
        with pytest.raises(NotFound):
            found(agreement_id, code, 1, OTHER)


@pytest.mark.parametrize(
    "change",
    [{"activations": [{**PLAN, "trust": "vestre-viken"}]}, {"base": {"scope": "trust"}}],
    ids=["another trust's activation", "another base"],
)
def test_within_a_trust_a_scenario_is_about_that_trust_as_agreed(agreement_id: int, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        saved(agreement_id, {**DOCUMENT, **change}, actor=OWN)


def test_a_revision_keeps_the_scope_of_its_scenario(agreement_id: int) -> None:
    own = saved(agreement_id, actor=OWN)
    with pytest.raises(Conflict):
        saved(agreement_id, code=own.code)


@pytest.mark.parametrize(
    ("base", "differs"),
    [
        ({"scope": "trust"}, True),
        ({"model": "volume"}, True),
        ({"ramp_units": False}, True),
        ({"scope": "agreement", "model": "graduated", "ramp_units": True}, False),
    ],
    ids=["per trust", "all at the tier reached", "the ramp does not count", "as it is agreed"],
)
def test_another_reading_of_a_clause_stands_beside_the_agreed_one(
    agreement_id: int, base: dict[str, Any], differs: bool
) -> None:
    answer = saved(agreement_id, {**DOCUMENT, "base": base}).answer
    plain = saved(agreement_id).answer
    assert answer is not None
    assert plain is not None
    assert answer["as_agreed"]["total"] == plain["total"]
    assert (answer["total"] != plain["total"]) is differs
    mean = Decimal(answer["total"]["mean"]) - Decimal(plain["total"]["mean"])
    assert abs(Decimal(answer["as_agreed"]["difference"]["mean"]) - mean) <= Decimal("0.01")


def test_a_draft_that_is_not_there_is_named(agreement_id: int) -> None:
    with pytest.raises(InvalidInput, match="no draft 99"):
        saved(agreement_id, {**DOCUMENT, "base": {"price_draft": 99}})


def test_what_was_paid_before_stands_beside_what_may_come(agreement_id: int) -> None:
    answer = saved(agreement_id).answer
    assert answer is not None
    assert [row["month"] for row in answer["history"]] == [f"2024-{month:02}" for month in range(1, 10)]
    assert all(Decimal(row["cost"]) > 0 for row in answer["history"])


def test_a_long_run_is_a_job_that_tells_a_first_fan(app: Flask, agreement_id: int) -> None:
    document = {**DOCUMENT, "draws": 100_000, "to": "2025-12"}
    with db.read() as session:
        asked = scenario_answers.read(
            session, agreement_id=agreement_id, document=document, actor=MANAGER, today=TODAY, as_of=TODAY
        )
        assert asked.long
    asked.document["draws"] = 1200
    with db.write() as session:
        revision = scenario_answers.save_answered(
            session,
            agreement_id=agreement_id,
            name="Long",
            asked=asked,
            answer=None,
            known_at=SAVED,
            today=TODAY,
            actor=MANAGER,
            now=SAVED,
        )
        job = jobs.submit(
            session,
            kind=scenarios.JOB,
            params={"revision": revision.id, "by": COMMAND_LINE.id},
            trust=None,
            actor=MANAGER,
            now=datetime.now(UTC),
        )
    assert found(agreement_id, revision.code, 1).answer is None
    billing_jobs.run_next(app)
    with db.read() as session:
        done = jobs.find(session, job_id=job.id, actor=MANAGER)
        assert scenarios.job_of(session, revision) == job.id
    kept = found(agreement_id, revision.code, 1)
    assert done.state == "done", done.error
    assert [(each["draws"], each["of"]) for each in done.findings] == [(500, 1200)]
    assert next((phase.name, phase.done) for phase in done.phases) == ("draw", 1200)
    assert kept.answer is not None
    assert kept.answer["assumptions"]["draws"] == 1200
    with db.read() as session:
        assert scenario_answers.reproduced(session, kept, actor=MANAGER)


@pytest.mark.parametrize("name", ["", " ", "x" * 121, "two\nlines"])
def test_a_name_is_one_line(agreement_id: int, name: str) -> None:
    with pytest.raises(InvalidInput), db.write() as session:
        scenarios.save(
            session,
            agreement_id=agreement_id,
            name=name,
            document=DOCUMENT,
            trust=None,
            known_at=SAVED,
            today=TODAY,
            actor=MANAGER,
            now=SAVED,
        )
