"""Index clauses that one person proposes and another decides on."""

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_fact_table(
        "index_clause_proposals",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("former_id", steps.ROW_ID, nullable=True),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreements.id"], name="fk_index_clause_proposals_agreement_id_agreements"
        ),
        sa.ForeignKeyConstraint(
            ["former_id"], ["index_clauses.id"], name="fk_index_clause_proposals_former_id_index_clauses"
        ),
    )
    op.create_index("ix_index_clause_proposals_agreement_id", "index_clause_proposals", ["agreement_id"])
    steps.create_fact_table(
        "index_clause_decisions",
        sa.Column("proposal_id", steps.ROW_ID, nullable=False),
        sa.Column("decision", sa.String(200), nullable=False),
        sa.Column("reason", sa.String(1000), nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal_id"],
            ["index_clause_proposals.id"],
            name="fk_index_clause_decisions_proposal_id_index_clause_proposals",
        ),
        sa.UniqueConstraint("proposal_id", name="uq_index_clause_decisions_proposal_id"),
        sa.CheckConstraint("decision IN ('approved', 'declined')", name="ck_index_clause_decisions_decision_known"),
    )


def downgrade() -> None:
    steps.drop_fact_tables("index_clause_decisions", "index_clause_proposals")
