"""How invoices are addressed and read, on the wire: references by recipient, mappings and accounts by vendor, statements."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import fields

from billing.invoices.line_reading import SUBJECTS, FieldMapping
from billing.invoices.setup import MappingInForce, References
from contracts.schemas.answers import AgreementQuerySchema, KnownQuerySchema, PageSchema, PeriodSchema
from contracts.schemas.fields import IsoText, TermsSchema, Text, load

INSTANT: Final = {"format": "date-time"}
REFERENCES: Final = (
    "buyer_reference",
    "order_number",
    "order_pattern",
    "endpoint",
    "street",
    "postal_code",
    "city",
)


class ExpectedInvoiceQuerySchema(AgreementQuerySchema, KnownQuerySchema):
    """Which quarter's expected invoice, for the framework or one trust, from which run."""

    quarter = fields.String(required=True, metadata={"description": "A quarter (2026-Q3) or a month (2026-07)."})
    trust = fields.String(load_default=None, allow_none=True, metadata={"description": "Only this trust's lines."})
    run = fields.Integer(
        load_default=None,
        strict=False,
        validate=lambda number: 0 < number < 2**31,
        metadata={"description": "A run of a closed quarter; left out: the one that stands.", "minimum": 1},
    )


class ReferencesSchema(TermsSchema):
    """What an invoice to an organisation must carry; in `order_pattern` # is a digit and @ a letter."""

    buyer_reference = Text(load_default=None, allow_none=True)
    order_number = Text(load_default=None, allow_none=True)
    order_pattern = Text(load_default=None, allow_none=True)
    endpoint = Text(load_default=None, allow_none=True)
    street = Text(load_default=None, allow_none=True)
    postal_code = Text(load_default=None, allow_none=True)
    city = Text(load_default=None, allow_none=True)


class RecipientSchema(TermsSchema):
    """An organisation of the agreement with its references; nobody has recorded any where `recorded_at` is null."""

    organisation = fields.String(required=True, attribute="code")
    name = fields.String(required=True)
    organisation_number = fields.String(required=True)
    buyer_reference = fields.String(required=True, allow_none=True, attribute="references.buyer_reference")
    order_number = fields.String(required=True, allow_none=True, attribute="references.order_number")
    order_pattern = fields.String(required=True, allow_none=True, attribute="references.order_pattern")
    endpoint = fields.String(required=True, allow_none=True, attribute="references.endpoint")
    street = fields.String(required=True, allow_none=True, attribute="references.street")
    postal_code = fields.String(required=True, allow_none=True, attribute="references.postal_code")
    city = fields.String(required=True, allow_none=True, attribute="references.city")
    recorded_at = IsoText(required=True, allow_none=True, metadata=INSTANT)


class RecipientPageSchema(PageSchema):
    """The organisations of an agreement, the buyer first."""

    items = fields.List(fields.Nested(RecipientSchema), required=True)


class MappingSchema(TermsSchema):
    """Where a vendor writes what: for each of the five the fields that may carry it, the most trusted first.

    A field is `property:NAME` (an item property), `seller_item`, `buyer_item`, `standard_item`, `order_line`,
    `accounting_cost`, `name`, `description`, `note`; for the trust `buyer`, `document_accounting_cost` and `buyer_reference`
    too; for the period `line_period` and `document_period`. The names are what the vendor calls a code.
    """

    trust = fields.List(Text(), required=True)
    algorithm = fields.List(Text(), required=True)
    period = fields.List(Text(), required=True)
    tier = fields.List(Text(), required=True)
    phase = fields.List(Text(), required=True)
    trust_names = fields.Dict(keys=fields.String(), values=Text(), load_default=dict)
    algorithm_names = fields.Dict(keys=fields.String(), values=Text(), load_default=dict)


class MappingInForceSchema(MappingSchema):
    """A vendor's mapping; the usual one counts where `recorded_at` is null."""

    vendor = fields.String(required=True)
    recorded_at = fields.String(required=True, allow_none=True, metadata=INSTANT)


class MappingPageSchema(PageSchema):
    """The mappings of the agreement's vendors."""

    items = fields.List(fields.Nested(MappingInForceSchema), required=True)


class AccountSchema(TermsSchema):
    """An account that was checked to be the vendor's, and how."""

    vendor = Text(required=True, attribute="vendor_number")
    account = Text(required=True)
    checked = Text(required=True)


class _IdSchema(TermsSchema):
    id = fields.Integer(required=True)


class KnownAccountSchema(AccountSchema, _IdSchema):
    """A checked account as recorded."""

    recorded_at = IsoText(required=True, metadata=INSTANT)


class AccountPageSchema(PageSchema):
    """Checked accounts, oldest first."""

    items = fields.List(fields.Nested(KnownAccountSchema), required=True)


class StatementRowSchema(TermsSchema):
    """One trust, algorithm and month; the difference is stated less counted."""

    trust = fields.String(required=True)
    algorithm = fields.String(required=True)
    period = fields.Nested(PeriodSchema, required=True, attribute="month")
    stated = fields.Integer(required=True)
    counted = fields.Integer(required=True)
    difference = fields.Integer(required=True)


class StatementErrorSchema(TermsSchema):
    """A row that cannot be used."""

    row = fields.Integer(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)


class StatementSchema(TermsSchema):
    """The vendor's own count, from a usage file inside an invoice, beside ours."""

    file = fields.String(required=True, attribute="filename")
    stated = fields.Integer(required=True)
    counted = fields.Integer(required=True)
    rows = fields.List(fields.Nested(StatementRowSchema), required=True)
    errors = fields.List(fields.Nested(StatementErrorSchema), required=True)
    more_errors = fields.Integer(required=True)


def load_references(document: Any) -> References:
    """Read what an invoice to an organisation must carry."""
    return References(**load(ReferencesSchema(), document, "#"))


def load_mapping(document: Any) -> FieldMapping:
    """Read a mapping, whole."""
    return FieldMapping.from_document(load(MappingSchema(), document, "#"))


def load_account(document: Any) -> dict[str, str]:
    """Read an account that was checked."""
    read: dict[str, str] = load(AccountSchema(), document, "#")
    return read


def dump_mapping(found: MappingInForce) -> dict[str, Any]:
    """Write a vendor's mapping."""
    return {
        "vendor": found.vendor_number,
        **{subject: list(found.mapping.sources(subject)) for subject in SUBJECTS},
        "trust_names": dict(sorted(found.mapping.trust_names.items())),
        "algorithm_names": dict(sorted(found.mapping.algorithm_names.items())),
        "recorded_at": None if found.recorded_at is None else found.recorded_at.isoformat(),
    }
