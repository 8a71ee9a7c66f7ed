"""Agreements, extensions, option holders, algorithms and activations."""

import sqlalchemy as sa
from alembic import op

from migrations import steps

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    steps.create_fact_table(
        "agreements",
        sa.Column("code", sa.String(200), nullable=False),
        sa.Column("buyer_id", steps.ROW_ID, nullable=False),
        sa.Column("vendor_id", steps.ROW_ID, nullable=False),
        sa.Column("example", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["buyer_id"], ["organisations.id"], name="fk_agreements_buyer_id_organisations"),
        sa.ForeignKeyConstraint(["vendor_id"], ["organisations.id"], name="fk_agreements_vendor_id_organisations"),
        sa.UniqueConstraint("code", name="uq_agreements_code"),
    )
    steps.create_fact_table(
        "agreement_terms",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("reference", sa.String(200), nullable=False),
        sa.Column("start_on", sa.Date(), nullable=False),
        sa.Column("end_on", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(200), nullable=False),
        sa.Column("estimated_value", sa.BigInteger(), nullable=True),
        sa.Column("maximum_value", sa.BigInteger(), nullable=True),
        sa.Column("vat_rate", sa.String(40), nullable=False),
        sa.Column("payment_days", sa.Integer(), nullable=False),
        sa.CheckConstraint("start_on < end_on", name="ck_agreement_terms_term_is_not_empty"),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name="fk_agreement_terms_agreement_id_agreements"),
        revisable=True,
    )
    op.create_index("ix_agreement_terms_agreement_id", "agreement_terms", ["agreement_id"])
    steps.create_fact_table(
        "agreement_extensions",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=False),
        sa.Column("clause", sa.String(200), nullable=False),
        sa.Column("taken_up_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreements.id"], name="fk_agreement_extensions_agreement_id_agreements"
        ),
        revisable=True,
    )
    op.create_index("ix_agreement_extensions_agreement_id", "agreement_extensions", ["agreement_id"])
    steps.create_fact_table(
        "options",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("trust_id", steps.ROW_ID, nullable=False),
        sa.Column("deadline_on", sa.Date(), nullable=False),
        sa.Column("clause", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name="fk_options_agreement_id_agreements"),
        sa.ForeignKeyConstraint(["trust_id"], ["organisations.id"], name="fk_options_trust_id_organisations"),
        sa.UniqueConstraint("agreement_id", "trust_id", name="uq_options_agreement_id_trust_id"),
    )
    op.create_index("ix_options_agreement_id", "options", ["agreement_id"])
    steps.create_fact_table(
        "option_states",
        sa.Column("option_id", steps.ROW_ID, nullable=False),
        sa.Column("state", sa.String(200), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["option_id"], ["options.id"], name="fk_option_states_option_id_options"),
    )
    op.create_index("ix_option_states_option_id", "option_states", ["option_id"])
    steps.create_fact_table(
        "algorithms",
        sa.Column("code", sa.String(200), nullable=False),
        sa.Column("product", sa.String(200), nullable=False),
        sa.Column("vendor_name", sa.String(200), nullable=False),
        sa.Column("need_nb", sa.String(200), nullable=False),
        sa.Column("need_en", sa.String(200), nullable=False),
        sa.Column("modality", sa.String(200), nullable=False),
        sa.Column("ce_class", sa.String(200), nullable=False),
        sa.Column("ce_year", sa.Integer(), nullable=True),
        sa.UniqueConstraint("code", name="uq_algorithms_code"),
    )
    steps.create_fact_table(
        "agreement_algorithms",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("algorithm_id", steps.ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreements.id"], name="fk_agreement_algorithms_agreement_id_agreements"
        ),
        sa.ForeignKeyConstraint(
            ["algorithm_id"], ["algorithms.id"], name="fk_agreement_algorithms_algorithm_id_algorithms"
        ),
        sa.UniqueConstraint("agreement_id", "algorithm_id", name="uq_agreement_algorithms_agreement_id_algorithm_id"),
    )
    op.create_index("ix_agreement_algorithms_agreement_id", "agreement_algorithms", ["agreement_id"])
    steps.create_fact_table(
        "activations",
        sa.Column("agreement_id", steps.ROW_ID, nullable=False),
        sa.Column("trust_id", steps.ROW_ID, nullable=False),
        sa.Column("algorithm_id", steps.ROW_ID, nullable=False),
        sa.Column("validation_from", sa.Date(), nullable=True),
        sa.Column("go_live_on", sa.Date(), nullable=False),
        sa.Column("end_on", sa.Date(), nullable=True),
        sa.CheckConstraint("end_on IS NULL OR end_on > go_live_on", name="ck_activations_end_follows_go_live"),
        sa.CheckConstraint(
            "validation_from IS NULL OR validation_from <= go_live_on",
            name="ck_activations_validation_precedes_go_live",
        ),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name="fk_activations_agreement_id_agreements"),
        sa.ForeignKeyConstraint(["algorithm_id"], ["algorithms.id"], name="fk_activations_algorithm_id_algorithms"),
        sa.ForeignKeyConstraint(["trust_id"], ["organisations.id"], name="fk_activations_trust_id_organisations"),
        revisable=True,
    )
    op.create_index("ix_activations_agreement_id_trust_id", "activations", ["agreement_id", "trust_id"])


def downgrade() -> None:
    steps.drop_fact_tables(
        "activations",
        "agreement_algorithms",
        "algorithms",
        "option_states",
        "options",
        "agreement_extensions",
        "agreement_terms",
        "agreements",
    )
