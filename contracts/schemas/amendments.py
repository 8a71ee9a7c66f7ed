"""Amendments as the API shows them, and the bodies they are drafted and decided with."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load, validate

from contracts.schemas.agreement import dump_amendment
from contracts.schemas.answers import PageSchema
from contracts.schemas.fields import Choice, Clause, Day, Flag, Number, TermsSchema, Text
from contracts.terms.amendment import BASES, KINDS, STATES, Proposal, Recorded
from contracts.terms.money import AMOUNT_DECIMALS

SHORT = validate.Length(max=200, error="too_long: At most 200 characters.")
LONG = validate.Length(max=2000, error="too_long: At most 2000 characters.")
EVENTS = ("approve", "reject", "withdraw", "announce")


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

    @post_load
    def _to_terms(self, data: dict[str, Any], **kwargs: Any) -> Proposal:
        return Proposal(**data)


class AmendmentEventSchema(TermsSchema):
    """What is to happen to a draft; `on` and a `reason` go with `announce`, a `reason` with `reject`."""

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
    at = fields.String(required=True)


class AmendmentAnswerSchema(TermsSchema):
    """A change with its course. Shares are exact fractions such as `3/40`, null where a value is unknown."""

    number = fields.Integer(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    basis = fields.String(required=True, validate=validate.OneOf(BASES))
    title = fields.String(required=True)
    reason = fields.String(required=True)
    clause = fields.String(required=True)
    signed_on = Day(required=True)
    value_change = fields.String(required=True, allow_none=True)
    original_value = fields.String(required=True, allow_none=True)
    new_maximum = fields.String(required=True, allow_none=True)
    new_end = Day(required=True, allow_none=True)
    extension_from = Day(required=True, allow_none=True)
    options_until = Day(required=True, allow_none=True)
    approved_on = Day(required=True, allow_none=True)
    announced_on = Day(required=True, allow_none=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    share = fields.String(required=True, allow_none=True)
    cumulative_minor = fields.String(required=True, allow_none=True)
    cumulative_all = fields.String(required=True, allow_none=True)
    notice_by = Day(required=True, allow_none=True)
    announce_by = Day(required=True, allow_none=True)
    course = fields.List(fields.Nested(AmendmentStepSchema), required=True)


class AmendmentPageSchema(PageSchema):
    """Amendments by number."""

    items = fields.List(fields.Nested(AmendmentAnswerSchema), required=True)


def dump_recorded(found: Recorded) -> dict[str, Any]:
    """Write an amendment with its course."""
    made = found.amendment
    shares = {"share": made.share, "cumulative_minor": found.minor, "cumulative_all": found.all_changes}
    days = {"notice_by": found.notice_by, "announce_by": made.announce_by}
    return (
        dump_amendment(made)
        | {"state": found.state}
        | {name: None if value is None else str(value) for name, value in shares.items()}
        | {name: None if value is None else value.isoformat() for name, value in days.items()}
        | {
            "course": [
                {
                    "state": step.state,
                    "on": step.on.isoformat(),
                    "reason": step.reason,
                    "by": step.by,
                    "at": step.at.isoformat(),
                }
                for step in found.course
            ]
        }
    )
