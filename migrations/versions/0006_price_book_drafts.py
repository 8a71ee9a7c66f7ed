"""Drafts of price-book versions: their revisions and the events of their course."""

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_fact_table(
        "price_book_drafts",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("based_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreements.id"], name="fk_price_book_drafts_agreement_id_agreements"
        ),
    )
    op.create_index("ix_price_book_drafts_agreement_id", "price_book_drafts", ["agreement_id"])
    steps.create_fact_table(
        "price_book_draft_revisions",
        sa.Column("draft_id", steps.ROW_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("clause", sa.String(200), nullable=False),
        sa.Column("charges", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(2000), nullable=False),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["price_book_drafts.id"], name="fk_price_book_draft_revisions_draft_id_price_book_drafts"
        ),
        sa.UniqueConstraint("draft_id", "number", name="uq_price_book_draft_revisions_draft_id_number"),
    )
    steps.create_fact_table(
        "price_book_draft_events",
        sa.Column("draft_id", steps.ROW_ID, nullable=False),
        sa.Column("revision_id", steps.ROW_ID, nullable=False),
        sa.Column("event", sa.String(200), nullable=False),
        sa.Column("comment", sa.String(2000), nullable=False),
        sa.Column("version_id", steps.ROW_ID, nullable=True),
        sa.Column("consequence", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["price_book_drafts.id"], name="fk_price_book_draft_events_draft_id_price_book_drafts"
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["price_book_draft_revisions.id"],
            name="fk_price_book_draft_events_revision_id",
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["price_book_versions.id"],
            name="fk_price_book_draft_events_version_id_price_book_versions",
        ),
        sa.UniqueConstraint("version_id", name="uq_price_book_draft_events_version_id"),
    )
    op.create_index("ix_price_book_draft_events_draft_id", "price_book_draft_events", ["draft_id"])


def downgrade() -> None:
    steps.drop_fact_tables("price_book_draft_events", "price_book_draft_revisions", "price_book_drafts")
