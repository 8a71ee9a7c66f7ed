"""What acts on a whole agreement cost to its end: who approved them told of it, who let them go over, which vendor follows."""

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_fact_table(
        "act_overrides",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("content", sa.String(200), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.Column("codes", sa.JSON(), nullable=False),
        sa.Column("effect", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name="fk_act_overrides_agreement_id_agreements"),
    )
    op.create_index("ix_act_overrides_agreement_id", "act_overrides", ["agreement_id"])
    steps.create_fact_table(
        "act_approvals",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("content", sa.String(200), nullable=False),
        sa.Column("principal", sa.String(200), nullable=False),
        sa.Column("comment", sa.String(2000), nullable=False),
        sa.Column("override_id", steps.ROW_ID, nullable=True),
        sa.Column("effect", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name="fk_act_approvals_agreement_id_agreements"),
        sa.ForeignKeyConstraint(
            ["override_id"], ["act_overrides.id"], name="fk_act_approvals_override_id_act_overrides"
        ),
    )
    op.create_index("ix_act_approvals_agreement_id", "act_approvals", ["agreement_id"])
    for column in ("vendor_name", "vendor_number"):
        op.add_column("amendments", sa.Column(column, sa.String(200), nullable=False, server_default=""))


def downgrade() -> None:
    for column in ("vendor_number", "vendor_name"):
        op.drop_column("amendments", column)
    steps.drop_fact_tables("act_approvals", "act_overrides")
