"""Usage comes in once and whole, or not at all, and says where it cannot."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from billing.models import UsageEntry
from billing.usage import metering
from contracts.errors import Denied, InvalidInput, NotFound
from contracts.extensions import db
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.terms.period import Period
from contracts.terms.price_book import Usage
from tests.recorded import COUNTED, record_agreement, record_usage

DAILY = "trust,algorithm,date,quantity\n"
SUMMER = datetime(2024, 7, 5, 9, tzinfo=UTC)
MONTHLY = "trust,algorithm,month,quantity\n"
CELL = "vestre-viken,xray-skeletal"


def entries() -> int:
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(UsageEntry)) or 0


def daily(agreement_id: int, **options: object) -> list[Usage]:
    with db.read() as session:
        return metering.daily_usage(session, agreement_id=agreement_id, **options)  # type: ignore[arg-type]


def test_daily_counts_are_recorded_per_trust_algorithm_and_day(database: Flask) -> None:
    agreement_id = record_agreement()
    result = record_usage(agreement_id)
    assert (result.status, result.rows, result.accepted, result.duplicates) == ("imported", 2, 2, 0)
    assert daily(agreement_id) == [
        Usage("vestre-viken", "xray-skeletal", date(2024, 1, 10), 100),
        Usage("sykehuset-ostfold", "xray-skeletal", date(2024, 1, 20), 201),
    ]


def test_the_same_file_again_is_told_and_counts_nothing(database: Flask) -> None:
    agreement_id = record_agreement()
    first = record_usage(agreement_id)
    again = record_usage(agreement_id)
    assert (again.status, again.id) == ("already_imported", first.id)
    assert entries() == 2


def test_known_cells_in_another_file_are_duplicates(database: Flask) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    overlapping = f"{DAILY}{CELL},2024-01-11,7\n{CELL},2024-01-10,100\n".encode()
    result = record_usage(agreement_id, overlapping)
    assert (result.status, result.accepted, result.duplicates) == ("imported", 1, 1)
    assert sum(usage.quantity for usage in daily(agreement_id)) == 308


def test_another_value_for_a_known_cell_refuses_the_file_and_offers_a_correction(app: Flask) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    result = record_usage(agreement_id, f"{DAILY}{CELL},2024-01-11,7\n{CELL},2024-01-10,99\n".encode())
    assert result.status == "refused"
    assert [(error.row, error.column, error.code) for error in result.errors] == [(3, "quantity", "differs_from_known")]
    assert "100 is recorded, the file says 99; record a correction" in result.errors[0].detail
    assert entries() == 2


def test_a_dry_run_checks_and_keeps_nothing(app: Flask) -> None:
    agreement_id = record_agreement()
    result = record_usage(agreement_id, dry_run=True)
    assert (result.status, result.accepted) == ("checked", 2)
    assert entries() == 0


def test_a_month_is_spread_over_its_working_days_left_over_units_first(app: Flask) -> None:
    agreement_id = record_agreement()
    # May 2024 has 19 working days: 1, 9, 17 and 20 are public holidays.
    record_usage(agreement_id, f"{MONTHLY}{CELL},2024-05,40\n".encode(), SUMMER)
    counts = {usage.on.day: usage.quantity for usage in daily(agreement_id)}
    assert sum(counts.values()) == 40
    assert counts[2] == counts[3] == 3
    assert {counts[day] for day in counts if day > 3} == {2}
    assert set(counts).isdisjoint({1, 4, 5, 9, 17, 20})


def test_the_same_month_in_another_file_is_a_duplicate(app: Flask) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id, f"{MONTHLY}{CELL},2024-05,40\n".encode(), SUMMER)
    again = record_usage(agreement_id, f"{MONTHLY}{CELL},2024-05,40\n{CELL},2024-06,20\n".encode(), SUMMER)
    assert (again.status, again.accepted, again.duplicates) == ("imported", 1, 1)
    differing = record_usage(agreement_id, f"{MONTHLY}{CELL},2024-05,41\n".encode(), SUMMER)
    assert differing.status == "refused"


def test_a_count_of_nought_is_a_count(app: Flask) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id, f"{DAILY}{CELL},2024-01-10,0\n".encode())
    assert record_usage(agreement_id, f"{DAILY}{CELL},2024-01-10,5\n".encode()).status == "refused"


@pytest.mark.parametrize(
    ("content", "row", "column", "code"),
    [
        pytest.param(f"{DAILY}oslo,xray-skeletal,2024-01-10,1\n", 2, "trust", "unknown_trust", id="unknown trust"),
        pytest.param(
            f"{DAILY}sykehuspartner,xray-skeletal,2024-01-10,1\n",
            2,
            "trust",
            "not_an_option_holder",
            id="trust not on the list",
        ),
        pytest.param(
            f"{DAILY}vestre-viken,ct-x,2024-01-10,1\n", 2, "algorithm", "unknown_algorithm", id="unknown algorithm"
        ),
        pytest.param(f"{DAILY}vestre-viken,ct-pe,2024-01-10,1\n", 2, "date", "not_active", id="never activated"),
        pytest.param(f"{DAILY}{CELL},2023-12-31,1\n", 2, "date", "not_active", id="before go-live"),
        pytest.param(f"{DAILY}{CELL},2028-01-01,1\n", 2, "date", "not_active", id="after the agreement's end"),
        pytest.param(f"{DAILY}{CELL},2024-01-10,-1\n", 2, "quantity", "negative", id="negative day"),
        pytest.param(f"{DAILY}{CELL},2024-01-10,1.5\n", 2, "quantity", "not_whole", id="fraction"),
        pytest.param(f'{DAILY}{CELL},2024-01-10,"1,5"\n', 2, "quantity", "not_whole", id="decimal comma"),
        pytest.param(f"{DAILY}{CELL},2024-01-10,1e3\n", 2, "quantity", "not_whole", id="exponent"),
        pytest.param(f"{DAILY}{CELL},2024-01-10,NaN\n", 2, "quantity", "not_whole", id="not a number"),
        pytest.param(f"{DAILY}{CELL},2024-01-10,99999999999\n", 2, "quantity", "too_large", id="too large"),
        pytest.param(f"{DAILY}{CELL},10.01.2024,1\n", 2, "date", "not_a_date", id="Norwegian date"),
        pytest.param(f"{DAILY}{CELL},2024-02-30,1\n", 2, "date", "not_a_date", id="no such day"),
        pytest.param(f"{MONTHLY}{CELL},2024-13,1\n", 2, "month", "not_a_date", id="no such month"),
        pytest.param(f"{MONTHLY}{CELL},2023-12,1\n", 2, "month", "not_active", id="month before go-live"),
        pytest.param(
            f"{DAILY}{CELL},2024-01-10,1\n\n{CELL},2024-01-10,1\n", 4, "date", "twice_in_file", id="twice in the file"
        ),
        pytest.param(f"{DAILY}{CELL},2024-01-10\n", 2, "quantity", "wrong_width", id="missing field"),
        pytest.param("trust,algoritm,date,quantity\n", 1, "algoritm", "wrong_header", id="wrong column"),
        pytest.param("trust,algorithm,date\n", 1, "quantity", "wrong_header", id="missing column"),
        pytest.param("", 1, None, "empty", id="empty file"),
        pytest.param(f"{DAILY}{CELL},2024-01-10,1\0\n", 2, "quantity", "binary", id="NUL"),
        pytest.param(f'{DAILY}{CELL},2024-01-10,"1\n', 2, "quantity", "not_csv", id="open quote"),
    ],
)
def test_bad_rows_are_told_with_row_and_column_and_refuse_the_file(
    app: Flask, content: str, row: int, column: str | None, code: str
) -> None:
    agreement_id = record_agreement()
    result = record_usage(agreement_id, content.encode())
    assert result.status == "refused"
    assert (row, column, code) in [(error.row, error.column, error.code) for error in result.errors]
    assert entries() == 0


def test_a_file_that_is_not_utf8_names_the_line_and_the_column(app: Flask) -> None:
    result = record_usage(record_agreement(), DAILY.encode() + "Sørlandet,x,2024-01-10,1\n".encode("latin-1"))
    assert [(error.row, error.column, error.code) for error in result.errors] == [(2, "trust", "not_utf8")]


def test_a_byte_order_mark_is_no_part_of_the_header(app: Flask) -> None:
    assert record_usage(record_agreement(), f"\ufeff{DAILY}{CELL},2024-01-10,1\n".encode()).status == "imported"


def test_a_requester_imports_for_the_own_trust_only(app: Flask) -> None:
    agreement_id = record_agreement()
    own = Actor("person:r", "R", (Grant("trust_requester", "vestre-viken"),))
    result = record_usage(agreement_id, actor=own)
    assert [(error.row, error.code) for error in result.errors] == [(3, "other_trust")]
    assert "sykehuset-ostfold" not in result.errors[0].detail
    reader = Actor("person:l", "L", (Grant("trust_reader", "vestre-viken"),))
    with pytest.raises(Denied):
        record_usage(agreement_id, actor=reader)


def test_a_correction_is_a_further_entry_and_the_past_stays_askable(database: Flask) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    later = COUNTED + timedelta(days=40)
    with db.write() as session:
        total = metering.correct_usage(
            session,
            agreement_id=agreement_id,
            trust="vestre-viken",
            algorithm="xray-skeletal",
            on=date(2024, 1, 10),
            change=-4,
            reason="counted twice",
            actor=COMMAND_LINE,
            now=later,
        )
    assert total == 96
    january = Period.parse("2024-01")
    assert [usage.quantity for usage in daily(agreement_id, period=january)] == [96, 201]
    assert [usage.quantity for usage in daily(agreement_id, period=january, known_at=COUNTED)] == [100, 201]
    assert daily(agreement_id, known_at=COUNTED - timedelta(seconds=1)) == []


@pytest.mark.parametrize(
    ("change", "reason", "code"), [(-101, "too much", "below_zero"), (-1, "  ", "missing")], ids=["too much", "silent"]
)
def test_a_correction_needs_a_reason_and_leaves_no_day_below_zero(
    app: Flask, change: int, reason: str, code: str
) -> None:
    agreement_id = record_agreement()
    record_usage(agreement_id)
    with db.write() as session, pytest.raises(InvalidInput) as refused:
        metering.correct_usage(
            session,
            agreement_id=agreement_id,
            trust="vestre-viken",
            algorithm="xray-skeletal",
            on=date(2024, 1, 10),
            change=change,
            reason=reason,
            actor=COMMAND_LINE,
            now=datetime(2024, 5, 1, tzinfo=UTC),
        )
    assert [error.code for error in refused.value.errors] == [code]
    assert entries() == 2


def test_nothing_is_corrected_where_nothing_is_activated(app: Flask) -> None:
    agreement_id = record_agreement()
    with db.write() as session, pytest.raises(NotFound):
        metering.correct_usage(
            session,
            agreement_id=agreement_id,
            trust="vestre-viken",
            algorithm="ct-pe",
            on=date(2024, 1, 10),
            change=1,
            reason="late",
            actor=COMMAND_LINE,
            now=COUNTED,
        )
