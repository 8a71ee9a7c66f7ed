"""Single events: what is kept of them, which count, and that each counts once whatever the files and their order."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from billing.models import UsageEntry, UsageEvent
from billing.models.usage import OUTCOMES
from billing.usage import metering
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE
from tests.recorded import AUTUMN, COUNTED, record_agreement, record_usage

HEADER = "event_id,trust,algorithm,time,status\n"
WITH_HASH = "event_id,trust,algorithm,time,status,accession_hash\n"
CELL = "vestre-viken,xray-skeletal"


def event(id_: str, time: str = "2024-03-05T10:00:00+01:00", status: str = "completed", cell: str = CELL) -> str:
    return f"{id_},{cell},{time},{status}\n"


def examined(id_: str, examination: str, day: str, status: str = "completed", cell: str = CELL) -> str:
    digest = hashlib.sha256(examination.encode()).hexdigest()
    return f"{id_},{cell},{day}T10:00:00+01:00,{status},{digest}\n"


def counts(agreement_id: int) -> dict[tuple[str, date], int]:
    with db.read() as session:
        return {
            (usage.trust, usage.on): usage.quantity
            for usage in metering.daily_usage(session, agreement_id=agreement_id)
        }


def kept() -> list[UsageEvent]:
    with db.read() as session:
        return list(session.scalars(select(UsageEvent)))


def outcomes() -> dict[str, int]:
    found: dict[str, int] = {}
    for each in kept():
        found[OUTCOMES[each.outcome]] = found.get(OUTCOMES[each.outcome], 0) + 1
    return found


def agree(agreement_id: int, repeat_days: int | None) -> None:
    with db.write() as session:
        metering.set_rule(
            session,
            agreement_id=agreement_id,
            repeat_days=repeat_days,
            clause="6.2",
            actor=COMMAND_LINE,
            now=COUNTED - timedelta(days=1),
        )


def test_completed_events_count_and_the_others_keep_their_reason(database: Flask) -> None:
    agreement_id = record_agreement()
    rows = [
        event("a"),
        event("b"),
        event("c", status="failed"),
        event("d", status="repeated"),
        event("e", status="validation"),
    ]
    result = record_usage(agreement_id, (HEADER + "".join(rows)).encode())
    assert (result.status, result.rows, result.accepted, result.not_billable, result.quantity) == (
        "imported",
        5,
        5,
        3,
        2,
    )
    assert counts(agreement_id) == {("vestre-viken", date(2024, 3, 5)): 2}
    assert outcomes() == {"billable": 2, "failed": 1, "repeated": 1, "validation": 1}


def test_a_day_of_failures_only_is_a_day_with_nought(database: Flask) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id, (HEADER + event("a", status="failed")).encode())
    assert counts(agreement_id) == {("vestre-viken", date(2024, 3, 5)): 0}


def test_nothing_of_an_event_is_kept_but_its_cell_its_reason_and_keyed_hashes(database: Flask) -> None:
    agreement_id = record_agreement()
    content = (WITH_HASH + examined("study-4711", "A1", "2024-03-05")).encode()
    record_usage(agreement_id, content)
    [row] = kept()
    told = (
        {
            column.name: getattr(row, column.key)
            for column in UsageEvent.__mapper__.column_attrs
            for column in column.columns
        }
        if False
        else {attribute.key: getattr(row, attribute.key) for attribute in UsageEvent.__mapper__.column_attrs}
    )
    assert set(told) == {
        "event_key", "round", "import_id", "trust_id", "algorithm_id", "on", "outcome", "content", "accession",
    }  # fmt: skip
    for secret in (b"study-4711", hashlib.sha256(b"A1").digest()):
        assert secret not in row.event_key + row.content + (row.accession or b"")
        assert row.event_key != hashlib.blake2s(secret, digest_size=16).digest()
    with db.write() as session:
        session.execute(text("DELETE FROM usage_keys") if False else select(1))


def test_the_same_event_id_means_another_event_under_another_agreement(database: Flask) -> None:
    from tests import examples

    first, second = record_agreement(), record_agreement(examples.agreement("ra-second"))
    content = (HEADER + event("a")).encode()
    assert [record_usage(each, content).status for each in (first, second)] == ["imported", "imported"]
    assert len({row.event_key for row in kept()}) == 2


def test_known_events_in_another_file_are_duplicates_and_count_once(database: Flask) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id, (HEADER + event("a") + event("b")).encode())
    again = record_usage(agreement_id, (HEADER + event("b") + event("c") + event("a") + event("c")).encode())
    assert (again.status, again.accepted, again.duplicates, again.quantity) == ("imported", 1, 3, 1)
    assert counts(agreement_id) == {("vestre-viken", date(2024, 3, 5)): 3}


def test_the_same_instant_written_in_another_way_is_the_same_event(app: Flask) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id, (HEADER + event("a", "2024-03-05T10:00:00+01:00")).encode())
    for time in ("2024-03-05T09:00:00Z", "2024-03-05T14:30:00+05:30", "2024-03-05 09:00Z", "2024-03-05T09:00:00.000Z"):
        again = record_usage(agreement_id, (HEADER + event("a", time)).encode())
        assert (again.status, again.duplicates) == ("imported", 1), time


@pytest.mark.parametrize(
    "other",
    [
        event("a", "2024-03-05T10:00:01+01:00"),
        event("a", status="failed"),
        event("a", "2024-03-06T10:00:00+01:00"),
        event("a", cell="sykehuset-ostfold,xray-skeletal"),
    ],
    ids=["other second", "other status", "other day", "other trust"],
)
def test_an_event_id_with_other_content_refuses_the_file(database: Flask, other: str) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id, (HEADER + event("a")).encode())
    refused = record_usage(agreement_id, (HEADER + event("new") + other).encode())
    assert refused.status == "refused"
    assert [(error.row, error.column, error.code) for error in refused.errors] == [(3, "event_id", "event_differs")]
    assert len(kept()) == 1
    within = record_usage(agreement_id, (HEADER + event("x") + other.replace("a", "x", 1)).encode())
    assert [(error.row, error.code, error.params) for error in within.errors] == [(3, "event_differs", {"first": 2})]
    assert counts(agreement_id) == {("vestre-viken", date(2024, 3, 5)): 1}


@pytest.mark.parametrize("first", ["counts", "events"])
def test_events_and_counts_never_mix_in_a_cell(database: Flask, first: str) -> None:
    agreement_id = record_agreement()
    daily = f"trust,algorithm,date,quantity\n{CELL},2024-03-04,7\n{CELL},2024-03-05,1\n".encode()
    events = (HEADER + event("z", "2024-03-06T10:00:00Z") + event("a")).encode()
    files = [daily, events] if first == "counts" else [events, daily]
    assert record_usage(agreement_id, files[0]).status == "imported"
    refused = record_usage(agreement_id, files[1])
    assert [(error.row, error.code) for error in refused.errors] == [(3, "other_source")]
    assert "Reverse the first import" in refused.errors[0].detail


@pytest.mark.parametrize(
    ("time", "on"),
    [
        pytest.param("2024-03-30T22:59:59Z", date(2024, 3, 30), id="last second before midnight, winter"),
        pytest.param("2024-03-30T23:00:00Z", date(2024, 3, 31), id="midnight before the clocks go forward"),
        pytest.param("2024-03-31T01:59:59+01:00", date(2024, 3, 31), id="last second of winter"),
        pytest.param("2024-03-31T03:00:00+02:00", date(2024, 3, 31), id="first second of summer"),
        pytest.param("2024-03-31T21:59:59Z", date(2024, 3, 31), id="the day of 23 hours ends an hour earlier"),
        pytest.param("2024-03-31T22:00:00Z", date(2024, 4, 1), id="first midnight of summer"),
        pytest.param("2024-10-26T21:59:59Z", date(2024, 10, 26), id="before the day of 25 hours"),
        pytest.param("2024-10-26T22:00:00Z", date(2024, 10, 27), id="the day of 25 hours begins"),
        pytest.param("2024-10-27T02:30:00+02:00", date(2024, 10, 27), id="the repeated hour, first time"),
        pytest.param("2024-10-27T02:30:00+01:00", date(2024, 10, 27), id="the repeated hour, second time"),
        pytest.param("2024-10-27T22:59:59Z", date(2024, 10, 27), id="the day of 25 hours ends"),
        pytest.param("2024-10-27T23:00:00Z", date(2024, 10, 28), id="first midnight of winter"),
        pytest.param("2024-10-27T18:00:00-05:00", date(2024, 10, 28), id="another continent"),
    ],
)
def test_an_event_falls_on_its_day_in_norway(app: Flask, time: str, on: date) -> None:
    agreement_id = record_agreement()
    assert record_usage(agreement_id, (HEADER + event("a", time)).encode(), now=AUTUMN).status == "imported"
    assert counts(agreement_id) == {("vestre-viken", on): 1}


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        pytest.param(event("a", "2024-03-05T10:00:00"), "time", "not_a_time", id="no offset"),
        pytest.param(event("a", "2024-03-05"), "time", "not_a_time", id="a day"),
        pytest.param(event("a", "2024-03-05T24:00:00Z"), "time", "not_a_time", id="hour 24"),
        pytest.param(event("a", "2024-03-05T10:60:00Z"), "time", "not_a_time", id="minute 60"),
        pytest.param(event("a", "2024-03-05T10:00:60Z"), "time", "not_a_time", id="leap second"),
        pytest.param(event("a", "2024-02-30T10:00:00Z"), "time", "not_a_time", id="no such day"),
        pytest.param(event("a", "0001-01-01T00:00:00+14:00"), "time", "not_a_time", id="before all time"),
        pytest.param(event("a", "2024-W10-2T10:00:00Z"), "time", "not_a_time", id="week date"),
        pytest.param(event("a", "2023-12-31T22:59:59Z"), "time", "not_active", id="before go-live"),
        pytest.param(event("a", status="done"), "status", "unknown_status", id="unknown status"),
        pytest.param(event("a", status="Completed"), "status", "unknown_status", id="capital"),
        pytest.param(event(" "), "event_id", "no_event_id", id="no id"),
        pytest.param(event("a" * 201), "event_id", "event_id_too_long", id="long id"),
        pytest.param(event("a", cell="oslo,xray-skeletal"), "trust", "unknown_trust", id="unknown trust"),
        pytest.param(event("a", cell="vestre-viken,x"), "algorithm", "unknown_algorithm", id="unknown algorithm"),
    ],
)
def test_a_bad_event_is_told_with_row_and_column_in_both_languages(
    app: Flask, row: str, column: str, code: str
) -> None:
    agreement_id = record_agreement()
    result = record_usage(agreement_id, (HEADER + event("good") + row).encode())
    assert [(error.row, error.column, error.code) for error in result.errors] == [(3, column, code)]
    assert metering.sentence(result.errors[0], "nb") != metering.sentence(result.errors[0], "en")
    assert kept() == []


@pytest.mark.parametrize(
    "hash_",
    ["", "abc", "g" * 64, "a" * 63, "a" * 65, " " + "a" * 63, "a" * 31 + "  " + "a" * 31],
    ids=["empty", "short", "no digits", "one less", "one more", "space", "spaces within"],
)
def test_an_accession_hash_is_exactly_64_hexadecimal_digits(app: Flask, hash_: str) -> None:
    row = f"a,{CELL},2024-03-05T10:00:00Z,completed,{hash_}\n"
    result = record_usage(record_agreement(), (WITH_HASH + row).encode())
    assert [(error.row, error.column, error.code) for error in result.errors] == [(2, "accession_hash", "not_a_hash")]


def test_without_a_rule_every_event_of_an_examination_counts(app: Flask) -> None:
    agreement_id = record_agreement()
    result = record_usage(
        agreement_id, (WITH_HASH + examined("a", "A1", "2024-03-05") + examined("b", "A1", "2024-03-05")).encode()
    )
    assert (result.quantity, result.not_billable) == (2, 0)


REPEATS = [
    examined("a", "A1", "2024-03-05"),
    examined("b", "A1", "2024-03-05"),
    examined("c", "A1", "2024-03-08"),
    examined("d", "A1", "2024-03-09"),  # four days after the one that counts: counts again
    examined("e", "A1", "2024-03-12"),  # three days after that one: a repeat
    examined("f", "A1", "2024-03-05", cell="sykehuset-ostfold,xray-skeletal"),  # another trust's own number
    examined("g", "B2", "2024-03-05"),
    examined("h", "C3", "2024-03-05", status="failed"),
    examined("i", "C3", "2024-03-06"),  # a failure starts nothing
]


@pytest.mark.parametrize("seed", range(3))
def test_repeats_within_the_days_count_once_whatever_the_order_of_the_rows(database: Flask, seed: int) -> None:
    agreement_id = record_agreement()
    agree(agreement_id, 3)
    rows = list(REPEATS)
    random.Random(seed).shuffle(rows)
    result = record_usage(agreement_id, (WITH_HASH + "".join(rows)).encode())
    assert (result.status, result.accepted, result.not_billable, result.quantity) == ("imported", 9, 4, 5)
    assert counts(agreement_id) == {
        ("vestre-viken", date(2024, 3, 5)): 2,
        ("vestre-viken", date(2024, 3, 6)): 1,
        ("vestre-viken", date(2024, 3, 8)): 0,
        ("vestre-viken", date(2024, 3, 9)): 1,
        ("vestre-viken", date(2024, 3, 12)): 0,
        ("sykehuset-ostfold", date(2024, 3, 5)): 1,
    }
    assert outcomes() == {"billable": 5, "failed": 1, "repeat_of_examination": 3}


def test_of_two_files_the_one_that_came_first_counts_and_the_earlier_event_is_a_finding(database: Flask) -> None:
    agreement_id = record_agreement()
    agree(agreement_id, 3)
    record_usage(agreement_id, (WITH_HASH + examined("later", "A1", "2024-03-07")).encode())
    result = record_usage(
        agreement_id,
        (WITH_HASH + examined("earlier", "A1", "2024-03-05") + examined("after", "A1", "2024-03-08")).encode(),
    )
    assert (result.status, result.not_billable, result.quantity) == ("imported", 2, 0)
    assert [(finding.code, finding.params) for finding in result.findings] == [("late_earlier", {"count": 1})]
    assert sum(counts(agreement_id).values()) == 1
    far = record_usage(agreement_id, (WITH_HASH + examined("far", "A1", "2024-03-11")).encode())
    assert far.quantity == 1


def test_a_new_rule_judges_what_comes_and_leaves_what_is_recorded(app: Flask) -> None:
    agreement_id = record_agreement()
    record_usage(
        agreement_id, (WITH_HASH + examined("a", "A1", "2024-03-05") + examined("b", "A1", "2024-03-05")).encode()
    )
    agree(agreement_id, 3)
    agree(agreement_id, 5)
    with db.read() as session:
        assert metering.rule_of(session, agreement_id) == 5
    result = record_usage(agreement_id, (WITH_HASH + examined("c", "A1", "2024-03-10")).encode())
    assert (result.quantity, counts(agreement_id)[("vestre-viken", date(2024, 3, 5))]) == (0, 2)


def many(count: int, seed: int = 1) -> list[str]:
    generator = random.Random(seed)
    return [
        event(
            f"ev-{number:08}",
            (datetime(2024, 2, 1, tzinfo=UTC) + timedelta(seconds=generator.randrange(5_000_000))).strftime(
                "%Y-%m-%dT%H:%M:%SZ"
            ),
            generator.choice(["completed", "completed", "completed", "failed"]),
            generator.choice([CELL, "sykehuset-ostfold,xray-skeletal"]),
        )
        for number in range(count)
    ]


def test_more_events_than_memory_is_given_are_staged_in_a_file_and_come_out_the_same(
    database: Flask, tmp_path: Path
) -> None:
    agreement_id = record_agreement()
    rows = many(25_000)
    path = tmp_path / "events.csv"
    path.write_text(HEADER + "".join(rows))
    result = record_usage(agreement_id, path)  # type: ignore[arg-type]
    completed = sum(",completed" in row for row in rows)
    assert (result.status, result.accepted, result.quantity) == ("imported", 25_000, completed)
    assert sum(counts(agreement_id).values()) == completed
    overlapping = rows[20_000:] + many(26_000)[25_000:]
    random.Random(2).shuffle(overlapping)
    again = record_usage(agreement_id, (HEADER + "".join(overlapping * 5)).encode())
    assert (again.accepted, again.duplicates) == (1_000, 29_000)
    differing = (
        rows[24_999].replace("completed", "failed")
        if "completed" in rows[24_999]
        else rows[24_999].replace("failed", "completed")
    )
    refused = record_usage(agreement_id, (HEADER + "".join(rows[:24_999]) + differing).encode())
    assert [(error.row, error.code) for error in refused.errors] == [(25_001, "event_differs")]
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(UsageEvent)) == 26_000
        assert session.scalar(select(func.sum(UsageEntry.quantity))) == completed + again.quantity


def test_a_dry_run_of_events_checks_on_the_same_path_and_keeps_nothing(database: Flask) -> None:
    agreement_id = record_agreement()
    content = (HEADER + event("a") + event("b", status="failed")).encode()
    checked = record_usage(agreement_id, content, dry_run=True)
    assert (checked.id, checked.status, checked.accepted, checked.not_billable) == (None, "checked", 2, 1)
    assert (kept(), counts(agreement_id)) == ([], {})
    assert record_usage(agreement_id, content).status == "imported"
