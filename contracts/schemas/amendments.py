"""Amendments as the API shows them, and the bodies they are drafted and decided with."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load, validate

from contracts.schemas.answers import PageSchema
from contracts.schemas.effects import ApprovalFieldsSchema
from contracts.schemas.fields import AmountText, Choice, Clause, Day, Flag, IsoText, Number, TermsSchema, Text
from contracts.terms.amendment import BASES, KINDS, STATES, Proposal
from contracts.terms.money import AMOUNT_DECIMALS

SHORT = validate.Length(max=200, error="too_long: At most 200 characters.")
LONG = validate.Length(max=2000, error="too_long: At most 2000 characters.")
EVENTS = ("approve", "ask_override", "reject", "withdraw", "announce")


class NewAmendmentSchema(TermsSchema):
    """A change to draft; `new_end` is exclusive. What is left out stays as it is."""

    kind = Choice(KINDS, required=True)
    basis = Choice(BASES, load_default="clause")
    title = Text(required=True, validate=SHORT)
    reason = Text(required=True, validate=LONG)
    clause = Clause(load_default="", validate=SHORT)
    signed_on = Day(required=True)
    value_change = Number(AMOUNT_DECIMALS, load_default=None, allow_none=True)
    new_maximum = Number(AMOUNT_DECIMALS, load_default=None, allow_none=True)
    new_end = Day(load_default=None, allow_none=True)
    options_until = Day(load_default=None, allow_none=True)
    vendor_name = Clause(load_default="", validate=SHORT)
    vendor_number = Clause(load_default="", validate=SHORT)

    @post_load
    def _to_terms(self, data: dict[str, Any], **kwargs: Any) -> Proposal:
        return Proposal(**data)


class AmendmentEventSchema(ApprovalFieldsSchema):
    """What is to happen to a draft; `on` and a `reason` go with `announce`, a `reason` with `reject` and `ask_override`."""

    event = Choice(EVENTS, required=True)
    reason = Clause(load_default="", validate=LONG)
    on = Day(load_default=None, allow_none=True)
    given_in_time = Flag(load_default=False)


class AmendmentStepSchema(TermsSchema):
    """A state that it came into."""

    state = fields.String(required=True, validate=validate.OneOf(STATES))
    on = Day(required=True)
    reason = fields.String(required=True)
    by = fields.String(required=True)
    at = IsoText(required=True)


class AmendmentAnswerSchema(TermsSchema):
    """A change with its course. Shares are exact fractions such as `3/40`, null where a value is unknown."""

    number = fields.Integer(required=True, attribute="amendment.number")
    kind = fields.String(required=True, validate=validate.OneOf(KINDS), attribute="amendment.kind")
    basis = fields.String(required=True, validate=validate.OneOf(BASES), attribute="amendment.basis")
    title = fields.String(required=True, attribute="amendment.title")
    reason = fields.String(required=True, attribute="amendment.reason")
    clause = fields.String(required=True, attribute="amendment.clause")
    signed_on = Day(required=True, attribute="amendment.signed_on")
    value_change = AmountText(required=True, allow_none=True, attribute="amendment.value_change")
    original_value = AmountText(required=True, allow_none=True, attribute="amendment.original_value")
    new_maximum = AmountText(required=True, allow_none=True, attribute="amendment.new_maximum")
    new_end = Day(required=True, allow_none=True, attribute="amendment.new_end")
    extension_from = Day(required=True, allow_none=True, attribute="amendment.extension_from")
    options_until = Day(required=True, allow_none=True, attribute="amendment.options_until")
    vendor_name = fields.String(required=True, attribute="amendment.vendor_name")
    vendor_number = fields.String(required=True, attribute="amendment.vendor_number")
    approved_on = Day(required=True, allow_none=True, attribute="amendment.approved_on")
    announced_on = Day(required=True, allow_none=True, attribute="amendment.announced_on")
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    share = fields.String(required=True, allow_none=True, attribute="amendment.share")
    cumulative_minor = fields.String(required=True, allow_none=True, attribute="minor")
    cumulative_all = fields.String(required=True, allow_none=True, attribute="all_changes")
    notice_by = Day(required=True, allow_none=True)
    announce_by = Day(required=True, allow_none=True, attribute="amendment.announce_by")
    course = fields.List(fields.Nested(AmendmentStepSchema), required=True)


class AmendmentPageSchema(PageSchema):
    """Amendments by number."""

    items = fields.List(fields.Nested(AmendmentAnswerSchema), required=True)
