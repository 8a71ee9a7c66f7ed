"""Index clauses, index values as published, and requests for adjustment with their course."""

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_fact_table(
        "index_clauses",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("index_name", sa.String(200), nullable=False),
        sa.Column("table_code", sa.String(200), nullable=False),
        sa.Column("series", sa.String(200), nullable=False),
        sa.Column("reading", sa.String(200), nullable=False),
        sa.Column("base_month", sa.Date(), nullable=True),
        sa.Column("comparison_month", sa.Integer(), nullable=False),
        sa.Column("average_months", sa.Integer(), nullable=False),
        sa.Column("share", sa.String(40), nullable=False),
        sa.Column("floor", sa.String(40), nullable=True),
        sa.Column("cap", sa.String(40), nullable=True),
        sa.Column("limits_on", sa.String(200), nullable=False),
        sa.Column("symmetric", sa.Boolean(), nullable=False),
        sa.Column("first_effective", sa.Date(), nullable=False),
        sa.Column("notice", sa.Integer(), nullable=False),
        sa.Column("notice_unit", sa.String(200), nullable=False),
        sa.Column("clause", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name="fk_index_clauses_agreement_id_agreements"),
        revisable=True,
    )
    op.create_index("ix_index_clauses_agreement_id", "index_clauses", ["agreement_id"])
    steps.create_fact_table(
        "index_value_imports",
        sa.Column("sha256", sa.String(200), nullable=False),
        sa.Column("read_as", sa.String(200), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("filename", sa.String(200), nullable=False),
        sa.Column("retrieved_on", sa.Date(), nullable=False),
        sa.Column("value_count", sa.Integer(), nullable=False),
        sa.Column("new_count", sa.Integer(), nullable=False),
        sa.Column("revised_count", sa.Integer(), nullable=False),
        sa.UniqueConstraint("sha256", "read_as", name="uq_index_value_imports_sha256_read_as"),
    )
    steps.create_fact_table(
        "index_values",
        sa.Column("import_id", steps.ROW_ID, nullable=False),
        sa.Column("table_code", sa.String(200), nullable=False),
        sa.Column("series", sa.String(200), nullable=False),
        sa.Column("base_year", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("value", sa.String(40), nullable=False),
        sa.Column("retrieved_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["index_value_imports.id"], name="fk_index_values_import_id_index_value_imports"
        ),
        sa.UniqueConstraint(
            "table_code",
            "series",
            "base_year",
            "month",
            "retrieved_on",
            name="uq_index_values_table_code_series_base_year_month_retrieved_on",
        ),
    )
    op.create_index("ix_index_values_table_code_series_month", "index_values", ["table_code", "series", "month"])
    steps.create_fact_table(
        "index_requests",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("clause_id", steps.ROW_ID, nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("requested_on", sa.Date(), nullable=False),
        sa.Column("deadline_on", sa.Date(), nullable=False),
        sa.Column("base_year", sa.Integer(), nullable=False),
        sa.Column("used", sa.JSON(), nullable=False),
        sa.Column("base_value", sa.String(40), nullable=False),
        sa.Column("current_value", sa.String(40), nullable=False),
        sa.Column("index_change", sa.String(40), nullable=False),
        sa.Column("price_change", sa.String(40), nullable=False),
        sa.Column("limited", sa.String(200), nullable=True),
        sa.Column("exact_factor", sa.String(40), nullable=False),
        sa.Column("factor", sa.String(40), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name="fk_index_requests_agreement_id_agreements"),
        sa.ForeignKeyConstraint(["clause_id"], ["index_clauses.id"], name="fk_index_requests_clause_id_index_clauses"),
    )
    op.create_index("ix_index_requests_agreement_id", "index_requests", ["agreement_id"])
    steps.create_fact_table(
        "index_request_states",
        sa.Column("request_id", steps.ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(200), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(1000), nullable=False),
        sa.Column("adjustment_id", steps.ROW_ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"], ["index_requests.id"], name="fk_index_request_states_request_id_index_requests"
        ),
        sa.ForeignKeyConstraint(
            ["adjustment_id"], ["index_adjustments.id"], name="fk_index_request_states_adjustment_id_index_adjustments"
        ),
        sa.UniqueConstraint("request_id", "position", name="uq_index_request_states_request_id_position"),
        sa.CheckConstraint(
            "(position = 0 AND state IN ('requested', 'lapsed')) OR "
            "(position = 1 AND state IN ('approved', 'declined'))",
            name="ck_index_request_states_course",
        ),
        sa.CheckConstraint(
            "(state = 'approved') = (adjustment_id IS NOT NULL)",
            name="ck_index_request_states_approved_is_in_the_book",
        ),
    )
    op.create_index("ix_index_request_states_request_id", "index_request_states", ["request_id"])


def downgrade() -> None:
    steps.drop_fact_tables(
        "index_request_states", "index_requests", "index_values", "index_value_imports", "index_clauses"
    )
