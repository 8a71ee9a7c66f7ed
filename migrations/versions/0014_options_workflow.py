"""Workflow of options and activations, the ceiling's ledger, budgets, certificates, and the chain over the audit log."""

import sqlalchemy as sa
from alembic import op

from migrations import audit_chain, steps

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _cases()
    _decisions()
    _ceiling()
    _trail()
    _take_over()


def _cases() -> None:
    steps.create_fact_table(
        "workflow_cases",
        sa.Column("kind", sa.String(200), nullable=False),
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("trust_id", steps.ROW_ID, nullable=False),
        sa.Column("algorithm_id", steps.ROW_ID, nullable=True),
        sa.Column("option_id", steps.ROW_ID, nullable=True),
        sa.Column("taken_over_id", steps.ROW_ID, nullable=True),
        sa.CheckConstraint(
            "(kind = 'option' AND option_id IS NOT NULL AND algorithm_id IS NULL)"
            " OR (kind = 'activation' AND option_id IS NULL AND algorithm_id IS NOT NULL)",
            name="ck_workflow_cases_about_one_thing",
        ),
        *_points("workflow_cases", agreement_id="agreements", trust_id="organisations", algorithm_id="algorithms"),
        *_points("workflow_cases", option_id="options", taken_over_id="activations"),
        sa.UniqueConstraint("option_id", name="uq_workflow_cases_option_id"),
        sa.UniqueConstraint("taken_over_id", name="uq_workflow_cases_taken_over_id"),
    )
    op.create_index("ix_workflow_cases_agreement_id", "workflow_cases", ["agreement_id"])
    steps.create_fact_table(
        "workflow_plans",
        sa.Column("case_id", steps.ROW_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("monthly_quantity", sa.Integer(), nullable=False),
        sa.Column("intended_use", sa.String(2000), nullable=False),
        sa.CheckConstraint("ends_on IS NULL OR ends_on > starts_on", name="ck_workflow_plans_end_follows_start"),
        sa.CheckConstraint("monthly_quantity >= 0", name="ck_workflow_plans_quantity_not_negative"),
        *_points("workflow_plans", case_id="workflow_cases"),
        sa.UniqueConstraint("case_id", "number", name="uq_workflow_plans_case_id_number"),
    )
    steps.create_fact_table(
        "workflow_events",
        sa.Column("case_id", steps.ROW_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(200), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("state", sa.String(200), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("comment", sa.String(2000), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("option_state_id", steps.ROW_ID, nullable=True),
        sa.Column("activation_id", steps.ROW_ID, nullable=True),
        *_points(
            "workflow_events", case_id="workflow_cases", option_state_id="option_states", activation_id="activations"
        ),
        sa.UniqueConstraint("case_id", "number", name="uq_workflow_events_case_id_number"),
        sa.UniqueConstraint("option_state_id", name="uq_workflow_events_option_state_id"),
        sa.UniqueConstraint("activation_id", name="uq_workflow_events_activation_id"),
    )
    steps.create_fact_table(
        "dossier_entries",
        sa.Column("case_id", steps.ROW_ID, nullable=False),
        sa.Column("item", sa.String(200), nullable=False),
        sa.Column("status", sa.String(200), nullable=False),
        sa.Column("version_id", steps.ROW_ID, nullable=True),
        sa.Column("basis_id", steps.ROW_ID, nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("comment", sa.String(2000), nullable=False),
        *_points(
            "dossier_entries", case_id="workflow_cases", version_id="document_versions", basis_id="dossier_entries"
        ),
    )
    op.create_index("ix_dossier_entries_case_id_item", "dossier_entries", ["case_id", "item"])
    op.create_table(
        "activation_slots",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False, autoincrement=False),
        sa.Column("trust_id", steps.ROW_ID, nullable=False, autoincrement=False),
        sa.Column("algorithm_id", steps.ROW_ID, nullable=False, autoincrement=False),
        sa.Column("case_id", steps.ROW_ID, nullable=False),
        *_points("activation_slots", agreement_id="agreements", trust_id="organisations", algorithm_id="algorithms"),
        *_points("activation_slots", case_id="workflow_cases"),
        sa.PrimaryKeyConstraint("agreement_id", "trust_id", "algorithm_id", name="pk_activation_slots"),
        sa.UniqueConstraint("case_id", name="uq_activation_slots_case_id"),
    )


def _decisions() -> None:
    steps.create_fact_table(
        "workflow_submissions",
        sa.Column("event_id", steps.ROW_ID, nullable=False),
        sa.Column("case_id", steps.ROW_ID, nullable=False),
        sa.Column("plan_id", steps.ROW_ID, nullable=True),
        sa.Column("basis", sa.JSON(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=True),
        sa.Column("sha256", sa.String(200), nullable=False),
        *_points(
            "workflow_submissions", event_id="workflow_events", case_id="workflow_cases", plan_id="workflow_plans"
        ),
        sa.UniqueConstraint("event_id", name="uq_workflow_submissions_event_id"),
    )
    op.create_index("ix_workflow_submissions_case_id", "workflow_submissions", ["case_id"])
    steps.create_fact_table(
        "delegations",
        sa.Column("principal", sa.String(200), nullable=False),
        sa.Column("deputy", sa.String(200), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.CheckConstraint("from_on < to_on", name="ck_delegations_period_is_not_empty"),
        sa.CheckConstraint("principal <> deputy", name="ck_delegations_two_people"),
        revisable=True,
    )
    op.create_index("ix_delegations_principal", "delegations", ["principal"])
    op.create_index("ix_delegations_deputy", "delegations", ["deputy"])
    steps.create_fact_table(
        "approvals",
        sa.Column("case_id", steps.ROW_ID, nullable=False),
        sa.Column("submission_id", steps.ROW_ID, nullable=False),
        sa.Column("event_id", steps.ROW_ID, nullable=False),
        sa.Column("principal", sa.String(200), nullable=False),
        sa.Column("delegation_id", steps.ROW_ID, nullable=True),
        *_points("approvals", case_id="workflow_cases", submission_id="workflow_submissions"),
        *_points("approvals", event_id="workflow_events", delegation_id="delegations"),
        sa.UniqueConstraint("event_id", name="uq_approvals_event_id"),
        sa.UniqueConstraint("submission_id", "principal", name="uq_approvals_submission_id_principal"),
        sa.UniqueConstraint("submission_id", "recorded_by", name="uq_approvals_submission_id_recorded_by"),
    )
    op.create_index("ix_approvals_case_id", "approvals", ["case_id"])


def _ceiling() -> None:
    steps.create_fact_table(
        "ceiling_entries",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("kind", sa.String(200), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('opening', 'invoiced', 'accrued', 'committed')", name="ck_ceiling_entries_kind_known"
        ),
        *_points("ceiling_entries", agreement_id="agreements"),
    )
    op.create_index(
        "ix_ceiling_entries_agreement_id_kind_source", "ceiling_entries", ["agreement_id", "kind", "source"]
    )
    steps.create_fact_table(
        "ceiling_overrides",
        sa.Column("case_id", steps.ROW_ID, nullable=False),
        sa.Column("plan_id", steps.ROW_ID, nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.Column("request", sa.BigInteger(), nullable=False),
        sa.Column("headroom", sa.BigInteger(), nullable=False),
        *_points("ceiling_overrides", case_id="workflow_cases", plan_id="workflow_plans"),
    )
    op.create_index("ix_ceiling_overrides_case_id", "ceiling_overrides", ["case_id"])
    steps.create_fact_table(
        "ceiling_override_decisions",
        sa.Column("override_id", steps.ROW_ID, nullable=False),
        sa.Column("decision", sa.String(200), nullable=False),
        sa.Column("comment", sa.String(2000), nullable=False),
        sa.CheckConstraint("decision IN ('approved', 'declined')", name="ck_ceiling_override_decisions_decision_known"),
        *_points("ceiling_override_decisions", override_id="ceiling_overrides"),
        sa.UniqueConstraint("override_id", name="uq_ceiling_override_decisions_override_id"),
    )
    steps.create_fact_table(
        "budgets",
        sa.Column("trust_id", steps.ROW_ID, nullable=False),
        sa.Column("cost_centre", sa.String(200), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("approved_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.String(200), nullable=False),
        sa.CheckConstraint("amount >= 0", name="ck_budgets_amount_not_negative"),
        *_points("budgets", trust_id="organisations"),
        revisable=True,
    )
    op.create_index("ix_budgets_trust_id", "budgets", ["trust_id"])
    steps.create_fact_table(
        "certificates",
        sa.Column("algorithm_id", steps.ROW_ID, nullable=False),
        sa.Column("number", sa.String(200), nullable=False),
        sa.Column("notified_body", sa.String(200), nullable=False),
        sa.Column("ce_class", sa.String(200), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("research_only", sa.Boolean(), nullable=False),
        sa.CheckConstraint("valid_from <= expires_on", name="ck_certificates_period_is_not_empty"),
        *_points("certificates", algorithm_id="algorithms"),
        revisable=True,
    )
    op.create_index("ix_certificates_algorithm_id", "certificates", ["algorithm_id"])


def _trail() -> None:
    op.create_table(
        "audit_links",
        sa.Column("number", steps.ROW_ID, nullable=False, autoincrement=False),
        sa.Column("event_id", steps.ROW_ID, nullable=False),
        sa.Column("form", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(200), nullable=False),
        *_points("audit_links", event_id="audit_events"),
        sa.PrimaryKeyConstraint("number", name="pk_audit_links"),
        sa.UniqueConstraint("event_id", name="uq_audit_links_event_id"),
    )
    steps.forbid_changes("audit_links")
    steps.create_fact_table(
        "audit_anchors",
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(200), nullable=False),
        sa.UniqueConstraint("on_date", name="uq_audit_anchors_on_date"),
    )
    audit_chain.link_all(op.get_bind())


def _take_over() -> None:
    """Give each activation that runs or ran already a case, so that the workflow can go on from where it stands."""
    op.execute(
        "INSERT INTO workflow_cases (kind, agreement_id, trust_id, algorithm_id, taken_over_id, recorded_at, recorded_by)"
        " SELECT 'activation', agreement_id, trust_id, algorithm_id, id, recorded_at, recorded_by FROM activations"
        " WHERE supersedes_id IS NULL ORDER BY id"
    )


def _points(table: str, **columns: str) -> tuple[sa.ForeignKeyConstraint, ...]:
    return tuple(
        sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}_{target}")
        for column, target in columns.items()
    )


def downgrade() -> None:
    steps.drop_fact_tables("audit_anchors", "audit_links", "certificates", "budgets")
    steps.drop_fact_tables("ceiling_override_decisions", "ceiling_overrides", "ceiling_entries")
    steps.drop_fact_tables("approvals", "delegations", "workflow_submissions")
    op.drop_table("activation_slots")
    steps.drop_fact_tables("dossier_entries", "workflow_events", "workflow_plans", "workflow_cases")
