"""Options and activations, their dossiers, and approvals, as commands and the API read and write them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import fields, validate

from contracts.schemas.answers import INSTANT, AgreementQuerySchema, PageSchema
from contracts.schemas.fields import (
    CODE,
    Amount,
    Clause,
    Day,
    Flag,
    IsoText,
    Number,
    TermsSchema,
    Text,
    Whole,
    load,
    of,
)
from contracts.terms import workflow
from contracts.terms.money import format_amount

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

    month = fields.String(required=True, attribute=of(lambda one: f"{one.month:%Y-%m}"))
    amount = Amount(2, required=True, allow_none=True)
    own = Amount(2, required=True, metadata={"description": "The part that falls on the activation's own trust."})
    others = Amount(
        2, required=True, allow_none=True, metadata={"description": "The part that falls on the other trusts."}
    )


class CostFiguresSchema(TermsSchema):
    """What an activation is expected to cost to the agreement's current end, frozen with its submission; without VAT.

    Within one trust the other trusts' part is of the months in which no single one could be told from it, as the sums are; null
    is what you are not told.
    """

    first = Day(required=True, data_key="from")
    until = Day(required=True, data_key="to")
    expected = Amount(2, required=True, allow_none=True)
    own = Amount(2, required=True, metadata={"description": "The part that falls on the activation's own trust."})
    p90 = Amount(2, required=True, allow_none=True)
    first_year = Amount(2, required=True)
    ramp_end = Day(required=True, allow_none=True)
    others = Amount(
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
    at = IsoText(required=True, metadata=INSTANT)


class SubmissionSchema(TermsSchema):
    """What was sent to approval, frozen."""

    sha256 = fields.String(required=True, metadata={"pattern": "^[0-9a-f]{64}$"})
    basis = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    figures = fields.Nested(CostFiguresSchema, required=True, allow_none=True)
    by = fields.String(required=True)
    at = IsoText(required=True, metadata=INSTANT)


class ApprovalSchema(TermsSchema):
    """Who approved, and in whose place."""

    by = fields.String(required=True)
    principal = fields.String(required=True)


class DossierItemSchema(TermsSchema):
    """One item of a dossier. ``entry`` names what it says now: send it back as ``seen``."""

    item = fields.String(required=True, attribute="code")
    due_by = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("missing", "offered", "accepted", "refused")))
    document = fields.Integer(required=True, allow_none=True, attribute="document_id")
    version = fields.Integer(required=True, allow_none=True)
    file = fields.String(required=True, allow_none=True, attribute="filename")
    sha256 = fields.String(required=True, allow_none=True)
    facts = fields.Dict(required=True)
    lacking = fields.List(fields.String(), required=True)
    comment = fields.String(required=True)
    entry = fields.Integer(required=True, allow_none=True, attribute="entry_id")
    reused = fields.Integer(required=True, allow_none=True, attribute="basis_id")
    by = fields.String(required=True, allow_none=True)
    at = IsoText(required=True, allow_none=True, metadata=INSTANT)


class OverrideSchema(TermsSchema):
    """A request to go beyond the maximum value, and the headroom that there was when it was made."""

    id = fields.Integer(required=True)
    reason = fields.String(required=True)
    request = Amount(2, required=True)
    headroom = Amount(2, required=True)
    by = fields.String(required=True)
    known_at = IsoText(required=True, metadata=INSTANT)
    decision = fields.String(required=True, allow_none=True)
    decided_by = fields.String(required=True, allow_none=True)


def _running(case: Any) -> Any:
    """Give the activation of a case, null where there is none or it was taken back."""
    return None if case.activation is None or case.activation.void else case.activation


class CaseSchema(TermsSchema):
    """An option or an activation as it stands, with the steps that could come next."""

    id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(("option", "activation")))
    trust = fields.String(required=True)
    algorithm = fields.String(required=True, allow_none=True)
    state = fields.String(required=True)
    deadline = Day(required=True, allow_none=True)
    go_live = Day(
        required=True, allow_none=True, attribute=of(lambda case: _running(case) and case.activation.go_live_on)
    )
    end = Day(required=True, allow_none=True, attribute=of(lambda case: _running(case) and case.activation.end_on))
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

    kind = fields.String(required=True, attribute=of(lambda one: one.kind.removeprefix("letter.")))
    document = fields.Integer(required=True, attribute="document.id")
    version = fields.Integer(required=True, attribute="document.newest.number")
    file = fields.String(required=True, attribute="document.newest.filename")
    sha256 = fields.String(required=True, attribute="document.newest.sha256")
    at = IsoText(required=True, attribute="document.newest.recorded_at")


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
        metadata={
            "description": "Its parts by month, January first, that sum to the amount; null: fixed fees where they are billed, the rest evenly."
        },
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


def dump_case(
    case: Any, items: Iterable[Any], overrides: Iterable[Any], choices: Iterable[Any], scope: str | None
) -> dict[str, Any]:
    """Write a case whole, as a reader within ``scope`` is told it (None: one of all trusts)."""
    written: dict[str, Any] = CaseSchema(exclude=("dossier", "overrides", "choices")).dump(case)
    if case.submission is not None and case.submission.figures is not None:
        written["submission"]["figures"] = case.submission.figures.told(scope).to_written()
    return written | {
        "dossier": DossierItemSchema(many=True).dump(items),
        "overrides": OverrideSchema(many=True).dump(overrides),
        "choices": ChoiceSchema(many=True).dump(choices),
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
