"""Usage files that wait for their reading, check and confirmation; they are work in hand and go away, they are no facts."""

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "usage_uploads",
        sa.Column("id", steps.ROW_ID, nullable=False),
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("filename", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(200), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("present", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(200), nullable=True),
        sa.Column("reading", sa.JSON(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("job_id", steps.ROW_ID, nullable=True),
        sa.Column("import_id", steps.ROW_ID, nullable=True),
        sa.Column("outcome", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name="fk_usage_uploads_agreement_id_agreements"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_usage_uploads_job_id_jobs"),
        sa.ForeignKeyConstraint(["import_id"], ["usage_imports.id"], name="fk_usage_uploads_import_id_usage_imports"),
        sa.PrimaryKeyConstraint("id", name="pk_usage_uploads"),
    )
    op.create_index("ix_usage_uploads_created_by_id", "usage_uploads", ["created_by", "id"])
    op.create_table(
        "usage_upload_parts",
        sa.Column("upload_id", steps.ROW_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["usage_uploads.id"], name="fk_usage_upload_parts_upload_id_usage_uploads"
        ),
        sa.PrimaryKeyConstraint("upload_id", "number", name="pk_usage_upload_parts"),
    )


def downgrade() -> None:
    op.drop_table("usage_upload_parts")
    op.drop_index("ix_usage_uploads_created_by_id", "usage_uploads")
    op.drop_table("usage_uploads")
