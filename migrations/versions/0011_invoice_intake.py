"""How invoices are read and addressed: references by recipient, the vendor's mapping, its known accounts."""

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_fact_table(
        "invoice_references",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("organisation_id", steps.ROW_ID, nullable=False),
        sa.Column("buyer_reference", sa.String(200), nullable=True),
        sa.Column("order_number", sa.String(200), nullable=True),
        sa.Column("order_pattern", sa.String(200), nullable=True),
        sa.Column("endpoint", sa.String(200), nullable=True),
        sa.Column("street", sa.String(200), nullable=True),
        sa.Column("postal_code", sa.String(200), nullable=True),
        sa.Column("city", sa.String(200), nullable=True),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreements.id"], name="fk_invoice_references_agreement_id_agreements"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name="fk_invoice_references_organisation_id_organisations"
        ),
        revisable=True,
    )
    op.create_index(
        "ix_invoice_references_agreement_id_organisation_id", "invoice_references", ["agreement_id", "organisation_id"]
    )
    steps.create_fact_table(
        "vendor_mappings",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("vendor_number", sa.String(200), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name="fk_vendor_mappings_agreement_id_agreements"),
        revisable=True,
    )
    op.create_index(
        "ix_vendor_mappings_agreement_id_vendor_number", "vendor_mappings", ["agreement_id", "vendor_number"]
    )
    steps.create_fact_table(
        "vendor_accounts",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("vendor_number", sa.String(200), nullable=False),
        sa.Column("account", sa.String(200), nullable=False),
        sa.Column("checked", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name="fk_vendor_accounts_agreement_id_agreements"),
        revisable=True,
    )
    op.create_index(
        "ix_vendor_accounts_agreement_id_vendor_number", "vendor_accounts", ["agreement_id", "vendor_number"]
    )


def downgrade() -> None:
    steps.drop_fact_tables("vendor_accounts", "vendor_mappings", "invoice_references")
