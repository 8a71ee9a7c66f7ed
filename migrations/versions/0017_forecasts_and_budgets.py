"""Budgets by month, forecasts frozen when they were made, and steps found in the counts."""

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_fact_table(
        "budget_months",
        sa.Column("budget_id", steps.ROW_ID, nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("month BETWEEN 1 AND 12", name="ck_budget_months_month_of_year"),
        *_points("budget_months", budget_id="budgets"),
        sa.UniqueConstraint("budget_id", "month", name="uq_budget_months_budget_id_month"),
    )
    steps.create_fact_table(
        "forecast_vintages",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("kind", sa.String(200), nullable=False),
        sa.Column("first_month", sa.Date(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("data_until", sa.Date(), nullable=False),
        sa.Column("method", sa.String(200), nullable=False),
        sa.Column("forecast", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(200), nullable=False),
        sa.CheckConstraint(
            "kind IN ('quarter_close', 'month', 'by_hand')", name="ck_forecast_vintages_kind_known"
        ),
        *_points("forecast_vintages", agreement_id="agreements"),
        sa.UniqueConstraint(
            "agreement_id", "first_month", "kind", name="uq_forecast_vintages_agreement_id_first_month_kind"
        ),
    )
    steps.create_fact_table(
        "usage_steps",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("trust_id", steps.ROW_ID, nullable=False),
        sa.Column("algorithm_id", steps.ROW_ID, nullable=False),
        sa.Column("found_on", sa.Date(), nullable=False),
        sa.Column("since_on", sa.Date(), nullable=False),
        sa.Column("before", sa.String(40), nullable=False),
        sa.Column("after", sa.String(40), nullable=False),
        sa.Column("change", sa.String(40), nullable=False),
        *_points("usage_steps", agreement_id="agreements", trust_id="organisations", algorithm_id="algorithms"),
        sa.UniqueConstraint(
            "agreement_id",
            "trust_id",
            "algorithm_id",
            "since_on",
            name="uq_usage_steps_agreement_id_trust_id_algorithm_id_since_on",
        ),
    )
    steps.create_fact_table(
        "usage_step_notes",
        sa.Column("step_id", steps.ROW_ID, nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("comment", sa.String(2000), nullable=False),
        *_points("usage_step_notes", step_id="usage_steps"),
    )
    op.create_index("ix_usage_step_notes_step_id", "usage_step_notes", ["step_id"])


def downgrade() -> None:
    steps.drop_fact_tables("usage_step_notes", "usage_steps", "forecast_vintages", "budget_months")


def _points(table: str, **columns: str) -> tuple[sa.ForeignKeyConstraint, ...]:
    return tuple(
        sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}_{target}")
        for column, target in columns.items()
    )
