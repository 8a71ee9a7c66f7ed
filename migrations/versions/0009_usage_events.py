"""Events as keyed hashes, sources and their readings, the rule of what is billable, imports that can be reversed."""

import secrets
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_BEFORE = "id, recorded_at, recorded_by, agreement_id, sha256, filename, rows, accepted, duplicates"
_KIND = (
    "COALESCE((SELECT MIN(e.source) FROM usage_entries e WHERE e.import_id = i.id AND e.source IN ('daily', 'monthly')),"
    " 'daily')"
)
_QUANTITY = "COALESCE((SELECT SUM(e.quantity) FROM usage_entries e WHERE e.import_id = i.id), 0)"


def upgrade() -> None:
    steps.create_fact_table("usage_keys", sa.Column("secret", sa.LargeBinary(), nullable=False))
    op.bulk_insert(
        sa.table(
            "usage_keys",
            sa.column("recorded_at", sa.DateTime(timezone=True)),
            sa.column("recorded_by", sa.String()),
            sa.column("secret", sa.LargeBinary()),
        ),
        [{"recorded_at": datetime.now(UTC), "recorded_by": "migration", "secret": secrets.token_bytes(32)}],
    )
    for name, columns in (
        ("usage_rules", (sa.Column("repeat_days", sa.Integer()), sa.Column("clause", sa.String(200), nullable=False))),
        (
            "usage_sources",
            (sa.Column("name", sa.String(200), nullable=False), sa.Column("reading", sa.JSON(), nullable=False)),
        ),
    ):
        steps.create_fact_table(
            name,
            sa.Column("agreement_id", steps.ROW_ID, nullable=False),
            *columns,
            sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=f"fk_{name}_agreement_id_agreements"),
            revisable=True,
        )
        op.create_index(f"ix_{name}_agreement_id", name, ["agreement_id"])
    if op.get_bind().dialect.name == "postgresql":
        _widen_imports()
    else:
        _rebuild_imports()
    steps.create_fact_table(
        "usage_reversals",
        sa.Column("import_id", steps.ROW_ID, nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.UniqueConstraint("import_id", name="uq_usage_reversals_import_id"),
        sa.ForeignKeyConstraint(["import_id"], ["usage_imports.id"], name="fk_usage_reversals_import_id_usage_imports"),
    )
    op.drop_index("ix_usage_entries_cell", "usage_entries")
    op.create_index(
        "ix_usage_entries_cell",
        "usage_entries",
        ["agreement_id", "on_date", "trust_id", "algorithm_id", "quantity"],
    )
    _create_events()


def downgrade() -> None:
    steps.drop_fact_tables("usage_events", "usage_reversals")
    op.drop_index("ix_usage_entries_cell", "usage_entries")
    op.create_index("ix_usage_entries_cell", "usage_entries", ["agreement_id", "trust_id", "algorithm_id", "on_date"])
    if op.get_bind().dialect.name == "postgresql":
        _narrow_imports()
    else:
        _rebuild_narrow_imports()
    steps.drop_fact_tables("usage_sources", "usage_rules", "usage_keys")


def _create_events() -> None:
    """Create the table of events: no number of its own, refusing changes as every fact does."""
    op.create_table(
        "usage_events",
        sa.Column("event_key", sa.LargeBinary(), nullable=False),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("import_id", steps.ROW_ID, nullable=False),
        sa.Column("trust_id", steps.ROW_ID, nullable=False),
        sa.Column("algorithm_id", steps.ROW_ID, nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("outcome", sa.SmallInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("accession", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("event_key", "round", name="pk_usage_events"),
        sqlite_with_rowid=False,
    )
    known = sa.text("accession IS NOT NULL")
    op.create_index(
        "ix_usage_events_accession", "usage_events", ["accession"], sqlite_where=known, postgresql_where=known
    )
    steps.forbid_changes("usage_events")


def _widen_imports() -> None:
    op.add_column("usage_imports", sa.Column("round", sa.SmallInteger(), nullable=False, server_default="0"))
    op.add_column("usage_imports", sa.Column("kind", sa.String(200), nullable=False, server_default="daily"))
    op.add_column("usage_imports", sa.Column("source_id", steps.ROW_ID, nullable=True))
    op.add_column("usage_imports", sa.Column("not_billable", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("usage_imports", sa.Column("quantity", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute("ALTER TABLE usage_imports DISABLE TRIGGER usage_imports_append_only")
    op.execute(f"UPDATE usage_imports i SET kind = {_KIND}, quantity = {_QUANTITY}")  # noqa: S608
    op.execute("ALTER TABLE usage_imports ENABLE TRIGGER usage_imports_append_only")
    for column in ("round", "kind", "not_billable", "quantity"):
        op.alter_column("usage_imports", column, server_default=None)
    op.create_foreign_key(
        "fk_usage_imports_source_id_usage_sources", "usage_imports", "usage_sources", ["source_id"], ["id"]
    )
    op.drop_constraint("uq_usage_imports_agreement_id_sha256", "usage_imports")
    op.create_unique_constraint(
        "uq_usage_imports_agreement_id_sha256_round", "usage_imports", ["agreement_id", "sha256", "round"]
    )


def _narrow_imports() -> None:
    op.execute("ALTER TABLE usage_imports DISABLE TRIGGER usage_imports_append_only")
    op.execute("UPDATE usage_imports SET sha256 = sha256 || ':' || round WHERE round > 0")
    op.execute("ALTER TABLE usage_imports ENABLE TRIGGER usage_imports_append_only")
    op.drop_constraint("uq_usage_imports_agreement_id_sha256_round", "usage_imports")
    op.create_unique_constraint("uq_usage_imports_agreement_id_sha256", "usage_imports", ["agreement_id", "sha256"])
    op.drop_constraint("fk_usage_imports_source_id_usage_sources", "usage_imports")
    for column in ("round", "kind", "source_id", "not_billable", "quantity"):
        op.drop_column("usage_imports", column)


def _rebuild_imports() -> None:
    """SQLite changes no constraint in place: the rows move to a table of the same name, entries pointing at it on.

    The check of those pointers waits for the commit, when the rows stand under their numbers again.
    """
    op.execute("PRAGMA defer_foreign_keys=ON")
    op.execute("CREATE TABLE usage_imports_before AS SELECT * FROM usage_imports")
    op.drop_table("usage_imports")
    steps.create_fact_table(
        "usage_imports",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("sha256", sa.String(200), nullable=False),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("filename", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(200), nullable=False),
        sa.Column("source_id", steps.ROW_ID, nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.Column("not_billable", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name="fk_usage_imports_agreement_id_agreements"),
        sa.ForeignKeyConstraint(["source_id"], ["usage_sources.id"], name="fk_usage_imports_source_id_usage_sources"),
        sa.UniqueConstraint("agreement_id", "sha256", "round", name="uq_usage_imports_agreement_id_sha256_round"),
    )
    op.execute(
        f"INSERT INTO usage_imports ({_BEFORE}, round, kind, not_billable, quantity) "  # noqa: S608
        f"SELECT {_BEFORE}, 0, {_KIND}, 0, {_QUANTITY} FROM usage_imports_before i"
    )
    op.drop_table("usage_imports_before")


def _rebuild_narrow_imports() -> None:
    op.execute("PRAGMA defer_foreign_keys=ON")
    op.execute("CREATE TABLE usage_imports_before AS SELECT * FROM usage_imports")
    op.drop_table("usage_imports")
    steps.create_fact_table(
        "usage_imports",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("sha256", sa.String(200), nullable=False),
        sa.Column("filename", sa.String(200), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name="fk_usage_imports_agreement_id_agreements"),
        sa.UniqueConstraint("agreement_id", "sha256", name="uq_usage_imports_agreement_id_sha256"),
    )
    plain = _BEFORE.replace(" sha256,", " CASE round WHEN 0 THEN sha256 ELSE sha256 || ':' || round END,")
    op.execute(f"INSERT INTO usage_imports ({_BEFORE}) SELECT {plain} FROM usage_imports_before")  # noqa: S608
    op.drop_table("usage_imports_before")
