"""Usage imports on the wire: receipts, what taking one back does, and what a check found."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from marshmallow import fields, validate

from billing.schemas.answers import DECIMAL, MONTH, RowErrorSchema
from billing.schemas.usage import dump_row_error
from billing.usage.errors import SHOWN_ERRORS
from billing.usage.uploads import Outcome, Upload
from contracts.schemas.answers import INSTANT, PageSchema
from contracts.schemas.fields import Day, IsoText, TermsSchema, Text, load, of
from contracts.terms.written import Language

KINDS = ("daily", "monthly", "events")
LONGEST_REASON = 200


class UsageDeliverySchema(TermsSchema):
    """An import as the listing has it; `until` is its last day with a count."""

    id = fields.Integer(required=True, data_key="import")
    file = fields.String(required=True, attribute="filename")
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    quantity = fields.Integer(required=True)
    rows = fields.Integer(required=True, allow_none=True)
    first_on = Day(required=True, allow_none=True, data_key="from")
    last_on = Day(required=True, allow_none=True, data_key="until")
    recorded_at = IsoText(required=True, metadata=INSTANT)
    author = fields.String(required=True)
    taken_back_at = IsoText(required=True, allow_none=True, metadata=INSTANT, attribute="reversed_at")


class UsageDeliveryPageSchema(PageSchema):
    """Imports, newest first."""

    items = fields.List(fields.Nested(UsageDeliverySchema), required=True)


class ImportedMonthSchema(TermsSchema):
    """What a file brings to one trust and algorithm in one month."""

    trust = fields.String(required=True)
    algorithm = fields.String(required=True)
    month = fields.String(required=True, validate=MONTH)
    quantity = fields.Integer(required=True)


class UsageTakenBackSchema(TermsSchema):
    """That an import was taken back."""

    at = IsoText(required=True, metadata=INSTANT)
    author = fields.String(required=True)
    reason = fields.String(required=True)


class UsageReceiptSchema(TermsSchema):
    """An import; within one trust that trust's months, and `null` for what tells of others."""

    id = fields.Integer(required=True, data_key="import")
    file = fields.String(required=True, attribute="filename")
    sha256 = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    source = fields.String(required=True, allow_none=True)
    rows = fields.Integer(required=True, allow_none=True)
    accepted = fields.Integer(required=True, allow_none=True)
    duplicates = fields.Integer(required=True, allow_none=True)
    not_billable = fields.Integer(required=True, allow_none=True)
    reasons = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        attribute=of(lambda receipt: dict(receipt.reasons)),
    )
    quantity = fields.Integer(required=True)
    months = fields.List(
        fields.Nested(ImportedMonthSchema),
        required=True,
        attribute=of(
            lambda receipt: [
                {"trust": trust, "algorithm": algorithm, "month": month, "quantity": quantity}
                for (trust, algorithm, month), quantity in receipt.months
            ]
        ),
    )
    recorded_at = IsoText(required=True, metadata=INSTANT)
    author = fields.String(required=True)
    taken_back = fields.Nested(UsageTakenBackSchema, required=True, allow_none=True)


class UsageQuarterEffectSchema(TermsSchema):
    """A change of one quarter's expected charges, excluding VAT."""

    quarter = fields.String(required=True)
    amount = fields.String(required=True, metadata=DECIMAL)


class UsageReversalEffectSchema(TermsSchema):
    """What taking an import back changes; `waiting` events of other imports stay left out."""

    id = fields.Integer(required=True, data_key="import", attribute="taking.import_id")
    filename = fields.String(required=True, attribute="taking.filename")
    kind = fields.String(required=True, validate=validate.OneOf(KINDS), attribute="taking.kind")
    quantity = fields.Integer(required=True, attribute=of(lambda effect: -effect.taking.quantity))
    cells = fields.Integer(required=True, attribute=of(lambda effect: len(effect.taking.cells)))
    events = fields.Integer(required=True, attribute="taking.events")
    waiting = fields.Integer(required=True, attribute="taking.waiting")
    first_on = fields.String(
        required=True,
        allow_none=True,
        data_key="from",
        attribute=of(
            lambda effect: (
                min([on for _, _, on in effect.taking.cells]).isoformat()
                if [on for _, _, on in effect.taking.cells]
                else None
            )
        ),
    )
    last_on = fields.String(
        required=True,
        allow_none=True,
        data_key="to",
        attribute=of(
            lambda effect: (
                max([on for _, _, on in effect.taking.cells]).isoformat()
                if [on for _, _, on in effect.taking.cells]
                else None
            )
        ),
    )
    total = fields.String(required=True, metadata=DECIMAL)
    quarters = fields.List(
        fields.Nested(UsageQuarterEffectSchema),
        required=True,
        attribute=of(
            lambda effect: [{"quarter": quarter, "amount": str(amount)} for quarter, amount in effect.by_quarter]
        ),
    )


class UsageCheckSchema(TermsSchema):
    """What a check found, or an import that was a job did; the first 50 errors, all of them as a file."""

    id = fields.Integer(required=True, data_key="check")
    file = fields.String(required=True)
    status = fields.String(
        required=True,
        validate=validate.OneOf(("waiting", "checked", "imported", "already_imported", "refused")),
    )
    import_id = fields.Integer(required=True, allow_none=True, data_key="import")
    job = fields.Integer(required=True, allow_none=True)
    rows = fields.Integer(required=True)
    accepted = fields.Integer(required=True)
    duplicates = fields.Integer(required=True)
    not_billable = fields.Integer(required=True)
    quantity = fields.Integer(required=True)
    reasons = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    months = fields.List(fields.Nested(ImportedMonthSchema), required=True)
    effect = fields.List(fields.Nested(UsageQuarterEffectSchema), required=True)
    total = fields.String(required=True, metadata=DECIMAL)
    closed = fields.List(fields.String(), required=True, metadata={"description": "Closed quarters it touches."})
    errors = fields.List(fields.Nested(RowErrorSchema), required=True)
    errors_count = fields.Integer(required=True)


@dataclass(frozen=True, slots=True)
class Reversal:
    """Why an import is to be taken back."""

    reason: str


class UsageReversalSchema(TermsSchema):
    """{reason}"""

    reason = Text(
        required=True,
        validate=validate.Length(max=LONGEST_REASON, error=f"too_long: At most {LONGEST_REASON} characters."),
    )


def load_reversal(document: Any) -> Reversal:
    """Read why an import is to be taken back; InvalidInput where no sentence is given."""
    return Reversal(**load(UsageReversalSchema(), document, "#"))


def dump_check(upload: Upload, language: Language) -> dict[str, Any]:
    """Write what is known of a file that a job checks or takes in; ``waiting`` until it has."""
    outcome = upload.outcome or Outcome("waiting")
    return {
        "check": upload.id,
        "file": upload.filename,
        "status": outcome.status,
        "import": outcome.import_id,
        "job": upload.job_id,
        "rows": outcome.rows,
        "accepted": outcome.accepted,
        "duplicates": outcome.duplicates,
        "not_billable": outcome.not_billable,
        "quantity": outcome.quantity,
        "reasons": dict(outcome.reasons),
        "months": [
            {"trust": each.trust, "algorithm": each.algorithm, "month": each.month, "quantity": each.quantity}
            for each in outcome.sums
        ],
        "effect": [{"quarter": quarter, "amount": amount} for quarter, amount in outcome.effect],
        "total": str(sum((Decimal(amount) for _, amount in outcome.effect), Decimal("0.00"))),
        "closed": list(outcome.closed),
        "errors": [dump_row_error(error, language) for error in outcome.errors[:SHOWN_ERRORS]],
        "errors_count": len(outcome.errors),
    }
