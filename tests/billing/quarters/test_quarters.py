"""Quarters that close: the same bytes for everybody, what came later apart from them, and one run however many close."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from billing.charges import charging
from billing.models import QuarterClosing
from billing.quarters import closing as quarters
from billing.quarters import corrections
from billing.quarters import runs as closings
from billing.quarters.closing import Closed, QuarterReport
from billing.quarters.frozen import FrozenQuarter
from billing.quarters.later import later_than
from billing.schemas.price import load_price_request
from billing.usage import metering
from contracts import price_books
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.models import AuditEvent
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.terms.period import Period
from contracts.terms.price_book import IndexAdjustment, Usage
from tests import examples
from tests.recorded import COUNTED, record_agreement, record_usage

ROOT = Path(__file__).resolve().parents[3]
QUARTER = "2024-Q1"
CLOSED_AT = COUNTED + timedelta(days=10)
AFTER = CLOSED_AT + timedelta(days=5)
TODAY = date(2024, 4, 13)
CONTROLLER = Actor("person:kari@example.org", "Kari", (Grant("finance_controller"),))
READER = Actor("person:l", "L", (Grant("trust_reader", "vestre-viken"),))
# The same on every machine and database: who changes the frozen form writes a new ``format``.
SHA256 = "75fac2c5871f08b3fb8d842833450c69201e30062638bbf203e99635225c4ef9"
LATE = b"trust,algorithm,date,quantity\nvestre-viken,xray-skeletal,2024-03-12,50\n"


def close(agreement_id: int, quarter: str = QUARTER, **options: Any) -> Closed:
    given_ = {"actor": CONTROLLER, "now": CLOSED_AT, "today": TODAY, "accept_missing": True} | options
    with db.write() as session:
        return quarters.close(session, agreement_id=agreement_id, quarter=quarter, **given_)


def reopen(agreement_id: int, reason: str = "A file came late.", **options: Any) -> quarters.QuarterState:
    given_ = {"actor": CONTROLLER, "now": AFTER, "today": TODAY} | options
    with db.write() as session:
        return quarters.reopen(session, agreement_id=agreement_id, quarter=QUARTER, reason=reason, **given_)


def report(agreement_id: int, **options: Any) -> QuarterReport:
    given_ = {"quarter": QUARTER, "actor": COMMAND_LINE, "today": TODAY} | options
    with db.read() as session:
        return quarters.quarter_report(session, agreement_id=agreement_id, **given_)


def frozen_bytes(agreement_id: int, run: int = 1) -> bytes:
    with db.read() as session:
        return quarters.run_bytes(session, agreement_id=agreement_id, quarter=QUARTER, run=run, actor=COMMAND_LINE)[1]


def correct(agreement_id: int, change: int, on: date = date(2024, 1, 20), now: datetime = AFTER) -> None:
    with db.write() as session:
        corrections.record_correction(
            session,
            agreement_id=agreement_id,
            trust="sykehuset-ostfold",
            algorithm="xray-skeletal",
            on=on,
            change=change,
            reason_code="counted_twice",
            reason="One series was sent twice.",
            actor=CONTROLLER,
            now=now,
        )


@pytest.fixture
def agreement_id(database: Flask) -> int:
    id_ = record_agreement()
    record_usage(id_)
    return id_


# --- Closing --------------------------------------------------------------------------------------------------------


def test_closing_freezes_the_charges_with_cut_off_price_version_and_hash(agreement_id: int) -> None:
    closed = close(agreement_id)
    assert (closed.status, closed.run.number, closed.run.total) == ("closed", 1, Decimal("13800.00"))
    assert closed.run.known_at == CLOSED_AT
    assert [(each.valid_from, each.clause) for each in closed.frozen.versions] == [(date(2024, 1, 1), "Bilag 7")]
    with db.read() as session:
        expected = charging.expected_charges(
            session,
            agreement_id=agreement_id,
            period=Period.parse(QUARTER),
            actor=COMMAND_LINE,
            known_at=closed.run.known_at,
        )
    assert closed.frozen.lines == expected.lines
    document = json.loads(frozen_bytes(agreement_id))
    assert (document["total"], len(document["lines"])) == ("13800.00", 4)
    assert document["price_versions"][0]["sha256"] == closed.frozen.versions[0].sha256


def test_closing_twice_changes_nothing_and_gives_the_same_bytes(agreement_id: int) -> None:
    first, before = close(agreement_id), frozen_bytes(agreement_id)
    second = close(agreement_id, now=AFTER, actor=COMMAND_LINE)
    assert (second.status, second.run, second.frozen) == ("already_closed", first.run, first.frozen)
    assert frozen_bytes(agreement_id) == before
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(QuarterClosing)) == 1


def test_the_frozen_document_can_be_rated_again_from_itself_alone(agreement_id: int) -> None:
    close(agreement_id)
    content = frozen_bytes(agreement_id)
    frozen = FrozenQuarter.from_bytes(content)
    assert frozen.rate_again().lines == frozen.lines
    assert frozen.to_bytes() == content


def test_the_same_knowledge_has_the_same_hash_in_another_run(agreement_id: int) -> None:
    first = close(agreement_id)
    reopen(agreement_id)
    second = close(agreement_id, now=AFTER)
    assert (second.run.number, second.run.sha256) == (2, first.run.sha256)


def test_a_closed_quarter_and_its_runs_are_never_changed(agreement_id: int) -> None:
    close(agreement_id)
    reopen(agreement_id)
    for table in ("quarter_closings", "quarter_reopenings"):
        with pytest.raises(DBAPIError, match="append-only"), db.engine.begin() as connection:
            connection.exec_driver_sql(f"DELETE FROM {table}")


@pytest.mark.parametrize(
    ("today", "closes"),
    [
        pytest.param(date(2024, 3, 31), False, id="on its last day"),
        pytest.param(date(2024, 4, 1), True, id="the day after"),
    ],
)
def test_a_quarter_closes_only_when_it_has_ended(agreement_id: int, today: date, closes: bool) -> None:
    if closes:
        assert close(agreement_id, today=today).status == "closed"
        return
    with pytest.raises(Conflict, match="its last day is 2024-03-31") as refused:
        close(agreement_id, today=today)
    assert refused.value.code == "not_over"


def test_missing_counts_must_be_acknowledged_and_are_listed(agreement_id: int) -> None:
    with pytest.raises(
        Conflict, match="4 counts are missing in 2024-Q1: vestre-viken, xray-skeletal, 2024-02"
    ) as refused:
        close(agreement_id, accept_missing=False)
    assert refused.value.code == "coverage_missing"
    closed = close(agreement_id)
    assert [(cell.trust, cell.month.label()) for cell in closed.missing] == [
        ("vestre-viken", "2024-02"),
        ("vestre-viken", "2024-03"),
        ("sykehuset-ostfold", "2024-02"),
        ("sykehuset-ostfold", "2024-03"),
    ]
    assert closed.run.missing == 4


@pytest.mark.parametrize("quarter", ["2024-01", "2024", "2024-Q5", "Q1", ""])
def test_what_is_no_quarter_is_refused(app: Flask, quarter: str) -> None:
    with pytest.raises(InvalidInput):
        close(record_agreement(), quarter)


def test_a_quarter_outside_the_agreement_is_refused(app: Flask) -> None:
    id_ = record_agreement()
    with pytest.raises(InvalidInput, match="outside the agreement"):
        close(id_, "2023-Q4")
    with pytest.raises(NotFound):
        report(id_, quarter="2023-Q4")


@pytest.mark.parametrize(
    "grant",
    [
        Grant("contract_manager"),
        Grant("approver"),
        Grant("auditor"),
        Grant("trust_requester", "vestre-viken"),
        Grant("finance_controller", "vestre-viken"),
        Grant("service"),
        Grant("admin"),
    ],
    ids=lambda grant: f"{grant.role}@{grant.trust or 'all'}",
)
def test_only_a_finance_controller_of_all_trusts_closes_and_reopens(app: Flask, grant: Grant) -> None:
    id_ = record_agreement()
    actor = Actor("person:x", "X", (grant,))
    with pytest.raises(Denied):
        close(id_, actor=actor)
    with pytest.raises(Denied):
        reopen(id_, actor=actor)


def test_closing_and_reopening_are_told_in_the_log(agreement_id: int) -> None:
    closed = close(agreement_id)
    reopen(agreement_id, "A file came late.")
    with db.read() as session:
        events = {
            event.action: event
            for event in session.scalars(select(AuditEvent).where(AuditEvent.action.like("quarter.%")))
        }
    assert events["quarter.close"].subject == "quarter:ra-test/2024-Q1"
    assert events["quarter.close"].data["sha256"] == closed.run.sha256
    assert events["quarter.close"].recorded_by == CONTROLLER.id
    assert events["quarter.reopen"].data == {"run": 1, "reason": "A file came late."}


# --- Reopening ------------------------------------------------------------------------------------------------------


def test_reopening_makes_a_new_run_and_keeps_the_old_one(agreement_id: int) -> None:
    close(agreement_id)
    before = frozen_bytes(agreement_id, 1)
    record_usage(agreement_id, LATE, now=AFTER)
    assert reopen(agreement_id, "A file came late.").state == "reopened"
    second = close(agreement_id, now=AFTER + timedelta(hours=1))
    assert (second.status, second.run.number) == ("closed", 2)
    assert second.run.total > Decimal("13800.00")
    assert frozen_bytes(agreement_id, 1) == before
    assert FrozenQuarter.from_bytes(frozen_bytes(agreement_id, 2)).total == second.run.total
    assert [
        (run.number, run.reopening.reason if run.reopening else None) for run in report(agreement_id).state.runs
    ] == [
        (1, "A file came late."),
        (2, None),
    ]
    assert report(agreement_id, run=1).total == Decimal("13800.00")
    assert report(agreement_id, run=1).later is None


def test_reopening_needs_a_reason_and_a_closed_quarter(agreement_id: int) -> None:
    with pytest.raises(Conflict) as refused:
        reopen(agreement_id)
    assert refused.value.code == "not_closed"
    close(agreement_id)
    for reason in ("", "  ", "x" * 201):
        with pytest.raises(InvalidInput):
            reopen(agreement_id, reason)
    reopen(agreement_id)
    with pytest.raises(Conflict):
        reopen(agreement_id)


def test_the_course_is_asked_again_as_it_was_known(agreement_id: int) -> None:
    close(agreement_id)
    reopen(agreement_id)
    states = [
        report(agreement_id, known_at=moment).state.state
        for moment in (CLOSED_AT - timedelta(seconds=1), CLOSED_AT, AFTER - timedelta(seconds=1), AFTER)
    ]
    assert states == ["open", "closed", "closed", "reopened"]


# --- What comes later -----------------------------------------------------------------------------------------------


def test_nothing_later_is_a_difference_of_nothing(agreement_id: int) -> None:
    close(agreement_id)
    later = report(agreement_id).later
    assert later is not None
    assert (later.anything, later.amount, later.sums) == (False, Decimal("0.00"), ())


def test_late_usage_is_shown_with_its_effect_and_never_in_the_frozen_lines(agreement_id: int) -> None:
    closed = close(agreement_id)
    record_usage(agreement_id, LATE, now=AFTER)
    shown = report(agreement_id)
    assert shown.lines == closed.frozen.lines
    assert shown.total == Decimal("13800.00")
    later = shown.later
    assert later is not None
    # 50 more units at 45.00, half off in the first three months.
    assert later.of("late_usage") == later.amount == Decimal("1125.00")
    assert [(each.cause, each.trust, each.month.label(), each.quantity) for each in later.usage] == [
        ("late_usage", "vestre-viken", "2024-03", 50)
    ]
    assert [(each.cause, each.trust, each.amount) for each in later.sums] == [
        ("late_usage", "vestre-viken", Decimal("1125.00"))
    ]


def test_late_usage_and_corrections_are_classes_of_their_own(agreement_id: int) -> None:
    close(agreement_id)
    record_usage(agreement_id, LATE, now=AFTER)
    correct(agreement_id, -1)
    later = report(agreement_id).later
    assert later is not None
    assert later.of("late_usage") == Decimal("1125.00")
    assert later.of("correction") < 0
    assert later.of("late_usage") + later.of("correction") == later.amount
    assert [(each.cause, each.quantity) for each in later.usage] == [("late_usage", 50), ("correction", -1)]


def test_a_correction_before_the_close_is_not_later(agreement_id: int) -> None:
    correct(agreement_id, -1, now=CLOSED_AT - timedelta(days=1))
    close(agreement_id)
    later = report(agreement_id).later
    assert later is not None
    assert not later.anything


def test_a_price_recorded_after_the_close_is_shown_as_such(agreement_id: int) -> None:
    close(agreement_id)
    with db.write() as session:
        price_books.record_adjustment(
            session,
            agreement_id,
            IndexAdjustment(date(2024, 2, 1), Decimal("1.10"), "7.3"),
            recorded_at=AFTER,
            recorded_by="test",
        )
    record_usage(agreement_id, LATE, now=AFTER)
    later = report(agreement_id).later
    assert later is not None
    assert later.of("late_usage") == Decimal("1125.00")
    assert later.of("price") == Decimal("112.50")
    assert later.amount == Decimal("1237.50")


def test_late_usage_of_an_earlier_quarter_moves_a_pooled_counter_and_is_told(agreement_id: int) -> None:
    second = b"trust,algorithm,date,quantity\nsykehuset-ostfold,xray-skeletal,2024-05-14,10\n"
    record_usage(agreement_id, second, now=CLOSED_AT)
    early = b"trust,algorithm,date,quantity\nsykehuset-ostfold,xray-skeletal,2024-01-22,7\n"
    close(agreement_id, "2024-Q2", now=AFTER + timedelta(days=90), today=date(2024, 7, 12))
    record_usage(agreement_id, early, now=AFTER + timedelta(days=95))
    later = report(agreement_id, quarter="2024-Q2").later
    assert later is not None
    assert [(each.cause, each.month.label(), each.quantity) for each in later.usage] == [("late_usage", "2024-01", 7)]
    assert later.amount == Decimal("0.00")  # all units of the second quarter are in the open tier either way


def test_later_is_asked_again_as_it_was_known(agreement_id: int) -> None:
    close(agreement_id)
    record_usage(agreement_id, LATE, now=AFTER)
    then = report(agreement_id, known_at=AFTER - timedelta(hours=1)).later
    now = report(agreement_id, known_at=AFTER).later
    assert then is not None
    assert now is not None
    assert (then.amount, now.amount) == (Decimal("0.00"), Decimal("1125.00"))


def test_a_file_stamped_before_the_close_but_taken_in_after_it_is_late_all_the_same(agreement_id: int) -> None:
    close(agreement_id)
    record_usage(agreement_id, LATE, now=CLOSED_AT - timedelta(minutes=1))
    later = report(agreement_id).later
    assert later is not None
    assert later.of("late_usage") == Decimal("1125.00")


def test_a_reader_within_one_trust_sees_that_trusts_lines_and_effects_only(agreement_id: int) -> None:
    close(agreement_id)
    record_usage(agreement_id, LATE, now=AFTER)
    correct(agreement_id, -1)
    own = report(agreement_id, actor=READER)
    assert {line.trust for line in own.lines} == {"vestre-viken"}
    assert own.total == Decimal("2745.00")
    assert own.later is not None
    assert {each.trust for each in own.later.usage} == {"vestre-viken"}
    assert {each.line.trust for each in own.later.effects} == {"vestre-viken"}
    with pytest.raises(NotFound), db.read() as session:
        quarters.run_bytes(session, agreement_id=agreement_id, quarter=QUARTER, run=1, actor=READER)
    with pytest.raises(NotFound):
        report(agreement_id, actor=READER, trust="akershus")


def request(usage: dict[tuple[str, date], int]) -> Any:
    document = {
        "agreement": examples.agreement()["agreement"],
        "period": {"from": "2024-01-01", "to": "2024-04-01"},
        "price_book": examples.price_book(),
        "activations": examples.agreement()["activations"],
        "usage": [],
    }
    counted = tuple(Usage(trust, "xray-skeletal", on, quantity) for (trust, on), quantity in usage.items() if quantity)
    return replace(load_price_request(document), usage=counted)


PLACES = st.tuples(
    st.sampled_from(["vestre-viken", "sykehuset-ostfold"]), st.dates(date(2024, 1, 1), date(2024, 3, 31))
)


@settings(max_examples=60, deadline=None)
@given(
    before=st.dictionaries(PLACES, st.integers(0, 150), max_size=8),
    late=st.dictionaries(PLACES, st.integers(-150, 150), max_size=6),
    corrected=st.dictionaries(PLACES, st.integers(-150, 150), max_size=6),
)
def test_effects_always_sum_to_the_difference_line_by_line(
    before: dict[tuple[str, date], int], late: dict[tuple[str, date], int], corrected: dict[tuple[str, date], int]
) -> None:
    after = {
        place: max(0, before.get(place, 0) + late.get(place, 0) + corrected.get(place, 0))
        for place in (*before, *late, *corrected)
    }
    frozen, now = (
        FrozenQuarter.freeze("x", QUARTER, request(before)),
        FrozenQuarter.freeze("x", QUARTER, request(after)),
    )
    changes = {(trust, "xray-skeletal", on): change for (trust, on), change in corrected.items()}
    later = later_than(frozen, now.request, now.request.usage, changes)
    old, new = {line.id: line.net_ore for line in frozen.lines}, {line.id: line.net_ore for line in now.lines}
    moved: dict[str, int] = {}
    for effect in later.effects:
        moved[effect.line.id] = moved.get(effect.line.id, 0) + effect.after_ore - effect.before_ore
    assert {id_: ore for id_, ore in moved.items() if ore} == {
        id_: new.get(id_, 0) - old.get(id_, 0) for id_ in old.keys() | new.keys() if new.get(id_, 0) != old.get(id_, 0)
    }
    assert later.amount == now.total - frozen.total == sum((each.amount for each in later.effects), Decimal(0))
    assert FrozenQuarter.from_bytes(frozen.to_bytes()) == frozen


# --- Races and other machines ---------------------------------------------------------------------------------------


def test_two_threads_that_close_one_quarter_make_one_run(database: Flask) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    start, done = threading.Barrier(4), []

    def closer() -> None:
        with database.app_context():
            start.wait()
            done.append(close(agreement_id))

    threads = [threading.Thread(target=closer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.status for each in done) == ["already_closed"] * 3 + ["closed"]
    assert len({(each.run.number, each.run.sha256) for each in done}) == 1


def test_two_processes_that_close_one_quarter_make_one_run(database: Flask, tmp_path: Path) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    command = [sys.executable, "-m", "flask", "--app", "app", "quarter", "close", QUARTER, "--accept-missing", "--json"]
    environment = os.environ | {
        "DATABASE_URL": database.config["DATABASE_URL"],
        "TRINNVIS_INSTANCE": str(tmp_path),
    }
    started = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    answers = []
    for process in started:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        answers.append(json.loads(out))
    assert sorted(each["status"] for each in answers) == ["already_closed", "closed"]
    same = [{key: value for key, value in each.items() if key not in ("status", "warnings")} for each in answers]
    assert same[0] == same[1]


FREEZE = """
import sys, json
from datetime import date
from dataclasses import replace
from billing.quarters.frozen import FrozenQuarter
from billing.schemas.price import load_price_request
request = load_price_request(json.load(sys.stdin))
sys.stdout.buffer.write(FrozenQuarter.freeze("ra-test", "2024-Q1", request).to_bytes())
"""


def test_the_bytes_are_the_same_under_another_hash_seed_time_zone_and_locale(app: Flask) -> None:
    document = {
        "agreement": examples.agreement()["agreement"],
        "period": {"from": "2024-01-01", "to": "2024-04-01"},
        "price_book": examples.price_book(),
        "activations": examples.agreement()["activations"],
        "usage": [
            {"trust": "sykehuset-ostfold", "algorithm": "xray-skeletal", "on": "2024-01-20", "quantity": 201},
            {"trust": "vestre-viken", "algorithm": "xray-skeletal", "on": "2024-01-10", "quantity": 100},
        ],
    }

    def bytes_under(seed: str, zone: str, locale: str) -> bytes:
        return subprocess.run(
            [sys.executable, "-c", FREEZE],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale, "LANG": locale},
            input=json.dumps(document).encode(),
            capture_output=True,
            check=True,
        ).stdout

    first = bytes_under("0", "Europe/Oslo", "C.UTF-8")
    assert bytes_under("4711", "Pacific/Auckland", "C") == first
    id_ = record_agreement()
    record_usage(id_)
    close(id_)
    assert frozen_bytes(id_) == first


def test_both_databases_give_these_very_bytes(agreement_id: int) -> None:
    closed = close(agreement_id)
    assert closed.run.sha256 == SHA256


def test_the_order_in_which_usage_came_leaves_no_trace(database: Flask) -> None:
    first = record_agreement()
    lines = examples.USAGE_CSV.splitlines(keepends=True)
    record_usage(first, lines[0] + lines[2], now=COUNTED)
    record_usage(first, lines[0] + lines[1], now=COUNTED + timedelta(hours=1))
    assert close(first).run.sha256 == SHA256


# --- Commands -------------------------------------------------------------------------------------------------------


def command(app: Flask, *arguments: str, exit_code: int = 0) -> Any:
    result = app.test_cli_runner().invoke(args=list(arguments))
    assert result.exit_code == exit_code, result.output
    return result


def test_the_commands_close_show_reopen_and_list(app: Flask, tmp_path: Path) -> None:
    id_ = record_agreement()
    record_usage(id_)
    refused = command(app, "quarter", "close", QUARTER, exit_code=5)
    assert "accept_missing" in refused.stderr
    closed = json.loads(command(app, "quarter", "close", QUARTER, "--accept-missing", "--json").stdout)
    assert (closed["status"], closed["run"], closed["total"]) == ("closed", 1, "13800.00")
    assert len(closed["warnings"]) == 4
    again = json.loads(command(app, "quarter", "close", QUARTER, "--json").stdout)
    assert (again["status"], again["sha256"], again["lines"]) == ("already_closed", closed["sha256"], closed["lines"])
    live = command(app, "charges", QUARTER, "--json")
    assert f"{QUARTER} is closed (run 1 at 13800.00)" in live.stderr
    assert "what is known now" in live.stderr
    assert json.loads(live.stdout)["total"] == "13800.00"
    out = tmp_path / "run.json"
    command(app, "quarter", "show", QUARTER, "--out", str(out))
    assert out.read_bytes() == frozen_bytes(id_)
    opened = json.loads(command(app, "quarter", "reopen", QUARTER, "--reason", "Late.", "--json").stdout)
    assert (opened["state"], opened["runs"][0]["reopened"]["reason"]) == ("reopened", "Late.")
    items = json.loads(command(app, "quarter", "list", "--json").stdout)["items"]
    assert items[-1]["quarter"] == QUARTER
    command(app, "quarter", "reopen", QUARTER, "--reason", "Late.", exit_code=5)
    command(app, "quarter", "close", "2024-13", exit_code=3)
    command(app, "quarter", "close", "2027-Q4", exit_code=5)


def test_explain_says_why_a_line_is_what_it_is(app: Flask) -> None:
    id_ = record_agreement()
    record_usage(id_)
    lines = json.loads(command(app, "charges", QUARTER, "--json").stdout)["lines"]
    told = json.loads(command(app, "explain", lines[0]["id"], "--json").stdout)
    assert told["line"] == lines[0]
    text = command(app, "explain", lines[0]["id"], "--quarter", QUARTER).stdout
    assert "clause 7.1" in text
    assert lines[0]["net"] in text
    command(app, "explain", "0" * 16, exit_code=1)


def test_standing_runs_are_those_that_nobody_took_out_of_force(agreement_id: int) -> None:
    close(agreement_id)
    with db.read() as session:
        assert set(closings.standing(session, agreement_id)) == {QUARTER}
    reopen(agreement_id)
    with db.read() as session:
        assert closings.standing(session, agreement_id) == {}
        assert set(closings.standing(session, agreement_id, AFTER - timedelta(hours=1))) == {QUARTER}


def test_the_cut_off_is_never_before_a_fact_that_is_in_the_run(agreement_id: int) -> None:
    ahead = datetime(2024, 6, 1, tzinfo=UTC)
    record_usage(agreement_id, LATE, now=ahead)
    closed = close(agreement_id)
    assert closed.run.known_at == ahead
    assert closed.run.closed_at == CLOSED_AT
    with db.read() as session:
        usage = metering.daily_usage(session, agreement_id=agreement_id, known_at=closed.run.known_at)
    assert sum(each.quantity for each in usage) == sum(each.quantity for each in closed.frozen.request.usage)
