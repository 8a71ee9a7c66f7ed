"""What was foreseen of the ceiling, and when."""

import sqlalchemy as sa

from migrations import steps

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_fact_table(
        "ceiling_forecasts",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False, index=True),
        sa.Column("first_month", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("p10", sa.BigInteger(), nullable=False),
        sa.Column("p50", sa.BigInteger(), nullable=False),
        sa.Column("p90", sa.BigInteger(), nullable=False),
        sa.Column("levels", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreements.id"], name="fk_ceiling_forecasts_agreement_id_agreements"
        ),
    )


def downgrade() -> None:
    steps.drop_fact_tables("ceiling_forecasts")
