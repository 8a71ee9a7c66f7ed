"""An import taken back whole, and the proof that the roll-up is what events and imports make it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from billing.charges import charging, import_effect
from billing.models import UsageEntry, UsageImport
from billing.usage import metering
from billing.usage import reversals as usage_upkeep
from contracts.errors import Conflict, InvalidInput, NotFound
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.terms.period import Period
from tests.billing.usage.test_usage_events import CELL, HEADER, WITH_HASH, agree, counts, event, examined
from tests.recorded import AUTUMN, COUNTED, record_agreement, record_usage

LATER = COUNTED + timedelta(days=3)
DAILY = "trust,algorithm,date,quantity\n"


def reverse(
    agreement_id: int, import_id: int | None, actor: Actor = COMMAND_LINE, reason: str = "wrong file"
) -> usage_upkeep.Taking:
    with db.write() as session:
        return usage_upkeep.reverse_import(
            session, agreement_id=agreement_id, import_id=import_id or 0, reason=reason, actor=actor, now=LATER
        )


def differences(agreement_id: int) -> list[tuple[str, int, int]]:
    with db.read() as session:
        verification = usage_upkeep.verify_usage(session, agreement_id=agreement_id, actor=COMMAND_LINE)
    return [(each.code, each.expected, each.found) for each in verification.differences]


def test_a_reversed_import_is_taken_back_by_signed_entries_and_the_past_stays_askable(database: Flask) -> None:
    agreement_id = record_agreement()
    first = record_usage(agreement_id, (HEADER + event("a") + event("b") + event("c", status="failed")).encode())
    taking = reverse(agreement_id, first.id)
    assert (taking.quantity, taking.events, len(taking.cells)) == (2, 3, 1)
    assert counts(agreement_id) == {("vestre-viken", date(2024, 3, 5)): 0}
    with db.read() as session:
        then = metering.daily_usage(session, agreement_id=agreement_id, known_at=COUNTED)
        assert [usage.quantity for usage in then] == [2]
        assert session.scalars(select(UsageEntry.quantity).order_by(UsageEntry.id)).all() == [2, -2]
    assert differences(agreement_id) == []


def test_after_a_reversal_the_same_file_and_its_events_may_come_again(database: Flask) -> None:
    agreement_id = record_agreement()
    content = (HEADER + event("a") + event("b")).encode()
    first = record_usage(agreement_id, content)
    reverse(agreement_id, first.id)
    again = record_usage(agreement_id, content, now=LATER + timedelta(days=1))
    assert (again.status, again.accepted, again.id != first.id) == ("imported", 2, True)
    overlap = record_usage(agreement_id, (HEADER + event("b") + event("c")).encode())
    assert (overlap.accepted, overlap.duplicates) == (1, 1)
    reverse(agreement_id, again.id)
    other = record_usage(agreement_id, (HEADER + event("a", status="failed")).encode())
    assert other.status == "imported"  # known content of reversed imports binds nobody
    assert counts(agreement_id) == {("vestre-viken", date(2024, 3, 5)): 1}
    assert differences(agreement_id) == []


def test_a_reversed_cell_may_change_its_source(database: Flask) -> None:
    agreement_id = record_agreement()
    first = record_usage(agreement_id, f"{DAILY}{CELL},2024-03-05,7\n".encode())
    reverse(agreement_id, first.id)
    assert record_usage(agreement_id, (HEADER + event("a")).encode()).status == "imported"
    assert counts(agreement_id) == {("vestre-viken", date(2024, 3, 5)): 1}
    assert differences(agreement_id) == []


def test_an_import_is_reversed_once_with_a_reason_and_only_where_it_is_known(app: Flask) -> None:
    agreement_id = record_agreement()
    first = record_usage(agreement_id)
    with pytest.raises(InvalidInput):
        reverse(agreement_id, first.id, reason="  ")
    requester = Actor("person:r", "R", (Grant("trust_requester", "vestre-viken"),))
    with pytest.raises(NotFound):
        reverse(agreement_id, first.id, requester)
    with pytest.raises(NotFound):
        reverse(agreement_id, 4711)
    reverse(agreement_id, first.id)
    with pytest.raises(Conflict):
        reverse(agreement_id, first.id)
    own = record_usage(agreement_id, f"{DAILY}{CELL},2024-03-05,7\n".encode(), actor=requester)
    assert reverse(agreement_id, own.id, requester).quantity == 7


def test_a_corrected_cell_does_not_fall_below_nought(app: Flask) -> None:
    agreement_id = record_agreement()
    first = record_usage(agreement_id)
    with db.write() as session:
        metering.correct_usage(
            session, agreement_id=agreement_id, trust="vestre-viken", algorithm="xray-skeletal",
            on=date(2024, 1, 10), change=-4, reason="counted twice", actor=COMMAND_LINE, now=LATER,
        )  # fmt: skip
    with pytest.raises(InvalidInput) as refused:
        reverse(agreement_id, first.id)
    assert [error.code for error in refused.value.errors] == ["below_zero"]


def test_the_effect_of_a_reversal_is_what_the_charges_lose(app: Flask) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    second = record_usage(agreement_id, f"{DAILY}{CELL},2024-04-10,300\n".encode(), now=AUTUMN)
    quarter = Period.parse("2024-Q2")

    def total() -> Decimal:
        with db.read() as session:
            return charging.expected_charges(
                session, agreement_id=agreement_id, period=quarter, actor=COMMAND_LINE
            ).total

    before = total()
    with db.read() as session:
        effect = import_effect.reversal_effect(
            session, agreement_id=agreement_id, import_id=second.id or 0, actor=COMMAND_LINE
        )
    reverse(agreement_id, second.id)
    assert effect.total == total() - before < 0
    assert [label for label, _ in effect.by_quarter] == ["2024-Q2"]


def test_events_left_out_because_of_a_reversed_import_are_counted_as_waiting(database: Flask) -> None:
    agreement_id = record_agreement()
    agree(agreement_id, 3)
    first = record_usage(agreement_id, (WITH_HASH + examined("a", "A1", "2024-03-05")).encode())
    record_usage(agreement_id, (WITH_HASH + examined("b", "A1", "2024-03-06")).encode())
    assert reverse(agreement_id, first.id).waiting == 1


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("UPDATE usage_entries SET quantity = quantity + 1 WHERE source = 'events'", "events_differ"),
        ("DELETE FROM usage_entries WHERE source = 'events'", "events_differ"),
        ("DELETE FROM usage_events", "events_differ"),
        ("UPDATE usage_events SET outcome = 1 WHERE outcome = 0", "events_differ"),
        ("UPDATE usage_entries SET quantity = 5 WHERE source = 'daily'", "import_differs"),
        ("UPDATE usage_entries SET quantity = -1 WHERE source = 'reversal'", "not_taken_back"),
        ("DELETE FROM usage_reversals", "event_counts_twice"),
    ],
)  # fmt: skip
def test_verification_names_every_kind_of_damage(app: Flask, damage: str, code: str) -> None:
    agreement_id = record_agreement()
    first = record_usage(agreement_id, (HEADER + event("a") + event("b")).encode())
    reverse(agreement_id, first.id)
    record_usage(agreement_id, (HEADER + event("b") + event("a")).encode())
    record_usage(agreement_id, f"{DAILY}{CELL},2024-03-07,7\n".encode())
    assert differences(agreement_id) == []
    with db.write() as session:
        for trigger in session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            session.execute(text(f"DROP TRIGGER {trigger}"))
        session.execute(text(damage))
    assert code in [found for found, _, _ in differences(agreement_id)]


def test_what_others_recorded_between_staging_and_writing_counts(database: Flask) -> None:
    agreement_id = record_agreement()
    content = (HEADER + event("a") + event("b")).encode()
    with db.read() as session:
        staged = metering.stage_usage(
            session,
            agreement_id=agreement_id,
            filename="x.csv",
            content=content,
            actor=COMMAND_LINE,
            now=COUNTED,
        )
    record_usage(agreement_id, (HEADER + event("b") + event("c")).encode())
    with db.write() as session:
        result = metering.apply_usage(session, staged, actor=COMMAND_LINE, now=LATER)
    assert (result.status, result.accepted, result.duplicates) == ("imported", 1, 1)
    with db.write() as session:
        assert metering.apply_usage(session, staged, actor=COMMAND_LINE, now=LATER).status == "already_imported"
    assert counts(agreement_id) == {("vestre-viken", date(2024, 3, 5)): 3}


def test_an_import_is_few_statements_however_many_rows(app: Flask) -> None:
    from sqlalchemy import event as listening

    agreement_id = record_agreement()
    engine, seen = app.extensions["trinnvis_engine"], list[str]()
    listening.listen(engine, "before_cursor_execute", lambda *values: seen.append(values[2]))
    told = []
    for number in (10, 1_000):
        seen.clear()
        rows = "".join(event(f"{number}-{each}") for each in range(number))
        assert record_usage(agreement_id, (HEADER + rows).encode()).accepted == number
        told.append(len(seen))
    # About half of them post the ceiling's ledger, which costs the same for every import.
    assert told[0] == told[1] <= 120
    seen.clear()
    with db.read() as session:
        metering.daily_usage(session, agreement_id=agreement_id)
    assert len([statement for statement in seen if "usage_entries" in statement]) == 1
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(UsageImport)) == 2
