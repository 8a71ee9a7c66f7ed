"""A request for index adjustment from its clause to the price book: deadlines, approvers, and what it keeps."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from contracts import clock, price_books
from contracts.errors import Conflict, Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.models import AuditEvent, IndexAdjustment
from contracts.people.access import Actor, Grant
from contracts.prices import index_clauses, indexation
from contracts.terms.indexation import IndexClause, IndexRequest
from tests import examples
from tests.contracts.prices.test_index_values import import_file
from tests.index_files import CSV, CSV_2025
from tests.recorded import record_agreement

MANAGER = Actor("person:jonas@example.org", "Jonas", (Grant("contract_manager"),))
APPROVER = Actor("person:solveig@example.org", "Solveig", (Grant("approver"),))
BOTH = Actor("person:both@example.org", "Both", (Grant("contract_manager"), Grant("approver")))
NOW = datetime(2024, 10, 24, 9, tzinfo=UTC)
IN_TIME = date(2024, 10, 24)
NEW_YEAR = date(2025, 1, 1)

CLAUSE = IndexClause(
    index_name="KPI",
    table="03013",
    series="TOTAL",
    reading="twelve_month",
    base_month=None,
    comparison_month=9,
    average_months=1,
    share=Decimal("0.85"),
    floor=None,
    cap=Decimal("0.05"),
    limits_on="price_change",
    symmetric=False,
    first_effective=NEW_YEAR,
    notice=2,
    notice_unit="months",
    clause="7.3",
)


def agreement_without_adjustments() -> int:
    document = examples.agreement()
    document["price_book"]["index_adjustments"] = []
    return record_agreement(document)


def with_clause(clause: IndexClause = CLAUSE, content: bytes = CSV) -> int:
    agreement_id = agreement_without_adjustments()
    import_file(content)
    agree(agreement_id, clause)
    return agreement_id


def agree(agreement_id: int, clause: IndexClause = CLAUSE, actor: Actor = MANAGER) -> indexation.AgreedClause:
    """Propose a clause and let another person approve it; what stands already is left alone."""
    with db.write() as session:
        proposed = index_clauses.propose(session, agreement_id=agreement_id, clause=clause, actor=actor, now=NOW)
        if proposed is not None:
            decide(session, agreement_id, proposed.id)
        standing = indexation.standing_clause(session, agreement_id)
    assert standing is not None
    return standing


def decide(session: Session, agreement_id: int, proposal_id: int, actor: Actor = APPROVER, **more: Any) -> Any:
    return index_clauses.decide(
        session,
        agreement_id=agreement_id,
        proposal_id=proposal_id,
        **{"decision": "approved", "actor": actor, "now": NOW, **more},
    )


def ask(
    agreement_id: int, effective_from: date = NEW_YEAR, today: date = IN_TIME, actor: Actor = MANAGER
) -> IndexRequest:
    with db.write() as session:
        return indexation.request_adjustment(
            session, agreement_id=agreement_id, effective_from=effective_from, actor=actor, now=NOW, today=today
        )


def approve(request_id: int, actor: Actor = APPROVER, today: date = IN_TIME, **options: Any) -> IndexRequest:
    with db.write() as session:
        return indexation.approve(session, request_id=request_id, actor=actor, now=NOW, today=today, **options)


def decline(request_id: int, reason: str = "Not agreed", actor: Actor = APPROVER) -> IndexRequest:
    with db.write() as session:
        return indexation.decline(session, request_id=request_id, reason=reason, actor=actor, now=NOW, today=IN_TIME)


def adjustments(agreement_id: int) -> list[tuple[str, str, str]]:
    with db.read() as session:
        book = price_books.price_book(session, agreement_id)
    return [(one.effective_from.isoformat(), f"{one.factor}", one.clause) for one in book.index_adjustments]


def test_a_clause_stands_until_another_is_agreed(database: Flask) -> None:
    agreement_id = agreement_without_adjustments()
    first = agree(agreement_id)
    assert agree(agreement_id).id == first.id
    second = agree(agreement_id, replace(CLAUSE, share=Decimal("0.65")))
    with db.read() as session:
        standing = indexation.standing_clause(session, agreement_id)
    assert standing is not None
    assert (standing.id, standing.terms.share) == (second.id, Decimal("0.65"))
    assert second.id != first.id


def test_a_clause_is_changed_by_two(database: Flask) -> None:
    agreement_id = agreement_without_adjustments()
    agree(agreement_id)
    other = replace(CLAUSE, share=Decimal("0.65"))
    with db.write() as session:
        proposed = index_clauses.propose(session, agreement_id=agreement_id, clause=other, actor=BOTH, now=NOW)
        assert proposed is not None
        assert indexation.standing_clause(session, agreement_id).terms == CLAUSE  # type: ignore[union-attr]
        with pytest.raises(Denied, match="another approver"):
            decide(session, agreement_id, proposed.id, BOTH)
        with pytest.raises(Denied):
            decide(session, agreement_id, proposed.id, MANAGER)
        with pytest.raises(InvalidInput):
            decide(session, agreement_id, proposed.id, decision="declined")
        newer = index_clauses.propose(session, agreement_id=agreement_id, clause=other, actor=MANAGER, now=NOW)
        assert newer is not None
        with pytest.raises(Conflict):
            decide(session, agreement_id, proposed.id)
        assert decide(session, agreement_id, newer.id).terms == other
        assert index_clauses.waiting(session, agreement_id) is None
        with pytest.raises(Conflict):
            decide(session, agreement_id, newer.id)


def test_a_clause_that_cannot_be_meant_is_not_recorded(app: Flask) -> None:
    agreement_id = agreement_without_adjustments()
    with pytest.raises(InvalidInput):
        agree(agreement_id, replace(CLAUSE, comparison_month=0))


def test_a_request_shows_its_values_the_exact_factor_and_the_rounded_one(database: Flask) -> None:
    request = ask(with_clause())
    assert [(one.side, f"{one.month:%Y-%m}", f"{one.value}") for one in request.used] == [
        ("base", "2023-09", "131.6"),
        ("current", "2024-09", "136.4"),
    ]
    assert (request.state, request.base_year, request.deadline_on) == ("requested", 2015, date(2024, 11, 1))
    assert (f"{request.exact_factor}", f"{request.factor}") == ("1.0310030395", "1.0310")
    assert (f"{request.index_change}", request.limited) == ("0.0364741641", None)


def test_a_later_revision_of_the_index_changes_no_request(database: Flask) -> None:
    agreement_id = with_clause()
    request = ask(agreement_id)
    import_file(CSV.replace(b"136.4", b"140.0"), "2026-10-13")
    with db.read() as session:
        again = indexation.find_request(session, request.id)
    assert again.used == request.used
    assert approve(request.id).factor == Decimal("1.0310")


def test_an_approval_puts_the_rounded_factor_in_the_book_and_in_the_log(database: Flask) -> None:
    agreement_id = with_clause()
    request = ask(agreement_id)
    assert adjustments(agreement_id) == []
    done = approve(request.id, reason="As agreed")
    assert (done.state, done.decided_by, done.reason) == ("approved", APPROVER.id, "As agreed")
    assert adjustments(agreement_id) == [("2025-01-01", "1.031", "7.3")]
    with db.read() as session:
        actions = session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert actions[-2:] == ["index_request.requested", "index_request.approved"]


@pytest.mark.parametrize(
    ("moment", "state"),
    [
        # Oslo is an hour ahead of UTC in November: the day ends at 23.00 UTC.
        pytest.param(datetime(2024, 10, 31, 12, tzinfo=UTC), "requested", id="the-day-before"),
        pytest.param(datetime(2024, 11, 1, 22, 59, 59, tzinfo=UTC), "requested", id="the-day-itself-to-its-end"),
        pytest.param(datetime(2024, 11, 1, 23, 0, tzinfo=UTC), "lapsed", id="a-second-later"),
        pytest.param(datetime(2024, 11, 2, 12, tzinfo=UTC), "lapsed", id="the-day-after"),
    ],
)
def test_a_request_lapses_when_its_deadline_is_over_in_oslo(database: Flask, moment: datetime, state: str) -> None:
    agreement_id = with_clause()
    with db.write() as session:
        today = clock.today(session, example_mode=False, now=moment)
        request = indexation.request_adjustment(
            session, agreement_id=agreement_id, effective_from=NEW_YEAR, actor=MANAGER, now=moment, today=today
        )
    assert request.state == state


def test_a_lapsed_request_is_never_approved_and_blocks_no_right_one_for_its_day(database: Flask) -> None:
    agreement_id = with_clause()
    request = ask(agreement_id, today=date(2024, 11, 2))
    for decide in (approve, decline):
        with pytest.raises(Conflict, match="has lapsed"):
            decide(request.id)
    assert ask(agreement_id, today=date(2024, 11, 3)).state == "lapsed"
    assert adjustments(agreement_id) == []
    agree(agreement_id, replace(CLAUSE, notice=1))
    right = ask(agreement_id, today=date(2024, 11, 3))
    assert right.state == "requested"
    assert approve(right.id).state == "approved"
    with pytest.raises(Conflict, match="it is approved"):
        ask(agreement_id, today=date(2024, 11, 3))


def test_who_requested_does_not_decide(database: Flask) -> None:
    agreement_id = with_clause()
    request = ask(agreement_id, actor=BOTH)
    with pytest.raises(Denied, match="another approver"):
        approve(request.id, actor=BOTH)
    with pytest.raises(Denied, match="another approver"):
        decline(request.id, actor=BOTH)
    assert adjustments(agreement_id) == []
    assert approve(request.id).state == "approved"


@pytest.mark.parametrize("role", ["finance_controller", "auditor", "admin", "trust_reader", "approver"])
def test_only_a_contract_manager_requests(app: Flask, role: str) -> None:
    agreement_id = with_clause()
    stranger = Actor("person:x", "X", (Grant(role, "oslo" if role == "trust_reader" else None),))
    with pytest.raises(Denied):
        ask(agreement_id, actor=stranger)
    with pytest.raises(Denied):
        agree(agreement_id, actor=stranger)


@pytest.mark.parametrize(
    "grant",
    [Grant("contract_manager"), Grant("finance_controller"), Grant("admin"), Grant("approver", "oslo")],
    ids=str,
)
def test_only_an_approver_of_all_trusts_decides(app: Flask, grant: Grant) -> None:
    request = ask(with_clause())
    with pytest.raises(Denied):
        approve(request.id, actor=Actor("person:x", "X", (grant,)))


def test_a_decision_is_taken_once(database: Flask) -> None:
    agreement_id = with_clause()
    request = ask(agreement_id)
    declined = decline(request.id, "The clause was suspended")
    assert (declined.state, declined.reason) == ("declined", "The clause was suspended")
    with pytest.raises(Conflict, match="declined already"):
        approve(request.id)
    assert ask(agreement_id).state == "requested"


def test_declining_needs_a_reason(app: Flask) -> None:
    request = ask(with_clause())
    with pytest.raises(InvalidInput, match="say why"):
        decline(request.id, "  ")


def test_two_approvers_at_the_same_time_make_one_adjustment(database: Flask) -> None:
    agreement_id = with_clause()
    request = ask(agreement_id)
    barrier, outcomes = threading.Barrier(2), list[str]()

    def decide(name: str) -> None:
        with database.app_context():
            barrier.wait()
            try:
                approve(request.id, actor=replace(APPROVER, id=name))
                outcomes.append("approved")
            except Conflict as refused:
                outcomes.append(refused.code)

    threads = [threading.Thread(target=decide, args=(f"person:{number}",)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["approved", "index_decided"]
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(IndexAdjustment)) == 1


def test_days_gone_by_change_only_on_purpose(database: Flask) -> None:
    agreement_id = with_clause()
    request = ask(agreement_id)
    with pytest.raises(InvalidInput, match="days gone by"):
        approve(request.id, today=date(2025, 1, 2))
    assert adjustments(agreement_id) == []
    assert approve(request.id, today=date(2025, 1, 2), retroactive=True).state == "approved"


@pytest.mark.parametrize(("first_open", "refused"), [(NEW_YEAR, False), (date(2025, 4, 1), True), (None, False)])
def test_a_closed_past_is_never_reached_into(
    app: Flask, monkeypatch: pytest.MonkeyPatch, first_open: date | None, refused: bool
) -> None:
    monkeypatch.setattr(price_books, "_closed_until", [])
    price_books.respect(lambda _session, _agreement_id: first_open)
    request = ask(with_clause())
    if refused:
        with pytest.raises(Conflict, match="is closed"):
            approve(request.id, today=date(2025, 6, 1), retroactive=True)
    else:
        assert approve(request.id, today=date(2025, 6, 1), retroactive=True).state == "approved"


def test_on_the_very_day_of_effect_nothing_is_gone_by(app: Flask) -> None:
    assert approve(ask(with_clause()).id, today=NEW_YEAR).state == "approved"


@pytest.mark.parametrize(
    ("clause", "content", "effective_from", "code"),
    [
        pytest.param(CLAUSE, CSV, date(2024, 12, 31), "before_first_date", id="before-the-first-date"),
        pytest.param(CLAUSE, CSV, date(2028, 1, 1), "outside_term", id="after-the-end"),
        pytest.param(CLAUSE, CSV, date(2027, 1, 1), "values_missing", id="values-missing"),
        pytest.param(CLAUSE, CSV_2025, NEW_YEAR, "values_missing", id="other-months-only"),
        pytest.param(
            replace(CLAUSE, base_month=date(2024, 9, 1)),
            CSV,
            NEW_YEAR,
            "nothing_to_compare",
            id="base-is-compared-month",
        ),
    ],
)
def test_what_cannot_be_computed_is_refused_with_its_reason(
    app: Flask, clause: IndexClause, content: bytes, effective_from: date, code: str
) -> None:
    agreement_id = with_clause(clause, content)
    with pytest.raises(InvalidInput) as refused:
        ask(agreement_id, effective_from)
    assert code in [finding.code for finding in refused.value.errors]


def test_a_ratio_across_base_years_is_refused_with_a_sentence(database: Flask) -> None:
    agreement_id = with_clause()
    import_file(b"table,base_year,month,value\n03013,2025,2026-09,102.9\n")
    with pytest.raises(InvalidInput, match="a ratio across base years is never taken"):
        ask(agreement_id, date(2027, 1, 1))


def test_the_next_adjustment_is_a_year_later_at_the_earliest(app: Flask) -> None:
    agreement_id = with_clause()
    approve(ask(agreement_id).id)
    with pytest.raises(InvalidInput) as refused:
        ask(agreement_id, date(2025, 12, 31), date(2025, 6, 1))
    assert [finding.code for finding in refused.value.errors] == ["too_soon"]
    assert ask(agreement_id, date(2026, 1, 1), date(2025, 10, 20)).state == "requested"


def test_a_day_with_an_adjustment_in_the_book_takes_no_second(app: Flask) -> None:
    agreement_id = record_agreement()
    import_file()
    agree(agreement_id)
    with pytest.raises(Conflict, match="holds an adjustment from 2025-01-01 already"):
        ask(agreement_id)


def test_without_a_clause_there_is_nothing_to_request(app: Flask) -> None:
    with pytest.raises(NotFound, match="no index clause"):
        ask(agreement_without_adjustments())


def test_a_clause_that_goes_on_from_the_last_adjustment_catches_a_missed_year_up(app: Flask) -> None:
    content = CSV + b"03013,TOTAL,2015,2026-09,143.5\n"
    agreement_id = with_clause(replace(CLAUSE, base_month=date(2023, 9, 1)), content)
    approve(ask(agreement_id).id)
    later = ask(agreement_id, date(2027, 1, 1), date(2026, 10, 20))
    assert later.months("base") == (date(2024, 9, 1),)
    assert later.months("current") == (date(2026, 9, 1),)


def test_the_preview_reads_the_clause_both_ways(app: Flask) -> None:
    months = [f"{year}-{number:02d}" for year in (2022, 2023, 2024) for number in range(1, 13)]
    rows = "".join(f"03013,2015,{month},{100 + number}.0\n" for number, month in enumerate(months))
    agreement_id = with_clause(replace(CLAUSE, cap=None), b"table,base_year,month,value\n" + rows.encode())
    with db.read() as session:
        seen = indexation.preview(session, agreement_id=agreement_id, effective_from=NEW_YEAR, today=IN_TIME)
    assert (seen.worked.reading, seen.other.reading) == ("twelve_month", "annual")
    assert seen.worked.calculation is not None
    assert seen.other.calculation is not None
    assert seen.worked.calculation.factor != seen.other.calculation.factor
    assert (seen.obstacles, seen.warnings, seen.late) == ((), (), False)


@pytest.mark.parametrize(
    ("effective_from", "clause", "expected"),
    [
        (date(2025, 1, 1), CLAUSE, []),
        (date(2026, 1, 1), CLAUSE, ["version_begins"]),
        (date(2027, 1, 1), replace(CLAUSE, base_month=date(2023, 9, 1)), ["level_moved"]),
    ],
    ids=["nothing-odd", "a-version-begins-that-day", "the-level-moved-since-the-base"],
)
def test_the_preview_warns_of_what_is_odd(
    app: Flask, effective_from: date, clause: IndexClause, expected: list[str]
) -> None:
    document = examples.agreement()
    document["price_book"]["index_adjustments"] = []
    version = document["price_book"]["versions"][0]
    document["price_book"]["versions"].append(version | {"valid_from": "2026-01-01"})
    agreement_id = record_agreement(document)
    agree(agreement_id, clause)
    with db.read() as session:
        seen = indexation.preview(session, agreement_id=agreement_id, effective_from=effective_from, today=IN_TIME)
    assert [warning.code for warning in seen.warnings] == expected


def test_requests_are_listed_as_they_were_known(app: Flask) -> None:
    agreement_id = with_clause()
    request = ask(agreement_id)
    with db.write() as session:
        indexation.approve(
            session, request_id=request.id, actor=APPROVER, now=datetime(2024, 11, 28, tzinfo=UTC), today=IN_TIME
        )
    with db.read() as session:
        then = indexation.list_requests(session, agreement_id, datetime(2024, 11, 1, tzinfo=UTC))
        now = indexation.list_requests(session, agreement_id)
        before = indexation.list_requests(session, agreement_id, datetime(2024, 1, 1, tzinfo=UTC))
    assert [[one.state for one in listed] for listed in (before, then, now)] == [[], ["requested"], ["approved"]]
