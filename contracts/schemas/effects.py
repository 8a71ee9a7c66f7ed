"""What an act on a whole agreement costs to its end, and the guards that decide on it, as the API tells them."""

from __future__ import annotations

from marshmallow import fields

from contracts.schemas.fields import AmountText, Clause, Day, Flag, TermsSchema, Whole
from contracts.schemas.options import RefusalSchema


class ApprovalFieldsSchema(TermsSchema):
    """What comes with an approval: in whose place (a delegation), and whether it may go over what an override was asked for."""

    delegation = Whole(load_default=None, allow_none=True)
    allow_over = Flag(load_default=False)


class OverrideRequestSchema(TermsSchema):
    """Why an act should be allowed to go over what refuses it."""

    reason = Clause(required=True)


class CoverSchema(TermsSchema):
    """What a cost centre bears more in a year, against its budget (null: none is approved)."""

    trust = fields.String(required=True)
    cost_centre = fields.String(required=True, allow_none=True)
    year = fields.Integer(required=True, attribute="cover.year")
    more = AmountText(required=True, attribute="cover.cost")
    budget = AmountText(required=True, allow_none=True, attribute="cover.budget")
    bound = AmountText(required=True, attribute="cover.bound")


class EffectSchema(TermsSchema):
    """Kroner excluding VAT to the agreement's end, with the act less without it; `to` is exclusive."""

    expected = AmountText(required=True)
    p90 = AmountText(required=True)
    used = AmountText(required=True)
    open = AmountText(required=True)
    maximum = AmountText(required=True, allow_none=True)
    left = AmountText(required=True, allow_none=True)
    to = Day(required=True, attribute="term.end")
    covers = fields.List(fields.Nested(CoverSchema), required=True)


class ActOverrideSchema(TermsSchema):
    """An override that covers what refuses the act; it takes an approver who allows it."""

    id = fields.Integer(required=True)
    reason = fields.String(required=True)
    by = fields.String(required=True)


class GivenApprovalSchema(TermsSchema):
    """An approval that counts, and in whose place it was given."""

    by = fields.String(required=True)
    principal = fields.String(required=True)


class WeighedSchema(TermsSchema):
    """An act with its effect (null: a price is missing), every guard that refuses or warns, and who has approved it."""

    effect = fields.Nested(EffectSchema, required=True, allow_none=True)
    refusals = fields.List(fields.Nested(RefusalSchema), required=True)
    warnings = fields.List(fields.Nested(RefusalSchema), required=True)
    override = fields.Nested(ActOverrideSchema, required=True, allow_none=True)
    approvals = fields.List(fields.Nested(GivenApprovalSchema), required=True)
    needed = fields.Integer(required=True)
