"""Amendments of an agreement with their course, moved option deadlines, and how early an extension is to be notified."""

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_fact_table(
        "amendments",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(200), nullable=False),
        sa.Column("basis", sa.String(200), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.Column("clause", sa.String(200), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("value_change", sa.BigInteger(), nullable=True),
        sa.Column("original_value", sa.BigInteger(), nullable=True),
        sa.Column("new_maximum", sa.BigInteger(), nullable=True),
        sa.Column("new_end", sa.Date(), nullable=True),
        sa.Column("extension_from", sa.Date(), nullable=True),
        sa.Column("options_until", sa.Date(), nullable=True),
        sa.Column("terms_id", steps.ROW_ID, nullable=False),
        *_points("amendments", agreement_id="agreements", terms_id="agreement_terms"),
        sa.UniqueConstraint("agreement_id", "number", name="uq_amendments_agreement_id_number"),
        sa.CheckConstraint("kind IN ('extension', 'change', 'termination')", name="ck_amendments_kind_known"),
        sa.CheckConstraint(
            "basis IN ('clause', 'minor', 'supplementary', 'unforeseen', 'supplier_change', 'not_substantial')",
            name="ck_amendments_basis_known",
        ),
    )
    steps.create_fact_table(
        "amendment_states",
        sa.Column("amendment_id", steps.ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(200), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
        *_points("amendment_states", amendment_id="amendments"),
        sa.UniqueConstraint("amendment_id", "position", name="uq_amendment_states_amendment_id_position"),
        sa.CheckConstraint(
            "(position = 0 AND state = 'drafted') OR (position = 1 AND state IN ('approved', 'rejected', 'withdrawn'))"
            " OR (position = 2 AND state = 'announced')",
            name="ck_amendment_states_course",
        ),
    )
    steps.create_fact_table(
        "option_deadlines",
        sa.Column("option_id", steps.ROW_ID, nullable=False),
        sa.Column("deadline_on", sa.Date(), nullable=False),
        sa.Column("amendment_id", steps.ROW_ID, nullable=False),
        *_points("option_deadlines", option_id="options", amendment_id="amendments"),
    )
    op.create_index("ix_option_deadlines_option_id", "option_deadlines", ["option_id"])
    op.add_column("agreement_extensions", sa.Column("notice_months", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("agreement_extensions", "notice_months")
    steps.drop_fact_tables("option_deadlines", "amendment_states", "amendments")


def _points(table: str, **columns: str) -> tuple[sa.ForeignKeyConstraint, ...]:
    return tuple(
        sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}_{other}")
        for column, other in columns.items()
    )
