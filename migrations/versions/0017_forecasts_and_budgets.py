"""Budgets by month, and forecasts frozen when they were made."""

import sqlalchemy as sa

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
        sa.CheckConstraint("kind IN ('quarter_close', 'month', 'by_hand')", name="ck_forecast_vintages_kind_known"),
        *_points("forecast_vintages", agreement_id="agreements"),
        sa.UniqueConstraint(
            "agreement_id", "first_month", "kind", name="uq_forecast_vintages_agreement_id_first_month_kind"
        ),
    )


def downgrade() -> None:
    steps.drop_fact_tables("forecast_vintages", "budget_months")


def _points(table: str, **columns: str) -> tuple[sa.ForeignKeyConstraint, ...]:
    return tuple(
        sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}_{target}")
        for column, target in columns.items()
    )
