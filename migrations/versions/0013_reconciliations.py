"""Reconciliations: runs, what a person decided, disputes and their course, sign-offs, tolerances."""

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

LONG = 2000


def upgrade() -> None:
    steps.create_fact_table(
        "reconciliation_runs",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("quarter", sa.String(200), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("document_id", steps.ROW_ID, nullable=False),
        sa.Column("charges_id", steps.ROW_ID, nullable=False),
        sa.Column("closing_run", sa.Integer(), nullable=True),
        sa.Column("expected", sa.BigInteger(), nullable=False),
        sa.Column("invoiced", sa.BigInteger(), nullable=False),
        sa.Column("unexplained", sa.BigInteger(), nullable=False),
        sa.Column("findings", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreements.id"], name="fk_reconciliation_runs_agreement_id_agreements"
        ),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name="fk_reconciliation_runs_document_id_documents"),
        sa.ForeignKeyConstraint(["charges_id"], ["documents.id"], name="fk_reconciliation_runs_charges_id_documents"),
        sa.UniqueConstraint(
            "agreement_id", "quarter", "number", name="uq_reconciliation_runs_agreement_id_quarter_number"
        ),
    )
    op.create_index("ix_reconciliation_runs_document_id", "reconciliation_runs", ["document_id"])
    op.create_index("ix_reconciliation_runs_charges_id", "reconciliation_runs", ["charges_id"])
    steps.create_fact_table(
        "reconciliation_reopenings",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("quarter", sa.String(200), nullable=False),
        sa.Column("run_id", steps.ROW_ID, nullable=False),
        sa.Column("reason", sa.String(LONG), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreements.id"], name="fk_reconciliation_reopenings_agreement_id_agreements"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["reconciliation_runs.id"], name="fk_reconciliation_reopenings_run_id_reconciliation_runs"
        ),
        sa.UniqueConstraint("run_id", name="uq_reconciliation_reopenings_run_id"),
    )
    op.create_index(
        "ix_reconciliation_reopenings_agreement_id_quarter", "reconciliation_reopenings", ["agreement_id", "quarter"]
    )
    steps.create_fact_table(
        "line_placings",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("invoice_id", steps.ROW_ID, nullable=False),
        sa.Column("line_id", sa.String(200), nullable=False),
        sa.Column("trust", sa.String(200), nullable=True),
        sa.Column("algorithm", sa.String(200), nullable=True),
        sa.Column("charge", sa.String(200), nullable=True),
        sa.Column("period", sa.String(200), nullable=True),
        sa.Column("comment", sa.String(LONG), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name="fk_line_placings_agreement_id_agreements"),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name="fk_line_placings_invoice_id_invoices"),
        revisable=True,
    )
    op.create_index("ix_line_placings_agreement_id", "line_placings", ["agreement_id"])
    op.create_index("ix_line_placings_invoice_id", "line_placings", ["invoice_id"])
    steps.create_fact_table(
        "finding_decisions",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("quarter", sa.String(200), nullable=False),
        sa.Column("finding", sa.String(200), nullable=False),
        sa.Column("code", sa.String(200), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("decision", sa.String(200), nullable=False),
        sa.Column("comment", sa.String(LONG), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreements.id"], name="fk_finding_decisions_agreement_id_agreements"
        ),
        revisable=True,
    )
    op.create_index("ix_finding_decisions_agreement_id_quarter", "finding_decisions", ["agreement_id", "quarter"])
    steps.create_fact_table(
        "disputes",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("quarter", sa.String(200), nullable=False),
        sa.Column("invoice_id", steps.ROW_ID, nullable=False),
        sa.Column("number", sa.String(200), nullable=False),
        sa.Column("wanted", sa.String(200), nullable=False),
        sa.Column("hold", sa.String(200), nullable=False),
        sa.Column("language", sa.String(200), nullable=False),
        sa.Column("reply_by", sa.Date(), nullable=False),
        sa.Column("message", sa.String(LONG), nullable=False),
        sa.Column("letter_id", steps.ROW_ID, nullable=False),
        sa.Column("evidence_id", steps.ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name="fk_disputes_agreement_id_agreements"),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name="fk_disputes_invoice_id_invoices"),
        sa.ForeignKeyConstraint(["letter_id"], ["documents.id"], name="fk_disputes_letter_id_documents"),
        sa.ForeignKeyConstraint(["evidence_id"], ["documents.id"], name="fk_disputes_evidence_id_documents"),
        sa.UniqueConstraint("agreement_id", "number", name="uq_disputes_agreement_id_number"),
    )
    op.create_index("ix_disputes_agreement_id_quarter", "disputes", ["agreement_id", "quarter"])
    op.create_index("ix_disputes_invoice_id", "disputes", ["invoice_id"])
    op.create_index("ix_disputes_letter_id", "disputes", ["letter_id"])
    op.create_index("ix_disputes_evidence_id", "disputes", ["evidence_id"])
    steps.create_fact_table(
        "disputed_findings",
        sa.Column("dispute_id", steps.ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("finding", sa.String(200), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["dispute_id"], ["disputes.id"], name="fk_disputed_findings_dispute_id_disputes"),
        sa.UniqueConstraint("dispute_id", "position", name="uq_disputed_findings_dispute_id_position"),
    )
    steps.create_fact_table(
        "dispute_events",
        sa.Column("dispute_id", steps.ROW_ID, nullable=False),
        sa.Column("kind", sa.String(200), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("status", sa.String(200), nullable=True),
        sa.Column("clarification", sa.String(200), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("on_next_invoice", sa.Boolean(), nullable=True),
        sa.Column("credit_note_id", steps.ROW_ID, nullable=True),
        sa.Column("comment", sa.String(LONG), nullable=False),
        sa.ForeignKeyConstraint(["dispute_id"], ["disputes.id"], name="fk_dispute_events_dispute_id_disputes"),
        sa.ForeignKeyConstraint(["credit_note_id"], ["invoices.id"], name="fk_dispute_events_credit_note_id_invoices"),
    )
    op.create_index("ix_dispute_events_dispute_id", "dispute_events", ["dispute_id"])
    op.create_index("ix_dispute_events_credit_note_id", "dispute_events", ["credit_note_id"])
    steps.create_fact_table(
        "sign_offs",
        sa.Column("run_id", steps.ROW_ID, nullable=False),
        sa.Column("kind", sa.String(200), nullable=False),
        sa.Column("statement", sa.String(LONG), nullable=False),
        sa.Column("document_id", steps.ROW_ID, nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["reconciliation_runs.id"], name="fk_sign_offs_run_id_reconciliation_runs"),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name="fk_sign_offs_document_id_documents"),
        sa.UniqueConstraint("run_id", "kind", name="uq_sign_offs_run_id_kind"),
    )
    op.create_index("ix_sign_offs_document_id", "sign_offs", ["document_id"])
    steps.create_fact_table(
        "tolerance_drafts",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("invoice", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("clause", sa.String(200), nullable=False),
        sa.Column("reason", sa.String(LONG), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreements.id"], name="fk_tolerance_drafts_agreement_id_agreements"
        ),
    )
    op.create_index("ix_tolerance_drafts_agreement_id", "tolerance_drafts", ["agreement_id"])
    steps.create_fact_table(
        "tolerance_decisions",
        sa.Column("draft_id", steps.ROW_ID, nullable=False),
        sa.Column("decision", sa.String(200), nullable=False),
        sa.Column("comment", sa.String(LONG), nullable=False),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["tolerance_drafts.id"], name="fk_tolerance_decisions_draft_id_tolerance_drafts"
        ),
        sa.UniqueConstraint("draft_id", name="uq_tolerance_decisions_draft_id"),
    )


def downgrade() -> None:
    steps.drop_fact_tables(
        "tolerance_decisions",
        "tolerance_drafts",
        "sign_offs",
        "dispute_events",
        "disputed_findings",
        "disputes",
        "finding_decisions",
        "line_placings",
        "reconciliation_reopenings",
        "reconciliation_runs",
    )
