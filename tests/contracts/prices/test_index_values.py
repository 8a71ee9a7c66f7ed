"""Index values as recorded: vintages, files that come twice, and who may bring them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from contracts.errors import Denied, InvalidInput
from contracts.extensions import db
from contracts.models import AuditEvent, Document, IndexValue
from contracts.people.access import COMMAND_LINE, Actor, Grant
from contracts.prices import index_values
from contracts.schemas.index_values import ReadAs
from tests.index_files import CSV, CSV_2025, as_file, json_stat

NOW = datetime(2026, 10, 15, 9, tzinfo=UTC)
TODAY = date(2026, 10, 15)


def import_file(content: bytes = CSV, retrieved_on: str = "2026-10-12", **options: Any) -> index_values.ImportedValues:
    with db.write() as session:
        return index_values.import_values(
            session,
            filename=options.pop("filename", "kpi.csv"),
            content=content,
            retrieved_on=date.fromisoformat(retrieved_on),
            actor=options.pop("actor", COMMAND_LINE),
            now=options.pop("now", NOW),
            today=TODAY,
            **options,
        )


def standing(series: str = "TOTAL", known_at: datetime | None = None) -> dict[str, str]:
    with db.read() as session:
        return {
            f"{one.base_year} {one.month:%Y-%m}": f"{one.value}"
            for one in index_values.values_of(session, "03013", series, known_at)
        }


def count(entity: Any) -> int:
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(entity)) or 0


def test_a_file_is_recorded_with_its_bytes_and_a_word_in_the_log(database: Flask) -> None:
    done = import_file()
    assert (done.status, done.values, done.new, done.revised) == ("imported", 4, 4, 0)
    assert standing()["2015 2024-09"] == "136.4"
    with db.read() as session:
        assert session.scalars(select(Document)).one().content == CSV
        assert session.scalars(select(AuditEvent.action)).all() == ["index_values.import"]


def test_the_same_file_again_does_nothing(database: Flask) -> None:
    first = import_file()
    again = import_file(retrieved_on="2026-10-14")
    assert (again.id, again.status) == (first.id, "already_imported")
    assert count(IndexValue) == 4


def test_a_revised_value_is_a_new_vintage_and_the_old_one_stays(database: Flask) -> None:
    import_file(retrieved_on="2026-10-01", now=datetime(2026, 10, 1, 9, tzinfo=UTC))
    done = import_file(CSV.replace(b"136.4", b"136.5"), "2026-10-12")
    assert (done.new, done.revised) == (0, 1)
    assert standing()["2015 2024-09"] == "136.5"
    assert standing(known_at=datetime(2026, 10, 2, tzinfo=UTC))["2015 2024-09"] == "136.4"
    with db.read() as session:
        (revised,) = [one for one in index_values.list_values(session) if one.revisions]
    assert (revised.month, revised.retrieved_on) == (date(2024, 9, 1), date(2026, 10, 12))


def test_an_older_vintage_that_comes_later_does_not_become_the_present_one(database: Flask) -> None:
    import_file(CSV.replace(b"136.4", b"136.5"), "2026-10-12")
    assert import_file(CSV, "2026-09-12").new == 4
    assert standing()["2015 2024-09"] == "136.5"


def test_base_years_stand_beside_each_other(database: Flask) -> None:
    import_file()
    import_file(CSV_2025)
    assert {key: value for key, value in standing().items() if key.endswith("2025-09")} == {
        "2015 2025-09": "139.9",
        "2025 2025-09": "100.3",
    }
    with db.read() as session:
        assert [(row[2], row[5]) for row in index_values.known_series(session)] == [(2015, 4), (2025, 2)]


def test_a_json_stat_file_is_recorded_as_it_was_published(database: Flask) -> None:
    done = import_file(as_file(json_stat()), filename="03013.json")
    assert (done.new, done.missing, done.ignored) == (5, 1, ("Tolvmanedersendring",))
    assert standing("TOTAL")["2015 2024-09"] == "136.0"
    assert standing("01") == {"2015 2023-09": "128.0", "2015 2024-09": "133.5"}


@pytest.mark.parametrize(
    ("content", "retrieved_on", "code"),
    [
        pytest.param(CSV.replace(b"136.4", b"136.5"), "2026-10-12", "value_differs", id="two-values-of-one-day"),
        pytest.param(CSV, "2026-10-16", "in_future", id="retrieved-tomorrow"),
        pytest.param(CSV_2025, "2026-09-29", "month_not_over", id="a-month-that-was-not-over"),
        pytest.param(CSV_2025 + b"x", "2026-10-12", "wrong_width", id="unreadable"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_whole(
    database: Flask, content: bytes, retrieved_on: str, code: str
) -> None:
    import_file(CSV + b"\n", "2026-10-12")
    with pytest.raises(InvalidInput) as refused:
        import_file(content, retrieved_on)
    assert {finding.code for finding in refused.value.errors} == {code}
    assert count(IndexValue) == 4


def test_the_same_bytes_read_otherwise_are_another_import(app: Flask) -> None:
    document = json_stat(id=["Tid"], size=[1], value=[131.6], label="Indeks", role={}, extension={})
    document["dimension"] = {"Tid": {"category": {"index": ["2024M09"]}}}
    first = import_file(as_file(document), given=ReadAs("wrong", 2015))
    second = import_file(as_file(document), given=ReadAs("03013", 2015))
    assert (first.status, second.status) == ("imported", "imported")
    assert count(Document) == 1


@pytest.mark.parametrize(
    "actor",
    [
        Actor("person:a", "A", (Grant("finance_controller"),)),
        Actor("person:b", "B", (Grant("approver"),)),
        Actor("person:c", "C", (Grant("contract_manager", "oslo"),)),
    ],
    ids=["controller", "approver", "contract-manager-of-one-trust"],
)
def test_only_a_contract_manager_of_all_trusts_brings_values(app: Flask, actor: Actor) -> None:
    with pytest.raises(Denied):
        import_file(actor=actor)


def test_values_are_listed_from_a_key_on(app: Flask) -> None:
    import_file()
    with db.read() as session:
        first, second, *_ = index_values.list_values(session)
        after = (first.table, first.series, first.base_year, first.month)
        assert index_values.list_values(session, after=after, limit=1) == [second]
        assert index_values.list_values(session, base_year=2025) == []
