"""Usage imports and daily entries."""

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
    steps.create_fact_table(
        "usage_entries",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("trust_id", steps.ROW_ID, nullable=False),
        sa.Column("algorithm_id", steps.ROW_ID, nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("import_id", steps.ROW_ID, nullable=True),
        sa.Column("reason", sa.String(200), nullable=True),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name="fk_usage_entries_agreement_id_agreements"),
        sa.ForeignKeyConstraint(["algorithm_id"], ["algorithms.id"], name="fk_usage_entries_algorithm_id_algorithms"),
        sa.ForeignKeyConstraint(["import_id"], ["usage_imports.id"], name="fk_usage_entries_import_id_usage_imports"),
        sa.ForeignKeyConstraint(["trust_id"], ["organisations.id"], name="fk_usage_entries_trust_id_organisations"),
    )
    op.create_index("ix_usage_entries_cell", "usage_entries", ["agreement_id", "trust_id", "algorithm_id", "on_date"])
    op.create_index("ix_usage_entries_import_id", "usage_entries", ["import_id"])


def downgrade() -> None:
    steps.drop_fact_tables("usage_entries", "usage_imports")
