"""Saved scenarios: their revisions, which never change, and the answer that each was given once."""

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_fact_table(
        "scenarios",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("code", sa.String(200), nullable=False),
        sa.Column("trust_id", steps.ROW_ID, nullable=True),
        *_points("scenarios", agreement_id="agreements", trust_id="organisations"),
        sa.UniqueConstraint("code", name="uq_scenarios_code"),
    )
    op.create_index("ix_scenarios_agreement_id", "scenarios", ["agreement_id"])
    steps.create_fact_table(
        "scenario_revisions",
        sa.Column("scenario_id", steps.ROW_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("today", sa.Date(), nullable=False),
        sa.Column("engine", sa.String(200), nullable=False),
        *_points("scenario_revisions", scenario_id="scenarios"),
        sa.UniqueConstraint("scenario_id", "number", name="uq_scenario_revisions_scenario_id_number"),
    )
    steps.create_fact_table(
        "scenario_answers",
        sa.Column("revision_id", steps.ROW_ID, nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(200), nullable=False),
        *_points("scenario_answers", revision_id="scenario_revisions"),
        sa.UniqueConstraint("revision_id", name="uq_scenario_answers_revision_id"),
    )


def downgrade() -> None:
    steps.drop_fact_tables("scenario_answers", "scenario_revisions", "scenarios")


def _points(table: str, **columns: str) -> tuple[sa.ForeignKeyConstraint, ...]:
    return tuple(
        sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}_{other}")
        for column, other in columns.items()
    )
