"""Bring a database to a schema version, and say whether it is there: plain Alembic, configured in code."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData
from sqlalchemy.exc import SQLAlchemyError

UNREACHABLE: Final = "the database cannot be reached: look whether it runs and whether DATABASE_URL names it"
NOT_AT_HEAD: Final = "the database's schema is not at the newest revision: run `flask --app app db upgrade`"
MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Run the migrations up to ``revision``."""
    with engine.connect() as connection:
        command.upgrade(_config(connection), revision)
        connection.commit()


def downgrade(engine: Engine, revision: str) -> None:
    """Run the migrations down to ``revision`` ("base": an empty database)."""
    with engine.connect() as connection:
        command.downgrade(_config(connection), revision)
        connection.commit()


def at_head(engine: Engine) -> bool:
    """Tell whether the database stands at the newest revision."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head


def lacking(engine: Engine) -> str | None:
    """Say in one sentence what a database lacks, None where it can be reached and stands at the newest revision."""
    try:
        return None if at_head(engine) else NOT_AT_HEAD
    except SQLAlchemyError:
        return UNREACHABLE


def differences(engine: Engine, metadata: MetaData) -> list[str]:
    """List where the database's schema and the models differ; empty when they agree."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [str(difference) for difference in compare_metadata(context, metadata)]
