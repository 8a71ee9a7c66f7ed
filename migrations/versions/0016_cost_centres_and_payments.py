"""Cost centres and who pays; accrual vouchers and their template; payments and rates of late interest."""

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _registers()
    _accruals()
    _payments()


def downgrade() -> None:
    steps.drop_fact_tables(
        "late_interest_rates",
        "payments",
        "payment_files",
        "voucher_templates",
        "accrual_vouchers",
        "agreement_payers",
        "cost_centres",
    )


def _registers() -> None:
    steps.create_fact_table(
        "cost_centres",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("trust_id", steps.ROW_ID, nullable=False),
        sa.Column("algorithm_id", steps.ROW_ID, nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("cost_centre", sa.String(200), nullable=False),
        sa.Column("account", sa.String(200), nullable=False),
        sa.Column("accrual_account", sa.String(200), nullable=False),
        sa.Column("project", sa.String(200), nullable=True),
        sa.Column("vat_code", sa.String(200), nullable=True),
        *_points("cost_centres", agreement_id="agreements", trust_id="organisations", algorithm_id="algorithms"),
        revisable=True,
    )
    op.create_index("ix_cost_centres_agreement_id_trust_id", "cost_centres", ["agreement_id", "trust_id"])
    steps.create_fact_table(
        "agreement_payers",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("payer", sa.String(200), nullable=False),
        sa.CheckConstraint("payer IN ('buyer_recharges', 'each_trust')", name="ck_agreement_payers_known_payer"),
        *_points("agreement_payers", agreement_id="agreements"),
        revisable=True,
    )
    op.create_index("ix_agreement_payers_agreement_id", "agreement_payers", ["agreement_id"])


def _accruals() -> None:
    steps.create_fact_table(
        "accrual_vouchers",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("month", sa.String(200), nullable=False),
        sa.Column("document_id", steps.ROW_ID, nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        *_points("accrual_vouchers", agreement_id="agreements", document_id="documents"),
        sa.UniqueConstraint("agreement_id", "number", name="uq_accrual_vouchers_agreement_id_number"),
    )
    op.create_index("ix_accrual_vouchers_document_id", "accrual_vouchers", ["document_id"])
    steps.create_fact_table(
        "voucher_templates",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        *_points("voucher_templates", agreement_id="agreements"),
        revisable=True,
    )
    op.create_index("ix_voucher_templates_agreement_id", "voucher_templates", ["agreement_id"])


def _payments() -> None:
    steps.create_fact_table(
        "payment_files",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("document_id", steps.ROW_ID, nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        *_points("payment_files", agreement_id="agreements", document_id="documents"),
        sa.UniqueConstraint("agreement_id", "document_id", name="uq_payment_files_agreement_id_document_id"),
    )
    op.create_index("ix_payment_files_document_id", "payment_files", ["document_id"])
    steps.create_fact_table(
        "payments",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("invoice_id", steps.ROW_ID, nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(200), nullable=False),
        sa.Column("file_id", steps.ROW_ID, nullable=True),
        sa.Column("row", sa.Integer(), nullable=True),
        sa.Column("reverses_id", steps.ROW_ID, nullable=True),
        *_points("payments", agreement_id="agreements", invoice_id="invoices", file_id="payment_files"),
        *_points("payments", reverses_id="payments"),
        sa.UniqueConstraint("reverses_id", name="uq_payments_reverses_id"),
    )
    op.create_index("ix_payments_agreement_id", "payments", ["agreement_id"])
    op.create_index("ix_payments_invoice_id", "payments", ["invoice_id"])
    op.create_index("ix_payments_file_id", "payments", ["file_id"])
    steps.create_fact_table(
        "late_interest_rates",
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("percent", sa.String(40), nullable=False),
        sa.Column("compensation", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        revisable=True,
    )


def _points(table: str, **columns: str) -> tuple[sa.ForeignKeyConstraint, ...]:
    return tuple(
        sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}_{other}")
        for column, other in columns.items()
    )
