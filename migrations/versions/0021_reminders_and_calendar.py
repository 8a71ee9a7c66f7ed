"""Deadlines as they were seen, reminders of them, messages with their sendings, and people's calendar links."""

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_fact_table(
        "deadline_sightings",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("content", sa.String(200), nullable=False),
        *_points("deadline_sightings", agreement_id="agreements"),
        sa.UniqueConstraint(
            "agreement_id", "source", "key", "sequence", name="uq_deadline_sightings_agreement_id_source_key_sequence"
        ),
    )
    steps.create_fact_table(
        "reminders",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("passed_over", sa.Boolean(), nullable=False),
        sa.Column("code", sa.String(200), nullable=False),
        sa.Column("clause", sa.String(200), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        *_points("reminders", agreement_id="agreements"),
        sa.UniqueConstraint(
            "agreement_id", "source", "key", "due_on", "step", name="uq_reminders_agreement_id_source_key_due_on_step"
        ),
    )
    steps.create_fact_table(
        "outbox_messages",
        sa.Column("key", sa.String(400), nullable=False),
        sa.Column("message_id", sa.String(200), nullable=False),
        sa.Column("person_id", steps.ROW_ID, nullable=False),
        sa.Column("address", sa.String(200), nullable=False),
        sa.Column("subject", sa.String(400), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("reminder_id", steps.ROW_ID, nullable=True),
        *_points("outbox_messages", person_id="people", reminder_id="reminders"),
        sa.UniqueConstraint("key", name="uq_outbox_messages_key"),
        sa.UniqueConstraint("message_id", name="uq_outbox_messages_message_id"),
    )
    op.create_index("ix_outbox_messages_reminder_id", "outbox_messages", ["reminder_id"])
    op.create_index("ix_outbox_messages_person_id", "outbox_messages", ["person_id"])
    steps.create_fact_table(
        "outbox_sendings",
        sa.Column("message_id", steps.ROW_ID, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        *_points("outbox_sendings", message_id="outbox_messages"),
        sa.UniqueConstraint("message_id", "attempt", name="uq_outbox_sendings_message_id_attempt"),
        sa.CheckConstraint("attempt > 0", name="ck_outbox_sendings_counted_from_one"),
    )
    steps.create_fact_table(
        "outbox_outcomes",
        sa.Column("sending_id", steps.ROW_ID, nullable=False),
        sa.Column("outcome", sa.String(200), nullable=False),
        sa.Column("detail", sa.String(400), nullable=False),
        *_points("outbox_outcomes", sending_id="outbox_sendings"),
        sa.UniqueConstraint("sending_id", name="uq_outbox_outcomes_sending_id"),
        sa.CheckConstraint("outcome IN ('sent', 'refused', 'failed')", name="ck_outbox_outcomes_outcome_known"),
    )
    steps.create_fact_table(
        "calendar_links",
        sa.Column("person_id", steps.ROW_ID, nullable=False),
        sa.Column("secret_hash", sa.String(200), nullable=False),
        sa.Column("language", sa.String(200), nullable=False),
        *_points("calendar_links", person_id="people"),
        revisable=True,
    )
    op.create_index("ix_calendar_links_person_id", "calendar_links", ["person_id"])
    op.create_index("ix_calendar_links_secret_hash", "calendar_links", ["secret_hash"])


def downgrade() -> None:
    steps.drop_fact_tables(
        "calendar_links",
        "outbox_outcomes",
        "outbox_sendings",
        "outbox_messages",
        "reminders",
        "deadline_sightings",
    )


def _points(table: str, **columns: str) -> tuple[sa.ForeignKeyConstraint, ...]:
    return tuple(
        sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}_{other}")
        for column, other in columns.items()
    )
