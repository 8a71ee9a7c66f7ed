"""The shapes that the API of reconciliations answers with, and what is written beside `reconciliations`."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, Final

from marshmallow import fields, validate

from billing.causes import CODES, FIRST_ACTION, RESPONSE_STATUSES, Finding
from billing.causes.matching import STAGES
from billing.causes.sentences import said
from billing.figures.course import STATES
from billing.reconciliation.dispute_terms import ACTIONS, HOLDS, STEPS, WANTED, reason_of
from billing.reconciliation.report import Report, Run
from billing.reconciliation.treatment import key_of
from billing.schemas.answers import DECIMAL
from billing.schemas.figures import FigureSchema
from contracts.schemas.answers import INSTANT, PageSchema, PeriodSchema
from contracts.schemas.fields import AmountText, Day, IsoText, LabelText, PriceText, TermsSchema, of

HASH: Final = {"pattern": "^[0-9a-f]{64}$"}
DISPUTE_STATES: Final = (
    "drafted", "sent", "questioned", "declined", "agreed", "partly_agreed", "credited", "withdrawn",
)  # fmt: skip
TREATMENTS: Final = ("automatic", "open", "accepted", "noted", "checked", "disputed", "credited")


def _amount(**options: Any) -> AmountText:
    return AmountText(required=True, metadata=DECIMAL, **options)


class SignedSchema(TermsSchema):
    """Who signed a run, and when."""

    by = fields.String(required=True)
    at = IsoText(required=True, metadata=INSTANT)


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
    at = IsoText(required=True, metadata=INSTANT)
    by = fields.String(required=True)
    attested = fields.Nested(SignedSchema, required=True, allow_none=True)
    approved = fields.Nested(SignedSchema, required=True, allow_none=True)
    reopened = fields.String(required=True, allow_none=True)


class SentenceSchema(TermsSchema):
    """A finding in one sentence, in both languages."""

    nb = fields.String(required=True, attribute=of(lambda finding: said(finding, "nb")))
    en = fields.String(required=True, attribute=of(lambda finding: said(finding, "en")))


class FoundSchema(TermsSchema):
    """One cause of a difference; a positive `amount` is billed too much."""

    id = fields.String(required=True, attribute="key")
    code = fields.String(required=True, validate=validate.OneOf(CODES), attribute="finding.code")
    amount = _amount(attribute="finding.amount")
    tax_amount = _amount(attribute="finding.tax_amount")
    trust = fields.String(required=True, allow_none=True, attribute="finding.trust")
    algorithm = fields.String(required=True, allow_none=True, attribute="finding.algorithm")
    period = fields.String(required=True, allow_none=True, attribute="finding.period")
    invoice_lines = fields.List(fields.String(), required=True, attribute="finding.invoice_lines")
    expected_lines = fields.List(fields.String(), required=True, attribute="finding.expected_lines")
    sentence = fields.Nested(SentenceSchema, required=True, attribute="finding")
    clause = fields.String(required=True, allow_none=True, attribute="finding.clause")
    action = fields.String(required=True, attribute=of(lambda found: FIRST_ACTION[found.finding.code]))
    reason = fields.String(required=True, attribute=of(lambda found: reason_of(found.finding.code)))
    treatment = fields.String(
        required=True, allow_none=True, validate=validate.OneOf([*TREATMENTS, None]), attribute="treatment.state"
    )
    dispute = fields.String(required=True, allow_none=True, attribute="treatment.dispute")


class ReconciledDocumentSchema(TermsSchema):
    """A document's part in the quarter; Σ amounts of its findings is its difference."""

    number = fields.String(required=True, attribute="part.number")
    kind = fields.String(required=True, validate=validate.OneOf(("invoice", "credit_note")), attribute="part.kind")
    currency = fields.String(required=True, attribute="part.currency")
    sha256 = fields.String(required=True, metadata=HASH)
    comparable = fields.Boolean(required=True, attribute="explanation.comparable")
    expected = _amount(attribute="explanation.expected")
    invoiced = _amount(attribute="explanation.invoiced")
    difference = _amount(attribute="explanation.difference")
    tax_amount = _amount(attribute="explanation.tax_amount")
    findings = fields.List(fields.Nested(FoundSchema), required=True)


class DisputedFindingSchema(TermsSchema):
    """A finding as it was disputed."""

    id = fields.String(required=True, attribute="key")
    code = fields.String(required=True, attribute="finding.code")
    amount = _amount(attribute="finding.amount")


class DisputeStepSchema(TermsSchema):
    """A step of a dispute; `status` and `clarification` are codes of Peppol Invoice Response."""

    kind = fields.String(required=True, validate=validate.OneOf(STEPS))
    on = Day(required=True)
    status = fields.String(required=True, allow_none=True)
    clarification = fields.String(required=True, allow_none=True)
    amount = _amount(allow_none=True)
    on_next_invoice = fields.Boolean(required=True)
    comment = fields.String(required=True)
    at = IsoText(required=True, metadata=INSTANT, attribute="recorded_at")
    by = fields.String(required=True, attribute="recorded_by")


class DisputeSchema(TermsSchema):
    """A dispute with its findings and steps."""

    id = fields.Integer(required=True)
    number = fields.String(required=True)
    quarter = fields.String(required=True)
    invoice = fields.String(required=True, attribute="invoice_number")
    state = fields.String(required=True, validate=validate.OneOf(DISPUTE_STATES))
    amount = _amount()
    agreed = _amount(attribute="agreed_amount")
    wanted = fields.String(required=True, validate=validate.OneOf(WANTED))
    action = fields.String(required=True, attribute=of(lambda dispute: ACTIONS[dispute.wanted]))
    hold = fields.String(required=True, validate=validate.OneOf(HOLDS))
    response = fields.String(required=True, validate=validate.OneOf(RESPONSE_STATUSES))
    reply_by = Day(required=True)
    findings = fields.List(fields.Nested(DisputedFindingSchema), required=True)
    steps = fields.List(fields.Nested(DisputeStepSchema), required=True)


class DisputePageSchema(PageSchema):
    """The disputes of a quarter, in the order in which they were written."""

    items = fields.List(fields.Nested(DisputeSchema), required=True)


def _documents(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "part": each.part,
            "sha256": each.sha256,
            "explanation": each.explanation,
            "findings": _found(report, each.explanation.findings, each.sha256),
        }
        for each in report.frozen.documents
    ]


def _found(report: Report, findings: Iterable[Finding], sha256: str | None) -> list[Any]:
    """Put findings with how each stands; one that no decision was asked of has no treatment."""
    treatments = {each.key: each.treatment for each in report.found}
    keyed = ((key_of(sha256, finding), finding) for finding in findings)
    return [SimpleNamespace(key=key, finding=finding, treatment=treatments.get(key)) for key, finding in keyed]


class ReconciliationSchema(TermsSchema):
    """A quarter's reconciliation: invoiced less expected is the difference, and that is explained and unexplained."""

    quarter = LabelText(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("equal", "differences", "not_comparable")))
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    expected = _amount(attribute="frozen.expected")
    invoiced = _amount(attribute="frozen.invoiced")
    difference = _amount(attribute="frozen.difference")
    explained = _amount(attribute=of(lambda report: report.frozen.difference - report.frozen.unexplained))
    unexplained = _amount(attribute="frozen.unexplained")
    disputed = _amount(attribute="figures.disputed.value")
    payable = _amount(attribute="figures.payable.value")
    figures = fields.List(
        fields.Nested(FigureSchema),
        required=True,
        attribute=of(lambda report: report.figures.listed() if report.stands else ()),
    )
    tax_amount = _amount(attribute="frozen.tax_amount")
    currency = fields.String(required=True, attribute="agreement.term.currency")
    sha256 = fields.String(required=True, metadata=HASH)
    is_current = fields.Boolean(required=True)
    run = fields.Nested(ReconciliationRunSchema, required=True, allow_none=True)
    invoices = fields.List(fields.Nested(ReconciledDocumentSchema), required=True, attribute=of(_documents))
    not_invoiced = fields.List(
        fields.Nested(FoundSchema),
        required=True,
        attribute=of(lambda report: _found(report, report.frozen.not_invoiced, None)),
    )
    disputes = fields.List(fields.Nested(DisputeSchema), required=True)


class QuarterRowSchema(TermsSchema):
    """A quarter in the list; ``run`` is its last one, null where it was never run."""

    quarter = LabelText(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES), attribute="state.value")
    documents = fields.Integer(required=True)
    disputed = _amount(attribute="disputed.value")
    figures = fields.List(fields.Nested(FigureSchema), required=True, attribute=of(lambda row: row.figures()))
    due_on = Day(required=True, allow_none=True)
    run = fields.Nested(ReconciliationRunSchema, required=True, allow_none=True)


class QuarterRowPageSchema(PageSchema):
    """The quarters that have begun, newest first."""

    items = fields.List(fields.Nested(QuarterRowSchema), required=True)


class BilledLineSchema(TermsSchema):
    """An invoice line as it was read."""

    line = fields.String(required=True, attribute="id")
    quantity = fields.String(
        required=True,
        allow_none=True,
        attribute=of(lambda line: None if line.quantity is None else format(line.quantity.normalize(), "f")),
    )
    unit_price = PriceText(required=True, allow_none=True)
    allowance = _amount()
    net = _amount()


class ReconciledLineSchema(TermsSchema):
    """Invoice lines beside the expected lines they stand for; `invoiced` and `expected` are null for a whole document."""

    id = fields.String(required=True, attribute="key")
    kind = fields.String(required=True, validate=validate.OneOf(("lines", "document", "not_invoiced")))
    document = fields.String(required=True, allow_none=True, attribute="number")
    trusts = fields.List(fields.String(allow_none=True), required=True)
    algorithms = fields.List(fields.String(allow_none=True), required=True)
    period = fields.Nested(PeriodSchema, required=True, allow_none=True)
    invoice_lines = fields.List(fields.Nested(BilledLineSchema), required=True, attribute="billed")
    expected_lines = fields.List(
        fields.String(), required=True, attribute=of(lambda row: [line.id for line in row.due])
    )
    invoiced = _amount(allow_none=True)
    expected = _amount(allow_none=True)
    difference = _amount()
    findings = fields.List(fields.String(), required=True, attribute=of(lambda row: [each.key for each in row.found]))
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
    line = _amount(attribute="tolerance.line")
    invoice = _amount(attribute="tolerance.invoice")
    tax = _amount(attribute="tolerance.tax")
    clause = fields.String(required=True)
    reason = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("drafted", "approved", "declined")))
    drafted_by = fields.String(required=True)
    drafted_at = IsoText(required=True, metadata=INSTANT)
    decided_by = fields.String(required=True, allow_none=True)
    decided_at = IsoText(required=True, allow_none=True, metadata=INSTANT)
    comment = fields.String(required=True, allow_none=True)


class AgreedTolerancePageSchema(PageSchema):
    """The tolerances, newest draft first."""

    items = fields.List(fields.Nested(AgreedToleranceSchema), required=True)


def dump_signatures(runs: tuple[Run, ...]) -> list[dict[str, Any]]:
    """Write the signatures of a quarter's runs."""
    return [
        {"run": run.number, "kind": sign.kind, "by": sign.by, "at": sign.at.isoformat(), "statement": sign.statement}
        for run in runs
        for sign in (run.attested, run.approved)
        if sign is not None
    ]
