"""Price-book versions with their charges, conventions and index adjustments."""

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_fact_table(
        "price_book_conventions",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreements.id"], name="fk_price_book_conventions_agreement_id_agreements"
        ),
        revisable=True,
    )
    op.create_index("ix_price_book_conventions_agreement_id", "price_book_conventions", ["agreement_id"])
    steps.create_fact_table(
        "price_book_versions",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("clause", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreements.id"], name="fk_price_book_versions_agreement_id_agreements"
        ),
        revisable=True,
    )
    op.create_index("ix_price_book_versions_agreement_id", "price_book_versions", ["agreement_id"])
    steps.create_fact_table(
        "price_book_charges",
        sa.Column("version_id", steps.ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(200), nullable=False),
        sa.Column("clause", sa.String(200), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["price_book_versions.id"], name="fk_price_book_charges_version_id_price_book_versions"
        ),
        sa.UniqueConstraint("version_id", "code", name="uq_price_book_charges_version_id_code"),
        sa.UniqueConstraint("version_id", "position", name="uq_price_book_charges_version_id_position"),
    )
    op.create_index("ix_price_book_charges_version_id", "price_book_charges", ["version_id"])
    steps.create_fact_table(
        "index_adjustments",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("factor", sa.String(40), nullable=False),
        sa.Column("clause", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreements.id"], name="fk_index_adjustments_agreement_id_agreements"
        ),
        revisable=True,
    )
    op.create_index("ix_index_adjustments_agreement_id", "index_adjustments", ["agreement_id"])


def downgrade() -> None:
    steps.drop_fact_tables("index_adjustments", "price_book_charges", "price_book_versions", "price_book_conventions")
