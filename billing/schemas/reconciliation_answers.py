"""The shapes that the API of reconciliations answers with, and what is written beside `reconciliations`."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import fields, validate

from billing.causes import CODES
from billing.causes.billed import BilledLine
from billing.causes.matching import STAGES
from billing.reconciliation.course import STATES
from billing.reconciliation.dispute_terms import HOLDS, RESPONSE_STATUSES, STEPS, WANTED
from billing.reconciliation.lines import ReconciledLine
from billing.reconciliation.report import QuarterRow, Run
from billing.reconciliation.tolerances import AgreedTolerance
from billing.schemas.answers import DECIMAL
from billing.schemas.price import dump_period
from billing.schemas.reconciliations import dump_run
from contracts.schemas.answers import INSTANT, PageSchema, PeriodSchema
from contracts.schemas.fields import Day, TermsSchema
from contracts.terms.money import format_amount, format_unit_price

HASH: Final = {"pattern": "^[0-9a-f]{64}$"}
DISPUTE_STATES: Final = (
    "drafted", "sent", "questioned", "declined", "agreed", "partly_agreed", "credited", "withdrawn",
)  # fmt: skip
TREATMENTS: Final = ("automatic", "open", "accepted", "noted", "checked", "disputed", "credited")


def _amount(**options: Any) -> fields.String:
    return fields.String(required=True, metadata=DECIMAL, **options)


class SignedSchema(TermsSchema):
    """Who signed a run, and when."""

    by = fields.String(required=True)
    at = fields.String(required=True, metadata=INSTANT)


class ReconciliationRunSchema(TermsSchema):
    """A frozen run; `closing_run` is that of the closed quarter, null where it was open."""

    number = fields.Integer(required=True)
    sha256 = fields.String(required=True, metadata=HASH)
    closing_run = fields.Integer(required=True, allow_none=True)
    expected = _amount()
    invoiced = _amount()
    difference = _amount()
    unexplained = _amount()
    findings = fields.Integer(required=True)
    at = fields.String(required=True, metadata=INSTANT)
    by = fields.String(required=True)
    attested = fields.Nested(SignedSchema, required=True, allow_none=True)
    approved = fields.Nested(SignedSchema, required=True, allow_none=True)
    reopened = fields.String(required=True, allow_none=True)


class SentenceSchema(TermsSchema):
    """A finding in one sentence, in both languages."""

    nb = fields.String(required=True)
    en = fields.String(required=True)


class FoundSchema(TermsSchema):
    """One cause of a difference; a positive `amount` is billed too much."""

    id = fields.String(required=True)
    code = fields.String(required=True, validate=validate.OneOf(CODES))
    amount = _amount()
    tax_amount = _amount()
    trust = fields.String(required=True, allow_none=True)
    algorithm = fields.String(required=True, allow_none=True)
    period = fields.String(required=True, allow_none=True)
    invoice_lines = fields.List(fields.String(), required=True)
    expected_lines = fields.List(fields.String(), required=True)
    sentence = fields.Nested(SentenceSchema, required=True)
    clause = fields.String(required=True, allow_none=True)
    action = fields.String(required=True)
    reason = fields.String(required=True)
    treatment = fields.String(required=True, allow_none=True, validate=validate.OneOf([*TREATMENTS, None]))
    dispute = fields.String(required=True, allow_none=True)


class ReconciledDocumentSchema(TermsSchema):
    """A document's part in the quarter; Σ amounts of its findings is its difference."""

    number = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(("invoice", "credit_note")))
    currency = fields.String(required=True)
    sha256 = fields.String(required=True, metadata=HASH)
    comparable = fields.Boolean(required=True)
    expected = _amount()
    invoiced = _amount()
    difference = _amount()
    tax_amount = _amount()
    findings = fields.List(fields.Nested(FoundSchema), required=True)


class DisputedFindingSchema(TermsSchema):
    """A finding as it was disputed."""

    id = fields.String(required=True)
    code = fields.String(required=True)
    amount = _amount()


class DisputeStepSchema(TermsSchema):
    """A step of a dispute; `status` and `clarification` are codes of Peppol Invoice Response."""

    kind = fields.String(required=True, validate=validate.OneOf(STEPS))
    on = Day(required=True)
    status = fields.String(required=True, allow_none=True)
    clarification = fields.String(required=True, allow_none=True)
    amount = _amount(allow_none=True)
    on_next_invoice = fields.Boolean(required=True)
    comment = fields.String(required=True)
    at = fields.String(required=True, metadata=INSTANT)
    by = fields.String(required=True)


class DisputeSchema(TermsSchema):
    """A dispute with its findings and steps."""

    id = fields.Integer(required=True)
    number = fields.String(required=True)
    quarter = fields.String(required=True)
    invoice = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(DISPUTE_STATES))
    amount = _amount()
    agreed = _amount()
    wanted = fields.String(required=True, validate=validate.OneOf(WANTED))
    action = fields.String(required=True)
    hold = fields.String(required=True, validate=validate.OneOf(HOLDS))
    response = fields.String(required=True, validate=validate.OneOf(RESPONSE_STATUSES))
    reply_by = Day(required=True)
    findings = fields.List(fields.Nested(DisputedFindingSchema), required=True)
    steps = fields.List(fields.Nested(DisputeStepSchema), required=True)


class DisputePageSchema(PageSchema):
    """The disputes of a quarter, in the order in which they were written."""

    items = fields.List(fields.Nested(DisputeSchema), required=True)


class ReconciliationSchema(TermsSchema):
    """A quarter's reconciliation: invoiced less expected is the difference, and that is explained and unexplained."""

    quarter = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("equal", "differences", "not_comparable")))
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    expected = _amount()
    invoiced = _amount()
    difference = _amount()
    explained = _amount()
    unexplained = _amount()
    disputed = _amount()
    payable = _amount()
    tax_amount = _amount()
    currency = fields.String(required=True)
    sha256 = fields.String(required=True, metadata=HASH)
    is_current = fields.Boolean(required=True)
    run = fields.Nested(ReconciliationRunSchema, required=True, allow_none=True)
    invoices = fields.List(fields.Nested(ReconciledDocumentSchema), required=True)
    not_invoiced = fields.List(fields.Nested(FoundSchema), required=True)
    disputes = fields.List(fields.Nested(DisputeSchema), required=True)


class QuarterRowSchema(TermsSchema):
    """A quarter in the list; the figures are those of its last run, null where it was never run."""

    quarter = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    documents = fields.Integer(required=True)
    disputed = _amount()
    due_on = Day(required=True, allow_none=True)
    run = fields.Nested(ReconciliationRunSchema, required=True, allow_none=True)


class QuarterRowPageSchema(PageSchema):
    """The quarters that have begun, newest first."""

    items = fields.List(fields.Nested(QuarterRowSchema), required=True)


class BilledLineSchema(TermsSchema):
    """An invoice line as it was read."""

    line = fields.String(required=True)
    quantity = fields.String(required=True, allow_none=True)
    unit_price = fields.String(required=True, allow_none=True)
    allowance = _amount()
    net = _amount()


class ReconciledLineSchema(TermsSchema):
    """Invoice lines beside the expected lines they stand for; `invoiced` and `expected` are null for a whole document."""

    id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(("lines", "document", "not_invoiced")))
    document = fields.String(required=True, allow_none=True)
    trusts = fields.List(fields.String(allow_none=True), required=True)
    algorithms = fields.List(fields.String(allow_none=True), required=True)
    period = fields.Nested(PeriodSchema, required=True, allow_none=True)
    invoice_lines = fields.List(fields.Nested(BilledLineSchema), required=True)
    expected_lines = fields.List(fields.String(), required=True)
    invoiced = _amount(allow_none=True)
    expected = _amount(allow_none=True)
    difference = _amount()
    findings = fields.List(fields.String(), required=True)
    codes = fields.List(fields.String(validate=validate.OneOf(CODES)), required=True)
    stage = fields.String(required=True, allow_none=True, validate=validate.OneOf([*STAGES, None]))
    confidence = fields.String(required=True, allow_none=True)


class ReconciledLinePageSchema(PageSchema):
    """Lines of a reconciliation; Σ differences of all of them is that of the quarter."""

    items = fields.List(fields.Nested(ReconciledLineSchema), required=True)


class FoundPageSchema(PageSchema):
    """Findings of a reconciliation; Σ amounts of all of them is its difference."""

    items = fields.List(fields.Nested(FoundSchema), required=True)


class SignatureInForceSchema(TermsSchema):
    """A signature under a run."""

    run = fields.Integer(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(("attest", "approve")))
    by = fields.String(required=True)
    at = fields.String(required=True, metadata=INSTANT)
    statement = fields.String(required=True)


class SignaturePageSchema(PageSchema):
    """The signatures of a quarter, oldest first."""

    items = fields.List(fields.Nested(SignatureInForceSchema), required=True)


class AgreedToleranceSchema(TermsSchema):
    """A tolerance; it counts from its day on once it is approved."""

    id = fields.Integer(required=True)
    valid_from = Day(required=True)
    line = _amount()
    invoice = _amount()
    tax = _amount()
    clause = fields.String(required=True)
    reason = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("drafted", "approved", "declined")))
    drafted_by = fields.String(required=True)
    drafted_at = fields.String(required=True, metadata=INSTANT)
    decided_by = fields.String(required=True, allow_none=True)
    decided_at = fields.String(required=True, allow_none=True, metadata=INSTANT)
    comment = fields.String(required=True, allow_none=True)


class AgreedTolerancePageSchema(PageSchema):
    """The tolerances, newest draft first."""

    items = fields.List(fields.Nested(AgreedToleranceSchema), required=True)


def dump_quarter_row(row: QuarterRow) -> dict[str, Any]:
    """Write a quarter in the list."""
    return {
        "quarter": row.quarter.label(),
        "state": row.state,
        "documents": row.documents,
        "disputed": format_amount(row.disputed),
        "due_on": None if row.due_on is None else row.due_on.isoformat(),
        "run": None if row.run is None else dump_run(row.run),
    }


def dump_line(row: ReconciledLine) -> dict[str, Any]:
    """Write a line of a reconciliation."""
    return {
        "id": row.key,
        "kind": row.kind,
        "document": row.number,
        "trusts": list(row.trusts),
        "algorithms": list(row.algorithms),
        "period": None if row.period is None else dump_period(row.period),
        "invoice_lines": [_billed(line) for line in row.billed],
        "expected_lines": [line.id for line in row.due],
        "invoiced": None if row.invoiced is None else format_amount(row.invoiced),
        "expected": None if row.expected is None else format_amount(row.expected),
        "difference": format_amount(row.difference),
        "findings": [each.key for each in row.found],
        "codes": list(row.codes),
        "stage": row.stage,
        "confidence": None if row.confidence is None else str(row.confidence),
    }


def _billed(line: BilledLine) -> dict[str, Any]:
    return {
        "line": line.id,
        "quantity": None if line.quantity is None else format(line.quantity.normalize(), "f"),
        "unit_price": None if line.unit_price is None else format_unit_price(line.unit_price),
        "allowance": format_amount(line.allowance),
        "net": format_amount(line.net),
    }


def dump_signatures(runs: tuple[Run, ...]) -> list[dict[str, Any]]:
    """Write the signatures of a quarter's runs."""
    return [
        {"run": run.number, "kind": sign.kind, "by": sign.by, "at": sign.at.isoformat(), "statement": sign.statement}
        for run in runs
        for sign in (run.attested, run.approved)
        if sign is not None
    ]


def dump_tolerance(each: AgreedTolerance) -> dict[str, Any]:
    """Write a tolerance."""
    return {
        "id": each.id,
        "valid_from": each.valid_from.isoformat(),
        "line": format_amount(each.tolerance.line),
        "invoice": format_amount(each.tolerance.invoice),
        "tax": format_amount(each.tolerance.tax),
        "clause": each.clause,
        "reason": each.reason,
        "state": each.state,
        "drafted_by": each.drafted_by,
        "drafted_at": each.drafted_at.isoformat(),
        "decided_by": each.decided_by,
        "decided_at": None if each.decided_at is None else each.decided_at.isoformat(),
        "comment": each.comment,
    }
