"""Sign-in sessions, so that signing out ends one on the server too."""

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_fact_table(
        "session_events",
        sa.Column("person_id", steps.ROW_ID, nullable=False),
        sa.Column("key_hash", sa.String(200), nullable=False),
        sa.Column("event", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_session_events_person_id_people"),
        sa.UniqueConstraint("key_hash", "event", name="uq_session_events_key_hash_event"),
        sa.CheckConstraint("event IN ('begun', 'ended')", name="ck_session_events_event_known"),
    )
    op.create_index("ix_session_events_person_id", "session_events", ["person_id"])


def downgrade() -> None:
    steps.drop_fact_tables("session_events")
