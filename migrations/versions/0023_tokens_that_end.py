"""Tokens that end: their last instant, what narrows them, other secrets, revocations, and when each was last used."""

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_fact_table(
        "token_terms",
        sa.Column("token_id", steps.ROW_ID, nullable=False),
        sa.Column("secret_hash", sa.String(200), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acts", sa.String(2000), nullable=False),
        sa.Column("former_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.id"], name="fk_token_terms_token_id_tokens"),
    )
    op.create_index("ix_token_terms_token_id", "token_terms", ["token_id"])
    steps.create_fact_table(
        "token_revocations",
        sa.Column("token_id", steps.ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.id"], name="fk_token_revocations_token_id_tokens"),
        sa.UniqueConstraint("token_id", name="uq_token_revocations_token_id"),
    )
    op.create_table(
        "token_uses",
        sa.Column("token_id", steps.ROW_ID, nullable=False, autoincrement=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.id"], name="fk_token_uses_token_id_tokens"),
        sa.PrimaryKeyConstraint("token_id", name="pk_token_uses"),
    )


def downgrade() -> None:
    op.drop_table("token_uses")
    steps.drop_fact_tables("token_revocations", "token_terms")
