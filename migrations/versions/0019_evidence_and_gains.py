"""Evidence and scores of the catalogue, and the gains that a case expects and that are observed later."""

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_fact_table(
        "algorithm_descriptions",
        sa.Column("algorithm_id", steps.ROW_ID, nullable=False),
        sa.Column("intended_use", sa.String(2000), nullable=False),
        sa.Column("organ", sa.String(200), nullable=False),
        sa.Column("function", sa.String(200), nullable=False),
        sa.Column("limitations", sa.String(2000), nullable=False),
        *_points("algorithm_descriptions", algorithm_id="algorithms"),
        revisable=True,
    )
    op.create_index("ix_algorithm_descriptions_algorithm_id", "algorithm_descriptions", ["algorithm_id"])
    steps.create_fact_table(
        "algorithm_versions",
        sa.Column("algorithm_id", steps.ROW_ID, nullable=False),
        sa.Column("version", sa.String(200), nullable=False),
        sa.Column("released_on", sa.Date(), nullable=False),
        sa.Column("note", sa.String(2000), nullable=False),
        *_points("algorithm_versions", algorithm_id="algorithms"),
        sa.UniqueConstraint("algorithm_id", "version", name="uq_algorithm_versions_algorithm_id_version"),
    )
    steps.create_fact_table(
        "evidence_references",
        sa.Column("algorithm_id", steps.ROW_ID, nullable=False),
        sa.Column("kind", sa.String(200), nullable=False),
        sa.Column("authors", sa.String(500), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("journal", sa.String(200), nullable=False),
        sa.Column("doi", sa.String(200), nullable=False),
        sa.Column("design", sa.String(200), nullable=False),
        sa.Column("participants", sa.Integer(), nullable=True),
        sa.Column("independent", sa.Boolean(), nullable=True),
        sa.Column("peer_reviewed", sa.Boolean(), nullable=True),
        sa.CheckConstraint("kind IN ('validation', 'clinical')", name="ck_evidence_references_kind_known"),
        *_points("evidence_references", algorithm_id="algorithms"),
        revisable=True,
    )
    op.create_index("ix_evidence_references_algorithm_id", "evidence_references", ["algorithm_id"])
    steps.create_fact_table(
        "need_scores",
        sa.Column("algorithm_id", steps.ROW_ID, nullable=False),
        sa.Column("criterion", sa.String(200), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.CheckConstraint("score BETWEEN 1 AND 5", name="ck_need_scores_score_in_range"),
        *_points("need_scores", algorithm_id="algorithms"),
        revisable=True,
    )
    op.create_index("ix_need_scores_algorithm_id", "need_scores", ["algorithm_id"])
    steps.create_fact_table(
        "expected_gains",
        sa.Column("case_id", steps.ROW_ID, nullable=False),
        sa.Column("kind", sa.String(200), nullable=False),
        sa.Column("description", sa.String(500), nullable=False),
        sa.Column("per_examination", sa.String(40), nullable=True),
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.String(500), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.CheckConstraint("kind IN ('minutes', 'waiting', 'quality')", name="ck_expected_gains_kind_known"),
        *_points("expected_gains", case_id="workflow_cases"),
        revisable=True,
    )
    op.create_index("ix_expected_gains_case_id", "expected_gains", ["case_id"])
    steps.create_fact_table(
        "observed_gains",
        sa.Column("gain_id", steps.ROW_ID, nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=False),
        sa.Column("per_examination", sa.String(40), nullable=True),
        sa.Column("note", sa.String(2000), nullable=False),
        sa.CheckConstraint("from_on < to_on", name="ck_observed_gains_period_is_not_empty"),
        *_points("observed_gains", gain_id="expected_gains"),
    )
    op.create_index("ix_observed_gains_gain_id", "observed_gains", ["gain_id"])


def downgrade() -> None:
    steps.drop_fact_tables(
        "observed_gains",
        "expected_gains",
        "need_scores",
        "evidence_references",
        "algorithm_versions",
        "algorithm_descriptions",
    )


def _points(table: str, **columns: str) -> tuple[sa.ForeignKeyConstraint, ...]:
    return tuple(
        sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}_{target}")
        for column, target in columns.items()
    )
