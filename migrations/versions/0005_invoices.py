"""Invoices and their lines."""

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_fact_table(
        "invoices",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("document_id", steps.ROW_ID, nullable=False),
        sa.Column("kind", sa.String(200), nullable=False),
        sa.Column("number", sa.String(200), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("currency", sa.String(200), nullable=False),
        sa.Column("seller_number", sa.String(200), nullable=True),
        sa.Column("buyer_number", sa.String(200), nullable=True),
        sa.Column("buyer_reference", sa.String(200), nullable=True),
        sa.Column("order_reference", sa.String(200), nullable=True),
        sa.Column("contract_reference", sa.String(200), nullable=True),
        sa.Column("period_from", sa.Date(), nullable=True),
        sa.Column("period_to", sa.Date(), nullable=True),
        sa.Column("line_sum", sa.BigInteger(), nullable=True),
        sa.Column("tax_exclusive", sa.BigInteger(), nullable=True),
        sa.Column("tax", sa.BigInteger(), nullable=True),
        sa.Column("payable", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name="fk_invoices_agreement_id_agreements"),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name="fk_invoices_document_id_documents"),
        sa.UniqueConstraint("agreement_id", "document_id", name="uq_invoices_agreement_id_document_id"),
    )
    op.create_index("ix_invoices_agreement_id", "invoices", ["agreement_id"])
    steps.create_fact_table(
        "invoice_lines",
        sa.Column("invoice_id", steps.ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("item_id", sa.String(200), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=True),
        sa.Column("unit_price", sa.BigInteger(), nullable=True),
        sa.Column("net", sa.BigInteger(), nullable=True),
        sa.Column("trust", sa.String(200), nullable=True),
        sa.Column("algorithm", sa.String(200), nullable=True),
        sa.Column("period_from", sa.Date(), nullable=True),
        sa.Column("period_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name="fk_invoice_lines_invoice_id_invoices"),
        sa.UniqueConstraint("invoice_id", "position", name="uq_invoice_lines_invoice_id_position"),
    )
    op.create_index("ix_invoice_lines_invoice_id", "invoice_lines", ["invoice_id"])


def downgrade() -> None:
    steps.drop_fact_tables("invoice_lines", "invoices")
