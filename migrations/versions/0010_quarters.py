"""Documents with titles and versions, closed quarters, corrections with their evidence."""

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_fact_table(
        "titled_documents",
        sa.Column("kind", sa.String(200), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("trust_id", steps.ROW_ID, nullable=True),
        sa.ForeignKeyConstraint(["trust_id"], ["organisations.id"], name="fk_titled_documents_trust_id_organisations"),
    )
    op.create_index("ix_titled_documents_subject", "titled_documents", ["subject"])
    op.create_index("ix_titled_documents_trust_id", "titled_documents", ["trust_id"])
    steps.create_fact_table(
        "document_versions",
        sa.Column("titled_document_id", steps.ROW_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("document_id", steps.ROW_ID, nullable=False),
        sa.Column("filename", sa.String(200), nullable=False),
        sa.Column("media_type", sa.String(200), nullable=False),
        sa.Column("note", sa.String(200), nullable=True),
        sa.ForeignKeyConstraint(
            ["titled_document_id"],
            ["titled_documents.id"],
            name="fk_document_versions_titled_document_id_titled_documents",
        ),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name="fk_document_versions_document_id_documents"),
        sa.UniqueConstraint("titled_document_id", "number", name="uq_document_versions_titled_document_id_number"),
    )
    op.create_index("ix_document_versions_document_id", "document_versions", ["document_id"])
    steps.create_fact_table(
        "quarter_closings",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("quarter", sa.String(200), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("document_id", steps.ROW_ID, nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("correction_mark", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreements.id"], name="fk_quarter_closings_agreement_id_agreements"
        ),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name="fk_quarter_closings_document_id_documents"),
        sa.UniqueConstraint("agreement_id", "quarter", "run", name="uq_quarter_closings_agreement_id_quarter_run"),
    )
    op.create_index("ix_quarter_closings_document_id", "quarter_closings", ["document_id"])
    steps.create_fact_table(
        "quarter_reopenings",
        sa.Column("closing_id", steps.ROW_ID, nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(
            ["closing_id"], ["quarter_closings.id"], name="fk_quarter_reopenings_closing_id_quarter_closings"
        ),
        sa.UniqueConstraint("closing_id", name="uq_quarter_reopenings_closing_id"),
    )
    steps.create_fact_table(
        "usage_corrections",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("kind", sa.String(200), nullable=False),
        sa.Column("trust_id", steps.ROW_ID, nullable=False),
        sa.Column("algorithm_id", steps.ROW_ID, nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("reason_code", sa.String(200), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("effect", sa.BigInteger(), nullable=False),
        sa.Column("evidence_id", steps.ROW_ID, nullable=True),
        sa.Column("evidence_version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreements.id"], name="fk_usage_corrections_agreement_id_agreements"
        ),
        sa.ForeignKeyConstraint(["trust_id"], ["organisations.id"], name="fk_usage_corrections_trust_id_organisations"),
        sa.ForeignKeyConstraint(
            ["algorithm_id"], ["algorithms.id"], name="fk_usage_corrections_algorithm_id_algorithms"
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["titled_documents.id"], name="fk_usage_corrections_evidence_id_titled_documents"
        ),
    )
    op.create_index(
        "ix_usage_corrections_cell", "usage_corrections", ["agreement_id", "on_date", "trust_id", "algorithm_id"]
    )
    op.create_index("ix_usage_corrections_evidence_id", "usage_corrections", ["evidence_id"])


def downgrade() -> None:
    steps.drop_fact_tables(
        "usage_corrections", "quarter_reopenings", "quarter_closings", "document_versions", "titled_documents"
    )
