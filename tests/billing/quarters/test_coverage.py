"""Coverage: what is in, what is short, what is missing, and who must deliver it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from billing.quarters import closing as quarters
from billing.quarters import coverage
from billing.quarters.coverage import Coverage, CoverageCell, judge
from contracts.errors import NotFound
from contracts.extensions import db
from contracts.people import access
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.terms.period import Period
from contracts.terms.working_days import working_days
from tests import examples
from tests.recorded import record_agreement, record_usage

TODAY = date(2024, 10, 15)
DELIVERED = datetime(2024, 10, 3, 7, tzinfo=UTC)
READER = Actor("person:l", "L", (Grant("trust_reader", "vestre-viken"),))
VV, OSTFOLD = ("vestre-viken", "xray-skeletal"), ("sykehuset-ostfold", "xray-skeletal")


def daily(months: dict[str, tuple[int, int]], place: tuple[str, str] = VV) -> bytes:
    """Write a file of daily counts: per month the count of each working day, and how many of its last ones are left out."""
    rows = ["trust,algorithm,date,quantity"]
    for month, (quantity, left_out) in months.items():
        days = working_days(Period.parse(month))
        rows += [f"{place[0]},{place[1]},{day},{quantity}" for day in days[: len(days) - left_out]]
    return ("\n".join(rows) + "\n").encode()


def usual(quantity: int = 20, first: int = 1, last: int = 9) -> dict[str, tuple[int, int]]:
    return {f"2024-{month:02}": (quantity, 0) for month in range(first, last + 1)}


def covered(agreement_id: int, period: str = "2024-Q3", **options: Any) -> Coverage:
    given = {"actor": COMMAND_LINE, "today": TODAY} | options
    with db.read() as session:
        return coverage.coverage(session, agreement_id=agreement_id, period=Period.parse(period), **given)


def cell(found: Coverage, month: str, place: tuple[str, str] = VV) -> CoverageCell:
    return next(each for each in found.cells if (each.trust, each.algorithm, each.month.label()) == (*place, month))


@pytest.mark.parametrize(
    ("quantity", "days_counted", "working", "rate", "status"),
    [
        pytest.param(0, 0, 21, 20, "missing", id="no count at all"),
        pytest.param(420, 21, 21, 20, "complete", id="every day"),
        pytest.param(380, 19, 21, 20, "complete", id="two days of twenty-one without a count"),
        pytest.param(360, 18, 21, 20, "partial", id="three days without a count"),
        pytest.param(320, 16, 21, 20, "partial", id="a week without a count"),
        pytest.param(300, 21, 21, 20, "complete", id="a quiet July: five sevenths of the usual"),
        pytest.param(251, 21, 21, 20, "partial", id="every day counted, but under three fifths"),
        pytest.param(252, 21, 21, 20, "complete", id="three fifths to the examination"),
        pytest.param(24, 12, 21, 2, "complete", id="days without any are ordinary at two a day"),
        pytest.param(10, 5, 21, 2, "partial", id="a quarter of a small count is no chance"),
        pytest.param(5, 4, 20, "0.5", "complete", id="half of a tiny count may be chance"),
        pytest.param(100, 10, 21, None, "partial", id="the first month, busy, on half of its days"),
        pytest.param(12, 6, 21, None, "complete", id="the first month, quiet"),
        pytest.param(3, 1, 0, None, "complete", id="no working day in the month"),
    ],
)
def test_a_month_is_judged_by_days_and_volume(
    quantity: int, days_counted: int, working: int, rate: int | str | None, status: str
) -> None:
    mean = None if rate is None else Decimal(rate)
    assert judge(quantity=quantity, days_counted=days_counted, working=working, rate=mean) == status


def test_all_counts_in_are_complete_with_what_was_expected(database: Flask) -> None:
    id_ = record_agreement()
    record_usage(id_, daily(usual()), now=DELIVERED)
    august = cell(covered(id_), "2024-08")
    assert (august.status, august.quantity, august.expected, august.deviation) == (
        "complete",
        20 * 22,
        20 * 22,
        Decimal("0.0000"),
    )
    assert (august.working_days, august.days_counted, august.source) == (22, 22, "daily")
    assert (august.filename, august.received_at) == ("usage.csv", DELIVERED)


def test_missing_partial_and_not_live_are_told_apart_and_counted(database: Flask) -> None:
    id_ = record_agreement()
    months = usual() | {"2024-08": (20, 6)}
    del months["2024-09"]
    record_usage(id_, daily(months), now=DELIVERED)
    record_usage(id_, daily(usual(8), OSTFOLD), now=DELIVERED)
    found = covered(id_)
    assert [cell(found, f"2024-0{month}").status for month in (7, 8, 9)] == ["complete", "partial", "missing"]
    assert {cell(found, f"2024-0{month}", OSTFOLD).status for month in (7, 8, 9)} == {"complete"}
    assert (found.due, found.count("missing"), found.count("partial"), found.count("not_live")) == (6, 1, 1, 18)
    assert [(each.trust, [one.month.label() for one in each.cells]) for each in found.deliveries] == [
        ("vestre-viken", ["2024-08", "2024-09"])
    ]


def test_a_month_that_is_not_over_is_not_due(app: Flask) -> None:
    id_ = record_agreement()
    record_usage(id_, daily(usual(last=8)), now=DELIVERED)
    found = covered(id_, today=date(2024, 9, 30))
    assert cell(found, "2024-09").status == "not_due"
    assert not cell(found, "2024-09").due
    assert cell(covered(id_, today=date(2024, 10, 1)), "2024-09").status == "missing"


def test_an_explicit_count_of_nothing_is_no_gap_where_nothing_is_usual(app: Flask) -> None:
    id_ = record_agreement()
    record_usage(id_, b"trust,algorithm,date,quantity\nvestre-viken,xray-skeletal,2024-07-01,0\n", now=DELIVERED)
    found = covered(id_)
    assert [cell(found, f"2024-0{month}").status for month in (7, 8)] == ["complete", "missing"]


def test_days_before_go_live_and_after_the_end_are_not_waited_for(app: Flask) -> None:
    document = examples.agreement()
    document["activations"][0] |= {"validation_from": "2024-07-15", "go_live": "2024-08-15", "end": "2024-09-16"}
    id_ = record_agreement(document)
    rows = ["trust,algorithm,date,quantity"]
    rows += [
        f"vestre-viken,xray-skeletal,{day},10" for day in working_days(Period(date(2024, 7, 15), date(2024, 9, 16)))
    ]
    record_usage(id_, "\n".join(rows).encode(), now=DELIVERED)
    found = covered(id_)
    july, august, september = (cell(found, f"2024-0{month}") for month in (7, 8, 9))
    assert (july.status, july.quantity) == ("not_live", 130)
    assert (august.status, august.working_days, august.days_counted, august.quantity) == ("complete", 12, 12, 120)
    assert (september.status, september.working_days) == ("complete", 10)


def test_a_month_changed_after_its_quarter_closed_says_so(database: Flask) -> None:
    id_ = record_agreement()
    record_usage(id_, daily(usual()), now=DELIVERED)
    record_usage(id_, daily(usual(), OSTFOLD), now=DELIVERED)
    with db.write() as session:
        quarters.close(
            session,
            agreement_id=id_,
            quarter="2024-Q3",
            actor=COMMAND_LINE,
            now=DELIVERED + timedelta(days=1),
            today=TODAY,
        )
    assert covered(id_).count("corrected_after_close") == 0
    late = b"trust,algorithm,date,quantity\nvestre-viken,xray-skeletal,2024-08-10,3\n"
    record_usage(id_, late, now=DELIVERED + timedelta(days=2))
    found = covered(id_)
    assert cell(found, "2024-08").status == "corrected_after_close"
    assert found.count("corrected_after_close") == 1
    assert covered(id_, known_at=DELIVERED + timedelta(days=1)).count("corrected_after_close") == 0


def test_coverage_is_asked_again_as_it_was_known(app: Flask) -> None:
    id_ = record_agreement()
    record_usage(id_, daily(usual(last=6)), now=DELIVERED - timedelta(days=60))
    record_usage(id_, daily(usual(first=7)), now=DELIVERED)
    assert covered(id_).count("missing") == 3  # those of the other trust
    assert covered(id_, known_at=DELIVERED - timedelta(days=1)).count("missing") == 6


def test_a_reader_within_one_trust_sees_that_trusts_cells(app: Flask) -> None:
    id_ = record_agreement()
    assert {each.trust for each in covered(id_, actor=READER).cells} == {"vestre-viken"}
    assert {each.trust for each in covered(id_, trust="akershus").cells} == {"akershus"}
    for trust in ("akershus", "nope"):
        with pytest.raises(NotFound):
            covered(id_, actor=READER, trust=trust)


def test_who_must_deliver_is_the_trusts_own_person_or_the_controller(app: Flask) -> None:
    id_ = record_agreement()
    with db.write() as session:
        for name, grant in (
            ("Amir", Grant("trust_requester", "vestre-viken")),
            ("Ingrid", Grant("finance_controller")),
        ):
            access.add_person(
                session,
                email=f"{name}@example.org",
                name=name,
                password=None,
                grants=[grant],
                actor=COMMAND_LINE,
                now=DELIVERED,
            )
    found = covered(id_)
    assert [(each.trust, each.people) for each in found.deliveries] == [
        ("vestre-viken", ("Amir",)),
        ("sykehuset-ostfold", ("Ingrid",)),
    ]


def test_the_command_prints_a_sentence_and_a_document_and_ends_with_0(app: Flask) -> None:
    id_ = record_agreement()
    record_usage(id_, daily(usual()), now=DELIVERED)
    runner = app.test_cli_runner()
    told = runner.invoke(args=["usage", "coverage", "2024-Q3"])
    assert told.exit_code == 0
    assert told.stdout.startswith("3 of 6 cells are missing for 2024-Q3, 0 partial, 0 corrected after close\n")
    document = json.loads(runner.invoke(args=["usage", "coverage", "2024-Q3", "--json"]).stdout)
    assert (document["due"], document["counts"]["missing"], len(document["cells"])) == (6, 3, 4 * 2 * 3)
    assert runner.invoke(args=["usage", "coverage", "2024-Q9"]).exit_code == 3
