"""Steps that the revisions share: a table of facts, and the triggers that keep its rows as they were written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def create_fact_table(name: str, *items: SchemaItem, revisable: bool = False) -> None:
    """Create a table whose rows carry who recorded them when, indexed by that time, and refuse to be changed.

    A revisable fact may be superseded by one later row, or taken back by it (``void``).
    """
    revision = (
        (
            sa.Column("void", sa.Boolean(), nullable=False),
            sa.Column("supersedes_id", ROW_ID, nullable=True),
            sa.UniqueConstraint("supersedes_id", name=f"uq_{name}_supersedes_id"),
            sa.ForeignKeyConstraint(["supersedes_id"], [f"{name}.id"], name=f"fk_{name}_supersedes_id_{name}"),
        )
        if revisable
        else ()
    )
    op.create_table(
        name,
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(120), nullable=False),
        *items,
        *revision,
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
    )
    op.create_index(f"ix_{name}_recorded_at", name, ["recorded_at"])
    forbid_changes(name)


def drop_fact_tables(*names: str) -> None:
    """Drop fact tables, in the order given (those that point at others first)."""
    for name in names:
        if _postgresql():
            op.execute(f"DROP TRIGGER {name}_append_only ON {name}")
        op.drop_table(name)


def create_append_only_function() -> None:
    """Create the function that PostgreSQL's triggers call; SQLite's triggers say it themselves."""
    if _postgresql():
        op.execute(
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )


def drop_append_only_function() -> None:
    """Drop what `create_append_only_function` made."""
    if _postgresql():
        op.execute("DROP FUNCTION refuse_change()")


def forbid_changes(name: str) -> None:
    """Let a table refuse to have rows changed or deleted."""
    if _postgresql():
        op.execute(
            f"CREATE TRIGGER {name}_append_only BEFORE UPDATE OR DELETE ON {name} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        return
    for event in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {name}_no_{event.lower()} BEFORE {event} ON {name} "
            f"BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END"
        )


def _postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
