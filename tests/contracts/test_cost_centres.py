"""The register of cost centres: what counts on a day, corrections that leave the past readable, and who may write."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask

from contracts import agreements, cost_centres, payers
from contracts.cost_centres import Booking
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.people.access import Actor, Grant
from contracts.schemas.agreement import dump_agreement, load_agreement
from tests import examples
from tests.recorded import record_agreement

NOW = datetime(2024, 4, 15, 8, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
CONTROLLER = Actor("person:c", "C", (Grant("finance_controller"),))
READER = Actor("person:r", "R", (Grant("trust_reader", "akershus"),))
BOOKING = Booking("4410", "6790", "2960", "KI-24", "1")
OTHER = Booking("5200", "6790", "2960")
START = date(2024, 1, 1)


def add(
    agreement_id: int,
    trust: str = "akershus",
    algorithm: str | None = None,
    valid_from: date = START,
    booking: Booking = BOOKING,
    actor: Actor = CONTROLLER,
    now: datetime = NOW,
) -> int:
    with db.write() as session:
        return cost_centres.add_cost_centre(
            session,
            agreement_id=agreement_id,
            trust=trust,
            algorithm=algorithm,
            valid_from=valid_from,
            booking=booking,
            actor=actor,
            now=now,
        ).id


def booked(agreement_id: int, algorithm: str | None, day: date, known_at: datetime | None = None) -> Booking | None:
    with db.read() as session:
        return cost_centres.register(session, agreement_id, known_at).booking("akershus", algorithm, day)


def test_the_newest_entry_by_the_day_counts_and_an_algorithm_s_own_before_the_trust_s(database: Flask) -> None:
    agreement_id = record_agreement()
    add(agreement_id)
    add(agreement_id, valid_from=date(2025, 1, 1), booking=OTHER)
    add(agreement_id, algorithm="ct-pe", valid_from=date(2025, 7, 1), booking=BOOKING)
    assert booked(agreement_id, "ct-pe", date(2023, 12, 31)) is None
    assert booked(agreement_id, "ct-pe", date(2024, 12, 31)) == BOOKING
    assert booked(agreement_id, "ct-pe", date(2025, 1, 1)) == OTHER
    assert booked(agreement_id, "ct-pe", date(2025, 7, 1)) == BOOKING
    assert booked(agreement_id, "xray-skeletal", date(2025, 7, 1)) == OTHER
    assert booked(agreement_id, None, date(2025, 7, 1)) == OTHER


def test_a_correction_and_a_taking_back_leave_the_past_readable(database: Flask) -> None:
    agreement_id = record_agreement()
    first = add(agreement_id)
    with db.write() as session:
        second = cost_centres.correct_cost_centre(
            session,
            agreement_id=agreement_id,
            entry_id=first,
            valid_from=START,
            booking=OTHER,
            actor=CONTROLLER,
            now=LATER,
        )
    assert booked(agreement_id, None, START) == OTHER
    assert booked(agreement_id, None, START, NOW) == BOOKING
    with db.write() as session:
        cost_centres.take_back_cost_centre(
            session, agreement_id=agreement_id, entry_id=second.id, actor=CONTROLLER, now=LATER + timedelta(hours=1)
        )
    assert booked(agreement_id, None, START) is None
    assert booked(agreement_id, None, START, LATER) == OTHER
    with db.write() as session, pytest.raises(NotFound):
        cost_centres.take_back_cost_centre(
            session, agreement_id=agreement_id, entry_id=second.id, actor=CONTROLLER, now=LATER
        )


def test_the_same_entry_again_is_the_one_there_and_another_for_the_day_is_a_conflict(database: Flask) -> None:
    agreement_id = record_agreement()
    assert add(agreement_id) == add(agreement_id)
    with pytest.raises(Conflict, match="correct that one"):
        add(agreement_id, booking=OTHER)


@pytest.mark.parametrize(
    ("trust", "algorithm", "booking", "pointer", "code"),
    [
        ("bergen", None, BOOKING, "#/trust", "unknown_trust"),
        ("akershus", "ct-x", BOOKING, "#/algorithm", "unknown_algorithm"),
        ("akershus", None, Booking(" 44", "6790", "2960"), "#/cost_centre", "blank"),
        ("akershus", None, Booking("44", "", "2960"), "#/account", "blank"),
        ("akershus", None, Booking("44", "6790", "2\n"), "#/accrual_account", "blank"),
        ("akershus", None, Booking("44", "6790", "2960", "x" * 61), "#/project", "too_long"),
    ],
)
def test_what_cannot_be_booked_on_is_refused_at_its_place(
    database: Flask, trust: str, algorithm: str | None, booking: Booking, pointer: str, code: str
) -> None:
    agreement_id = record_agreement()
    with pytest.raises(InvalidInput) as refused:
        add(agreement_id, trust, algorithm, START, booking)
    assert [(each.pointer, each.code) for each in refused.value.errors] == [(pointer, code)]


def test_only_a_controller_writes_and_a_trust_reader_sees_its_own(database: Flask) -> None:
    agreement_id = record_agreement()
    add(agreement_id)
    foreign = add(agreement_id, trust="nord-norge")
    within = Actor("person:w", "W", (Grant("finance_controller", "nord-norge"),))
    for actor in (READER, Actor("person:a", "A", (Grant("auditor"),)), within):
        with pytest.raises(Denied):
            add(agreement_id, valid_from=date(2025, 1, 1), actor=actor)
    with db.read() as session:
        listed = cost_centres.list_cost_centres(session, agreement_id=agreement_id, actor=READER)
        assert [entry.trust for entry in listed] == ["akershus"]
        with pytest.raises(NotFound):
            cost_centres.find_cost_centre(session, agreement_id=agreement_id, entry_id=foreign, actor=READER)
        with pytest.raises(NotFound):
            cost_centres.list_cost_centres(session, agreement_id=agreement_id, actor=READER, trust="nord-norge")


def test_the_buyer_pays_until_the_agreement_says_otherwise_and_the_round_trip_is_exact(database: Flask) -> None:
    plain = examples.agreement()
    assert "payer" not in dump_agreement(load_agreement(plain))
    steps = [{"from": "2024-01-01", "who": "buyer_recharges"}, {"from": "2026-01-01", "who": "each_trust"}]
    agreement_id = record_agreement(plain | {"payer": steps})
    with db.read() as session:
        exported = agreements.export_agreement(session, agreement_id=agreement_id)
        assert dump_agreement(exported)["payer"] == steps
        assert exported == load_agreement(plain | {"payer": steps})
        assert payers.payer_on(session, agreement_id, date(2025, 12, 31)) == "buyer_recharges"
        assert payers.payer_on(session, agreement_id, date(2026, 1, 1)) == "each_trust"
    with db.write() as session:
        cost_centres.set_payer(
            session,
            agreement_id=agreement_id,
            start=date(2026, 1, 1),
            who="buyer_recharges",
            actor=CONTROLLER,
            now=LATER,
        )
    with db.read() as session:
        assert payers.payer_on(session, agreement_id, date(2026, 1, 1)) == "buyer_recharges"
        assert payers.payer_on(session, agreement_id, date(2026, 1, 1), NOW) == "each_trust"


@pytest.mark.parametrize(
    ("steps", "pointer", "code"),
    [
        ([{"from": "2024-01-01", "who": "somebody"}], "#/payer/0/who", "unknown_payer"),
        ([{"from": "2025-01-01", "who": "each_trust"}] * 2, "#/payer/1/from", "not_rising"),
    ],
)
def test_who_pays_is_read_strictly(steps: list[dict[str, str]], pointer: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        load_agreement(examples.agreement() | {"payer": steps})
    assert [(each.pointer, each.code) for each in refused.value.errors] == [(pointer, code)]
