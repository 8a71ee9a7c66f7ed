"""Corrections with a reason, an author and evidence; opening entries of an agreement taken over midway."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import DBAPIError

from billing.charges import charging
from billing.quarters import closing as quarters
from billing.quarters import corrections
from billing.quarters.corrections import Evidence, OpeningEntry, RecordedCorrection
from billing.usage import metering
from contracts import documents
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.terms.period import Period
from tests.recorded import COUNTED, record_agreement, record_usage

AT = COUNTED + timedelta(days=3)
ON = date(2024, 1, 20)
NOTE = Evidence("Vendor's log of 20 January", "log.csv", b"a,b\n1,2\n")
REQUESTER = Actor("person:amir@example.org", "Amir", (Grant("trust_requester", "sykehuset-ostfold"),))


def correct(agreement_id: int, change: int = -3, **options: Any) -> RecordedCorrection:
    given = {
        "trust": "sykehuset-ostfold",
        "algorithm": "xray-skeletal",
        "on": ON,
        "reason_code": "counted_twice",
        "reason": "One series was sent twice.",
        "actor": COMMAND_LINE,
        "now": AT,
        "evidence": NOTE,
    } | options
    with db.write() as session:
        return corrections.record_correction(session, agreement_id=agreement_id, change=change, **given)


def total(agreement_id: int, quarter: str = "2024-Q1") -> Decimal:
    with db.read() as session:
        return charging.expected_charges(
            session, agreement_id=agreement_id, period=Period.parse(quarter), actor=COMMAND_LINE
        ).total


@pytest.fixture
def agreement_id(database: Flask) -> int:
    id_ = record_agreement()
    record_usage(id_)
    return id_


def test_a_correction_keeps_before_after_effect_reason_author_and_evidence(agreement_id: int) -> None:
    before = total(agreement_id)
    made = correct(agreement_id)
    assert (made.before, made.change, made.after) == (201, -3, 198)
    assert made.effect == total(agreement_id) - before < 0
    assert (made.reason_code, made.reason, made.author) == (
        "counted_twice",
        "One series was sent twice.",
        "command-line",
    )
    assert made.evidence is not None
    with db.read() as session:
        version, content = documents.version_bytes(session, made.evidence.id, 1, actor=COMMAND_LINE)
    assert (version.filename, content) == ("log.csv", NOTE.content)
    assert made.after_close is None


def test_corrections_add_up_and_are_listed_newest_first(agreement_id: int) -> None:
    first, second = correct(agreement_id, -3), correct(agreement_id, 5, now=AT + timedelta(hours=1))
    assert (second.before, second.after) == (198, 203)
    with db.read() as session:
        listed = corrections.list_corrections(session, agreement_id=agreement_id, actor=COMMAND_LINE)
        then = corrections.list_corrections(session, agreement_id=agreement_id, actor=COMMAND_LINE, known_at=AT)
        none = corrections.list_corrections(
            session, agreement_id=agreement_id, actor=COMMAND_LINE, period=Period.parse("2024-02")
        )
        (day,) = metering.daily_usage(session, agreement_id=agreement_id, period=Period(ON, ON + timedelta(days=1)))
    assert [each.id for each in listed] == [second.id, first.id]
    assert [each.id for each in then] == [first.id]
    assert none == []
    assert day.quantity == 203


def test_a_correction_after_the_close_names_the_run_that_did_not_know_it(agreement_id: int) -> None:
    earlier = correct(agreement_id)
    with db.write() as session:
        quarters.close(
            session,
            agreement_id=agreement_id,
            quarter="2024-Q1",
            actor=COMMAND_LINE,
            now=AT + timedelta(days=1),
            today=date(2024, 4, 20),
            accept_missing=True,
        )
    later = correct(agreement_id, 1, now=AT + timedelta(days=2))
    with db.read() as session:
        listed = corrections.list_corrections(session, agreement_id=agreement_id, actor=COMMAND_LINE)
    assert {each.id: each.after_close for each in listed} == {earlier.id: None, later.id: 1}


@pytest.mark.parametrize(
    ("options", "pointer", "code"),
    [
        pytest.param({"change": 0}, "#/change", "no_change", id="no change"),
        pytest.param({"change": -202}, "#/change", "below_zero", id="below zero"),
        pytest.param({"change": 10**9}, "#/change", "out_of_range", id="too much"),
        pytest.param({"reason": " "}, "#/reason", "missing", id="no reason"),
        pytest.param({"reason": "x" * 201}, "#/reason", "too_long", id="a reason too long"),
        pytest.param({"reason_code": "because"}, "#/reason_code", "unknown_reason", id="an unknown reason code"),
        pytest.param({"on": date(2023, 8, 1), "change": 3}, "#/on", "not_active", id="a day before go-live"),
        pytest.param(
            {"evidence": Evidence("Log", "log.exe", b"MZ")}, "#/file", "unknown_kind", id="evidence that is not kept"
        ),
    ],
)
def test_what_cannot_be_is_refused_whole(app: Flask, options: dict[str, Any], pointer: str, code: str) -> None:
    id_ = record_agreement()
    record_usage(id_)
    with pytest.raises(InvalidInput) as refused:
        correct(id_, **options)
    assert [(error.pointer, error.code) for error in refused.value.errors] == [(pointer, code)]
    with db.read() as session:
        assert corrections.list_corrections(session, agreement_id=id_, actor=COMMAND_LINE) == []
        assert sum(each.quantity for each in metering.daily_usage(session, agreement_id=id_)) == 301


def test_a_requester_corrects_and_sees_the_own_trust_only(app: Flask) -> None:
    id_ = record_agreement()
    record_usage(id_)
    own = correct(id_, actor=REQUESTER)
    with pytest.raises(Denied):
        correct(id_, actor=REQUESTER, trust="vestre-viken", on=date(2024, 1, 10))
    other = correct(id_, trust="vestre-viken", on=date(2024, 1, 10))
    with db.read() as session:
        listed = corrections.list_corrections(session, agreement_id=id_, actor=REQUESTER)
        assert [each.id for each in listed] == [own.id]
        for refused in (
            lambda: corrections.find_correction(session, agreement_id=id_, correction_id=other.id, actor=REQUESTER),
            lambda: corrections.list_corrections(session, agreement_id=id_, actor=REQUESTER, trust="vestre-viken"),
        ):
            with pytest.raises(NotFound):
                refused()
    assert other.evidence is not None
    with pytest.raises(NotFound):
        correct(id_, actor=REQUESTER, evidence=None, evidence_id=other.evidence.id)
    assert correct(id_, actor=REQUESTER, evidence=None, evidence_id=own.evidence.id if own.evidence else 0).evidence


def test_corrections_are_never_changed(agreement_id: int) -> None:
    correct(agreement_id)
    with pytest.raises(DBAPIError, match="append-only"), db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE usage_corrections SET change = 0")


# --- Taken over midway ----------------------------------------------------------------------------------------------

TAKEN_OVER_ON = date(2024, 4, 1)
STATEMENT = Evidence("Statement of the former buyer", "statement.pdf", b"%PDF-1.7")
OPENING = [
    OpeningEntry("vestre-viken", "xray-skeletal", date(2024, 3, 31), 120),
    OpeningEntry("sykehuset-ostfold", "xray-skeletal", date(2024, 3, 31), 60),
]
TOOK_OVER_AT = datetime(2024, 4, 2, 9, tzinfo=UTC)


def open_counters(agreement_id: int, entries: list[OpeningEntry] = OPENING, **options: Any) -> list[RecordedCorrection]:
    given = {"taken_over_on": TAKEN_OVER_ON, "evidence": STATEMENT, "actor": COMMAND_LINE, "now": TOOK_OVER_AT}
    with db.write() as session:
        return corrections.record_opening(session, agreement_id=agreement_id, entries=entries, **(given | options))


def test_opening_entries_set_the_counter_where_it_stood(database: Flask) -> None:
    id_ = record_agreement()
    made = open_counters(id_)
    assert [(each.kind, each.reason_code, each.before, each.after) for each in made] == [
        ("opening", "opening", 0, 120),
        ("opening", "opening", 0, 60),
    ]
    assert made[0].evidence == made[1].evidence
    record_usage(
        id_,
        b"trust,algorithm,date,quantity\nvestre-viken,xray-skeletal,2024-05-02,100\n",
        now=datetime(2024, 5, 3, 9, tzinfo=UTC),
    )
    # Unit 181 to 200 stand in the first tier, the other 80 in the second; without the opening all would cost 60.
    assert total(id_, "2024-Q2") == 20 * Decimal(60) + 80 * Decimal(45)


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        pytest.param(OpeningEntry("vestre-viken", "xray-skeletal", TAKEN_OVER_ON, 5), "not_before", id="not before"),
        pytest.param(OpeningEntry("vestre-viken", "xray-skeletal", date(2024, 3, 1), 0), "out_of_range", id="nothing"),
        pytest.param(OpeningEntry("vestre-viken", "xray-skeletal", date(2024, 3, 1), -5), "out_of_range", id="less"),
    ],
)
def test_an_opening_entry_that_cannot_be_refuses_all_of_them(app: Flask, entry: OpeningEntry, code: str) -> None:
    id_ = record_agreement()
    with pytest.raises(InvalidInput) as refused:
        open_counters(id_, [*OPENING, entry])
    assert [(error.pointer, error.code) for error in refused.value.errors] == [("#/entries/2", code)]
    with db.read() as session:
        assert metering.daily_usage(session, agreement_id=id_) == []


def test_an_opening_entry_never_doubles_a_count(app: Flask) -> None:
    id_ = record_agreement()
    record_usage(id_)
    with pytest.raises(Conflict, match="has usage already"):
        open_counters(id_, [OpeningEntry("vestre-viken", "xray-skeletal", date(2024, 1, 10), 5)])
    open_counters(id_)
    with pytest.raises(Conflict):
        open_counters(id_)


def test_opening_entries_are_for_those_who_correct_the_trusts_in_them(app: Flask) -> None:
    id_ = record_agreement()
    with pytest.raises(Denied):
        open_counters(id_, actor=REQUESTER)


def test_the_command_records_a_file_of_opening_entries_or_says_which_lines_are_wrong(
    app: Flask, tmp_path: Path
) -> None:
    id_ = record_agreement()
    file, proof = tmp_path / "opening.csv", tmp_path / "statement.pdf"
    proof.write_bytes(b"%PDF-1.7")
    arguments = ["usage", "opening", str(file), "--taken-over", "2024-04-01", "--evidence", str(proof)]
    file.write_text("trust,algorithm,date,quantity\nvestre-viken,xray-skeletal,2024-13-31,120\nvestre-viken,xray,x\n")
    refused = app.test_cli_runner().invoke(args=arguments)
    assert refused.exit_code == 3
    assert "#/line/2: " in refused.stderr
    assert "#/line/3: " in refused.stderr
    file.write_text(
        "trust,algorithm,date,quantity\n"
        "vestre-viken,xray-skeletal,2024-03-31,120\nsykehuset-ostfold,xray-skeletal,2024-03-31,60\n"
    )
    done = app.test_cli_runner().invoke(args=arguments)
    assert (done.exit_code, done.stdout) == (0, "2 opening entries, 180 examinations\n")
    with db.read() as session:
        made = corrections.list_corrections(session, agreement_id=id_, actor=COMMAND_LINE)
    assert sum((each.effect for each in made), Decimal(0)) == total(id_)
