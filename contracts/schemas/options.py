"""Options and activations, their dossiers, and approvals, as commands and the API read and write them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import fields, validate

from contracts.schemas.answers import INSTANT, AgreementQuerySchema, PageSchema
from contracts.schemas.fields import CODE, Clause, Day, Flag, Number, TermsSchema, Text, Whole, load
from contracts.terms import workflow
from contracts.terms.money import format_amount
from contracts.terms.workflow import CertificateFacts, Refusal

LONGEST = validate.Length(max=2000, error="too_long: At most 2000 characters.")
SHORT = validate.Length(max=200, error="too_long: At most 200 characters.")
ALL_EVENTS = sorted({rule.event for rule in workflow.RULES})
ALL_ITEMS = sorted({item for items in workflow.DOSSIER_ITEMS.values() for item in items})


class RefusalSchema(TermsSchema):
    """What one guard says, with the numbers it rests on."""

    guard = fields.String(required=True)
    code = fields.String(required=True)
    detail = fields.String(required=True)
    clause = fields.String(required=True)
    numbers = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class ChoiceSchema(TermsSchema):
    """A step that comes from the present state: whether your roles permit it, whether it may be taken now, and why not."""

    event = fields.String(required=True)
    target = fields.String(required=True)
    permitted = fields.Boolean(required=True)
    allowed = fields.Boolean(required=True)
    refusals = fields.List(fields.Nested(RefusalSchema), required=True)
    warnings = fields.List(fields.Nested(RefusalSchema), required=True)


class PlanSchema(TermsSchema):
    """What is asked for. ``ends_on`` is the first day without it."""

    number = fields.Integer(required=True)
    starts_on = Day(required=True)
    ends_on = Day(required=True, allow_none=True)
    monthly_quantity = fields.Integer(required=True)
    intended_use = fields.String(required=True)


class MonthCostSchema(TermsSchema):
    """The expected cost of a month; null is what you are not told."""

    month = fields.String(required=True)
    amount = Number(2, required=True, allow_none=True)
    own = Number(2, required=True, metadata={"description": "The part that falls on the activation's own trust."})
    others = Number(
        2, required=True, allow_none=True, metadata={"description": "The part that falls on the other trusts."}
    )


class CostFiguresSchema(TermsSchema):
    """What an activation is expected to cost to the agreement's current end, frozen with its submission; without VAT.

    Within one trust the other trusts' part is of the months in which no single one could be told from it, as the sums are; null
    is what you are not told.
    """

    first = Day(required=True, data_key="from")
    until = Day(required=True, data_key="to")
    expected = Number(2, required=True, allow_none=True)
    own = Number(2, required=True, metadata={"description": "The part that falls on the activation's own trust."})
    p90 = Number(2, required=True, allow_none=True)
    first_year = Number(2, required=True)
    ramp_end = Day(required=True, allow_none=True)
    others = Number(
        2, required=True, allow_none=True, metadata={"description": "The part that falls on the other trusts."}
    )
    by_month = fields.List(fields.Nested(MonthCostSchema), required=True)
    basis = fields.String(required=True)
    as_of = Day(required=True, allow_none=True, metadata={"description": "The first day that was not counted yet."})


class StepSchema(TermsSchema):
    """An event of a case and the state it led to."""

    event = fields.String(required=True)
    source = fields.String(required=True, data_key="from")
    state = fields.String(required=True, data_key="to")
    on = Day(required=True)
    comment = fields.String(required=True)
    by = fields.String(required=True)
    at = fields.String(required=True, metadata=INSTANT)


class SubmissionSchema(TermsSchema):
    """What was sent to approval, frozen."""

    sha256 = fields.String(required=True, metadata={"pattern": "^[0-9a-f]{64}$"})
    basis = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    figures = fields.Nested(CostFiguresSchema, required=True, allow_none=True)
    by = fields.String(required=True)
    at = fields.String(required=True, metadata=INSTANT)


class ApprovalSchema(TermsSchema):
    """Who approved, and in whose place."""

    by = fields.String(required=True)
    principal = fields.String(required=True)


class DossierItemSchema(TermsSchema):
    """One item of a dossier. ``entry`` names what it says now: send it back as ``seen``."""

    item = fields.String(required=True)
    due_by = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("missing", "offered", "accepted", "refused")))
    document = fields.Integer(required=True, allow_none=True)
    version = fields.Integer(required=True, allow_none=True)
    file = fields.String(required=True, allow_none=True)
    sha256 = fields.String(required=True, allow_none=True)
    facts = fields.Dict(required=True)
    lacking = fields.List(fields.String(), required=True)
    comment = fields.String(required=True)
    entry = fields.Integer(required=True, allow_none=True)
    reused = fields.Integer(required=True, allow_none=True)
    by = fields.String(required=True, allow_none=True)
    at = fields.String(required=True, allow_none=True, metadata=INSTANT)


class OverrideSchema(TermsSchema):
    """A request to go beyond the maximum value, and the headroom that there was when it was made."""

    id = fields.Integer(required=True)
    reason = fields.String(required=True)
    request = Number(2, required=True)
    headroom = Number(2, required=True)
    by = fields.String(required=True)
    known_at = fields.String(required=True, metadata=INSTANT)
    decision = fields.String(required=True, allow_none=True)
    decided_by = fields.String(required=True, allow_none=True)


class CaseSchema(TermsSchema):
    """An option or an activation as it stands, with the steps that could come next."""

    id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(("option", "activation")))
    trust = fields.String(required=True)
    algorithm = fields.String(required=True, allow_none=True)
    state = fields.String(required=True)
    deadline = Day(required=True, allow_none=True)
    go_live = Day(required=True, allow_none=True)
    end = Day(required=True, allow_none=True)
    plan = fields.Nested(PlanSchema, required=True, allow_none=True)
    submission = fields.Nested(SubmissionSchema, required=True, allow_none=True)
    approvals = fields.List(fields.Nested(ApprovalSchema), required=True)
    steps = fields.List(fields.Nested(StepSchema), required=True)
    dossier = fields.List(fields.Nested(DossierItemSchema), required=True)
    overrides = fields.List(fields.Nested(OverrideSchema), required=True)
    choices = fields.List(fields.Nested(ChoiceSchema), required=True)


class NewPlanSchema(TermsSchema):
    """From which day, until which (the first day without it), how many examinations a month, for what use."""

    starts_on = Day(required=True)
    ends_on = Day(load_default=None, allow_none=True)
    monthly_quantity = Whole(required=True, validate=validate.Range(0, 10_000_000))
    intended_use = Clause(load_default="", validate=LONGEST)


class NewActivationSchema(NewPlanSchema):
    """An activation that is asked for."""

    trust = fields.String(required=True, validate=CODE)
    algorithm = fields.String(required=True, validate=CODE)


class EventDataSchema(TermsSchema):
    """What comes with an event: the day it is true from, why, a reference to a document, the delegation acted under."""

    on = Day(load_default=None, allow_none=True)
    comment = Clause(load_default="", validate=LONGEST)
    document = Text(load_default=None, allow_none=True, validate=SHORT)
    delegation = Whole(load_default=None, allow_none=True, validate=validate.Range(1, 2**62))


class TransitionSchema(TermsSchema):
    """An event and its data."""

    event = Text(required=True, validate=SHORT, metadata={"description": f"One of {', '.join(ALL_EVENTS)}."})
    data = fields.Nested(EventDataSchema, load_default=dict)


class DossierQuerySchema(AgreementQuerySchema):
    """Which item a document is filed under; some items say something beside it."""

    item = Text(required=True, validate=SHORT)
    cost_centre = fields.String(load_default=None, validate=SHORT)
    year = fields.String(load_default=None, validate=SHORT)
    sub_processors = fields.String(load_default=None, validate=SHORT)
    place = fields.String(load_default=None, validate=SHORT)
    comment = fields.String(load_default="", validate=SHORT)


class ConfirmationQuerySchema(AgreementQuerySchema):
    """The day on which the vendor's confirmation was received."""

    received_on = Day(required=True)


class LetterSchema(TermsSchema):
    """A paper of the correspondence: which kind, the document that it is filed as, and its newest version."""

    kind = fields.String(required=True)
    document = fields.Integer(required=True)
    version = fields.Integer(required=True)
    file = fields.String(required=True)
    sha256 = fields.String(required=True)
    at = fields.String(required=True)


class LetterPageSchema(PageSchema):
    """Letters and confirmations, oldest first."""

    items = fields.List(fields.Nested(LetterSchema), required=True)


class JudgementSchema(TermsSchema):
    """What is said of the entry ``seen`` of an item."""

    item = Text(required=True, validate=SHORT)
    seen = Whole(required=True, validate=validate.Range(1, 2**62))
    status = fields.String(required=True, validate=validate.OneOf(("accepted", "refused")))
    comment = Clause(load_default="", validate=LONGEST)


class ReuseSchema(TermsSchema):
    """Which accepted entry of another dossier is the basis of this one's item."""

    item = Text(required=True, validate=SHORT)
    basis = Whole(required=True, validate=validate.Range(1, 2**62))
    facts = fields.Dict(keys=fields.String(), values=fields.String(validate=SHORT), load_default=dict)
    comment = Clause(load_default="", validate=LONGEST)


class NewOverrideSchema(TermsSchema):
    """Why the maximum value should be exceeded, and by which request (P90, without VAT)."""

    reason = Text(required=True, validate=LONGEST)
    request = Number(2, required=True)


class OverrideDecisionSchema(TermsSchema):
    """Whether an override is allowed."""

    decision = fields.String(required=True, validate=validate.OneOf(("approved", "declined")))
    comment = Clause(load_default="", validate=LONGEST)


class AwaitingSchema(TermsSchema):
    """A case that waits for your decision."""

    id = fields.String(required=True)
    kind = fields.String(required=True)
    trust = fields.String(required=True)
    algorithm = fields.String(required=True, allow_none=True)
    p90 = Number(2, required=True, allow_none=True)
    approvals = fields.Integer(required=True)
    approvals_needed = fields.Integer(required=True)
    submitted_by = fields.String(required=True)
    submitted_at = fields.String(required=True, metadata=INSTANT)


class AwaitingPageSchema(PageSchema):
    """Cases that wait for your decision, oldest submission first."""

    items = fields.List(fields.Nested(AwaitingSchema), required=True)


class BudgetSchema(TermsSchema):
    """Approved funding of a trust's cost centre for a calendar year, without VAT."""

    trust = fields.String(required=True, validate=CODE)
    cost_centre = Text(required=True, validate=SHORT)
    year = Whole(required=True, validate=validate.Range(2000, 2999))
    amount = Number(2, required=True)
    approved_on = Day(required=True)
    reference = Text(required=True, validate=SHORT)
    months = fields.List(
        Number(2),
        load_default=None,
        allow_none=True,
        metadata={"description": "Its parts by month, January first, that sum to the amount; null: spread evenly."},
    )


class BudgetPageSchema(PageSchema):
    """Funding, by trust, year and cost centre."""

    items = fields.List(fields.Nested(BudgetSchema), required=True)


class CertificateSchema(TermsSchema):
    """A product's conformity certificate; ``expires_on`` is its last day."""

    number = Text(required=True, validate=SHORT)
    ce_class = Text(required=True, validate=SHORT)
    valid_from = Day(required=True)
    expires_on = Day(required=True)
    research_only = Flag(load_default=False)


class NewCertificateSchema(CertificateSchema):
    """A certificate that is recorded."""

    notified_body = Text(required=True, validate=SHORT)


class CertificatePageSchema(PageSchema):
    """Certificates, the first to expire first."""

    items = fields.List(fields.Nested(CertificateSchema), required=True)


@dataclass(frozen=True, slots=True)
class Transitioned:
    """What was read of a request for a step."""

    event: str
    on: date | None
    comment: str
    document: str | None
    delegation: int | None


def load_transition(document: Any, pointer: str = "#") -> Transitioned:
    """Read ``{"event", "data"}``; `InvalidInput` with every error."""
    read = load(TransitionSchema(), document, pointer)
    data = {"on": None, "comment": "", "document": None, "delegation": None} | read["data"]
    return Transitioned(read["event"], **data)


def load_event_data(event: str, document: Any) -> Transitioned:
    """Read the data of an event that is named elsewhere."""
    return Transitioned(event, **load(EventDataSchema(), document, "#"))


def dump_items(cases: Iterable[Any]) -> dict[str, Any]:
    """List options, then activations, each with its kind, trust, algorithm, state and deadline."""
    return {
        "items": [
            {
                "id": str(case.id),
                "kind": case.kind,
                "trust": case.trust,
                "algorithm": case.algorithm,
                "state": case.state,
                "deadline": None if case.deadline is None else case.deadline.isoformat(),
            }
            for case in cases
        ]
    }


def dump_case(
    case: Any, items: Iterable[Any], overrides: Iterable[Any], choices: Iterable[Any], scope: str | None
) -> dict[str, Any]:
    """Write a case whole, as a reader within ``scope`` is told it (None: one of all trusts)."""
    running = case.activation
    plan, sent = case.plan, case.submission
    return {
        **dump_items([case])["items"][0],
        "go_live": None if running is None or running.void else running.go_live_on.isoformat(),
        "end": None if running is None or running.void or running.end_on is None else running.end_on.isoformat(),
        "plan": None
        if plan is None
        else {
            "number": plan.number,
            "starts_on": plan.starts_on.isoformat(),
            "ends_on": None if plan.ends_on is None else plan.ends_on.isoformat(),
            "monthly_quantity": plan.monthly_quantity,
            "intended_use": plan.intended_use,
        },
        "submission": None
        if sent is None
        else {
            "sha256": sent.sha256,
            "basis": sent.basis,
            "figures": None if sent.figures is None else sent.figures.told(scope).to_written(),
            "by": sent.by,
            "at": sent.at.isoformat(),
        },
        "approvals": [{"by": one.by, "principal": one.principal} for one in case.approvals],
        "steps": [
            {
                "event": step.event,
                "from": step.source,
                "to": step.state,
                "on": step.on.isoformat(),
                "comment": step.comment,
                "by": step.by,
                "at": step.at.isoformat(),
            }
            for step in case.steps
        ],
        "dossier": [dump_dossier_item(one) for one in items],
        "overrides": [dump_override(one) for one in overrides],
        "choices": [
            {
                "event": one.event,
                "target": one.target,
                "permitted": one.permitted,
                "allowed": one.allowed,
                "refusals": [dump_refusal(refusal) for refusal in one.refusals],
                "warnings": [dump_refusal(refusal) for refusal in one.warnings],
            }
            for one in choices
        ],
    }


def dump_refusal(refusal: Refusal) -> dict[str, Any]:
    """Write what a guard says."""
    return {
        "guard": refusal.guard,
        "code": refusal.code,
        "detail": refusal.detail,
        "clause": refusal.clause,
        "numbers": dict(refusal.numbers),
    }


def dump_dossier_item(one: Any) -> dict[str, Any]:
    """Write an item of a dossier."""
    return {
        "item": one.code,
        "due_by": one.due_by,
        "status": one.status,
        "document": one.document_id,
        "version": one.version,
        "file": one.filename,
        "sha256": one.sha256,
        "facts": one.facts,
        "lacking": list(one.lacking),
        "comment": one.comment,
        "entry": one.entry_id,
        "reused": one.basis_id,
        "by": one.by,
        "at": None if one.at is None else one.at.isoformat(),
    }


def dump_letter(one: Any) -> dict[str, Any]:
    """Write a paper of the correspondence; its bytes are read from the documents."""
    newest = one.document.newest
    return {
        "kind": one.kind.removeprefix("letter."),
        "document": one.document.id,
        "version": newest.number,
        "file": newest.filename,
        "sha256": newest.sha256,
        "at": newest.recorded_at.isoformat(),
    }


def dump_override(one: Any) -> dict[str, Any]:
    """Write an override."""
    return {
        "id": one.id,
        "reason": one.reason,
        "request": format_amount(one.request),
        "headroom": format_amount(one.headroom),
        "by": one.by,
        "known_at": one.known_at.isoformat(),
        "decision": one.decision,
        "decided_by": one.decided_by,
    }


def dump_budget(one: Any) -> dict[str, Any]:
    """Write approved funding."""
    return {
        "trust": one.trust,
        "cost_centre": one.cost_centre,
        "year": one.year,
        "amount": format_amount(one.amount),
        "approved_on": one.approved_on.isoformat(),
        "reference": one.reference,
        "months": [format_amount(part) for part in one.months] if one.phased else None,
    }


def dump_certificate(one: CertificateFacts) -> dict[str, Any]:
    """Write a certificate."""
    return {
        "number": one.number,
        "ce_class": one.ce_class,
        "valid_from": one.valid_from.isoformat(),
        "expires_on": one.expires_on.isoformat(),
        "research_only": one.research_only,
    }
