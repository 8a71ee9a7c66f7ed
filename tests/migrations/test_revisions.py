"""The schema can be built, taken down and built again, and holds what it promises, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from billing.models import Base
from contracts import schema_versions

INSERT_SETTING = text(
    "INSERT INTO settings (key, value, recorded_at, recorded_by) VALUES ('today', '2026-10-15', '2026-10-15', 'test')"
)


def test_every_revision_goes_up_down_and_up_again(empty_engine: Engine) -> None:
    schema_versions.upgrade(empty_engine)
    built = set(inspect(empty_engine).get_table_names())
    schema_versions.downgrade(empty_engine, "base")
    assert set(inspect(empty_engine).get_table_names()) == {"alembic_version"}
    schema_versions.upgrade(empty_engine)
    assert set(inspect(empty_engine).get_table_names()) == built


def test_the_migrated_schema_is_the_one_the_models_describe(empty_engine: Engine) -> None:
    schema_versions.upgrade(empty_engine)
    assert schema_versions.differences(empty_engine, Base.metadata) == []
    assert schema_versions.at_head(empty_engine)


def test_going_down_one_step_and_up_keeps_the_rows_of_other_tables(empty_engine: Engine) -> None:
    schema_versions.upgrade(empty_engine)
    with empty_engine.begin() as connection:
        connection.execute(INSERT_SETTING)
    schema_versions.downgrade(empty_engine, "0004")
    schema_versions.upgrade(empty_engine)
    with empty_engine.connect() as connection:
        assert connection.execute(text("SELECT value FROM settings")).scalar_one() == "2026-10-15"


@pytest.mark.each_case_on_both
@pytest.mark.parametrize("change", ["UPDATE settings SET value = 'x'", "DELETE FROM settings"])
def test_a_fact_can_neither_be_changed_nor_deleted(empty_engine: Engine, change: str) -> None:
    schema_versions.upgrade(empty_engine)
    with empty_engine.begin() as connection:
        connection.execute(INSERT_SETTING)
    with pytest.raises(DBAPIError, match="append-only"), empty_engine.begin() as connection:
        connection.execute(text(change))
    with empty_engine.connect() as connection:
        assert connection.execute(text("SELECT value FROM settings")).scalar_one() == "2026-10-15"
