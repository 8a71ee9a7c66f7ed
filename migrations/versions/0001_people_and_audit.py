"""People, roles, tokens, settings and the audit log."""

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_append_only_function()
    steps.create_fact_table(
        "organisations",
        sa.Column("code", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("organisation_number", sa.String(200), nullable=False),
        sa.Column("region", sa.String(200), nullable=False),
        sa.UniqueConstraint("code", name="uq_organisations_code"),
        sa.UniqueConstraint("organisation_number", name="uq_organisations_organisation_number"),
    )
    steps.create_fact_table(
        "people",
        sa.Column("email", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=True),
        sa.Column("example", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("email", name="uq_people_email"),
    )
    steps.create_fact_table(
        "role_grants",
        sa.Column("person_id", steps.ROW_ID, nullable=False),
        sa.Column("role", sa.String(200), nullable=False),
        sa.Column("trust_id", steps.ROW_ID, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_role_grants_person_id_people"),
        sa.ForeignKeyConstraint(["trust_id"], ["organisations.id"], name="fk_role_grants_trust_id_organisations"),
        revisable=True,
    )
    op.create_index("ix_role_grants_person_id", "role_grants", ["person_id"])
    steps.create_fact_table(
        "tokens",
        sa.Column("public_id", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("secret_hash", sa.String(200), nullable=False),
        sa.Column("role", sa.String(200), nullable=False),
        sa.Column("trust_id", steps.ROW_ID, nullable=True),
        sa.ForeignKeyConstraint(["trust_id"], ["organisations.id"], name="fk_tokens_trust_id_organisations"),
        sa.UniqueConstraint("public_id", name="uq_tokens_public_id"),
    )
    steps.create_fact_table(
        "sign_in_attempts",
        sa.Column("email", sa.String(200), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_sign_in_attempts_email_recorded_at", "sign_in_attempts", ["email", "recorded_at"])
    steps.create_fact_table(
        "settings",
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("value", sa.String(200), nullable=False),
    )
    op.create_index("ix_settings_key_id", "settings", ["key", "id"])
    op.create_table(
        "idempotency_keys",
        sa.Column("principal", sa.String(200), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("request_hash", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("(status IS NULL) = (body IS NULL)", name="ck_idempotency_keys_answered_whole"),
        sa.PrimaryKeyConstraint("principal", "key", name="pk_idempotency_keys"),
    )
    steps.create_fact_table(
        "audit_events",
        sa.Column("action", sa.String(200), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
    )
    steps.create_fact_table(
        "documents",
        sa.Column("sha256", sa.String(200), nullable=False),
        sa.Column("filename", sa.String(200), nullable=False),
        sa.Column("media_type", sa.String(200), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.UniqueConstraint("sha256", name="uq_documents_sha256"),
    )


def downgrade() -> None:
    steps.drop_fact_tables(
        "documents", "audit_events", "settings", "sign_in_attempts", "tokens", "role_grants", "people", "organisations"
    )
    op.drop_table("idempotency_keys")
    steps.drop_append_only_function()
